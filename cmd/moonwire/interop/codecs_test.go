package interop

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/moonwire/moonwire/core/media/dsp"
)

// codecs are those that baresip has from libraries of its own: spandsp for G.722
// and libgsm.
var codecs = []struct {
	name string // as baresip says it
	rate int
}{{"G722/16000", 16000}, {"GSM", 8000}}

// TestSoftphoneWithOneCodec has a phone that knows nothing else be recorded, and
// hear a prompt. It speaks, because a decoder of GSM that joins a tone late, here
// by the packets before its source is known, hears it too softly for ever.
func TestSoftphoneWithOneCodec(t *testing.T) {
	t.Parallel()
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, site{"config.lua": home["config.lua"], "dialplan.lua": `
context "home":extension("605", function(call)
  call:answer()
  call:record { path = "take.wav", max = 3 }
  call:play "demo-echotest"
  call:hangup()
end)
`})
			p := baresip(t, s, account{user: "1001", password: "pass-1001", codec: c.name}, speechFile(t, c.rate, "demo-congrats"))
			p.press("/dial 605")
			p.await("Call established")
			p.await("terminated")
			s.awaitCalls(0)
			p.end()
			take := loadWAV(t, s.recording("take.wav"))
			said := prompt(t, "demo-congrats")[:2*rate] // what is surely in it
			if like := likeness(take, said); like < 0.9 {
				t.Errorf("the recording has a likeness of %.2f", like)
			}
			if like := likeness(loadWAV(t, p.heard()), prompt(t, "demo-echotest")); like < 0.9 {
				t.Errorf("the prompt was heard with a likeness of %.2f", like)
			}
		})
	}
}

// speechFile writes a prompt at a rate, for use as a microphone.
func speechFile(t testing.TB, to int, name string) string {
	t.Helper()
	pcm, err := dsp.Resample(slices.Repeat(prompt(t, name), 6), rate, to) // baresip hangs up at its end
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "speech.wav")
	saveWAVAt(t, path, to, pcm)
	return path
}

// TestPhonesOfDifferentCodecs connects a phone with G.722 only and one with GSM
// only: each hears the other.
func TestPhonesOfDifferentCodecs(t *testing.T) {
	t.Parallel()
	s := start(t, home)
	wide := baresip(t, s, account{user: "1001", password: "pass-1001", codec: "G722/16000"}, toneFileAt(t, 16000, 400, 60))
	narrow := baresip(t, s, account{user: "1002", password: "pass-1002", codec: "GSM"}, toneFile(t, 700, 60))
	wide.press("/dial 1002")
	wide.await("Call established")
	s.awaitLog("dialled answered")
	s.awaitCalls(0)
	wide.end()
	narrow.end()
	for _, c := range []struct {
		phone *softphone
		hertz float64
	}{{wide, 700}, {narrow, 400}} {
		if best, seconds := toneShare(loadWAV(t, c.phone.heard()), c.hertz); best < 0.95 || seconds < 2 {
			t.Errorf("%.0f Hz is %.2f pure and lasts %.1f s", c.hertz, best, seconds)
		}
	}
}
