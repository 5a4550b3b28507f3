package media

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// Options configures an Engine.
type Options struct {
	Clock   clock.Clock  // nil = clock.Real
	Workers int          // 0 = one for every two cores
	Log     *slog.Logger // nil = slog.Default()
}

// Engine owns the media workers.
type Engine struct {
	workers []*Worker
	next    atomic.Uint32
}

// raised guards the one adjustment of GOMAXPROCS in the life of the process.
var raised sync.Once

// NewEngine starts the workers. On any clock but clock.Real they have no
// goroutines and no sockets: posted work runs at once and ticks are alarms of
// that clock.
func NewEngine(o Options) (*Engine, error) {
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	cores := runtime.NumCPU()
	if o.Workers <= 0 {
		o.Workers = (cores + 1) / 2
	}
	e := &Engine{}
	virtual := o.Clock != clock.Real
	for i := range o.Workers {
		w := &Worker{index: i, clock: o.Clock, log: o.Log, now: o.Clock.Now()}
		if virtual {
			w.loop = newVirtualLoop(w)
		} else {
			l, err := newLoop(w)
			if err != nil {
				e.Close()
				return nil, fmt.Errorf("media worker %d: %w", i, err)
			}
			w.loop = l
		}
		e.workers = append(e.workers, w)
	}
	if !virtual {
		raised.Do(func() { runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), cores) + o.Workers) })
	}
	return e, nil
}

// Worker returns the worker with the fewest lines and sockets. Any goroutine.
func (e *Engine) Worker() *Worker {
	start := int(e.next.Add(1))
	best := e.workers[start%len(e.workers)]
	for i := range e.workers {
		w := e.workers[(start+i)%len(e.workers)]
		if w.load.Load() < best.load.Load() {
			best = w
		}
	}
	return best
}

// Close stops all workers and closes their sockets.
func (e *Engine) Close() {
	for _, w := range e.workers {
		w.loop.close()
	}
}

// Stats adds up what the workers counted.
func (e *Engine) Stats() Stats {
	var s Stats
	for _, w := range e.workers {
		s.Received += w.received.Load()
		s.Sent += w.sent.Load()
		s.SendErrors += w.sendErrors.Load()
		s.Rounds += w.rounds.Load()
		s.LateTicks += w.lateTicks.Load()
		s.Sockets += int(w.load.Load())
	}
	s.Workers = len(e.workers)
	return s
}

// Stats are counts since the start.
type Stats struct {
	Workers    int
	Sockets    int
	Received   uint64 // datagrams
	Sent       uint64 // datagrams
	SendErrors uint64 // datagrams that the kernel refused
	Rounds     uint64 // times that a worker woke
	LateTicks  uint64 // milliseconds of the wheel that began more than 5 ms late
}

// Worker runs the media of some legs on one goroutine.
type Worker struct {
	index int
	clock clock.Clock
	log   *slog.Logger
	loop  loop
	wheel wheel
	now   time.Time

	load                                          atomic.Int32
	received, sent, sendErrors, rounds, lateTicks atomic.Uint64
}

// loop is how a worker waits: on a poller, on goroutines, or on virtual time.
type loop interface {
	post(f func()) bool
	arm()       // the wheel is about to get a schedule: start or catch up
	scheduled() // it has got it
	listen(s *Socket) error
	unlisten(s *Socket)
	close()
}

// Post runs f soon, on the worker. It may be called from any goroutine and
// never blocks; it returns false, and f never runs, once the engine is closed.
func (w *Worker) Post(f func()) bool { return w.loop.post(f) }

// Do runs f on the worker and waits until it has run. It must not be called on
// the worker itself.
func (w *Worker) Do(f func()) bool {
	done := make(chan struct{})
	if !w.Post(func() { defer close(done); f() }) {
		return false
	}
	<-done
	return true
}

// Now is the time at which the present round of work began. Worker only.
func (w *Worker) Now() time.Time { return w.now }

// Clock is the clock that the engine runs on.
func (w *Worker) Clock() clock.Clock { return w.clock }

// guard runs f and survives its panic: one call's mistake must not end all.
func (w *Worker) guard(what string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			stack := make([]byte, 4096)
			stack = stack[:runtime.Stack(stack, false)]
			w.log.Error("panic on a media worker", "in", what, "panic", r, "stack", string(stack))
		}
	}()
	f()
}
