package bench

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Timers of RFC 3261, section 17.1.1.1.
const (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
	timerB  = 64 * timerT1
)

// usualPatience is how long a server may be silent from the first call on.
const usualPatience = 5 * time.Second

// caller is the calling side: it starts calls at a steady rate and takes each
// through INVITE, ACK and BYE.
//
// Everything happens on the goroutine of run, between two datagrams, so that
// nothing is locked and one core places thousands of calls a second. All is
// sent to the server's one address, whatever its Contacts say.
type caller struct {
	plan  callPlan
	conn  *net.UDPConn
	local string // address and port, as written in messages
	run   string // part of every Call-ID of this run

	calls   map[int]*outgoing // those not over
	started int
	begin   time.Time // when the first call was due
	timers  timerHeap
	out     []byte
	stats   callStats
	heard   bool        // the server has sent something
	release atomic.Bool // hang up what is held
	done    atomic.Int32
}

// callPlan says what calls a caller makes.
type callPlan struct {
	server     netip.AddrPort
	local      netip.Addr
	extension  string
	user       string // of From
	password   string // answers challenges; "" gives such calls up
	codec      Codec
	count      int
	rate       float64 // calls started a second
	limit      int     // calls open at once; more are put off
	hold       bool    // keep calls until hangUp
	serverEnds bool    // the server sends BYE

	patience time.Duration // for the first word of the server; 0 means usualPatience

	port     func(call int) uint16                 // where call wants its media
	answered func(call int, remote netip.AddrPort) // may be nil
}

// callStats is what became of the calls.
type callStats struct {
	Calls           int            `json:"calls"`
	Answered        int            `json:"answered"`
	OK              int            `json:"ok"` // answered and ended as planned
	Failed          int            `json:"failed"`
	Retransmits     int            `json:"retransmits"`
	Peak            int            `json:"peak"`
	Reasons         map[string]int `json:"reasons,omitempty"` // of failures
	answerTime      *histogram
	wall            time.Duration // from the first call to the end of the last
	startedInterval time.Duration // from the first call to the start of the last
}

// nothing is the error of a measurement in which no call was answered.
func (s *callStats) nothing() error {
	return fmt.Errorf("none of %d calls was answered: %v", s.Calls, s.Reasons)
}

type phase uint8

const (
	inviting phase = iota
	ringing        // a provisional response stopped retransmission
	talking
	ending
)

// outgoing is one call.
type outgoing struct {
	number   int
	phase    phase
	cseq     uint32
	branch   int // counts transactions
	packet   []byte
	sent     time.Time     // of the transaction's first packet
	interval time.Duration // before the next retransmission
	first    time.Time     // when the call began
	to       string        // with the server's tag, once known
	target   string        // Request-URI
	routes   []string
	tried    bool // credentials were sent in this transaction's like
	method   string
}

func newCaller(plan callPlan) (*caller, error) {
	if plan.patience == 0 {
		plan.patience = usualPatience
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(plan.local, 0)))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(4 << 20)
	_ = conn.SetWriteBuffer(4 << 20)
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return &caller{
		plan: plan, conn: conn, local: netip.AddrPortFrom(plan.local, local.Port()).String(),
		run:   strconv.FormatInt(time.Now().UnixNano(), 36),
		calls: make(map[int]*outgoing),
		stats: callStats{Reasons: make(map[string]int), answerTime: newHistogram()},
	}, nil
}

// hangUp ends the calls that are held. Any goroutine may call it.
func (c *caller) hangUp() { c.release.Store(true) }

// settled is how many calls were answered or have failed. Any goroutine may call it.
func (c *caller) settled() int { return int(c.done.Load()) }

// serve makes all calls of the plan and returns when the last is over, or with
// ctx's error.
func (c *caller) serve(ctx context.Context) error {
	defer c.conn.Close()
	buffer := make([]byte, 65535)
	c.begin = time.Now()
	var deadline time.Time
	for {
		now := time.Now()
		next := c.work(now)
		if c.started == c.plan.count && len(c.calls) == 0 {
			c.stats.wall = now.Sub(c.begin)
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !c.heard && now.Sub(c.begin) > c.plan.patience {
			return fmt.Errorf("%v does not answer over UDP", c.plan.server)
		}
		if next.Before(deadline) || !now.Before(deadline) {
			deadline = next
			if err := c.conn.SetReadDeadline(deadline); err != nil {
				return err
			}
		}
		n, from, err := c.conn.ReadFromUDPAddrPort(buffer)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			deadline = time.Time{}
		case errors.Is(err, net.ErrClosed):
			return err
		case err == nil:
			if m, ok := parseMessage(buffer[:n]); ok {
				c.heard = true
				c.receive(m, from)
			}
		}
		// Other errors are the network's answers to single packets (ICMP).
	}
}

