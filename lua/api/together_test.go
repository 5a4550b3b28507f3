package api

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
)

// idle fails the test where a call has left something behind.
func (w *world) idle() {
	w.t.Helper()
	for _, l := range w.sip.Legs() {
		if l.Info().State != call.Ended {
			w.t.Errorf("a dialled leg is left\n%s", w.log)
		}
	}
	if _, pending := w.clock.Next(); pending {
		w.t.Errorf("an alarm is left\n%s", w.log)
	}
	if parts, _ := filepath.Glob(filepath.Join(w.folder, ".*.part")); len(parts) > 0 {
		w.t.Errorf("left: %v", parts)
	}
}

func TestAllWaitsForAll(t *testing.T) {
	w := serving(t, `local began = time.now()
local a, b, c, d = call:all {
  function(same) same:wait(3) return "three", "ignored" end,
  function() call:wait(5) call:wait(2) return "seven" end,
  function() end,
  function() return call:play "x" end,
}
log.info("%s %s %s %s after %d", a, b, tostring(c), d.status, time.now() - began)
log.info("none: %d", select("#", call:all {}))`)
	w.calls()
	w.logged("three seven nil played after 7", "none: 0")
	w.noErrors()
	w.idle()
}

func TestRaceCancelsTheOthers(t *testing.T) {
	w := serving(t, `call:answer()
local began = time.now()
local which, a, b = call:race {
  function() while true do pcall(function() call:play "music" end) end end,
  function() call:wait(3.5) return "first", "indeed" end,
  function() call:record { path = "1.wav" } end,
  function()
    local r = call:dial("sip/held", { bridge = false })
    timer.after(1, function() log.info "a timer that was cancelled" end)
    call:wait(100)
  end,
  function() call:dial("sip/ringing", { timeout = 100 }) end,
  function() error "not reached" end and function() call:read { timeout = 100 } end,
}
log.info("%d %s %s after %.1f", which, a, b, time.now() - began)
call:wait(2)
log.info("music is over: %s", call:play "end")`)
	w.sip.On("held", fake.AnswersAfter(3*time.Second))
	w.sip.On("ringing", fake.NeverAnswers())
	leg := w.starts("600")
	w.clock.Advance(4 * time.Second)
	for _, l := range w.sip.Legs() {
		if l.Info().State != call.Ended {
			t.Errorf("%s is still up", l.Info().Extension)
		}
	}
	if strings.Contains(w.log.String(), "end") && leg.Info().State == call.Ended {
		t.Errorf("the call ended\n%s", w.log)
	}
	w.clock.Advance(time.Minute)
	w.logged("2 first indeed after 3.5")
	if strings.Contains(w.log.String(), "a timer") {
		t.Error("a timer of a cancelled branch went off")
	}
	if got := w.played(); got != "music music music music end" {
		t.Errorf("heard %s", got)
	}
	w.near("1.wav", 3500*time.Millisecond)
	w.noErrors()
	w.idle()
}

// What a branch that has ended well started goes on.
func TestBranchesLeaveWhatTheyReturn(t *testing.T) {
	w := serving(t, `call:answer()
local music, result = call:all {
  function() return call:play {"a", "b", "c"} end,
  function()
    timer.after(6, function() log.info "the timer went off" end)
    return call:dial("sip/1001", { bridge = false, timeout = 10 })
  end,
}
log.info("%s %s %s", music.status, result.status, result.peer.state)
log.info("%s", call:bridge(result.peer, { limit = 5 }).ended_by)`)
	w.sip.On("1001", fake.AnswersAfter(2*time.Second))
	w.calls()
	w.logged("played answered answered", "the timer went off", "limit")
	w.noErrors()
	w.idle()
}

