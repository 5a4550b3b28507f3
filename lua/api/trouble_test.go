package api

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/store"
)

// broken is a service of the server that panics: a mistake of ours, not of a script.
type broken struct{ Store }

func (broken) Get(context.Context, string, string) ([]byte, error) { panic("broken store") }
func (broken) Put(context.Context, string, string, []byte, store.PutOptions) error {
	var none map[string]int
	none["x"]++
	return nil
}
func (broken) Dial(context.Context, call.Target) (call.Leg, error) { panic("broken endpoint") }

// A mistake in Go ends the call that met it, with a report; pcall does not hide it.
func TestPanicEndsOneCall(t *testing.T) {
	for _, body := range []string{
		`store.get("f", "k")`,
		`pcall(store.put, "f", "k", 1) log.error("still %s", "running")`,
		`call:on_hangup(function() store.get("f", "k") end) error "first"`,
	} {
		t.Run(body, func(t *testing.T) {
			w := serving(t, "call:answer()\n"+body)
			w.api.services.Store = broken{}
			leg := w.calls()
			w.logged("panicked", "dialplan.lua:3", "goroutine")
			if c := cause(leg); c != call.CauseTemporaryFailure {
				t.Errorf("ended with %v, want cause 41", c)
			}
			if strings.Contains(w.log.String(), "still running") {
				t.Error("the script caught the panic")
			}
			if good := w.starts("600"); cause(good) == call.CauseNone {
				t.Error("the next call is not served")
			}
		})
	}
}

func TestPanicInAnEndpointFailsTheAttempt(t *testing.T) {
	w := serving(t, `log.info("%s", call:dial("sip/1001").status)`)
	w.api.services.Endpoints["sip"] = broken{}
	w.calls()
	w.logged("panic in dialling", "msg=congestion")
}

// A leg that is handed over when nobody waits any more is hung up.
func TestLegDialledTooLate(t *testing.T) {
	w := serving(t, "")
	c := &Call{id: "c"}
	c.task = &task{api: w.api, clock: w.clock, call: c, log: w.services.Log, inbox: inbox{ready: make(chan struct{}, 1)}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d := &dialling{c: c, ctx: ctx}
	leg := fake.NewLeg(w.clock, call.Info{})
	party := &Call{task: c.task, leg: leg}
	if !c.task.post(func() { d.dialled(&attempt{}, party) }) {
		t.Fatal("the task takes nothing")
	}
	c.task.close()
	if leg.Info().State != call.Ended {
		t.Error("the leg is left")
	}
	if c.task.post(func() {}) {
		t.Error("a closed task takes more")
	}
	<-leg.Events()
	w.clock.Release()
	w.clock.Settle()
}

// Timers that set themselves again may do so for hours while the script waits.
func TestTimersMayGoOnForHours(t *testing.T) {
	w := serving(t, `local n = 0
local function again()
  n = n + 1
  for i = 1, 1000 do end
  if n < 500 then timer.after(7, again) end
end
again()
call:wait(3500)
log.info("rang %d times", n)`)
	w.calls()
	w.logged("rang 500 times")
	w.noErrors()
}

// Two parties that a script connects may leave while its own call goes on.
func TestEitherOfTwoPeersMayLeave(t *testing.T) {
	for _, who := range []string{"first", "second"} {
		w := serving(t, `call:answer()
local first, second = call:dial("sip/first", {bridge = false}).peer, call:dial("sip/second", {bridge = false}).peer
local result = first:bridge(second)
log.info("%s after %d", result.ended_by, result.duration)`)
		w.sip.On("first", fake.AnswersAfter(0))
		w.sip.On("second", fake.AnswersAfter(0))
		w.sip.On(who, fake.AnswersAfter(0), fake.HangsUpAfter(5*time.Second))
		w.calls()
		w.logged(map[string]string{"first": "caller after 5", "second": "called after 5"}[who])
	}
}

// Where the script fails about a party that answered, that party is let go, even
// if the script goes on.
func TestPartyOfAFailedDialIsLetGo(t *testing.T) {
	w := serving(t, `call:answer()
log.info("%s", pcall(call.dial, call, "sip/1001", {on_answer = function() error "no" end}))
call:wait(60)`)
	w.sip.On("1001", fake.AnswersAfter(time.Second))
	w.starts("600")
	w.clock.Advance(10 * time.Second)
	w.clock.Settle()
	if s := w.sip.Legs()[0].Info().State; s != call.Ended {
		t.Errorf("the party is %v", s)
	}
	w.logged("msg=false")
}

// A loop that does nothing but ask the store is an endless one all the same.
func TestEndlessStoreLoop(t *testing.T) {
	w := serving(t, `while true do store.get("f", "k") end`)
	if c := cause(w.calls()); c != call.CauseTemporaryFailure {
		t.Errorf("ended with %v, want cause 41", c)
	}
	w.logged("an endless loop?")
}

// nasty are values of Lua that functions do not expect.
var nasty = []string{
	`0/0`, `1/0`, `-1/0`, `-2^63`, `2^63 - 1024`, `2^53`, `1e308`, `0`, `-1`, `0.5`, `""`, `"\0"`, `"%s%n%"`, `"../.."`, `"a/b"`, `("x"):rep(70000)`,
	`"http://[::1"`, `"(((("`, `"9#"`, `"sip/"`, `"1.wav"`, `true`, `false`, `{}`, `{0/0, {}, "x"}`, `{{{{}}}}`, `{[1] = "a", [5] = "b"}`, `function() end`, `nil`, `call`,
}

// No argument, however odd, makes a function panic: it raises an error, which a
// script may catch, or does something.
func TestOddArguments(t *testing.T) {
	for _, e := range table {
		if e.Phase == Loading {
			continue
		}
		function := map[string]string{"context": `context("internal")`, "caller": "call.caller", "call": "call", "stream": `program.open("/bin/cat")`}[e.On]
		switch {
		case function != "":
			function += ":" + e.Name
		case e.On != "":
			function = e.On + "." + e.Name
		default:
			function = e.Name
		}
		var cases []string
		arguments := func(list ...string) {
			cases = append(cases, "function(call) "+function+"("+strings.Join(list, ", ")+") end")
		}
		for i, one := range nasty {
			other := nasty[(i*7+3)%len(nasty)]
			arguments(one)
			arguments(one, other)
			arguments(other, one, nasty[(i*11+5)%len(nasty)])
			for _, p := range e.Params {
				for _, f := range p.Type.Fields {
					arguments("{" + f.Name + " = " + one + "}")
					arguments(other, "{"+f.Name+" = "+one+"}")
					arguments(`{"a", path = "x.wav", ` + f.Name + " = " + one + "}")
				}
			}
		}
		site := "local cases = {" + strings.Join(cases, ",\n") + "}\n" +
			"grant { programs = { '/bin/cat', at_once = 1000, timeout = 0.05 } }\n" +
			"context('internal'):extension('_X.', function(call) pcall(cases[tonumber(call.extension)], call) end)"
		t.Run(e.Label(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "dialplan.lua", site)
			w.api.services.HTTP = web{}
			var legs []*fake.Leg
			for i := range cases {
				number := strconv.Itoa(i + 1)
				leg := fake.NewLeg(w.clock, call.Info{ID: number, Incoming: true, Context: "internal", Extension: number}, fake.Presses("12#12#", time.Second))
				w.api.Accept(leg)
				legs = append(legs, leg)
			}
			w.clock.Advance(10 * time.Second)
			for _, leg := range legs {
				leg.HangsUp(call.CauseNormal)
			}
			w.clock.Advance(time.Second)
			w.clock.Settle()
			if log := w.log.String(); strings.Contains(log, "panic") {
				t.Error(log[max(0, strings.Index(log, "panic")-500):])
			}
			if n := w.api.Stats().Active; n != 0 {
				t.Errorf("%d calls are left", n)
			}
		})
	}
}

