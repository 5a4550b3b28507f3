//go:build linux && (amd64 || arm64 || riscv64 || loong64 || arm)

package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// epollLoop waits for packets, ticks and commands with one epoll. Sockets are
// level-triggered and read once for each report, so that a flood on one leg
// cannot starve the others and no read is made in vain. A timerfd, set anew
// after each round to the next millisecond that has something to do, drives the
// wheel: an idle server does not wake.
type epollLoop struct {
	w      *Worker
	epoll  int
	wake   int // eventfd
	timer  int // timerfd
	began  time.Time
	origin int64             // began, on the kernel's monotonic clock, in nanoseconds
	aimed  uint64            // the millisecond that the timer is set to; 0 = not set
	lively bool              // something happened in the last livelyFor
	bySock map[int32]*Socket // by descriptor; worker only

	mu       sync.Mutex
	commands []func()
	spare    []func()
	arrived  []*Socket // opened, and not yet in bySock
	asleep   bool      // the worker waits, or is about to, and has seen no command
	closing  bool
	done     chan struct{}

	buffer [2048 + 64]byte
	from   unix.RawSockaddrAny
}

// socketHandle is the descriptor and the address last sent to, as the kernel
// wants it.
type socketHandle struct {
	fd    int
	six   bool // an IPv6 socket
	to    netip.AddrPort
	toRaw unix.RawSockaddrInet6
	toLen uint32
}

const (
	tickPeriod = time.Millisecond
	livelyFor  = 50 // ms without a packet or tick after which a worker counts as idle
)

func newLoop(w *Worker) (loop, error) {
	l := &epollLoop{w: w, bySock: map[int32]*Socket{}, done: make(chan struct{}), began: time.Now()}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	for _, fd := range []int{l.wake, l.timer} {
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			return nil, os.NewSyscallError("epoll_ctl", err)
		}
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil, os.NewSyscallError("clock_gettime", err)
	}
	l.origin = now.Nano()
	go l.run()
	return l, nil
}

func (l *epollLoop) post(f func()) bool {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return false
	}
	l.commands = append(l.commands, f)
	wake := l.asleep
	l.asleep = false
	l.mu.Unlock()
	if wake {
		l.signal()
	}
	return true
}

func (l *epollLoop) signal() {
	one := [8]byte{1}
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		one = [8]byte{7: 1}
	}
	_, _ = unix.Write(l.wake, one[:])
}

func (l *epollLoop) close() {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return
	}
	l.closing = true
	l.mu.Unlock()
	l.signal()
	<-l.done
}

// run is the worker's goroutine.
func (l *epollLoop) run() {
	defer close(l.done)
	runtime.LockOSThread() // ends with the goroutine, which takes the thread's priority along
	// Better than the default where the process may; otherwise nothing is lost.
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -10)

	events := make([]unix.EpollEvent, 256)
	for {
		n, err := 0, error(nil)
		if !l.pending() {
			n, err = l.wait(events)
		}
		if err != nil && err != unix.EINTR {
			l.w.log.Error("media worker cannot wait for packets", "error", err)
			return
		}
		l.w.now = time.Now()
		l.w.rounds.Add(1)
		if !l.runCommands() {
			l.release()
			return
		}
		if l.w.wheel.active > 0 {
			l.w.advance(l.millisecond())
		}
		for i := range events[:max(n, 0)] {
			fd := events[i].Fd
			if s := l.socket(fd); s != nil {
				l.read(s)
			}
		}
		l.aim()
	}
}

// wait sleeps until something is ready.
//
// While there is media it does not tell the Go scheduler that it
// sleeps: the worker keeps its P, which is one that NewEngine added for it. Telling
// would keep the runtime's monitor thread awake, which looks at every system
// call of more than 20 µs and then costs as much as the media itself. The
// collector, when it stops the world, interrupts the wait by a signal.
func (l *epollLoop) wait(events []unix.EpollEvent) (int, error) {
	if l.aimed == 0 && !l.lively {
		l.lively = true
		return unix.EpollWait(l.epoll, events, -1)
	}
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), livelyFor, 0, 0)
	if e != 0 {
		return 0, e
	}
	l.lively = n > 0
	return int(n), nil
}

func (l *epollLoop) millisecond() uint64 {
	return uint64(l.w.now.Sub(l.began) / tickPeriod)
}

// pending reports whether a command came while the last ones ran; otherwise
// whoever posts from now on has to wake the worker.
func (l *epollLoop) pending() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.commands) > 0 || l.closing {
		return true
	}
	l.asleep = true
	return false
}

// runCommands runs what was posted; false says that the engine closes.
func (l *epollLoop) runCommands() bool {
	l.mu.Lock()
	list := l.commands
	l.commands, l.spare = l.spare[:0], list
	l.asleep = false
	closing := l.closing
	l.mu.Unlock()
	for i, f := range list {
		l.w.guard("command", f)
		list[i] = nil
	}
	return !closing
}

// arm brings an empty wheel to the present.
func (l *epollLoop) arm() {
	if l.w.wheel.active == 0 {
		l.w.now = time.Now()
		l.w.wheel.at = l.millisecond()
	}
}

func (l *epollLoop) scheduled() {}

