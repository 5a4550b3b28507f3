package file

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// sine is a tone of 440 Hz at half the level.
func sine(rate, length int) []int16 {
	pcm := make([]int16, length)
	for i := range pcm {
		pcm[i] = int16(16000 * math.Sin(2*math.Pi*440*float64(i)/float64(rate)))
	}
	return pcm
}

// toneShare is how much of the power is at 440 Hz.
func toneShare(pcm []int16, rate int) float64 {
	var re, im, power float64
	for i, sample := range pcm {
		angle := 2 * math.Pi * 440 * float64(i) / float64(rate)
		re += float64(sample) * math.Cos(angle)
		im += float64(sample) * math.Sin(angle)
		power += float64(sample) * float64(sample)
	}
	return 2 * (re*re + im*im) / (power*float64(len(pcm)) + 1)
}

// TestReadsWhatSoxWrote has half a second of a tone in both packings of GSM.
func TestReadsWhatSoxWrote(t *testing.T) {
	for _, name := range []string{"tone.gsm", "tone49.wav"} {
		r, err := Open(samples, "testdata/"+name)
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := r.ReadAll(1 << 20)
		if err != nil || r.Truncated() || r.Rate() != 8000 || len(pcm) < 4000 || len(pcm) > 4160 {
			t.Fatalf("%s: %d samples, truncated %v, %v", name, len(pcm), r.Truncated(), err)
		}
		if share := toneShare(pcm[400:3600], 8000); share < 0.98 {
			t.Errorf("%s: %.2f of it is the tone", name, share)
		}
		if length := r.Info().Length; length < 490*time.Millisecond || length > 530*time.Millisecond {
			t.Errorf("%s says that it lasts %v", name, length)
		}
	}
}

