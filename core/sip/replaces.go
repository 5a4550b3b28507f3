package sip

import (
	"cmp"
	"errors"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
)

// Replaces (RFC 3891) names a dialog and asks for its place. It comes in two
// ways: in an INVITE, from whoever wants to take the place of one of our far
// ends, and in the Refer-To of a REFER, from a phone that has two calls and
// wants its two parties connected.

// replaced finds the leg whose far end an INVITE of p wants to replace: nil where
// it wants nothing like that. An answer refuses the INVITE. Who may replace a
// party is whoever may call as a phone or trunk and knows the dialog; guests may
// not, whatever they know.
func (e *Endpoint) replaced(req *sipgo.Request, p *peer) (*leg, replaces, *answer) {
	list := values(req, "replaces")
	if len(list) == 0 {
		return nil, replaces{}, nil
	}
	if len(list) > 1 || len(values(req, "join")) > 0 {
		return nil, replaces{}, &answer{status: 400, reason: "One Replaces"}
	}
	r, err := parseReplaces(list[0])
	if err != nil {
		return nil, replaces{}, &answer{status: 400, reason: "Bad Replaces"}
	}
	l := e.legByTag(r.toTag)
	if l == nil {
		return nil, r, &answer{status: 481}
	}
	if p.guests != nil {
		return nil, r, &answer{status: 403}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l, r, l.notReplaceable(r)
}

// notReplaceable says why a leg's far end cannot be replaced (RFC 3891, 3).
func (l *leg) notReplaceable(r replaces) *answer {
	switch {
	case l.state == call.Ended || l.closing != nil || l.mate != nil || !l.has(r):
		return &answer{status: 481}
	case l.state == call.Answered && r.earlyOnly:
		return &answer{status: 486, fields: []field{reason(call.CauseBusy)}}
	case l.state == call.Answered && l.uas != nil: // no BYE before its ACK
		return &answer{status: 500, fields: []field{{"Retry-After", "1"}}}
	case l.state < call.Answered && l.incoming: // an early dialog that we did not begin
		return &answer{status: 481}
	}
	return nil
}

// has reports whether r names a dialog of the leg, confirmed or early.
func (l *leg) has(r replaces) bool {
	if l.state == call.Answered {
		return l.dialog.callID == r.callID && l.dialog.remoteTag == r.fromTag
	}
	if l.uac != nil {
		for _, b := range l.uac.branches {
			if b.callID == r.callID && !b.done && b.early[r.fromTag] != nil {
				return true
			}
		}
	}
	return false
}

// replace lets newcomer, whose INVITE was read and not answered, take the place
// of old's far end. An answer refuses it.
func (e *Endpoint) replace(old, newcomer *leg, r replaces) *answer {
	old.mu.Lock()
	defer old.mu.Unlock()
	if a := old.notReplaceable(r); a != nil { // things change
		newcomer.audio.Close()
		e.dismiss(newcomer)
		return a
	}
	before, early := old.session, old.state < call.Answered
	old.notify(200, true)
	before.dialog = old.dialog
	old.seat(newcomer)
	_ = old.answer() // an INVITE that is not decided can be
	if early {
		if old.onRelease != nil {
			old.onRelease()
			old.onRelease = nil
		}
		old.events.Post(call.Connected{})
	}
	old.farewell(&before, early)
	return nil
}

// attended carries out a REFER that wants the far end's other call replaced. The
// REFER was accepted; l.mu is held.
func (l *leg) attended(to *sipgo.Uri, r replaces) {
	e := l.endpoint
	other := e.legByTag(r.toTag)
	switch {
	case other == l:
		l.notify(481, true)
	case other != nil:
		e.soon(func() { e.connectParties(l, other, r) })
	case e.ours(to):
		l.notify(481, true)
	default:
		e.soon(func() { e.replaceElsewhere(l, to, r) })
	}
}

// connectParties connects those whom the far end of two of our legs talks to.
func (e *Endpoint) connectParties(l, other *leg, r replaces) {
	other.mu.Lock()
	known := other.state == call.Answered && other.has(r) && !r.earlyOnly
	other.mu.Unlock()
	err := errNotJoinable
	if known {
		err = e.join(l, other)
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.log.Warn("attended transfer failed", "reason", err)
		if l.state == call.Answered {
			l.notify(481, true)
		}
	}
}

// elsewhereTimeout is how long a call that is to replace a dialog of others may ring.
const elsewhereTimeout = time.Minute

var errGuest = errors.New("guests call nobody through us")

// replaceElsewhere calls the one who has the dialog that is to be replaced, and
// seats him at l when he accepts.
func (e *Endpoint) replaceElsewhere(l *leg, to *sipgo.Uri, r replaces) {
	plain := *to
	plain.Headers = nil
	failed := func(status int, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.state == call.Answered {
			l.log.Warn("attended transfer failed", "to", plain.String(), "reason", err)
			l.notify(status, true)
		}
	}
	l.mu.Lock()
	guest, codecs, referrer := l.peer.guests != nil, l.codecs, stripTag(l.dialog.remote)
	partner := l.info.Caller
	if l.incoming {
		partner = l.info.Called
		partner.Number = cmp.Or(partner.Number, l.info.Extension)
	}
	l.mu.Unlock()
	if guest {
		failed(403, errGuest)
		return
	}
	p, list, err := e.route(e.settings.Load(), e.viaTrunk(&plain))
	if err != nil {
		failed(404, err)
		return
	}
	n := e.newLeg(p, false)
	n.events = call.NewEventQueue(nil) // nobody reads them
	target := call.Target{Address: plain.String(), Caller: partner}
	n.info.Caller, n.info.Called = partner, call.Party{Number: user(&plain)}
	n.codecs = codecs
	n.standing = func(h call.HungUp) { e.soon(func() { e.stoodIn(l, n, h) }) }
	if err := e.launch(n, target, list, l, func(o *outgoing) { o.replaces, o.referrer = r.String(), referrer }); err != nil {
		failed(503, err)
		return
	}
	l.log.Info("attended transfer", "to", plain.String(), "leg", n.id)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.after(elsewhereTimeout, func() {
		if n.state < call.Answered {
			n.abandon(call.CauseNoAnswer)
			n.end(call.HungUp{Cause: call.CauseNoAnswer, Status: 408, ByUs: true})
		}
	})
}

// viaTrunk is what to dial for a URI: the trunk whose host it names, or itself.
func (e *Endpoint) viaTrunk(u *sipgo.Uri) string {
	for name, t := range e.settings.Load().trunks {
		if host, port, err := splitHost(t.Host); err == nil && strings.EqualFold(host, u.Host) && (u.Port == int(port) || u.Port == 0 || port == 0) {
			return name + "/" + user(u)
		}
	}
	return u.String()
}

// stoodIn takes what became of the call that n made for l.
func (e *Endpoint) stoodIn(l, n *leg, h call.HungUp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.standing = nil
	if h.Cause == call.CauseNone && n.state == call.Answered && l.state == call.Answered && l.closing == nil {
		before := l.session
		l.notify(200, true)
		before.dialog = l.dialog
		n.info.Caller = n.info.Called
		l.seat(n)
		l.refresh.begin(l)
		l.farewell(&before, false)
		return
	}
	if n.state == call.Answered {
		_ = n.hangUp(call.Hangup{Cause: call.CauseNormal})
	}
	if l.state == call.Answered {
		l.log.Warn("attended transfer failed", "status", h.Status, "reason", h.Reason)
		l.notify(max(h.Status, 480), true)
	}
}
