package local

import (
	"context"
	"fmt"
	"sync"

	"github.com/moonwire/moonwire/core/call"
)

// pair is one call. Its mutex guards the facts of both legs.
type pair struct {
	depth     int
	format    call.Format // of the media, once it is open
	near, far *leg

	mu sync.Mutex
}

// leg is one side of a pair. Its methods may be called from any goroutine.
type leg struct {
	pair    *pair
	other   *leg
	events  *call.EventQueue
	port    *port
	info    call.Info
	release func() bool // stops watching the context of Dial
}

var _ call.Leg = (*leg)(nil)

func newLeg(p *pair, clock call.Holder, info call.Info) *leg {
	return &leg{pair: p, events: call.NewEventQueue(clock), info: info}
}

func (l *leg) Info() call.Info {
	l.pair.mu.Lock()
	defer l.pair.mu.Unlock()
	return l.info
}

func (l *leg) Events() <-chan call.Event { return l.events.C() }

func (l *leg) Media() call.Port { return l.port }

// Send carries out a signal: it becomes an event of the other side.
func (l *leg) Send(ctx context.Context, s call.Signal) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("leg %s: %w", l.info.ID, err)
	}
	if l.Info().State == call.Ended {
		return fmt.Errorf("leg %s: %w", l.info.ID, call.ErrHungUp)
	}
	switch s := s.(type) {
	case call.Ring:
		return l.progress(call.Ringing, call.Alerting{})
	case call.Progress:
		return l.progress(call.Early, call.EarlyMedia{})
	case call.Answer:
		return l.progress(call.Answered, call.Connected{})
	case call.Hangup:
		l.end(s)
	case call.SendDigits:
		l.press(s)
	case call.Hold:
		l.pair.mu.Lock()
		l.other.info.Held = s.On
		l.pair.mu.Unlock()
		l.other.events.Post(call.HeldChanged{On: s.On})
	case call.Identify:
		l.pair.mu.Lock()
		l.other.info.Called = s.Party
		l.pair.mu.Unlock()
	default:
		return fmt.Errorf("leg %s: %T: %w", l.info.ID, s, call.ErrNotSupported)
	}
	return nil
}

// progress brings an incoming call further, and tells the side that dialled.
func (l *leg) progress(to call.State, e call.Event) error {
	if !l.info.Incoming {
		return fmt.Errorf("leg %s: it is the side that dialled: %w", l.info.ID, call.ErrNotSupported)
	}
	l.pair.mu.Lock()
	if l.info.State >= to {
		l.pair.mu.Unlock()
		return nil
	}
	l.info.State, l.other.info.State = to, to
	if to >= call.Early {
		l.info.Format, l.other.info.Format = l.pair.format, l.pair.format
	}
	release := l.other.release
	if to == call.Answered {
		l.other.release = nil
	}
	l.pair.mu.Unlock()
	if to == call.Answered && release != nil {
		release()
	}
	l.other.events.Post(e)
	return nil
}

// press tells the other side of keys. Pauses between them are not kept: nobody
// has to hear these keys.
func (l *leg) press(s call.SendDigits) {
	length := s.Duration
	if length == 0 {
		length = keyLength
	}
	for i := range len(s.Digits) {
		if key := s.Digits[i]; key != 'w' && key != 'W' {
			l.other.events.Post(call.Digit{Key: key, Duration: length, Via: call.ViaRTP})
		}
	}
}

// end hangs both sides up, once.
func (l *leg) end(s call.Hangup) {
	p := l.pair
	p.mu.Lock()
	if l.info.State == call.Ended {
		p.mu.Unlock()
		return
	}
	answered := l.info.State == call.Answered
	release := p.near.release
	p.near.release = nil
	for _, one := range []*leg{l, l.other} {
		one.info.State, one.info.Cause = call.Ended, s.Cause
	}
	p.mu.Unlock()
	if release != nil {
		release()
	}
	_ = l.port.Close()
	_ = l.other.port.Close()
	status := s.Status
	if status == 0 && !answered && l.info.Incoming {
		status = s.Cause.SIPStatus()
	}
	l.other.events.Post(call.HungUp{Cause: s.Cause, Status: status, Reason: s.Reason})
	l.events.Post(call.HungUp{Cause: s.Cause, ByUs: true})
}

// cancelWith gives the call up when ctx ends before the answer.
func (l *leg) cancelWith(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		if l.Info().State < call.Answered {
			l.end(call.Hangup{Cause: call.CauseNormal})
		}
	})
	l.pair.mu.Lock()
	defer l.pair.mu.Unlock()
	l.release = stop
}
