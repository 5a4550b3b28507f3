package host

import (
	"errors"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

var errOutside = errors.New("from outside")

// branching is a state in which work, a function of Lua, can be made a branch.
func branching(t *testing.T, body string) (s *State, work *lua.LFunction) {
	t.Helper()
	h := newHost(t, "dialplan.lua", "extension('1', function() return function(wait)\n"+body+"\nend end)")
	v := h.Current()
	s, err := h.Begin(v, nil)
	must(t, err)
	t.Cleanup(s.Close)
	results, err := s.Call(ref(t, v, "1"))
	must(t, err)
	return s, results[0].(*lua.LFunction)
}

// waiter is the Lua function that ends a branch's turn.
func waiter(s *State, b **Branch) *lua.LFunction {
	return s.Lua().NewFunction(func(L *lua.LState) int {
		(*b).Wait()
		if err := s.Err(); err != nil {
			L.RaiseError("%s", err)
		}
		return 0
	})
}

func TestBranchTakesTurns(t *testing.T) {
	s, work := branching(t, `local n = 0 for i = 1, 3 do pcall(wait) n = n + i end return n, "done"`)
	var b *Branch
	b = s.NewBranch(s.Lua(), work, waiter(s, &b))
	turns := 1
	for !b.Resume() {
		turns++
	}
	if turns != 4 || b.Failed() || len(b.Results()) != 2 || b.Results()[0] != lua.LNumber(6) {
		t.Errorf("%d turns, %v", turns, b.Results())
	}
	b.Forget()
	if len(s.coroutines) != 0 || len(s.branches) != 0 {
		t.Error("something is left")
	}
}

func TestBranchIsCancelled(t *testing.T) {
	for turns := range 3 {
		s, work := branching(t, `while true do pcall(function() coroutine.wrap(wait)() end) end`)
		var b *Branch
		b = s.NewBranch(s.Lua(), work, waiter(s, &b))
		for range turns {
			if b.Resume() {
				t.Fatal("it ended")
			}
		}
		b.Cancel()
		if turns > 0 && !b.Failed() {
			t.Error("it ended well")
		}
		if s.Err() != nil {
			t.Errorf("the state is stopped: %v", s.Err())
		}
		b.Cancel()
		b.Forget()
		if _, err := s.Call(ref(t, s.Version(), "1")); err != nil {
			t.Errorf("the rest of the script cannot go on: %v", err)
		}
		if turns > 0 && len(s.coroutines) != 0 {
			t.Errorf("%d coroutines are left", len(s.coroutines))
		}
	}
}

// TestInterruptDuringCancel loses no interruption that comes in the middle.
func TestInterruptDuringCancel(t *testing.T) {
	s, work := branching(t, `wait()`)
	var b *Branch
	b = s.NewBranch(s.Lua(), work, s.Lua().NewFunction(func(L *lua.LState) int {
		b.Wait()
		s.Interrupt(errOutside)
		if !errors.Is(s.Err(), ErrCancelled) {
			t.Errorf("cancelled with %v", s.Err())
		}
		L.RaiseError("%s", s.Err())
		return 0
	}))
	interrupted := s.Interrupted()
	b.Resume()
	b.Cancel()
	b.Forget()
	if !errors.Is(s.Err(), errOutside) {
		t.Errorf("stopped by %v", s.Err())
	}
	<-interrupted
}
