//go:build amd64 || arm64 || riscv64 || loong64 || arm

package bench

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Media goes around the runtime: its poller would wake the process for each
// packet, and its bookkeeping of system calls costs more than the calls do.
// Calls that return at once, or within a millisecond or two, are therefore raw;
// longer waits are not, since a raw one holds up the garbage collector.

// socket is a UDP socket that only this package's poller knows.
type socket struct {
	fd      int
	local   uint16
	remote  unix.RawSockaddrInet6 // as the kernel wants it, or a RawSockaddrInet4 in its place
	length  uintptr               // of remote; 0 while there is none
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

func (s *socket) port() uint16 { return s.local }
func (s *socket) aimed() bool  { return s.length != 0 }

// aim sets where packets go, before the first is sent.
func (s *socket) aim(remote netip.AddrPort) {
	port := [2]byte{byte(remote.Port() >> 8), byte(remote.Port())}
	if remote.Addr().Is4() {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.remote))
		four.Family, four.Addr = unix.AF_INET, remote.Addr().As4()
		four.Port = *(*uint16)(unsafe.Pointer(&port))
		s.length = unsafe.Sizeof(*four)
		return
	}
	s.remote.Family, s.remote.Addr = unix.AF_INET6, remote.Addr().As16()
	s.remote.Port = *(*uint16)(unsafe.Pointer(&port))
	s.length = unsafe.Sizeof(s.remote)
}

// close leaves no number behind that another socket might be given.
func (s *socket) close() {
	unix.Close(s.fd)
	s.fd = -1
}

// send sends to where the socket is aimed. A packet that the kernel does not
// take is lost, and seen to be lost where it should arrive.
func (s *socket) send(b []byte) {
	unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&s.remote)), s.length)
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
	lively  bool // packets came the last time
	sockets []*socket

	buffer  [2048]byte
	control [128]byte
	vector  unix.Iovec
	header  unix.Msghdr
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &poller{fd: fd, events: make([]unix.EpollEvent, 512)}, nil
}

// add watches a socket; deliver numbers sockets in the order they were added.
func (p *poller) add(s *socket) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(p.sockets))}
	p.sockets = append(p.sockets, s)
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, s.fd, &event))
}

// wait waits until packets are there, or for no longer than d.
func (p *poller) wait(d time.Duration) bool {
	if p.lively {
		const patience = 2 // ms
		n, _, failed := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])),
			uintptr(len(p.events)), patience, 0, 0)
		if p.lively = failed == 0 && n > 0; p.lively {
			p.ready = int(n)
			return true
		}
	}
	n, err := unix.EpollWait(p.fd, p.events, int(d/time.Millisecond))
	p.ready = max(n, 0)
	p.lively = err == nil && n > 0
	return p.lively
}

// deliver hands out one packet of each socket that wait found to have any.
func (p *poller) deliver(handle func(number int, packet []byte, at time.Duration)) {
	for _, event := range p.events[:p.ready] {
		if n, at, ok := p.receive(p.sockets[event.Fd]); ok {
			handle(int(event.Fd), p.buffer[:n], at)
		}
	}
}

// receive takes one packet and, where the socket stamps, when it arrived; ok is
// false where there is none.
func (p *poller) receive(s *socket) (n int, at time.Duration, ok bool) {
	if !s.stamped {
		n, _, failed := unix.RawSyscall(unix.SYS_READ, uintptr(s.fd), uintptr(unsafe.Pointer(&p.buffer[0])), uintptr(len(p.buffer)))
		return int(n), 0, failed == 0
	}
	p.vector.Base = &p.buffer[0]
	p.vector.SetLen(len(p.buffer))
	p.header.Iov = &p.vector
	p.header.SetIovlen(1)
	p.header.Control = &p.control[0]
	p.header.SetControllen(len(p.control))
	size, _, failed := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&p.header)), unix.MSG_DONTWAIT)
	if failed != 0 {
		return 0, 0, false
	}
	return int(size), stamp(p.control[:p.header.Controllen]), true
}

func (p *poller) close() { unix.Close(p.fd) }

// sleepUntil returns at t, or a little later; the runtime's timers would be
// up to a millisecond late. t is at most a few milliseconds away.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		rest := unix.NsecToTimespec(int64(d))
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&rest)), 0, 0)
	}
}

// spare gives the runtime processors for the goroutines that sleep raw, so that
// none of the others waits for them.
func spare() { runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), runtime.NumCPU()+4)) }
