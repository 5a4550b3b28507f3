package media

import (
	"io"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/dsp"
)

// Line is the media side of a leg as a script uses it: it plays to the leg,
// listens to it, and sends its own voice back. It is itself a call.Port and
// call.Pusher, so that a bridge takes a line without knowing of players and
// listeners; while something is played to a bridged leg, the other side is not
// heard.
//
// Methods that say so may be called from any goroutine: they post a command to
// the worker. All state belongs to the worker.
type Line struct {
	worker *Worker
	port   call.Port
	pusher call.Pusher // the port, where it can push; nil otherwise

	player   *player // nil when nothing is
	ears     []*ear
	echo     bool
	bridged  func(*call.Frame) // where a bridge wants the leg's frames
	schedule *Schedule
	period   time.Duration
	closed   bool

	hearing hearing
	frame   call.Frame
}

// player is what is being played.
type player struct {
	source Source
	done   func(error)
}

// ear is one Sink that listens.
type ear struct{ sink Sink }

// NewLine takes over p, whose worker is w. Any goroutine.
func NewLine(w *Worker, p call.Port) *Line {
	l := &Line{worker: w, port: p}
	l.pusher, _ = p.(call.Pusher)
	w.Post(l.refresh)
	return l
}

// Worker is the worker that runs the line.
func (l *Line) Worker() *Worker { return l.worker }

// Home identifies the goroutine that owns the line; lines with the same Home
// may call each other directly.
func (l *Line) Home() any { return l.worker }

// Post runs f on the line's worker. Any goroutine.
func (l *Line) Post(f func()) bool { return l.worker.Post(f) }

// Play sends s to the leg, instead of what is being played now. done is called
// once, on the worker: with nil at the end of s, with ErrStopped when playing
// was stopped or replaced, or with the error of s. In each case s is closed
// before, if it can be. stop ends the playing of s, but not of what has taken
// its place. Any goroutine.
func (l *Line) Play(s Source, done func(error)) (stop func()) {
	p := &player{s, done}
	if !l.worker.Post(func() { l.play(p) }) {
		p.end(call.ErrHungUp)
	}
	return func() {
		l.worker.Post(func() {
			if l.player == p {
				l.finish(ErrStopped)
			}
		})
	}
}

// end lets go of what was played and tells its owner why.
func (p *player) end(err error) {
	CloseSource(p.source)
	if p.done != nil {
		p.done(err)
	}
}

// Listen lets s hear the leg until stop is called. Any goroutine.
func (l *Line) Listen(s Sink) (stop func()) {
	e := &ear{s}
	l.worker.Post(func() {
		if l.closed {
			return
		}
		l.ears = append(l.ears, e)
		l.refresh()
	})
	return func() { l.worker.Post(func() { l.unlisten(e) }) }
}

// Echo sends back to the leg what it says, as it arrives. Any goroutine.
func (l *Line) Echo(on bool) {
	l.worker.Post(func() {
		l.echo = on
		l.refresh()
	})
}

// Close ends playing and listening and closes the port. Any goroutine.
func (l *Line) Close() error {
	l.worker.Post(l.close)
	return nil
}

func (l *Line) close() {
	if l.closed {
		return
	}
	l.finish(call.ErrHungUp)
	l.closed = true
	l.ears, l.echo, l.bridged = nil, false, nil
	l.refresh()
	_ = l.port.Close()
}

func (l *Line) play(p *player) {
	if l.closed {
		p.end(call.ErrHungUp)
		return
	}
	l.finish(ErrStopped)
	l.player = p
	l.refresh()
}

// finish ends the player and tells its owner why.
func (l *Line) finish(err error) {
	p := l.player
	if p == nil {
		return
	}
	l.player = nil
	l.refresh()
	p.end(err)
}

func (l *Line) unlisten(e *ear) {
	for i := range l.ears {
		if l.ears[i] == e {
			l.ears = append(l.ears[:i:i], l.ears[i+1:]...)
			l.refresh()
			return
		}
	}
}

// refresh decides, after any change, where the leg's frames go and whether the
// line needs ticks: pushed frames to a bridge or back to the leg, ticked ones
// to listeners, and to nobody where nobody wants them.
func (l *Line) refresh() {
	pushing := l.pusher != nil && (l.bridged != nil || l.echo || len(l.ears) == 0)
	if l.pusher != nil {
		if pushing {
			l.pusher.Push(l.pushed)
		} else {
			l.pusher.Push(nil)
		}
	}
	if l.player != nil || (!pushing && len(l.ears) > 0) {
		l.tickEvery(l.frameTime())
	} else {
		l.schedule.Stop()
		l.schedule = nil
	}
}

