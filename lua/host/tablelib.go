package host

import lua "github.com/yuin/gopher-lua"

func (t *template) installTables() {
	t.L.Push(t.L.NewFunction(lua.OpenTable))
	t.L.Call(0, 0)
}
