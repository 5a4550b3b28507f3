package api

import (
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
)

const second601 = `
context "internal":extension("601", function(call)
  log.info("601 for %s, %s, %s", call.id, call.state, tostring(call.vars.colour))
  call:wait(1)
  log.info("601 is done")
end)`

func TestHandOverNow(t *testing.T) {
	w := newWorld(t, "d.lua", second601+`
context "internal":extension("600", function(call)
  local peer = call:dial("sip/a", { bridge = false, answer = false }).peer
  log.info("no number: %s", peer:hand_over { extension = "999" }.status)
  log.info("%s, the party %s", peer:hand_over { extension = "601", variables = { colour = "red" } }.status, peer.state)
  log.info("again: %s", peer:hand_over { extension = "601" }.status)
  call:hangup "busy"
end)`)
	w.sip.On("a", fake.AnswersAfter(time.Second))
	leg := w.calls()
	called := w.sip.Legs()[0]
	w.logged("no number: unallocated", "done, the party ended", "again: hungup", "601 for "+called.Info().ID+", answered, red", "601 is done")
	w.noErrors()
	if cause(leg) != call.CauseBusy || called.Info().State != call.Ended {
		t.Errorf("the caller ended with %v, the called party is %v", cause(leg), called.Info().State)
	}
}

func TestHandOverWhenTheCallerHasLeft(t *testing.T) {
	for name, far := range map[string]fake.Behaviour{"caller": fake.HangsUpAfter(5 * time.Second), "called": fake.HangsUpAfter(time.Hour)} {
		w := newWorld(t, "d.lua", second601+`
context "internal":extension("600", function(call)
  local peer = call:dial("sip/a", { bridge = false }).peer
  peer:hand_over { extension = "601", when = "left" }
  call:bridge(peer)
  log.info "the caller goes on"
end)`)
		w.sip.On("a", fake.AnswersAfter(time.Second), fake.HangsUpAfter(20*time.Second))
		w.calls(far)
		served := strings.Contains(w.log.String(), "601 is done")
		if served != (name == "caller") {
			t.Errorf("the %s hangs up: 601 was run: %t\n%s", name, served, w.log)
		}
		w.noErrors()
	}
}

func TestEachTargetIsDialledInItsOwnWay(t *testing.T) {
	w := serving(t, `call:dial({ "sip/a", "sip/b" }, { headers = { ["X-All"] = "1" }, timeout = 5, cancel_cause = 26,
  each = function(target) if target == "sip/b" then return { headers = { ["X-Own"] = target }, caller = "77" } end end,
  on_called = function(peer, target) log.info("%s is called, %s", target, peer.state) end })`)
	w.sip.On("a", fake.RingsAfter(time.Second))
	w.sip.On("b", fake.RingsAfter(time.Second))
	w.calls()
	w.logged("sip/a is called", "sip/b is called")
	w.noErrors()
	shown := map[string]string{}
	for _, to := range w.sip.Dialled() {
		for _, h := range to.Headers {
			shown[to.Address] += h[0] + " "
		}
		shown[to.Address] += to.Caller.Number
	}
	if shown["a"] != "X-All 1001" || shown["b"] != "X-All X-Own 77" {
		t.Errorf("dialled with %v", shown)
	}
	for _, leg := range w.sip.Legs() {
		if cause(leg) != call.Cause(26) {
			t.Errorf("%s was cancelled with %v", leg.Info().Extension, cause(leg))
		}
	}
}

func TestPartiesThatAreKept(t *testing.T) {
	w := serving(t, `local peer = call:dial("sip/a", { bridge = false }).peer
local r = call:bridge(peer, { keep = true, limit = 5 })
log.info("%s, the party is %s", r.ended_by, peer.state)
peer:play "warning"
r = call:bridge(peer, { keep = true, on_digit = function(key) return "hangup" end })
log.info("%s, the party is %s", r.ended_by, peer.state)
r = call:bridge(peer, { limit = 2 })
log.info("%s, the party is %s", r.ended_by, peer.state)`)
	w.sip.On("a", fake.AnswersAfter(time.Second), fake.Presses("3", 10*time.Second))
	w.calls()
	w.logged("limit, the party is answered", "called, the party is answered", "limit, the party is ended")
	w.noErrors()
	if w.played() != "warning" {
		t.Errorf("played %s", w.played())
	}
}

func TestLocksAreOfOneCallAtATime(t *testing.T) {
	w := serving(t, `local began = time.now()
local taken = lock.take("door", { timeout = 5 })
log.info("%s: %s after %.0f s", call.id, tostring(taken), time.now() - began)
if taken then call:wait(3) end
log.info("%s: let go %s", call.id, tostring(lock.release "door"))
if call.id == "c1" then lock.take "door"; lock.take "door"; call:wait(4) end`)
	for i, id := range []string{"c1", "c2", "c3"} {
		w.clock.AfterFunc(time.Duration(i)*time.Millisecond, func() {
			w.api.Accept(fake.NewLeg(w.clock, call.Info{ID: id, Endpoint: "sip", Incoming: true, Context: "internal", Extension: "600"}))
		})
	}
	w.clock.Advance(time.Minute)
	w.clock.Settle()
	w.logged("c1: true after 0 s", "c2: true after 3 s", "c3: false after 5 s", "c3: let go false", "c2: let go true", "c1: let go true")
	w.noErrors()
	if n := len(w.api.locks.held); n != 0 {
		t.Errorf("%d locks are held after the calls", n)
	}
}

func TestPhonesAreWhatTheirLegsAre(t *testing.T) {
	w := newWorld(t, "d.lua", `
for _, name in ipairs { "a", "b", "1001", "off" } do sip.phone(name) { password = "x", context = "internal" } end
local function show(when)
  local list = {}
  for _, phone in ipairs(phones()) do list[#list + 1] = phone.name .. "=" .. phone.state end
  log.info("%s: %s", when, table.concat(list, " "))
end
context "internal":extension("600", function(call)
  show "before"
  timer.after(2, function() show "ringing" end)
  timer.after(6, function() show "talking" end)
  timer.after(10, function() show "held" end)
  call:dial "sip/a"
  show "after"
end)`)
	w.api.services.Registered = func() map[string]bool { return map[string]bool{"a": true, "b": true, "1001": true} }
	w.sip.On("a", fake.RingsAfter(time.Second), fake.AnswersAfter(4*time.Second), fake.HoldsBetween(5*time.Second, 9*time.Second), fake.HangsUpAfter(20*time.Second))
	w.calls()
	w.noErrors()
	w.logged("before: ", "off=unavailable", "a=ringing b=idle", "a=inuse b=idle", "a=hold b=idle", "after: a=idle")
}

func TestOriginateWithoutWaiting(t *testing.T) {
	w := newWorld(t, "d.lua", second601+`
context "internal":extension("600", function(call)
  for _, name in ipairs { "a", "b", "x" } do
    log.info("%s: %s", name, originate { target = "sip/" .. name, context = "internal", extension = "601", timeout = 5, wait = false, tag = name }.status)
  end
end)
on("originated", function(event) log.info("%s of %s for %s: %s", event.tag, event.target, event.extension, event.status) end)`)
	w.sip.On("a", fake.AnswersAfter(3*time.Second))
	w.sip.On("b", fake.RingsAfter(time.Second))
	w.calls()
	w.clock.Advance(time.Minute)
	w.clock.Settle()
	w.logged("a: begun", "a of sip/a for 601: answered", "b of sip/b for 601: noanswer", "x of sip/x for 601: unavailable", "601 is done")
	w.noErrors()
}
