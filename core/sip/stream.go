package sip

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// streamServer is a listener that also takes the connections which we made, so
// that all of them are read in the same way.
type streamServer struct {
	net.Listener
	transport *transport
	socket    *socket
	incoming  chan net.Conn
	done      chan struct{}
	once      sync.Once
	open      atomic.Int32
}

// maxStreams is how many connections a listener serves at once.
const maxStreams = 10000

func newStreamServer(t *transport, s *socket, l net.Listener) *streamServer {
	v := &streamServer{Listener: l, transport: t, socket: s, incoming: make(chan net.Conn), done: make(chan struct{})}
	go v.run()
	return v
}

func (v *streamServer) run() {
	for {
		conn, err := v.Listener.Accept()
		if err != nil {
			if v.transport.isClosed() || errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		if v.open.Load() >= maxStreams {
			conn.Close()
			continue
		}
		select {
		case v.incoming <- v.guard(conn):
		case <-v.done:
			conn.Close()
			return
		}
	}
}

// Accept hands connections to sipgo, both accepted and made by us.
func (v *streamServer) Accept() (net.Conn, error) {
	select {
	case c := <-v.incoming:
		return c, nil
	case <-v.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener; open connections are closed by sipgo's pool.
func (v *streamServer) Close() error {
	v.once.Do(func() { close(v.done) })
	return v.Listener.Close()
}

// adopt serves a connection that we made, and returns once it can be written to.
func (v *streamServer) adopt(ctx context.Context, conn net.Conn) error {
	g := v.guard(conn)
	select {
	case v.incoming <- g:
	case <-v.done:
		conn.Close()
		return net.ErrClosed
	case <-ctx.Done():
		conn.Close()
		return ctx.Err()
	}
	select {
	case <-g.reading:
		return nil
	case <-v.done:
		return net.ErrClosed
	}
}

func (v *streamServer) guard(conn net.Conn) *guardedConn {
	v.open.Add(1)
	return &guardedConn{Conn: conn, server: v, reading: make(chan struct{})}
}

// guardedConn cuts a stream into messages, screens and parses them, and delivers
// them itself, all on the goroutine with which sipgo reads the connection. sipgo,
// whose parser of streams could not be kept from ending the program by a panic,
// sees none of them: it keeps the connection.
type guardedConn struct {
	net.Conn
	server  *streamServer
	reading chan struct{}
	started bool
	spoken  bool   // a message came
	buffer  []byte // read, not yet cut
	closing sync.Once
	writing sync.Mutex
}

// firstTimeout ends a connection that brings no message, TLS handshake included.
const firstTimeout = time.Minute

// idleTimeout ends a connection on which nothing comes, not even keep-alives.
const idleTimeout = 30 * time.Minute

// Read runs on the connection's own goroutine and returns when the connection
// is over.
func (c *guardedConn) Read([]byte) (int, error) {
	if !c.started {
		c.started = true
		close(c.reading)
	}
	c.serve()
	return 0, io.EOF // sipgo closes in silence
}

// serve delivers messages until the stream ends or cannot be cut any more.
func (c *guardedConn) serve() {
	for {
		size, err := frame(c.buffer)
		if err != nil {
			c.server.transport.stats.garbage.Add(1)
			return
		}
		if size > 0 {
			message := c.buffer[:size]
			c.buffer = c.buffer[size:]
			c.take(message)
			continue
		}
		part := make([]byte, 4096)
		c.Conn.SetReadDeadline(deadline(c.patience()))
		n, err := c.Conn.Read(part)
		if err != nil {
			return
		}
		c.buffer = append(c.buffer, part[:n]...)
	}
}

// patience is how long the next octets may take: little until the connection
// has shown that it speaks SIP.
func (c *guardedConn) patience() time.Duration {
	if c.spoken {
		return idleTimeout
	}
	return firstTimeout
}

// take judges one message and delivers it.
func (c *guardedConn) take(message []byte) {
	t := c.server.transport
	if len(message) <= 4 { // keep-alive of RFC 5626, 3.5.1
		if len(message) == 4 {
			c.Write(message[:2])
		}
		return
	}
	t.stats.received.Add(1)
	v, status, head, message := screen(message)
	if v == refuse {
		t.stats.refused.Add(1)
		answer := head.refusal(status)
		t.told(c.flow(), answer)
		c.Write(answer)
		return
	}
	if v == parse {
		if m := t.parse(message); m != nil {
			c.spoken = true
			t.deliver(m, message, c.flow())
			return
		}
	}
	t.stats.garbage.Add(1)
}

// flow is the way back over this connection.
func (c *guardedConn) flow() flow {
	return flow{network: c.server.socket.network, remote: addrPortOf(c.RemoteAddr()), socket: c.server.socket}
}

// parse reads a message; nil where it is none. A panic of the parser costs the
// message that caused it.
func (t *transport) parse(message []byte) (m sipgo.Message) {
	defer func() {
		if recover() != nil {
			m = nil
		}
	}()
	m, err := t.parser.ParseSIP(message)
	if err != nil {
		return nil
	}
	return m
}

// Write sends one message; a peer that does not read is cut off.
func (c *guardedConn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.Conn.SetWriteDeadline(deadline(writeTimeout))
	n, err := c.Conn.Write(p)
	if err != nil {
		c.Conn.Close()
	}
	return n, err
}

// Close may be called more than once.
func (c *guardedConn) Close() error {
	c.closing.Do(func() { c.server.open.Add(-1) })
	return c.Conn.Close()
}

var errFrame = errors.New("stream cannot be cut into messages")

// frame is the size of the first message in p, 0 while it is incomplete. Streams
// need a Content-Length (RFC 3261, 18.3); one that is wrong ends the connection,
// because nobody can tell where the next message begins.
func frame(p []byte) (int, error) {
	if len(p) >= 2 && p[0] == '\r' && p[1] == '\n' {
		if len(p) >= 4 && p[2] == '\r' && p[3] == '\n' {
			return 4, nil
		}
		return 2, nil
	}
	end := strings.Index(string(p), "\r\n\r\n")
	if end < 0 {
		if len(p) > maxMessage {
			return 0, errFrame
		}
		return 0, nil
	}
	_, rest, _ := cutLine(p)
	var head essential
	headers(rest, &head)
	size := end + 4 + max(head.contentLength, 0)
	if size > maxMessage {
		return 0, errFrame
	}
	if len(p) < size {
		return 0, nil
	}
	return size, nil
}