// work does what is due and tells when to look again.
func (c *caller) work(now time.Time) (next time.Time) {
	next = now.Add(20 * time.Millisecond)
	for len(c.timers) > 0 && !c.timers[0].at.After(now) {
		t := heap.Pop(&c.timers).(timer)
		c.ring(t, now)
	}
	if len(c.timers) > 0 && c.timers[0].at.Before(next) {
		next = c.timers[0].at
	}
	for c.started < c.plan.count && len(c.calls) < c.plan.limit {
		due := c.begin.Add(time.Duration(float64(c.started) / c.plan.rate * float64(time.Second)))
		if due.After(now) {
			if due.Before(next) {
				next = due
			}
			break
		}
		c.start(now)
	}
	if c.plan.hold && c.release.Load() {
		c.plan.hold = false
		for _, call := range c.calls {
			if call.phase == talking {
				c.bye(call, now)
			}
		}
	}
	return next
}

func (c *caller) start(now time.Time) {
	call := &outgoing{
		number: c.started, first: now, method: "INVITE",
		target: "sip:" + c.plan.extension + "@" + c.plan.server.String(),
	}
	call.to = "<" + call.target + ">"
	c.calls[call.number] = call
	c.started++
	c.stats.Calls++
	c.stats.Peak = max(c.stats.Peak, len(c.calls))
	c.stats.startedInterval = now.Sub(c.begin)
	c.transact(call, now, "")
}

// transact begins the call's next transaction: INVITE or BYE.
func (c *caller) transact(call *outgoing, now time.Time, credentials string) {
	call.cseq++
	call.branch++
	body := ""
	if call.method == "INVITE" {
		call.phase = inviting
		body = sdp(c.plan.local, c.plan.port(call.number), c.plan.codec)
	} else {
		call.phase = ending
	}
	call.packet = c.request(call.packet, call, call.method, credentials, body)
	call.sent, call.interval = now, timerT1
	c.send(call.packet)
	c.set(call, now.Add(timerT1))
}

func (c *caller) bye(call *outgoing, now time.Time) {
	call.method, call.tried = "BYE", false
	c.transact(call, now, "")
}

// request writes a request of the call.
func (c *caller) request(b []byte, call *outgoing, method, credentials, body string) []byte {
	w := writer{b[:0]}
	number := strconv.Itoa(call.number)
	w.line(method, " ", call.target, " SIP/2.0")
	w.line("Via: SIP/2.0/UDP ", c.local, ";rport;branch=z9hG4bK", c.run, ".", number, ".", strconv.Itoa(call.branch))
	w.line("From: <sip:", c.plan.user, "@", c.local, ">;tag=", number)
	w.line("To: ", call.to)
	w.line("Call-ID: ", number, "-", c.run)
	w.line("CSeq: ", strconv.FormatUint(uint64(call.cseq), 10), " ", method)
	w.line("Max-Forwards: 70")
	for _, route := range call.routes {
		w.line("Route: ", route)
	}
	if credentials != "" {
		w.line(credentials)
	}
	if method == "INVITE" {
		w.line("Contact: <sip:", c.plan.user, "@", c.local, ">")
		w.line("Allow: INVITE, ACK, BYE, CANCEL, OPTIONS")
	}
	return w.end(body)
}

func (c *caller) send(packet []byte) {
	// A packet that the network does not take is lost like any other, and sent again.
	_, _ = c.conn.WriteToUDPAddrPort(packet, c.plan.server)
}

// ring retransmits what has not been answered, or gives it up.
func (c *caller) ring(t timer, now time.Time) {
	call := c.calls[t.call]
	if call == nil || call.branch != t.branch {
		return
	}
	if call.phase == talking {
		if c.plan.serverEnds {
			c.fail(call, "no BYE")
		}
		return
	}
	if now.Sub(call.sent) >= timerB {
		c.fail(call, call.method+" timed out")
		return
	}
	if call.phase != ringing {
		c.send(call.packet)
		c.stats.Retransmits++
		if call.interval *= 2; call.method != "INVITE" {
			call.interval = min(call.interval, timerT2)
		}
	}
	c.set(call, now.Add(call.interval))
}

func (c *caller) set(call *outgoing, at time.Time) {
	heap.Push(&c.timers, timer{at: at, call: call.number, branch: call.branch})
}

func (c *caller) fail(call *outgoing, reason string) {
	c.stats.Failed++
	c.stats.Reasons[reason]++
	c.over(call)
}

func (c *caller) over(call *outgoing) {
	if call.phase < talking {
		c.done.Add(1)
	}
	delete(c.calls, call.number)
}

// numberOf finds our call by the Call-ID that we gave it.
func (c *caller) numberOf(callID string) (int, bool) {
	number, run, _ := strings.Cut(callID, "-")
	n, err := strconv.Atoi(number)
	return n, err == nil && run == c.run
}

// timer is an alarm for one transaction of a call.
type timer struct {
	at           time.Time
	call, branch int
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
