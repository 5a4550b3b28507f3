package sip

import (
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sdp"
)

// An outgoing call is one leg with one or more branches: each device that a
// phone registered is called by an INVITE of its own. Proxies on the way may
// fork a branch again, which shows as answers with different To tags, each an
// early dialog. The first 2xx of all wins; everything else is cancelled, or
// acknowledged and ended where it was answered at the same moment.

// outgoing is the part of a leg that only dialled legs have.
type outgoing struct {
	target   call.Target
	branches []*branch
	left     int              // branches without a final answer
	offer    *sdp.Description // the same for all
	body     []byte
	winner   *branch
	best     call.HungUp // of the refusals so far
	replaces string      // the dialog that this call is to replace, as a header's value
	referrer string      // who wanted that
}

// branch is one INVITE, with its repetitions for passwords and other addresses.
type branch struct {
	leg       *leg
	to        destination
	callID    string
	seq       uint32
	request   *request
	tx        *clientTx
	auth      credentials
	early     map[string]*earlyDialog // by To tag
	heard     bool                    // a provisional answer came: CANCEL may be sent
	cancel    *field                  // wanted; its Reason
	done      bool
	redirects int
	visited   []string
	interval  time.Duration // of the session timer, when 422 raised it
}

// earlyDialog is a dialog that is not confirmed yet, or the winner's.
type earlyDialog struct {
	dialog dialog
	rseq   uint32
	agreed *sdp.Agreement
	ack    []byte // of its 2xx
}

func (l *leg) newBranch(d destination) *branch {
	return &branch{leg: l, to: d, callID: l.endpoint.token(12), visited: []string{d.uri}}
}

// begin looks up where the branch goes and sends its INVITE. Where nothing has
// to be waited for it is sent at once; l.mu is held.
func (b *branch) begin() {
	e := b.leg.endpoint
	if len(b.to.hops) > 0 && e.transport.connected(b.to.hops[0].flow) {
		b.send(nil)
		return
	}
	e.clock.Hold()
	go func() {
		defer e.clock.Release()
		defer e.survive("dial")
		b.prepare()
	}()
}

// prepare does what may block: DNS and connecting. Without the lock.
func (b *branch) prepare() {
	l, e := b.leg, b.leg.endpoint
	hops := b.to.hops
	var err error
	if len(hops) == 0 {
		hops, err = b.to.lookup(e.life)
	}
	for err == nil && len(hops) > 0 {
		if err = e.transport.connect(e.life, hops[0].flow, hops[0].host); err != nil && len(hops) > 1 {
			l.log.Info("trying the next address", "address", hops[0].flow.String(), "error", err)
			hops, err = hops[1:], nil
			continue
		}
		break
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.to.hops = hops
	switch {
	case b.done:
	case b.cancel != nil || l.state == call.Ended:
		b.finish(call.HungUp{Cause: call.CauseNormal})
	case err != nil:
		l.log.Warn("not reachable", "to", b.to.uri, "error", err)
		b.finish(call.HungUp{Cause: call.CauseDestinationFailed, Reason: err.Error()})
	default:
		b.send(nil)
	}
}

// send sends the INVITE to the present hop, with these credentials.
func (b *branch) send(auth []field) {
	l, e := b.leg, b.leg.endpoint
	f := b.to.hops[0].flow
	if l.dialog.callID == "" {
		l.dialog = dialog{callID: b.callID, localTag: l.tag, flow: f}
	}
	if l.uac.offer == nil {
		l.uac.body = l.makeOffer()
		l.uac.offer = l.media.offer
	}
	b.seq++
	from, extra := l.caller(f)
	interval := refresher{interval: b.interval}
	b.request = &request{
		method: "INVITE", uri: b.to.uri, flow: f, via: e.sentBy(f), branch: e.branch(),
		from: from, to: "<" + b.to.uri + ">", callID: b.callID, seq: b.seq, routes: b.to.routes,
		contact: e.contact(f, contactUser(l.uac.target.Caller.Number)), agent: e.settings.Load().agent,
		fields:      append([]field{{"Allow", allow}, {"Supported", supported}}, interval.ask()...),
		contentType: "application/sdp", body: l.uac.body, about: l.about(b.callID),
	}
	if l.uac.replaces != "" {
		extra = append(extra, field{"Replaces", l.uac.replaces}, field{"Require", "replaces"}, field{"Referred-By", l.uac.referrer})
	}
	b.request.fields = append(append(b.request.fields, extra...), auth...)
	b.early = make(map[string]*earlyDialog)
	b.heard = false
	r := b.request
	tx, err := e.transactions.start(r, func(res *sipgo.Response, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		b.answered(r, res, err)
	})
	if b.tx = tx; err != nil {
		l.log.Info("INVITE could not be sent", "to", f.String(), "error", err)
		b.tx = nil
		e.soon(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			b.next(call.HungUp{Cause: call.CauseNetworkFailure, Reason: err.Error()})
		})
	}
}

