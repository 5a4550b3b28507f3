package sip

import (
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// Session timers (RFC 4028) notice calls whose far end died without a BYE: one
// side refreshes the session now and then, and the other hangs up when that
// stays away.

const (
	sessionInterval = 30 * time.Minute // that we ask for
	leastInterval   = 90 * time.Second // that we accept; RFC 4028, 4
)

type refresher struct {
	interval time.Duration // 0 = the session is not timed
	ours     bool          // we refresh
	peer     bool          // the far end knows session timers
	timer    clock.Timer
}

// accept reads what an INVITE or UPDATE wants; an answer refuses it.
func (r *refresher) accept(req *sipgo.Request) *answer {
	r.peer = lists(req, "supported", "timer") || lists(req, "require", "timer")
	text := value(req, "session-expires")
	if text == "" {
		r.interval = 0
		return nil
	}
	wanted, err := parseSessionExpires(text)
	if err != nil {
		return &answer{status: 400, reason: "Bad Session-Expires"}
	}
	if wanted.interval < leastInterval {
		if r.peer {
			return &answer{status: 422, fields: []field{{"Min-SE", strconv.Itoa(int(leastInterval / time.Second))}}}
		}
		wanted.interval = leastInterval
	}
	r.interval = wanted.interval
	r.ours = wanted.refresher == "uas" || !r.peer
	return nil
}

// answer is what a 2xx of ours says about it.
func (r *refresher) answer() []field {
	if r.interval == 0 {
		return nil
	}
	s := sessionExpires{r.interval, "uac"}
	if r.ours {
		s.refresher = "uas"
	}
	fields := []field{{"Session-Expires", s.String()}}
	if r.peer {
		fields = append(fields, field{"Require", "timer"})
	}
	return fields
}

// ask is what a request of ours says about it.
func (r *refresher) ask() []field {
	interval := r.interval
	if interval == 0 {
		interval = sessionInterval
	}
	return []field{{"Session-Expires", strconv.Itoa(int(interval / time.Second))}, {"Min-SE", strconv.Itoa(int(leastInterval / time.Second))}}
}

// granted reads the 2xx to a request of ours.
func (r *refresher) granted(res *sipgo.Response) {
	s, err := parseSessionExpires(value(res, "session-expires"))
	if err != nil || s.interval < leastInterval {
		r.interval = 0
		return
	}
	r.interval, r.ours = s.interval, s.refresher != "uas"
}

// begin starts the clock anew, after every exchange that refreshes.
func (r *refresher) begin(l *leg) {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	switch {
	case r.interval == 0:
	case r.ours:
		r.timer = l.after(r.interval/2, l.refreshSession)
	default:
		r.timer = l.after(r.interval-min(32*time.Second, r.interval/3), l.expired)
	}
}

// expired ends a call whose far end did not refresh it.
func (l *leg) expired() {
	l.log.Warn("the session expired")
	l.bye(reason(call.CauseTimer))
	l.end(call.HungUp{Cause: call.CauseTimer, Reason: "session expired", ByUs: true})
}

// refreshSession is our turn: UPDATE without a description where the far end
// allows it, else a re-INVITE with the one in force.
func (l *leg) refreshSession() {
	if l.change != nil || l.confirm != nil {
		l.refresh.timer = l.after(time.Second, l.refreshSession)
		return
	}
	l.refresh.timer = l.after(l.refresh.interval/2, l.expired) // unless the refresh succeeds
	if !strings.Contains(l.allowed, "UPDATE") {
		l.reoffer(l.media.direction)
		return
	}
	r := l.request("UPDATE")
	r.fields = append(l.refresh.ask(), field{"Supported", supported})
	r.fields[0].value += ";refresher=uac"
	l.start(r, func(res *sipgo.Response) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refreshed(res)
	})
}

// refreshed takes the answer to a refresh.
func (l *leg) refreshed(res *sipgo.Response) {
	switch {
	case l.state == call.Ended:
	case res == nil || res.StatusCode == 481 || res.StatusCode == 408:
		l.expired()
	case res.StatusCode < 300:
		l.dialog.refresh(res)
		l.refresh.granted(res)
		l.refresh.begin(l)
	}
}
