package fake

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// Sent is one signal that a leg was given.
type Sent struct {
	At     time.Time
	Signal call.Signal
}

// Leg is a call.Leg without a line. Its methods may be called from any
// goroutine.
type Leg struct {
	clock  clock.Clock
	events *call.EventQueue
	port   *Port

	mu       sync.Mutex
	info     call.Info
	format   call.Format // agreed as soon as media flows
	sent     []Sent
	refuse   func(call.Signal) error
	onAnswer []func()
	timers   []clock.Timer
	release  func() bool // stops watching the context of Dial
}

var _ call.Leg = (*Leg)(nil)

// NewLeg returns a leg of no endpoint, with the facts of info, that follows
// behaviours from now on. Unless info says otherwise it can do all that a line
// can, and its media will be linear audio at 8 kHz.
func NewLeg(c clock.Clock, info call.Info, behaviours ...Behaviour) *Leg {
	if info.ID == "" {
		info.ID = "fake-1"
	}
	if info.Endpoint == "" {
		info.Endpoint = "fake"
	}
	l := newLeg(c, info)
	l.Follow(behaviours...)
	return l
}

func newLeg(c clock.Clock, info call.Info) *Leg {
	if info.Features == 0 {
		info.Features = call.CanHold | call.CanTransfer | call.CanEarlyMedia | call.CanSendText
	}
	l := &Leg{clock: c, events: call.NewEventQueue(c), info: info, port: NewPort(c), format: call.LinearAt(8000)}
	if !info.Format.IsZero() {
		l.format, l.info.Format = info.Format, call.Format{}
	}
	return l
}

// Info is what is known about the leg now.
func (l *Leg) Info() call.Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.info
}

// Events delivers what the far end does.
func (l *Leg) Events() <-chan call.Event { return l.events.C() }

// Media is the leg's *Port.
func (l *Leg) Media() call.Port { return l.port }

// Port is Media with the methods that tests need.
func (l *Leg) Port() *Port { return l.port }

// Send records s and carries it out. Answering an incoming leg posts no event;
// hanging up posts HungUp with ByUs.
func (l *Leg) Send(ctx context.Context, s call.Signal) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("leg %s: %w", l.Info().ID, err)
	}
	l.mu.Lock()
	if l.info.State == call.Ended {
		l.mu.Unlock()
		return fmt.Errorf("leg %s: %w", l.info.ID, call.ErrHungUp)
	}
	l.sent = append(l.sent, Sent{At: l.clock.Now(), Signal: s})
	err := l.refusal(s)
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("leg %s: %w", l.info.ID, err)
	}
	switch s := s.(type) {
	case call.Ring:
		l.advance(call.Ringing)
	case call.Progress:
		l.openMedia(call.Early)
	case call.Answer:
		l.connect()
	case call.Hangup:
		l.end(call.HungUp{Cause: s.Cause, Status: s.Status, Reason: s.Reason, ByUs: true})
	case call.Redirect:
		l.end(call.HungUp{Cause: call.CauseNormal, Status: 302, ByUs: true})
	case call.Identify:
		l.change(func(i *call.Info) { i.Called = s.Party })
	}
	return nil
}

// refusal is why this leg will not carry out s; l.mu is held.
func (l *Leg) refusal(s call.Signal) error {
	if l.refuse != nil {
		if err := l.refuse(s); err != nil {
			return err
		}
	}
	needs := call.Features(0)
	switch s.(type) {
	case call.Hold:
		needs = call.CanHold
	case call.Transfer:
		needs = call.CanTransfer
	case call.Progress:
		needs = call.CanEarlyMedia
	}
	if !l.info.Features.Has(needs) {
		return call.ErrNotSupported
	}
	return nil
}

// Refuse has f decide on each signal that follows: an error of f is what Send
// returns instead of carrying the signal out. f must not use the leg.
func (l *Leg) Refuse(f func(call.Signal) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = f
}

// Signals is everything that Send was given, in order.
func (l *Leg) Signals() []Sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Sent(nil), l.sent...)
}

// Rings says that the far end is alerted.
func (l *Leg) Rings() {
	if l.advance(call.Ringing) {
		l.events.Post(call.Alerting{})
	}
}

