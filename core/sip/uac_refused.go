package sip

import (
	"slices"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sip/registrar"
)

// A refusal is not always the end of a branch: some say what to do instead. What
// is left when all branches are refused is the answer that tells the caller most.

// maxRedirects bounds how often one branch follows a 3xx.
const maxRedirects = 5

// refused takes a final answer of 300 or more. Some say what to do instead.
func (b *branch) refused(r *request, res *sipgo.Response) {
	l := b.leg
	status := res.StatusCode
	result := call.HungUp{Cause: call.CauseOf(status), Status: status, Reason: res.Reason}
	if cause, text := parseReason(values(res, "reason")); cause != call.CauseNone {
		result.Cause = cause
		if text != "" {
			result.Reason = text
		}
	}
	switch {
	case b.cancel != nil || l.state == call.Ended:
		b.finish(result)
	case status == 401 || status == 407:
		name, password := l.peer.credentials()
		auth, err := b.auth.answer(res, r, name, password, l.endpoint)
		if err != nil {
			l.log.Warn("authentication failed", "peer", l.peer.name(), "error", err)
			b.finish(result)
			return
		}
		b.send(auth)
	case status == 422:
		least, ok := seconds(value(res, "min-se"))
		if !ok || least <= max(b.interval, sessionInterval) || least > 24*time.Hour {
			b.finish(result)
			return
		}
		b.interval = least
		b.auth.reset() // the new request may be challenged anew
		b.send(nil)
	case status < 400:
		b.redirect(res, result)
	case status == 503 || status == 408 && len(b.to.hops) > 1:
		b.next(result)
	default:
		b.finish(result)
	}
}

// redirect follows a 3xx to its best contact that was not tried yet.
func (b *branch) redirect(res *sipgo.Response, result call.HungUp) {
	l := b.leg
	if b.redirects++; b.redirects > maxRedirects {
		b.finish(result)
		return
	}
	contacts, _, _ := registrar.ParseContacts(values(res, "contact"))
	slices.SortStableFunc(contacts, func(a, b registrar.Contact) int { return b.Q - a.Q })
	for _, c := range contacts {
		uri, _, _ := strings.Cut(c.URI, "?")
		if slices.Contains(b.visited, uri) {
			continue
		}
		d, err := l.endpoint.direct(uri)
		if err != nil {
			continue
		}
		l.log.Info("redirected", "status", res.StatusCode, "to", uri)
		b.visited = append(b.visited, uri)
		b.to, b.auth = d, credentials{}
		b.begin()
		return
	}
	b.finish(result)
}

// next goes on to the next address of the same destination (RFC 3263, 4.3).
func (b *branch) next(result call.HungUp) {
	if b.done {
		return
	}
	if len(b.to.hops) <= 1 || b.cancel != nil || b.leg.state == call.Ended {
		b.finish(result)
		return
	}
	b.leg.log.Info("trying the next address", "address", b.to.hops[0].flow.String(), "reason", result.Reason)
	b.to.hops = b.to.hops[1:]
	b.begin()
}

// finish counts a branch out; the last one ends the leg with the best of what
// the branches said.
func (b *branch) finish(result call.HungUp) {
	if b.done {
		return
	}
	l := b.leg
	b.done = true
	l.uac.left--
	if better(result, l.uac.best) {
		l.uac.best = result
	}
	if result.Status >= 600 { // nobody else needs to be asked (RFC 3261, 16.7)
		l.cancelOthers(reason(result.Cause))
		l.uac.best = result
	}
	if l.uac.left == 0 && l.uac.winner == nil {
		l.end(l.uac.best)
	}
}

// better prefers what tells the caller most: that the party is busy or declines
// rather than that some device did not answer.
func better(a, b call.HungUp) bool {
	rank := func(h call.HungUp) int {
		switch {
		case h.Cause == call.CauseNone:
			return -1
		case h.Status >= 600:
			return 5
		case h.Cause == call.CauseBusy:
			return 4
		case h.Cause == call.CauseRejected:
			return 3
		case h.Status == 480:
			return 2
		case h.Status == 408 || h.Status == 0:
			return 0
		}
		return 1
	}
	return rank(a) > rank(b)
}
