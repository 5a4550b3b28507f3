package sip

import (
	"errors"
	"time"

	"github.com/moonwire/moonwire/core/bridge"
	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sdp"
)

// A leg is a place at which a far end sits, and an attended transfer changes who
// sits there. The leg stays the same object, with its identity, its events and
// its port of media, and so whoever holds it (a bridge, a script that dialled
// it, a queue) goes on without knowing. There are two ways to change places:
//
//   - seat gives a leg the dialog and media of another, which was made for that:
//     an INVITE with Replaces that came in, or one of ours that was accepted;
//   - join ties two legs to each other when the far end of both, a phone that
//     transfers, has left: what one is told comes out of the other.
//
// The far end that leaves gets its BYE, and nothing that belongs to its session
// counts any more: alarms and answers carry the turn in which they began.

// seat gives l what newcomer has with its far end. Both are locked, or newcomer
// is known to nobody else; it is over then, without a word.
func (l *leg) seat(newcomer *leg) {
	before, early := l.vacate()
	l.session = newcomer.session
	newcomer.state = call.Ended
	newcomer.stopTimers()
	newcomer.turn.Add(1)
	l.session.confirm = nil
	l.endpoint.succeed(l, newcomer, before.peer.key())
	l.hooks.leg.Store(l)
	l.outlet.turnTo(l.audio)
	before.audio.Close()
	l.info.Peer = l.peer.name()
	if party := newcomer.info.Caller; l.incoming {
		l.info.Caller = party
	} else {
		l.info.Called = party
	}
	l.log.Info("far end replaced", "by", newcomer.id, "peer", l.peer.name(), "call_id", l.dialog.callID, "early", early)
	l.tell(&before)
}

// vacate takes the far end's session from a leg, for good.
func (l *leg) vacate() (before session, early bool) {
	l.stopTimers()
	l.turn.Add(1)
	before = l.session
	before.hooks.leg.Store(nil)
	early = l.state < call.Answered
	if l.uac != nil && l.uac.winner == nil { // nobody may win any more
		l.uac.winner = new(branch)
	}
	return before, early
}

// farewell ends a session that a leg had before.
func (l *leg) farewell(s *session, early bool) {
	switch {
	case s.mate != nil:
		l.partingFrom(s.mate, call.HungUp{Cause: call.CauseNormal})
	case early:
		l.cancelOthers(field{"Reason", `SIP;cause=200;text="Call completed elsewhere"`})
	default:
		r := l.requestIn(&s.dialog, "BYE", s.peer)
		r.fields = []field{reason(call.CauseNormal)}
		l.start(r, nil)
	}
}

// tell posts what is different from the session before.
func (l *leg) tell(before *session) {
	if l.held != before.held {
		l.events.Post(call.HeldChanged{On: l.held})
	}
	if l.state == call.Answered && l.format != before.format && !l.format.IsZero() {
		l.events.Post(call.MediaChanged{Format: l.format})
	}
}

// succeed enters l under the tag of its new session.
func (e *Endpoint) succeed(l, newcomer *leg, before string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.legs, l.key)
	l.key = newcomer.key
	e.legs[l.key] = l
	e.release(before)
	if e.invites[newcomer.invite] == newcomer {
		delete(e.invites, newcomer.invite)
	}
}

var errNotJoinable = errors.New("one of the two calls is not up any more")

// join ties two answered legs to each other and lets their far ends go. No lock
// of a leg is held.
func (e *Endpoint) join(a, b *leg) error {
	if a.tag > b.tag { // always in this order, so that nobody waits for ever
		a, b = b, a
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range [...]*leg{a, b} {
		if l.state != call.Answered || l.mate != nil || l.closing != nil {
			return errNotJoinable
		}
	}
	format := a.format
	if format.IsZero() {
		format = b.format
	}
	first, second := new(hooks), new(hooks)
	endA, endB := e.patch(format, a, b, first.pressed, second.pressed)
	a.tie(b, first, endA, format)
	b.tie(a, second, endB, format)
	return nil
}

// newPatch is the patch of two real legs.
func newPatch(format call.Format, a, b *leg, digitA, digitB func(call.Digit)) (audio, audio) {
	x, y := bridge.NewPatch(format, a.outlet.worker, b.outlet.worker, digitA, digitB)
	return patched{x}, patched{y}
}

// patched is an end of a patch as the media of a leg.
type patched struct{ *bridge.End }

func (patched) LocalPort() int          { return 0 }
func (patched) Configure(sdp.Agreement) {}
func (patched) SendDigits(_ call.SendDigits, done func()) {
	if done != nil {
		done()
	}
}

// tie gives l the end of a patch whose other end mate has. Both are locked.
func (l *leg) tie(mate *leg, h *hooks, end audio, format call.Format) {
	l.notify(200, true)
	before, early := l.vacate()
	h.leg.Store(l)
	l.session = session{peer: peer{media: before.peer.media}, codecs: before.codecs, audio: end, hooks: h, format: format, mate: mate}
	l.outlet.turnTo(end)
	before.audio.Close()
	l.endpoint.mu.Lock()
	l.endpoint.release(before.peer.key())
	l.endpoint.mu.Unlock()
	l.info.Peer = ""
	l.log.Info("far end left; joined", "with", mate.id)
	l.farewell(&before, early)
	l.tell(&before)
}

// relay carries out a signal on a leg whose far end is a leg of ours. What
// concerns that one is told it without our lock.
func (l *leg) relay(s call.Signal) error {
	mate := l.mate
	post := func(e call.Event) error {
		l.endpoint.soon(func() {
			mate.mu.Lock()
			defer mate.mu.Unlock()
			if mate.mate == l {
				mate.events.Post(e)
			}
		})
		return nil
	}
	switch s := s.(type) {
	case call.Hangup:
		if s.Cause == call.CauseNone {
			s.Cause = call.CauseNormal
		}
		l.end(call.HungUp{Cause: s.Cause, Reason: s.Reason, ByUs: true})
		return nil
	case call.SendDigits:
		l.sendKeys(mate, s)
		return nil
	case call.Hold:
		return post(call.HeldChanged{On: s.On})
	case call.Transfer:
		return post(call.TransferAsked{To: s.To})
	case call.Identify:
		l.info.Called = s.Party
		return nil
	case call.RefuseTransfer:
		return nil
	}
	return call.ErrNotSupported
}

// sendKeys lets mate hear one key after the other.
func (l *leg) sendKeys(mate *leg, s call.SendDigits) {
	wait := s.Duration + s.Gap
	if wait <= 0 {
		wait = 2 * usualDigit
	}
	at := time.Duration(0)
	for _, c := range []byte(s.Digits) {
		if c == 'w' || c == 'W' {
			at += pause
			continue
		}
		if key, ok := digitKey(string(c)); ok {
			l.endpoint.clock.AfterFunc(at, func() { mate.events.Post(call.Digit{Key: key, Duration: s.Duration, Via: call.ViaInfo}) })
			at += wait
		}
	}
}

// partFromMate ends the leg that l was joined with, for l has ended with h.
func (l *leg) partFromMate(h call.HungUp) {
	if l.mate != nil {
		l.partingFrom(l.mate, call.HungUp{Cause: h.Cause, Reason: h.Reason})
	}
}

func (l *leg) partingFrom(mate *leg, h call.HungUp) {
	l.endpoint.soon(func() {
		mate.mu.Lock()
		defer mate.mu.Unlock()
		if mate.mate == l {
			mate.end(h)
		}
	})
}

// remote is where the far end is, for the log.
func (l *leg) remote() string {
	if l.mate != nil {
		return l.mate.id
	}
	return l.dialog.flow.String()
}
