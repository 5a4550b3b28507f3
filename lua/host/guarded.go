package host

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// The interpreter keeps its settings in variables, for the whole process. It
// fills a table's array up to the index that is set; its own limit for that, 67
// million, would let one assignment take a gigabyte.
func init() {
	lua.MaxArrayIndex = 1 << 20
	lua.CompatVarArg = false // no table "arg" for each call of a function with "..."
}

// guardedConcat is a .. b .. c.
func guardedConcat(L *lua.LState) int {
	n := L.GetTop()
	length := 0
	for i := 1; i <= n; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			length += len(v)
		case lua.LNumber:
			length += 8
		default:
			return concatObjects(L, n)
		}
	}
	s := FromLua(L)
	s.CheckLength(L, length)
	var b strings.Builder
	b.Grow(length)
	for i := 1; i <= n; i++ {
		if v, ok := L.Get(i).(lua.LString); ok {
			b.WriteString(string(v))
		} else {
			writeNumber(&b, L.Get(i).(lua.LNumber))
		}
	}
	L.Push(lua.LString(b.String()))
	return 1
}

func writeNumber(b *strings.Builder, n lua.LNumber) {
	var room [32]byte
	if i := int64(n); lua.LNumber(i) == n {
		b.Write(strconv.AppendInt(room[:0], i, 10))
		return
	}
	b.WriteString(n.String())
}

// concatObjects joins from the right, asking metatables where an operand is
// neither a string nor a number.
func concatObjects(L *lua.LState, n int) int {
	s := FromLua(L)
	right := L.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := L.Get(i)
		if lua.LVCanConvToString(left) && lua.LVCanConvToString(right) {
			a, b := lua.LVAsString(left), lua.LVAsString(right)
			s.CheckLength(L, len(a)+len(b))
			right = lua.LString(a + b)
			continue
		}
		event := L.GetMetaField(left, "__concat")
		if event == lua.LNil {
			event = L.GetMetaField(right, "__concat")
		}
		if event.Type() != lua.LTFunction {
			culprit := left
			if lua.LVCanConvToString(left) {
				culprit = right
			}
			L.RaiseError("cannot join a %s value with \"..\"", culprit.Type().String())
		}
		L.Push(event)
		L.Push(left)
		L.Push(right)
		L.Call(2, 1)
		right = L.Get(-1)
		L.Pop(1)
	}
	L.Push(right)
	return 1
}

// CheckLength raises an error when a string of that many bytes would be too
// long, and otherwise charges for it. Functions that make strings call it first.
func (s *State) CheckLength(L *lua.LState, bytes int) {
	if limit := s.host.options.Limits.String; bytes > limit || bytes < 0 {
		L.RaiseError("a string of %d bytes is too long: at most %d are allowed", bytes, limit)
	}
	if bytes > 4096 {
		s.meter.spend(int64(bytes / 32)) // the time to copy it
	}
	s.Reserve(L, bytes+boxBytes)
}

// guardedSingle is (f()): the first of the results.
func guardedSingle(L *lua.LState) int {
	L.Push(L.Get(1))
	return 1
}

// guardedTable charges for a new table and stores the fields whose keys were
// computed: table, key, value, key, value…
func guardedTable(L *lua.LState) int {
	s := FromLua(L)
	table := L.CheckTable(1)
	s.chargeTable(L, table)
	for i := 2; i < L.GetTop(); i += 2 {
		s.storeRaw(L, table, L.Get(i), L.Get(i+1))
	}
	L.Push(table)
	return 1
}

// chargeTable charges for a table that was just made. An empty one is given room
// for a few named fields: the interpreter would make room for thirty-two.
func (s *State) chargeTable(L *lua.LState, table *lua.LTable) {
	first, _ := table.Next(lua.LNil)
	switch first.(type) {
	case *lua.LNilType:
		*table = *L.CreateTable(0, 4)
		s.Reserve(L, tableBytes)
	case lua.LNumber:
		s.Reserve(L, listBytes+table.MaxN()*slotBytes)
	default:
		s.Reserve(L, tableBytes)
	}
}

// guardedStore is object[key] = value, as the language defines it.
func guardedStore(L *lua.LState) int {
	s := FromLua(L)
	object, key, value := L.Get(1), L.Get(2), L.Get(3)
	for range lua.MaxTableGetLoop {
		table, ok := object.(*lua.LTable)
		if ok && (table.Metatable == lua.LNil || table.RawGet(key) != lua.LNil) {
			s.storeRaw(L, table, key, value)
			return 0
		}
		event := L.GetMetaField(object, "__newindex")
		switch {
		case event == lua.LNil && ok:
			s.storeRaw(L, table, key, value)
			return 0
		case event == lua.LNil:
			L.RaiseError("cannot set field %q of a %s value", key.String(), object.Type().String())
		case event.Type() == lua.LTFunction:
			L.Push(event)
			L.Push(object)
			L.Push(key)
			L.Push(value)
			L.Call(3, 0)
			return 0
		}
		object = event
	}
	L.RaiseError("__newindex refers to itself")
	return 0
}

// storeRaw sets a field without asking the metatable, and charges for growth.
func (s *State) storeRaw(L *lua.LState, table *lua.LTable, key, value lua.LValue) {
	n, ok := key.(lua.LNumber)
	switch {
	case key == lua.LNil:
		L.RaiseError("a table's key cannot be nil")
	case ok && math.IsNaN(float64(n)):
		L.RaiseError("a table's key cannot be NaN")
	case ok && isArrayIndex(n):
		s.storeIndex(L, table, int(n), value)
		return
	case ok && int(n) == lua.MaxArrayIndex && table.MaxN() == lua.MaxArrayIndex-1:
		L.RaiseError("a list cannot have more than %d values", lua.MaxArrayIndex-1)
	}
	switch there := table.RawGet(key) != lua.LNil; {
	case !there && value != lua.LNil:
		s.Reserve(L, entryBytes)
	case there && value == lua.LNil:
		s.compact(table)
	}
	table.RawSet(key, value)
}

// fewRemoved is how many keys may be removed from a table before it is compacted.
const fewRemoved = 1000

// compact is called before a key is removed. The interpreter keeps the order of
// all keys that a table ever had; when many were removed since the table was
// last looked at, it is built again from those that are left. The key about to
// be removed is among them, so a traversal that removes what it visits goes on.
func (s *State) compact(table *lua.LTable) {
	if s.removed == nil {
		s.removed = map[*lua.LTable]int{}
	}
	s.removed[table]++
	if s.removed[table] < fewRemoved {
		return
	}
	fresh := &lua.LTable{Metatable: table.Metatable}
	kept := 0
	for key, value := table.Next(lua.LNil); key != lua.LNil; key, value = table.Next(key) {
		fresh.RawSet(key, value)
		kept++
	}
	s.meter.spend(int64(kept) * 4)
	*table = *fresh
	s.removed[table] = -kept // so that large tables are compacted as rarely as they should
	if kept < fewRemoved {
		delete(s.removed, table)
	}
}

// storeIndex sets a value in the array part. Values removed at the end make the
// array shorter: the interpreter would search them again each time it is asked
// for the length.
func (s *State) storeIndex(L *lua.LState, table *lua.LTable, n int, value lua.LValue) {
	last := table.MaxN()
	if value != lua.LNil {
		if n > last {
			s.Reserve(L, (n-last)*slotBytes+boxBytes)
		}
		table.RawSetInt(n, value)
		return
	}
	if n > last {
		return
	}
	table.RawSetInt(n, lua.LNil)
	if n == last {
		for range n - table.MaxN() {
			table.Remove(-1)
		}
	}
}
