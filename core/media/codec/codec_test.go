package codec

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec/l16"
)

func TestEveryCodecKeepsItsWord(t *testing.T) {
	for _, name := range Supported() {
		c, ok := Lookup(name)
		if !ok || c.Codec() != name {
			t.Fatalf("Lookup(%v) found %v, %v", name, c, ok)
		}
		for _, f := range []call.Format{
			{Codec: name, Rate: 8000, Channels: 1, PTime: 10 * time.Millisecond},
			{Codec: name, Rate: 8000, Channels: 1, PTime: 20 * time.Millisecond},
			{Codec: name, Rate: 16000, Channels: 2, PTime: 60 * time.Millisecond},
		} {
			if name == call.GSM && f.PTime%(20*time.Millisecond) != 0 {
				continue // its frames are whole
			}
			pcm := make([]int16, f.Samples()*f.Channels)
			for i := range pcm {
				pcm[i] = int16(i * 37)
			}
			payload := c.NewEncoder(f).Encode([]byte{0xAB}, pcm)
			if payload[0] != 0xAB {
				t.Errorf("%v: Encode does not append", f)
			}
			back, err := c.NewDecoder(f).Decode([]int16{1}, payload[1:])
			if err != nil || len(back) != len(pcm)+1 || back[0] != 1 {
				t.Errorf("%v: %d samples of %d, %v", f, len(back)-1, len(pcm), err)
			}
		}
	}
	if _, ok := Lookup(call.G729); ok {
		t.Error("G.729 is said to be compiled in")
	}
	if _, ok := Lookup(call.Linear); ok {
		t.Error("linear samples have no codec")
	}
}

func TestAppendSilence(t *testing.T) {
	for _, c := range []struct {
		codec call.Codec
		octet byte
		size  int
	}{{call.PCMU, 0xFF, 160}, {call.PCMA, 0xD5, 160}, {call.L16, 0, 640}} {
		got, ok := AppendSilence(nil, call.FormatOf(c.codec))
		if !ok || !bytes.Equal(got, bytes.Repeat([]byte{c.octet}, c.size)) {
			t.Errorf("%v: %d octets, % x…", c.codec, len(got), got[:4])
		}
	}
	if _, ok := AppendSilence(nil, call.FormatOf(call.G729)); ok {
		t.Error("silence for a codec that is not there")
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		codec         call.Codec
		octets, units int
	}{{call.PCMU, 240, 240}, {call.G722, 160, 160}, {call.L16, 640, 320}, {call.GSM, 66, 320}, {call.GSM, 40, 160}} {
		if units, ok := Units(call.FormatOf(c.codec), c.octets); !ok || units != c.units {
			t.Errorf("%d octets of %v are %d units, %v", c.octets, c.codec, units, ok)
		}
	}
	if _, ok := Units(call.FormatOf(call.Opus), 100); ok {
		t.Error("octets of Opus tell no time")
	}
}

func TestTranscoder(t *testing.T) {
	mu, a := call.FormatOf(call.PCMU), call.FormatOf(call.PCMA)
	there, ok := Transcoder(mu, a)
	if !ok || there(nil, []byte{0xFF})[0] != 0xD5 {
		t.Error("µ-law to A-law")
	}
	back, ok := Transcoder(a, mu)
	if !ok || back(nil, []byte{0xD5})[0] != 0xFE {
		t.Error("A-law to µ-law") // value 1 of A-law is value 2 of µ-law
	}
	wide := a
	wide.Rate = 16000
	if _, ok := Transcoder(mu, wide); ok {
		t.Error("a table cannot resample")
	}
	if _, ok := Transcoder(mu, call.FormatOf(call.L16)); ok {
		t.Error("no table between µ-law and L16")
	}
}

func TestL16(t *testing.T) {
	pcm := []int16{0, 1, -1, 32767, -32768}
	payload := l16.Encode(nil, pcm)
	if want := []byte{0, 0, 0, 1, 0xFF, 0xFF, 0x7F, 0xFF, 0x80, 0}; !bytes.Equal(payload, want) {
		t.Errorf("got % x, want % x", payload, want)
	}
	if back, err := l16.Decode(nil, payload); err != nil || !slices.Equal(back, pcm) {
		t.Errorf("got %v, %v", back, err)
	}
	if back, err := l16.Decode(nil, payload[:3]); !errors.Is(err, l16.ErrOdd) || len(back) != 1 {
		t.Errorf("odd payload: got %v, %v", back, err)
	}
}
