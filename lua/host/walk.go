package host

import (
	"sync"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// walker adds up what a state can reach and does not share with others.
type walker struct {
	state     *State
	tables    map[*lua.LTable]struct{}
	functions map[*lua.LFunction]struct{}
	others    map[lua.LValue]struct{}
	strings   map[*byte]struct{}
	pending   []lua.LValue // seen and not opened yet
	bytes     int
	visited   int
}

var walkers = sync.Pool{New: func() any {
	return &walker{
		tables:    map[*lua.LTable]struct{}{},
		functions: map[*lua.LFunction]struct{}{},
		others:    map[lua.LValue]struct{}{},
		strings:   map[*byte]struct{}{},
	}
}}

func (w *walker) reset() {
	clear(w.tables)
	clear(w.functions)
	clear(w.others)
	clear(w.strings)
	clear(w.pending)
	w.state, w.pending, w.bytes, w.visited = nil, w.pending[:0], 0, 0
}

// measure is the size of what s can reach, or something more than enough.
func (w *walker) measure(s *State, enough int) int {
	w.state = s
	clear(s.removed) // it must not keep tables alive
	for _, thread := range s.threads.active {
		w.stack(thread)
	}
	for _, c := range s.coroutines {
		w.add(c.function)
		for _, thread := range c.waiting {
			w.stack(thread)
		}
	}
	for b := range s.branches {
		for _, v := range b.results {
			w.add(v)
		}
	}
	for _, ran := range s.entries {
		for _, d := range ran.declared {
			w.add(d.function)
		}
	}
	for _, m := range s.modules {
		w.add(m.result)
	}
	if s.typed != nil {
		w.add(s.typed)
	}
	for len(w.pending) > 0 && w.bytes <= enough {
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
		if f, err := thread.GetInfo("fS", at, nil); err == nil {
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
		if at.What == "tail" {
			level = w.afterTailCalls(thread, level)
		}
	}
}

// afterTailCalls skips the levels that tail calls count as: they lead to the
// outermost call, which is added here.
func (w *walker) afterTailCalls(thread *lua.LState, level int) int {
	for step := 1; ; step *= 2 {
		at, ok := thread.GetStack(level + step)
		if !ok {
			return level + step
		}
		thread.GetInfo("S", at, nil)
		if at.What != "main" || step > 1<<30 {
			return level
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
	case *lua.LTable:
		if _, again := w.tables[v]; again || v.Metatable != lua.LNil && w.state.isShared(v) {
			return
		}
		w.tables[v] = struct{}{}
		w.pending = append(w.pending, v)
	case *lua.LFunction:
		if v == nil {
			return
		}
		if _, again := w.functions[v]; again || w.state.isShared(v) {
			return
		}
		w.functions[v] = struct{}{}
		w.pending = append(w.pending, v)
	case *lua.LUserData, *lua.LState:
		if _, again := w.others[v]; again || w.state.isShared(v) {
			return
		}
		w.others[v] = struct{}{}
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
	if _, again := w.strings[start]; !again {
		w.strings[start] = struct{}{}
		w.bytes += len(v)
	}
}

// open counts what v consists of.
func (w *walker) open(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		w.bytes += emptyTable + v.MaxN()*slotBytes
		if meta, ok := v.Metatable.(*lua.LTable); ok && !w.state.isShared(meta) {
			w.add(meta)
		}
		v.ForEach(func(key, value lua.LValue) {
			if n, ok := key.(lua.LNumber); !ok || !isArrayIndex(n) {
				w.bytes += entryBytes
				w.add(key)
			}
			w.add(value)
		})
	case *lua.LFunction:
		w.bytes += closureBytes
		if v.Env != nil && !w.state.isShared(v.Env) {
			w.add(v.Env)
		}
		for _, up := range v.Upvalues {
			w.bytes += closureBytes
			if up != nil {
				w.add(up.Value())
			}
		}
	case *lua.LUserData:
		w.bytes += closureBytes
	}
}

// isArrayIndex tells keys that live in a table's array.
func isArrayIndex(n lua.LNumber) bool {
	return n >= 1 && n < lua.LNumber(lua.MaxArrayIndex) && n == lua.LNumber(int(n))
}
