package debug

import (
	"fmt"
	"regexp"

	"github.com/google/go-dap"
	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/host"
)

// breakpoint is a line at which to stop, or to write something.
type breakpoint struct {
	condition string
	log       string
}

// step is when a script that goes on stops again.
type step uint8

const (
	run   step = iota // at a breakpoint
	next              // at the next line of the same function, or of one that called it
	into              // at the next line
	outOf             // at the next line of a function that called it
)

// thread is a script's state that has been stopped at least once. All but the
// channels belongs to the state's goroutine.
type thread struct {
	id      int
	stopped bool // guarded by the session's mu
	state   *host.State
	at      *lua.LState // that is stopped
	do      chan func() // what the editor asks, run while stopped
	goOn    chan step
	step    step
	depth   int // of calls, when it went on
	values  references
	asking  bool // an expression of the editor's is being computed
}

// Line is host.Options.Line.
func (s *Session) Line(state *host.State, L *lua.LState, file string, line int) {
	if s.context.Err() != nil {
		L.RaiseError("the debugger has left")
	}
	s.mu.Lock()
	b, breaks := s.breakpoints[file][line]
	t := s.threads[s.ids[state]]
	if t != nil && t.asking {
		s.mu.Unlock()
		return
	}
	why := ""
	switch {
	case s.pausing:
		why, s.pausing = "pause", false
	case s.entry:
		why, s.entry = "entry", false
	case t != nil && t.steps(L):
		why = "step"
	}
	if t == nil && (breaks || why != "") {
		t = s.register(state)
	}
	s.mu.Unlock()
	if t == nil {
		return
	}
	t.at = L
	if breaks && t.meets(b) {
		if b.log == "" {
			why = "breakpoint"
		} else {
			fmt.Fprintln(outputs{s, "console"}, t.fill(b.log))
		}
	}
	if why != "" {
		s.stop(t, why)
	}
}

// register makes a state known to the editor; s.mu is held.
func (s *Session) register(state *host.State) *thread {
	t := &thread{id: len(s.ids) + 1, state: state, do: make(chan func()), goOn: make(chan step)}
	s.ids[state] = t.id
	s.threads[t.id] = t
	return t
}

// stop waits until the editor lets the script go on.
func (s *Session) stop(t *thread, why string) {
	began := s.clock.Now()
	t.values = references{thread: t.id}
	s.mu.Lock()
	t.stopped = true
	s.mu.Unlock()
	s.send(&dap.StoppedEvent{Event: event("stopped"), Body: dap.StoppedEventBody{Reason: why, ThreadId: t.id, AllThreadsStopped: true}})
	for {
		select {
		case f := <-t.do:
			f()
			continue
		case t.step = <-t.goOn:
		case <-s.context.Done():
		}
		break
	}
	t.depth = t.calls()
	t.state.Waited(s.clock.Now().Sub(began))
	t.state.Refuel()
}

// steps reports whether a step ends at the line that L has come to.
func (t *thread) steps(L *lua.LState) bool {
	if t.step == run {
		return false
	}
	if t.step == into {
		return true
	}
	t.at = L
	depth := t.calls()
	return depth < t.depth || t.step == next && depth == t.depth
}

// calls is how deep the script's calls are nested.
func (t *thread) calls() int {
	n := 0
	for _, L := range t.state.Threads(t.at) {
		for level := 0; ; level++ {
			if _, ok := L.GetStack(level); !ok {
				break
			}
			n++
		}
	}
	return n
}

// meets reports whether the condition holds; one that fails counts as true, so
// that its mistake is noticed.
func (t *thread) meets(b breakpoint) bool {
	if b.condition == "" {
		return true
	}
	v, err := t.value(0, b.condition)
	return err != nil || lua.LVAsBool(v)
}

var braces = regexp.MustCompile(`\{[^{}]*\}`)

// fill replaces each {expression} in the text of a log point.
func (t *thread) fill(text string) string {
	return braces.ReplaceAllStringFunc(text, func(s string) string {
		v, err := t.value(0, s[1:len(s)-1])
		if err != nil {
			return s
		}
		return show(v)
	})
}

// resume lets a stopped script go on.
func (s *Session) resume(r *dap.Request, id int, response dap.Message, how step) {
	t := s.thread(id)
	if t == nil {
		s.refuse(r, "that script is not stopped")
		return
	}
	s.mu.Lock()
	t.stopped = false
	s.mu.Unlock()
	s.send(response)
	select {
	case t.goOn <- how:
	case <-s.context.Done():
	}
}

// thread is a script that is stopped, nil where it is not.
func (s *Session) thread(id int) *thread {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.threads[id]; t != nil && t.stopped {
		return t
	}
	return nil
}

func (s *Session) listThreads() []dap.Thread {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []dap.Thread{}
	for id := 1; id <= len(s.ids); id++ {
		list = append(list, dap.Thread{Id: id, Name: fmt.Sprintf("script %d", id)})
	}
	return list
}

// inspect has f run on the goroutine of a stopped script, and sends what it returns.
func (s *Session) inspect(r *dap.Request, id int, f func(*thread) dap.Message) {
	t := s.thread(id)
	if t == nil {
		s.refuse(r, "that script is not stopped")
		return
	}
	done := make(chan dap.Message, 1)
	select {
	case t.do <- func() { done <- f(t) }:
		s.send(<-done)
	case <-s.context.Done():
	}
}

func (s *Session) setBreakpoints(m *dap.SetBreakpointsRequest) {
	file := s.name(m.Arguments.Source.Path)
	set := map[int]breakpoint{}
	list := []dap.Breakpoint{}
	for _, b := range m.Arguments.Breakpoints {
		set[b.Line] = breakpoint{condition: b.Condition, log: b.LogMessage}
		list = append(list, dap.Breakpoint{Verified: true, Line: b.Line, Source: &m.Arguments.Source})
	}
	s.mu.Lock()
	s.breakpoints[file] = set
	s.mu.Unlock()
	s.send(&dap.SetBreakpointsResponse{Response: answer(m.GetRequest()), Body: dap.SetBreakpointsResponseBody{Breakpoints: list}})
}

func (s *Session) evaluate(m *dap.EvaluateRequest) {
	r := m.GetRequest()
	s.inspect(r, threadOf(m.Arguments.FrameId), func(t *thread) dap.Message {
		v, err := t.value(frameOf(m.Arguments.FrameId), m.Arguments.Expression)
		if err != nil {
			response := answer(r)
			response.Success, response.Message = false, err.Error()
			return &dap.ErrorResponse{Response: response}
		}
		one := t.variable("", v)
		return &dap.EvaluateResponse{Response: answer(r), Body: dap.EvaluateResponseBody{Result: one.Value, Type: one.Type, VariablesReference: one.VariablesReference}}
	})
}
