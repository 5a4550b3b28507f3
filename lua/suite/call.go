package suite

import (
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/simulate"
)

const keyPeriod = 250 * time.Millisecond // from one key to the next

var callClass = &api.Class{Name: "testcall", Summary: "A call, as the person at its far end sees it.",
	Fields: []api.Field{
		{Name: "id", Type: api.TextType(), Summary: "call.id of the scripts"},
		{Name: "state", Type: api.WordsType("trying", "ringing", "early", "answered", "ended"), Summary: "how far the call has come"},
		{Name: "number", Type: api.TextType(), Summary: "that was dialled"},
		{Name: "caller_number", Type: api.TextType(), Summary: "that is shown"},
		{Name: "caller_name", Type: api.TextType(), Summary: "that is shown"},
		{Name: "target", Type: api.TextType(), Summary: `of a call that a script dialled: "sip/1002"`},
		{Name: "cause", Type: api.NumberType(), Summary: "why it ended (Q.850)"},
	}}

// testCall is a leg as its far end sees it.
type testCall struct {
	b     *bench
	leg   *simulate.Leg
	heard uint64 // order of the last sound that an assertion found
}

// Class implements api.Object.
func (c *testCall) Class() string { return "testcall" }

// Title implements api.Object.
func (c *testCall) Title() string { return c.leg.Info().ID }

// Get implements api.Object.
func (c *testCall) Get(_ *lua.LState, name string) (lua.LValue, bool) {
	info := c.leg.Info()
	text := map[string]string{
		"id": info.ID, "state": info.State.String(), "number": info.Extension, "caller_number": info.Caller.Number,
		"caller_name": info.Caller.Name, "target": c.leg.Target,
	}
	if v, ok := text[name]; ok {
		return lua.LString(v), true
	}
	if name == "cause" {
		return lua.LNumber(info.Cause), true
	}
	return nil, false
}

func self(a *api.Args) *testCall { return a.Self().(*testCall) }

// again is the call itself, as the result.
func again(a *api.Args) int { return a.Return(a.L.Get(1)) }

func (c *testCall) over() bool { return c.leg.Info().State == call.Ended && c.b.world.Idle() }

func hears(a *api.Args) int {
	return listen(a, a.String(0), func(s simulate.Sound) bool {
		return s.Kind != "say" && s.Name == a.String(0)
	})
}

func hearsSaid(a *api.Args) int {
	t := a.Value(0).(*lua.LTable)
	kind, value := t.Next(lua.LNil)
	if more, _ := t.Next(kind); kind == lua.LNil || more != lua.LNil {
		return fail(a, "say one thing, such as { number = 42 }")
	}
	return listen(a, kind.String()+" "+value.String(), func(s simulate.Sound) bool {
		return s.Kind == "say" && s.As == kind.String() && s.Name == value.String()
	})
}

// listen waits for a sound.
func listen(a *api.Args, what string, wanted func(simulate.Sound) bool) int {
	c := self(a)
	var order uint64 // of the sound, once it was heard
	missing := false
	look := func() bool {
		for _, s := range c.b.world.Heard(c.leg, c.heard) {
			if wanted(s) && s.Missing {
				missing = true
			} else if wanted(s) {
				order = s.Order
				return true
			}
		}
		return missing || c.over()
	}
	most := patience(a, 1)
	c.b.until(a, most, look)
	switch {
	case order != 0:
		c.heard = order
		return again(a)
	case missing:
		return fail(a, "%s was to be heard, but there is no such prompt", what)
	}
	return fail(a, "%s was not heard%s; heard before: %s; since: %s", what, c.why(most), c.list(0, c.heard), c.list(c.heard, math.MaxUint64))
}

// why says what ended the waiting.
func (c *testCall) why(most time.Duration) string {
	if info := c.leg.Info(); info.State == call.Ended {
		return ", and the call has ended (" + info.Cause.String() + ")"
	}
	return " within " + number(most.Seconds()) + " s"
}

// list is what was heard after one sound and up to another.
func (c *testCall) list(from, to uint64) string {
	var names []string
	for _, s := range c.b.world.Heard(c.leg, from) {
		if s.Order > to {
			break
		}
		if s.Kind == "say" {
			s.Name = s.As + " " + s.Name
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

func neverHears(a *api.Args) int {
	c := self(a)
	for _, s := range c.b.world.Heard(c.leg, 0) {
		if s.Name == a.String(0) && !s.Missing {
			return fail(a, "%s was heard", a.String(0))
		}
	}
	return again(a)
}

func checkKeys(a *api.Args, keys string) {
	if keys == "" || strings.Trim(keys, "0123456789*#ABCD") != "" {
		fail(a, "%q are no keys of a telephone", keys)
	}
}

// listening waits until the far end can be heard.
func (c *testCall) listening(a *api.Args, what string) {
	if !c.b.until(a, usualPatience, func() bool { return c.leg.Listens() || c.over() }) || !c.leg.Listens() {
		fail(a, "%s would be lost: the call is %s", what, c.leg.Info().State)
	}
}

func callPresses(a *api.Args) int {
	c, keys := self(a), a.String(0)
	checkKeys(a, keys)
	c.listening(a, "keys")
	for i := range len(keys) {
		c.leg.Presses(keys[i : i+1])
		c.b.until(a, keyPeriod, never)
	}
	return again(a)
}

func callSpeaks(a *api.Args) int {
	c := self(a)
	c.listening(a, "speech")
	c.leg.Speak(a.Seconds(0))
	c.b.until(a, a.Seconds(0), never)
	return again(a)
}

func callWaits(a *api.Args) int {
	self(a).b.until(a, a.Seconds(0), never)
	return again(a)
}

func callAnswers(a *api.Args) int {
	c := self(a)
	if c.leg.Target == "" {
		return fail(a, "only a phone that rings can be answered: t:phone(…):rings():answers()")
	}
	if s := c.leg.Info().State; s >= call.Answered {
		return fail(a, "the call is %s and cannot be answered", s)
	}
	c.leg.Answers()
	c.b.settle(a)
	return again(a)
}

func callRejects(a *api.Args) int {
	c := self(a)
	if s := c.leg.Info().State; s >= call.Answered || c.leg.Target == "" {
		return fail(a, "the call is %s and cannot be rejected", s)
	}
	c.leg.Rejects(a.Int(0))
	c.b.settle(a)
	return again(a)
}

func callHangsUp(a *api.Args) int {
	c := self(a)
	c.leg.HangsUp(call.CauseNormal)
	c.b.settle(a)
	return again(a)
}

func callIs(a *api.Args) int {
	c := self(a)
	want := a.String(0)
	state := func() string { return c.leg.Info().State.String() }
	if !c.b.until(a, patience(a, 1), func() bool { return state() == want || c.over() }) || state() != want {
		return fail(a, "the call is %s, want %s%s", state(), want, c.why(patience(a, 1)))
	}
	return again(a)
}

func callEnded(a *api.Args) int {
	c := self(a)
	if !c.b.until(a, patience(a, 1), c.over) {
		return fail(a, "the call is %s and has not ended within %s s", c.leg.Info().State, number(patience(a, 1).Seconds()))
	}
	got := c.leg.Info().Cause
	if !a.Has(0) {
		return again(a)
	}
	want, ok := call.CauseByName(a.String(0))
	if !ok {
		return fail(a, "there is no cause %q", a.String(0))
	}
	if got != want {
		return fail(a, "the call ended with %s (%d), want %s (%d)", got, got, want, want)
	}
	return again(a)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
