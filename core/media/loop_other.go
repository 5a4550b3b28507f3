//go:build !(linux && (amd64 || arm64 || riscv64 || loong64 || arm))

package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// goLoop is the worker for systems without epoll: one goroutine runs commands
// and ticks, and one for each socket reads and posts what it read. It costs
// more for each packet than the poller and behaves the same.
type goLoop struct {
	w     *Worker
	began time.Time
	armed bool
	beat  *time.Ticker
	wake  chan struct{}
	done  chan struct{}

	mu       sync.Mutex
	commands []func()
	closing  bool
	sockets  map[*Socket]bool
}

type socketHandle struct{ conn *net.UDPConn }

func newLoop(w *Worker) (loop, error) {
	l := &goLoop{w: w, began: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{}),
		beat: time.NewTicker(time.Millisecond), sockets: map[*Socket]bool{}}
	l.beat.Stop()
	go l.run()
	return l, nil
}

func (l *goLoop) post(f func()) bool {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return false
	}
	l.commands = append(l.commands, f)
	l.mu.Unlock()
	l.signal()
	return true
}

func (l *goLoop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *goLoop) run() {
	defer close(l.done)
	for {
		select {
		case <-l.wake:
		case <-l.beat.C:
		}
		l.w.now = time.Now()
		l.w.rounds.Add(1)
		l.mu.Lock()
		list, closing := l.commands, l.closing
		l.commands = nil
		l.mu.Unlock()
		for _, f := range list {
			l.w.guard("command", f)
		}
		if closing {
			l.beat.Stop()
			for s := range l.sockets {
				_ = s.handle.conn.Close()
			}
			return
		}
		if l.armed {
			l.w.advance(l.millisecond())
			if l.w.wheel.active == 0 {
				l.armed = false
				l.beat.Stop()
			}
		}
	}
}

func (l *goLoop) millisecond() uint64 { return uint64(l.w.now.Sub(l.began) / time.Millisecond) }

func (l *goLoop) arm() {
	if l.armed {
		return
	}
	l.armed = true
	l.w.now = time.Now()
	l.w.wheel.at = l.millisecond()
	l.beat.Reset(time.Millisecond)
}

func (l *goLoop) scheduled() {}

func (l *goLoop) listen(s *Socket) error {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(s.local))
	if err != nil {
		return fmt.Errorf("udp %s: %w", s.local, err)
	}
	s.handle.conn = conn
	s.local = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	if !l.post(func() { l.sockets[s] = true }) {
		_ = conn.Close()
		return errors.New("media engine is closed")
	}
	go func() {
		for {
			buffer := make([]byte, 2048+64)
			n, from, err := conn.ReadFromUDPAddrPort(buffer[:2048])
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			l.w.received.Add(1)
			l.post(func() {
				if !s.closed.Load() {
					s.deliver(buffer[:n], from)
				}
			})
		}
	}()
	return nil
}

func (l *goLoop) unlisten(s *Socket) {
	delete(l.sockets, s)
	_ = s.handle.conn.Close()
}

func (l *goLoop) close() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.signal()
	<-l.done
}

// Send sends one datagram. Worker only.
func (s *Socket) Send(packet []byte, to netip.AddrPort) error {
	if _, err := s.handle.conn.WriteToUDPAddrPort(packet, to); err != nil {
		s.worker.sendErrors.Add(1)
		return err
	}
	s.worker.sent.Add(1)
	return nil
}
