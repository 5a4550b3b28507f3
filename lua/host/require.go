package host

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// module is a file that has run, or is running, as a module in a state.
type module struct {
	result  lua.LValue
	running bool
}

// requireModule is the function require: it finds a module in the state's
// Version, then in the library, and runs it once.
func requireModule(L *lua.LState) int {
	name := L.CheckString(1)
	s := FromLua(L)
	if file := s.version.modules[name]; file != nil {
		L.Push(s.require(L, name, file))
		return 1
	}
	if value, ok := s.host.template.modules[name]; ok {
		L.Push(value)
		return 1
	}
	known := append(keys(s.version.modules), keys(s.host.template.modules)...)
	path := strings.ReplaceAll(name, ".", "/")
	L.RaiseError("there is no module %q: neither scripts/%s.lua nor a plugin or library module of that name%s",
		name, path, didYouMean(name, known))
	return 0
}

// require runs file as a module, unless it has run in this state.
func (s *State) require(L *lua.LState, name string, file *script) lua.LValue {
	if m := s.modules[file]; m != nil {
		if m.running {
			L.RaiseError("module %q is required while it is still running: two modules require each other", name)
		}
		return m.result
	}
	if file == s.entry {
		L.RaiseError("%s requires itself", file.name)
	}
	m := s.startModule(file)
	unit := s.unit
	s.unit = file
	foreign := s.declaredElsewhere(file)
	if foreign {
		s.muted++
	}
	defer func() {
		s.unit = unit
		if foreign {
			s.muted--
		}
		if m.running {
			delete(s.modules, file) // it failed, and may be tried again
		}
	}()
	L.Push(s.fileFunction(file))
	L.Push(lua.LString(name))
	L.Call(1, 1)
	m.result, m.running = moduleResult(L.Get(-1)), false
	L.Pop(1)
	return m.result
}

func (s *State) startModule(file *script) *module {
	if s.modules == nil {
		s.modules = map[*script]*module{}
	}
	m := &module{running: true}
	s.modules[file] = m
	return m
}

// keepModule makes the result of an entry file what require gives for it.
func (s *State) keepModule(file *script, results []lua.LValue) {
	m := s.startModule(file)
	m.running = false
	m.result = lua.LTrue
	if len(results) > 0 {
		m.result = moduleResult(results[0])
	}
}

func moduleResult(v lua.LValue) lua.LValue {
	if v == lua.LNil {
		return lua.LTrue
	}
	return v
}

// declaredElsewhere reports whether the declarations of file are collected when
// another entry runs: it is an entry itself, or an earlier one required it.
func (s *State) declaredElsewhere(file *script) bool {
	if s.phase != Loading {
		return false
	}
	if s.version.isEntry(file) {
		return true
	}
	first, ok := s.version.required[file]
	if !ok {
		s.version.required[file] = s.entry
		return false
	}
	return first != s.entry
}

// requireTop runs a library module outside of any script.
func (s *State) requireTop(file *script) (value lua.LValue, err error) {
	if m := s.modules[file]; m != nil && !m.running {
		return m.result, nil
	}
	results, err := s.Invoke(s.main.NewFunction(func(L *lua.LState) int {
		L.Push(s.require(L, file.name, file))
		return 1
	}))
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

func (v *Version) isEntry(file *script) bool {
	for _, e := range v.entries {
		if e == file {
			return true
		}
	}
	return false
}
