package host

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// installStandard puts the part of Lua's standard library that is safe for
// scripts among the template's globals.
func (t *template) installStandard() {
	L := t.L
	for name, f := range map[string]lua.LGFunction{
		"assert": baseAssert, "error": baseError, "getmetatable": baseGetMetatable,
		"next": baseNext, "pcall": basePCall, "xpcall": baseXPCall, "print": basePrint,
		"rawequal": baseRawEqual, "rawget": baseRawGet, "rawset": baseRawSet,
		"select": baseSelect, "setmetatable": baseSetMetatable, "tonumber": baseToNumber,
		"tostring": baseToString, "type": baseType, "unpack": baseUnpack, "require": requireModule,
	} {
		L.SetGlobal(name, L.NewFunction(f))
	}
	L.SetGlobal("_VERSION", lua.LString(lua.LuaVersion))
	L.SetGlobal("pairs", L.NewClosure(basePairs, L.NewFunction(baseNext)))
	L.SetGlobal("ipairs", L.NewClosure(baseIPairs, L.NewFunction(nextIndex)))
	t.installStrings()
	t.installTables()
	t.installMath()
	t.installCoroutines()
}

func baseAssert(L *lua.LState) int {
	if L.ToBool(1) {
		return L.GetTop()
	}
	if L.GetTop() == 0 {
		L.ArgError(1, "value expected")
	}
	switch message := L.Get(2).(type) {
	case *lua.LNilType:
		L.RaiseError("assertion failed!")
	case lua.LString:
		L.RaiseError("%s", string(message))
	default:
		L.Error(message, 1)
	}
	return 0
}

func baseError(L *lua.LState) int {
	if message, ok := L.Get(1).(lua.LString); ok {
		L.Error(message, L.OptInt(2, 1))
	}
	L.Error(L.Get(1), 1)
	return 0
}

// baseGetMetatable shows the metatables of tables only; a proxy shows the word
// that its __metatable field holds.
func baseGetMetatable(L *lua.LState) int {
	table, ok := L.CheckAny(1).(*lua.LTable)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	meta := L.GetMetatable(table)
	if real, ok := meta.(*lua.LTable); ok {
		if proxy := FromLua(L).frozen().proxyOf(real); proxy != nil {
			meta = proxy
		}
	}
	L.Push(meta)
	return 1
}

func baseSetMetatable(L *lua.LState) int {
	table := L.CheckTable(1)
	L.CheckTypes(2, lua.LTNil, lua.LTTable)
	if L.GetMetaField(table, "__metatable") != lua.LNil {
		L.RaiseError("cannot change a protected metatable")
	}
	meta := L.Get(2)
	if m, ok := meta.(*lua.LTable); ok {
		// The interpreter reads metatables raw, so a proxy would have no events.
		meta = FromLua(L).frozen().real(m)
	}
	L.SetMetatable(table, meta)
	L.SetTop(1)
	return 1
}

// nextEntry is the entry of table after key. Where trailing values of an array
// were removed while it was traversed, key may lie beyond its end.
func nextEntry(table *lua.LTable, key lua.LValue) (lua.LValue, lua.LValue) {
	if n, ok := key.(lua.LNumber); ok && isArrayIndex(n) {
		if last := table.MaxN(); int(n) > last {
			key = lua.LNumber(last)
			if last == 0 {
				key = lua.LNil
			}
		}
	}
	return table.Next(key)
}

func baseNext(L *lua.LState) int {
	key, value := nextEntry(FromLua(L).Fields(L.CheckTable(1)), L.Get(2))
	L.Push(key)
	if key == lua.LNil {
		return 1
	}
	L.Push(value)
	return 2
}

func basePairs(L *lua.LState) int {
	table := L.CheckTable(1)
	L.Push(L.Get(lua.UpvalueIndex(1)))
	L.Push(table)
	L.Push(lua.LNil)
	return 3
}

func baseIPairs(L *lua.LState) int {
	table := L.CheckTable(1)
	L.Push(L.Get(lua.UpvalueIndex(1)))
	L.Push(table)
	L.Push(lua.LNumber(0))
	return 3
}

func nextIndex(L *lua.LState) int {
	i := L.CheckInt(2) + 1
	value := FromLua(L).Fields(L.CheckTable(1)).RawGetInt(i)
	if value == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(i))
	L.Push(value)
	return 2
}

func basePCall(L *lua.LState) int {
	L.CheckAny(1)
	ok, results, thrown := protectedCall(L, 2)
	if !ok {
		L.Push(lua.LFalse)
		L.Push(thrown)
		return 2
	}
	L.Push(lua.LTrue)
	return 1 + push(L, results)
}

func baseXPCall(L *lua.LState) int {
	handler := L.CheckAny(2)
	ok, results, thrown := protectedCall(L, 3)
	if !ok {
		L.Push(lua.LFalse)
		L.Push(handler)
		L.Push(thrown)
		L.Call(1, 1)
		return 2
	}
	L.Push(lua.LTrue)
	return 1 + push(L, results)
}

// protectedCall calls the function that is L's first argument with those from
// first on. What a script cannot catch goes on.
func protectedCall(L *lua.LState, first int) (ok bool, results []lua.LValue, thrown lua.LValue) {
	s := FromLua(L)
	thread, err := s.threads.enter()
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	p := try(thread, L.Get(1), arguments(L, first))
	if p == nil {
		results = arguments(thread, 1)
		thread.SetTop(0)
		s.threads.leave(thread, true)
		return true, results, nil
	}
	raised := s.caught(thread, p)
	s.threads.leave(thread, false)
	s.passOn(raised)
	s.failure.trace = nil
	return false, nil, raised.Object
}