func TestReadWhileRecording(t *testing.T) {
	for _, order := range []string{"record, read", "read, record"} {
		w := serving(t, `local function record() return call:record { path = "1.wav", max = 10 } end
local function read() return call:read { max = 3, timeout = 20, terminators = "" } end
local a, b = call:all { `+order+` }
if type(a) == "string" then a, b = b, a end
log.info("%s %s %s", a.status, a.ended_by, b)`)
		w.calls(fake.Presses("1", 2*time.Second), fake.Presses("2", 3*time.Second), fake.Presses("#", 4*time.Second), fake.Presses("3", 5*time.Second))
		if order == "record, read" {
			w.logged("recorded limit 12#") // the key goes to who began last
		} else {
			w.logged("recorded key 123")
		}
		w.noErrors()
		w.idle()
	}
}

func TestErrorInABranch(t *testing.T) {
	w := serving(t, `local function fails() call:wait(2) local x = nil; x() end
local ok, message = pcall(function()
  call:all {
    function() call:record { path = "1.wav" } end,
    fails,
    function() call:all { function() call:wait(100) end } end,
  }
end)
log.info("caught %s", message)
local ok, message = pcall(error, "another")
call:race { function() call:wait(1) end, function() call:all { fails, function() call:play "x" end } end, }
call:all { function() call:wait(50) end, function() call:all { fails } end }`)
	w.calls()
	w.near("1.wav", 2*time.Second)
	w.logged("caught scripts/dialplan.lua:2", "script failed", "this calls something that is not a function", "in function at line 2", "dialplan.lua:13")
	if n := strings.Count(w.log.String(), "script failed"); n != 1 {
		t.Errorf("%d scripts failed", n)
	}
	w.idle()
}

func TestSameThingWantedTwice(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"play", `local a, b = call:all {
  function() return call:play {"a", "b", "c"} end,
  function() call:wait(1.5) return call:play "d" end,
}
log.info("got %s %s", a.status, b.status)`, "got replaced played"},
		{"play stopped by its key leaves the other", `local a, b = call:all {
  function() return call:play {"a", "b", interrupt = "1"} end,
  function() call:wait(1) return call:play {"d", "e", "f"} end,
}
log.info("got %s %s", a.status, b.status)`, "got replaced played"},
		{"read", `local a, b = call:all {
  function() return (call:read { max = 1, timeout = 10 }) end,
  function() call:wait(0.5) return (call:read { max = 1, timeout = 10 }) end,
}
log.info("got %s %s", tostring(a), tostring(b))`, "got 2 1"},
		{"bridge", `call:answer()
local one = call:dial("sip/1001", { bridge = false }).peer
local two = call:dial("sip/1001", { bridge = false }).peer
local a, b, c = call:all {
  function() return call:bridge(one, { limit = 5 }) end,
  function() return call:bridge(two, { limit = 5 }) end,
  function() return call:play "x" end,
}
log.info("got %s %s %s", a.status, b.status, c.status)`, "got answered failed played"},
		{"bridge ends the music", `call:answer()
local a, b = call:all {
  function() return call:play {"a", "b", "c", "d", "e", "f"} end,
  function() return call:dial("sip/1001", { limit = 10 }) end,
}
log.info("got %s %s %s", a.status, b.status, b.ended_by)`, "got replaced answered limit"},
		{"record", `local a, b = call:all {
  function() return call:record { path = "a.wav", max = 3 } end,
  function() return call:record { path = "b.wav", max = 4 } end,
}
log.info("got %.0f %.0f", a.duration, b.duration)`, "got 3 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := serving(t, c.script)
			w.sip.On("1001", fake.AnswersAfter(time.Second))
			w.calls(fake.Presses("1", 1500*time.Millisecond), fake.Presses("2", 3*time.Second))
			w.logged(c.want)
			w.noErrors()
			w.idle()
		})
	}
}

