package host

import (
	"context"
	"errors"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/clock"
)

// Many scripts that each stay below the limit of one must not take all the
// memory there is; those that hold little notice nothing.
func TestAllScriptsTogether(t *testing.T) {
	h, err := New(Options{Library: &testLibrary{}, Log: quiet,
		Limits: Limits{Memory: 64 << 20, Total: 64 << 20, Instructions: 1e9, Time: time.Minute},
		Scripts: files("dialplan.lua", `
local kept = {}
extension('large', function() for i = 1, 20 do kept[#kept + 1] = ("x"):rep(1e6) end end)
extension('small', function() for i = 1, 20000 do local s = ("x"):rep(1000) end end)
`)})
	must(t, err)
	must(t, h.Load(context.Background()))
	call := func(number string) (*State, error) {
		s, err := h.Begin(nil, nil)
		must(t, err)
		_, err = s.Call(ref(t, h.Current(), number))
		return s, err
	}
	var open []*State
	for range 3 {
		s, err := call("large")
		must(t, err)
		open = append(open, s)
	}
	s, err := call("large")
	if !errors.Is(err, ErrCrowded) {
		t.Errorf("the fourth script of 20 MB got %v", err)
	}
	s.Close()
	for range 100 {
		s, err := call("small")
		must(t, err)
		open = append(open, s)
	}
	open[0].Close()
	s, err = call("large")
	must(t, err)
	s.Close()
	for _, s := range open {
		s.Close()
	}
	if held := h.held.Load(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}

// What a function of the library waits for is not time that the script has used.
func TestWaitingIsNotComputing(t *testing.T) {
	v := clock.NewVirtual(time.Unix(0, 0))
	library := &testLibrary{install: func(L *lua.LState) {
		pass := func(waited bool) lua.LGFunction {
			return func(L *lua.LState) int {
				v.Advance(time.Second)
				if waited {
					FromLua(L).Waited(time.Second)
				}
				return 0
			}
		}
		L.SetGlobal("wait", L.NewFunction(pass(true)))
		L.SetGlobal("compute", L.NewFunction(pass(false)))
	}}
	h, err := New(Options{Library: library, Log: quiet, Clock: v, Limits: Limits{Time: 3 * time.Second}, Scripts: files("dialplan.lua", `
extension('wait', function() for i = 1, 1000 do wait() end end)
extension('compute', function() for i = 1, 1000 do compute() end end)
`)})
	must(t, err)
	must(t, h.Load(context.Background()))
	if _, err := dial(t, h, "wait"); err != nil {
		t.Error(err)
	}
	if _, err := dial(t, h, "compute"); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}
