package api

import (
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"
)

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
	t := tableOf(a.L, fields)
	t.RawSetString("status", lua.LString(status))
	a.L.Push(t)
	return 1
}

// tableOf is a table of fields, given as name and value by turns.
func tableOf(L *lua.LState, fields []any) *lua.LTable {
	t := L.CreateTable(0, 1+len(fields)/2)
	for i := 0; i+1 < len(fields); i += 2 {
		if v := toLua(L, fields[i+1]); v != lua.LNil {
			t.RawSetString(fields[i].(string), v)
		}
	}
	return t
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
