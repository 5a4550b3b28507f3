package sip

import (
	"strconv"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// An incoming call is an INVITE that waits for a decision. Until then it is rung
// or given early media; a decision is made once, by us or by CANCEL, whoever
// holds the leg's lock first. A 2xx is then repeated until the caller shows, by
// ACK, that it came.

// incoming is the part of a leg that only callers' legs have, until the call is
// decided and acknowledged.
type incoming struct {
	req      *sipgo.Request
	tx       *serverTx
	sdp      []byte // answer to the offer in the INVITE; nil where it had none
	offered  bool   // the INVITE had an offer
	told     bool   // the SDP went out in a reliable answer, so it is not repeated
	require  bool   // the caller wants every provisional answer to be reliable
	prack    bool   // the caller can do reliable ones
	reliable reliable
	waiting  bool // Answer waits for a PRACK
	decided  bool
}

// final sends the final answer, once.
func (u *incoming) final(l *leg, a answer) bool {
	if u.decided {
		return false
	}
	u.decided = true
	l.respond(u.tx, u.req, a)
	return true
}

// invited takes an INVITE that begins a call.
func (e *Endpoint) invited(req *sipgo.Request, tx *serverTx, in arrived) {
	e.mu.Lock()
	draining, accept := e.draining, e.accept
	fromTag, _ := req.From().Params.Get("tag")
	key := string(*req.CallID()) + "|" + fromTag
	_, merged := e.invites[key]
	e.mu.Unlock()
	var p peer
	var refusal *answer
	switch {
	case merged: // the same call by two ways (RFC 3261, 8.2.2.2)
		refusal = &answer{status: 482}
	case draining || accept == nil:
		refusal = &answer{status: 503, fields: []field{{"Retry-After", "30"}}}
	default:
		p, refusal = e.identify(req, in.flow)
	}
	if refusal != nil {
		in.show(tx.belongs(), false)
		e.stats.rejected.Add(1)
		e.turnDown(tx, req, *refusal)
		return
	}
	l := e.newLeg(p, true)
	l.invite = key
	old, replaces, refusal := e.replaced(req, &p)
	if old != nil {
		l.events = call.NewEventQueue(nil) // nobody will read them
		tx.of(about{old.id, p.name(), string(*req.CallID())})
	} else {
		tx.of(l.about(string(*req.CallID())))
	}
	in.show(tx.belongs(), false)
	if refusal == nil {
		refusal = l.take(req, tx, in.flow, old)
	}
	if refusal == nil && old != nil {
		if refusal = e.replace(old, l, replaces); refusal == nil {
			e.stats.incoming.Add(1)
			return
		}
	}
	if refusal != nil {
		e.stats.rejected.Add(1)
		refusal.tag = l.tag
		e.reply(tx, req, *refusal)
		return
	}
	e.stats.incoming.Add(1)
	tx.setCall(l)
	tx.after(tryingDelay, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.uas != nil && !l.uas.decided {
			e.reply(tx, req, answer{status: 100})
		}
	})
	l.log.Info("incoming call", "peer", p.name(), "from", l.info.Caller.Number, "to", l.info.Extension,
		"context", p.context, "source", in.flow.String(), "call_id", l.dialog.callID)
	accept(l)
}