func (l *Line) frameTime() time.Duration {
	if p := l.port.Format().PTime; p > 0 {
		return p
	}
	return call.DefaultPTime
}

func (l *Line) tickEvery(period time.Duration) {
	if l.schedule != nil && l.period == period {
		return
	}
	l.schedule.Stop()
	l.period = period
	l.schedule = l.worker.Every(period, l)
}

// pushed takes one frame the moment it arrives.
func (l *Line) pushed(f *call.Frame) {
	if len(l.ears) > 0 {
		l.hear(f)
	}
	switch {
	case l.bridged != nil:
		l.bridged(f)
	case l.echo && l.player == nil:
		_ = l.port.WriteFrame(f)
	}
}

// Tick runs once each ptime while there is something to play or to hear.
func (l *Line) Tick(time.Time) {
	if l.player != nil {
		l.playFrame()
	}
	if len(l.ears) > 0 && l.bridged == nil && !(l.echo && l.pusher != nil) {
		l.hearFrame()
	}
	if l.schedule != nil && l.port.Format().PTime != l.period {
		l.refresh() // media was agreed anew
	}
}

// playFrame sends the next frame of what is played. Until media is agreed,
// playing waits.
func (l *Line) playFrame() {
	format := l.port.Format()
	if format.IsZero() {
		return
	}
	f := &l.frame
	*f = call.Frame{}
	switch err := l.player.source.Next(format, f); err {
	case nil:
		_ = l.port.WriteFrame(f)
	case io.EOF:
		l.finish(nil)
	default:
		l.finish(err)
	}
}

// hearFrame takes the frame that is due and lets the listeners hear it.
func (l *Line) hearFrame() {
	f := &l.frame
	*f = call.Frame{}
	if err := l.port.ReadFrame(f); err != nil {
		f.Kind = call.ComfortNoise // nothing was said: silence, not a loss to conceal
	}
	l.hear(f)
}

func (l *Line) hear(f *call.Frame) {
	if f.Kind == call.Telephone {
		return
	}
	format := l.port.Format()
	if format.IsZero() {
		format = call.FormatOf(call.PCMU)
	}
	pcm := l.hearing.decode(format, f)
	for _, e := range l.ears {
		e.sink.Hear(format.Rate, pcm)
	}
}

// hearing decodes what the leg says, once for all listeners, and conceals what
// the network lost.
type hearing struct {
	format    call.Format
	decoder   codec.Decoder
	concealer *dsp.Concealer
	pcm       []int16
}

func (h *hearing) decode(format call.Format, f *call.Frame) []int16 {
	if format != h.format {
		h.format, h.decoder = format, nil
		h.concealer = dsp.NewConcealer(format.Rate)
		if c, ok := codec.Lookup(format.Codec); ok {
			h.decoder = c.NewDecoder(format)
		}
	}
	if f.Kind == call.Audio {
		if f.Codec == call.Linear && f.PCM != nil {
			return f.PCM
		}
		if h.decoder != nil {
			if pcm, err := h.decoder.Decode(h.pcm[:0], f.Payload); err == nil {
				h.pcm = pcm
				h.concealer.Heard(h.pcm)
				return h.pcm
			}
		}
	}
	h.room(format.Samples() * max(format.Channels, 1))
	if f.Kind == call.Lost {
		h.concealer.Lost(h.pcm)
	} else {
		clear(h.pcm)
	}
	return h.pcm
}

func (h *hearing) room(samples int) {
	if cap(h.pcm) < samples {
		h.pcm = make([]int16, samples)
	}
	h.pcm = h.pcm[:samples]
}

// Format is the leg's.
func (l *Line) Format() call.Format { return l.port.Format() }

// ReadFrame takes the leg's next frame. Worker only.
func (l *Line) ReadFrame(f *call.Frame) error { return l.port.ReadFrame(f) }

// WriteFrame sends f to the leg, unless something is being played to it.
// Worker only.
func (l *Line) WriteFrame(f *call.Frame) error {
	if l.player != nil && f.Kind != call.Telephone {
		return nil
	}
	return l.port.WriteFrame(f)
}

// Push gives the leg's frames to a bridge as they arrive; nil ends that.
// Worker only.
func (l *Line) Push(sink func(*call.Frame)) {
	if l.closed {
		return
	}
	l.bridged = sink
	l.refresh()
}
