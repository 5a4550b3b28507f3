package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the server under test, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "moonwire-interop-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "moonwire")
		build := exec.Command("go", "build", "-o", binary, "..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the server: %v\n%s", err, out)
			return 1
		}
		// Most tests wait for a program or for media most of the time.
		_ = flag.Set("test.parallel", "8")
		defer common.end()
		return m.Run()
	}())
}

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// server is one running moonwire.
type server struct {
	t       testing.TB
	dir     string // the site
	process *os.Process
	sip     map[string]string // by protocol: "udp" → "127.0.0.1:40123"
	http    string
	log     *lockedBuffer
	exited  chan struct{}
	code    int // valid once exited is closed
}

// site is what a server runs on: paths below scripts/ and their text.
type site map[string]string

// start runs a server of the test's own on a fresh site. Further flags may
// replace defaults.
func start(t testing.TB, files site, flags ...string) *server {
	t.Helper()
	s := launch(t, t.TempDir(), files, flags...)
	t.Cleanup(s.stop)
	return s
}

// launch runs a server that the caller stops.
func launch(t testing.TB, dir string, files site, flags ...string) *server {
	t.Helper()
	for name, text := range files {
		writeFile(t, filepath.Join(dir, "scripts", name), text)
	}
	s := &server{t: t, dir: dir, sip: map[string]string{}, log: &lockedBuffer{}, exited: make(chan struct{})}
	args := append([]string{"serve", dir, "--sip", "udp:127.0.0.1:0", "--sip", "tcp:127.0.0.1:0",
		"--http", "127.0.0.1:0", "--log-level", "debug", "--drain", "1s"}, flags...)
	cmd := exec.Command(binary, args...)
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = cmd.Process
	ready := make(chan bool, 1)
	go func() {
		s.readGreeting(out, ready)
		_ = cmd.Wait()
		s.code = cmd.ProcessState.ExitCode()
		close(s.exited)
	}()
	select {
	case ok := <-ready:
		if !ok {
			<-s.exited
			t.Fatalf("the server ended with code %d:\n%s", s.code, s.log)
		}
	case <-time.After(patience):
		t.Fatalf("the server is not ready:\n%s", s.log)
	}
	return s
}

// common is the one server, with the lab for its site, of all tests that need
// nothing of their own. They run side by side, so each takes a number of its own.
var common shared

type shared struct {
	once   sync.Once
	dir    string
	server *server
}

// sharedLab is the common server as this test sees it.
func sharedLab(t testing.TB) *server {
	t.Helper()
	common.once.Do(func() {
		var err error
		if common.dir, err = os.MkdirTemp("", "moonwire-lab-"); err != nil {
			t.Fatal(err)
		}
		common.server = launch(t, common.dir, lab)
	})
	if common.server == nil {
		t.Fatal("the common server did not start")
	}
	mine := *common.server
	mine.t = t
	return &mine
}

// end stops the common server after the last test.
func (c *shared) end() {
	if c.server != nil {
		_ = c.server.process.Signal(syscall.SIGTERM)
		<-c.server.exited
	}
	_ = os.RemoveAll(c.dir)
}

// linesWith are the lines of the log that hold text: of a common server, those
// of one test are told apart by the number that it called.
func (s *server) linesWith(text string) string {
	var b strings.Builder
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, text) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// readGreeting takes the addresses from what the server prints at its start.
func (s *server) readGreeting(out io.Reader, ready chan<- bool) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "listening" {
			if len(fields) > 0 && fields[0] == "ready" {
				ready <- true
			}
			continue
		}
		if address, ok := strings.CutPrefix(fields[1], "http://"); ok {
			s.http = address
		} else if proto, address, ok := strings.Cut(fields[1], ":"); ok {
			s.sip[proto] = address
		}
	}
	select {
	case ready <- false:
	default:
	}
}

// stop ends the server in peace, and in anger if that takes too long.
func (s *server) stop() {
	_ = s.process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(15 * time.Second):
		_ = s.process.Kill()
		<-s.exited
		s.t.Errorf("the server did not stop:\n%s", s.log)
	}
	if log := s.log.String(); strings.Contains(log, "panic") {
		s.t.Errorf("there was a panic:\n%s", log)
	}
	if s.t.Failed() {
		s.t.Logf("the server's log:\n%s", tail(s.log.String(), 200))
	}
}

// get asks the HTTP side.
func (s *server) get(path string) string {
	s.t.Helper()
	response, err := http.Get("http://" + s.http + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

// calls are the calls in progress.
func (s *server) calls() []map[string]any {
	s.t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(s.get("/calls")), &list); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// awaitLog waits until the log says text.
func (s *server) awaitLog(text string) {
	s.t.Helper()
	if !s.log.await(text, patience) {
		s.t.Fatalf("the log never said %q:\n%s", text, tail(s.log.String(), 100))
	}
}

// command runs another sub-command of the binary.
func command(t testing.TB, args ...string) (out string, code int) {
	t.Helper()
	return commandWith(t, "", args...)
}

// commandWith is command with something on its standard input.
func commandWith(t testing.TB, input string, args ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdin = strings.NewReader(input)
	both, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(both), cmd.ProcessState.ExitCode()
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func tail(text string, lines int) string {
	list := strings.Split(text, "\n")
	return strings.Join(list[max(0, len(list)-lines):], "\n")
}

// lockedBuffer is written by a process and read by a test, which can wait for
// a text to appear in it.
type lockedBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grown != nil {
		close(b.grown)
		b.grown = nil
	}
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await reports whether text appears within d.
func (b *lockedBuffer) await(text string, d time.Duration) bool {
	return b.until(d, func() bool { return strings.Contains(b.String(), text) })
}

// until asks whenever something was written, and reports whether the answer was
// yes within d.
func (b *lockedBuffer) until(d time.Duration, yes func() bool) bool {
	end := time.After(d)
	for {
		b.mu.Lock()
		if b.grown == nil {
			b.grown = make(chan struct{})
		}
		grown := b.grown
		b.mu.Unlock()
		if yes() {
			return true
		}
		select {
		case <-grown:
		case <-end:
			return false
		}
	}
}
