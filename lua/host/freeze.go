package host

import lua "github.com/yuin/gopher-lua"

// freezer makes values read-only, so that many states can share them.
//
// A frozen table is shown to scripts as a proxy: an empty table whose metatable
// reads from the real one and refuses to be written. (A metatable on the real
// table could not refuse: the interpreter asks it only about keys that are not
// there yet.)
//
// There is one freezer for what all Versions share, and one on top of it for each
// Version with files that are shared. Once a Version serves, its freezer is only
// read.
type freezer struct {
	below   *freezer // whose values are frozen already
	proxies map[*lua.LTable]*lua.LTable
	reals   map[*lua.LTable]*lua.LTable
	shared  map[lua.LValue]struct{}
	refuse  *lua.LFunction // __newindex of proxies
	length  *lua.LFunction // __len of proxies
}

func newFreezer(below *freezer) *freezer {
	f := &freezer{
		below:   below,
		proxies: map[*lua.LTable]*lua.LTable{},
		reals:   map[*lua.LTable]*lua.LTable{},
		shared:  map[lua.LValue]struct{}{},
	}
	if below != nil {
		f.refuse, f.length = below.refuse, below.length
	}
	return f
}

// freeze makes v, and all that is reachable from it, read-only and shared, and
// returns what to show for it.
func (f *freezer) freeze(v lua.LValue) lua.LValue {
	switch v := v.(type) {
	case *lua.LTable:
		if proxy := f.proxyOf(v); proxy != nil {
			return proxy
		}
		if f.isProxy(v) {
			return v
		}
		return f.freezeTable(v)
	case *lua.LFunction:
		f.freezeFunction(v)
	case *lua.LUserData:
		f.share(v)
	}
	return v
}

func (f *freezer) share(v lua.LValue) {
	if !f.isFrozen(v) {
		f.shared[v] = struct{}{}
	}
}

func (f *freezer) freezeTable(real *lua.LTable) *lua.LTable {
	proxy, meta := &lua.LTable{}, &lua.LTable{}
	meta.Metatable = lua.LNil
	proxy.Metatable = meta
	f.proxies[real], f.reals[proxy] = proxy, real
	for _, v := range []lua.LValue{real, proxy, meta} {
		f.share(v)
	}
	if own, ok := real.Metatable.(*lua.LTable); ok {
		if !f.isFrozen(own) {
			f.freezeFields(own)
			f.share(own)
		}
		own.ForEach(func(event, handler lua.LValue) { meta.RawSet(event, handler) })
	}
	meta.RawSetString("__index", real)
	if meta.RawGetString("__newindex") == lua.LNil {
		meta.RawSetString("__newindex", f.refuse)
	}
	if meta.RawGetString("__len") == lua.LNil {
		meta.RawSetString("__len", f.length)
	}
	meta.RawSetString("__metatable", lua.LString("shared"))
	f.freezeFields(real)
	return proxy
}

// freezeFields freezes the values of a table that itself stays as it is.
func (f *freezer) freezeFields(table *lua.LTable) {
	type field struct{ key, value lua.LValue }
	var fields []field
	table.ForEach(func(key, value lua.LValue) { fields = append(fields, field{key, value}) })
	for _, one := range fields {
		if frozen := f.freeze(one.value); frozen != one.value {
			table.RawSet(one.key, frozen)
		}
	}
}

// freezeFunction freezes what a function keeps in its upvalues, and makes panics
// of Go functions errors of the script.
func (f *freezer) freezeFunction(fn *lua.LFunction) {
	if f.isFrozen(fn) {
		return
	}
	f.share(fn)
	if fn.IsG {
		fn.GFunction = shield(fn.GFunction)
	} else if !f.isFrozen(fn.Env) {
		f.share(fn.Env)
		f.freezeFields(fn.Env) // the global functions of the file
	}
	for _, up := range fn.Upvalues {
		if up == nil {
			continue
		}
		value := up.Value()
		if frozen := f.freeze(value); frozen != value {
			up.SetValue(frozen)
		}
	}
}

// real is the table behind a proxy, or table itself.
func (f *freezer) real(table *lua.LTable) *lua.LTable {
	if table.Metatable == lua.LNil {
		return table
	}
	for ; f != nil; f = f.below {
		if real, ok := f.reals[table]; ok {
			return real
		}
	}
	return table
}

func (f *freezer) isProxy(table *lua.LTable) bool { return f.real(table) != table }

// proxyOf is the proxy of a frozen table, nil where it has none.
func (f *freezer) proxyOf(real *lua.LTable) *lua.LTable {
	for ; f != nil; f = f.below {
		if proxy, ok := f.proxies[real]; ok {
			return proxy
		}
	}
	return nil
}

// isFrozen reports whether v was frozen here or below.
func (f *freezer) isFrozen(v lua.LValue) bool {
	if f == nil {
		return false
	}
	_, ok := f.shared[v]
	return ok || f.below.isFrozen(v)
}

// Fields is the table to read where scripts may pass one of the library's own,
// which show as empty to RawGet and ForEach. The result must not be changed.
func (s *State) Fields(table *lua.LTable) *lua.LTable { return s.frozen().real(table) }

// frozen is the freezer of what the state shares with others.
func (s *State) frozen() *freezer {
	if f := s.version.frozen; f != nil {
		return f
	}
	return s.host.template.freezer
}

// isShared reports whether v belongs to more than this state.
func (s *State) isShared(v lua.LValue) bool {
	t := s.host.template
	return v == t.globals || v == t.envMeta || v == t.strings || s.frozen().isFrozen(v)
}

func refuseStore(L *lua.LState) int {
	L.RaiseError("cannot set %q: this table belongs to the library, or to a file that is shared by all calls", L.Get(2).String())
	return 0
}

func lengthOfShared(L *lua.LState) int {
	L.Push(lua.LNumber(FromLua(L).Fields(L.CheckTable(1)).Len()))
	return 1
}
