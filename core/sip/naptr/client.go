package naptr

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Client asks name servers. The zero Client is of use; it must not be changed
// after its first Lookup. Any goroutine.
type Client struct {
	Servers  []string      // host:port; empty = those of /etc/resolv.conf, read with each Lookup
	Timeout  time.Duration // for one answer; 0 = what the file says, or 2 s
	Attempts int           // for each server; 0 = what the file says, or 2
	Rand     io.Reader     // of the numbers of questions; nil = crypto/rand

	// Dial connects to a name server by "udp" or "tcp"; nil = net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	file         = "/etc/resolv.conf"
	usualTimeout = 2 * time.Second
	longest      = 5 * time.Second // for one answer, and the whole of a Lookup
	usualTries   = 2
	maxMessage   = 65535
)

// Lookup returns the NAPTR records of a name in the order in which they are to
// be tried. The error is ErrNone where there are none.
func (c *Client) Lookup(ctx context.Context, name string) ([]Record, error) {
	o := c.options()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var last error
	for range o.Attempts {
		for _, server := range o.Servers {
			list, err := o.ask(ctx, server, name)
			if err == nil || errors.Is(err, ErrNone) {
				return list, err
			}
			last = err
			if ctx.Err() != nil {
				return nil, fmt.Errorf("look up NAPTR of %s: %w", name, last)
			}
		}
	}
	return nil, fmt.Errorf("look up NAPTR of %s: %w", name, last)
}

// options is c with everything filled in.
func (c *Client) options() Client {
	o := *c
	if len(o.Servers) == 0 {
		f, err := os.Open(file)
		if err == nil {
			o.read(f)
			f.Close()
		}
	}
	if len(o.Servers) == 0 {
		o.Servers = []string{"127.0.0.1:53"}
	}
	if o.Timeout <= 0 {
		o.Timeout = usualTimeout
	}
	if o.Attempts <= 0 {
		o.Attempts = usualTries
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	return o
}

// read takes name servers and options from a resolv.conf(5).
func (c *Client) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "nameserver":
			if len(c.Servers) < 3 { // as many as the C library takes
				c.Servers = append(c.Servers, net.JoinHostPort(f[1], "53"))
			}
		case "options":
			for _, option := range f[1:] {
				name, v, _ := strings.Cut(option, ":")
				n, err := strconv.Atoi(v)
				switch {
				case err != nil || n < 1:
				case name == "timeout" && c.Timeout == 0:
					c.Timeout = min(time.Duration(n)*time.Second, longest)
				case name == "attempts" && c.Attempts == 0:
					c.Attempts = min(n, 5)
				}
			}
		}
	}
}

// ask puts the question to one server, over TCP if UDP has no room for the answer.
func (c *Client) ask(ctx context.Context, server, name string) ([]Record, error) {
	var id [2]byte
	if _, err := io.ReadFull(c.Rand, id[:]); err != nil {
		return nil, err
	}
	q, err := question(binary.BigEndian.Uint16(id[:]), name)
	if err != nil {
		return nil, err
	}
	list, truncated, err := c.exchange(ctx, "udp", server, q)
	if truncated {
		list, _, err = c.exchange(ctx, "tcp", server, q)
	}
	return list, err
}

func (c *Client) exchange(ctx context.Context, network, server string, q []byte) ([]Record, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.Dial(ctx, network, server)
	if err != nil {
		return nil, false, err
	}
	defer conn.Close()
	// A deadline that has passed ends what waits, once ctx ends.
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if network == "tcp" {
		return overStream(conn, q)
	}
	if _, err := conn.Write(q); err != nil {
		return nil, false, err
	}
	p := make([]byte, maxMessage)
	for {
		n, err := conn.Read(p)
		if err != nil {
			return nil, false, err
		}
		// What is to another question may be a forgery: the answer is awaited on.
		if list, truncated, err := answer(p[:n], q); !errors.Is(err, errForeign) {
			return list, truncated, err
		}
	}
}

// overStream writes lengths before messages (RFC 1035, section 4.2.2).
func overStream(conn net.Conn, q []byte) ([]Record, bool, error) {
	if _, err := conn.Write(append([]byte{byte(len(q) >> 8), byte(len(q))}, q...)); err != nil {
		return nil, false, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, false, err
	}
	p := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, p); err != nil {
		return nil, false, err
	}
	list, truncated, err := answer(p, q)
	if truncated {
		err = errMalformed
	}
	return list, false, err
}