// take fills the leg from its INVITE, or says how to refuse it. A call that
// takes the place of another, old, counts as that one does.
func (l *leg) take(req *sipgo.Request, tx *serverTx, f flow, old *leg) *answer {
	e := l.endpoint
	refuse := func(a answer) *answer {
		if l.audio != nil {
			l.audio.Close()
		}
		e.dismiss(l)
		return &a
	}
	body, ok := sdpBody(req)
	if !ok {
		return refuse(answer{status: 415, fields: []field{{"Accept", "application/sdp"}}})
	}
	if a := l.refresh.accept(req); a != nil {
		return refuse(*a)
	}
	limit := l.peer.limit()
	var beside call.Leg
	if old != nil {
		limit, beside = 0, old
	}
	if err := e.admit(l, l.peer.key(), limit); err != nil {
		l.log.Warn("call refused", "peer", l.peer.name(), "source", f.String(), "reason", err)
		return refuse(refusalOf(err))
	}
	if err := l.openMedia(beside); err != nil {
		l.log.Error("call refused", "reason", err)
		return refuse(refusalOf(err))
	}
	l.dialog = acceptDialog(req, f, l.tag, l.peer.media.NAT)
	l.dialog.contact = e.contact(f, user(&req.Recipient))
	l.uas = &incoming{
		req: req, tx: tx, offered: body != nil,
		require: lists(req, "require", "100rel"), prack: lists(req, "supported", "100rel"),
	}
	l.uas.prack = l.uas.prack || l.uas.require
	l.first = req
	l.allowed = value(req, "allow")
	if body != nil {
		sdp, err := l.takeOffer(body)
		if err != nil {
			return refuse(l.mediaRefusal(err))
		}
		l.uas.sdp = sdp
	}
	l.info.Caller = party(req, l.peer.trusted())
	if l.peer.phone != nil && l.peer.phone.Caller.Number != "" {
		l.info.Caller = withPrivacy(l.peer.phone.Caller, l.info.Caller)
	}
	l.info.Called = call.Party{Number: user(&req.To().Address), Name: req.To().DisplayName}
	l.info.Extension = extensionOf(req, &l.peer)
	e.mu.Lock()
	e.invites[l.invite] = l
	e.mu.Unlock()
	return nil
}

// withPrivacy is a phone's own identity, shown as its user asked in the call.
func withPrivacy(own, said call.Party) call.Party {
	if said.Presentation != call.Allowed {
		own.Presentation = said.Presentation
	}
	return own
}

// ring tells the caller that the called party is alerted.
func (l *leg) ring() error {
	l.reach(call.Ringing)
	l.provisional(180, nil)
	return nil
}

// progress opens media before the answer. Without an offer in the INVITE that
// takes a reliable answer, which can carry ours (RFC 3262, 5).
func (l *leg) progress() error {
	u := l.uas
	if !u.offered && !u.prack {
		return call.ErrNotSupported
	}
	if u.sdp == nil {
		u.sdp = l.makeOffer()
	}
	l.reach(call.Early)
	l.provisional(183, u.sdp)
	return nil
}

// provisional sends a 18x, reliably where the caller wants that or where a
// description is at stake that must not be lost.
func (l *leg) provisional(status int, sdp []byte) {
	u := l.uas
	if u.decided {
		return
	}
	a := answer{status: status, contact: l.dialog.contact, fields: []field{{"Allow", allow}}, body: sdp, contentType: "application/sdp"}
	if u.require || u.prack && sdp != nil {
		u.told = u.told || sdp != nil
		l.sendReliably(a)
		return
	}
	l.respond(u.tx, u.req, a)
}

// answer accepts the call.
func (l *leg) answer() error {
	u := l.uas
	if u.decided {
		return nil
	}
	if u.reliable.outstanding() { // RFC 3262, 3: not before the PRACK where SDP is at stake
		u.waiting = true
		return nil
	}
	a := answer{status: 200, contact: l.dialog.contact, fields: append(l.accepting(), l.extra...)}
	late := false
	switch {
	case u.sdp == nil && !l.media.complete:
		u.sdp = l.makeOffer()
		late = true
		a.body = u.sdp
	case !u.told:
		a.body = u.sdp
	}
	a.contentType = "application/sdp"
	a.fields = append(a.fields, l.refresh.answer()...)
	u.decided = true
	l.state = call.Answered
	l.endpoint.stats.answered.Add(1)
	l.accept(u.tx, u.req, a, late)
	l.refresh.begin(l)
	l.endpoint.mu.Lock()
	delete(l.endpoint.invites, l.invite)
	l.endpoint.mu.Unlock()
	return nil
}

func (l *leg) accepting() []field { return []field{{"Allow", allow}, {"Supported", supported}} }

// refuse turns the call down and returns the status.
func (l *leg) refuse(s call.Hangup) int {
	status := s.Status
	if status < 300 || status > 699 {
		status = s.Cause.SIPStatus()
	}
	a := answer{status: status, reason: s.Reason, fields: []field{reason(s.Cause)}}
	if s.RetryAfter > 0 {
		a.fields = append(a.fields, field{"Retry-After", strconv.Itoa(int((s.RetryAfter + time.Second - 1) / time.Second))})
	}
	l.uas.final(l, a)
	return status
}

