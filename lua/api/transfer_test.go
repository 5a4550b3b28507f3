package api

import (
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
)

const transferring = `
local c = context "internal"
c:extension("600", function(call)
  call:on_hangup(function() log.info("the caller's script is over") end)
  call:dial("sip/1002@trunk", { transfer_context = "internal" })
  log.error("the caller's script went on")
end)
c:extension("601", function(call)
  log.info("%s in %s, called by %s, %s", call.id, call.extension, call.caller.number, call.state)
  local key = call:read { prompt = "ask", max = 1, timeout = 10 }
  log.info("pressed %s", key)
  call:hangup()
end)
c:extension("602", function(call) call:dial("sip/1003", { transfer_context = "internal" }) end)`

func TestTransferByTheCaller(t *testing.T) {
	w := newWorld(t, "d.lua", transferring)
	w.sip.On("1002@trunk", fake.AnswersAfter(time.Second), fake.Presses("7", 8*time.Second))
	caller := w.starts("600", asksTransfer(w, 5*time.Second, "601"))
	w.clock.Advance(6 * time.Second)
	w.clock.Settle()
	called := w.sip.Legs()[0]
	if caller.Info().State != call.Ended || called.Info().State != call.Answered {
		t.Errorf("the caller is %v and the called party %v", caller.Info().State, called.Info().State)
	}
	if list := w.api.Calls(); len(list) != 1 || list[0].ID != called.Info().ID {
		t.Errorf("calls: %+v", list)
	}
	w.clock.Advance(time.Minute)
	w.clock.Settle()
	w.logged("the caller's script is over", called.Info().ID+" in 601, called by 1002, answered", "pressed 7")
	w.noErrors()
	if called.Info().State != call.Ended || w.api.Stats().Active != 0 || len(w.records) != 2 {
		t.Errorf("left: %v, %d calls, %d records", called.Info().State, w.api.Stats().Active, len(w.records))
	}
}

// The other party may hang up in its new script, and be transferred again.
func TestTransferredPartyIsACallLikeAnyOther(t *testing.T) {
	w := newWorld(t, "d.lua", transferring)
	w.sip.On("1002@trunk", fake.AnswersAfter(time.Second), fake.HangsUpAfter(20*time.Second))
	w.sip.On("1003", fake.AnswersAfter(time.Second))
	w.starts("600", asksTransfer(w, 5*time.Second, "602"))
	w.clock.Advance(10 * time.Second)
	w.clock.Settle()
	legs := w.sip.Legs()
	if len(legs) != 2 || legs[1].Info().State != call.Answered {
		t.Fatalf("%d legs\n%s", len(legs), w.log)
	}
	w.clock.Advance(time.Minute)
	w.clock.Settle()
	if legs[1].Info().State != call.Ended || w.api.Stats().Active != 0 {
		t.Error("something is left")
	}
	w.noErrors()
}

// A number that does not exist changes nothing; neither does a wish where the
// script forbids them. Who asked is told.
func TestTransferThatCannotBe(t *testing.T) {
	for _, at := range []struct {
		number, allows string
		called         bool // who asks
		status         int
	}{
		{"999", "true", false, 404}, {"601", "false", false, 603}, {"999", "'internal'", true, 404}, {"601", "false", true, 603},
	} {
		w := newWorld(t, "d.lua", strings.ReplaceAll(transferring, `transfer_context = "internal"`, "transfer_context = "+at.allows))
		asks := asksTransfer(w, 5*time.Second, at.number)
		var caller *fake.Leg
		if at.called {
			w.sip.On("1002@trunk", fake.AnswersAfter(time.Second), asks)
			caller = w.starts("600")
		} else {
			w.sip.On("1002@trunk", fake.AnswersAfter(time.Second))
			caller = w.starts("600", asks)
		}
		w.clock.Advance(10 * time.Second)
		w.clock.Settle()
		asking := caller
		if at.called {
			asking = w.sip.Legs()[0]
		}
		if caller.Info().State != call.Answered || w.sip.Legs()[0].Info().State != call.Answered {
			t.Errorf("%+v parted the two", at)
		}
		if got := refusal(asking); got != at.status {
			t.Errorf("%+v: told %d", at, got)
		}
		caller.HangsUp(call.CauseNormal)
		w.clock.Settle()
		if w.sip.Legs()[0].Info().State != call.Ended {
			t.Error("the called party is left")
		}
	}
}

// refusal is the status with which a leg was told that its transfer is not done.
func refusal(l *fake.Leg) int {
	for _, s := range l.Signals() {
		if r, ok := s.Signal.(call.RefuseTransfer); ok {
			return r.Status
		}
	}
	return 0
}

// Without transfer_context the number is looked up where the party who asks
// dials, which for the caller is at least the context of the call.
func TestTransferInOnesOwnContext(t *testing.T) {
	site := strings.ReplaceAll(transferring, `, { transfer_context = "internal" }`, "") + `
context "phones":extension("601", function(call) log.info("%s to %s in %s", call.id, call.extension, call.context) call:wait(1) end)`
	for _, at := range []struct {
		context string
		called  bool
		want    string
	}{{"", false, "in 601"}, {"phones", false, "to 601 in phones"}, {"phones", true, "to 601 in phones"}} {
		w := newWorld(t, "d.lua", site)
		asks := func(l *fake.Leg) {
			w.clock.AfterFunc(5*time.Second, func() { l.Post(call.TransferAsked{To: "601", Context: at.context}) })
		}
		if at.called {
			w.sip.On("1002@trunk", fake.AnswersAfter(time.Second), asks)
			w.starts("600")
		} else {
			w.sip.On("1002@trunk", fake.AnswersAfter(time.Second))
			w.starts("600", asks)
		}
		w.clock.Advance(8 * time.Second)
		w.clock.Settle()
		w.logged(at.want)
		w.clock.Advance(time.Minute)
		w.clock.Settle()
		if w.api.Stats().Active != 0 {
			t.Errorf("%+v: something is left", at)
		}
	}
}

// A party of which no context is known, an address of somewhere, moves nobody by
// itself: the script is told.
func TestTransferByAStranger(t *testing.T) {
	w := newWorld(t, "d.lua", `
context "internal":extension("600", function(call)
  local r = call:dial("sip/sip:x@y")
  log.info("%s wants %s", r.ended_by, r.transfer)
end)`)
	w.sip.On("sip:x@y", fake.AnswersAfter(time.Second), asksTransfer(w, 5*time.Second, "601"))
	w.calls()
	w.logged("called wants sip:601@pbx")
}

// Who talks to a script has nobody to transfer.
func TestTransferOfNobody(t *testing.T) {
	w := newWorld(t, "d.lua", `context "internal":extension("600", function(call) call:answer() call:wait(20) end)`)
	caller := w.starts("600", asksTransfer(w, 5*time.Second, "601"))
	w.clock.Advance(10 * time.Second)
	w.clock.Settle()
	if refusal(caller) != 603 || caller.Info().State != call.Answered {
		t.Errorf("told %d, %v", refusal(caller), caller.Info().State)
	}
	w.clock.Advance(time.Minute)
	w.clock.Settle()
}
