package bench

import (
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is a UDP socket outside the runtime's poller, which would wake the
// process for each packet.
type socket struct {
	fd      int
	local   uint16
	remote  unix.Sockaddr
	stamped bool
}

func openSocket(at netip.AddrPort) (*socket, error) {
	family := unix.AF_INET
	if at.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a media socket: %w", err)
	}
	if err := unix.Bind(fd, sockaddr(at)); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("binding media socket %v: %w", at, err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("asking for the port of a media socket: %w", err)
	}
	s := &socket{fd: fd}
	switch n := name.(type) {
	case *unix.SockaddrInet4:
		s.local = uint16(n.Port)
	case *unix.SockaddrInet6:
		s.local = uint16(n.Port)
	}
	return s, nil
}

// stampArrivals asks the kernel to note when packets arrive.
func (s *socket) stampArrivals() error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("asking for kernel time stamps: %w", err)
	}
	s.stamped = true
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func (s *socket) port() uint16              { return s.local }
func (s *socket) aim(remote netip.AddrPort) { s.remote = sockaddr(remote) }
func (s *socket) aimed() bool               { return s.remote != nil }

// close leaves no number behind that another socket might be given.
func (s *socket) close() {
	unix.Close(s.fd)
	s.fd = -1
}

// send sends to where the socket is aimed. A packet that the kernel does not
// take is lost, and seen to be lost where it should arrive.
func (s *socket) send(b []byte) { _ = unix.Sendto(s.fd, b, 0, s.remote) }

// receive takes one packet and, where the socket stamps, when it arrived; ok is
// false where there is none.
func (s *socket) receive(b, control []byte) (n int, at time.Duration, ok bool) {
	if !s.stamped {
		n, err := unix.Read(s.fd, b)
		return n, 0, err == nil
	}
	n, controls, _, _, err := unix.RecvmsgBuffers(s.fd, [][]byte{b}, control, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, 0, false
	}
	return n, stamp(control[:controls]), true
}

// stamp is the arrival time in a packet's control messages, or now.
func stamp(control []byte) time.Duration {
	for len(control) >= unix.CmsgLen(0) {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		if int(h.Len) < unix.CmsgLen(0) || int(h.Len) > len(control) {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS && int(h.Len) >= unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
			return time.Duration((*unix.Timespec)(unsafe.Pointer(&control[unix.CmsgLen(0)])).Nano())
		}
		control = control[min(unix.CmsgSpace(int(h.Len)-unix.CmsgLen(0)), len(control)):]
	}
	return wallClock()
}

// poller waits for many sockets. One goroutine waits and delivers; adding may
// go on in another, but not during deliver.
type poller struct {
	fd      int
	events  []unix.EpollEvent
	ready   int
	sockets []*socket
	buffer  []byte
	control []byte
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &poller{fd: fd, events: make([]unix.EpollEvent, 512), buffer: make([]byte, 2048), control: make([]byte, 128)}, nil
}

// add watches a socket; deliver numbers sockets in the order they were added.
func (p *poller) add(s *socket) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(p.sockets))}
	p.sockets = append(p.sockets, s)
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, s.fd, &event))
}

// wait waits until packets are there, or for no longer than d.
func (p *poller) wait(d time.Duration) bool {
	n, err := unix.EpollWait(p.fd, p.events, int(d/time.Millisecond))
	p.ready = max(n, 0)
	return err == nil && n > 0
}

// deliver hands out one packet of each socket that wait found to have any.
func (p *poller) deliver(handle func(number int, packet []byte, at time.Duration)) {
	for _, event := range p.events[:p.ready] {
		if n, at, ok := p.sockets[event.Fd].receive(p.buffer, p.control); ok {
			handle(int(event.Fd), p.buffer[:n], at)
		}
	}
}

func (p *poller) close() { unix.Close(p.fd) }

// sleepUntil returns at t, or a little later; the runtime's timers would be
// up to a millisecond late.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		rest := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&rest, nil)
	}
}
