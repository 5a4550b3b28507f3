package host

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// installStrings installs the string library. What can take long or grow is
// moonwire's own; the rest is the interpreter's.
func (t *template) installStrings() {
	t.L.Push(t.L.NewFunction(lua.OpenString))
	t.L.Call(0, 0)
	methods := t.L.GetGlobal("string").(*lua.LTable)
	for _, name := range []string{"__index", "dump", "gfind"} {
		methods.RawSetString(name, lua.LNil)
	}
	for _, name := range []string{"lower", "upper", "reverse"} {
		original := methods.RawGetString(name).(*lua.LFunction).GFunction
		methods.RawSetString(name, t.L.NewFunction(func(L *lua.LState) int {
			FromLua(L).CheckLength(L, 2*len(L.CheckString(1)))
			return original(L)
		}))
	}
	for name, f := range map[string]lua.LGFunction{
		"byte": stringByte, "find": stringFind, "format": stringFormat,
		"gsub": stringGsub, "match": stringMatch, "rep": stringRep,
	} {
		methods.RawSetString(name, t.L.NewFunction(f))
	}
	methods.RawSetString("gmatch", t.L.NewClosure(stringGmatch, t.L.NewFunction(nextMatch)))
	t.strings = t.L.CreateTable(0, 1)
	t.strings.RawSetString("__index", methods)
	t.L.SetMetatable(lua.LString(""), t.strings)
}

// startAt turns Lua's position, from 1 or from the end, into an offset.
func startAt(L *lua.LState, n int, text string) int {
	at := L.OptInt(n, 1)
	if at < 0 {
		at = max(len(text)+at+1, 1)
	}
	return min(max(at-1, 0), len(text))
}

func stringByte(L *lua.LState) int {
	text := L.CheckString(1)
	from := L.OptInt(2, 1)
	if from < 0 {
		from = max(len(text)+from+1, 1)
	}
	to := L.OptInt(3, from)
	if to < 0 {
		to = len(text) + to + 1
	}
	from, to = max(from, 1), min(to, len(text))
	if to-from >= maxResults {
		L.RaiseError("too many values: at most %d", maxResults)
	}
	for i := from; i <= to; i++ {
		L.Push(lua.LNumber(text[i-1]))
	}
	return max(0, to-from+1)
}

func stringRep(L *lua.LState) int {
	text, n := L.CheckString(1), L.CheckInt(2)
	if n <= 0 || text == "" {
		L.Push(lua.LString(""))
		return 1
	}
	s := FromLua(L)
	if limit := s.host.options.Limits.String; n > limit {
		n = limit + 1 // too long in any case; the product must not overflow
	}
	s.CheckLength(L, len(text)*n)
	L.Push(lua.LString(strings.Repeat(text, n)))
	return 1
}

const magic = "^$*+?.([%-"

func stringFind(L *lua.LState) int {
	text, pattern := L.CheckString(1), L.CheckString(2)
	start := startAt(L, 3, text)
	if L.OptInt(3, 1) > len(text)+1 {
		L.Push(lua.LNil)
		return 1
	}
	if L.ToBool(4) || !strings.ContainsAny(pattern, magic) {
		FromLua(L).Spend(L, len(text)/256)
		at := strings.Index(text[start:], pattern)
		if at < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(start + at + 1))
		L.Push(lua.LNumber(start + at + len(pattern)))
		return 2
	}
	m := newMatcher(L, text, pattern)
	from, to := m.search(start)
	if from < 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(from + 1))
	L.Push(lua.LNumber(to))
	if m.count == 0 {
		return 2
	}
	return 2 + m.push(from, to)
}

// search finds the first match at or after start; from is -1 when there is none.
func (m *matcher) search(start int) (from, to int) {
	defer m.finish()
	for from = start; from <= len(m.subject); from++ {
		m.step()
		if to = m.at(from); to >= 0 {
			return from, to
		}
		if m.anchored() {
			break
		}
	}
	return -1, -1
}

func stringMatch(L *lua.LState) int {
	text, pattern := L.CheckString(1), L.CheckString(2)
	start := startAt(L, 3, text)
	if L.OptInt(3, 1) <= len(text)+1 {
		m := newMatcher(L, text, pattern)
		if from, to := m.search(start); from >= 0 {
			return m.push(from, to)
		}
	}
	L.Push(lua.LNil)
	return 1
}

// matches is the state of one gmatch.
type matches struct {
	text, pattern string
	place         int
}

func stringGmatch(L *lua.LState) int {
	user := L.NewUserData()
	user.Value = &matches{text: L.CheckString(1), pattern: L.CheckString(2)}
	L.Push(L.Get(lua.UpvalueIndex(1)))
	L.Push(user)
	return 2
}

func nextMatch(L *lua.LState) int {
	all, ok := L.CheckUserData(1).Value.(*matches)
	if !ok {
		L.ArgError(1, "not of gmatch")
	}
	m := newMatcher(L, all.text, all.pattern)
	from, to := -1, -1
	if all.place <= len(all.text) {
		from, to = m.search(all.place)
	}
	if from < 0 {
		all.place = len(all.text) + 1
		L.Push(lua.LNil)
		return 1
	}
	if all.place = to; to == from {
		all.place++
	}
	return m.push(from, to)
}

func stringGsub(L *lua.LState) int {
	text, pattern := L.CheckString(1), L.CheckString(2)
	L.CheckTypes(3, lua.LTString, lua.LTNumber, lua.LTTable, lua.LTFunction)
	replace, limit := L.Get(3), L.OptInt(4, len(text)+1)
	m := newMatcher(L, text, pattern)
	longest := m.state.host.options.Limits.String
	var b strings.Builder
	count, place := 0, 0
	for count < limit {
		m.step()
		end := m.at(place)
		if end >= 0 {
			count++
			m.replace(&b, replace, place, end)
		}
		switch {
		case end > place:
			place = end
		case place < len(text):
			b.WriteByte(text[place])
			place++
		default:
			place = len(text) + 1
		}
		if b.Len() > longest {
			m.state.CheckLength(L, b.Len())
		}
		if place > len(text) || m.anchored() {
			break
		}
	}
	m.finish()
	if place < len(text) {
		b.WriteString(text[place:])
	}
	m.state.CheckLength(L, b.Len())
	L.Push(lua.LString(b.String()))
	L.Push(lua.LNumber(count))
	return 2
}

// replace appends what stands for the match from start to end.
func (m *matcher) replace(b *strings.Builder, with lua.LValue, start, end int) {
	var value lua.LValue
	switch with := with.(type) {
	case *lua.LTable:
		value = m.L.GetTable(with, m.captured(0, start, end))
	case *lua.LFunction:
		m.L.Push(with)
		m.L.Call(m.push(start, end), 1)
		value = m.L.Get(-1)
		m.L.Pop(1)
	default:
		m.expand(b, lua.LVAsString(with), start, end)
		return
	}
	switch {
	case lua.LVIsFalse(value):
		b.WriteString(m.subject[start:end])
	case lua.LVCanConvToString(value):
		b.WriteString(lua.LVAsString(value))
	default:
		m.L.RaiseError("a replacement must be a string or a number, not a %s", value.Type().String())
	}
}

// expand appends text with its %0 to %9 filled in.
func (m *matcher) expand(b *strings.Builder, text string, start, end int) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '%' || i+1 == len(text) {
			b.WriteByte(c)
			continue
		}
		i++
		switch c = text[i]; {
		case c == '0':
			b.WriteString(m.subject[start:end])
		case isDigit(c):
			b.WriteString(m.captured(int(c-'1'), start, end).String())
		default:
			b.WriteByte(c)
		}
	}
}
