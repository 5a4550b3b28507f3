// Package program runs other programs, so that they can harm nobody but
// themselves.
//
// A program gets a clean environment, the user that it is to run as with no
// group but that user's own, and no descriptor but those that its Command names:
// what the server has open stays its own. It begins a group of processes, so
// that it can be ended together with what it started itself. What it writes is
// read by whoever started it and kept from growing by that reader; what it
// writes to its standard error goes line by line to a function.
//
// Nothing here waits for a time: who wants a program to end in time calls Kill.
package program

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Why a program could not be started.
var (
	ErrMissing       = errors.New("there is no such program")
	ErrNotExecutable = errors.New("is no program that may be executed; make it one with chmod +x")
	ErrInterpreter   = errors.New("cannot begin: the program that its first line names is missing")
	ErrUser          = errors.New("cannot be run as another user")
)

// Command says what to run and how.
type Command struct {
	Path string   // absolute
	Args []string // behind the name
	Dir  string   // where it begins; "": the folder that Path lies in
	Env  []string // "NAME=value", beside the usual ones
	User string   // "": the server's own

	Input  bool // a pipe to its standard input; else that is empty
	Output bool // a pipe from its standard output; else what it writes is dropped
	Audio  bool // a pipe to its descriptor 3

	// Complain gets the lines of its standard error, the first complaints of them,
	// on a goroutine of its own; nil drops them.
	Complain func(line string)
}

const (
	complaints      = 200  // lines of the standard error that are passed on
	longestComplain = 2000 // bytes of each
)

// Process is a program that runs. Its methods may be called by any goroutine.
type Process struct {
	Input  *os.File // nil where the Command asked for none; the owner closes it
	Output *os.File
	Audio  *os.File

	process *os.Process
	mu      sync.Mutex
	reaped  bool
	state   *os.ProcessState
	done    chan struct{}
}

// Start begins a program. The caller must read or close what it asked for, and
// call Close in the end.
func Start(c Command) (*Process, error) {
	if err := executable(c.Path); err != nil {
		return nil, err
	}
	who, err := identity(c.User)
	if err != nil {
		return nil, err
	}
	if c.Dir == "" {
		c.Dir = filepath.Dir(c.Path)
	}
	keepDescriptors()
	p := &Process{done: make(chan struct{})}
	pipes, err := p.open(&c)
	if err != nil {
		return nil, err
	}
	p.process, err = os.StartProcess(c.Path, append([]string{c.Path}, c.Args...), &os.ProcAttr{
		Dir: c.Dir, Env: append(who.environment(), c.Env...), Files: pipes.theirs, Sys: who.attributes(),
	})
	pipes.closeTheirs()
	if err != nil {
		pipes.closeOurs()
		return nil, explain(c.Path, err)
	}
	go p.reap()
	if pipes.complaints != nil {
		go complain(pipes.complaints, c.Complain)
	}
	return p, nil
}

// executable says why a file cannot be a program.
func executable(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s: %w: the path is not absolute", path, ErrMissing)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", path, ErrMissing)
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s %w", path, ErrNotExecutable)
	}
	return nil
}

func explain(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %w", path, ErrInterpreter)
	case strings.Contains(err.Error(), "exec format error"):
		return fmt.Errorf("%s %w, and let its first line name its interpreter (#!)", path, ErrNotExecutable)
	}
	return err
}

// pipes are the ends of what connects a program with the server.
type pipes struct {
	theirs     []*os.File
	ours       []*os.File
	complaints *os.File
}

func (l *pipes) closeTheirs() { closeAll(l.theirs) }
func (l *pipes) closeOurs()   { closeAll(l.ours) }

func closeAll(list []*os.File) {
	for _, f := range list {
		_ = f.Close()
	}
}

// open makes the descriptors of a program: 0, 1, 2 and perhaps 3.
func (p *Process) open(c *Command) (*pipes, error) {
	l := &pipes{}
	fail := func(err error) (*pipes, error) {
		l.closeTheirs()
		l.closeOurs()
		return nil, fmt.Errorf("pipes for %s: %w", c.Path, err)
	}
	var err error
	for i, wanted := range []bool{c.Input, c.Output, c.Complain != nil, c.Audio} {
		if i == 3 && !wanted {
			break
		}
		var ours, theirs *os.File
		switch {
		case !wanted:
			if theirs, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
				return fail(err)
			}
		case i == 0 || i == 3:
			theirs, ours, err = os.Pipe()
		default:
			ours, theirs, err = os.Pipe()
		}
		if err != nil {
			return fail(err)
		}
		l.theirs = append(l.theirs, theirs)
		if ours == nil {
			continue
		}
		l.ours = append(l.ours, ours)
		switch i {
		case 0:
			p.Input = ours
		case 1:
			p.Output = ours
		case 2:
			l.complaints = ours
		case 3:
			p.Audio = ours
		}
	}
	return l, nil
}

// complain passes the lines of r on until its end. Those of a program that says
// too much are read and dropped, so that it is not held up.
func complain(r *os.File, tell func(string)) {
	defer r.Close()
	b := bufio.NewReaderSize(r, 4096)
	for n := 0; n < complaints; n++ {
		line, err := b.ReadSlice('\n')
		if text := strings.TrimSpace(string(line[:min(len(line), longestComplain)])); text != "" {
			tell(text)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
	tell("… and more, which is left out")
	_, _ = io.Copy(io.Discard, b)
}

// reap waits for the program, so that no zombie is left.
func (p *Process) reap() {
	state, _ := p.process.Wait()
	p.mu.Lock()
	p.reaped, p.state = true, state
	p.mu.Unlock()
	close(p.done)
}

// Done is closed when the program has ended. Processes that it left behind may
// still hold its output.
func (p *Process) Done() <-chan struct{} { return p.done }

// Outcome tells how a program ended, after Done: its exit code, or the name of
// the signal that ended it.
func (p *Process) Outcome() (code int, signal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == nil {
		return -1, ""
	}
	return p.state.ExitCode(), signalOf(p.state)
}

// HangUp tells the program by SIGHUP that the call is over, once it is not
// needed any more.
func (p *Process) HangUp() { p.signal(false) }

// Kill ends the program and what it started in its group, at once.
func (p *Process) Kill() { p.signal(true) }

// Close closes the server's ends of all pipes.
func (p *Process) Close() {
	for _, f := range []*os.File{p.Input, p.Output, p.Audio} {
		if f != nil {
			_ = f.Close()
		}
	}
}