// Branches wait in places where Lua's own coroutines could not.
func TestBranchesWaitAnywhere(t *testing.T) {
	w := serving(t, `local order = {}
local function note(s) order[#order + 1] = s end
call:all {
  function()
    pcall(function() call:wait(1) note "pcall" end)
    local list = { 3, 1, 2 }
    table.sort(list, function(a, b) call:wait(0.001) return a < b end)
    note(table.concat(list))
    note((("abc"):gsub("%w", function(c) call:wait(0.1) return c:upper() end)))
  end,
  function()
    local each = coroutine.wrap(function()
      call:wait(0.5) coroutine.yield "one"
      call:all { function() call:wait(0.2) coroutine.wrap(function() call:wait(0.1) note "deep" end)() end, function() call:wait(0.1) end }
      coroutine.yield "two"
    end)
    for word in each do note(word) end
  end,
  function()
    note(tostring(coroutine.running()))
    note(tostring(pcall(coroutine.yield, 1)))
    for name in pairs { x = 1 } do call:wait(3) note(name) end
  end,
}
log.info("order %s", table.concat(order, " "))`)
	w.calls()
	w.logged("order nil false one deep two pcall 123 ABC x")
	w.noErrors()
	w.idle()
}

// A script cannot go on after it was cancelled, whatever it does.
func TestCancelIsFinal(t *testing.T) {
	w := serving(t, `local count = 0
for n = 1, 3 do
  call:race {
    function() call:wait(1) end,
    function()
      while true do
        pcall(function() call:wait(100) end)
        xpcall(function() call:all { function() call:wait(100) end } end, function() count = count + 1 end)
        count = count + 1
      end
    end,
    function() coroutine.wrap(function() call:wait(100) count = count + 1 end)() count = count + 1 end,
  }
end
log.info("count %d, and on: %s", count, tostring(pcall(call.wait, call, 1)))`)
	w.calls()
	w.logged("count 0, and on: true")
	w.noErrors()
	w.idle()
}

func TestBranchesAreLimited(t *testing.T) {
	for script, want := range map[string]string{
		`call:all { function() call:wait(10) end, function() while true do end end }`:                                                              "too long",
		`local t = {} call:all { function() call:wait(10) end, function() while true do t[#t + 1] = ("x"):rep(1000) .. #t; call:wait(0) end end }`: "memory",
		`local f = {} for n = 1, 17 do f[n] = function() end end call:all(f)`:                                                                      "more than 16 functions at once",
		`call:race {}`: "needs at least one function",
		`local function deep() call:all { deep } end deep()`:                                           "more than 64 coroutines",
		`call:all { function() call:hangup() end, function() call:wait(100) end } log.error "went on"`: "call ended",
	} {
		w := serving(t, script)
		w.calls()
		w.logged(want)
		if strings.Contains(w.log.String(), "went on") || strings.Contains(w.log.String(), "panic") {
			t.Errorf("%s\n%s", script, w.log)
		}
		w.idle()
	}
}

// Each branch has its own place in the extensions that enter one another.
func TestBranchesEnterExtensions(t *testing.T) {
	w := newWorld(t, "dialplan.lua", `local c = context "internal"
c:extension("_7X", function(call) call:wait(tonumber(call.extension) - 70) log.info("in %s", call.extension) end)
c:extension("600", function(call)
  call:all { function() call:enter "73" end, function() call:wait(1) call:enter "71" log.info("back in %s", call.extension) end }
  call:race { function() call:enter "79" end, function() call:wait(1) end }
  log.info("at last %s", call.extension)
end)`)
	w.calls()
	w.logged("in 71", "in 73", "back in 600", "at last 600")
	w.noErrors()
}

