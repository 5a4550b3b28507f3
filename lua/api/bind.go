package api

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/host"
)

// bind makes the Lua function of an entry: it checks the phase and the
// arguments against the table, then calls the Go function. State is that of
// the script that calls, which need not be the one it was made in.
func (api *API) bind(e *Entry) lua.LGFunction {
	base := 1
	if e.IsMethod() {
		base = 2
	}
	steps := e.steps()
	return func(L *lua.LState) int {
		a := &Args{L: L, State: host.FromLua(L), api: api, entry: e, base: base}
		a.checkPhase()
		if base == 2 {
			a.checkSelf()
		}
		if e.Curried && !a.State.Collecting() {
			return a.swallow()
		}
		for i := range e.Params {
			a.checkParam(i, &e.Params[i])
		}
		if e.Curried && L.GetTop() < base+1 {
			return a.curry()
		}
		if steps {
			a.remember()
			if api.services.Trace != nil {
				a.step()
			}
		}
		n := e.Func(a)
		a.charge(n)
		return n
	}
}

// charge counts long texts among the results towards the script's memory. What
// holds tables of them charges by itself.
func (a *Args) charge(results int) {
	for i := 1; i <= results; i++ {
		if s, ok := a.L.Get(-i).(lua.LString); ok && len(s) > 1024 {
			a.State.CheckLength(a.L, len(s))
		}
	}
}

// curry returns the function that takes the second argument of
// sip.phone "1001" { … }.
func (a *Args) curry() int {
	name, e, api := a.L.Get(1), a.entry, a.api
	done := a.site().pending(e.Label()+` "`+name.String()+`"`, a.Source())
	a.L.Push(a.L.NewFunction(func(L *lua.LState) int {
		options := L.Get(1)
		L.SetTop(0)
		L.Push(name)
		L.Push(options)
		b := &Args{L: L, State: host.FromLua(L), api: api, entry: e, base: 1}
		b.checkParam(1, &e.Params[1])
		done()
		return e.Func(b)
	}))
	return 1
}

// swallow is what a curried declaration does while a call is served: nothing,
// twice.
func (a *Args) swallow() int {
	if a.L.GetTop() < 2 {
		a.L.Push(a.L.NewFunction(func(*lua.LState) int { return 0 }))
		return 1
	}
	return 0
}

// Args are the arguments of one call of an entry. Methods that take an index
// count the entry's parameters from 0.
type Args struct {
	L     *lua.LState
	State *host.State
	api   *API
	entry *Entry
	base  int
}

// Fail raises an error at the script's line. It does not return.
func (a *Args) Fail(format string, args ...any) {
	a.L.RaiseError("%s: "+format, append([]any{a.entry.Label()}, args...)...)
}

func (a *Args) checkPhase() {
	if a.entry.Phase == Running && a.State.Phase() == host.Loading {
		a.Fail("cannot be used while scripts are loaded; it belongs into a function that serves a call")
	}
}

func (a *Args) checkSelf() {
	ud, ok := a.L.Get(1).(*lua.LUserData)
	if ok && ud.Value != nil && className(ud.Value) == a.entry.On {
		return
	}
	a.Fail("must be called with a colon: %s:%s(…)", a.entry.On, a.entry.Name)
}

func (a *Args) checkParam(i int, p *Field) {
	if p.Variadic {
		for n := a.base + i; n <= a.L.GetTop(); n++ {
			a.check(p.Name, p.Type, a.L.Get(n))
		}
		return
	}
	v := a.Value(i)
	if v == lua.LNil {
		if p.Required && !(a.entry.Curried && i == 1 && a.L.GetTop() < a.base+1) {
			a.Fail("%s is required (%s)", p.Name, p.Type)
		}
		return
	}
	a.check(p.Name, p.Type, v)
}

// check raises an error unless v is of type t.
func (a *Args) check(name string, t Type, v lua.LValue) {
	if shared, ok := v.(*lua.LTable); ok {
		v = a.State.Fields(shared)
	}
	if complaint := t.complain(name, v); complaint != "" {
		a.Fail("%s", complaint)
	}
}

// Source is the script's file and line.
func (a *Args) Source() string {
	return strings.TrimSuffix(strings.TrimSpace(a.L.Where(1)), ":")
}

// Value is argument i, nil where there is none.
func (a *Args) Value(i int) lua.LValue { return a.L.Get(a.base + i) }

// Has reports whether argument i was given.
func (a *Args) Has(i int) bool { return a.Value(i) != lua.LNil }

// String is argument i, or its default.
func (a *Args) String(i int) string { return asString(a.Value(i), a.entry.Params[i].Default) }

// Number is argument i, or its default.
func (a *Args) Number(i int) float64 { return asNumber(a.Value(i), a.entry.Params[i].Default) }

// Int is argument i, or its default.
func (a *Args) Int(i int) int { return int(a.Number(i)) }

// Seconds is argument i, or its default, as a duration.
func (a *Args) Seconds(i int) time.Duration { return inSeconds(a.Number(i)) }

// Bool is argument i, or its default.
func (a *Args) Bool(i int) bool { return asBool(a.Value(i), a.entry.Params[i].Default) }

// Function is argument i; nil where there is none.
func (a *Args) Function(i int) *lua.LFunction {
	f, _ := a.Value(i).(*lua.LFunction)
	return f
}

// Options is argument i as a table of options; all of them have their defaults
// where it is not a table.
func (a *Args) Options(i int) Options {
	t, _ := a.Value(i).(*lua.LTable)
	if t != nil {
		t = a.State.Fields(t)
	}
	return Options{args: a, t: t, kind: a.entry.Params[i].Type}
}
