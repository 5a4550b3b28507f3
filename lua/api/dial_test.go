package api

import (
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
)

func TestDialOutcomes(t *testing.T) {
	tests := []struct {
		name, body string
		plan       map[string][]fake.Behaviour
		far        []fake.Behaviour
		want       string
	}{
		{"answered", `local r = call:dial "sip/a"; log.info("%s %d %.0f %.0f %s", r.status, r.cause, r.duration, r.talk_time, r.ended_by)`,
			map[string][]fake.Behaviour{"a": {fake.AnswersAfter(3 * time.Second), fake.HangsUpAfter(5 * time.Second)}}, nil, "answered 16 8 5 called"},
		{"busy", `local r = call:dial "sip/a"; log.info("%s %d %d", r.status, r.cause, r.sip)`,
			map[string][]fake.Behaviour{"a": {fake.Busy()}}, nil, "busy 17 486"},
		{"rejected", `local r = call:dial "sip/a"; log.info("%s %d", r.status, r.cause)`,
			map[string][]fake.Behaviour{"a": {fake.RejectsWith(call.CauseRejected)}}, nil, "busy 21"},
		{"no answer", `local r = call:dial("sip/a", {timeout = 7}); log.info("%s %d %.0f", r.status, r.cause, r.duration)`,
			map[string][]fake.Behaviour{"a": {fake.NeverAnswers()}}, nil, "noanswer 19 7"},
		{"unknown", `local r = call:dial "sip/x"; log.info("%s %d", r.status, r.cause)`, nil, nil, "unavailable 1"},
		{"unknown technology", `local r = call:dial "iax/x"; log.info("%s %s", r.status, r.reason)`, nil, nil, "unavailable no kind of line is called iax"},
		{"not a target", `local r = call:dial "1001"; log.info("%s %s", r.status, r.reason)`, nil, nil, "a target looks like"},
		{"congestion", `log.info("%s", call:dial("sip/a").status)`,
			map[string][]fake.Behaviour{"a": {fake.RejectsWith(call.CauseCongestion)}}, nil, "congestion"},
		{"parallel, first wins", `local r = call:dial {"sip/a", "sip/b"}; log.info("%s by %s", r.status, r.answered_by)`,
			map[string][]fake.Behaviour{"a": {fake.NeverAnswers()}, "b": {fake.AnswersAfter(2 * time.Second), fake.HangsUpAfter(time.Second)}}, nil, "answered by sip/b"},
		{"parallel, busy says more", `log.info("%s", call:dial({"sip/a", "sip/b", "sip/c"}, {timeout = 5}).status)`,
			map[string][]fake.Behaviour{"a": {fake.NeverAnswers()}, "b": {fake.Busy()}}, nil, "busy"},
		{"hunt", `local r = call:dial {"sip/a", "sip/b", hunt = true, timeout = 5}; log.info("%s by %s %.0f", r.status, r.answered_by, r.duration)`,
			map[string][]fake.Behaviour{"a": {fake.NeverAnswers()}, "b": {fake.AnswersAfter(2 * time.Second), fake.HangsUpAfter(time.Second)}}, nil, "answered by sip/b 8"},
		{"cancelled", `call:answer(); local r = call:dial("sip/a", {cancel_on = "*"}); log.info("%s %s", r.status, r.key)`,
			map[string][]fake.Behaviour{"a": {fake.NeverAnswers()}}, []fake.Behaviour{fake.Presses("1*", time.Second)}, "cancelled *"},
		{"hangup_on", `local r = call:dial("sip/a", {hangup_on = "*"}); log.info("%s %s", r.status, r.ended_by)`,
			map[string][]fake.Behaviour{"a": {fake.AnswersAfter(time.Second)}}, []fake.Behaviour{fake.Presses("*", 5*time.Second)}, "answered caller"},
		{"limit", `local r = call:dial("sip/a", {limit = 10}); log.info("%s %s %.0f", r.status, r.ended_by, r.talk_time)`,
			map[string][]fake.Behaviour{"a": {fake.AnswersAfter(time.Second)}}, nil, "answered limit 10"},
		{"on_digit", `call:dial("sip/a", {on_digit = function(key, from) log.info("%s from %s", key, from); return "hangup" end})`,
			map[string][]fake.Behaviour{"a": {fake.AnswersAfter(time.Second), fake.Presses("9", time.Second)}}, nil, "9 from called"},
		{"screened out", `local r = call:dial("sip/a", {on_answer = function(peer) peer:play "who"; return false end}); log.info(r.status)`,
			map[string][]fake.Behaviour{"a": {fake.AnswersAfter(time.Second)}}, nil, "busy"},
		{"screened in", `local r = call:dial("sip/a", {on_answer = function(peer) return peer:read{prompt = "accept", max = 1} == "1" end}); log.info("%s %.0f", r.status, r.talk_time)`,
			map[string][]fake.Behaviour{"a": {fake.AnswersAfter(time.Second), fake.Presses("1", 2*time.Second), fake.HangsUpAfter(9 * time.Second)}}, nil, "answered 9"},
		{"bridge later", `local r = call:dial("sip/a", {bridge = false}); r.peer:play "beep"; local b = call:bridge(r.peer); log.info("%s %s %s", r.status, b.status, b.ended_by)`,
			map[string][]fake.Behaviour{"a": {fake.AnswersAfter(time.Second), fake.HangsUpAfter(9 * time.Second)}}, nil, "answered answered called"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := serving(t, test.body)
			for address, plan := range test.plan {
				w.sip.On(address, plan...)
			}
			w.calls(test.far...)
			w.logged(test.want)
			w.noErrors()
			for _, l := range w.sip.Legs() {
				if l.Info().State != call.Ended {
					t.Errorf("leg %s is left", l.Info().ID)
				}
			}
		})
	}
}

