package api

import (
	"math"
	"strconv"
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

// complain says what is wrong with v as a value of type t, "" for nothing.
func (t Type) complain(name string, v lua.LValue) string {
	if t.Kinds&kindAny != 0 {
		return ""
	}
	ok := false
	switch v := v.(type) {
	case lua.LBool:
		ok = t.Kinds&kindBool != 0
	case lua.LNumber:
		if t.Kinds&kindNumber != 0 {
			return t.complainNumber(name, float64(v))
		}
		ok = t.Kinds&kindString != 0
	case lua.LString:
		if t.Kinds&kindString != 0 {
			return t.complainWord(name, string(v))
		}
		if t.Kinds&kindNumber != 0 {
			if n, err := strconv.ParseFloat(strings.TrimSpace(string(v)), 64); err == nil {
				return t.complainNumber(name, n)
			}
		}
	case *lua.LFunction:
		ok = t.Kinds&kindFunction != 0
	case *lua.LTable:
		if t.Kinds&kindTable != 0 {
			return t.complainTable(name, v)
		}
	case *lua.LUserData:
		ok = t.Kinds&kindObject != 0 && strings.Contains(t.Class, className(v.Value))
	case *lua.LNilType:
		ok = t.Kinds&kindNil != 0
	}
	if ok {
		return ""
	}
	return name + " must be " + t.String() + ", got " + describe(v)
}

func (t Type) complainNumber(name string, n float64) string {
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return name + " must be a finite number"
	case t.Whole && n != math.Trunc(n):
		return name + " must be a whole number, got " + lua.LNumber(n).String()
	case t.Above && n < 0:
		return name + " must not be negative, got " + lua.LNumber(n).String()
	}
	return ""
}

func (t Type) complainWord(name, s string) string {
	if len(t.Words) == 0 || t.Kinds&kindObject != 0 {
		return ""
	}
	for _, w := range t.Words {
		if s == w {
			return ""
		}
	}
	return name + ` must be "` + strings.Join(t.Words, `", "`) + `", got "` + s + `"` + didYouMean(s, t.Words)
}

func (t Type) complainTable(name string, v *lua.LTable) string {
	complaint := ""
	v.ForEach(func(k, item lua.LValue) {
		if complaint != "" {
			return
		}
		switch key := k.(type) {
		case lua.LNumber:
			if t.Elem != nil {
				complaint = t.Elem.complain(name+"["+key.String()+"]", item)
			} else if t.Values == nil && len(t.Fields) > 0 {
				complaint = name + " takes named options, not a list; got " + describe(item)
			}
		case lua.LString:
			complaint = t.complainField(name, string(key), item)
		}
	})
	if complaint != "" {
		return complaint
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Required && v.RawGetString(f.Name) == lua.LNil {
			return f.Name + " is required (" + f.Type.String() + ")"
		}
	}
	return ""
}

func (t Type) complainField(name, key string, item lua.LValue) string {
	if f := t.field(key); f != nil {
		return f.Type.complain(key, item)
	}
	if t.Values != nil {
		return t.Values.complain(name+"."+key, item)
	}
	if len(t.Fields) == 0 {
		if t.Elem != nil {
			return name + " must be a list, got a table with the name '" + key + "'"
		}
		return ""
	}
	var known []string
	for i := range t.Fields {
		known = append(known, t.Fields[i].Name)
	}
	return "option '" + key + "' unknown" + didYouMean(key, known)
}

// describe names a value in a message.
func describe(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		if len(v) > 40 {
			return "a long string"
		}
		return strconv.Quote(string(v))
	case lua.LNumber, lua.LBool:
		return v.String()
	case *lua.LUserData:
		return "a " + className(v.Value)
	case *lua.LNilType:
		return "nothing"
	}
	return "a " + v.Type().String()
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

// Options reads the named fields of a table of options.
type Options struct {
	args *Args
	t    *lua.LTable
	kind Type
}

// Value is the option as it was given, nil where it was not.
func (o Options) Value(name string) lua.LValue {
	if o.t == nil {
		return lua.LNil
	}
	return o.t.RawGetString(name)
}

// Has reports whether the option was given.
func (o Options) Has(name string) bool { return o.Value(name) != lua.LNil }

func (o Options) standard(name string) any {
	if f := o.kind.field(name); f != nil {
		return f.Default
	}
	return nil
}

func (o Options) String(name string) string    { return asString(o.Value(name), o.standard(name)) }
func (o Options) Number(name string) float64   { return asNumber(o.Value(name), o.standard(name)) }
func (o Options) Int(name string) int          { return int(o.Number(name)) }
func (o Options) Bool(name string) bool        { return asBool(o.Value(name), o.standard(name)) }
func (o Options) Strings(name string) []string { return stringList(o.Value(name)) }

// Seconds is an option as a duration.
func (o Options) Seconds(name string) time.Duration { return inSeconds(o.Number(name)) }

// Function is an option that holds a function; nil where it was not given.
func (o Options) Function(name string) *lua.LFunction {
	f, _ := o.Value(name).(*lua.LFunction)
	return f
}

func asString(v lua.LValue, standard any) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return v.String()
	}
	s, _ := standard.(string)
	return s
}

func asNumber(v lua.LValue, standard any) float64 {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		if n, err := strconv.ParseFloat(strings.TrimSpace(string(v)), 64); err == nil {
			return n
		}
	}
	switch n := standard.(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}

func asBool(v lua.LValue, standard any) bool {
	if b, ok := v.(lua.LBool); ok {
		return bool(b)
	}
	b, _ := standard.(bool)
	return b
}

// inSeconds limits what a script asks for to a year, so that no sum overflows.
func inSeconds(n float64) time.Duration {
	return time.Duration(min(max(n, 0), 365*24*3600) * float64(time.Second))
}

// stringList is a string, or the list part of a table, as a list.
func stringList(v lua.LValue) []string {
	switch v := v.(type) {
	case lua.LString:
		return []string{string(v)}
	case lua.LNumber:
		return []string{v.String()}
	case *lua.LTable:
		list := make([]string, 0, v.Len())
		for i := 1; i <= v.Len(); i++ {
			if s := asString(v.RawGetInt(i), nil); s != "" {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// Return pushes values as the results.
func (a *Args) Return(values ...lua.LValue) int {
	for _, v := range values {
		a.L.Push(v)
	}
	return len(values)
}

// Refuse returns nil and a reason: how functions that give a value fail.
func (a *Args) Refuse(reason string) int { return a.Return(lua.LNil, lua.LString(reason)) }

// Result returns a table with a status and further fields, given as name and
// value by turns.
func (a *Args) Result(status string, fields ...any) int {
	t := a.L.CreateTable(0, 1+len(fields)/2)
	t.RawSetString("status", lua.LString(status))
	for i := 0; i+1 < len(fields); i += 2 {
		if v := toLua(a.L, fields[i+1]); v != lua.LNil {
			t.RawSetString(fields[i].(string), v)
		}
	}
	a.L.Push(t)
	return 1
}

// toLua turns plain Go values into Lua's. Empty strings are left out of
// results: they become nil.
func toLua(L *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case lua.LValue:
		return v
	case string:
		if v == "" {
			return lua.LNil
		}
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case int:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case time.Duration:
		return lua.LNumber(math.Round(v.Seconds()*1000) / 1000)
	case []string:
		t := L.CreateTable(len(v), 0)
		for _, s := range v {
			t.Append(lua.LString(s))
		}
		return t
	case map[string]string:
		t := L.CreateTable(0, len(v))
		for k, s := range v {
			t.RawSetString(k, lua.LString(s))
		}
		return t
	}
	return lua.LNil
}
