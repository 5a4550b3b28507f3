//go:build unix

package program

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
)

// who is the user that a program runs as.
type who struct {
	name, home string
	credential *syscall.Credential // nil: the server's own
}

// Root reports whether the server runs as root, and so can choose other users.
func Root() bool { return os.Geteuid() == 0 }

// identity finds a user by name or number.
func identity(name string) (who, error) {
	if name == "" {
		name = strconv.Itoa(os.Geteuid())
	}
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		if name == strconv.Itoa(os.Geteuid()) {
			return who{name: name, home: "/"}, nil // a user without a name, as in containers
		}
		return who{}, fmt.Errorf("%w: there is no user %q", ErrUser, name)
	}
	w := who{name: u.Username, home: u.HomeDir}
	if u.Uid == strconv.Itoa(os.Geteuid()) {
		return w, nil
	}
	if !Root() {
		return who{}, fmt.Errorf("%w: the server is not root and cannot become %s; leave the user out", ErrUser, name)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return who{}, fmt.Errorf("%w: user %s: %w", ErrUser, name, err)
	}
	w.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return w, nil
}

func (w who) environment() []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + w.home, "USER=" + w.name, "LOGNAME=" + w.name, "SHELL=/bin/sh", "LANG=C.UTF-8",
	}
	if zone, ok := os.LookupEnv("TZ"); ok {
		env = append(env, "TZ="+zone)
	}
	return env
}

func (w who) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: w.credential}
}

// signal sends SIGHUP to the program, or SIGKILL to its group. A group whose
// leader has ended may still have members; its number is free for others only
// when it has none, so it is left alone as soon as the leader is reaped.
func (p *Process) signal(kill bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reaped:
	case kill:
		_ = syscall.Kill(-p.process.Pid, syscall.SIGKILL)
	default:
		_ = p.process.Signal(syscall.SIGHUP)
	}
}

func signalOf(s *os.ProcessState) string {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal().String()
	}
	return ""
}

// PipeWriter writes to a pipe without waiting and without allocating. One
// goroutine at a time; closing the pipe meanwhile is safe.
type PipeWriter struct {
	raw  syscall.RawConn
	data []byte
	n    int
	once func(fd uintptr) bool
}

// NewPipeWriter returns a writer to the server's end of a pipe.
func NewPipeWriter(f *os.File) (*PipeWriter, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &PipeWriter{raw: raw}
	w.once = func(fd uintptr) bool {
		w.n, _ = syscall.Write(int(fd), w.data)
		return true
	}
	return w, nil
}

// TryWrite writes data whole, which must be no longer than 4096 bytes, and
// reports whether there was room for it.
func (w *PipeWriter) TryWrite(data []byte) bool {
	w.data, w.n = data, 0
	return w.raw.Write(w.once) == nil && w.n == len(data)
}

// TryRead reads what is there, without waiting. It must not be called while
// another goroutine reads.
func TryRead(f *os.File, data []byte) (n int) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), data)
		return true
	})
	return max(n, 0)
}

// keepDescriptors keeps from programs what the server itself was given by those
// who started it. What the server opens is never handed on.
var keepDescriptors = sync.OnceFunc(func() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
})
