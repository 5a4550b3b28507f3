package host

import (
	"errors"
	"runtime"

	lua "github.com/yuin/gopher-lua"
)

// ErrCancelled is why a Branch that was cancelled ended.
var ErrCancelled = errors.New("cancelled: another branch has ended first")

// Branch is a function of the script that runs by turns with others.
//
// It is a coroutine whose turns end not where the script yields but where a
// function of the library waits: that function calls Wait in Go, however deep
// in protected calls, iterators or further coroutines the script is. One
// goroutine of the state runs at any time, for Resume waits until the turn
// ends; so nothing needs a lock, and instructions and memory are counted for
// all branches together.
type Branch struct {
	c       *coroutine
	values  []lua.LValue // that it begins with
	results []lua.LValue
	thrown  *lua.ApiError
	trace   []Frame // of thrown
}

// NewBranch makes a branch that calls f with values, on the first Resume. It
// raises an error when there are too many coroutines. Forget must follow.
func (s *State) NewBranch(L *lua.LState, f *lua.LFunction, values ...lua.LValue) *Branch {
	b := &Branch{c: newCoroutine(L, f), values: values}
	b.c.branch = true
	if s.branches == nil {
		s.branches = map[*Branch]struct{}{}
	}
	s.branches[b] = struct{}{}
	return b
}

// Resume lets the branch run until it waits or ends, and reports whether it has
// ended. It must be called where NewBranch was.
func (b *Branch) Resume() (ended bool) {
	c := b.c
	if !c.started && len(c.state.threads.active) >= maxThreads {
		b.end(yielded{dead: true, thrown: &lua.ApiError{Type: lua.ApiErrorRun, Object: lua.LString("calls are nested too deeply")}})
		c.dead = true
		delete(c.state.coroutines, c.thread)
	}
	if !c.dead {
		if y := c.advance(b.values); c.dead {
			b.end(y)
		}
		b.values = nil
	}
	return c.dead
}

// end keeps what the branch came to.
func (b *Branch) end(y yielded) {
	s := b.c.state
	if y.thrown == nil {
		b.results = y.values
		return
	}
	if !s.meter.stopped.Load() {
		s.failure.trace = append(s.failure.trace, traceback(b.c.thread, max(1, maxFrames-len(s.failure.trace)))...)
	}
	b.thrown = s.caught(b.c.thread, y.thrown)
	b.trace, s.failure.trace = s.failure.trace, nil
}

// Wait ends the turn of the branch that calls it; it returns in the next one.
func (b *Branch) Wait() {
	s, inner := b.c.state, b.c.state.coroutine
	b.c.yielded <- yielded{}
	if _, ok := <-b.c.resumed; !ok {
		runtime.Goexit() // the state is being closed
	}
	s.coroutine = inner
}

// Cancel ends the branch, if it has not ended: State.Err tells what waits in it
// that it is over, and its script can neither catch that nor go on. What stops
// the whole script meanwhile stays in force. It must be called where NewBranch
// was.
func (b *Branch) Cancel() {
	c, s := b.c, b.c.state
	if c.dead {
		return
	}
	if !c.started {
		c.dead = true
		delete(s.coroutines, c.thread)
		return
	}
	failure, passing := s.failure, s.meter.suspend(ErrCancelled)
	for !b.Resume() {
	}
	if passing {
		s.meter.lift()
	}
	s.failure = failure
}

// Results are what the function returned, once it has ended well.
func (b *Branch) Results() []lua.LValue { return b.results }

// Failed reports whether the branch has ended with an error.
func (b *Branch) Failed() bool { return b.thrown != nil }

// Raise raises the error that the branch ended with, in the script that calls,
// with the place where it was raised first. It does not return.
func (b *Branch) Raise() {
	b.c.state.failure.trace = b.trace
	panic(b.thrown)
}

// Forget lets go of the results. The branch must have ended.
func (b *Branch) Forget() { delete(b.c.state.branches, b) }
