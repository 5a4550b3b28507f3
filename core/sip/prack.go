package sip

import (
	"errors"
	"strconv"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// RFC 3262 makes provisional answers as sure as final ones: each is numbered,
// sent again until a PRACK names its number, and the next one waits for that.

var errNoAnswer = errors.New("no answer to our offer")

// reliable is the callee's side.
type reliable struct {
	seq      uint32 // RSeq of the last one sent
	message  []byte // that is not acknowledged yet; nil where there is none
	late     bool   // it carries our offer
	queue    []answer
	interval time.Duration
	until    time.Time
	timer    clock.Timer
}

func (r *reliable) outstanding() bool { return r.message != nil }

// sendReliably sends a provisional answer, or queues it behind the last.
func (l *leg) sendReliably(a answer) {
	r := &l.uas.reliable
	if r.outstanding() {
		r.queue = append(r.queue, a)
		return
	}
	if r.seq == 0 {
		r.seq = 1 + uint32(l.endpoint.within(1<<30)) // RFC 3262, 3: random below 2^31
	} else {
		r.seq++
	}
	a.tag = l.dialog.localTag
	a.fields = append(a.fields, field{"Require", "100rel"}, field{"RSeq", strconv.FormatUint(uint64(r.seq), 10)})
	r.message = a.render(l.uas.req, l.endpoint.settings.Load().agent)
	r.late = a.body != nil && !l.uas.offered && l.media.offer != nil
	t := l.endpoint.transactions.timing
	r.interval, r.until = t.t1, l.endpoint.clock.Now().Add(t.giveUp())
	l.uas.tx.respond(a.status, r.message)
	r.timer = l.after(r.interval, l.resendReliably)
}

func (l *leg) resendReliably() {
	if l.uas == nil || !l.uas.reliable.outstanding() || l.uas.decided {
		return
	}
	r := &l.uas.reliable
	if !l.endpoint.clock.Now().Before(r.until) {
		l.log.Warn("a reliable provisional answer was never acknowledged")
		l.uas.final(l, answer{status: 504, fields: []field{reason(call.CauseTimer)}})
		l.end(call.HungUp{Cause: call.CauseTimer, Status: 504, Reason: "no PRACK", ByUs: true})
		return
	}
	l.uas.tx.respond(183, r.message)
	r.interval *= 2
	r.timer = l.after(min(r.interval, r.until.Sub(l.endpoint.clock.Now())), l.resendReliably)
}

// pracked takes a PRACK (RFC 3262, 3). It may bring the answer to our offer, or
// an offer of its own.
func (l *leg) pracked(req *sipgo.Request, tx *serverTx) {
	ack, err := parseRAck(value(req, "rack"))
	if err != nil {
		l.respond(tx, req, answer{status: 400})
		return
	}
	if l.uas == nil || !l.uas.reliable.outstanding() || ack.reliable != l.uas.reliable.seq ||
		ack.method != "INVITE" || ack.seq != l.uas.req.CSeq().SeqNo {
		l.respond(tx, req, answer{status: 481})
		return
	}
	r := &l.uas.reliable
	a := answer{status: 200}
	if refusal := l.prackBody(req, r.late, &a); refusal != nil {
		l.respond(tx, req, *refusal)
		return
	}
	r.message = nil
	r.timer.Stop()
	l.respond(tx, req, a)
	switch {
	case len(r.queue) > 0:
		next := r.queue[0]
		r.queue = r.queue[1:]
		l.sendReliably(next)
	case l.uas.waiting:
		l.uas.waiting = false
		l.answer()
	}
}

// prackBody deals with the description in a PRACK.
func (l *leg) prackBody(req *sipgo.Request, late bool, a *answer) *answer {
	body, ok := sdpBody(req)
	if !ok {
		return &answer{status: 415, fields: []field{{"Accept", "application/sdp"}}}
	}
	if body == nil {
		return nil
	}
	if late {
		if err := l.takeAnswer(body); err != nil {
			refusal := l.mediaRefusal(err)
			return &refusal
		}
		return nil
	}
	sdp, err := l.takeOffer(body)
	if err != nil {
		refusal := l.mediaRefusal(err)
		return &refusal
	}
	a.body, a.contentType = sdp, "application/sdp"
	return nil
}

// prack acknowledges a reliable provisional answer to our INVITE. false says
// that it is a repetition or came too early, and is to be ignored (RFC 3262, 4).
func (l *leg) prack(b *branch, d *dialog, early *earlyDialog, res *sipgo.Response) bool {
	n, err := strconv.ParseUint(value(res, "rseq"), 10, 32)
	if err != nil || !lists(res, "require", "100rel") {
		return true // unreliable
	}
	seq := uint32(n)
	if early.rseq != 0 && seq != early.rseq+1 {
		return false
	}
	early.rseq = seq
	r := l.requestIn(d, "PRACK", l.peer)
	r.fields = []field{{"RAck", strconv.FormatUint(n, 10) + " " + strconv.FormatUint(uint64(b.seq), 10) + " INVITE"}}
	l.start(r, nil)
	return true
}
