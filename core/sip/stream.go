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

// guardedConn cuts a stream into messages, and lets pass only those that were
// screened and that the parser survived: sipgo parses streams on goroutines
// where a panic could not be caught. Streams are therefore parsed twice.
type guardedConn struct {
	net.Conn
	server  *streamServer
	reading chan struct{}
	started bool
	spoken  bool   // a message came
	buffer  []byte // read, not yet cut
	ready   []byte // to be handed to sipgo
	closing sync.Once
	writing sync.Mutex
}

// firstTimeout ends a connection that brings no message, TLS handshake included.
const firstTimeout = time.Minute

// idleTimeout ends a connection on which nothing comes, not even keep-alives.
const idleTimeout = 30 * time.Minute

// Read runs on the connection's own goroutine.
func (c *guardedConn) Read(p []byte) (int, error) {
	if !c.started {
		c.started = true
		close(c.reading)
	}
	for len(c.ready) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// fill reads until one whole message is ready, or fails.
func (c *guardedConn) fill() error {
	for {
		size, err := frame(c.buffer)
		if err != nil {
			c.server.transport.stats.garbage.Add(1)
			return io.EOF // sipgo closes in silence
		}
		if size > 0 {
			message := c.buffer[:size]
			c.buffer = c.buffer[size:]
			if c.pass(message) {
				return nil
			}
			continue
		}
		part := make([]byte, 4096)
		c.Conn.SetReadDeadline(deadline(c.patience()))
		n, err := c.Conn.Read(part)
		if err != nil {
			return io.EOF
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

// pass judges one message and makes it ready.
func (c *guardedConn) pass(message []byte) bool {
	stats := c.server.transport.stats
	if len(message) <= 4 { // keep-alive of RFC 5626, 3.5.1
		if len(message) == 4 {
			c.Write(message[:2])
		}
		return false
	}
	stats.received.Add(1)
	v, status, head, message := screen(message)
	switch {
	case v == refuse:
		stats.refused.Add(1)
		c.Write(head.refusal(status))
		return false
	case v == ignore || !c.server.transport.parses(message):
		stats.garbage.Add(1)
		return false
	}
	c.ready, c.spoken = message, true
	return true
}

// parses tries the parser and survives its panic.
func (t *transport) parses(message []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	_, err := t.parser.ParseSIP(message)
	return err == nil
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
