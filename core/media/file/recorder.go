package file

import (
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/dsp"
)

// RecorderOptions say how a Recorder works; the zero value will do.
type RecorderOptions struct {
	// Clock is held while sound waits to be written, so that virtual time does
	// not overtake the disk. nil where time is real.
	Clock call.Holder
	// Room is how much sound may wait for the disk before some is lost; 0 means
	// two seconds.
	Room time.Duration
	// OnError is called once, on the recorder's own goroutine, when the file
	// cannot be written any further: a full disk, say. It must not call Stop.
	OnError func(error)
}

// Recording is what became of a recording.
type Recording struct {
	Duration time.Duration // of the sound in the file
	Added    time.Duration // of that, what was not there before
	Lost     time.Duration // sound that came while the disk did not keep up
	Kept     bool          // the file is there
}

// Recorder writes what it hears to a file. It is a media.Sink: the worker leaves
// the sound in a ring, and one goroutine carries it to the disk a fifth of a
// second at a time, so that a slow disk delays nobody.
type Recorder struct {
	writer  *Writer
	options RecorderOptions
	wake    chan struct{}
	done    chan struct{}

	end     sync.Once
	result  Recording
	failure error

	mu       sync.Mutex
	ring     []int16
	start    int       // of the oldest sample
	waiting  int       // samples in the ring
	pieces   []segment // what they are made up of, the oldest first
	lost     time.Duration
	heard    time.Duration
	carrying bool // the goroutine was woken and does not rest yet
	stopped  bool
	err      error
}

// segment is some samples of one rate; a new one begins where the rate changes.
type segment struct{ rate, samples int }

// carryPeriod is how much sound is carried to the disk at a time.
const carryPeriod = 200 * time.Millisecond

// NewRecorder takes the writer over and starts the goroutine. Stop ends both.
func NewRecorder(w *Writer, o RecorderOptions) *Recorder {
	if o.Room <= 0 {
		o.Room = 2 * time.Second
	}
	r := &Recorder{writer: w, options: o, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go r.run()
	return r
}

// Hear takes in one frame. It never waits for the file: what finds no room is
// counted as lost.
func (r *Recorder) Hear(rate int, pcm []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || r.err != nil || rate <= 0 {
		return
	}
	if r.ring == nil {
		r.ring = make([]int16, samplesIn(r.options.Room, rate))
	}
	length := time.Duration(len(pcm)) * time.Second / time.Duration(rate)
	if r.waiting+len(pcm) > len(r.ring) {
		r.lost += length
	} else {
		r.put(rate, pcm)
		r.heard += length
	}
	if r.waiting >= samplesIn(carryPeriod, rate) {
		r.rouse()
	}
}

func samplesIn(d time.Duration, rate int) int {
	return int(int64(rate) * int64(d) / int64(time.Second))
}

func (r *Recorder) put(rate int, pcm []int16) {
	end := (r.start + r.waiting) % len(r.ring)
	n := copy(r.ring[end:], pcm)
	copy(r.ring, pcm[n:])
	r.waiting += len(pcm)
	if last := len(r.pieces) - 1; last >= 0 && r.pieces[last].rate == rate {
		r.pieces[last].samples += len(pcm)
		return
	}
	r.pieces = append(r.pieces, segment{rate, len(pcm)})
}

// take moves samples of one rate out of the ring.
func (r *Recorder) take(dst []int16) (rate, n int) {
	if len(r.pieces) == 0 {
		return 0, 0
	}
	oldest := &r.pieces[0]
	rate, n = oldest.rate, min(oldest.samples, len(dst))
	first := copy(dst[:n], r.ring[r.start:])
	copy(dst[first:n], r.ring)
	r.start = (r.start + n) % len(r.ring)
	r.waiting -= n
	if oldest.samples -= n; oldest.samples == 0 {
		r.pieces = append(r.pieces[:0], r.pieces[1:]...)
	}
	return rate, n
}

// rouse wakes the goroutine if it rests.
func (r *Recorder) rouse() {
	if r.carrying {
		return
	}
	r.carrying = true
	if r.options.Clock != nil {
		r.options.Clock.Hold()
	}
	r.wake <- struct{}{} // has room: it is taken before carrying is reset
}

// rest reports whether the goroutine may wait for the next call of rouse, and
// whether there will be none.
func (r *Recorder) rest() (resting, stopped bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting > 0 && r.err == nil {
		return false, false
	}
	r.carrying = false
	if r.options.Clock != nil {
		r.options.Clock.Release()
	}
	return true, r.stopped
}

// run carries sound from the ring to the file until the recorder is stopped.
func (r *Recorder) run() {
	defer close(r.done)
	carrier := carrier{writer: r.writer, piece: make([]int16, 4096)}
	for range r.wake {
		for {
			r.mu.Lock()
			rate, n := r.take(carrier.piece)
			r.mu.Unlock()
			if err := carrier.carry(rate, carrier.piece[:n]); err != nil {
				r.fail(err)
			}
			resting, stopped := r.rest()
			if stopped {
				return
			}
			if resting {
				break
			}
		}
	}
}

// fail remembers the first error and tells of it.
func (r *Recorder) fail(err error) {
	r.mu.Lock()
	first := r.err == nil
	r.err = err
	r.mu.Unlock()
	if first && r.options.OnError != nil {
		r.options.OnError(err)
	}
}

// carrier writes samples of any rate to a file of one.
type carrier struct {
	writer    *Writer
	piece     []int16
	resampler *dsp.Resampler
	rate      int // that the resampler is for
	converted []int16
}

func (c *carrier) carry(rate int, pcm []int16) error {
	if rate == c.writer.Rate() || len(pcm) == 0 {
		return c.writer.Write(pcm)
	}
	if c.rate != rate {
		resampler, err := dsp.NewResampler(rate, c.writer.Rate())
		if err != nil {
			return err
		}
		c.resampler, c.rate = resampler, rate
	}
	c.converted = c.resampler.Process(c.converted[:0], pcm)
	return c.writer.Write(c.converted)
}

// Duration is how much sound was taken in so far. Any goroutine.
func (r *Recorder) Duration() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

// Err is why nothing is written any more, nil while all is well. Any goroutine.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Stop writes what still waits, closes the file and waits until it is on the disk.
// The error is the first that writing met; the Recording says what the file
// holds nevertheless. Any goroutine but a worker's; a second call changes
// nothing and says the same.
func (r *Recorder) Stop() (Recording, error) {
	r.end.Do(func() {
		r.drain()
		err := r.writer.Close()
		if failed := r.Err(); failed != nil {
			err = failed
		}
		r.result = r.came()
		r.failure = err
	})
	return r.result, r.failure
}

// Discard stops without completing the file; an atomic one is not made. Any
// goroutine but a worker's; instead of Stop.
func (r *Recorder) Discard() {
	r.end.Do(func() {
		r.drain()
		r.writer.Discard()
		r.result, r.failure = r.came(), errDiscarded
	})
}

// came is what the recording came to, now that the writer is closed.
func (r *Recorder) came() Recording {
	w := r.writer
	added := time.Duration((w.samples - w.before) * int64(time.Second) / int64(w.rate))
	return Recording{Duration: w.Duration(), Added: added, Lost: r.lost, Kept: w.kept}
}

// drain waits for the goroutine to end.
func (r *Recorder) drain() {
	r.mu.Lock()
	r.stopped = true
	r.rouse()
	r.mu.Unlock()
	<-r.done
}
