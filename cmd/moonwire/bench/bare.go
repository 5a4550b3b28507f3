package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bareIdle is how long the bare limit program waits for a packet before it
// ends by itself, so that none is left behind.
const bareIdle = 2 * time.Minute

// bare is the limit of the machine: a program that answers the same numbers as
// a server by receiving and sending the same packets and doing nothing else.
// It keeps no timers, looks nothing up and understands nothing of media, so
// that what it costs is what the packets cost: the system calls and the kernel
// behind them. A server's figures are read beside its.
type bare struct {
	conn   *net.UDPConn
	local  netip.AddrPort
	called netip.AddrPort
	ended  atomic.Bool
	group  sync.WaitGroup

	calls  map[string]*bareCall // by either leg's Call-ID
	silent *socket              // the media port of calls without media
	out    []byte

	mu     sync.Mutex // of the media
	poller *poller
	to     []*socket // by number of the receiving socket: who sends its packets on
	plays  [phases][]*leg
	played int          // so far, to spread them over the slots
	active int          // now
	resign *atomic.Bool // tells the goroutine that plays to end; there is one while active > 0
}

// bareCall is one call, with the called leg of a bridge.
type bareCall struct {
	kind    string
	invite  message
	from    netip.AddrPort
	answer  []byte // the last response to the INVITE, for when it comes again
	port    uint16
	sockets []*socket
	play    *leg
	slot    int
	id      string // of the called leg
	b       *socket
	bTarget string // its Contact and To, once it has answered
	bTo     string
}

// serveBare answers calls at an address until ctx ends or nothing comes any
// more. called is the far end of bridges. It tells ready where it listens.
func serveBare(ctx context.Context, at, called netip.AddrPort, ready func(netip.AddrPort)) error {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return fmt.Errorf("bare limit: %w", err)
	}
	defer conn.Close()
	_ = conn.SetReadBuffer(4 << 20)
	bound := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	b := &bare{
		conn: conn, local: netip.AddrPortFrom(at.Addr(), bound.Port()), called: called,
		calls: make(map[string]*bareCall),
	}
	if b.silent, err = openSocket(netip.AddrPortFrom(at.Addr(), 0)); err != nil {
		return fmt.Errorf("bare limit: %w", err)
	}
	defer b.silent.close()
	if b.poller, err = newPoller(); err != nil {
		return fmt.Errorf("bare limit: %w", err)
	}
	b.group.Go(b.relay)
	defer b.finish()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	ready(b.local)
	return b.serve()
}

func (b *bare) finish() {
	for id, call := range b.calls {
		if id != call.id {
			b.end(call)
		}
	}
	b.ended.Store(true)
	b.group.Wait()
	b.poller.close()
}

func (b *bare) serve() error {
	buffer := make([]byte, 65535)
	var deadline time.Time
	for {
		if now := time.Now(); deadline.Sub(now) < bareIdle/2 {
			deadline = now.Add(bareIdle)
			_ = b.conn.SetReadDeadline(deadline)
		}
		n, from, err := b.conn.ReadFromUDPAddrPort(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			if len(b.calls) == 0 {
				return nil
			}
		case err == nil:
			if m, ok := parseMessage(buffer[:n]); ok {
				b.receive(m, from)
			}
		}
	}
}

// relay sends on whatever arrives.
func (b *bare) relay() {
	handle := func(number int, packet []byte, _ time.Duration) {
		if to := b.to[number]; to != nil && to.aimed() {
			to.send(packet)
		}
	}
	for !b.ended.Load() {
		if b.poller.wait(500 * time.Millisecond) {
			b.mu.Lock()
			b.poller.deliver(handle)
			b.mu.Unlock()
		}
	}
}

// play begins to send a packet every 20 ms. b.mu is held.
func (b *bare) play(call *bareCall, s *socket) {
	call.play, call.slot = &leg{socket: s}, b.played%phases
	call.play.prepare(b.played, 0)
	b.plays[call.slot] = append(b.plays[call.slot], call.play)
	b.played++
	if b.active++; b.active == 1 {
		resign := new(atomic.Bool)
		b.resign = resign
		b.group.Go(func() { pace(resign, b.playSlot, func(time.Duration) {}) })
	}
}

func (b *bare) playSlot(slot int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.plays[slot] {
		l.transmit()
	}
}

// stopPlaying ends what play began. b.mu is held.
func (b *bare) stopPlaying(call *bareCall) {
	slot := b.plays[call.slot]
	at := slices.Index(slot, call.play)
	slot[at] = slot[len(slot)-1]
	b.plays[call.slot] = slot[:len(slot)-1]
	if b.active--; b.active == 0 {
		b.resign.Store(true)
	}
}

func (b *bare) receive(m message, from netip.AddrPort) {
	call := b.calls[m.callID]
	switch {
	case m.status != 0:
		if call != nil && m.method == "INVITE" {
			b.calledSide(call, m)
		}
	case m.method == "INVITE" && call == nil:
		b.invited(m, from)
	case m.method == "INVITE":
		_, _ = b.conn.WriteToUDPAddrPort(call.answer, from)
	case m.method == "ACK":
		if call != nil && call.kind == "ends" {
			b.request("BYE", call.invite.contact, "<"+b.uri("s")+">;tag=s", call.invite.from, m.callID, from)
		}
	case m.method == "BYE":
		b.reply(m, from, "200 OK", 0)
		if call != nil {
			b.end(call)
		}
	default:
		b.reply(m, from, "200 OK", 0)
	}
	if m.status >= 200 && m.method == "BYE" && call != nil && call.kind == "ends" {
		b.end(call)
	}
}

