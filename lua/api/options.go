package api

import (
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

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
