package sip

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// leg is one call. Its lock guards everything below mu; messages are sent and
// events posted while it is held, so both keep the order of what happened.
type leg struct {
	endpoint *Endpoint
	id       string
	tag      string // ours, when the leg began
	key      string // in Endpoint.legs, the tag of today; Endpoint.mu guards it
	log      *slog.Logger
	incoming bool
	events   *call.EventQueue
	outlet   *outlet
	invite   string // key in Endpoint.invites

	mu    sync.Mutex
	state call.State
	info  call.Info // what does not follow from the rest
	cause call.Cause
	session
	turn      atomic.Uint32 // which session this is; alarms and answers of earlier ones are void
	uac       *outgoing
	standing  func(call.HungUp) // of a leg that stands in for another: hears that it failed, or a zero cause where it was answered
	first     *sipgo.Request
	headers   string // of first, once that is let go
	extra     []field
	onRelease func() bool // stops watching Dial's context
}

// session is what a leg has with its far end. The far end may be replaced by
// another in the middle of a call, and the session with it; see swap.go.
type session struct {
	peer     peer
	codecs   []call.Codec
	audio    audio
	hooks    *hooks
	held     bool
	format   call.Format
	dialog   dialog
	media    negotiation
	uas      *incoming
	confirm  *confirmation // the 2xx of ours that waits for its ACK
	closing  *call.Hangup  // asked for before the ACK
	change   *reoffer      // the re-INVITE or UPDATE of ours that is under way
	refresh  refresher
	transfer *transfer
	allowed  string // the far end's Allow
	mate     *leg   // the leg of ours that is the far end, where there is no dialog
}

var _ call.Leg = (*leg)(nil)

// newLeg makes a leg; the caller admits it.
func (e *Endpoint) newLeg(p peer, incoming bool) *leg {
	l := &leg{endpoint: e, id: e.newID(), tag: e.token(8), incoming: incoming, session: session{peer: p, codecs: p.media.Codecs}}
	l.key = l.tag
	l.log = e.log.With("call", l.id)
	l.events = call.NewEventQueue(e.clock)
	l.info = call.Info{
		ID: l.id, Endpoint: "sip", Peer: p.name(), Incoming: incoming, Context: p.context, Language: p.media.Language,
		Features: call.CanHold | call.CanTransfer | call.CanEarlyMedia,
	}
	var b [8]byte
	e.read(b[:])
	for _, octet := range b {
		l.media.session = l.media.session<<8 | uint64(octet)
	}
	l.media.session >>= 3
	return l
}

// hooks is where the media of a session tells what happens: to the leg that has
// the session now, or to nobody once it is over.
type hooks struct{ leg atomic.Pointer[leg] }

// openMedia gives the leg its port.
func (l *leg) openMedia(beside call.Leg) error {
	h := new(hooks)
	h.leg.Store(l)
	a, err := l.endpoint.openAudio(audioOptions{
		log: l.log, tape: l.endpoint.trace.Leg(l.id).Tape(), beside: beside, digit: h.pressed, silence: h.silent, format: h.reformatted,
		inband: l.peer.media.DTMF == DTMFInband, noTones: l.peer.media.DTMF == DTMFRTP || l.peer.media.DTMF == DTMFInfo, nat: l.peer.media.NAT,
	})
	l.audio, l.hooks = a, h
	if err == nil {
		l.outlet = newOutlet(l, a)
	}
	return err
}

// pressed is a digit that came in the media. Media worker.
func (h *hooks) pressed(d call.Digit) {
	if l := h.leg.Load(); l != nil {
		l.events.Post(d)
	}
}

// silent says that no media came for a while. Media worker.
func (h *hooks) silent(d time.Duration) {
	if l := h.leg.Load(); l != nil {
		l.events.Post(call.MediaLost{Silence: d})
	}
}

// reformatted says that the far end changed codecs on its own. Media worker.
func (h *hooks) reformatted(f call.Format) {
	l := h.leg.Load()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h == l.hooks && l.state != call.Ended && l.format != f {
		l.format = f
		l.events.Post(call.MediaChanged{Format: f})
	}
}

// Info is the present state of the leg.
func (l *leg) Info() call.Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.info
	i.State, i.Format, i.Held, i.Cause = l.state, l.format, l.held, l.cause
	i.Protocol.CallID = l.dialog.callID
	i.Remote = l.remote()
	if m, ok := l.audio.(call.Meter); ok {
		i.Quality = m.Quality()
	}
	if l.first != nil || l.headers != "" {
		i.Protocol.Header = l.header
	}
	return i
}

// header is the first value of a header of the INVITE.
func (l *leg) header(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	name = strings.ToLower(name)
	if l.first != nil {
		return value(l.first, name)
	}
	for line := range strings.SplitSeq(l.headers, "\r\n") {
		key, v, _ := strings.Cut(line, ": ")
		if strings.EqualFold(key, name) || compact[name] != "" && strings.EqualFold(key, compact[name]) {
			return v
		}
	}
	return ""
}

