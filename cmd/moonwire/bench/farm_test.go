package bench

import (
	"encoding/binary"
	"testing"
	"time"
)

// rtp is packet n of stream 1.
func rtp(n uint32, marked bool) []byte {
	b := make([]byte, rtpHeader+rtpPayload)
	b[0] = 2 << 6
	if marked {
		b[1] = 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16(n))
	binary.BigEndian.PutUint32(b[4:], n*frameSamples)
	b[11] = 1
	return b
}

func TestFarmCountsWhatGoesWrong(t *testing.T) {
	f := &farm{deviation: newHistogram(), latency: newHistogram(), since: time.Now()}
	l := &leg{}
	f.legs = []*leg{l}
	at := time.Duration(0)
	for _, p := range []struct {
		n      uint32
		marked bool
		after  time.Duration
	}{
		{n: 65534},
		{n: 65535, after: 20 * time.Millisecond},
		{n: 65536, after: 25 * time.Millisecond},               // 5 ms late; the number has wrapped
		{n: 65537, after: 17 * time.Millisecond},               // 3 ms early
		{n: 65540, after: 60 * time.Millisecond},               // two are lost: no pacing over a gap
		{n: 65539, after: time.Millisecond},                    // one of them after all
		{n: 65541, after: 19 * time.Millisecond, marked: true}, // a new talk spurt has no pace yet
	} {
		at += p.after
		f.take(l, rtp(p.n, p.marked), at)
	}
	f.take(l, []byte{1, 2, 3}, at)
	m := f.report()
	if m.Legs != 1 || l.received != 7 || m.Lost != 2 || m.Reordered != 1 || m.LossPct != 22.2222 {
		t.Errorf("got %+v", m)
	}
	if m.Deviation.Max != 5 || m.Deviation.Count != 3 {
		t.Errorf("deviation is %+v", m.Deviation)
	}
	f.reset()
	if m = f.report(); m.Legs != 0 || m.Lost != 0 || m.Deviation.Count != 0 {
		t.Errorf("after a reset: %+v", m)
	}
}

func TestStampSurvives(t *testing.T) {
	b := make([]byte, rtpPayload)
	want := wallClock()
	writeStamp(b, want)
	if got, ok := readStamp(b); !ok || got != want {
		t.Errorf("got %v, %v, want %v", got, ok, want)
	}
	b[10] = 0x55
	if _, ok := readStamp(b); ok {
		t.Error("a spoiled stamp was read")
	}
	if _, ok := readStamp(b[:10]); ok {
		t.Error("a short stamp was read")
	}
}

func TestHistogram(t *testing.T) {
	h := newHistogram()
	if s := h.spread(); s != (Spread{}) {
		t.Errorf("empty: %+v", s)
	}
	for i := range 1000 {
		h.add(time.Duration(i) * 100 * time.Microsecond)
	}
	h.add(time.Second)
	h.add(-time.Millisecond)
	s := h.spread()
	if s.Count != 1002 || s.P50 != 50 || s.P90 != 90 || s.P99 != 99 || s.Max != 1000 {
		t.Errorf("got %+v", s)
	}
}

func TestPairsAreEvenAndNeighbours(t *testing.T) {
	for range 20 {
		a, b, err := openPair(loopback, 0)
		if err != nil {
			t.Fatal(err)
		}
		if a.port()%2 != 0 || b.port() != a.port()+1 {
			t.Errorf("ports %d and %d", a.port(), b.port())
		}
		a.close()
		b.close()
	}
}
