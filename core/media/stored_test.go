package media

import (
	"bytes"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/codec/gsm"
)

// coded is a second of a tone in a codec.
func coded(t *testing.T, c call.Codec) []byte {
	t.Helper()
	pcm := make([]int16, c.SampleRate())
	for i := range pcm {
		pcm[i] = int16(i % 97 * 100)
	}
	by, ok := codec.Lookup(c)
	if !ok {
		t.Fatal(c)
	}
	return by.NewEncoder(call.FormatOf(c)).Encode(nil, pcm)
}

// TestStoredPromptsPassUnchanged plays files to calls of their own codec: what is
// sent is what is in the file, though a better file is there for others.
func TestStoredPromptsPassUnchanged(t *testing.T) {
	files := fstest.MapFS{"en/x.wav": {Data: nil}, "en/x.sln16": sln(16000, time.Second, 10000)}
	extensions := map[call.Codec]string{call.PCMU: ".ulaw", call.PCMA: ".alaw", call.G722: ".g722", call.GSM: ".gsm"}
	for c, extension := range extensions {
		files["en/x"+extension] = &fstest.MapFile{Data: coded(t, c)}
	}
	p := NewPrompts(nil, files)
	prompt, err := p.Find("en", "x")
	if err != nil || prompt.File() != "en/x.sln16" {
		t.Fatal(prompt, err)
	}
	for c, extension := range extensions {
		for _, length := range []time.Duration{20 * time.Millisecond, 60 * time.Millisecond} {
			format := call.FormatOf(c)
			format.PTime = length
			if err := prompt.Prepare(format); err != nil {
				t.Fatal(err)
			}
			payload, frames := hear(t, prompt.Source(0), format)
			stored := files["en/x"+extension].Data
			if !bytes.HasPrefix(payload, stored) {
				t.Errorf("%v of %v is not what lies in the file", c, length)
			}
			if want := int((time.Second + length - 1) / length); frames != want {
				t.Errorf("%v of %v: %d frames, want %d", c, length, frames, want)
			}
		}
	}
}

// TestStoredWav49 sends a Microsoft file to a call in GSM.
func TestStoredWav49(t *testing.T) {
	frames := coded(t, call.GSM)
	pairs, err := gsm.ToMicrosoft(nil, frames)
	if err != nil {
		t.Fatal(err)
	}
	header := []byte("RIFFxxxxWAVEfmt \x14\x00\x00\x00\x31\x00\x01\x00\x40\x1f\x00\x00\x00\x00\x00\x00\x41\x00\x00\x00\x00\x00\x40\x01data\x00\x00\x00\x00")
	p := NewPrompts(nil, fstest.MapFS{"en/msg.WAV": {Data: append(header, pairs...)}})
	prompt, err := p.Find("en", "msg")
	if err != nil {
		t.Fatal(err)
	}
	if err := prompt.Prepare(call.FormatOf(call.GSM)); err != nil {
		t.Fatal(err)
	}
	if payload, _ := hear(t, prompt.Source(0), call.FormatOf(call.GSM)); !bytes.Equal(payload, frames) {
		t.Error("the frames changed")
	}
	if payload, _ := hear(t, prompt.Source(0), call.FormatOf(call.PCMU)); len(payload) != 8000 {
		t.Errorf("%d octets in G.711", len(payload))
	}
}

// TestWideBandIsPreferred finds 16 kHz beside a wav file of 8 kHz.
func TestWideBandIsPreferred(t *testing.T) {
	p := NewPrompts(nil, fstest.MapFS{"en/x.sln": sln(8000, time.Second, 10000), "en/x.g722": {Data: coded(t, call.G722)}})
	prompt, err := p.Find("en", "x")
	if err != nil || prompt.File() != "en/x.g722" {
		t.Fatal(prompt, err)
	}
}

// TestDamagedStoredPrompt has a file of the call's codec that is none.
func TestDamagedStoredPrompt(t *testing.T) {
	p := NewPrompts(nil, fstest.MapFS{"en/x.sln": sln(8000, time.Second, 10000), "en/x.gsm": {Data: make([]byte, 3300)}})
	prompt, err := p.Find("en", "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := prompt.Prepare(call.FormatOf(call.GSM)); err != nil {
		t.Fatal(err)
	}
	if payload, frames := hear(t, prompt.Source(0), call.FormatOf(call.GSM)); frames != 50 || payload[0]>>4 != gsm.Signature {
		t.Errorf("%d frames", frames)
	}
}