// release lets the parsed INVITE go and keeps its headers as one text, which is
// a quarter of the size.
func (l *leg) release() {
	if l.first == nil {
		return
	}
	w := newBuilder(512)
	for _, h := range l.first.Headers() {
		switch h.(type) {
		case *sipgo.ContentLengthHeader, *sipgo.MaxForwardsHeader:
		default:
			w.header(h)
		}
	}
	l.headers, l.first = string(w.b), nil
}

// Events delivers what happens on the leg.
func (l *leg) Events() <-chan call.Event { return l.events.C() }

// Media is the leg's audio.
func (l *leg) Media() call.Port { return l.outlet }

// Send carries out a signal.
func (l *leg) Send(ctx context.Context, s call.Signal) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("leg %s: %w", l.id, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	act, err := judge(s, l.state, l.incoming)
	if err == nil && act {
		err = l.carryOut(s)
	}
	if err != nil {
		return fmt.Errorf("leg %s: %T: %w", l.id, s, err)
	}
	return nil
}

func (l *leg) carryOut(s call.Signal) error {
	if l.mate != nil {
		return l.relay(s)
	}
	switch s := s.(type) {
	case call.Ring:
		return l.ring()
	case call.Progress:
		return l.progress()
	case call.Answer:
		return l.answer()
	case call.Hangup:
		return l.hangUp(s)
	case call.SendDigits:
		return l.sendDigits(s)
	case call.Hold:
		return l.hold(s.On)
	case call.Transfer:
		return l.transferTo(s.To)
	case call.Redirect:
		return l.redirect(s.To)
	case call.RefuseTransfer:
		l.notify(s.Status, true)
		return nil
	case call.Identify:
		return l.identify(s.Party)
	}
	return call.ErrNotSupported
}

// hangUp ends the call in the way that fits its state.
func (l *leg) hangUp(s call.Hangup) error {
	if l.state == call.Answered && l.uas != nil && l.confirm != nil && l.endpoint.waits() {
		// A BYE that overtakes the 2xx would leave the caller in a call that is
		// over: it goes out after the ACK (RFC 3261, 15).
		if l.closing == nil {
			l.closing = &s
		}
		return nil
	}
	switch {
	case s.Cause != call.CauseNone:
	case s.Status >= 300:
		s.Cause = call.CauseOf(s.Status)
	default:
		s.Cause = call.CauseNormal
	}
	status := 0
	switch {
	case l.state == call.Answered:
		if s.Cause == call.CauseNormal { // it took the transfer on
			l.notify(200, true)
		} else {
			l.notify(503, true)
		}
		l.bye(reason(s.Cause))
	case l.incoming:
		status = l.refuse(s)
	default:
		l.abandon(s.Cause)
	}
	l.end(call.HungUp{Cause: s.Cause, Status: status, Reason: s.Reason, ByUs: true})
	return nil
}

// bye ends the dialog.
func (l *leg) bye(fields ...field) {
	r := l.request("BYE")
	r.fields = fields
	l.start(r, nil)
}

// request makes a request within the dialog.
func (l *leg) request(method string) *request { return l.requestIn(&l.dialog, method, l.peer) }

// requestIn makes a request within a dialog with this peer.
func (l *leg) requestIn(d *dialog, method string, p peer) *request {
	r := d.request(method)
	r.about = about{l.id, p.name(), r.callID}
	r.via, r.branch, r.agent = l.endpoint.sentBy(r.flow), l.endpoint.branch(), l.endpoint.settings.Load().agent
	r.user, r.password = p.credentials()
	if method == "BYE" || method == "INFO" || method == "PRACK" {
		r.contact = ""
	}
	return r
}

// start sends a request of ours within the dialog and answers challenges to it.
// done, which may be nil, gets the final answer without the lock, or nil when
// nobody answered.
func (l *leg) start(r *request, done func(*sipgo.Response)) {
	l.startWith(r, done, &credentials{})
}

func (l *leg) startWith(r *request, done func(*sipgo.Response), auth *credentials) {
	turn := l.turn.Load()
	tell := func(res *sipgo.Response) {
		if done != nil && l.turn.Load() == turn {
			done(res)
		}
	}
	_, err := l.endpoint.transactions.start(r, func(res *sipgo.Response, err error) {
		switch {
		case err != nil:
			tell(nil)
		case res.StatusCode < 200:
		case res.StatusCode == 401 || res.StatusCode == 407:
			if !l.retryWithAuth(res, r, done, auth) {
				tell(res)
			}
		default:
			tell(res)
		}
	})
	if err != nil {
		l.log.Warn("a request could not be sent", "method", r.method, "error", err)
		l.endpoint.soon(func() { tell(nil) })
	}
}