func signals(l *fake.Leg) []call.Signal {
	var list []call.Signal
	for _, s := range l.Signals() {
		list = append(list, s.Signal)
	}
	return list
}

func has[S call.Signal](l *fake.Leg) bool {
	for _, s := range signals(l) {
		if _, ok := s.(S); ok {
			return true
		}
	}
	return false
}

func TestWhatTheCallerHearsWhileItRings(t *testing.T) {
	tests := []struct {
		options        string
		plan           []fake.Behaviour
		ring, progress bool
		frames         bool
	}{
		{`{}`, []fake.Behaviour{fake.AnswersAfter(4 * time.Second)}, true, false, false},
		{`{ringback = false}`, []fake.Behaviour{fake.AnswersAfter(4 * time.Second)}, false, false, false},
		{`{ringback = "tone"}`, []fake.Behaviour{fake.AnswersAfter(4 * time.Second)}, false, true, true},
		{`{ringback = "please-wait"}`, []fake.Behaviour{fake.AnswersAfter(4 * time.Second)}, false, true, true},
		{`{}`, []fake.Behaviour{fake.EarlyMediaAfter(time.Second), fake.AnswersAfter(4 * time.Second)}, true, true, false},
		{`{early_media = false}`, []fake.Behaviour{fake.EarlyMediaAfter(time.Second), fake.AnswersAfter(4 * time.Second)}, true, false, false},
	}
	for _, test := range tests {
		t.Run(test.options, func(t *testing.T) {
			w := serving(t, `call:dial("sip/a", `+test.options+`)`)
			w.sip.On("a", append(test.plan, fake.HangsUpAfter(time.Second))...)
			leg := w.starts("600")
			w.clock.Advance(3 * time.Second)
			if got := has[call.Ring](leg); got != test.ring {
				t.Errorf("ring %v, want %v", got, test.ring)
			}
			if got := has[call.Progress](leg); got != test.progress {
				t.Errorf("progress %v, want %v", got, test.progress)
			}
			if got := leg.Port().Written().Frames > 0; got != test.frames {
				t.Errorf("heard something: %v, want %v", got, test.frames)
			}
			w.clock.Advance(time.Minute)
			if !has[call.Answer](leg) {
				t.Error("the caller was not answered")
			}
			w.noErrors()
		})
	}
}

func TestDialledTarget(t *testing.T) {
	w := serving(t, `
  call.caller.name = "Reception"
  call:dial("sip/1@ovh", {caller = {number = "0123", presentation = "withheld"}, headers = {["X-A"] = "b"}, codecs = "alaw"})`)
	w.sip.On(fake.AnyAddress, fake.Busy())
	w.calls()
	to := w.sip.Dialled()[0]
	if to.Address != "1@ovh" || to.Caller != (call.Party{Number: "0123", Name: "Reception", Presentation: call.Withheld}) {
		t.Errorf("target %+v", to)
	}
	if len(to.Headers) != 1 || to.Headers[0] != [2]string{"X-A", "b"} || len(to.Codecs) != 1 || to.Codecs[0] != call.PCMA {
		t.Errorf("target %+v", to)
	}
}

func TestCallerGivesUp(t *testing.T) {
	w := serving(t, `call:dial {"sip/a", "sip/b"}`)
	w.sip.On(fake.AnyAddress, fake.NeverAnswers())
	w.calls(fake.GivesUpAfter(4 * time.Second))
	for _, l := range w.sip.Legs() {
		if cause(l) != call.CauseNormal {
			t.Errorf("leg ended with %v", cause(l))
		}
	}
	w.noErrors()
}

func TestLosersAreToldThatAnotherAnswered(t *testing.T) {
	w := serving(t, `call:dial {"sip/a", "sip/b"}`)
	w.sip.On("a", fake.NeverAnswers())
	w.sip.On("b", fake.AnswersAfter(time.Second), fake.HangsUpAfter(time.Second))
	w.calls()
	for _, l := range w.sip.Legs() {
		if l.Info().Peer == "a" && cause(l) != call.CauseRejectedElsewhere {
			t.Errorf("the other phone ended with %v", cause(l))
		}
	}
}

func TestTransferByTheCalledParty(t *testing.T) {
	w := newWorld(t, "d.lua", `
local c = context "internal"
c:extension("600", function(call)
  local r = call:dial("sip/a", { transfer_context = "internal" })
  log.info("%s to %s, in %s again", r.status, r.transfer, call.extension)
end)
c:extension("601", function(call) log.info("now in %s", call.extension) call:wait(2) end)`)
	w.sip.On("a", fake.AnswersAfter(time.Second), func(l *fake.Leg) {
		w.clock.AfterFunc(5*time.Second, func() { l.Post(call.TransferAsked{To: "sip:601@pbx"}) })
	})
	w.calls()
	w.logged("now in 601", "answered to sip:601@pbx, in 600 again")
	w.noErrors()
}
