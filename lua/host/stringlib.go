package host

import lua "github.com/yuin/gopher-lua"

func (t *template) installStrings() {
	t.L.Push(t.L.NewFunction(lua.OpenString))
	t.L.Call(0, 0)
	methods := t.L.GetGlobal("string").(*lua.LTable)
	for _, name := range []string{"__index", "dump", "gfind"} {
		methods.RawSetString(name, lua.LNil)
	}
	t.strings = t.L.CreateTable(0, 1)
	t.strings.RawSetString("__index", methods)
	t.L.SetMetatable(lua.LString(""), t.strings)
}
