package host

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// sharedSite has a file that is shared, and one that is not.
var sharedSite = []string{
	"shared.lua", `-- A comment.
---@shared
local names = { "a", "b", inner = { "c" } }
local function last() return names[#names] end
extension("1", function(x) return last() .. names.inner[1] .. x end)
extension("2", function() names[3] = "z" end)
extension("3", function() local list = {} for i, name in ipairs(names) do list[i] = name end list[3] = "own" return table.concat(list) end)
extension("4", function() return require "plain" end)
`, "plain/init.lua", `return "plain"`,
}

func TestSharedFile(t *testing.T) {
	h := newHost(t, sharedSite...)
	v := h.Current()
	refs := v.Declarations().(*declarations).refs
	one, two := begin(t, h), begin(t, h)
	for _, s := range []*State{one, two} {
		for number, want := range map[string]string{"1": "bcx", "3": "abown", "4": "plain"} {
			results, err := s.Call(refs[number], lua.LString("x"))
			if err != nil {
				t.Fatal(Report(err))
			}
			if got := results[0].String(); got != want {
				t.Errorf("extension %s gave %q, want %q", number, got, want)
			}
		}
		if _, err := s.Call(refs["2"]); err == nil || !strings.Contains(err.Error(), "shared by all calls") {
			t.Errorf("a shared table was changed: %v", err)
		}
		if len(s.entries) != 0 {
			t.Error("the file ran again for a call")
		}
	}
	f, err := one.Resolve(refs["1"])
	if err != nil {
		t.Fatal(err)
	}
	if other, _ := two.Resolve(refs["1"]); other != f {
		t.Error("two states have functions of their own")
	}
}

func begin(t *testing.T, h *Host) *State {
	t.Helper()
	s, err := h.Begin(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// What functions of a shared file would change is found when it is loaded.
func TestSharedFileKeepsItsVariables(t *testing.T) {
	h := newHost(t)
	found := h.Analyse("x.lua", "---@shared\nlocal n = 0\nextension('1', function() n = n + 1 end)")
	if len(found) != 1 || found[0].Warning || found[0].Line != 3 {
		t.Errorf("found %v", found)
	}
	if found := h.Analyse("x.lua", "local n = 0\nextension('1', function() n = n + 1 end)"); len(found) != 0 {
		t.Errorf("in a file that is not shared: %v", found)
	}
}
