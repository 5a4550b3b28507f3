package recordstest

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Program finds a program of a database server, which Debian does not put on the
// path of users.
func Program(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	found = append(found, "/usr/sbin/"+name)
	for _, path := range slices.Backward(found) {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed; run .ci/tools", name)
	return ""
}

// Server runs the programs of a database server as an ordinary user, which some
// of them insist on.
type Server struct {
	Dir        string // of its own, on a short path
	credential *syscall.Credential
	running    *exec.Cmd
	output     bytes.Buffer
}

// NewServer makes a directory for a server. The test's end stops what runs and
// removes it.
func NewServer(t *testing.T) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "mw")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: dir}
	t.Cleanup(func() {
		s.Stop(t)
		_ = os.RemoveAll(dir)
	})
	if os.Getuid() != 0 {
		return s
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Server) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = s.Dir
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "HOME="+s.Dir, "TZ=UTC")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential, Pdeathsig: syscall.SIGKILL}
	return c
}

// Run runs a program to its end.
func (s *Server) Run(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := s.command(ctx, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
}

// Start starts the server and waits until db reaches it.
func (s *Server) Start(t *testing.T, db *sql.DB, args ...string) {
	t.Helper()
	s.output.Reset()
	s.running = s.command(context.Background(), args...)
	s.running.Stdout, s.running.Stderr = &s.output, &s.output
	if err := s.running.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for db.PingContext(t.Context()) != nil {
		select {
		case <-tick.C:
		case <-deadline:
			s.Stop(t)
			t.Fatalf("%s does not come up\n%s", args[0], s.output.String())
		}
	}
}

// Stop stops the server, at once.
func (s *Server) Stop(t *testing.T) {
	t.Helper()
	if s.running == nil {
		return
	}
	_ = s.running.Process.Signal(syscall.SIGQUIT)
	_ = s.running.Process.Kill()
	_ = s.running.Wait()
	s.running = nil
}