// kindOf is what a number of the contract does, as far as packets go.
func kindOf(uri string) string {
	user, _, _ := strings.Cut(strings.TrimPrefix(uri, "sip:"), "@")
	if len(user) > 3 {
		user = user[len(user)-3:]
	}
	switch user {
	case "001", "007", "008", "009", "010":
		return "ends"
	case "002":
		return "play"
	case "003":
		return "echo"
	case "004", "005", "006", "014":
		return "bridge"
	}
	return "hold"
}

func (b *bare) invited(m message, from netip.AddrPort) {
	call := &bareCall{kind: kindOf(m.uri), invite: m, from: from, port: b.silent.port()}
	b.calls[m.callID] = call
	b.reply(m, from, "100 Trying", 0)
	if err := b.media(call, mediaAddress(m.body)); err != nil {
		b.reply(m, from, "503 "+strings.ReplaceAll(err.Error(), "\n", " "), 0)
		b.end(call)
		return
	}
	if call.kind == "bridge" {
		b.request("INVITE", "sip:b@"+b.called.String(), "<"+b.uri("a")+">;tag=a", "<sip:b@"+b.called.String()+">", call.id, b.called)
		return
	}
	b.reply(m, from, "200 OK", call.port)
	call.answer = append(call.answer, b.out...)
}

// media opens what the call's kind needs and starts it.
func (b *bare) media(call *bareCall, remote netip.AddrPort) error {
	if call.kind == "hold" || call.kind == "ends" {
		return nil
	}
	if !remote.IsValid() {
		return errors.New("no media address")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a, err := b.open(call)
	if err != nil {
		return err
	}
	a.aim(remote)
	call.port = a.port()
	switch call.kind {
	case "play":
		b.play(call, a)
	case "echo":
		b.to[len(b.to)-1] = a
	case "bridge":
		if call.b, err = b.open(call); err != nil {
			return err
		}
		b.to[len(b.to)-2], b.to[len(b.to)-1] = call.b, a
		call.id = "b-" + call.invite.callID
		b.calls[call.id] = call
	}
	return nil
}

// open adds a media socket that the relay listens to. b.mu is held.
func (b *bare) open(call *bareCall) (*socket, error) {
	s, err := openSocket(netip.AddrPortFrom(b.local.Addr(), 0))
	if err != nil {
		return nil, err
	}
	call.sockets = append(call.sockets, s)
	b.to = append(b.to, nil)
	return s, b.poller.add(s)
}

// calledSide deals with the answers of a bridge's far end.
func (b *bare) calledSide(call *bareCall, m message) {
	switch {
	case m.status == 180:
		b.reply(call.invite, call.from, "180 Ringing", 0)
	case m.status/100 == 2:
		b.mu.Lock()
		call.b.aim(mediaAddress(m.body))
		b.mu.Unlock()
		call.bTarget, call.bTo = m.contact, m.to
		b.request("ACK", m.contact, m.from, m.to, call.id, b.called)
		if call.answer == nil {
			b.reply(call.invite, call.from, "200 OK", call.port)
			call.answer = append(call.answer, b.out...)
		}
	case m.status >= 300:
		b.request("ACK", "sip:b@"+b.called.String(), m.from, m.to, call.id, b.called)
		b.reply(call.invite, call.from, strconv.Itoa(m.status)+" Refused", 0)
		b.end(call)
	}
}

// end forgets a call and closes its media.
func (b *bare) end(call *bareCall) {
	if call.bTarget != "" {
		b.request("BYE", call.bTarget, "<"+b.uri("a")+">;tag=a", call.bTo, call.id, b.called)
	}
	delete(b.calls, call.invite.callID)
	delete(b.calls, call.id)
	b.mu.Lock()
	defer b.mu.Unlock()
	if call.play != nil {
		b.stopPlaying(call)
	}
	for _, s := range call.sockets {
		s.close()
	}
}

func (b *bare) uri(user string) string { return "sip:" + user + "@" + b.local.String() }

func (b *bare) reply(m message, to netip.AddrPort, status string, port uint16) {
	body, contact := "", ""
	if port != 0 {
		body, contact = sdp(b.local.Addr(), port, PCMU), b.uri("s")
	}
	b.out = m.response(b.out, status, "s", contact, body)
	_, _ = b.conn.WriteToUDPAddrPort(b.out, to)
}

// request sends a request of our own; there is one of each method in a call,
// so that the method can be the branch.
func (b *bare) request(method, target, from, to, id string, at netip.AddrPort) {
	cseq, body := "1", ""
	switch method {
	case "INVITE":
		body = sdp(b.local.Addr(), b.calls[id].b.port(), PCMU)
	case "BYE":
		cseq = "2"
	}
	w := writer{b.out[:0]}
	w.line(method, " ", target, " SIP/2.0")
	w.line("Via: SIP/2.0/UDP ", b.local.String(), ";rport;branch=z9hG4bK", method, id)
	w.line("From: ", from)
	w.line("To: ", to)
	w.line("Call-ID: ", id)
	w.line("CSeq: ", cseq, " ", method)
	w.line("Max-Forwards: 70")
	w.line("Contact: <", b.uri("a"), ">")
	b.out = w.end(body)
	_, _ = b.conn.WriteToUDPAddrPort(b.out, at)
}
