package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// network is a transport protocol.
type network uint8

const (
	udp network = iota
	tcp
	tlsNetwork
)

var networks = [...]struct{ name, label string }{{"udp", "UDP"}, {"tcp", "TCP"}, {"tls", "TLS"}}

func (n network) String() string { return networks[n].name }

// label is the word in a Via header.
func (n network) label() string { return networks[n].label }

func (n network) defaultPort() uint16 {
	if n == tlsNetwork {
		return 5061
	}
	return 5060
}

func networkNamed(name string) (network, bool) {
	for n := range networks {
		if strings.EqualFold(networks[n].name, name) {
			return network(n), true
		}
	}
	return udp, false
}

// flow is a way to one peer: what it is reached over, at which address, and
// from which of our sockets. It is comparable.
type flow struct {
	network network
	remote  netip.AddrPort
	socket  *socket // that answers and requests leave from; for streams the one whose address we tell
}

func (f flow) reliable() bool { return f.network != udp }

func (f flow) String() string { return f.network.String() + ":" + f.remote.String() }

// socket is one address that we listen on.
type socket struct {
	network network
	bound   netip.AddrPort
	packets *packetConn           // udp
	layer   *sipgo.TransportLayer // udp: reads and parses packets
	accepts *streamServer         // tcp, tls
}

// transport owns the sockets. sipgo reads, parses and keeps connections; bytes
// are written here, because an answer is kept and sent again as bytes. Each UDP
// socket has a layer of sipgo's to itself, so that every message is known to be
// that socket's; connections know whose they are, and share one.
//
// Datagrams larger than the path's MTU are sent all the same and fragmented by
// the network layer: RFC 3261, 18.1.1 wants TCP above 1300 octets, but phones
// behind NAT cannot be connected to. Where a TCP connection with the peer
// exists it is used instead.
type transport struct {
	log     *slog.Logger
	layer   *sipgo.TransportLayer
	parser  *sipgo.Parser
	deliver func(m sipgo.Message, octets []byte, f flow)
	told    func(f flow, octets []byte) // hears of answers that are sent before parsing
	tls     *tls.Config                 // of our side as a client
	stats   *counters

	mu      sync.RWMutex
	sockets []*socket
	closed  bool
	running sync.WaitGroup
}

// longDatagram is the size in octets above which TCP is preferred.
const longDatagram = 1300

// dialTimeout bounds the making of an outgoing stream.
const dialTimeout = 5 * time.Second

// writeTimeout is how long a stream may refuse to take a message.
const writeTimeout = 2 * time.Second

var quiet sync.Once

func newTransport(log *slog.Logger, stats *counters, deliver func(sipgo.Message, []byte, flow)) *transport {
	t := &transport{log: log, deliver: deliver, told: func(flow, []byte) {}, stats: stats, parser: newParser()}
	t.layer = t.newLayer()
	return t
}

func (t *transport) newLayer() *sipgo.TransportLayer {
	silent := slog.New(slog.DiscardHandler)
	// sipgo logs whole messages that it cannot parse, and some lines go to its
	// process-wide logger; what matters of them is counted here instead.
	quiet.Do(func() { sipgo.SetDefaultLogger(silent) })
	return sipgo.NewTransportLayer(net.DefaultResolver, t.parser, nil, sipgo.WithTransportLayerLogger(silent))
}

// newParser parses at once only what every message needs. A header that sipgo
// cannot read makes it drop the whole message; any other is read where it is
// used, and a mistake in it is answered there.
func newParser() *sipgo.Parser {
	all, eager := sipgo.DefaultHeadersParser(), make(map[string]sipgo.HeaderParser)
	for _, name := range [...]string{
		"via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "content-length", "l",
		"max-forwards", "route", "record-route",
	} {
		eager[name] = all[name]
	}
	return sipgo.NewParser(sipgo.WithHeadersParsers(eager))
}

