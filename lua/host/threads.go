package host

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxThreads is how deep protected calls may be nested: each is a call of Go
// within Go.
const maxThreads = 120

// threadWork is what making a thread takes, in instructions' worth.
const threadWork = 500

// threads are the interpreter's threads that a state runs on.
//
// A protected call gets a thread of its own. The interpreter's own protected
// call would, on an error, cut the closures of the functions that are still
// running off from their variables; on a thread of its own an error touches
// only what it ends, and the thread is thrown away.
type threads struct {
	state  *State
	active []*lua.LState // that are running, innermost last
	spare  []*lua.LState // that ended well
}

// running is the innermost thread that runs, or the main one.
func (t *threads) running() *lua.LState {
	if n := len(t.active); n > 0 {
		return t.active[n-1]
	}
	return t.state.main
}

// enter takes a thread for one protected call.
func (t *threads) enter() (*lua.LState, error) {
	if len(t.active) >= maxThreads {
		return nil, errors.New("protected calls are nested too deeply")
	}
	var thread *lua.LState
	if n := len(t.spare); n > 0 {
		thread, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		thread, _ = t.state.main.NewThread()
		t.adopt(thread)
		t.state.meter.spend(threadWork)
		t.state.memory.charge(threadBytes)
	}
	t.active = append(t.active, thread)
	return thread, nil
}

// adopt makes thread one of the state's.
func (t *threads) adopt(thread *lua.LState) {
	thread.SetContext(&t.state.meter)
	thread.Panic = raise
}

// leave gives thread back, for another call if it ended well.
func (t *threads) leave(thread *lua.LState, well bool) {
	t.active = t.active[:len(t.active)-1]
	switch {
	case well:
		t.spare = append(t.spare, thread)
	case thread != t.state.main:
		thread.Close()
	}
}

func (t *threads) close() {
	for _, thread := range t.spare {
		if thread != t.state.main {
			thread.Close()
		}
	}
	t.state.main.Close()
	t.active, t.spare = nil, nil
}

// raise is what every thread does with an error: the message is on its stack.
// The interpreter's own way would describe the stack at once, in as many lines
// as there were tail calls.
func raise(L *lua.LState) {
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: L.Get(-1)})
}

// try calls f with values on thread and returns what was panicked with. The
// results are left on the thread.
func try(thread *lua.LState, f lua.LValue, values []lua.LValue) (thrown any) {
	defer func() {
		if thrown = recover(); thrown != nil {
			thrown = explained(thrown)
		}
	}()
	thread.Push(f)
	thread.Call(push(thread, values), lua.MultRet)
	return nil
}

// explained replaces what the interpreter panics with where a script is to
// blame, by an error in plain words.
func explained(thrown any) any {
	tell := func(text string) *lua.ApiError {
		return &lua.ApiError{Type: lua.ApiErrorRun, Object: lua.LString(text)}
	}
	switch p := thrown.(type) {
	case string:
		if p == callStackOverflow {
			return tell(tooDeepText)
		}
	case error:
		// On its way to say that the stack of values is full, in a tail call,
		// the interpreter looks for the line of a function that has none yet.
		if _, own := p.(*lua.ApiError); !own && bytes.Contains(debug.Stack(), []byte(".registryOverflow(")) {
			return tell(tooManyText)
		}
	}
	return thrown
}

const (
	tooDeepText = "calls are nested too deeply: does a function call itself without end?"
	tooManyText = "too many values at once: arguments, locals and results of all calls together"
)

// Invoke calls f and returns its results. Errors are *ScriptError. It may be
// called by a function that the script has called.
func (s *State) Invoke(f *lua.LFunction, values ...lua.LValue) ([]lua.LValue, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	thread, err := s.threads.enter()
	if err != nil {
		return nil, &ScriptError{Message: err.Error(), cause: err}
	}
	if thrown := try(thread, f, values); thrown != nil {
		err := s.scriptError(thread, thrown)
		s.threads.leave(thread, false)
		return nil, err
	}
	results := arguments(thread, 1)
	thread.SetTop(0)
	s.threads.leave(thread, true)
	return results, nil
}

// callStackOverflow is what the interpreter panics with.
const callStackOverflow = "lua callstack overflow"

// shield makes errors of f's panics, so that a mistake in the library ends one
// call and nothing else.
func shield(f lua.LGFunction) lua.LGFunction {
	return func(L *lua.LState) int {
		defer func() {
			if p := recover(); p != nil {
				rethrow(L, p)
			}
		}()
		return f(L)
	}
}

func rethrow(L *lua.LState, p any) {
	if err, ok := p.(*lua.ApiError); ok {
		panic(err)
	}
	s := FromLua(L)
	if s == nil {
		panic(p)
	}
	if p == callStackOverflow {
		s.raiseTooDeep(L)
	}
	L.RaiseError("%s", s.internal(p).Error())
}

func (s *State) raiseTooDeep(L *lua.LState) {
	L.RaiseError(tooDeepText)
}