// SendsEarlyMedia says that sound comes before the answer.
func (l *Leg) SendsEarlyMedia() {
	if l.openMedia(call.Early) {
		l.events.Post(call.EarlyMedia{})
	}
}

// Answers picks up an outgoing call.
func (l *Leg) Answers() {
	if l.connect() {
		l.events.Post(call.Connected{})
	}
}

// Presses sends each of keys as a digit, at once; see the Behaviour of the same
// name for keys pressed over time.
func (l *Leg) Presses(keys string) {
	for i := range len(keys) {
		l.events.Post(call.Digit{Key: keys[i], Duration: keyLength, Via: call.ViaRTP})
	}
}

// Holds puts moonwire on hold or takes it back.
func (l *Leg) Holds(on bool) {
	l.change(func(i *call.Info) { i.Held = on })
	l.events.Post(call.HeldChanged{On: on})
}

// ChangesMedia agrees on another format.
func (l *Leg) ChangesMedia(f call.Format) {
	l.mu.Lock()
	l.format, l.info.Format = f, f
	l.port.SetFormat(f)
	l.mu.Unlock()
	l.events.Post(call.MediaChanged{Format: f})
}

// HangsUp ends the call from the far end.
func (l *Leg) HangsUp(cause call.Cause) {
	l.end(call.HungUp{Cause: cause})
}

// Rejects ends the call before the answer with a SIP status, as SIP would.
func (l *Leg) Rejects(status int) {
	l.end(call.HungUp{Cause: call.CauseOf(status), Status: status})
}

// Post delivers an event that changes nothing about the leg itself:
// TransferAsked, MediaLost, a Digit of a certain kind. It reports whether there
// was room.
func (l *Leg) Post(e call.Event) bool {
	if h, last := e.(call.HungUp); last {
		return l.end(h)
	}
	return l.events.Post(e)
}

// Dropped is how many events the reader was too slow for.
func (l *Leg) Dropped() int { return l.events.Dropped() }

// After runs f when d has passed, unless the leg has ended by then: what a
// Behaviour is made of.
func (l *Leg) After(d time.Duration, f func()) { l.after(d, f) }

// WhenAnswered runs f at the answer, at once if that has been.
func (l *Leg) WhenAnswered(f func()) { l.whenAnswered(f) }

func (l *Leg) after(d time.Duration, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.info.State != call.Ended {
		l.timers = append(l.timers, l.clock.AfterFunc(d, f))
	}
}

// whenAnswered runs f at the answer, at once if that has been.
func (l *Leg) whenAnswered(f func()) {
	l.mu.Lock()
	answered := l.info.State == call.Answered
	if !answered {
		l.onAnswer = append(l.onAnswer, f)
	}
	l.mu.Unlock()
	if answered {
		f()
	}
}

// advance moves the state forward and reports whether it did.
func (l *Leg) advance(to call.State) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.info.State >= to {
		return false
	}
	l.info.State = to
	return true
}

func (l *Leg) openMedia(to call.State) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.info.State >= to {
		return false
	}
	l.info.State = to
	l.info.Format = l.format
	l.port.SetFormat(l.format)
	return true
}

func (l *Leg) connect() bool {
	if !l.openMedia(call.Answered) {
		return false
	}
	l.mu.Lock()
	planned, release := l.onAnswer, l.release
	l.onAnswer, l.release = nil, nil
	l.mu.Unlock()
	if release != nil {
		release()
	}
	for _, f := range planned {
		f()
	}
	return true
}

func (l *Leg) change(f func(*call.Info)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.info)
}

// end hangs up once: it stops what is planned and posts the last event.
func (l *Leg) end(h call.HungUp) bool {
	if !l.advance(call.Ended) {
		return false
	}
	l.mu.Lock()
	l.info.Cause = h.Cause
	timers, release := l.timers, l.release
	l.timers, l.onAnswer, l.release = nil, nil, nil
	l.mu.Unlock()
	for _, t := range timers {
		t.Stop()
	}
	if release != nil {
		release()
	}
	_ = l.port.Close()
	return l.events.Post(h)
}

// cancelWith hangs up when ctx ends before the answer, as a dialled leg does.
func (l *Leg) cancelWith(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		open := l.info.State < call.Answered
		l.mu.Unlock()
		if open {
			l.end(call.HungUp{Cause: call.CauseNormal, ByUs: true})
		}
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release = stop
}
