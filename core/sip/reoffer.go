package sip

import (
	"strconv"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/sdp"
)

// A call that is answered changes by further offers: hold, resume, another
// codec or address. Either side may make one with re-INVITE or UPDATE, but only
// one may be under way. Who finds his own in the way of the other's says 491 and
// both try again after pauses that differ by who owns the Call-ID (RFC 3261,
// 14.1); who is asked again before he has finished says 500.

// reoffer is one of ours.
type reoffer struct {
	direction sdp.Direction
	before    sdp.Direction
	auth      credentials
	ack       []byte // of its 2xx, for repetitions
	dialog    dialog // as it was when the request was sent
	timer     clock.Timer
	waiting   bool // for the pause after a 491
	again     bool // another change was asked for meanwhile
	next      sdp.Direction
}

// busy says why an offer of theirs cannot be taken now.
func (l *leg) offerRefusal() *answer {
	switch {
	case l.change != nil && !l.change.waiting:
		return &answer{status: 491}
	case l.confirm != nil || l.state != call.Answered:
		after := int(l.endpoint.within(10*time.Second) / time.Second) // RFC 3261, 14.2: 0 to 10
		return &answer{status: 500, fields: []field{{"Retry-After", strconv.Itoa(after)}}}
	}
	return nil
}

// reinvited takes a re-INVITE.
func (l *leg) reinvited(req *sipgo.Request, tx *serverTx) {
	if a := l.offerRefusal(); a != nil {
		l.respond(tx, req, *a)
		return
	}
	tx.setCall(nil)
	body, ok := sdpBody(req)
	if !ok {
		l.respond(tx, req, answer{status: 415, fields: []field{{"Accept", "application/sdp"}}})
		return
	}
	if a := l.refresh.accept(req); a != nil {
		l.respond(tx, req, *a)
		return
	}
	a := answer{status: 200, contact: l.dialog.contact, fields: l.accepting(), contentType: "application/sdp"}
	if body == nil {
		a.body = l.makeOffer()
	} else {
		sdp, err := l.takeOffer(body)
		if err != nil {
			l.respond(tx, req, l.mediaRefusal(err))
			return
		}
		a.body = sdp
	}
	l.dialog.refresh(req)
	a.fields = append(a.fields, l.refresh.answer()...)
	l.accept(tx, req, a, body == nil)
	l.refresh.begin(l)
}

// updated takes an UPDATE (RFC 3311), with an offer or only to refresh.
func (l *leg) updated(req *sipgo.Request, tx *serverTx) {
	body, ok := sdpBody(req)
	if !ok {
		l.respond(tx, req, answer{status: 415, fields: []field{{"Accept", "application/sdp"}}})
		return
	}
	if body != nil && l.state == call.Answered || body != nil && l.media.offer != nil {
		if a := l.offerRefusal(); a != nil {
			l.respond(tx, req, *a)
			return
		}
	}
	if l.state == call.Answered {
		if a := l.refresh.accept(req); a != nil {
			l.respond(tx, req, *a)
			return
		}
	}
	a := answer{status: 200, contact: l.dialog.contact, fields: l.accepting(), contentType: "application/sdp"}
	if body != nil {
		sdp, err := l.takeOffer(body)
		if err != nil {
			l.respond(tx, req, l.mediaRefusal(err))
			return
		}
		a.body = sdp
	}
	l.dialog.refresh(req)
	if l.state == call.Answered {
		a.fields = append(a.fields, l.refresh.answer()...)
		l.refresh.begin(l)
	}
	l.respond(tx, req, a)
}

// hold holds the far end or takes it back.
func (l *leg) hold(on bool) error {
	direction := sdp.SendReceive
	if on {
		direction = sdp.SendOnly
	}
	if direction == l.media.direction && l.change == nil {
		return nil
	}
	l.reoffer(direction)
	return nil
}

// reoffer sends a re-INVITE that wants this direction; while another is under
// way it waits for that one's end.
func (l *leg) reoffer(direction sdp.Direction) {
	if l.change != nil {
		l.change.again, l.change.next = true, direction
		return
	}
	l.change = &reoffer{direction: direction, before: l.media.direction}
	l.sendReoffer(nil)
}

