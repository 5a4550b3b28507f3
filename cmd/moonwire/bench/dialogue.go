package bench

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/moonwire/moonwire/core/sip/digest"
)

// receive is the caller's answer to one message of the server.
func (c *caller) receive(m message, from netip.AddrPort) {
	n, ours := c.numberOf(m.callID)
	if !ours {
		return
	}
	call := c.calls[n]
	now := time.Now()
	switch {
	case m.status == 0:
		c.asked(call, m, from)
	case call == nil || m.cseq != call.cseq || m.method != call.method:
		// Late or repeated. Only the 200 of an INVITE wants something for it.
		if call != nil && m.method == "INVITE" && m.status/100 == 2 && call.phase >= talking {
			c.acknowledge(call, m.cseq)
		}
	case m.method == "INVITE":
		c.invited(call, m, now)
	case m.method == "BYE" && m.status >= 200:
		c.ended(call, m, now)
	}
}

// asked answers a request of the server. A BYE is answered even when the call
// is forgotten, so that the server need not repeat it.
func (c *caller) asked(call *outgoing, m message, from netip.AddrPort) {
	status, body := "200 OK", ""
	switch m.method {
	case "ACK":
		return
	case "INVITE":
		if call == nil {
			status = "481 Call Does Not Exist"
		} else {
			body = sdp(c.plan.local, c.plan.port(call.number), c.plan.codec)
		}
	}
	contact := ""
	if body != "" {
		contact = "sip:" + c.plan.user + "@" + c.local
	}
	c.out = m.response(c.out, status, "", contact, body)
	_, _ = c.conn.WriteToUDPAddrPort(c.out, from)
	if m.method != "BYE" || call == nil {
		return
	}
	switch {
	case call.phase < talking:
		c.fail(call, "BYE before the answer")
	case call.phase == talking && !c.plan.serverEnds:
		c.fail(call, "BYE while talking")
	default:
		c.stats.OK++
		c.over(call)
	}
}

// invited deals with a response to the INVITE.
func (c *caller) invited(call *outgoing, m message, now time.Time) {
	switch {
	case m.status < 200:
		if call.phase == inviting {
			call.phase = ringing
		}
	case call.phase >= talking:
		c.acknowledge(call, m.cseq) // the 200 again: our ACK was lost
	case m.status < 300:
		c.connected(call, m, now)
	default:
		call.to = m.to
		c.send(c.request(c.out, call, "ACK", "", ""))
		call.to = "<" + call.target + ">"
		c.refused(call, m, now)
	}
}

func (c *caller) connected(call *outgoing, m message, now time.Time) {
	c.stats.Answered++
	c.stats.answerTime.add(now.Sub(call.first))
	c.done.Add(1)
	call.phase, call.to = talking, m.to
	if m.contact != "" {
		call.target = m.contact
	}
	call.routes = m.recordRoute
	slices.Reverse(call.routes)
	c.acknowledge(call, call.cseq)
	if remote := mediaAddress(m.body); c.plan.answered != nil && remote.IsValid() {
		c.plan.answered(call.number, remote)
	}
	switch {
	case c.plan.serverEnds:
		call.branch++
		c.set(call, now.Add(timerB))
	case !c.plan.hold:
		c.bye(call, now)
	}
}

// acknowledge sends the ACK of a 200, a transaction of its own.
func (c *caller) acknowledge(call *outgoing, cseq uint32) {
	present := call.cseq
	call.cseq = cseq
	call.branch += ackBranch
	c.out = c.request(c.out, call, "ACK", "", "")
	call.branch -= ackBranch
	call.cseq = present
	c.send(c.out)
}

// ackBranch sets the branch of an ACK apart from those of other requests.
const ackBranch = 1000

// ended deals with the final response to our BYE.
func (c *caller) ended(call *outgoing, m message, now time.Time) {
	switch {
	case m.status < 300 || m.status == 481: // 481: the server's own BYE crossed ours
		c.stats.OK++
		c.over(call)
	default:
		c.refused(call, m, now)
	}
}

// refused tries again with credentials where that may help.
func (c *caller) refused(call *outgoing, m message, now time.Time) {
	if (m.status == 401 || m.status == 407) && c.plan.password != "" && !call.tried {
		values, err := digest.Authorize(m.challenges, digest.Answer{
			Request: digest.Request{Method: call.method, URI: call.target},
			User:    c.plan.user, Password: c.plan.password, Count: 1,
			CNonce: c.run + strconv.Itoa(call.number),
		})
		if err == nil {
			call.tried = true
			header := "Authorization: "
			if m.status == 407 {
				header = "Proxy-Authorization: "
			}
			c.transact(call, now, header+values[0])
			return
		}
	}
	c.fail(call, call.method+" "+strconv.Itoa(m.status))
}