// redirect sends the caller elsewhere.
func (l *leg) redirect(to string) error {
	uri, err := l.endpoint.referTarget(to, l.dialog.flow)
	if err != nil {
		return err
	}
	l.uas.final(l, answer{status: 302, contact: "<" + uri + ">"})
	l.end(call.HungUp{Cause: call.CauseNormal, Status: 302, ByUs: true})
	return nil
}

// cancelled is the caller giving up. It comes too late where we have decided.
func (l *leg) cancelled(req *sipgo.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == call.Ended || l.uas == nil || !l.uas.final(l, answer{status: 487}) {
		return
	}
	cause, text := parseReason(values(req, "reason"))
	if cause == call.CauseNone {
		cause = call.CauseNormal
	}
	l.end(call.HungUp{Cause: cause, Status: 487, Reason: text})
}

// confirmation is a 2xx to an INVITE, the first or a later one, that is sent
// until its ACK comes (RFC 3261, 13.3.1.4).
type confirmation struct {
	tx       *serverTx
	seq      uint32
	message  []byte
	late     bool // the answer to our offer comes in the ACK
	interval time.Duration
	until    time.Time
	timer    clock.Timer
}

// accept sends a 2xx and repeats it until it is acknowledged. It is repeated on
// streams too: a proxy further on may lose it.
func (l *leg) accept(tx *serverTx, req *sipgo.Request, a answer, late bool) {
	a.tag = l.dialog.localTag
	t := l.endpoint.transactions.timing
	c := &confirmation{
		tx: tx, seq: req.CSeq().SeqNo, message: a.render(req, l.endpoint.settings.Load().agent), late: late,
		interval: t.t1, until: l.endpoint.clock.Now().Add(t.giveUp()),
	}
	l.confirm = c
	c.timer = l.after(c.interval, func() { l.repeat(c) })
	if err := tx.respond(a.status, c.message); err != nil {
		l.log.Warn("the answer could not be sent", "error", err)
	}
}

// repeat sends the 2xx again; when nobody acknowledges it the call ends.
func (l *leg) repeat(c *confirmation) {
	if l.confirm != c {
		return
	}
	if !l.endpoint.clock.Now().Before(c.until) {
		l.confirm = nil
		l.endpoint.stats.neverAcked.Add(1)
		l.log.Warn("the answer was never acknowledged")
		l.bye(reason(call.CauseTimer))
		l.end(call.HungUp{Cause: call.CauseTimer, Reason: "no ACK", ByUs: true})
		return
	}
	c.tx.respond(200, c.message)
	t := l.endpoint.transactions.timing
	c.interval = min(2*c.interval, t.t2)
	c.timer = l.after(min(c.interval, c.until.Sub(l.endpoint.clock.Now())), func() { l.repeat(c) })
}

// awaitsACK reports whether the ACK of the INVITE with this number did not come yet.
func (l *leg) awaitsACK(seq uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.confirm != nil && l.confirm.seq == seq
}

// acknowledged takes the ACK of a 2xx.
func (l *leg) acknowledged(req *sipgo.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fromTag, _ := req.From().Params.Get("tag")
	c := l.confirm
	if l.state == call.Ended || c == nil || c.seq != req.CSeq().SeqNo || !l.dialog.is(string(*req.CallID()), fromTag) {
		return
	}
	c.timer.Stop()
	c.tx.setCall(nil)
	l.confirm = nil
	l.uas = nil
	l.release()
	if l.closing != nil {
		_ = l.hangUp(*l.closing) // cannot fail any more
		return
	}
	if !c.late {
		return
	}
	body, ok := sdpBody(req)
	err := errNoAnswer
	if ok && body != nil {
		err = l.takeAnswer(body)
	}
	if err == nil {
		l.events.Post(call.MediaChanged{Format: l.format})
		return
	}
	l.media.offer = nil
	l.log.Warn("the ACK brought no usable answer to our offer", "error", err)
	l.bye(reason(call.CauseIncompatible))
	l.end(call.HungUp{Cause: call.CauseIncompatible, Reason: err.Error(), ByUs: true})
}