func (l *leg) sendReoffer(auth []field) {
	c := l.change
	if l.confirm != nil { // our 2xx is not acknowledged yet
		c.waiting = true
		c.timer = l.after(l.endpoint.transactions.timing.t1, func() { l.resumeReoffer(c) })
		return
	}
	c.waiting = false
	l.media.direction = c.direction
	r := l.request("INVITE")
	r.body, r.contentType = l.makeOffer(), "application/sdp"
	r.fields = append([]field{{"Allow", allow}, {"Supported", supported}}, l.refresh.ask()...)
	r.fields = append(append(r.fields, l.extra...), auth...)
	c.dialog = l.dialog
	if _, err := l.endpoint.transactions.start(r, func(res *sipgo.Response, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reofferAnswered(c, r, res)
	}); err != nil {
		l.log.Warn("re-INVITE could not be sent", "error", err)
		l.reofferFailed(c)
	}
}

func (l *leg) resumeReoffer(c *reoffer) {
	if l.change == c {
		l.sendReoffer(nil)
	}
}

// reofferAnswered takes the answers to our re-INVITE; res is nil at a time-out.
func (l *leg) reofferAnswered(c *reoffer, r *request, res *sipgo.Response) {
	if res != nil && res.StatusCode >= 200 && res.StatusCode < 300 {
		l.ackReoffer(c, r, res)
		return
	}
	if l.state == call.Ended || l.change != c {
		return
	}
	switch {
	case res == nil || res.StatusCode == 408 || res.StatusCode == 481:
		// RFC 3261, 14.1: the dialog is dead.
		l.bye(reason(call.CauseTimer))
		l.end(call.HungUp{Cause: call.CauseTimer, Reason: "no answer to a re-INVITE", ByUs: true})
	case res.StatusCode < 200:
	case res.StatusCode == 491:
		pause := l.endpoint.within(2 * time.Second)
		if !l.dialog.accepted { // we own the Call-ID
			pause += 2100 * time.Millisecond
		}
		l.media.offer = nil
		l.media.direction = c.before
		c.waiting = true
		c.timer = l.after(pause, func() { l.resumeReoffer(c) })
	case res.StatusCode == 401 || res.StatusCode == 407:
		name, password := l.peer.credentials()
		auth, err := c.auth.answer(res, r, name, password, l.endpoint)
		if err != nil {
			l.reofferFailed(c)
			return
		}
		l.media.offer = nil
		l.sendReoffer(auth)
	default:
		l.log.Warn("re-INVITE refused", "status", res.StatusCode)
		l.reofferFailed(c)
	}
}

// ackReoffer acknowledges a 2xx, again and again where it is repeated.
func (l *leg) ackReoffer(c *reoffer, r *request, res *sipgo.Response) {
	if c.ack != nil {
		l.endpoint.send(c.dialog.flow, c.ack, l.about(r.callID), true)
		return
	}
	if l.state == call.Ended {
		return
	}
	c.dialog.refresh(res)
	ack := l.requestIn(&c.dialog, "ACK", l.peer)
	ack.seq, ack.contact = r.seq, ""
	c.ack = ack.render()
	l.endpoint.send(ack.flow, c.ack, ack.about, false)
	if l.change != c { // the far end was replaced meanwhile
		return
	}
	l.dialog.refresh(res)
	body, ok := sdpBody(res)
	if ok && body != nil {
		if err := l.takeAnswer(body); err != nil {
			l.log.Warn("re-INVITE answered with an unusable description", "error", err)
		}
	}
	l.media.offer = nil
	l.refresh.granted(res)
	l.refresh.begin(l)
	l.reofferDone(c)
}

func (l *leg) reofferFailed(c *reoffer) {
	l.media.offer = nil
	l.media.direction = c.before
	l.reofferDone(c)
}

func (l *leg) reofferDone(c *reoffer) {
	l.change = nil
	if c.again && c.next != l.media.direction {
		l.reoffer(c.next)
	}
}
