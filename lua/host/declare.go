package host

import lua "github.com/yuin/gopher-lua"

// Ref stands for a function that a script declared, in every state of the
// Version. The zero Ref stands for nothing. Refs can be compared.
type Ref struct{ d *declaration }

// declaration is found again, when its file runs again, by its key and by how
// many of the same key came before it.
type declaration struct {
	entry      *script
	key        declarationKey
	occurrence int
	file       string // where Declare was called
	line       int
	shared     *lua.LFunction // the function itself, where its file is shared
}

// declarationKey tells declarations apart: the unit is the file or module whose
// body made it.
type declarationKey struct {
	unit       *script
	kind, name string
}

// run is what one entry file declared in a state, in order.
type run struct {
	declared []declared
	counts   map[declarationKey]int // while loading
}

type declared struct {
	key      declarationKey
	function *lua.LFunction
}

// find is the function of the declaration with that key that has as many of the
// same before it.
func (r *run) find(key declarationKey, occurrence int) (*lua.LFunction, bool) {
	for i := range r.declared {
		if r.declared[i].key != key {
			continue
		}
		if occurrence == 0 {
			return r.declared[i].function, true
		}
		occurrence--
	}
	return nil, false
}

// share freezes the functions that shared files declared in a state that has
// loaded, for all states of the Version.
func (v *Version) share(s *State) {
	if len(s.shared) == 0 {
		return
	}
	if v.frozen == nil {
		v.frozen = newFreezer(v.host.template.freezer)
	}
	for _, d := range s.shared {
		v.frozen.freeze(d.shared)
	}
}

// IsZero reports whether r stands for nothing.
func (r Ref) IsZero() bool { return r.d == nil }

// Where is the place in the scripts that declared the function.
func (r Ref) Where() (file string, line int) {
	if r.d == nil {
		return "", 0
	}
	return r.d.file, r.d.line
}

// Declare is called by functions that take a script's function to be called
// later: an extension, a hook. While Collecting it returns the Ref by which any
// state of the Version can Call the function; otherwise the zero Ref. kind and
// name tell declarations apart for people; the same ones may be used again. fn
// may be nil.
func (s *State) Declare(L *lua.LState, kind, name string, fn *lua.LFunction) Ref {
	ran := s.entries[s.entry]
	if ran == nil {
		return Ref{} // a function of a call declares something: too late
	}
	key := declarationKey{unit: s.unit, kind: kind, name: name}
	ran.declared = append(ran.declared, declared{key, fn})
	if !s.Collecting() {
		return Ref{}
	}
	if ran.counts == nil {
		ran.counts = map[declarationKey]int{}
	}
	d := &declaration{entry: s.entry, key: key, occurrence: ran.counts[key]}
	ran.counts[key]++
	d.file, d.line = s.Where(L)
	if s.unit != nil && s.unit.isShared() && fn != nil {
		d.shared = fn
		s.shared = append(s.shared, d)
	}
	if show := s.host.options.Declared; show != nil {
		show(Ref{d}, fn)
	}
	return Ref{d}
}
