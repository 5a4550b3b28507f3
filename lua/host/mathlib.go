package host

import lua "github.com/yuin/gopher-lua"

// random is a state's source of random numbers, made when first asked for.
type random struct{}

func (t *template) installMath() {
	t.L.Push(t.L.NewFunction(lua.OpenMath))
	t.L.Call(0, 0)
}
