package media

import (
	"net/netip"
	"sync/atomic"
)

// Receiver takes the datagrams of a Socket.
type Receiver interface {
	// Receive runs on the worker. The packet is valid during the call only; its
	// capacity leaves room for at least 64 more octets.
	Receive(s *Socket, packet []byte, from netip.AddrPort)
}

// Socket is a UDP socket that one worker serves.
type Socket struct {
	worker   *Worker
	receiver Receiver
	local    netip.AddrPort
	closed   atomic.Bool
	handle   socketHandle
}

// Listen opens a UDP socket on local; port 0 lets the system choose. Any
// goroutine. Datagrams are delivered to r until Close.
func (w *Worker) Listen(local netip.AddrPort, r Receiver) (*Socket, error) {
	s := &Socket{worker: w, receiver: r, local: local}
	if err := w.loop.listen(s); err != nil {
		return nil, err
	}
	w.load.Add(1)
	return s, nil
}

// LocalAddr is the address that the socket is bound to.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// Worker is the worker that serves the socket.
func (s *Socket) Worker() *Worker { return s.worker }

// Close stops delivery and frees the port soon after. Any goroutine; more than
// once does no harm.
func (s *Socket) Close() {
	if s.closed.Swap(true) {
		return
	}
	s.worker.load.Add(-1)
	// A closed engine has closed its sockets.
	s.worker.Post(func() { s.worker.loop.unlisten(s) })
}

// deliver hands a datagram over and survives a receiver's panic.
func (s *Socket) deliver(packet []byte, from netip.AddrPort) {
	defer func() {
		if r := recover(); r != nil {
			s.worker.guard("receive", func() { panic(r) })
		}
	}()
	s.receiver.Receive(s, packet, from)
}
