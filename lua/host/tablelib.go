package host

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// installTables installs the table library.
func (t *template) installTables() {
	library := t.L.CreateTable(0, 8)
	for name, f := range map[string]lua.LGFunction{
		"concat": tableConcat, "insert": tableInsert, "remove": tableRemove,
		"sort": tableSort, "maxn": tableMaxN, "getn": tableLength,
	} {
		library.RawSetString(name, t.L.NewFunction(f))
	}
	t.L.SetGlobal("table", library)
}

func tableLength(L *lua.LState) int {
	L.Push(lua.LNumber(FromLua(L).Fields(L.CheckTable(1)).Len()))
	return 1
}

func tableMaxN(L *lua.LState) int {
	greatest := lua.LNumber(0)
	table := FromLua(L).Fields(L.CheckTable(1))
	FromLua(L).Spend(L, table.MaxN()/8)
	table.ForEach(func(key, _ lua.LValue) {
		if n, ok := key.(lua.LNumber); ok {
			greatest = max(greatest, n)
		}
	})
	L.Push(greatest)
	return 1
}

func tableConcat(L *lua.LState) int {
	s := FromLua(L)
	table, between := s.Fields(L.CheckTable(1)), L.OptString(2, "")
	from := L.OptInt(3, 1)
	to := L.OptInt(4, table.Len())
	length := 0
	for i := from; i <= to; i++ {
		value := table.RawGet(lua.LNumber(i))
		if !lua.LVCanConvToString(value) {
			L.RaiseError("cannot join a %s value at index %d of the table", value.Type().String(), i)
		}
		if i > from {
			length += len(between)
		}
		if text, ok := value.(lua.LString); ok {
			length += len(text)
		} else {
			length += 8
		}
		if length > s.host.options.Limits.String {
			break
		}
	}
	s.CheckLength(L, length)
	s.Spend(L, max(0, to-from)/2)
	var b strings.Builder
	b.Grow(length)
	for i := from; i <= to; i++ {
		if i > from {
			b.WriteString(between)
		}
		b.WriteString(lua.LVAsString(table.RawGet(lua.LNumber(i))))
	}
	L.Push(lua.LString(b.String()))
	return 1
}

func tableInsert(L *lua.LState) int {
	table := checkOwnTable(L, 1)
	s, length := FromLua(L), table.Len()
	switch L.GetTop() {
	case 2:
		s.storeRaw(L, table, lua.LNumber(length+1), L.Get(2))
	case 3:
		at := L.CheckInt(2)
		if at < 1 || at > length+1 {
			L.ArgError(2, "position out of range")
		}
		if length+1 >= lua.MaxArrayIndex {
			L.RaiseError("a list cannot have more than %d values", lua.MaxArrayIndex-1)
		}
		s.Reserve(L, slotBytes+boxBytes)
		s.Spend(L, (length-at)/64)
		table.Insert(at, L.Get(3))
	default:
		L.RaiseError("table.insert takes a table, perhaps a position, and a value")
	}
	return 0
}

func tableRemove(L *lua.LState) int {
	table := checkOwnTable(L, 1)
	s, length := FromLua(L), table.Len()
	at := L.OptInt(2, length)
	if at < 1 || at > length {
		L.Push(lua.LNil)
		return 1
	}
	value := table.RawGetInt(at)
	if at == length {
		s.storeIndex(L, table, at, lua.LNil)
	} else {
		s.Spend(L, (length-at)/64)
		table.Remove(at)
	}
	L.Push(value)
	return 1
}

// tableSort sorts a copy, so that an order that contradicts itself, or changes
// the table, does no harm.
func tableSort(L *lua.LState) int {
	table := checkOwnTable(L, 1)
	less := L.OptFunction(2, nil)
	s := FromLua(L)
	values := make([]lua.LValue, table.Len())
	s.Reserve(L, len(values)*slotBytes)
	for i := range values {
		values[i] = table.RawGetInt(i + 1)
	}
	compared := 0
	before := func(a, b lua.LValue) bool {
		if compared++; compared%256 == 0 {
			s.Spend(L, 256)
		}
		if less == nil {
			return L.LessThan(a, b)
		}
		L.Push(less)
		L.Push(a)
		L.Push(b)
		L.Call(2, 1)
		result := lua.LVAsBool(L.Get(-1))
		L.Pop(1)
		return result
	}
	slices.SortFunc(values, func(a, b lua.LValue) int {
		if before(a, b) {
			return -1
		}
		return 0 // the sort asks only whether a comes before b
	})
	for i, v := range values {
		table.RawSetInt(i+1, v)
	}
	return 0
}