// listen opens one "udp:host:port" address. Any goroutine.
func (t *transport) listen(ctx context.Context, address string, certificate *tls.Config) (*socket, error) {
	name, host, ok := strings.Cut(address, ":")
	n, known := networkNamed(name)
	if !ok || !known {
		return nil, fmt.Errorf("sip: address %q must begin with udp:, tcp: or tls:", address)
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		return nil, fmt.Errorf("sip: address %q: %w", address, err)
	}
	s := &socket{network: n}
	var config net.ListenConfig
	var err error
	if n == udp {
		var conn net.PacketConn
		if conn, err = config.ListenPacket(ctx, "udp", host); err == nil {
			s.bound = addrPortOf(conn.LocalAddr())
			conn.(*net.UDPConn).SetReadBuffer(4 << 20)
			s.packets = &packetConn{UDPConn: conn.(*net.UDPConn), transport: t, socket: s}
			s.layer = t.newLayer()
			s.layer.OnMessage(s.packets.parsed)
		}
	} else {
		if n == tlsNetwork && certificate == nil {
			return nil, fmt.Errorf("sip: %s needs a certificate and a key", address)
		}
		var listener net.Listener
		if listener, err = config.Listen(ctx, "tcp", host); err == nil {
			s.bound = addrPortOf(listener.Addr())
			if n == tlsNetwork {
				listener = tls.NewListener(listener, certificate)
			}
			s.accepts = newStreamServer(t, s, listener)
		}
	}
	if err != nil {
		return nil, bindError(n, host, err)
	}
	t.mu.Lock()
	t.sockets = append(t.sockets, s)
	t.mu.Unlock()
	t.running.Add(1)
	go t.serve(s)
	return s, nil
}

func bindError(n network, host string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("sip: %s %s is already in use", n, host)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("sip: not allowed to listen on %s %s", n, host)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("sip: %s %s is not an address of this machine", n, host)
	}
	return fmt.Errorf("sip: listen on %s %s: %w", n, host, err)
}

// serve reads a socket until it is closed. A panic of the parser costs the
// message that caused it.
func (t *transport) serve(s *socket) {
	defer t.running.Done()
	for !t.isClosed() {
		t.serveOnce(s)
	}
}

func (t *transport) serveOnce(s *socket) {
	defer func() {
		if r := recover(); r != nil {
			t.stats.panics.Add(1)
			t.log.Error("panic while reading a message", "panic", r)
		}
	}()
	switch s.network {
	case udp:
		s.layer.ServeUDP(s.packets)
	case tcp:
		t.layer.ServeTCP(s.accepts)
	case tlsNetwork:
		t.layer.ServeTLS(s.accepts)
	}
}

func (t *transport) isClosed() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.closed
}

// close ends all sockets and waits for their readers.
func (t *transport) close() {
	t.mu.Lock()
	t.closed = true
	sockets := t.sockets
	t.mu.Unlock()
	for _, s := range sockets {
		if s.packets != nil {
			s.packets.UDPConn.Close()
			s.layer.Close()
		} else {
			s.accepts.Close()
		}
	}
	t.layer.Close()
	t.running.Wait()
}

// addresses is what is listened on.
func (t *transport) addresses() []*socket {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sockets
}

// listensOn reports whether there is a socket for n.
func (t *transport) listensOn(n network) bool {
	for _, s := range t.addresses() {
		if s.network == n {
			return true
		}
	}
	return false
}

// socketFor is the socket that a request over n to remote leaves from.
func (t *transport) socketFor(n network, remote netip.Addr) *socket {
	var other *socket
	for _, s := range t.addresses() {
		same := s.bound.Addr().Is4() == remote.Is4() || s.bound.Addr().IsUnspecified() && s.bound.Addr().Is6()
		switch {
		case s.network == n && same:
			return s
		case s.network == n:
			other = s
		}
	}
	return other
}

