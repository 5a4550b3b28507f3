package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	longestLine   = 1 << 20          // octets of a request
	mostWaiting   = 64               // lines to run that wait for others
	streamRoom    = 2000             // frames that wait for a console to read
	writePatience = 30 * time.Second // for a console that does not read
)

// Handler answers Path: it takes the connection over and serves a console on it
// until either end closes it. ctx ends all of them.
func (s *Server) Handler(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != upgradeName {
			http.Error(w, "this is for moonwire console", http.StatusBadRequest)
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer conn.Close()
		const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + upgradeName + "\r\n\r\n"
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
		s.serve(ctx, conn, buffered.Reader)
	})
}

// serve is the life of one console.
func (s *Server) serve(ctx context.Context, conn net.Conn, in *bufio.Reader) {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	out := newOutbox(conn, cancel)
	session := &Session{Server: s, out: out}
	lines := make(chan request, mostWaiting)
	running := &broken{}
	var writer, worker sync.WaitGroup
	writer.Go(out.write)
	worker.Go(func() {
		for q := range lines {
			session.answer(ctx, q, running)
		}
	})
	defer func() {
		cancel()
		close(lines)
		worker.Wait() // before the outbox that it replies to ends
		session.close()
		out.close()
		writer.Wait()
	}()
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 4096), longestLine)
	for scanner.Scan() {
		var q request
		if err := json.Unmarshal(scanner.Bytes(), &q); err != nil {
			out.reply(frame{Error: "not understood: " + err.Error(), Code: 2})
			return
		}
		switch {
		case q.Break != 0:
			running.end(q.Break)
		case q.Complete != nil:
			out.reply(frame{ID: q.ID, Words: session.complete(*q.Complete)})
		default:
			select {
			case lines <- q:
			default:
				out.reply(frame{ID: q.ID, Error: "too many lines wait", Code: 1})
			}
		}
	}
}

// answer runs a line and sends what it came to.
func (s *Session) answer(ctx context.Context, q request, running *broken) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running.begin(q.ID, cancel)
	result, err := s.guarded(ctx, q.Run)
	running.begin(0, nil)
	f := frame{ID: q.ID, Code: exitCode(result, err)}
	switch {
	case err != nil:
		f.Error = err.Error()
		if q.JSON {
			f.Value = encoded(object{{"error", err.Error()}})
		}
	case q.JSON:
		f.Value, f.Error = result.JSON(), result.Failed
	default:
		f.Text, f.Error = result.Show(q.Colour), result.Failed
	}
	s.out.reply(f)
}

// guarded runs a line; a mistake in a command ends the command and not the server.
func (s *Session) guarded(ctx context.Context, line string) (r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error in this command; please report it: %v", p)
		}
	}()
	return s.run(ctx, line)
}

// broken lets the line that runs be broken off.
type broken struct {
	mu     sync.Mutex
	id     int
	cancel context.CancelFunc
}

func (b *broken) begin(id int, cancel context.CancelFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.id, b.cancel = id, cancel
}

func (b *broken) end(id int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.id == id && b.cancel != nil {
		b.cancel()
	}
}

// outbox is what waits for a console to read it. Its methods may be called from
// any goroutine but write, which is that of the outbox.
type outbox struct {
	conn   net.Conn
	cancel context.CancelFunc
	frames chan frame
	done   chan struct{}

	mu     sync.Mutex
	lost   int
	closed bool
}

func newOutbox(conn net.Conn, cancel context.CancelFunc) *outbox {
	return &outbox{conn: conn, cancel: cancel, frames: make(chan frame, streamRoom), done: make(chan struct{})}
}

// stream queues something that was subscribed to, or counts it as lost. It never
// waits.
func (o *outbox) stream(f frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	if o.lost > 0 {
		select {
		case o.frames <- frame{Stream: "lost", Text: strconv.Itoa(o.lost)}:
			o.lost = 0
		default:
			o.lost++
			return
		}
	}
	select {
	case o.frames <- f:
	default:
		o.lost++
	}
}

// reply queues an answer; it waits while the queue is full.
func (o *outbox) reply(f frame) {
	select {
	case o.frames <- f:
	case <-o.done:
	}
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		close(o.frames)
	}
}

// write sends until close, or until the console does not read any more, which
// ends the session.
func (o *outbox) write() {
	defer o.cancel()
	defer close(o.done)
	w := bufio.NewWriter(o.conn)
	for f := range o.frames {
		b, err := json.Marshal(f)
		if err != nil {
			continue
		}
		_ = o.conn.SetWriteDeadline(time.Now().Add(writePatience))
		if _, err = w.Write(append(b, '\n')); err == nil && len(o.frames) == 0 {
			err = w.Flush()
		}
		if err != nil {
			return
		}
	}
	_ = w.Flush()
}