func contactUser(number string) string {
	if number == "" {
		return "moonwire"
	}
	return number
}

// answered takes every answer to an INVITE of the branch. l.mu is held.
func (b *branch) answered(r *request, res *sipgo.Response, err error) {
	switch {
	case err != nil:
		if !b.done && b.request == r {
			b.next(call.HungUp{Cause: call.CauseNoResponse, Status: 408, Reason: err.Error()})
		}
	case res.StatusCode >= 200 && res.StatusCode < 300:
		b.accepted(r, res)
	case b.done || b.request != r:
	case res.StatusCode < 200:
		b.provisional(res)
	default:
		b.refused(r, res)
	}
}

// dialogOf is the early dialog that an answer belongs to.
func (b *branch) dialogOf(r *request, res *sipgo.Response) *earlyDialog {
	tag, _ := res.To().Params.Get("tag")
	d := b.early[tag]
	if d == nil && len(b.early) < 64 {
		d = &earlyDialog{dialog: dialog{
			callID: b.callID, localTag: b.leg.tag, local: r.from, localSeq: r.seq,
			contact: r.contact, target: r.uri, flow: r.flow, nat: b.leg.peer.media.NAT,
		}}
		d.dialog.confirm(res)
		b.early[tag] = d
	}
	return d
}

// provisional takes a 1xx; there may be any number.
func (b *branch) provisional(res *sipgo.Response) {
	l := b.leg
	b.heard = true
	if b.cancel != nil {
		b.sendCancel()
		return
	}
	if l.state >= call.Answered || res.StatusCode == 100 {
		return
	}
	d := b.dialogOf(b.request, res)
	if d == nil || !l.prack(b, &d.dialog, d, res) {
		return
	}
	l.allowed = value(res, "allow")
	l.adopt(&d.dialog)
	if res.StatusCode == 180 && l.reach(call.Ringing) {
		l.log.Info("ringing")
		l.events.Post(call.Alerting{})
	}
	body, ok := sdpBody(res)
	if !ok || body == nil {
		return
	}
	if err := l.forkAnswer(d, body); err != nil {
		l.log.Warn("early description not usable", "error", err)
		return
	}
	if l.reach(call.Early) {
		l.log.Info("early media")
		l.events.Post(call.EarlyMedia{})
	}
}

// forkAnswer takes one of perhaps several answers to the one offer; the newest counts.
func (l *leg) forkAnswer(d *earlyDialog, body []byte) error {
	l.media.offer = l.uac.offer
	if err := l.takeAnswer(body); err != nil {
		l.media.offer = l.uac.offer
		return err
	}
	agreed := l.media.agreed
	d.agreed = &agreed
	return nil
}

// accepted takes a 2xx. Each has to be acknowledged, wanted or not, and as often
// as it comes (RFC 3261, 13.2.2.4).
func (b *branch) accepted(r *request, res *sipgo.Response) {
	l := b.leg
	d := b.dialogOf(r, res)
	if d == nil {
		return
	}
	if d.ack != nil {
		l.endpoint.send(d.dialog.flow, d.ack, l.about(b.callID), true)
		return
	}
	d.dialog.confirm(res)
	ack := d.dialog.request("ACK")
	ack.via, ack.branch, ack.seq, ack.contact = l.endpoint.sentBy(ack.flow), l.endpoint.branch(), r.seq, ""
	ack.fields = authOf(r.fields)
	d.ack = ack.render()
	l.endpoint.send(ack.flow, d.ack, l.about(b.callID), false)
	if l.uac.winner != nil || l.state == call.Ended || b.cancel != nil {
		b.unwanted(d)
		return
	}
	l.uac.winner = b
	b.done = true
	l.uac.left--
	l.connect(d, res)
}

