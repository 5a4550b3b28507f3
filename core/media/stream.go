package media

import (
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/media/file"
)

// Streams plays sound files without keeping them in memory. Between the disk and
// the worker lies a ring of a second of sound. When it is half empty the worker
// starts a goroutine that fills it and ends; so there is one only while it
// reads, nothing waits for a worker that has gone, and the worker never waits
// for the disk: where that does not keep up the leg hears silence, which is
// counted, and the sound goes on where it was. All methods may be called from
// any goroutine.
type Streams struct {
	// Clock is held while a ring is filled, so that virtual time does not overtake
	// the disk. nil where time is real.
	Clock call.Holder
	// Log hears of files that end too early; it may be nil.
	Log *slog.Logger

	underruns atomic.Uint64
}

// Underruns counts the frames of silence that were played because the disk did
// not keep up.
func (s *Streams) Underruns() uint64 { return s.underruns.Load() }

// Stream is a sound file that is read while it plays.
type Stream struct {
	owner *Streams
	files fs.FS
	name  string
	info  file.Info
}

// Open looks whether a file can be played; it is opened again for each playing.
// Errors are those of file.Open. Not on a worker.
func (s *Streams) Open(files fs.FS, name string) (*Stream, error) {
	reader, err := file.Open(files, name)
	if err != nil {
		return nil, err
	}
	return s.stream(files, name, reader.Info()), reader.Close()
}

func (s *Streams) stream(files fs.FS, name string, info file.Info) *Stream {
	return &Stream{owner: s, files: files, name: name, info: info}
}

// Duration is how long the file says it lasts, 0 where it does not say.
func (s *Stream) Duration() time.Duration { return s.info.Length }

// Source plays the file from skip on. Nothing is open before the first frame is
// asked for, for which there is a frame of silence; closing the source, which a
// Line does, closes the file.
func (s *Stream) Source(skip time.Duration) Source {
	return Encoded(&reading{stream: s, skip: max(skip, 0)})
}

const (
	ringTime = time.Second
	ringMost = 48000 // samples, at rates that telephones do not use
	ringRead = 2048  // samples that are read at a time
)

// reading is one playing of a stream.
type reading struct {
	stream *Stream
	skip   time.Duration

	// Of the worker.
	begun     bool // some sound was played
	from, to  int  // rates that the resampler is for
	resampler *dsp.Resampler
	piece     []int16
	made      []int16
	flushed   bool

	mu      sync.Mutex
	rate    int // of the file, 0 until it is open
	ring    []int16
	start   int // of the oldest sample
	waiting int // samples in the ring
	filling bool
	over    error // why no more sound will come
	closed  bool

	// Of the goroutine that fills.
	reader *file.Reader
}

// NextPCM implements PCMSource. It is called for each frame, by the worker.
func (r *reading) NextPCM(rate int, dst []int16) (int, error) {
	n, over := r.next(rate, dst)
	switch {
	case n == len(dst):
		r.begun = true
		return n, nil
	case over != nil:
		return n, over
	case r.begun:
		r.stream.owner.underruns.Add(1)
	}
	clear(dst[n:])
	return len(dst), nil
}

func (r *reading) next(rate int, dst []int16) (n int, over error) {
	from, over := r.rouse()
	if from == 0 || from == rate {
		return r.take(dst), over
	}
	if from != r.from || rate != r.to {
		resampler, err := dsp.NewResampler(from, rate)
		if err != nil {
			return 0, err
		}
		r.resampler, r.from, r.to = resampler, from, rate
		r.piece = make([]int16, from/50+1)
	}
	for len(r.made) < len(dst) && !r.flushed {
		got := r.take(r.piece)
		if got == 0 && over == nil {
			break
		}
		if got == 0 {
			clear(r.piece) // drives the last sound out of the filter
			got, r.flushed = len(r.piece), true
		}
		r.made = r.resampler.Process(r.made, r.piece[:got])
	}
	n = copy(dst, r.made)
	r.made = r.made[:copy(r.made, r.made[n:])]
	return n, over
}

// rouse starts filling where the ring is half empty, and says at which rate the
// file is and whether its end was read.
func (r *reading) rouse() (rate int, over error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over == nil && !r.filling && !r.closed && r.waiting <= len(r.ring)/2 {
		r.filling = true
		if held := r.stream.owner.Clock; held != nil {
			held.Hold()
		}
		go r.fill()
	}
	return r.rate, r.over
}

func (r *reading) take(dst []int16) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(dst), r.waiting)
	first := copy(dst[:n], r.ring[r.start:])
	copy(dst[first:n], r.ring)
	if r.waiting -= n; n > 0 {
		r.start = (r.start + n) % len(r.ring)
	}
	return n
}

// fill reads until the ring is full, the file ends or the source was closed.
func (r *reading) fill() {
	err := r.open()
	piece := make([]int16, ringRead)
	for err == nil {
		var n int
		n, err = r.reader.Read(piece)
		if !r.put(piece[:n]) {
			break
		}
	}
	r.mu.Lock()
	r.over, r.filling = err, false
	done := (err != nil || r.closed) && r.reader != nil
	r.mu.Unlock()
	if done {
		r.finish(err)
	}
	if held := r.stream.owner.Clock; held != nil {
		held.Release()
	}
}

// open opens the file and skips what is not to be played.
func (r *reading) open() error {
	if r.reader != nil {
		return nil
	}
	reader, err := file.Open(r.stream.files, r.stream.name)
	if err != nil {
		return err
	}
	r.reader = reader
	rate := reader.Rate()
	passed := make([]int16, ringRead)
	for skip := int64(r.skip.Seconds() * float64(rate)); skip > 0; {
		n, err := reader.Read(passed[:min(skip, ringRead)])
		if err != nil {
			return err
		}
		skip -= int64(n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = rate
	r.ring = make([]int16, max(min(int(ringTime.Seconds())*rate, ringMost), 2*ringRead))
	return nil
}

// put adds samples, for which there is room, and reports whether there is room
// for as many again and somebody who wants them.
func (r *reading) put(pcm []int16) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := (r.start + r.waiting) % len(r.ring)
	n := copy(r.ring[end:], pcm)
	copy(r.ring, pcm[n:])
	r.waiting += len(pcm)
	return !r.closed && len(r.ring)-r.waiting >= ringRead
}

// finish closes the file.
func (r *reading) finish(err error) {
	if log := r.stream.owner.Log; log != nil && err == io.EOF && r.reader.Truncated() {
		log.Warn("sound file ends too early", "file", r.stream.name)
	}
	_ = r.reader.Close() // it was only read
	r.reader = nil
}

// Close ends the playing. It does not wait for the disk. Any goroutine.
func (r *reading) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && !r.filling && r.over == nil && r.rate > 0 {
		go r.finish(nil)
	}
	r.closed = true
	return nil
}
