package file

import (
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// memory is an Output that holds room octets at most; gate, where not nil,
// keeps Write waiting.
type memory struct {
	mu     sync.Mutex
	data   []byte
	room   int
	gate   chan struct{}
	closed bool
}

func (m *memory) Write(p []byte) (int, error) {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(len(p), m.room-len(m.data))
	m.data = append(m.data, p[:n]...)
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return copy(m.data[at:], p), nil
}

func (m *memory) Close() error {
	m.closed = true
	return nil
}

func (m *memory) contents() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.data)
}

func ramp(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(i * 7)
	}
	return pcm
}

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	root := openRoot(t)
	for name, rate := range map[string]int{"a/b/x.wav": 16000, "x.sln": 8000, "x.sln48": 48000} {
		for _, length := range []int{0, 1, 8000, 100001} {
			w, err := Create(root, name, WriterOptions{Rate: rate})
			if err != nil {
				t.Fatal(err)
			}
			want := ramp(length)
			for i := 0; i < length; i += 333 {
				if err := w.Write(want[i:min(i+333, length)]); err != nil {
					t.Fatal(err)
				}
			}
			if got := w.Duration(); got != time.Duration(length)*time.Second/time.Duration(rate) {
				t.Errorf("%s: %v long", name, got)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := Open(root.FS(), name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.ReadAll(1 << 20)
			if err != nil || r.Rate() != rate || r.Truncated() || !slices.Equal(got, want) {
				t.Errorf("%s: %d of %d samples at %d, %v", name, len(got), length, r.Rate(), err)
			}
			r.Close()
		}
	}
	for _, name := range []string{"x.ulaw", "x.alaw"} {
		w, _ := Create(root, name, WriterOptions{})
		w.Write(ramp(1000))
		w.Close()
		if info, _ := root.Stat(name); info.Size() != 1000 {
			t.Errorf("%s has %d octets", name, info.Size())
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	root := openRoot(t)
	for name, rate := range map[string]int{"x.g729": 8000, "x.gsm": 16000, "x.WAV": 16000, "x": 8000, "x.ulaw": 16000, "x.wav": 1, "../x.wav": 8000, "/x.wav": 8000} {
		if w, err := Create(root, name, WriterOptions{Rate: rate}); err == nil {
			w.Close()
			t.Errorf("%s at %d was created", name, rate)
		}
	}
}

func TestAtomicFileAppearsWhole(t *testing.T) {
	root := openRoot(t)
	w, err := Create(root, "d/x.wav", WriterOptions{Atomic: true})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(ramp(20000))
	if _, err := root.Stat("d/x.wav"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there before it is complete: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Stat("d/x.wav"); err != nil {
		t.Error(err)
	}
	w, _ = Create(root, "d/y.wav", WriterOptions{Atomic: true})
	w.Write(ramp(100))
	w.Discard()
	if entries, _ := os.ReadDir(root.Name() + "/d"); len(entries) != 1 {
		t.Errorf("discarding left %v", entries)
	}
}

// TestCrashLeavesAFileThatPlays looks at the file as it is while it grows.
func TestCrashLeavesAFileThatPlays(t *testing.T) {
	out := &memory{room: 1 << 30}
	w, err := NewWriter(out, "x.wav", WriterOptions{Rate: 8000})
	if err != nil {
		t.Fatal(err)
	}
	for n := 160; n <= 80000; n += 160 {
		w.Write(ramp(160))
		pcm, r, err := read(t, out.contents(), "x.wav")
		if err != nil || len(pcm) < n-8000-160 || r.Truncated() {
			t.Fatalf("after %d samples %d can be read, %v", n, len(pcm), err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	out := &memory{room: 10001}
	w, _ := NewWriter(out, "x.wav", WriterOptions{})
	var err error
	for range 100 {
		if e := w.Write(ramp(160)); err == nil {
			err = e
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(w.Close(), syscall.ENOSPC) || !out.closed {
		t.Errorf("got %v", err)
	}
	pcm, r, err := read(t, out.contents(), "x.wav")
	if err != nil || len(pcm) != (10001-44)/2 || r.Truncated() {
		t.Errorf("%d samples are left, %v", len(pcm), err)
	}
	if w.Duration() != time.Duration(len(pcm))*time.Second/8000 {
		t.Errorf("said to be %v long", w.Duration())
	}
	if err := w.Write(ramp(1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing on gives %v", err)
	}
}

// holder counts as a virtual clock does.
type holder struct {
	mu   sync.Mutex
	held int
	low  int
}

func (h *holder) Hold()    { h.mu.Lock(); h.held++; h.mu.Unlock() }
func (h *holder) Release() { h.mu.Lock(); h.held--; h.low = min(h.low, h.held); h.mu.Unlock() }

func TestRecorder(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		out, clock := &memory{room: 1 << 20}, &holder{}
		w, _ := NewWriter(out, "x.wav", WriterOptions{Rate: 8000})
		r := NewRecorder(w, RecorderOptions{Clock: clock, Room: time.Minute})
		for range 500 {
			r.Hear(rate, ramp(rate/50))
		}
		if r.Duration() != 10*time.Second || r.Err() != nil {
			t.Errorf("%v heard, %v", r.Duration(), r.Err())
		}
		result, err := r.Stop()
		if d := result.Duration - 10*time.Second; err != nil || result.Lost != 0 || d > time.Millisecond || d < -time.Millisecond {
			t.Errorf("%d: %+v, %v", rate, result, err)
		}
		r.Hear(rate, ramp(100))
		if again, err := r.Stop(); again != result || err != nil || !out.closed {
			t.Errorf("stopping twice gives %+v, %v", again, err)
		}
		if clock.held != 0 || clock.low != 0 {
			t.Errorf("the clock is held %d times", clock.held)
		}
		pcm, _, err := read(t, out.contents(), "x.wav")
		if err != nil || time.Duration(len(pcm))*time.Second/8000 != result.Duration {
			t.Errorf("%d samples in the file, %v", len(pcm), err)
		}
	}
}

func TestRecorderKeepsOrder(t *testing.T) {
	out := &memory{room: 1 << 20}
	w, _ := NewWriter(out, "x.wav", WriterOptions{})
	r := NewRecorder(w, RecorderOptions{Room: 10 * time.Second})
	want := ramp(32000)
	for i := 0; i < len(want); i += 100 {
		r.Hear(8000, want[i:i+100])
	}
	result, err := r.Stop()
	if err != nil || result.Lost != 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	if got, _, _ := read(t, out.contents(), "x.wav"); !slices.Equal(got, want) {
		t.Errorf("%d samples are not what was heard", len(got))
	}
}

// TestRecorderChangesRate goes from 8 to 16 kHz and back in mid-recording.
func TestRecorderChangesRate(t *testing.T) {
	out := &memory{room: 1 << 20}
	w, _ := NewWriter(out, "x.wav", WriterOptions{})
	r := NewRecorder(w, RecorderOptions{Room: time.Minute})
	for i := range 150 {
		rate := 8000 + i/50%2*8000
		r.Hear(rate, ramp(rate/50))
	}
	result, err := r.Stop()
	if d := result.Duration - 3*time.Second; err != nil || d > 5*time.Millisecond || d < -5*time.Millisecond {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestRecorderNeverWaits blocks the disk: Hear returns all the same, and what
// did not fit is counted.
func TestRecorderNeverWaits(t *testing.T) {
	out := &memory{room: 1 << 20, gate: make(chan struct{}, 1)}
	out.gate <- struct{}{} // for the header
	w, err := NewWriter(out, "x.wav", WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecorder(w, RecorderOptions{Room: 2 * time.Second})
	for range 1000 {
		r.Hear(8000, ramp(160))
	}
	close(out.gate)
	result, err := r.Stop()
	if err != nil || result.Duration+result.Lost != 20*time.Second || result.Lost < 15*time.Second || result.Duration < 2*time.Second {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestRecorderTellsOfAFullDisk(t *testing.T) {
	out := &memory{room: 30000}
	w, _ := NewWriter(out, "x.wav", WriterOptions{})
	told := make(chan error, 1)
	r := NewRecorder(w, RecorderOptions{Room: time.Minute, OnError: func(err error) { told <- err }})
	for range 500 {
		r.Hear(8000, ramp(160))
	}
	if err := <-told; !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("told of %v", err)
	}
	result, err := r.Stop()
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(r.Err(), syscall.ENOSPC) {
		t.Errorf("stopped with %v", err)
	}
	pcm, _, err := read(t, out.contents(), "x.wav")
	if err != nil || time.Duration(len(pcm))*time.Second/8000 != result.Duration {
		t.Errorf("%d samples in the file, %+v, %v", len(pcm), result, err)
	}
}

func TestRecorderDiscards(t *testing.T) {
	root := openRoot(t)
	w, _ := Create(root, "x.wav", WriterOptions{Atomic: true})
	r := NewRecorder(w, RecorderOptions{})
	r.Hear(8000, ramp(8000))
	r.Discard()
	if entries, _ := os.ReadDir(root.Name()); len(entries) != 0 {
		t.Errorf("discarding left %v", entries)
	}
}

func TestHearDoesNotAllocate(t *testing.T) {
	out := &memory{room: 0}
	w := &Writer{out: out, rate: 8000, coding: int16LE, buffer: make([]byte, 0, 100000), finish: stays}
	r := NewRecorder(w, RecorderOptions{Room: 10 * time.Second})
	frame := ramp(160)
	r.Hear(8000, frame)
	if n := testing.AllocsPerRun(100, func() { r.Hear(8000, frame) }); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
	r.Discard()
}

var _ Output = (*os.File)(nil)

func BenchmarkHear20ms(b *testing.B) {
	w, err := NewWriter(&memory{room: 1 << 40}, "x.ulaw", WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	w.out = discard{}
	r := NewRecorder(w, RecorderOptions{})
	frame := ramp(160)
	b.ReportAllocs()
	for b.Loop() {
		r.Hear(8000, frame)
	}
	r.Stop()
}

type discard struct{}

func (discard) Write(p []byte) (int, error)            { return len(p), nil }
func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (discard) Close() error                           { return nil }

// Two calls may record to the same name at once: each file is whole, and the
// later one stays.
func TestTwoWritersOfOneName(t *testing.T) {
	root := openRoot(t)
	var writers []*Writer
	for n := range 3 {
		w, err := Create(root, "x.sln", WriterOptions{Atomic: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write([]int16{int16(n), int16(n)}); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
	}
	writers[1].Discard()
	for _, n := range []int{2, 0} {
		if err := writers[n].Close(); err != nil {
			t.Error(err)
		}
		if got, err := root.ReadFile("x.sln"); err != nil || !slices.Equal(got, []byte{byte(n), 0, byte(n), 0}) {
			t.Errorf("after the writer %d: %v, %v", n, got, err)
		}
	}
	if left, _ := os.ReadDir(root.Name()); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}
