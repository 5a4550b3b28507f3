//go:build !linux || !(amd64 || arm64 || riscv64 || loong64 || arm)

package bench

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// socket is a UDP socket of the net package. Without kernel time stamps,
// arrival is when the runtime hands a packet over.
type socket struct {
	conn   *net.UDPConn
	remote netip.AddrPort
}

func openSocket(at netip.AddrPort) (*socket, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("opening a media socket: %w", err)
	}
	return &socket{conn: conn}, nil
}

func (s *socket) port() uint16              { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }
func (s *socket) aim(remote netip.AddrPort) { s.remote = remote }
func (s *socket) aimed() bool               { return s.remote.IsValid() }
func (s *socket) close()                    { s.conn.Close() }
func (s *socket) send(b []byte)             { _, _ = s.conn.WriteToUDPAddrPort(b, s.remote) }

// stampArrivals does nothing: every packet is stamped when it is read.
func (s *socket) stampArrivals() error { return nil }

// poller waits for many sockets, with a goroutine for each.
type poller struct {
	packets chan packet
	first   packet
	sockets int
	group   sync.WaitGroup
	done    chan struct{}
}

type packet struct {
	number int
	bytes  []byte
	at     time.Duration
}

func newPoller() (*poller, error) {
	return &poller{packets: make(chan packet, 4096), done: make(chan struct{})}, nil
}

// add watches a socket; deliver numbers sockets in the order they were added.
func (p *poller) add(s *socket) error {
	number := p.sockets
	p.sockets++
	p.group.Go(func() {
		buffer := make([]byte, 2048)
		for {
			n, _, err := s.conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			select {
			case p.packets <- packet{number, append([]byte(nil), buffer[:n]...), wallClock()}:
			case <-p.done:
				return
			}
		}
	})
	return nil
}

// wait waits until a packet is there, or for no longer than d.
func (p *poller) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case p.first = <-p.packets:
		return true
	case <-timer.C:
		return false
	}
}

// deliver hands out the packets that are there.
func (p *poller) deliver(handle func(number int, packet []byte, at time.Duration)) {
	handle(p.first.number, p.first.bytes, p.first.at)
	for range len(p.packets) {
		next := <-p.packets
		handle(next.number, next.bytes, next.at)
	}
}

// close ends the poller; its sockets must be closed before.
func (p *poller) close() {
	close(p.done)
	p.group.Wait()
}

func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }

func spare() {}
