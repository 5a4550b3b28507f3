package host

import (
	"errors"
	"fmt"
	"io/fs"

	lua "github.com/yuin/gopher-lua"
)

// template holds what all states of a Host share, and never change: the standard
// library, the Library and the library modules written in Lua.
type template struct {
	host    *Host
	L       *lua.LState
	state   *State
	globals *lua.LTable // the real table of what every script sees
	envMeta *lua.LTable // metatable of each file's globals
	guards  map[string]*lua.Upvalue
	strings *lua.LTable // metatable of strings
	known   globals
	modules map[string]lua.LValue // of Lib, by name; proxies
	*freezer
}

// newTemplate installs everything and freezes it.
func newTemplate(h *Host) (*template, error) {
	t := &template{
		host:    h,
		modules: map[string]lua.LValue{},
		freezer: newFreezer(nil),
	}
	h.template = t
	t.L = h.newInterpreter()
	t.L.G.Registry, t.L.G.Global = t.L.NewTable(), t.L.NewTable()
	t.L.Env = t.L.G.Global
	t.state = h.newState(t.L, newVersion(h, 0), Loading)
	t.state.Refuel()

	t.installStandard()
	if h.options.Library != nil {
		if err := t.state.install(h.options.Library); err != nil {
			return nil, fmt.Errorf("install the Lua library: %w", err)
		}
	}
	t.globals = t.L.G.Global
	t.envMeta = t.L.CreateTable(0, 1)
	t.envMeta.RawSetString("__index", t.globals)
	t.makeGuards()
	t.freezeGlobals()
	if h.options.Lib != nil {
		if err := t.loadLib(h.options.Lib); err != nil {
			return nil, fmt.Errorf("load the Lua library's modules: %w", err)
		}
	}
	return t, nil
}

// install runs the Library's Install and makes an error of a panic.
func (s *State) install(l Library) (err error) {
	if thrown := s.protect(func() { err = l.Install(s.main) }); thrown != nil {
		return thrown
	}
	return err
}

// environment makes the globals of one file: its own functions, and behind them
// the library.
func (t *template) environment() *lua.LTable {
	return &lua.LTable{Metatable: t.envMeta}
}

func (t *template) makeGuards() {
	t.guards = map[string]*lua.Upvalue{}
	for name, f := range map[string]lua.LGFunction{
		nameConcat: guardedConcat,
		nameTable:  guardedTable,
		nameStore:  guardedStore,
		nameSingle: guardedSingle,
		nameLine:   guardedLine,
	} {
		holder := t.L.NewClosure(nil, t.L.NewFunction(shield(f)))
		t.guards[name] = holder.Upvalues[0]
		t.shared[holder.Upvalues[0].Value()] = struct{}{}
	}
}

// freezeGlobals replaces every table among the globals by its proxy and notes
// what there is, for the analysis of scripts.
func (t *template) freezeGlobals() {
	t.refuse, t.length = t.L.NewFunction(refuseStore), t.L.NewFunction(lengthOfShared)
	t.known = globals{}
	t.freezeFields(t.globals)
	t.globals.ForEach(func(key, value lua.LValue) { t.note(key.String(), value) })
}

// note adds a global to what the analysis knows.
func (t *template) note(name string, value lua.LValue) {
	t.known[name] = nil
	table, ok := value.(*lua.LTable)
	if !ok {
		return
	}
	real := t.real(table)
	if meta, ok := real.Metatable.(*lua.LTable); ok && meta.RawGetString("__index") != lua.LNil {
		return // more members than can be seen
	}
	members := map[string]bool{}
	real.ForEach(func(key, _ lua.LValue) {
		if s, ok := key.(lua.LString); ok {
			members[string(s)] = true
		}
	})
	t.known[name] = members
}

// loadLib compiles and runs every module of the library, in the template state.
func (t *template) loadLib(lib fs.FS) error {
	r := reader{limits: &t.host.options.Limits, site: &site{modules: map[string]*source{}, files: map[string]*source{}}}
	sources, err := r.readTree(lib, "lib")
	if err != nil {
		return err
	}
	for _, name := range t.host.options.Globals {
		t.known[name] = nil // their members are known once they have run
	}
	v := t.state.version
	var wrong ScriptErrors
	for _, src := range sources {
		file, err := library.compile(src, true, false)
		if err != nil {
			wrong = appendErrors(wrong, err)
			continue
		}
		wrong = append(wrong, faults(file.analyse(t.known))...)
		v.files[src.name] = file
		v.modules[moduleName(src.name[len("lib/"):])] = file
	}
	if len(wrong) > 0 {
		return wrong
	}
	for _, name := range keys(v.modules) {
		value, err := t.state.requireTop(v.modules[name])
		if err != nil {
			return err
		}
		t.modules[name] = t.freeze(value)
	}
	for _, name := range t.host.options.Globals {
		value, ok := t.modules[name]
		if !ok {
			return fmt.Errorf("no module %q to be a global", name)
		}
		t.globals.RawSetString(name, value)
		t.note(name, value)
	}
	return nil
}

func faults(findings []*Finding) ScriptErrors {
	var list ScriptErrors
	for _, f := range findings {
		if !f.Warning {
			list = append(list, f)
		}
	}
	return list
}

// appendErrors adds the script errors in err.
func appendErrors(list ScriptErrors, err error) ScriptErrors {
	var many ScriptErrors
	var one *ScriptError
	switch {
	case errors.As(err, &many):
		return append(list, many...)
	case errors.As(err, &one):
		return append(list, one)
	}
	return append(list, &ScriptError{Message: err.Error(), cause: err})
}