// The least length applies to a caller who hangs up as well.
func TestShortRecordingOfACallerWhoHangsUp(t *testing.T) {
	w := serving(t, `call:record {path = "x.wav", min = 3}`)
	leg := w.starts("600")
	w.clock.Advance(2 * time.Second)
	leg.HangsUp(call.CauseNormal)
	w.clock.Advance(time.Second)
	w.clock.Settle()
	if left, err := fs.Glob(os.DirFS(w.folder), "*"); err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
	w.noErrors()
}

// Hooks that are slow do not pile up without end.
func TestHooksDoNotPileUp(t *testing.T) {
	w := newWorld(t, "config.lua", `on("registration", function() end)`)
	b := &w.api.background
	b.mu.Lock()
	b.running, b.waiting = backgroundAtOnce, make([]func(), backgroundWaiting)
	b.mu.Unlock()
	w.api.Registered(Registration{Phone: "1001", State: "registered"})
	w.logged("a hook is left out")
	w.clock.Settle()
}

// Drain waits for what scripts do about the end of calls, but not for ever.
func TestDrainWaitsForHooks(t *testing.T) {
	w := newWorld(t, "config.lua", `context("internal"):extension("600", function(call) call:echo() end)
on("call.ended", function() store.put("f", "k", 1) end)`)
	gate := make(chan struct{})
	w.api.services.Store = gated{gate: gate}
	w.starts("600")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan error)
	go func() { done <- w.api.Drain(ctx) }()
	gate <- struct{}{} // the hook is at work
	select {
	case <-done:
		t.Error("Drain did not wait")
	default:
	}
	gate <- struct{}{}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// gated is a store that keeps nothing, and takes two steps to do so.
type gated struct {
	Store
	gate chan struct{}
}

func (g gated) Put(context.Context, string, string, []byte, store.PutOptions) error {
	<-g.gate
	<-g.gate
	return errors.New("nothing is kept")
}

// A line of the log is short, whatever a script puts into it, and takes text for
// numbers as string.format does: what the store gives is text.
func TestLogLines(t *testing.T) {
	w := serving(t, `store.put("f", "k", 3)
log.info("%d of %.1f", store.get("f", "k"), "4.5")
local long = ("x"):rep(1e6)
log.info("%s %s", long, {long, long, a = long})
log.info(("%s"):rep(2000), long)
log.info("%999999d", 1)`)
	w.calls()
	w.logged("3 of 4.5", "%999999d")
	if n := len(w.log.String()); n > 64<<10 {
		t.Errorf("%d bytes were logged", n)
	}
}
