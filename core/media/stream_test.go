package media

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// settling is a clock that can be waited for.
type settling struct{ sync.WaitGroup }

func (s *settling) Hold()    { s.Add(1) }
func (s *settling) Release() { s.Done() }

// endless is a file system with one file, of any length and made up as it is
// read, whose samples count up.
type endless struct {
	header []byte
	size   int64
	gate   chan struct{} // where not nil, takes one token a read
	open   atomic.Int32
}

type endlessFile struct {
	*endless
	at int64
}

func (e *endless) Open(name string) (fs.File, error) {
	e.open.Add(1)
	return &endlessFile{endless: e}, nil
}

func (f *endlessFile) Close() error { f.open.Add(-1); return nil }

func (f *endlessFile) Read(p []byte) (int, error) {
	if f.gate != nil {
		<-f.gate
	}
	n := 0
	for ; n < len(p) && f.at < f.size; n++ {
		if f.at < int64(len(f.header)) {
			p[n] = f.header[f.at]
		} else {
			sample := (f.at - int64(len(f.header))) / 2
			p[n] = byte(uint16(sample) >> (8 * (f.at & 1)))
		}
		f.at++
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (f *endlessFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *endlessFile) Name() string               { return "x" }
func (f *endlessFile) Size() int64                { return f.size }
func (f *endlessFile) Mode() fs.FileMode          { return 0o444 }
func (f *endlessFile) ModTime() time.Time         { return time.Unix(1, 0) }
func (f *endlessFile) IsDir() bool                { return false }
func (f *endlessFile) Sys() any                   { return nil }

// wavOf is a wav file of that length, mono unless said otherwise.
func wavOf(rate, channels int, length time.Duration) *endless {
	data := uint32(length.Seconds()) * uint32(rate*channels*2)
	h := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"), byte(channels), 0)
	h = binary.LittleEndian.AppendUint32(h, uint32(rate))
	h = binary.LittleEndian.AppendUint32(h, uint32(rate*channels*2))
	h = append(h, byte(channels*2), 0, 16, 0)
	h = binary.LittleEndian.AppendUint32(append(h, "data"...), data)
	return &endless{header: h, size: int64(len(h)) + int64(data)}
}

// playing reads frames of 20 ms as a worker would, each after the disk has done
// what it was asked to do.
type playing struct {
	t     *testing.T
	clock settling
	owner Streams
	s     *reading
}

func play(t *testing.T, files fs.FS, name string, skip time.Duration) *playing {
	t.Helper()
	p := &playing{t: t}
	p.owner.Clock = &p.clock
	stream, err := p.owner.Open(files, name)
	if err != nil {
		t.Fatal(err)
	}
	p.s = stream.Source(skip).(*encoded).source.(*reading)
	return p
}

// all plays to the end and returns what is behind the first frame, where that was
// silent because the disk had not answered yet.
func (p *playing) all(rate int) []int16 {
	p.t.Helper()
	var all []int16
	frame := make([]int16, rate/50)
	for {
		n, err := p.s.NextPCM(rate, frame)
		p.clock.Wait()
		all = append(all, frame[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	first := all[:min(rate/50, len(all))]
	if len(first) > 0 && slices.Max(first) == 0 {
		return all[len(first):] // the file was being opened
	}
	return all
}

func TestStreamPlaysEverySample(t *testing.T) {
	for _, length := range []time.Duration{0, time.Second, 3 * time.Second, 20 * time.Second} {
		for _, skip := range []time.Duration{0, 1500 * time.Millisecond} {
			files := wavOf(8000, 1, length)
			p := play(t, files, "x.wav", skip)
			got := p.all(8000)
			want := max(0, int((length-skip).Seconds()*8000))
			if len(got) != want {
				t.Errorf("%v without %v: %d samples, want %d", length, skip, len(got), want)
			}
			first := int(skip.Seconds() * 8000)
			for i, sample := range got {
				if sample != int16(first+i) {
					t.Fatalf("%v without %v: sample %d is %d", length, skip, i, sample)
				}
			}
			if n := p.owner.Underruns(); n != 0 || files.open.Load() != 0 {
				t.Errorf("%d underruns, %d files open", n, files.open.Load())
			}
		}
	}
}

func TestStreamResamples(t *testing.T) {
	files := fstest.MapFS{"x.sln16": sln(16000, 5*time.Second, 10000)}
	got := play(t, files, "x.sln16", 0).all(8000)
	if d := len(got) - 40000; d < 0 || d > 400 {
		t.Errorf("%d samples of 40000", len(got))
	}
	var energy float64
	for _, s := range got[8000:32000] {
		energy += float64(s) * float64(s)
	}
	if mean := energy / 24000; mean < 49e6 || mean > 51e6 {
		t.Errorf("mean square %v, want 50e6", mean)
	}
}

// TestStreamOnASlowDisk lets one read through now and then.
func TestStreamOnASlowDisk(t *testing.T) {
	files := wavOf(8000, 1, 10*time.Second)
	p := play(t, files, "x.wav", 0)
	files.gate = make(chan struct{}, 1)
	frame := make([]int16, 160)
	silent := func() bool {
		n, err := p.s.NextPCM(8000, frame)
		if n != 160 || err != nil {
			t.Fatal(n, err)
		}
		return slices.Max(frame) == 0
	}
	for range 100 {
		if !silent() {
			t.Fatal("sound before the disk gave any")
		}
	}
	if n := p.owner.Underruns(); n != 0 {
		t.Errorf("%d underruns before anything was played", n)
	}
	close(files.gate)
	p.clock.Wait()
	if silent() {
		t.Fatal("no sound though the disk gave some")
	}
	gate := make(chan struct{})
	files.gate = gate
	played := 1
	for !silent() {
		played++
	}
	late := p.owner.Underruns() // one, or two where the last sound did not fill its frame
	if late < 1 || late > 2 || played < 25 {
		t.Errorf("%d underruns after %d frames", late, played)
	}
	close(gate)
	p.clock.Wait()
	if silent() || p.owner.Underruns() != late {
		t.Error("the sound did not go on")
	}
}

func TestStreamIsClosed(t *testing.T) {
	for frames := range 60 {
		files := wavOf(8000, 1, time.Hour)
		v, _, l := newTestLine(t)
		owner := Streams{Clock: v}
		stream, err := owner.Open(files, "x.wav")
		if err != nil {
			t.Fatal(err)
		}
		stop := l.Play(Sequence(stream.Source(0), stream.Source(0)), nil)
		v.Advance(time.Duration(frames) * 20 * time.Millisecond)
		closed := make(chan error, 1)
		switch frames % 3 {
		case 0:
			stop()
		case 1:
			l.Play(&ramp{left: 1}, func(err error) { closed <- err })
		case 2:
			l.Close()
		}
		v.Advance(time.Second)
		for files.open.Load() != 0 {
			runtime.Gosched()
		}
	}
}

func TestStreamErrors(t *testing.T) {
	var owner Streams
	if _, err := owner.Open(fstest.MapFS{}, "x.wav"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	files := fstest.MapFS{"x.sln": sln(8000, time.Second, 1)}
	p := play(t, files, "x.sln", 0)
	delete(files, "x.sln")
	frame := make([]int16, 160)
	if _, err := p.s.NextPCM(8000, frame); err != nil {
		t.Fatal(err)
	}
	p.clock.Wait()
	if _, err := p.s.NextPCM(8000, frame); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestStreamIsSmall holds one-hour files in the middle of playing.
func TestStreamIsSmall(t *testing.T) {
	for _, c := range []struct{ rate, channels int }{{8000, 1}, {16000, 1}, {44100, 2}, {48000, 2}} {
		const calls = 10
		var all [calls]*playing
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc + m.StackInuse
		}
		frame := make([]int16, 160)
		before := heap()
		for i := range all {
			all[i] = play(t, wavOf(c.rate, c.channels, time.Hour), "x.wav", 0)
			for range 120 {
				if _, err := all[i].s.NextPCM(8000, frame); err != nil {
					t.Fatal(err)
				}
				all[i].clock.Wait()
			}
		}
		each := (int64(heap()) - int64(before)) / calls
		t.Logf("%d Hz, %d channels: %d KB a call", c.rate, c.channels, each>>10)
		if each > 200<<10 {
			t.Errorf("%d Hz, %d channels: %d KB a call", c.rate, c.channels, each>>10)
		}
		runtime.KeepAlive(all)
	}
}

func TestLongPromptsAreNotKept(t *testing.T) {
	files := fstest.MapFS{
		"en/short.sln": sln(8000, promptMost, 1),
		"en/long.sln":  sln(8000, promptMost+time.Second, 1000),
	}
	p := NewPrompts(nil, files)
	var clock settling
	p.SetClock(&clock)
	short, err := p.Find("en", "short")
	if err != nil || short.long != nil {
		t.Errorf("short: %v", err)
	}
	kept := p.size
	long, err := p.Find("en", "long")
	if err != nil || long.long == nil || p.size != kept || long.Duration() != promptMost+time.Second {
		t.Fatalf("long: %v, %d octets kept", err, p.size-kept)
	}
	format := call.FormatOf(call.PCMU)
	if err := long.Prepare(format); err != nil {
		t.Error(err)
	}
	source, f, frames := long.Source(promptMost), call.Frame{}, 0
	for source.Next(format, &f) == nil {
		clock.Wait()
		frames++
	}
	if frames != 51 {
		t.Errorf("%d frames of the last second", frames)
	}
}
