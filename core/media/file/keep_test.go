package file

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// crash leaves a recording behind as a process does that is killed.
func crash(t *testing.T, root *os.Root, name string, pcm []int16) {
	t.Helper()
	w, err := Create(root, name, WriterOptions{Rate: rateOf(name), Atomic: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(pcm); err != nil {
		t.Fatal(err)
	}
	if err := w.out.Close(); err != nil {
		t.Fatal(err)
	}
}

func rateOf(name string) int { return rawFormats[extensionOf(name)].rate }

func recoverAll(t *testing.T, root *os.Root) (found []Recovered) {
	t.Helper()
	if err := Recover(root, func(r Recovered) { found = append(found, r) }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found, func(a, b Recovered) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return found
}

func samplesOf(t *testing.T, root *os.Root, name string) []int16 {
	t.Helper()
	r, err := Open(root.FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pcm, err := r.ReadAll(1 << 20)
	if err != nil || r.Truncated() {
		t.Fatalf("%s: %v, truncated %v", name, err, r.Truncated())
	}
	return pcm
}

func TestRecoverCompletesWhatACrashLeft(t *testing.T) {
	root := openRoot(t)
	crash(t, root, "a/b/x.wav", ramp(24000))
	crash(t, root, "y.sln16", ramp(40000))
	crash(t, root, "empty.wav", nil)
	crash(t, root, "twice.wav", ramp(9000))
	crash(t, root, "twice.wav", ramp(16000))
	if err := root.WriteFile(".z.wav.1.part", []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile(".not.ours.part", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := recoverAll(t, root)
	want := []Recovered{
		{Name: "a/b/x.wav", Duration: 2994500 * time.Microsecond},
		{Name: "twice-recovered-1.wav", Duration: 1994500 * time.Microsecond},
		{Name: "twice.wav", Duration: 994500 * time.Microsecond},
		{Name: "y.sln16", Duration: 2 * time.Second},
	}
	if len(found) != len(want) {
		t.Fatalf("found %+v", found)
	}
	for i, r := range found {
		if r.Name != want[i].Name || r.Err != nil || r.Duration < want[i].Duration-time.Second || r.Duration > want[i].Duration+time.Second {
			t.Errorf("found %+v, want %+v", r, want[i])
		}
		pcm := samplesOf(t, root, r.Name)
		if !slices.Equal(pcm, ramp(len(pcm))) || len(pcm) == 0 {
			t.Errorf("%s holds %d samples", r.Name, len(pcm))
		}
	}
	if again := recoverAll(t, root); len(again) != 0 {
		t.Errorf("a second time: %+v", again)
	}
	left, _ := os.ReadDir(root.Name())
	if len(left) != 5 { // a, twice, twice-recovered-1, y and the one that is not ours
		t.Errorf("left: %v", left)
	}
}

// TestRecoverMendsTheHeader has sound on the disk that the header does not know.
func TestRecoverMendsTheHeader(t *testing.T) {
	root := openRoot(t)
	w := &Writer{rate: 8000, coding: int16LE}
	odd := append(w.header(), 1, 0, 2, 0, 3)
	if err := root.WriteFile(".x.wav.7.part", odd, 0o600); err != nil {
		t.Fatal(err)
	}
	if found := recoverAll(t, root); len(found) != 1 || found[0].Name != "x.wav" {
		t.Fatalf("found %+v", found)
	}
	if pcm := samplesOf(t, root, "x.wav"); !slices.Equal(pcm, []int16{1, 2}) {
		t.Errorf("%v", pcm)
	}
}

func TestRecoverDoesNotReplace(t *testing.T) {
	root := openRoot(t)
	if err := root.WriteFile("x.ulaw", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile(".x.ulaw.1.part", []byte("newer"), 0o600); err != nil {
		t.Fatal(err)
	}
	recoverAll(t, root)
	old, _ := root.ReadFile("x.ulaw")
	other, err := root.ReadFile("x-recovered-1.ulaw")
	if string(old) != "old" || string(other) != "newer" {
		t.Errorf("%q, %q, %v", old, other, err)
	}
}

func TestRecoverTellsOfWhatItCannotComplete(t *testing.T) {
	root := openRoot(t)
	if err := root.WriteFile(".x.wav.1.part", bytes.Repeat([]byte("junk"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := recoverAll(t, root); len(found) != 1 || !errors.Is(found[0].Err, errForeign) {
		t.Fatalf("found %+v", found)
	}
	if _, err := root.Stat(".x.wav.1.part"); err != nil {
		t.Error(err)
	}
}

func TestAppend(t *testing.T) {
	for _, name := range []string{"d/x.wav", "x.sln", "x.sln16"} {
		root := openRoot(t)
		want := []int16{}
		for n := range 4 {
			w, err := Append(root, name, WriterOptions{Rate: rateOf(name), Atomic: true})
			if err != nil {
				t.Fatal(err)
			}
			if int(w.Before()) != len(want) {
				t.Errorf("%s: %d samples were there, not %d", name, w.Before(), len(want))
			}
			piece := ramp(9000 + n)
			if err := w.Write(piece); err != nil {
				t.Fatal(err)
			}
			if n == 2 {
				w.Discard()
				continue
			}
			want = append(want, piece...)
			if err := w.Close(); err != nil || !w.Kept() {
				t.Fatal(err)
			}
			if pcm := samplesOf(t, root, name); !slices.Equal(pcm, want) {
				t.Errorf("%s holds %d samples, want %d", name, len(pcm), len(want))
			}
		}
		if err := Shorten(root, name, 500); err != nil {
			t.Fatal(err)
		}
		if pcm := samplesOf(t, root, name); !slices.Equal(pcm, ramp(500)) {
			t.Errorf("%s was shortened to %d samples", name, len(pcm))
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	root := openRoot(t)
	stereo := append((&Writer{rate: 8000, coding: int16LE, written: 4}).header(), 0, 0, 0, 0)
	stereo[22] = 2
	trailer := append((&Writer{rate: 8000, coding: int16LE, written: 4}).header(), 0, 0, 0, 0, 'L', 'I', 'S', 'T', 0, 0, 0, 0)
	trailer[4] += 8
	for name, data := range map[string][]byte{"stereo.wav": stereo, "trailer.wav": trailer, "short.wav": []byte("RIFF"), "x.g729": []byte("x")} {
		if err := root.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Append(root, name, WriterOptions{}); err == nil {
			t.Errorf("%s was continued", name)
		}
		if left, _ := root.ReadFile(name); !bytes.Equal(left, data) {
			t.Errorf("%s was changed", name)
		}
	}
	w, err := Create(root, "x.wav", WriterOptions{Rate: 16000})
	if err != nil || w.Write(ramp(100)) != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if _, err := Append(root, "x.wav", WriterOptions{Rate: 8000}); err == nil {
		t.Error("another rate was appended")
	}
}

// TestFullDiskKeepsTheBeginning fails the disk under an atomic file.
func TestFullDiskKeepsTheBeginning(t *testing.T) {
	for _, taken := range []bool{false, true} {
		root := openRoot(t)
		if taken {
			if err := root.WriteFile("x.wav", []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w, err := Create(root, "x.wav", WriterOptions{Atomic: true})
		if err != nil {
			t.Fatal(err)
		}
		w.out = &filling{File: w.out.(*os.File), room: 20000}
		r := NewRecorder(w, RecorderOptions{Room: time.Minute})
		for range 500 {
			r.Hear(8000, ramp(160))
		}
		made, err := r.Stop()
		if !errors.Is(err, syscall.ENOSPC) || made.Kept == taken {
			t.Errorf("taken %v: %+v, %v", taken, made, err)
		}
		if !taken {
			if pcm := samplesOf(t, root, "x.wav"); len(pcm) != 10000 || made.Duration != 1250*time.Millisecond {
				t.Errorf("%d samples are left of %+v", len(pcm), made)
			}
		}
		if entries, _ := os.ReadDir(root.Name()); len(entries) != 1 {
			t.Errorf("left: %v", entries)
		}
	}
}

// filling is a file on a disk with so much room.
type filling struct {
	*os.File
	room int
}

func (f *filling) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	if m, err := f.File.Write(p[:n]); err != nil || n == len(p) {
		return m, err
	}
	return n, syscall.ENOSPC
}
func FuzzAppend(f *testing.F) {
	f.Add((&Writer{rate: 8000, coding: int16LE, written: 4}).header())
	f.Add([]byte("RIFF"))
	f.Fuzz(func(t *testing.T, data []byte) {
		root := openRoot(t)
		if err := root.WriteFile("x.wav", data, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Append(root, "x.wav", WriterOptions{})
		if err != nil {
			return
		}
		if err := w.Write(ramp(10)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if pcm := samplesOf(t, root, "x.wav"); len(pcm) < 10 {
			t.Errorf("%d samples", len(pcm))
		}
	})
}