// aim sets the timer to the next millisecond that has something to do.
func (l *epollLoop) aim() {
	next := uint64(0)
	if l.w.wheel.active > 0 {
		next = l.w.wheel.at + l.w.wheel.distance()
	}
	if next == l.aimed {
		return
	}
	l.aimed = next
	var at unix.ItimerSpec // zero disarms
	if next > 0 {
		at.Value = unix.NsecToTimespec(l.origin + int64(next)*int64(tickPeriod))
	}
	if err := unix.TimerfdSettime(l.timer, unix.TFD_TIMER_ABSTIME, &at, nil); err != nil {
		l.w.log.Error("media worker cannot set its timer", "error", err)
	}
}

func (l *epollLoop) release() {
	l.meet()
	for fd := range l.bySock {
		_ = unix.Close(int(fd))
	}
	for _, fd := range []int{l.epoll, l.wake, l.timer} {
		_ = unix.Close(fd)
	}
}

func (l *epollLoop) listen(s *Socket) error {
	fd, err := bind(s)
	if err != nil {
		return err
	}
	s.handle.fd = fd
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		_ = unix.Close(fd)
		return errors.New("media engine is closed")
	}
	// The worker meets the socket with its first packet and need not wake before.
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		_ = unix.Close(fd)
		return os.NewSyscallError("epoll_ctl", err)
	}
	l.arrived = append(l.arrived, s)
	return nil
}

// meet takes in the sockets that were opened since it was last called.
func (l *epollLoop) meet() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, s := range l.arrived {
		l.bySock[int32(s.handle.fd)] = s
		l.arrived[i] = nil
	}
	l.arrived = l.arrived[:0]
}

// socket finds who a descriptor belongs to.
func (l *epollLoop) socket(fd int32) *Socket {
	s := l.bySock[fd]
	if s == nil && fd != int32(l.wake) && fd != int32(l.timer) {
		l.meet()
		s = l.bySock[fd]
	}
	return s
}

// bind opens the descriptor of s and fills in the port that it got.
func bind(s *Socket) (int, error) {
	addr := s.local.Addr().Unmap()
	family, sockaddr := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(s.local.Port())})
	if addr.Is6() {
		s.handle.six = true
		family, sockaddr = unix.AF_INET6, &unix.SockaddrInet6{Port: int(s.local.Port()), Addr: addr.As16()}
	} else if addr.Is4() {
		sockaddr.(*unix.SockaddrInet4).Addr = addr.As4()
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, sockaddr); err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("udp %s: %w", s.local, os.NewSyscallError("bind", err))
	}
	// Mark media for expedited forwarding (RFC 4594), where the system lets us.
	if s.handle.six {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 0xb8)
	} else {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, 0xb8)
	}
	if s.local.Port() == 0 {
		name, err := unix.Getsockname(fd)
		if err != nil {
			_ = unix.Close(fd)
			return 0, os.NewSyscallError("getsockname", err)
		}
		switch n := name.(type) {
		case *unix.SockaddrInet4:
			s.local = netip.AddrPortFrom(netip.AddrFrom4(n.Addr), uint16(n.Port))
		case *unix.SockaddrInet6:
			s.local = netip.AddrPortFrom(netip.AddrFrom16(n.Addr), uint16(n.Port))
		}
	}
	return fd, nil
}

func (l *epollLoop) unlisten(s *Socket) {
	l.meet()
	delete(l.bySock, int32(s.handle.fd))
	_ = unix.Close(s.handle.fd) // which also takes it out of the epoll
}

// read takes one datagram. The system call cannot block, so the runtime need
// not be told of it (RawSyscall).
func (l *epollLoop) read(s *Socket) {
	length := uint32(unix.SizeofSockaddrAny)
	n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.handle.fd),
		uintptr(unsafe.Pointer(&l.buffer)), 2048, unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(&l.from)), uintptr(unsafe.Pointer(&length)))
	if e != 0 {
		return // EAGAIN, or an ICMP error of an earlier send
	}
	l.w.received.Add(1)
	s.deliver(l.buffer[:n], addrPortOf(&l.from))
}

func addrPortOf(raw *unix.RawSockaddrAny) netip.AddrPort {
	switch raw.Addr.Family {
	case unix.AF_INET:
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), networkOrder(a.Port))
	case unix.AF_INET6:
		a := (*unix.RawSockaddrInet6)(unsafe.Pointer(raw))
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), networkOrder(a.Port))
	}
	return netip.AddrPort{}
}

// networkOrder turns a port between the machine's and the network's byte order.
func networkOrder(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

// Send sends one datagram. Worker only; it never blocks: a packet that the
// kernel does not take now is lost and counted, as the network would lose it.
func (s *Socket) Send(packet []byte, to netip.AddrPort) error {
	if len(packet) == 0 {
		return nil
	}
	h := &s.handle
	if h.to != to {
		h.aim(to)
	}
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(h.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(packet))), uintptr(len(packet)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
		uintptr(unsafe.Pointer(&h.toRaw)), uintptr(h.toLen))
	if e != 0 {
		s.worker.sendErrors.Add(1)
		return syscall.Errno(e)
	}
	s.worker.sent.Add(1)
	return nil
}

// aim prepares the kernel's form of the address.
func (h *socketHandle) aim(to netip.AddrPort) {
	h.to = to
	if h.six {
		h.toRaw = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: networkOrder(to.Port()), Addr: to.Addr().As16()}
		h.toLen = unix.SizeofSockaddrInet6
		return
	}
	four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&h.toRaw))
	*four = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: networkOrder(to.Port())}
	if a := to.Addr().Unmap(); a.Is4() {
		four.Addr = a.As4()
	}
	h.toLen = unix.SizeofSockaddrInet4
}
