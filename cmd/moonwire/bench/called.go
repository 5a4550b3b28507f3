package bench

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// called is the called side of a bridge: it answers every INVITE at once with
// the media address of the next free leg.
type called struct {
	conn  *net.UDPConn
	at    netip.AddrPort
	codec Codec
	port  func(leg int) uint16
	aim   func(leg int, remote netip.AddrPort)
	legs  int
	group sync.WaitGroup

	free  []int
	calls map[string]*incoming
	out   []byte
}

// incoming is one answered call; its 200 is sent until the ACK comes.
type incoming struct {
	leg      int
	answer   []byte
	from     netip.AddrPort
	since    time.Time
	again    time.Time
	interval time.Duration
	acked    bool
}

// answerCalls serves until close.
func answerCalls(at netip.AddrPort, codec Codec, legs int, port func(int) uint16, aim func(int, netip.AddrPort)) (*called, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(4 << 20)
	bound := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	c := &called{
		conn: conn, at: netip.AddrPortFrom(at.Addr(), bound.Port()), codec: codec,
		port: port, aim: aim, legs: legs, calls: make(map[string]*incoming),
	}
	for leg := legs - 1; leg >= 0; leg-- {
		c.free = append(c.free, leg)
	}
	c.group.Go(c.serve)
	return c, nil
}

func (c *called) close() {
	c.conn.Close()
	c.group.Wait()
}

func (c *called) serve() {
	buffer := make([]byte, 65535)
	for {
		now := time.Now()
		c.retransmit(now)
		_ = c.conn.SetReadDeadline(now.Add(100 * time.Millisecond))
		n, from, err := c.conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if m, ok := parseMessage(buffer[:n]); ok && m.status == 0 {
			c.receive(m, from, now)
		}
	}
}

func (c *called) retransmit(now time.Time) {
	for id, call := range c.calls {
		switch {
		case call.acked || now.Before(call.again):
		case now.Sub(call.since) > timerB:
			c.forget(id)
		default:
			_, _ = c.conn.WriteToUDPAddrPort(call.answer, call.from)
			call.interval = min(2*call.interval, timerT2)
			call.again = now.Add(call.interval)
		}
	}
}

func (c *called) forget(id string) {
	if call := c.calls[id]; call != nil {
		c.free = append(c.free, call.leg)
		delete(c.calls, id)
	}
}

func (c *called) receive(m message, from netip.AddrPort, now time.Time) {
	call := c.calls[m.callID]
	switch m.method {
	case "ACK":
		if call != nil {
			call.acked = true
		}
		return
	case "INVITE":
		c.invited(call, m, from, now)
		return
	case "BYE":
		c.forget(m.callID)
	}
	c.reply(m, from, "200 OK", "")
}

func (c *called) invited(call *incoming, m message, from netip.AddrPort, now time.Time) {
	if call == nil {
		if len(c.free) == 0 {
			c.reply(m, from, "486 Busy Here", "")
			return
		}
		call = &incoming{leg: c.free[len(c.free)-1]}
		c.free = c.free[:len(c.free)-1]
		c.calls[m.callID] = call
		c.reply(m, from, "180 Ringing", "")
	}
	if remote := mediaAddress(m.body); remote.IsValid() {
		c.aim(call.leg, remote)
	}
	c.reply(m, from, "200 OK", sdp(c.at.Addr(), c.port(call.leg), c.codec))
	call.answer, call.from = append(call.answer[:0], c.out...), from
	call.acked, call.since, call.interval, call.again = false, now, timerT1, now.Add(timerT1)
}

func (c *called) reply(m message, from netip.AddrPort, status, body string) {
	tag := "b"
	if call := c.calls[m.callID]; call != nil {
		tag += strconv.Itoa(call.leg)
	}
	c.out = m.response(c.out, status, tag, "sip:b@"+c.at.String(), body)
	_, _ = c.conn.WriteToUDPAddrPort(c.out, from)
}
