package host

import (
	"runtime"

	lua "github.com/yuin/gopher-lua"
)

// coroutine is a thread of the interpreter on a goroutine of its own.
//
// The interpreter's own coroutines cannot yield from within a protected call, an
// iterator, a metamethod or the order of a sort, and fail to notice. Here the
// goroutine keeps all of that, and yielding is waiting for a channel. Still only
// one goroutine of a state runs at any time: the one that resumes waits.
type coroutine struct {
	state    *State
	function *lua.LFunction
	thread   *lua.LState
	outer    *coroutine // that resumed it, while it runs
	started  bool
	dead     bool
	branch   bool          // it is a Branch's, and no script may hold it
	waiting  []*lua.LState // its threads, while it is suspended
	resumed  chan []lua.LValue
	yielded  chan yielded
}

// yielded is how a coroutine gives control back.
type yielded struct {
	values []lua.LValue
	thrown any
	dead   bool
}

func (t *template) installCoroutines() {
	library := t.L.CreateTable(0, 8)
	for name, f := range map[string]lua.LGFunction{
		"create": coroutineCreate, "wrap": coroutineWrap, "resume": coroutineResume,
		"yield": coroutineYield, "status": coroutineStatus, "running": coroutineRunning,
	} {
		library.RawSetString(name, t.L.NewFunction(f))
	}
	t.L.SetGlobal("coroutine", library)
}

func newCoroutine(L *lua.LState, f *lua.LFunction) *coroutine {
	s := FromLua(L)
	if len(s.coroutines) >= s.host.options.Limits.Coroutines {
		L.RaiseError("more than %d coroutines that have not ended", s.host.options.Limits.Coroutines)
	}
	s.meter.spend(threadWork)
	s.Reserve(L, 3*threadBytes)
	thread, _ := s.main.NewThread()
	s.threads.adopt(thread)
	c := &coroutine{state: s, function: f, thread: thread,
		resumed: make(chan []lua.LValue), yielded: make(chan yielded)}
	if s.coroutines == nil {
		s.coroutines = map[*lua.LState]*coroutine{}
	}
	s.coroutines[thread] = c
	return c
}

func coroutineCreate(L *lua.LState) int {
	L.Push(newCoroutine(L, L.CheckFunction(1)).thread)
	return 1
}

func coroutineWrap(L *lua.LState) int {
	c := newCoroutine(L, L.CheckFunction(1))
	L.Push(L.NewFunction(func(L *lua.LState) int {
		values, thrown := c.resume(L, arguments(L, 1))
		if thrown != nil {
			panic(thrown)
		}
		return push(L, values)
	}))
	return 1
}

func coroutineResume(L *lua.LState) int {
	s, thread := FromLua(L), L.CheckThread(1)
	c := s.coroutines[thread]
	if c == nil {
		L.Push(lua.LFalse)
		L.Push(lua.LString("the coroutine has ended"))
		return 2
	}
	values, thrown := c.resume(L, arguments(L, 2))
	if thrown != nil {
		s.failure.trace = nil
		L.Push(lua.LFalse)
		L.Push(thrown.Object)
		return 2
	}
	L.Push(lua.LTrue)
	return 1 + push(L, values)
}

// resume runs c until it yields, ends or fails. What a script cannot catch goes
// on from here.
func (c *coroutine) resume(L *lua.LState, values []lua.LValue) ([]lua.LValue, *lua.ApiError) {
	s := c.state
	switch {
	case c.dead:
		return nil, s.failed(L, "the coroutine has ended")
	case c.outer != nil || c == s.coroutine:
		return nil, s.failed(L, "the coroutine is running already")
	case len(s.threads.active) >= maxThreads:
		return nil, s.failed(L, "coroutines are nested too deeply")
	}
	y := c.advance(values)
	if y.thrown != nil {
		raised := s.caught(c.thread, y.thrown)
		s.passOn(raised)
		return nil, raised
	}
	return y.values, nil
}

// advance lets c run until it yields or ends.
func (c *coroutine) advance(values []lua.LValue) yielded {
	s := c.state
	outer, base := s.coroutine, len(s.threads.active)
	c.outer, s.coroutine = outer, c
	if c.started {
		s.threads.active = append(s.threads.active, c.waiting...)
		c.resumed <- values
	} else {
		c.started = true
		s.threads.active = append(s.threads.active, c.thread)
		go c.run(values)
	}
	y := <-c.yielded
	c.waiting = append(c.waiting[:0], s.threads.active[base:]...)
	s.threads.active = s.threads.active[:base]
	c.outer, s.coroutine = nil, outer
	s.meter.spend(threadWork / 10)
	if y.dead {
		c.dead, c.waiting = true, nil
		delete(s.coroutines, c.thread)
	}
	return y
}

// failed is an error for the function that called into the library.
func (s *State) failed(L *lua.LState, message string) *lua.ApiError {
	return &lua.ApiError{Type: lua.ApiErrorRun, Object: lua.LString(L.Where(1) + " " + message)}
}

// run is the coroutine's goroutine.
func (c *coroutine) run(values []lua.LValue) {
	last := yielded{dead: true}
	defer func() { c.yielded <- last }()
	if last.thrown = try(c.thread, c.function, values); last.thrown == nil {
		last.values = arguments(c.thread, 1)
	}
}

func coroutineYield(L *lua.LState) int {
	s := FromLua(L)
	c := s.coroutine
	if c == nil || c.branch {
		L.RaiseError("there is no coroutine here to yield from")
	}
	c.yielded <- yielded{values: arguments(L, 1)}
	values, ok := <-c.resumed
	if !ok {
		runtime.Goexit() // the state is being closed
	}
	return push(L, values)
}

func coroutineStatus(L *lua.LState) int {
	s := FromLua(L)
	c := s.coroutines[L.CheckThread(1)]
	status := "suspended"
	switch {
	case c == nil:
		status = "dead"
	case c == s.coroutine:
		status = "running"
	case c.isAround(s.coroutine):
		status = "normal"
	}
	L.Push(lua.LString(status))
	return 1
}

// isAround reports whether c resumed inner, or one that did.
func (c *coroutine) isAround(inner *coroutine) bool {
	for ; inner != nil; inner = inner.outer {
		if inner.outer == c {
			return true
		}
	}
	return false
}

func coroutineRunning(L *lua.LState) int {
	if c := FromLua(L).coroutine; c != nil && !c.branch {
		L.Push(c.thread)
		return 1
	}
	L.Push(lua.LNil)
	return 1
}

// endCoroutines ends the goroutines of coroutines that were not run to their end.
func (s *State) endCoroutines() {
	for thread, c := range s.coroutines {
		if c.started {
			close(c.resumed)
			<-c.yielded // its goroutine has nothing left to do but end
		}
		delete(s.coroutines, thread)
	}
}

// arguments are L's values from n on.
func arguments(L *lua.LState, n int) []lua.LValue {
	values := make([]lua.LValue, 0, max(0, L.GetTop()-n+1))
	for ; n <= L.GetTop(); n++ {
		values = append(values, L.Get(n))
	}
	return values
}

func push(L *lua.LState, values []lua.LValue) int {
	for _, v := range values {
		L.Push(v)
	}
	return len(values)
}
