package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/media/file"
)

// toneWAV writes a second of a tone of 440 Hz.
func toneWAV(t *testing.T, folder, name string, rate int) {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	w, err := file.Create(root, name, file.WriterOptions{Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, rate)
	for i := range pcm {
		pcm[i] = int16(9000 * math.Sin(2*math.Pi*440*float64(i)/float64(rate)))
	}
	if err := w.Write(pcm); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// purity is how much of a file is the tone, and how many samples it has.
func purity(t *testing.T, path string) (share float64, rate, samples int) {
	t.Helper()
	r, err := file.Open(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pcm, err := r.ReadAll(1 << 22)
	if err != nil {
		t.Fatal(err)
	}
	var re, im, power float64
	for i, sample := range pcm[len(pcm)/4 : len(pcm)*3/4] {
		angle := 2 * math.Pi * 440 * float64(i) / float64(r.Rate())
		re += float64(sample) * math.Cos(angle)
		im += float64(sample) * math.Sin(angle)
		power += float64(sample) * float64(sample)
	}
	return 2 * (re*re + im*im) / (power * float64(len(pcm)/2)), r.Rate(), len(pcm)
}

func convert(args ...string) (int, string) {
	var out, errOut bytes.Buffer
	code := run(append([]string{"convert"}, args...), &out, &errOut)
	return code, out.String() + errOut.String()
}

// TestConvertChain goes through every kind of file and back.
func TestConvertChain(t *testing.T) {
	folder := t.TempDir()
	toneWAV(t, folder, "0.wav", 44100)
	at := filepath.Join(folder, "0.wav")
	for i, c := range []struct {
		extension string
		rate      int
	}{{"g722", 16000}, {"sln16", 16000}, {"sln48", 48000}, {"ulaw", 8000}, {"gsm", 8000}, {"wav49", 8000}, {"WAV", 8000}, {"alaw", 8000}, {"sln", 8000}, {"wav", 8000}} {
		next := filepath.Join(folder, string(rune('a'+i))+"."+c.extension)
		if code, said := convert(at, next); code != 0 {
			t.Fatal(said)
		}
		share, rate, samples := purity(t, next)
		if share < 0.97 || rate != c.rate || samples < rate || samples > rate+6*320 {
			t.Errorf("%s: %.3f of it is the tone, %d samples at %d", next, share, samples, rate)
		}
		at = next
	}
	if code, said := convert(at, filepath.Join(folder, "z.wav"), "--rate", "24000"); code != 0 {
		t.Fatal(said)
	}
	if _, rate, samples := purity(t, filepath.Join(folder, "z.wav")); rate != 24000 || samples < 24000 {
		t.Errorf("%d samples at %d", samples, rate)
	}
}

func TestConvertRefuses(t *testing.T) {
	folder := t.TempDir()
	toneWAV(t, folder, "x.wav", 8000)
	in := filepath.Join(folder, "x.wav")
	if err := os.WriteFile(filepath.Join(folder, "bad.gsm"), make([]byte, 330), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{in, in}, "--force"},
		{[]string{in, filepath.Join(folder, "y.mp3")}, `"mp3" cannot be written`},
		{[]string{in, filepath.Join(folder, "y.gsm"), "--rate", "16000"}, "8000 samples a second"},
		{[]string{filepath.Join(folder, "none.wav"), in}, "no such file"},
		{[]string{in, folder}, "--to"},
		{[]string{folder, filepath.Join(folder, "out")}, "--to"},
		{[]string{folder, filepath.Join(folder, "out"), "--to", "opus"}, `cannot write "opus"`},
		{[]string{filepath.Join(folder, "bad.gsm"), filepath.Join(folder, "y.wav")}, "not a full rate frame"},
	} {
		if code, said := convert(c.args...); code == 0 || !strings.Contains(said, c.words) {
			t.Errorf("%v: %d, %s", c.args, code, said)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "y.wav")); err == nil {
		t.Error("half a file was left")
	}
}

func TestConvertFolder(t *testing.T) {
	folder, out := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "digits"), 0o755); err != nil {
		t.Fatal(err)
	}
	toneWAV(t, folder, "x.wav", 16000)
	toneWAV(t, folder, "digits/1.wav", 8000)
	for name, text := range map[string]string{"list.txt": "no sound", "digits/2.wav": "no sound either"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code, said := convert(folder, out, "--to", "gsm")
	if code != exitFailed || !strings.Contains(said, "2.wav") || !strings.Contains(said, "1 of 3 files") {
		t.Errorf("%d: %s", code, said)
	}
	for _, name := range []string{"x.gsm", "digits/1.gsm"} {
		if share, _, _ := purity(t, filepath.Join(out, name)); share < 0.97 {
			t.Errorf("%s: %.2f", name, share)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "list.gsm")); err == nil {
		t.Error("a text was converted")
	}
}
