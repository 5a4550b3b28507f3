package records

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

// FuzzLine reads any octets as a line of the journal; what is a record is
// written as it was read.
func FuzzLine(f *testing.F) {
	line, err := appendLine(nil, &Record{Unique: "1.0-a", Caller: "1001", Began: time.Unix(1, 5).UTC(), Fields: map[string]string{"a": "b\n\x00"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line[:len(line)-1])
	f.Add([]byte("00000000 {}"))
	f.Add([]byte("zzzzzzzz {}"))
	f.Add([]byte("1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseLine(line)
		if err != nil {
			return
		}
		again, err := appendLine(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(again, '\n') != len(again)-1 {
			t.Fatalf("a record is not one line: %q", again)
		}
		if second, err := parseLine(again[:len(again)-1]); err != nil || !reflect.DeepEqual(r, second) {
			t.Errorf("%v\n%+v\n%+v", err, r, second)
		}
	})
}

func TestMOS(t *testing.T) {
	for _, test := range []struct {
		codec          string
		expected, lost int64
		jitter, round  time.Duration
		low, high      float64
	}{
		{"alaw", 1000, 0, 0, 0, 4.35, 4.45}, // the best there is: R is 93.2 less the delay of a packet
		{"alaw", 1000, 0, 0, 400 * time.Millisecond, 4.05, 4.25},
		{"alaw", 1000, 0, 0, 800 * time.Millisecond, 2.7, 3.2},
		{"alaw", 1000, 20, 5 * time.Millisecond, 50 * time.Millisecond, 4.1, 4.3},
		{"alaw", 1000, 200, 0, 0, 2, 2.8},
		{"gsm", 1000, 0, 0, 0, 3.6, 3.8},
		{"unheard-of", 1000, 0, 0, 0, 4.2, 4.4},
		{"gsm", 1000, 1000, time.Second, time.Second, 1, 1},
		{"alaw", 0, 0, 0, 0, 0, 0},
		{"alaw", 100, -5, 0, 0, 4.35, 4.45}, // packets came twice
	} {
		if got := MOS(test.codec, test.expected, test.lost, test.jitter, test.round); got < test.low || got > test.high {
			t.Errorf("%+v: %.2f", test, got)
		}
	}
	for last, n := 5.0, int64(0); n <= 100; n++ {
		m := MOS("ulaw", 100, n, 0, 0)
		if m > last {
			t.Fatalf("%d lost of 100 sounds better than fewer", n)
		}
		last = m
	}
}