func TestPiecesAreWrittenAndRead(t *testing.T) {
	root := openRoot(t)
	for name, unit := range map[string]int{"x.gsm": 160, "x.wav49": 320, "y.WAV": 320, "x.g722": 2} {
		rate := 8000
		if unit == 2 {
			rate = 16000
		}
		for _, length := range []int{0, 1, 161, 8000, 50001} {
			w, err := Create(root, name, WriterOptions{Rate: rate, Atomic: true})
			if err != nil {
				t.Fatal(err)
			}
			pcm := sine(rate, length)
			for i := 0; i < length; i += 333 {
				if err := w.Write(pcm[i:min(i+333, length)]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got := samplesOf(t, root, name)
			if want := (length + unit - 1) / unit * unit; len(got) != want {
				t.Errorf("%s: %d samples of %d", name, len(got), want)
			}
			if length > 1000 {
				if share := toneShare(got[800:length-800], rate); share < 0.98 {
					t.Errorf("%s: %.2f of it is the tone", name, share)
				}
			}
		}
	}
}

// TestPiecesGoOn continues, takes back, shortens and recovers files of pieces.
func TestPiecesGoOn(t *testing.T) {
	for name, unit := range map[string]int{"x.gsm": 160, "d/x.wav49": 320, "x.WAV": 320, "x.g722": 2} {
		root := openRoot(t)
		rate := 8000
		if unit == 2 {
			rate = 16000
		}
		want := 0
		for n := range 4 {
			w, err := Append(root, name, WriterOptions{Rate: rate})
			if err != nil {
				t.Fatal(name, err)
			}
			if int(w.Before()) != want {
				t.Errorf("%s: %d samples were there, not %d", name, w.Before(), want)
			}
			if err := w.Write(sine(rate, 9000+n)); err != nil {
				t.Fatal(err)
			}
			if n == 2 {
				w.Discard()
				continue
			}
			want += (9000 + n + unit - 1) / unit * unit
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got := len(samplesOf(t, root, name)); got != want {
				t.Errorf("%s holds %d samples, want %d", name, got, want)
			}
		}
		if err := Shorten(root, name, 700); err != nil {
			t.Fatal(err)
		}
		if got := len(samplesOf(t, root, name)); got != 700/unit*unit {
			t.Errorf("%s was shortened to %d samples", name, got)
		}
		w, err := Create(root, "crash"+filepath.Ext(name), WriterOptions{Rate: rate, Atomic: true})
		if err != nil || w.Write(sine(rate, 3*rate)) != nil || w.out.Close() != nil {
			t.Fatal(err)
		}
		if found := recoverAll(t, root); len(found) != 1 || found[0].Err != nil || found[0].Duration < 2*time.Second {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}

// TestSoxReadsWhatIsWritten gives our files to another reader.
func TestSoxReadsWhatIsWritten(t *testing.T) {
	sox, err := exec.LookPath("sox")
	if err != nil {
		t.Skip("sox is missing (make tools installs it); tone.gsm and tone49.wav prove one direction")
	}
	root := openRoot(t)
	for _, name := range []string{"x.gsm", "x.WAV"} {
		w, err := Create(root, name, WriterOptions{})
		if err != nil || w.Write(sine(8000, 8000)) != nil || w.Close() != nil {
			t.Fatal(err)
		}
		in, out := filepath.Join(root.Name(), name), filepath.Join(root.Name(), "y.wav")
		if said, err := exec.Command(sox, in, "-e", "signed", "-b", "16", out).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
		if share := toneShare(samplesOf(t, root, "y.wav")[400:7600], 8000); share < 0.98 {
			t.Errorf("%s: sox hears %.2f of the tone", name, share)
		}
	}
}

func TestReadsVorbis(t *testing.T) {
	for name, rate := range map[string]int{"tone16.ogg": 16000, "tone44.ogg": 44100} {
		r, err := Open(os.DirFS("vorbis/testdata"), name)
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := r.ReadAll(1 << 20)
		r.Close()
		if err != nil || r.Rate() != rate || len(pcm) < rate/3 {
			t.Fatalf("%s: %d samples, %v", name, len(pcm), err)
		}
		if share := toneShare(pcm[rate/10:rate/3], rate); share < 0.98 {
			t.Errorf("%s: %.2f of it is the tone", name, share)
		}
	}
	if _, _, err := read(t, []byte("OggS but no more of it, in forty-odd octets"), "a.ogg"); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

func TestDamagedPieces(t *testing.T) {
	for _, name := range []string{"tone.gsm", "tone49.wav"} {
		whole, _ := samples.ReadFile("testdata/" + name)
		pcm, r, err := read(t, whole[:len(whole)-10], name)
		if err != nil || !r.Truncated() || len(pcm) < 3500 {
			t.Errorf("%s cut: %d samples, truncated %v, %v", name, len(pcm), r.Truncated(), err)
		}
	}
	whole, _ := samples.ReadFile("testdata/tone.gsm")
	whole[330] = 0
	if pcm, _, err := read(t, whole, "a.gsm"); !errors.Is(err, ErrFormat) || len(pcm) != 1600 {
		t.Errorf("a frame without signature: %d samples, %v", len(pcm), err)
	}
}

func TestReadCoded(t *testing.T) {
	gsm, err := ReadCoded(samples, "testdata/tone.gsm", 1<<20)
	if err != nil || gsm.Codec != call.GSM || len(gsm.Octets) != 825 || gsm.Units != 4000 {
		t.Fatalf("%v, %d octets, %d units, %v", gsm.Codec, len(gsm.Octets), gsm.Units, err)
	}
	pairs, err := ReadCoded(samples, "testdata/tone49.wav", 1<<20)
	if err != nil || pairs.Codec != call.GSM || len(pairs.Octets) != 26*33 || pairs.Octets[0]>>4 != 0xD {
		t.Fatalf("wav49: %v, %d octets, %v", pairs.Codec, len(pairs.Octets), err)
	}
	if _, err := ReadCoded(samples, "testdata/tone44.mp3", 1<<20); !errors.Is(err, ErrNotCoded) {
		t.Error("mp3 goes over no line", err)
	}
	if _, err := ReadCoded(samples, "testdata/tone.gsm", 100); !errors.Is(err, ErrTooLong) {
		t.Error("no limit", err)
	}
}

func FuzzReadGSM(f *testing.F) {
	data, _ := samples.ReadFile("testdata/tone.gsm")
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) { fuzzRead(t, data, "a.gsm") })
}
