package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// ErrGone says that the server has ended, or the connection to it.
var ErrGone = errors.New("the server has ended")

// Client is the console's end. Its methods may be called from any goroutine.
type Client struct {
	conn   net.Conn
	stream func(kind, text string)
	ended  chan struct{} // closed when the connection has ended

	mu      sync.Mutex
	last    int
	waiting map[int]chan frame
	gone    bool
}

// Answer is what a line came to.
type Answer struct {
	Text  string          // for a person
	Value json.RawMessage // for a program, where that was asked for
	Error string          // why it failed, "" where it did not
	Code  int             // 0 done, 1 failed, 2 not understood
}

// Attach makes a console of a connection to the control socket. stream, which
// may be nil, is called with what was subscribed to: log lines ("log"), SIP
// messages ("sip"), and the number of those that came too fast ("lost").
func Attach(conn net.Conn, stream func(kind, text string)) (*Client, error) {
	const ask = "POST " + Path + " HTTP/1.1\r\nHost: moonwire\r\nConnection: Upgrade\r\nUpgrade: " + upgradeName + "\r\nContent-Length: 0\r\n\r\n"
	if _, err := conn.Write([]byte(ask)); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("attach: the server answers %s; is it of another version?", response.Status)
	}
	if stream == nil {
		stream = func(string, string) {}
	}
	c := &Client{conn: conn, stream: stream, waiting: map[int]chan frame{}, ended: make(chan struct{})}
	go c.read(in)
	return c, nil
}

// Ended is closed when the connection has ended.
func (c *Client) Ended() <-chan struct{} { return c.ended }

// Close detaches.
func (c *Client) Close() error { return c.conn.Close() }

// read takes what comes until the connection ends.
func (c *Client) read(in *bufio.Reader) {
	decoder := json.NewDecoder(in)
	for {
		var f frame
		if decoder.Decode(&f) != nil {
			break
		}
		if f.Stream != "" {
			c.stream(f.Stream, f.Text)
			continue
		}
		c.mu.Lock()
		answer := c.waiting[f.ID]
		delete(c.waiting, f.ID)
		c.mu.Unlock()
		if answer != nil {
			answer <- f
		}
	}
	close(c.ended)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	for _, answer := range c.waiting {
		close(answer)
	}
	c.waiting = nil
}

// ask sends a request and returns where its answer comes.
func (c *Client) ask(q request) (<-chan frame, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return nil, 0, ErrGone
	}
	c.last++
	q.ID = c.last
	answer := make(chan frame, 1)
	if q.Break == 0 {
		c.waiting[q.ID] = answer
	}
	b, err := json.Marshal(q)
	if err != nil {
		return nil, 0, err
	}
	if _, err := c.conn.Write(append(b, '\n')); err != nil {
		delete(c.waiting, q.ID)
		return nil, 0, ErrGone
	}
	return answer, q.ID, nil
}

// Run runs a line in the server. When ctx ends, the line is broken off and its
// answer still waited for.
func (c *Client) Run(ctx context.Context, line string, asJSON, colour bool) (Answer, error) {
	answer, id, err := c.ask(request{Run: line, JSON: asJSON, Colour: colour})
	if err != nil {
		return Answer{}, err
	}
	defer context.AfterFunc(ctx, func() { _, _, _ = c.ask(request{Break: id}) })()
	f, ok := <-answer
	if !ok {
		return Answer{}, ErrGone
	}
	return Answer{Text: f.Text, Value: f.Value, Error: f.Error, Code: f.Code}, nil
}

// Complete lists the words that could stand at the end of text.
func (c *Client) Complete(text string) []string {
	answer, _, err := c.ask(request{Complete: &text})
	if err != nil {
		return nil
	}
	return (<-answer).Words
}
