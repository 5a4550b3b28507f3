package api

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
)

var timerEntries = []*Entry{
	{On: "timer", Name: "after", Phase: Running, Summary: "Runs a function some time from now, while the script waits in another.",
		Detail: "The function runs in the script's own call, between the moments of whatever it waits for; it is forgotten when the script ends.",
		Params: []Field{
			{Name: "seconds", Type: seconds(), Unit: "s", Required: true, Summary: "from now"},
			{Name: "fn", Type: function("fun()"), Required: true, Summary: "what to run"},
		},
		Results: []Field{{Name: "cancel", Type: function("fun()"), Summary: "forgets it"}},
		Example: `context "internal":extension("670", function(call)
  local cancel = timer.after(30, function() log.warn "this takes long" end)
  call:read { prompt = "demo-menu", max = 1 }
  cancel()
end)`,
		Func: (*Args).timerAfter},
	{On: "timer", Name: "every", Phase: Loading, Summary: "Runs a function again and again, beside the calls.",
		Detail: "A run that is still under way when the next is due is not disturbed; the next is left out. A new version of the scripts starts its own timers and ends those of the old.",
		Params: []Field{
			{Name: "seconds", Type: seconds(), Unit: "s", Required: true, Summary: "from the start of one to the next, at least 1"},
			{Name: "fn", Type: function("fun()"), Required: true, Summary: "what to run"},
		},
		Example: `timer.every(60, function() log.debug "still here" end)`,
		Func:    (*Args).timerEvery},
}

func (a *Args) timerAfter() int {
	t := a.working()
	f, s := a.Function(1), a.State
	if len(t.alarms) > mostNames {
		a.Fail("more than %d timers wait; is this in a loop?", mostNames)
	}
	al := t.alarm(a.Seconds(0), func() {
		s.Refuel() // the script has waited for this moment
		if _, err := s.Invoke(f); err != nil && !errors.Is(err, call.ErrHungUp) {
			t.report("timer.after", err)
		}
	})
	return a.Return(a.L.NewFunction(func(*lua.LState) int {
		al.stop()
		return 0
	}))
}

func (a *Args) timerEvery() int {
	if a.Number(0) < 1 {
		a.Fail("seconds must be at least 1, got %v", a.Number(0))
	}
	ref := a.State.Declare(a.L, "timer", a.Source(), a.Function(1))
	if site := a.site(); site != nil {
		site.timers = append(site.timers, periodic{a.Seconds(0), ref, a.Source()})
	}
	return 0
}
