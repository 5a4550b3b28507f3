package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/host"
)

// reloading is the global reload: settings of how edited scripts are put into
// service.
type reloading struct{}

var reloadClass = &Class{
	Name: "reload", Global: true,
	Summary: "How scripts that were edited are put into service: `reload.require_tests = true` in the configuration.",
	Fields: []Field{
		{Name: "require_tests", Type: truth(), Default: false, Settable: true,
			Summary: "run the site's tests first, and let the old scripts serve on where one fails; set while scripts are loaded"},
	},
}

func (reloading) class() string { return "reload" }
func (reloading) title() string { return "" }

func (reloading) get(L *lua.LState, name string) (lua.LValue, bool) {
	if name != "require_tests" {
		return nil, false
	}
	site, _ := host.FromLua(L).Declarations().(*Site)
	return lua.LBool(site != nil && site.RequireTests), true
}

func (reloading) set(string, lua.LValue) {}

// setFrom sets a field while scripts are loaded; afterwards it does nothing, as
// other declarations do.
func (reloading) setFrom(L *lua.LState, _ string, v lua.LValue) {
	s := host.FromLua(L)
	if site, ok := s.Declarations().(*Site); ok && s.Collecting() {
		site.RequireTests = asBool(v, nil)
	}
}
