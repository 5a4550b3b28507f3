package bridge

import (
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
)

// End is one end of a patch: a port without a line. What is written to it comes
// out of the other end, as if a far end had said it. So two legs whose far ends
// have left can be joined behind the backs of those who hold them, and each
// holder goes on with its leg as before.
//
// Each end belongs to a worker. Between two ends of one worker a frame is handed
// over by a call; between two workers it is copied.
type End struct {
	worker *media.Worker
	format call.Format
	other  *End
	digit  func(call.Digit)

	sink    func(*call.Frame)
	waiting []*parcel // for ReadFrame, oldest first
	lent    *parcel   // that was read last, valid until the next
	passing bool      // a frame is on its way through
	window  time.Time
	count   int    // of frames since window began
	key     uint32 // timestamp of the key that was reported last
	keyed   bool
	closed  bool

	received, sent atomic.Uint64
}

const (
	maxWaiting = 8 // frames that may wait for a reader; the oldest is dropped

	// Two ends that both echo would toss a frame to and fro for ever, so that
	// more frames than any line brings are dropped.
	loopWindow = 100 * time.Millisecond
	maxFrames  = 40 // in that time
)

// NewPatch makes both ends, whose audio is of one format. digitA and digitB are
// told of the keys (RFC 4733) that come out of their end; they run on its
// worker. Any goroutine.
func NewPatch(f call.Format, a, b *media.Worker, digitA, digitB func(call.Digit)) (*End, *End) {
	x, y := &End{worker: a, format: f, digit: digitA}, &End{worker: b, format: f, digit: digitB}
	x.other, y.other = y, x
	return x, y
}

// Worker is the worker that owns the end.
func (e *End) Worker() *media.Worker { return e.worker }

// Format is that of the patch.
func (e *End) Format() call.Format { return e.format }

// Push hands frames to sink as they come; nil goes back to ReadFrame. Worker only.
func (e *End) Push(sink func(*call.Frame)) {
	e.sink = sink
	e.drop(len(e.waiting))
}

// WriteFrame sends f to the other end. Worker only.
func (e *End) WriteFrame(f *call.Frame) error {
	if e.closed {
		return call.ErrHungUp
	}
	if e.passing || !e.affords() {
		return nil
	}
	e.sent.Add(1)
	to := e.other
	if to.worker == e.worker {
		e.passing = true
		to.take(f)
		e.passing = false
		return nil
	}
	p := pack(f)
	if !to.worker.Post(func() { to.take(&p.frame); p.free() }) {
		p.free()
	}
	return nil
}

// affords counts frames and reports whether one more is within reason.
func (e *End) affords() bool {
	if now := e.worker.Now(); now.Sub(e.window) >= loopWindow {
		e.window, e.count = now, 0
	}
	e.count++
	return e.count <= maxFrames
}

// take is a frame that comes out of e, on its worker.
func (e *End) take(f *call.Frame) {
	if e.closed {
		return
	}
	e.received.Add(1)
	if f.Kind == call.Telephone {
		e.press(f)
	}
	if e.sink != nil {
		e.sink(f)
		return
	}
	if len(e.waiting) >= maxWaiting {
		e.drop(1)
	}
	e.waiting = append(e.waiting, pack(f))
}

// press tells of a key once; its packets share their timestamp.
func (e *End) press(f *call.Frame) {
	const keys = "0123456789*#ABCD"
	if len(f.Payload) < 1 || int(f.Payload[0]) >= len(keys) || e.keyed && e.key == f.Timestamp {
		return
	}
	e.key, e.keyed = f.Timestamp, true
	if e.digit != nil {
		e.digit(call.Digit{Key: keys[f.Payload[0]], Via: call.ViaRTP})
	}
}

// ReadFrame delivers the oldest frame that came; see call.Port. Worker only.
func (e *End) ReadFrame(f *call.Frame) error {
	if e.closed {
		return call.ErrHungUp
	}
	if len(e.waiting) == 0 {
		return call.ErrNoFrame
	}
	if e.lent != nil {
		e.lent.free()
	}
	e.lent = e.waiting[0]
	e.waiting = e.waiting[:copy(e.waiting, e.waiting[1:])]
	*f = e.lent.frame
	return nil
}

func (e *End) drop(n int) {
	for _, p := range e.waiting[:n] {
		p.free()
	}
	e.waiting = e.waiting[:copy(e.waiting, e.waiting[n:])]
}

// Close ends this end; the other stays, and nobody hears it. Any goroutine.
func (e *End) Close() error {
	e.worker.Post(func() {
		e.closed, e.sink = true, nil
		e.drop(len(e.waiting))
	})
	return nil
}

// Quality counts frames. Any goroutine.
func (e *End) Quality() call.Quality {
	return call.Quality{Received: e.received.Load(), Sent: e.sent.Load()}
}

// Interface guards.
var (
	_ call.Port   = (*End)(nil)
	_ call.Pusher = (*End)(nil)
	_ call.Meter  = (*End)(nil)
)
