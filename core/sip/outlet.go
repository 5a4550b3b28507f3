package sip

import (
	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
)

// outlet is a leg's media as the world above sees it: one port for as long as
// the leg lives, whatever session is behind it. All sessions of a leg have the
// same worker, which owns what is here.
type outlet struct {
	leg    *leg
	worker *media.Worker
	audio  audio
	sink   func(*call.Frame)
}

func newOutlet(l *leg, a audio) *outlet { return &outlet{leg: l, worker: a.Worker(), audio: a} }

// turnTo puts another session behind the outlet. Any goroutine.
func (o *outlet) turnTo(a audio) {
	turn := func() {
		o.audio.Push(nil)
		o.audio = a
		if o.sink != nil {
			a.Push(o.sink)
		}
	}
	if o.worker == nil || !o.worker.Post(turn) {
		turn()
	}
}

// Worker is the worker that owns the media. Any goroutine.
func (o *outlet) Worker() *media.Worker { return o.worker }

// Quality is that of the present session. Any goroutine.
func (o *outlet) Quality() call.Quality { return o.leg.Info().Quality }

func (o *outlet) Format() call.Format            { return o.audio.Format() }
func (o *outlet) ReadFrame(f *call.Frame) error  { return o.audio.ReadFrame(f) }
func (o *outlet) WriteFrame(f *call.Frame) error { return o.audio.WriteFrame(f) }

// Push hands frames to sink as they arrive; nil goes back to ReadFrame.
func (o *outlet) Push(sink func(*call.Frame)) {
	o.sink = sink
	o.audio.Push(sink)
}

// Close ends the present session.
func (o *outlet) Close() error {
	o.leg.mu.Lock()
	defer o.leg.mu.Unlock()
	return o.leg.audio.Close()
}

// Interface guards.
var (
	_ call.Port   = (*outlet)(nil)
	_ call.Pusher = (*outlet)(nil)
	_ call.Meter  = (*outlet)(nil)
)
