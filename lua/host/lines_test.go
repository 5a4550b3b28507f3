package host

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestLine follows a file of every kind of statement and compares the lines that
// ran with those that can be seen to run.
func TestLine(t *testing.T) {
	const text = `local n = 0
local function count(by)
  n = n +
    by
end
for i = 1, 2 do
  count(i)
end
for _, v in ipairs { function()
  return 1
end } do
  v()
end
while n < 5 do
  if n == 3 then
    n = 4
  elseif n == 4 then
    n = 5
  else
    n = 100
  end
end
repeat
  n = n + 1
  if n == 6 then goto done end
  n = 50
  ::done::
until n > 5
do
  local object = { get = function(self) return self.n end, n = n, [n .. "x"] = not function() return 2 end }
  object:get()
end
return n`
	ran := map[int]bool{}
	h, err := New(Options{
		Scripts: files("main.lua", text), Limits: Limits{Prepared: 1},
		Line: func(_ *State, _ *lua.LState, file string, line int) {
			if file != "scripts/main.lua" {
				t.Errorf("file %q", file)
			}
			ran[line] = true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Load(t.Context()); err != nil {
		t.Fatal(Report(err))
	}
	never := []int{20, 26}
	for _, line := range h.Current().Lines("scripts/main.lua") {
		want := !slices.Contains(never, line)
		if ran[line] != want {
			t.Errorf("line %d: ran %v, want %v: %s", line, ran[line], want, strings.Split(text, "\n")[line-1])
		}
	}
	if n := len(h.Current().Lines("scripts/main.lua")); n < 20 {
		t.Errorf("%d lines have statements", n)
	}
}

// TestLineMayRaise ends a script at a line, as a debugger does.
func TestLineMayRaise(t *testing.T) {
	h, err := New(Options{
		Scripts: files("main.lua", "local a = 1\nlocal b = a\nprint(b)"), Limits: Limits{Prepared: 1},
		Line: func(_ *State, L *lua.LState, _ string, line int) {
			if line == 2 {
				L.RaiseError("stopped")
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Load(t.Context()); err == nil || !strings.Contains(fmt.Sprint(err), "main.lua:2: stopped") {
		t.Errorf("%v", err)
	}
}