// internal logs a panic and stops the script for it.
func (s *State) internal(p any) error {
	err := fmt.Errorf("%w: %v", ErrInternal, p)
	s.host.options.Log.Error("a library function panicked; the call is ended", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	s.meter.stop(err)
	return err
}

// checkDepth stops recursion without end before the interpreter's call stack is
// full, for it panics then.
func (s *State) checkDepth() {
	L := s.threads.running()
	if at, ok := L.GetStack(s.host.options.Limits.Depth); ok {
		// Tail calls count as levels but take no room; the interpreter answers
		// with the outermost function then.
		L.GetInfo("S", at, nil)
		if at.What != "main" {
			s.raiseTooDeep(L)
		}
	}
}

// scriptError describes what thread was ended by.
func (s *State) scriptError(thread *lua.LState, thrown any) *ScriptError {
	e := &ScriptError{}
	switch p := thrown.(type) {
	case *lua.ApiError:
		e.Message = errorText(p.Object)
	default:
		e.Message = s.internal(p).Error()
	}
	e.Traceback = append(s.failure.trace, s.fullTraceback(thread)...)
	s.failure.trace = nil
	e.File, e.Line, e.Message = s.version.splitPlace(strings.TrimSpace(e.Message))
	if plain, ok := plainWords[e.Message]; ok {
		e.Message = plain
	}
	if e.File == "" {
		for _, f := range e.Traceback {
			if f.File != "" {
				e.File, e.Line = f.File, f.Line
				break
			}
		}
	}
	e.Source = s.version.line(e.File, e.Line)
	switch {
	case s.meter.Err() != nil:
		e.cause = s.meter.Err()
	case s.failure.err != nil && strings.HasSuffix(e.Message, s.failure.message):
		e.cause = s.failure.err
	}
	return e
}

// plainWords says better what some of the interpreter's messages mean.
var plainWords = map[string]string{
	"registry overflow":                     tooManyText,
	"attempt to call a non-function object": "this calls something that is not a function",
	"too many recursions in gettable":       "a metatable's __index refers to itself",
	"too many recursions in settable":       "a metatable's __newindex refers to itself",
}

func errorText(v lua.LValue) string {
	switch v := v.(type) {
	case nil:
		return "error without a message"
	case lua.LString:
		return string(v)
	case *lua.LTable:
		if text, ok := v.RawGetString("message").(lua.LString); ok {
			return string(text)
		}
		return "an error that is a table"
	}
	return v.String()
}

// maxFrames is how much of a deep stack is shown.
const maxFrames = 20

// fullTraceback is thread's traceback and those of the calls around it.
func (s *State) fullTraceback(thread *lua.LState) []Frame {
	frames := traceback(thread, maxFrames)
	for i := len(s.threads.active) - 1; i >= 0 && len(frames) < maxFrames; i-- {
		if outer := s.threads.active[i]; outer != thread {
			frames = append(frames, traceback(outer, maxFrames-len(frames))...)
		}
	}
	return frames
}

// deepestGo is how many functions of the library may call each other before the
// script that called the first is given up.
const deepestGo = 8

// place is the first entry of traceback that has a file, without the names, which
// cost most: it is asked for at each step of a script.
func place(L *lua.LState) (file string, line int) {
	if L.IsClosed() {
		return "", 0
	}
	for level := range deepestGo {
		at, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("Sl", at, nil); err == nil && at.Source != "" {
			return at.Source, max(at.CurrentLine, at.LineDefined)
		}
	}
	return "", 0
}

// traceback lists up to limit calls of one thread, innermost first, without
// guards and without functions of the library that the script did not call.
func traceback(L *lua.LState, limit int) []Frame {
	var frames []Frame
	if L.IsClosed() {
		return nil
	}
	for level := 0; len(frames) < limit && level < 4*limit; level++ {
		at, ok := L.GetStack(level)
		if !ok {
			break
		}
		L.GetInfo("Sln", at, nil)
		if strings.HasPrefix(at.Name, "(") && at.What == "G" {
			continue
		}
		f := Frame{Function: at.Name}
		switch at.What {
		case "G":
			if limit == 1 {
				continue
			}
		case "main":
			f.File, f.Line, f.Function = at.Source, max(at.CurrentLine, at.LineDefined), "main"
			if at.LineDefined > 0 {
				f.Function = "function at line " + strconv.Itoa(at.LineDefined)
			}
		default:
			f.File, f.Line = at.Source, max(at.CurrentLine, at.LineDefined)
			if strings.HasPrefix(f.Function, "<") || f.Function == "?" {
				f.Function = "function at line " + strconv.Itoa(at.LineDefined)
			}
		}
		frames = append(frames, f)
		if at.What == "tail" {
			break // levels after tail calls cannot be told apart
		}
	}
	return frames
}

// Threads are the interpreter's threads that run, innermost first, beginning
// with L: a protected call has one of its own.
func (s *State) Threads(L *lua.LState) []*lua.LState {
	list := []*lua.LState{L}
	for i := len(s.threads.active) - 1; i >= 0; i-- {
		if s.threads.active[i] != L {
			list = append(list, s.threads.active[i])
		}
	}
	return list
}
