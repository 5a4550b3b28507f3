package sip

import (
	"net/netip"
	"runtime"
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// received takes every message that was parsed, on the goroutine that read it.
// Nothing from here on blocks, so messages of one socket keep their order.
func (e *Endpoint) received(m sipgo.Message, octets []byte, f flow) {
	defer e.survive("message")
	in := arrived{e, octets, f}
	switch m := m.(type) {
	case *sipgo.Request:
		e.request(m, in)
	case *sipgo.Response:
		e.response(m, in)
	}
}

// response finds the request of ours that is answered.
func (e *Endpoint) response(res *sipgo.Response, in arrived) {
	var tx *clientTx
	if res.CSeq() != nil && res.To() != nil && res.From() != nil {
		tx = e.transactions.asked(res)
	}
	if tx == nil {
		e.stats.stray.Add(1)
		if id := res.CallID(); id != nil {
			in.show(about{callID: string(*id)}, false)
		}
		return
	}
	if e.onMessage != nil {
		in.show(tx.request.about, tx.repeated(in.octets))
	}
	tx.answered(res)
}

// survive ends a panic: one message or call must not end all.
func (e *Endpoint) survive(what string) {
	if r := recover(); r != nil {
		e.stats.panics.Add(1)
		stack := make([]byte, 4096)
		e.log.Error("panic", "in", what, "panic", r, "stack", string(stack[:runtime.Stack(stack, false)]))
	}
}

// request is RFC 3261, 8.2: sane, known, and then whose.
func (e *Endpoint) request(req *sipgo.Request, in arrived) {
	via := req.Via()
	if via == nil || req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil ||
		req.CSeq().MethodName != req.Method {
		e.stats.garbage.Add(1)
		return
	}
	back := completeVia(via, in.flow)
	switch req.Method {
	case sipgo.ACK:
		e.ack(req, in)
		return
	case sipgo.CANCEL:
		e.cancel(req, back, in)
		return
	}
	tx, fresh := e.transactions.receive(req, serverKey(req, string(req.Method)), back)
	if !fresh {
		in.show(tx.belongs(), true)
		tx.step(inRequest, nil)
		return
	}
	tag, inside := req.To().Params.Get("tag")
	refusal := hygiene(req)
	if inside || refusal != nil || req.Method != sipgo.INVITE { // a new call shows itself
		tx.of(e.ownerOf(req))
		in.show(tx.belongs(), false)
	}
	switch {
	case refusal != nil:
		e.reply(tx, req, *refusal)
	case inside:
		e.inside(tag).handle(req, tx, e)
	default:
		e.outside(req, tx, in)
	}
}

// completeVia notes in the top Via where the request came from (RFC 3261,
// 18.2.1, RFC 3581, 4), and works out where the answer goes: to the source where
// the client asked for it or sits behind NAT, else to the port that it named.
func completeVia(via *sipgo.ViaHeader, f flow) flow {
	source := f.remote.Addr().String()
	asked := false
	if v, ok := via.Params.Get("rport"); ok {
		asked = true
		if v == "" {
			via.Params.Add("rport", strconv.Itoa(int(f.remote.Port())))
		}
	}
	moved := strings.Trim(via.Host, "[]") != source
	if asked || moved {
		via.Params.Add("received", source)
	}
	if f.network == udp && !asked && !moved {
		port := uint16(5060)
		if via.Port > 0 && via.Port < 65536 {
			port = uint16(via.Port)
		}
		f.remote = netip.AddrPortFrom(f.remote.Addr(), port)
	}
	return f
}

// hygiene refuses what RFC 3261 wants refused whoever it is from and for.
func hygiene(req *sipgo.Request) *answer {
	if h := req.MaxForwards(); h != nil && h.Val() == 0 && req.Method != sipgo.OPTIONS && req.Method != sipgo.REGISTER {
		return &answer{status: 483}
	}
	switch req.Method {
	case sipgo.INVITE, sipgo.BYE, sipgo.OPTIONS, sipgo.REGISTER, sipgo.UPDATE, sipgo.PRACK, sipgo.INFO, sipgo.REFER, sipgo.NOTIFY:
	default:
		return &answer{status: 405, fields: []field{{"Allow", allow}}}
	}
	switch req.Recipient.Scheme {
	case "", "sip", "sips", "tel":
	default:
		return &answer{status: 416}
	}
	if unknown := unsupported(req); len(unknown) > 0 {
		return &answer{status: 420, fields: []field{{"Unsupported", strings.Join(unknown, ", ")}}}
	}
	return nil
}

// handler deals with a request inside a dialog.
type handler interface {
	handle(req *sipgo.Request, tx *serverTx, e *Endpoint)
}

type nobody struct{}

func (nobody) handle(req *sipgo.Request, tx *serverTx, e *Endpoint) {
	e.reply(tx, req, answer{status: 481})
}

// inside finds the call that a request with this To tag belongs to.
func (e *Endpoint) inside(tag string) handler {
	if l := e.legByTag(tag); l != nil {
		return l
	}
	return nobody{}
}

// outside deals with requests that begin something.
func (e *Endpoint) outside(req *sipgo.Request, tx *serverTx, in arrived) {
	switch req.Method {
	case sipgo.INVITE:
		e.invited(req, tx, in)
	case sipgo.REGISTER:
		e.register(req, tx, in.flow)
	case sipgo.OPTIONS:
		e.options(req, tx)
	case sipgo.NOTIFY:
		e.reply(tx, req, answer{status: 489, fields: []field{{"Allow-Events", allowedEvents}}})
	case sipgo.REFER:
		e.reply(tx, req, answer{status: 403})
	default:
		e.reply(tx, req, answer{status: 481})
	}
}

// options tells what we can do (RFC 3261, 11).
func (e *Endpoint) options(req *sipgo.Request, tx *serverTx) {
	e.mu.Lock()
	draining := e.draining
	e.mu.Unlock()
	a := answer{status: 200, fields: capabilities()}
	if draining {
		a.status = 503
	}
	e.reply(tx, req, a)
}

func capabilities() []field {
	return []field{{"Allow", allow}, {"Supported", supported}, {"Accept", allowedBodies}, {"Allow-Events", allowedEvents}}
}

// ack finds what an ACK acknowledges: a refusal by its transaction, an accepted
// INVITE by its dialog. One that fits nothing is dropped, as ACK always is.
func (e *Endpoint) ack(req *sipgo.Request, in arrived) {
	if tx := e.transactions.find(serverKey(req, "INVITE")); tx != nil {
		if refused, again := tx.refused(); refused {
			in.show(tx.belongs(), again)
			tx.step(inAck, nil)
			return
		}
	}
	tag, _ := req.To().Params.Get("tag")
	l := e.legByTag(tag)
	if e.onMessage != nil {
		in.show(e.ownerOf(req), l != nil && !l.awaitsACK(req.CSeq().SeqNo))
	}
	if l != nil {
		l.acknowledged(req)
	}
}

// cancel is RFC 3261, 9.2. The CANCEL is always answered; what it cancels is
// only if it is not decided yet.
func (e *Endpoint) cancel(req *sipgo.Request, f flow, in arrived) {
	tx, fresh := e.transactions.receive(req, serverKey(req, "CANCEL"), f)
	if !fresh {
		in.show(tx.belongs(), true)
		tx.step(inRequest, nil)
		return
	}
	invite := e.transactions.find(serverKey(req, "INVITE"))
	if invite != nil {
		tx.of(invite.belongs())
	}
	in.show(tx.belongs(), false)
	if invite == nil {
		e.reply(tx, req, answer{status: 481})
		return
	}
	l := invite.owner()
	tag := ""
	if l != nil {
		tag = l.tag
	}
	e.reply(tx, req, answer{status: 200, tag: tag})
	if l != nil {
		l.cancelled(req)
	}
}

// reply answers a request.
func (e *Endpoint) reply(tx *serverTx, req *sipgo.Request, a answer) {
	if a.tag == "" && a.status > 100 {
		a.tag = e.token(8)
	}
	if err := tx.respond(a.status, a.render(req, e.settings.Load().agent)); err != nil {
		e.log.Debug("an answer could not be sent", "status", a.status, "to", tx.flow.String(), "error", err)
	}
}
