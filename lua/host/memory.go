package host

import (
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// What values take, in bytes, counted generously.
const (
	slotBytes   = 16  // one value in an array or a stack
	boxBytes    = 16  // a number or a string's header outside of its slot
	entryBytes  = 160 // one entry of a table's hash part, with its place in the order
	tableBytes  = 2600
	emptyTable  = 112
	closureUnit = 80
	threadBytes = 4096
)

// memory bounds what a state's values take.
//
// Everything that a script makes is charged when it is made and never credited.
// When the charges reach an allowance, what is still reachable is measured, and
// that is the truth to start from again. So a script that makes much and keeps
// little is measured rarely, and one that keeps much is found out in time.
type memory struct {
	state     *State
	limit     int
	charged   int // since the last measurement
	live      int // by the last measurement
	allowance int // of charges until the next measurement
}

func (m *memory) reset(limit int) {
	m.limit, m.charged, m.live, m.allowance = limit, 0, 0, limit
}

// charge counts bytes about to be taken, and stops the script when it holds too
// much.
func (m *memory) charge(bytes int) {
	m.charged += bytes
	if m.charged >= m.allowance {
		m.measure(bytes)
	}
}

// measure finds out what is live; more is what is about to be added to it.
func (m *memory) measure(more int) {
	w := walker{state: m.state, seen: map[any]struct{}{}, limit: m.limit + m.limit/4}
	m.live = w.state.walk(&w)
	m.charged = 0
	m.allowance = max(m.limit-m.live, m.limit/4)
	if m.live+more > m.limit {
		m.state.meter.stop(ErrMemory)
	}
	m.state.meter.spend(int64(w.visited))
}

// Reserve counts bytes that a function of the library makes for the script, and
// raises an error when the script holds too much.
func (s *State) Reserve(L *lua.LState, bytes int) {
	s.memory.charge(bytes)
	if s.meter.stopped.Load() {
		s.raiseStopped(L)
	}
}

// Spend counts work that a function of the library does for the script, in
// Lua instructions' worth, and raises an error when the script has had enough.
func (s *State) Spend(L *lua.LState, instructions int) {
	s.meter.spend(int64(instructions))
	if s.meter.stopped.Load() {
		s.raiseStopped(L)
	}
}

func (s *State) raiseStopped(L *lua.LState) {
	L.RaiseError("%s", s.meter.Err().Error())
}

// walker adds up what is reachable.
type walker struct {
	state   *State
	seen    map[any]struct{}
	strings map[*byte]struct{}
	pending []lua.LValue
	bytes   int
	visited int
	limit   int // enough is known once this much was found
}

// walk measures everything that the state can reach and others do not share.
func (s *State) walk(w *walker) int {
	for _, thread := range s.threads.active {
		w.stack(thread)
	}
	for _, ran := range s.entries {
		for _, d := range ran.declared {
			w.add(d.function)
		}
	}
	for _, m := range s.modules {
		w.add(m.result)
	}
	for len(w.pending) > 0 && w.bytes <= w.limit {
		last := len(w.pending) - 1
		v := w.pending[last]
		w.pending = w.pending[:last]
		w.open(v)
	}
	return w.bytes
}

// stack adds what a thread's calls hold.
func (w *walker) stack(thread *lua.LState) {
	w.bytes += threadBytes
	if thread.IsClosed() {
		return
	}
	for level := 0; level <= 2*w.state.host.options.Limits.Depth; level++ {
		at, ok := thread.GetStack(level)
		if !ok {
			return
		}
		if f, err := thread.GetInfo("f", at, nil); err == nil {
			w.add(f)
		}
		for i := 1; ; i++ {
			name, v := thread.GetLocal(at, i)
			if name == "" {
				break
			}
			w.bytes += slotBytes
			w.add(v)
		}
	}
}

// add counts v and remembers it to be opened, once.
func (w *walker) add(v lua.LValue) {
	w.visited++
	switch v := v.(type) {
	case lua.LNumber:
		w.bytes += boxBytes / 2
	case lua.LString:
		w.addString(string(v))
	case *lua.LTable, *lua.LFunction, *lua.LUserData, *lua.LState:
		if w.state.host.template.isShared(v) {
			return
		}
		if _, again := w.seen[v]; again {
			return
		}
		w.seen[v] = struct{}{}
		w.pending = append(w.pending, v)
	}
}

// addString counts a long string once, however often it is referred to.
func (w *walker) addString(v string) {
	w.bytes += boxBytes
	if len(v) < 256 {
		w.bytes += len(v)
		return
	}
	start := unsafe.StringData(v)
	if _, again := w.strings[start]; again {
		return
	}
	if w.strings == nil {
		w.strings = map[*byte]struct{}{}
	}
	w.strings[start] = struct{}{}
	w.bytes += len(v)
}

// open counts what v consists of.
func (w *walker) open(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		w.bytes += emptyTable + v.MaxN()*slotBytes
		w.add(v.Metatable)
		v.ForEach(func(key, value lua.LValue) {
			if n, ok := key.(lua.LNumber); !ok || !isArrayIndex(n) {
				w.bytes += entryBytes
				w.add(key)
			}
			w.add(value)
		})
	case *lua.LFunction:
		w.bytes += closureUnit
		if v.Env != nil {
			w.add(v.Env)
		}
		for _, up := range v.Upvalues {
			w.bytes += closureUnit
			if up != nil {
				w.add(up.Value())
			}
		}
	case *lua.LUserData:
		w.bytes += closureUnit
	case *lua.LState:
		w.stack(v)
	}
}

// isArrayIndex tells keys that live in a table's array.
func isArrayIndex(n lua.LNumber) bool {
	return n >= 1 && n < lua.LNumber(lua.MaxArrayIndex) && n == lua.LNumber(int(n))
}
