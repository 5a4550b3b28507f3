package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

func TestCodecNames(t *testing.T) {
	seen := map[string]call.Codec{}
	types := map[uint8]call.Codec{}
	for c := call.Linear; c <= call.T38; c++ {
		for _, name := range []string{c.String(), c.Alias(), strings.ToUpper(c.String()), strings.ToUpper(c.Alias())} {
			if got, ok := call.CodecByName(name); !ok || got != c {
				t.Errorf("CodecByName(%q) = %v, want %v", name, got, c)
			}
			if other, taken := seen[strings.ToLower(name)]; taken && other != c {
				t.Errorf("%v and %v are both %q", c, other, name)
			}
			seen[strings.ToLower(name)] = c
		}
		if pt, ok := c.StaticPayloadType(); ok {
			if other, taken := types[pt]; taken {
				t.Errorf("%v and %v both have payload type %d", c, other, pt)
			}
			if pt > 34 {
				t.Errorf("%v has payload type %d, which RFC 3551 leaves to SDP", c, pt)
			}
			types[pt] = c
		}
		if c != call.T38 && (c.SampleRate() < 8000 || c.ClockRate() < 8000) {
			t.Errorf("%v runs at %d and %d", c, c.SampleRate(), c.ClockRate())
		}
	}
	for _, name := range []string{"", "none", "g7229", "pcm"} {
		if c, ok := call.CodecByName(name); ok {
			t.Errorf("CodecByName(%q) = %v", name, c)
		}
	}
	if s := call.Codec(200).String(); s != "codec 200" {
		t.Errorf("unknown codec is %q", s)
	}
}

func TestFormats(t *testing.T) {
	tests := []struct {
		format  call.Format
		samples int
		ticks   uint32
		text    string
	}{
		{call.FormatOf(call.PCMU), 160, 160, "ulaw/8000"},
		{call.FormatOf(call.G722), 320, 160, "g722/16000"},
		{call.FormatOf(call.Opus), 960, 960, "opus/48000"},
		{call.Format{Codec: call.PCMA, Rate: 8000, Channels: 1, PTime: 30 * time.Millisecond}, 240, 240, "alaw/8000"},
		{call.LinearAt(16000), 320, 160, "slin/16000"},
		{call.Format{}, 0, 0, "none"},
	}
	for _, test := range tests {
		f := test.format
		if f.Samples() != test.samples || f.Ticks() != test.ticks || f.String() != test.text {
			t.Errorf("%v: %d samples, %d ticks, %q", f, f.Samples(), f.Ticks(), f.String())
		}
		if f.IsZero() != (test.samples == 0) {
			t.Errorf("%v: IsZero %v", f, f.IsZero())
		}
	}
	long := call.FormatOf(call.PCMU)
	long.PTime = 40 * time.Millisecond
	if !long.SameCoding(call.FormatOf(call.PCMU)) || long.SameCoding(call.FormatOf(call.PCMA)) {
		t.Error("SameCoding must ignore the length of frames and nothing else")
	}
}
