package rtp

import (
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// key is one packet of a telephone-event.
type key struct {
	code      uint8
	timestamp uint32
	duration  uint16
	end       bool
	marker    bool
}

func (r *rig) press(sequence *uint16, list ...key) {
	for _, k := range list {
		r.feed(phone, rtpPacket(101, k.marker, *sequence, k.timestamp, 9, telephoneEvent{k.code, k.end, 10, k.duration}.append(nil)))
		*sequence++
		r.clk.Advance(20 * time.Millisecond)
	}
}

func (r *rig) pressed() string {
	s := ""
	for _, d := range r.digits {
		s += string(d.Key)
	}
	return s
}

func TestReceivedKeys(t *testing.T) {
	five := []key{{5, 1000, 160, false, true}, {5, 1000, 320, false, false}, {5, 1000, 480, true, false}, {5, 1000, 480, true, false}, {5, 1000, 480, true, false}}
	again := []key{{5, 3000, 160, false, true}, {5, 3000, 320, true, false}}
	pick := func(from []key, places ...int) (list []key) {
		for _, i := range places {
			list = append(list, from[i])
		}
		return list
	}
	join := func(parts ...[]key) (list []key) {
		for _, p := range parts {
			list = append(list, p...)
		}
		return list
	}
	segments := []key{{1, 1000, 160, false, true}, {1, 1000, 0xffff, false, false}, {1, 1000 + 0xffff, 160, false, false}, {1, 1000 + 0xffff, 800, true, false}}
	running := []key{{7, 1000, 160, false, true}, {7, 1160, 320, false, false}, {7, 1320, 480, false, false}, {7, 1320, 480, true, false}}
	cases := []struct {
		name string
		keys []key
		want string
	}{
		{"all packets", five, "5"},
		{"start lost", pick(five, 1, 2, 3, 4), "5"},
		{"only the last end packet", pick(five, 4), "5"},
		{"end packets lost", pick(five, 0, 1), "5"},
		{"end packets lost, then the same key", join(pick(five, 0, 1), again), "55"},
		{"repeated", join(five, pick(five, 2, 3)), "5"},
		{"start after the end", pick(five, 2, 0, 1, 3), "5"},
		{"late packets of a key before", join(pick(five, 0, 2), pick(again, 0), pick(five, 3, 4), pick(again, 1)), "55"},
		{"two keys with one timestamp", []key{{1, 1000, 160, false, true}, {1, 1000, 320, true, false}, {2, 1000, 160, false, true}, {2, 1000, 320, true, false}}, "12"},
		{"long key in segments", segments, "1"},
		{"timestamps that run on", running, "7"},
		{"all sixteen", func() (list []key) {
			for c := range uint8(16) {
				list = append(list, key{c, 1000 * uint32(c), 400, true, true})
			}
			return list
		}(), "0123456789*#ABCD"},
		{"flash and other events are no keys", []key{{16, 1000, 160, true, true}, {255, 2000, 160, true, true}}, ""},
		{"timestamps wrap", []key{{1, 0xffffff00, 160, true, true}, {2, 100, 160, true, true}}, "12"},
	}
	for _, c := range cases {
		for _, atEnd := range []bool{false, true} {
			name := c.name
			if atEnd {
				name += ", told at the end"
			}
			t.Run(name, func(t *testing.T) {
				r := agreed(t, Options{DigitAtEnd: atEnd})
				sequence := uint16(100)
				r.press(&sequence, c.keys...)
				r.clk.Advance(time.Second)
				if got := r.pressed(); got != c.want {
					t.Errorf("heard %q, want %q", got, c.want)
				}
			})
		}
	}
}

func TestDurationOfKeys(t *testing.T) {
	sequence := uint16(1)
	r := agreed(t, Options{})
	r.press(&sequence, key{5, 1000, 160, false, true}, key{5, 1000, 800, true, false}, key{6, 5000, 800, true, true})
	if r.digits[0].Duration != 0 || r.digits[1].Duration != 100*time.Millisecond || r.digits[0].Via != call.ViaRTP {
		t.Errorf("%+v", r.digits)
	}
	r = agreed(t, Options{DigitAtEnd: true})
	r.press(&sequence, key{5, 1000, 160, false, true}, key{5, 1000, 0xffff, false, false}, key{5, 1000 + 0xffff, 801, true, false})
	if len(r.digits) != 1 || r.digits[0].Duration != 8292*time.Millisecond {
		t.Errorf("%+v", r.digits)
	}
}

func TestKeysAreFramesToo(t *testing.T) {
	r := agreed(t, Options{})
	sequence := uint16(1)
	r.press(&sequence, key{5, 1000, 160, false, true})
	if len(r.frames) != 1 || r.frames[0].Kind != call.Telephone || len(r.frames[0].Payload) != 4 || !r.frames[0].Marker {
		t.Errorf("%+v", r.frames)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte{5, 0x8a, 3, 32, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r eventReceiver
		now, keys := begin, 0
		for len(b) >= 5 {
			e, _ := parseEvent(b)
			c := r.take(e, uint32(b[4])*160, b[4]&1 != 0, now)
			if c.pressed {
				keys++
				if strings.IndexByte(eventKeys, c.key) < 0 {
					t.Fatalf("key %q", c.key)
				}
			}
			now = now.Add(10 * time.Millisecond)
			r.expire(now)
			b = b[5:]
		}
	})
}
