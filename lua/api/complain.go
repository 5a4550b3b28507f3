package api

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

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