func authOf(fields []field) []field {
	var list []field
	for _, f := range fields {
		if f.name == "Authorization" || f.name == "Proxy-Authorization" {
			list = append(list, f)
		}
	}
	return list
}

// unwanted ends a call that was answered although nobody needs it any more.
func (b *branch) unwanted(d *earlyDialog) {
	l := b.leg
	bye := l.requestIn(&d.dialog, "BYE", l.peer)
	bye.fields = []field{reason(call.CauseNormal)}
	l.start(bye, nil)
	if !b.done {
		b.finish(call.HungUp{Cause: call.CauseNormal})
	}
}

// adopt makes a dialog the leg's. Where it was before, requests may have gone
// both ways since, so that the higher numbers count.
func (l *leg) adopt(d *dialog) {
	if l.dialog.remoteTag == d.remoteTag && l.dialog.callID == d.callID {
		d.localSeq = max(d.localSeq, l.dialog.localSeq)
		d.remoteSeq = max(d.remoteSeq, l.dialog.remoteSeq)
	}
	l.dialog = *d
}

// connect makes the winner's dialog the leg's.
func (l *leg) connect(d *earlyDialog, res *sipgo.Response) {
	l.adopt(&d.dialog)
	l.allowed = value(res, "allow")
	l.cancelOthers(field{"Reason", `SIP;cause=200;text="Call completed elsewhere"`})
	if l.onRelease != nil {
		l.onRelease()
		l.onRelease = nil
	}
	body, ok := sdpBody(res)
	err := errNoAnswer
	switch {
	case ok && body != nil:
		err = l.forkAnswer(d, body)
	case d.agreed != nil:
		l.agree(*d.agreed)
		err = nil
	}
	l.media.offer = nil
	l.state = call.Answered
	if err != nil {
		l.log.Warn("answered without a usable description", "error", err)
		l.bye(reason(call.CauseIncompatible))
		l.end(call.HungUp{Cause: call.CauseIncompatible, Reason: err.Error(), ByUs: true})
		return
	}
	l.endpoint.stats.answered.Add(1)
	if name := reached(res, l.peer.trusted()); name.Number != "" {
		l.info.Called = name
	}
	l.refresh.granted(res)
	l.refresh.begin(l)
	l.log.Info("answered", "format", l.format.String(), "remote", l.dialog.flow.String())
	l.events.Post(call.Connected{})
	if l.standing != nil {
		l.standing(call.HungUp{})
	}
}

// abandon cancels everything that is not decided.
func (l *leg) abandon(c call.Cause) { l.cancelOthers(reason(c)) }

func (l *leg) cancelOthers(why field) {
	for _, b := range l.uac.branches {
		if b.done || b == l.uac.winner || b.cancel != nil {
			continue
		}
		b.cancel = &why
		if b.heard {
			b.sendCancel()
		}
	}
}

// sendCancel asks the far end to stop (RFC 3261, 9.1). The INVITE's own final
// answer, 487 or a 2xx that was faster, ends the branch; one that never comes is
// not waited for longer than 64*T1.
func (b *branch) sendCancel() {
	e := b.leg.endpoint
	r := b.request.hop("CANCEL", b.request.to)
	r.fields = []field{*b.cancel}
	invite := b.tx
	b.heard = false // once
	_, err := e.transactions.start(r, func(*sipgo.Response, error) {})
	if err != nil {
		b.leg.log.Warn("CANCEL could not be sent", "error", err)
	}
	e.clock.AfterFunc(e.transactions.timing.giveUp(), func() {
		b.leg.mu.Lock()
		pending := !b.done
		b.finish(call.HungUp{Cause: call.CauseNormal})
		b.leg.mu.Unlock()
		if pending && invite != nil {
			invite.forget()
		}
	})
}

// reached is who an answer says has been reached.
func reached(res *sipgo.Response, trusted bool) call.Party {
	if trusted {
		if a, err := parseAddress(value(res, "p-asserted-identity")); err == nil {
			return call.Party{Number: user(&a.uri), Name: a.name}
		}
	}
	return call.Party{}
}
