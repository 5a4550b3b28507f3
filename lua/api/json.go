package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

const (
	jsonDepth = 64      // nesting, both ways
	jsonSize  = 8 << 20 // bytes, both ways
)

var jsonEntries = []*Entry{
	{
		On: "json", Name: "encode", Phase: Both,
		Summary: "Writes a value as JSON.",
		Detail:  "A table with a list part becomes an array, any other an object with its names sorted; an empty one becomes `{}`.",
		Params:  []Field{{Name: "value", Type: anything(), Required: true, Summary: "numbers, strings, booleans, and tables of them"}},
		Results: []Field{
			{Name: "text", Type: either(text(), Type{Kinds: kindNil}), Summary: "nil where the value cannot be written"},
			{Name: "reason", Type: text(), Summary: "why not"},
		},
		Example: `log.info(json.encode { caller = "1001", digits = { 1, 2, 3 } })`,
		Func:    (*Args).jsonEncode,
	},
	{
		On: "json", Name: "decode", Phase: Both,
		Summary: "Reads JSON.",
		Detail:  "`null` becomes nil.",
		Params:  []Field{{Name: "text", Type: text(), Required: true, Summary: "at most 8 MiB"}},
		Results: []Field{
			{Name: "value", Type: anything(), Summary: "nil where the text is not JSON"},
			{Name: "reason", Type: text(), Summary: "what is wrong with it, and where"},
		},
		Example: `local order, reason = json.decode '{"id": 7}'
if order then log.info("order %d", order.id) else log.warn("no order: %s", reason) end`,
		Func: (*Args).jsonDecode,
	},
}

func (a *Args) jsonEncode() int {
	b, err := encodeJSON(nil, a.Value(0), 0)
	if err != nil {
		return a.Refuse(err.Error())
	}
	return a.Return(lua.LString(b))
}

func (a *Args) jsonDecode() int {
	a.State.Reserve(a.L, 4*len(a.String(0))) // tables take some times their text
	v, err := decodeJSON(a.L, a.String(0))
	if err != nil {
		return a.Refuse(err.Error())
	}
	return a.Return(v)
}

// encodeJSON appends v to b.
func encodeJSON(b []byte, v lua.LValue, depth int) ([]byte, error) {
	if depth > jsonDepth {
		return nil, fmt.Errorf("nested deeper than %d levels, perhaps a table that holds itself", jsonDepth)
	}
	if len(b) > jsonSize {
		return nil, errors.New("longer than 8 MiB")
	}
	switch v := v.(type) {
	case *lua.LNilType:
		return append(b, "null"...), nil
	case lua.LBool:
		return strconv.AppendBool(b, bool(v)), nil
	case lua.LString:
		return appendQuoted(b, string(v)), nil
	case lua.LNumber:
		n := float64(v)
		switch {
		case math.IsNaN(n) || math.IsInf(n, 0):
			return nil, fmt.Errorf("%s is not a number of JSON", v)
		case n == math.Trunc(n) && math.Abs(n) < 1<<53:
			return strconv.AppendInt(b, int64(n), 10), nil
		}
		return strconv.AppendFloat(b, n, 'g', -1, 64), nil
	case *lua.LTable:
		if v.Len() > 0 {
			return encodeArray(b, v, depth)
		}
		return encodeObject(b, v, depth)
	}
	return nil, fmt.Errorf("a %s cannot be written as JSON", v.Type())
}

func encodeArray(b []byte, t *lua.LTable, depth int) ([]byte, error) {
	var err error
	b = append(b, '[')
	for i := 1; i <= t.Len(); i++ {
		if i > 1 {
			b = append(b, ',')
		}
		if b, err = encodeJSON(b, t.RawGetInt(i), depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func encodeObject(b []byte, t *lua.LTable, depth int) ([]byte, error) {
	var keys []string
	t.ForEach(func(k, _ lua.LValue) {
		if s, ok := k.(lua.LString); ok {
			keys = append(keys, string(s))
		}
	})
	sort.Strings(keys)
	var err error
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, k), ':')
		if b, err = encodeJSON(b, t.RawGetString(k), depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendQuoted(b []byte, s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// decodeJSON reads one JSON value.
func decodeJSON(L *lua.LState, text string) (lua.LValue, error) {
	if len(text) > jsonSize {
		return nil, errors.New("longer than 8 MiB")
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%w at byte %d", err, syntax.Offset)
		}
		return nil, err
	}
	return fromJSON(L, v, 0)
}

func fromJSON(L *lua.LState, v any, depth int) (lua.LValue, error) {
	if depth > jsonDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", jsonDepth)
	}
	switch v := v.(type) {
	case string:
		return lua.LString(v), nil
	case []any:
		t := L.CreateTable(len(v), 0)
		for i, item := range v {
			value, err := fromJSON(L, item, depth+1)
			if err != nil {
				return nil, err
			}
			t.RawSetInt(i+1, value)
		}
		return t, nil
	case map[string]any:
		t := L.CreateTable(0, len(v))
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			value, err := fromJSON(L, v[k], depth+1)
			if err != nil {
				return nil, err
			}
			t.RawSetString(k, value)
		}
		return t, nil
	}
	return toLua(L, v), nil
}
