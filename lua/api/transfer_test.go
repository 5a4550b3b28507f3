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
// script does not allow any.
func TestTransferThatCannotBe(t *testing.T) {
	for _, number := range []string{"999", ""} {
		site := transferring
		if number == "" {
			site = strings.ReplaceAll(site, "transfer_context", "language")
		}
		w := newWorld(t, "d.lua", site)
		w.sip.On("1002@trunk", fake.AnswersAfter(time.Second))
		caller := w.starts("600", asksTransfer(w, 5*time.Second, number))
		w.clock.Advance(10 * time.Second)
		w.clock.Settle()
		if caller.Info().State != call.Answered || w.sip.Legs()[0].Info().State != call.Answered {
			t.Errorf("%q parted the two", number)
		}
		caller.HangsUp(call.CauseNormal)
		w.clock.Settle()
		if w.sip.Legs()[0].Info().State != call.Ended {
			t.Error("the called party is left")
		}
	}
}