// caught makes an error that Lua can handle of what thread was ended by. When
// the script is stopped the error goes on to the top, so its place is kept.
func (s *State) caught(thread *lua.LState, p any) *lua.ApiError {
	raised, ok := p.(*lua.ApiError)
	if !ok {
		raised = &lua.ApiError{Type: lua.ApiErrorRun, Object: lua.LString(s.internal(p).Error())}
	} else if text, ok := raised.Object.(lua.LString); ok {
		// Where a library function was called without a function of Lua around it,
		// the interpreter puts an empty place before the message.
		raised.Object = lua.LString(strings.TrimPrefix(string(text), " "))
	}
	if s.meter.stopped.Load() && len(s.failure.trace) < maxFrames {
		s.failure.trace = append(s.failure.trace, traceback(thread, maxFrames-len(s.failure.trace))...)
	}
	return raised
}

// passOn does not return when the script is stopped: then no script may catch.
func (s *State) passOn(raised *lua.ApiError) {
	if s.meter.stopped.Load() {
		panic(raised)
	}
}

// basePrint writes to the log, for there is nowhere else to print to.
func basePrint(L *lua.LState) int {
	s := FromLua(L)
	var b strings.Builder
	for i := 1; i <= L.GetTop(); i++ {
		if i > 1 {
			b.WriteByte('\t')
		}
		text := L.ToStringMeta(L.Get(i)).String()
		s.Reserve(L, len(text))
		b.WriteString(text)
		if b.Len() > 4096 {
			break
		}
	}
	text := b.String()
	if len(text) > 4096 {
		text = text[:4096] + "…"
	}
	file, line := s.Where(L)
	s.Print(file, line, text)
	return 0
}

// Print logs what a script prints.
func (s *State) Print(file string, line int, text string) {
	s.host.options.Log.Info(text, "script", file+":"+strconv.Itoa(line))
}

func baseRawEqual(L *lua.LState) int {
	L.Push(lua.LBool(L.RawEqual(L.CheckAny(1), L.CheckAny(2))))
	return 1
}

func baseRawGet(L *lua.LState) int {
	L.Push(FromLua(L).Fields(L.CheckTable(1)).RawGet(L.CheckAny(2)))
	return 1
}

func baseRawSet(L *lua.LState) int {
	table := checkOwnTable(L, 1)
	FromLua(L).storeRaw(L, table, L.CheckAny(2), L.CheckAny(3))
	L.SetTop(1)
	return 1
}

// checkOwnTable is argument n as a table that the script may change.
func checkOwnTable(L *lua.LState, n int) *lua.LTable {
	table := L.CheckTable(n)
	if FromLua(L).Fields(table) != table {
		L.ArgError(n, "this table belongs to the library and is shared by all calls")
	}
	return table
}

func baseSelect(L *lua.LState) int {
	if L.Get(1) == lua.LString("#") {
		L.Push(lua.LNumber(L.GetTop() - 1))
		return 1
	}
	n, given := L.CheckInt(1), L.GetTop()-1
	switch {
	case n < 0:
		n += given + 1
		if n < 1 {
			L.ArgError(1, "index out of range")
		}
	case n == 0:
		L.ArgError(1, "index out of range")
	}
	return max(0, given-n+1)
}

func baseToNumber(L *lua.LState) int {
	L.Push(toNumber(L))
	return 1
}

func toNumber(L *lua.LState) lua.LValue {
	base := L.OptInt(2, 10)
	if base < 2 || base > 36 {
		L.ArgError(2, "base out of range")
	}
	switch v := L.CheckAny(1).(type) {
	case lua.LNumber:
		return v
	case lua.LString:
		text := strings.TrimSpace(string(v))
		if len(text) > 1000 {
			return lua.LNil
		}
		if base == 10 {
			return parseNumber(text)
		}
		if base == 16 {
			text = strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X")
		}
		if n, err := strconv.ParseInt(text, base, 64); err == nil {
			return lua.LNumber(n)
		}
	}
	return lua.LNil
}

// parseNumber reads a number as the language writes it: decimal, or hexadecimal
// after 0x.
func parseNumber(text string) lua.LValue {
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') {
		n, err := strconv.ParseUint(digits[2:], 16, 64)
		if err != nil {
			return lua.LNil
		}
		if strings.HasPrefix(text, "-") {
			return lua.LNumber(-float64(n))
		}
		return lua.LNumber(n)
	}
	if digits == "" || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9')) || strings.Contains(digits, "_") {
		return lua.LNil // "inf" and "nan" are not numbers in Lua
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return lua.LNumber(n)
	}
	return lua.LNil
}

func baseToString(L *lua.LState) int {
	L.Push(L.ToStringMeta(L.CheckAny(1)))
	return 1
}

func baseType(L *lua.LState) int {
	L.Push(lua.LString(L.CheckAny(1).Type().String()))
	return 1
}

// maxResults bounds the values that one call of unpack or string.byte returns.
const maxResults = 8000

func baseUnpack(L *lua.LState) int {
	table := FromLua(L).Fields(L.CheckTable(1))
	from := L.OptInt(2, 1)
	to := L.OptInt(3, table.Len())
	if to < from {
		return 0
	}
	if to-from >= maxResults || to-from < 0 {
		L.RaiseError("too many values to unpack: at most %d", maxResults)
	}
	for i := from; i <= to; i++ {
		L.Push(table.RawGet(lua.LNumber(i)))
	}
	return to - from + 1
}