// write sends bytes over a flow. It makes no connection: see connect. Any goroutine.
func (t *transport) write(f flow, message []byte) error {
	t.stats.sent.Add(1)
	if f.network == udp && len(message) > longDatagram {
		if c := t.stream(flow{network: tcp, remote: f.remote}); c != nil {
			return t.writeStream(c, message)
		}
	}
	if f.network == udp {
		if f.socket == nil || f.socket.packets == nil {
			return fmt.Errorf("no UDP socket to reach %s from", f.remote)
		}
		_, err := f.socket.packets.WriteToUDPAddrPort(message, f.remote)
		return err
	}
	c := t.stream(f)
	if c == nil {
		return fmt.Errorf("the connection with %s is gone", f)
	}
	return t.writeStream(c, message)
}

func (t *transport) writeStream(c net.Conn, message []byte) error {
	_, err := c.Write(message)
	return err
}

// stream is the open connection of a flow, nil where there is none.
func (t *transport) stream(f flow) net.Conn {
	pool := t.layer.Pool(f.network.String())
	c := pool.Get(f.remote.String())
	if c == nil {
		return nil
	}
	defer c.TryClose()
	conn, _ := c.(*sipgo.TCPConnection)
	if conn == nil {
		return nil
	}
	return conn
}

// connected reports whether messages can be written to f at once.
func (t *transport) connected(f flow) bool { return f.network == udp || t.stream(f) != nil }

// connect makes the connection of a stream flow if it is missing. It blocks.
func (t *transport) connect(ctx context.Context, f flow, host string) error {
	if t.connected(f) {
		return nil
	}
	if f.socket == nil || f.socket.accepts == nil {
		return fmt.Errorf("nothing listens on %s, so %s cannot be reached", f.network, f.remote)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", f.remote.String())
	if err != nil {
		return fmt.Errorf("connect to %s: %w", f, err)
	}
	if f.network == tlsNetwork {
		config := t.tls.Clone()
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if config.ServerName == "" {
			config.ServerName = host
		}
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return fmt.Errorf("connect to %s: %w", f, err)
		}
		conn = secured
	}
	return f.socket.accepts.adopt(ctx, conn)
}

// packetConn is a UDP socket that shows sipgo only what is worth parsing.
type packetConn struct {
	*net.UDPConn
	transport *transport
	socket    *socket
	sources   int
	last      netip.AddrPort // source of the packet that was read last
	octets    []byte         // and what it holds
}

// maxSources is how many changes of source are read before sipgo's table of
// sources, which only grows, is thrown away.
const maxSources = 1 << 16

// ReadFrom runs on the reading goroutine. It ends, as if closed, when the table
// of sources should be emptied; serve starts it again.
func (c *packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	if c.sources >= maxSources {
		c.sources = 0
		return 0, nil, net.ErrClosed
	}
	for {
		n, from, err := c.ReadFromUDPAddrPort(p)
		if err != nil {
			if c.transport.isClosed() || errors.Is(err, net.ErrClosed) {
				return 0, nil, net.ErrClosed
			}
			continue // an ICMP error of an earlier datagram
		}
		c.transport.stats.received.Add(1)
		v, status, head, message := screen(p[:n])
		switch v {
		case refuse:
			c.transport.stats.refused.Add(1)
			answer := head.refusal(status)
			c.transport.told(c.flow(from), answer)
			c.WriteToUDPAddrPort(answer, from)
			continue
		case ignore:
			if len(p[:n]) > 4 {
				c.transport.stats.garbage.Add(1)
			}
			continue
		}
		if from != c.last {
			c.last = from
			c.sources++
		}
		if n > len(message) {
			copy(p, message)
		}
		c.octets = p[:len(message)]
		return len(message), net.UDPAddrFromAddrPort(from), nil
	}
}

// parsed takes what sipgo made of the packet that was read last, before the next
// one is read.
func (c *packetConn) parsed(m sipgo.Message) {
	c.transport.deliver(m, c.octets, c.flow(c.last))
}

// flow is the way back to a source.
func (c *packetConn) flow(to netip.AddrPort) flow {
	return flow{network: udp, remote: netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), socket: c.socket}
}

func addrPortOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	case *net.TCPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// deadline is d from now on the kernel's clock, which sockets go by.
func deadline(d time.Duration) time.Time { return time.Now().Add(d) }