const together = `
  call:on_hangup(function() log.info "cleaned up" end)
  call:answer()
  call:all {
    function()
      call:race {
        function() while true do call:play {"music", "music"} end end,
        function() return call:dial({"sip/1001", "sip/1002"}, {timeout = 4, bridge = false}) end,
        function() pcall(function() call:wait(3) end) end,
      }
      call:record {path = "x.wav", max = 4, append = true, beep = true}
    end,
    function()
      for n = 1, 3 do call:read {prompt = "ask", timeout = 1, max = 2} end
      local r = call:dial("sip/1003", {bridge = false, timeout = 3})
      if r.peer then call:all {
        function() r.peer:play {"a", "b"} end,
        function() call:bridge(r.peer, {limit = 3}) end,
        function() timer.after(1, function() call:wait(0.3) end) call:wait(2) end,
      } end
    end,
    function() for n = 1, 5 do call:race { function() call:wait(0.7) end, function() call:tone("busy") end } end end,
  }
  call:wait(2)`

// A hang-up at any moment ends all branches, once, and leaves nothing behind.
func TestHangupAtEveryMomentOfBranches(t *testing.T) {
	for at := time.Duration(0); at < 12*time.Second; at += 290 * time.Millisecond {
		w := serving(t, together)
		w.sip.On("1001", fake.AnswersAfter(2*time.Second), fake.HangsUpAfter(4*time.Second))
		w.sip.On("1002", fake.NeverAnswers())
		w.sip.On("1003", fake.AnswersAfter(time.Second))
		leg := w.starts("600", fake.Presses("5", 1300*time.Millisecond))
		w.clock.Advance(at)
		leg.HangsUp(call.CauseNormal)
		w.clock.Advance(time.Minute)
		w.clock.Settle()
		if n := strings.Count(w.log.String(), "cleaned up"); n != 1 {
			t.Fatalf("hang-up at %v: %d clean-ups\n%s", at, n, w.log)
		}
		w.noErrors()
		w.idle()
		if len(w.records) != 1 || w.records[0].HungUpBy != "caller" {
			t.Errorf("hang-up at %v: records %+v", at, w.records)
		}
		if t.Failed() {
			t.Fatalf("hang-up at %v", at)
		}
	}
}

// TestBranchesInAnyOrder has everything happen at random moments: keys, answers,
// hang-ups and errors.
func TestBranchesInAnyOrder(t *testing.T) {
	before := runtime.NumGoroutine()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		moment := func(most int) time.Duration { return time.Duration(r.IntN(most)) * 10 * time.Millisecond }
		script := together
		if r.IntN(3) == 0 {
			script = strings.Replace(script, "call:wait(2) end,", fmt.Sprintf("call:wait(%.2f) error 'on purpose' end,", r.Float64()*2), 1)
		}
		w := serving(t, script)
		w.sip.On("1001", fake.AnswersAfter(moment(500)), fake.HangsUpAfter(moment(900)))
		w.sip.On("1002", fake.RejectsAfter(moment(500), call.CauseBusy))
		w.sip.On("1003", fake.AnswersAfter(moment(400)), fake.HangsUpAfter(moment(900)))
		behaviours := []fake.Behaviour{}
		for range r.IntN(6) {
			behaviours = append(behaviours, fake.Presses(string("0123456789#*"[r.IntN(12)]), moment(1500)))
		}
		leg := w.starts("600", behaviours...)
		if r.IntN(2) == 0 {
			w.clock.Advance(moment(1500))
			leg.HangsUp(call.CauseNormal)
		}
		w.clock.Advance(10 * time.Minute)
		w.clock.Settle()
		w.idle()
		log := w.log.String()
		for _, line := range strings.Split(log, "\n") {
			if strings.Contains(line, "panic") || strings.Contains(line, "level=ERROR") && !strings.Contains(line, "on purpose") {
				t.Errorf("seed %d: %s", seed, line)
			}
		}
		if leg.Info().State != call.Ended || strings.Count(log, "cleaned up") != 1 {
			t.Errorf("seed %d: the call is %v\n%s", seed, leg.Info().State, log)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for n := 0; runtime.NumGoroutine() > before+200 && n < 1000; n++ {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before+200 {
		t.Errorf("%d goroutines, and %d before", n, before)
	}
}