// retryWithAuth sends a challenged request again with our password.
func (l *leg) retryWithAuth(res *sipgo.Response, r *request, done func(*sipgo.Response), auth *credentials) bool {
	fields, err := auth.answer(res, r, r.user, r.password, l.endpoint)
	if err != nil {
		return false
	}
	again := *r
	again.seq++
	l.mu.Lock()
	if l.dialog.callID == r.callID { // the last request of a dialog that was left needs no count
		l.dialog.localSeq++
		again.seq = l.dialog.localSeq
	}
	l.mu.Unlock()
	again.branch, again.fields = l.endpoint.branch(), withAuth(r.fields, fields)
	l.startWith(&again, done, auth)
	return true
}

// credentials are what we prove ourselves to the peer with.
func (p *peer) credentials() (name, password string) {
	if p.trunk != nil {
		return p.trunk.authUser(), p.trunk.Password
	}
	return "", ""
}

// soon runs f without any lock of the caller's.
func (e *Endpoint) soon(f func()) {
	e.clock.AfterFunc(0, func() {
		defer e.survive("later")
		f()
	})
}

// after sets an alarm that runs f under the lock while the leg lives.
func (l *leg) after(d time.Duration, f func()) clock.Timer {
	turn := l.turn.Load()
	return l.endpoint.clock.AfterFunc(d, func() {
		defer l.endpoint.survive("alarm")
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.state != call.Ended && l.turn.Load() == turn {
			f()
		}
	})
}

// end is the last thing that happens to a leg.
func (l *leg) end(h call.HungUp) {
	if l.state == call.Ended {
		return
	}
	l.state, l.cause = call.Ended, h.Cause
	l.stopTimers()
	l.release()
	if l.uas != nil {
		l.uas.tx.setCall(nil)
		l.uas = nil
	}
	l.change = nil
	if l.onRelease != nil {
		l.onRelease()
		l.onRelease = nil
	}
	l.endpoint.dismiss(l)
	l.audio.Close()
	l.partFromMate(h)
	var q call.Quality
	if m, ok := l.audio.(call.Meter); ok {
		q = m.Quality()
	}
	l.log.Info("leg ended", "cause", h.Cause.String(), "status", h.Status, "reason", h.Reason, "by_us", h.ByUs,
		"received", q.Received, "sent", q.Sent, "lost", q.Lost, "far_lost", q.FarLost,
		"jitter", q.Jitter, "round_trip", q.RoundTrip, "dropped", q.Dropped)
	l.events.Post(h)
	if l.standing != nil {
		l.standing(h)
	}
}

func (l *leg) stopTimers() {
	stop := func(t clock.Timer) {
		if t != nil {
			t.Stop()
		}
	}
	stop(l.refresh.timer)
	if l.confirm != nil {
		stop(l.confirm.timer)
		l.confirm = nil
	}
	if l.uas != nil {
		stop(l.uas.reliable.timer)
	}
	if l.change != nil {
		stop(l.change.timer)
	}
}

// reach raises the state; it never falls.
func (l *leg) reach(s call.State) bool {
	if l.state >= s {
		return false
	}
	l.state = s
	return true
}

// respond answers a request of this dialog.
func (l *leg) respond(tx *serverTx, req *sipgo.Request, a answer) {
	a.tag = l.dialog.localTag
	l.endpoint.reply(tx, req, a)
}

// handle takes a request within the dialog.
func (l *leg) handle(req *sipgo.Request, tx *serverTx, e *Endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fromTag, _ := req.From().Params.Get("tag")
	if l.state == call.Ended || !l.dialog.is(string(*req.CallID()), fromTag) {
		e.reply(tx, req, answer{status: 481})
		return
	}
	if !l.dialog.order(req.CSeq().SeqNo) {
		l.respond(tx, req, answer{status: 500, reason: "Request Out Of Order"})
		return
	}
	switch req.Method {
	case sipgo.INVITE:
		l.reinvited(req, tx)
	case sipgo.UPDATE:
		l.updated(req, tx)
	case sipgo.BYE:
		l.byed(req, tx)
	case sipgo.INFO:
		l.informed(req, tx)
	case sipgo.OPTIONS:
		l.respond(tx, req, answer{status: 200, contact: l.dialog.contact, fields: capabilities()})
	case sipgo.PRACK:
		l.pracked(req, tx)
	case sipgo.REFER:
		l.referred(req, tx)
	case sipgo.NOTIFY:
		l.notified(req, tx)
	default:
		l.respond(tx, req, answer{status: 405, fields: []field{{"Allow", allow}}})
	}
}

// byed is the far end hanging up. Before the answer it also ends our INVITE.
func (l *leg) byed(req *sipgo.Request, tx *serverTx) {
	l.respond(tx, req, answer{status: 200})
	cause, text := parseReason(values(req, "reason"))
	if cause == call.CauseNone {
		cause = call.CauseNormal
	}
	if l.incoming && l.state < call.Answered && l.uas != nil {
		l.uas.final(l, answer{status: 487})
	}
	l.end(call.HungUp{Cause: cause, Reason: text})
}
