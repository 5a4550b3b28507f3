package host

import lua "github.com/yuin/gopher-lua"

// Ref stands for a function that a script declared, in every state of the
// Version. The zero Ref stands for nothing. Refs can be compared.
type Ref struct{ d *declaration }

// declarationKey finds a declared function again when its file runs again: the
// unit is the file or module whose body declared it, and occurrence tells apart
// those of the same kind and name.
type declarationKey struct {
	unit       *script
	kind, name string
	occurrence int
}

type declaration struct {
	entry *script
	key   declarationKey
	file  string // where Declare was called
	line  int
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
// key tell declarations apart for people; the same ones may be used again. fn
// may be nil.
func (s *State) Declare(L *lua.LState, kind, key string, fn *lua.LFunction) Ref {
	if s.entry == nil {
		return Ref{}
	}
	ran := s.entries[s.entry]
	if ran == nil {
		return Ref{}
	}
	k := declarationKey{unit: s.unit, kind: kind, name: key}
	for i := range ran.declared {
		if d := &ran.declared[i].key; d.name == key && d.kind == kind && d.unit == s.unit {
			k.occurrence++
		}
	}
	ran.declared = append(ran.declared, declared{key: k, function: fn})
	if !s.Collecting() {
		return Ref{}
	}
	d := &declaration{entry: s.entry, key: k}
	d.file, d.line = s.Where(L)
	return Ref{d}
}
