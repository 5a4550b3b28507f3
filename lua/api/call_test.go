package api

import (
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
)

func TestPrimitives(t *testing.T) {
	tests := []struct {
		name, body string
		far        []fake.Behaviour
		want       string // logged by the script
		heard      string
	}{
		{"play", `log.info("%s", call:play("welcome").status)`, nil, "played", "welcome"},
		{"play a list", `log.info("%s", call:play{"a", "b"}.status)`, nil, "played", "a b"},
		{"missing prompt", `local r = call:play{"no-such", "b"}; log.info("%s %s", r.status, r.tried[1])`, nil, "played no-such", "b"},
		{"no prompt at all", `local r = call:play "no-such"; log.info("%s %s", r.status, r.tried[1])`, nil, "missing no-such", ""},
		{"barge-in", `local r = call:play({"a", "b", "c"}, {interrupt = true}); log.info("%s %s", r.status, r.key)`,
			[]fake.Behaviour{fake.Presses("5", 1500*time.Millisecond)}, "interrupted 5", "a b"},
		{"barge-in by some keys", `local r = call:play{"a", "b", "c", interrupt = "1"}; log.info("%s %s", r.status, r.key)`,
			[]fake.Behaviour{fake.Presses("5", 100*time.Millisecond), fake.Presses("1", 2500*time.Millisecond)}, "interrupted 1", "a b c"},
		{"type-ahead", `call:play "a"; local r = call:play{"b", interrupt = true}; log.info("%s %s", r.status, r.key)`,
			[]fake.Behaviour{fake.Presses("7", 100*time.Millisecond)}, "interrupted 7", "a"},
		{"read", `local d, s = call:read{prompt = "ask", max = 4}; log.info("%s %s", d, s)`,
			[]fake.Behaviour{fake.Presses("1234", 300*time.Millisecond)}, "1234 complete", "ask"},
		{"read with terminator", `local d, s, k = call:read{prompt = "ask"}; log.info("%s %s %s", d, s, k)`,
			[]fake.Behaviour{fake.Presses("12#", 2*time.Second)}, "12 complete #", "ask"},
		{"read until a pause", `local d = call:read{digit_timeout = 2}; log.info("%s after %d", d, time.now() % 60)`,
			[]fake.Behaviour{fake.Presses("12", 3*time.Second)}, "12 after 5", ""},
		{"read retries", `local d, s = call:read{prompt = "ask", max = 2, attempts = 2, silent = "nothing"}; log.info("%s %s", d, s)`,
			[]fake.Behaviour{fake.Presses("42", 9*time.Second)}, "42 complete", "ask nothing ask"},
		{"read gives up", `local d, s = call:read{prompt = "ask", attempts = 3, silent = "nothing"}; log.info("%s %s", d, s)`,
			nil, "nil timeout", "ask nothing ask nothing ask nothing"},
		{"read a pattern", `local d, s = call:read{pattern = "_0[1-9]XX"}; log.info("%s %s", d, s)`,
			[]fake.Behaviour{fake.Presses("0123", time.Second)}, "0123 complete", ""},
		{"read against a pattern", `local d, s = call:read{pattern = "_0[1-9]XX", invalid = "wrong"}; log.info("%s %s", d, s)`,
			[]fake.Behaviour{fake.Presses("9", time.Second)}, "nil invalid", "wrong"},
		{"say", `call:say{number = -342}`, nil, "", "digits/minus digits/3 digits/hundred digits/40 digits/2"},
		{"say a date", `call:say{date = time.of{year = 2026, month = 3, day = 4}}`, nil, "",
			"digits/day-3 digits/mon-2 digits/h-4 digits/20 digits/20 digits/6"},
		{"wait", `call:wait(2.5); log.info("at %.1f", time.now() % 60)`, nil, "at 2.5", ""},
		{"tone", `local r = call:tone("busy", {seconds = 2}); log.info("%s %d", r.status, time.now() % 60)`, nil, "played 2", ""},
		{"unknown tone", `call:tone "x"`, nil, "call:tone:", ""},
		{"silence", `log.info("%s", call:silence(1).status)`, nil, "played", ""},
		{"echo", `local r = call:echo(); log.info("%s %s", r.status, r.key)`,
			[]fake.Behaviour{fake.Presses("1#", time.Second)}, "interrupted #", ""},
		{"vars", `call.vars.a = 1; call.vars.b = call.vars.a + 1; log.info("%d", call.vars.b)`, nil, "msg=2", ""},
		{"fields", `log.info("%s %s %s %s", call.caller.number, call.extension, call.context, call.id)`, nil, "1001 600 internal c1", ""},
		{"caller is settable", `call.caller.name = "Bob"; log.info(call.caller.name)`, nil, "msg=Bob", ""},
		{"timer", `timer.after(1, function() log.info("rang at %d", time.now() % 60) end); call:wait(3)`, nil, "rang at 1", ""},
		{"cancelled timer", `local c = timer.after(1, function() error("no") end); c(); call:wait(3); log.info "ok"`, nil, "msg=ok", ""},
		{"hold", `log.info(call:hold().status)`, nil, "msg=done", ""},
		{"store", `store.put("f", "k", 5); log.info("%s %s", store.get("f", "k"), store.add("f", "k", 2))`, nil, "5 7", ""},
		{"store trees", `for _, k in ipairs{"a", "a/1", "a/2", "b"} do store.put("f", k, 1) end; log.info("%d %s", store.delete_tree("f", "a"), table.concat(store.keys "f", ","))`, nil, "3 b", ""},
		{"enter", `log.info(call:enter("999").status)`, nil, "unallocated", ""},
		{"json", `log.info(json.encode(json.decode('{"b":[1,2],"a":"x"}')))`, nil, `{\"a\":\"x\",\"b\":[1,2]}`, ""},
		{"re", `local m = re.match("0033612", "^00(?P<cc>\\d\\d)(\\d+)$"); log.info("%s %s", m.cc, m[2])`, nil, "33 612", ""},
		{"http not granted", `local r = http.get "http://example.org/"; log.info("%s: %s", r.status, r.reason)`, nil, "denied: http to example.org is not granted", ""},
		{"fs not granted", `local c, why = fs.read "/etc/passwd"; log.info(why)`, nil, "in no folder that is granted", ""},
		{"time zone", `log.info(time.format(0, "%H:%M", "Europe/Paris"))`, nil, "01:00", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := serving(t, "call:answer()\n"+test.body)
			w.calls(test.far...)
			w.logged(test.want)
			if got := w.played(); got != test.heard {
				t.Errorf("heard %q, want %q", got, test.heard)
			}
			if !strings.Contains(test.name, "unknown") {
				w.noErrors()
			}
		})
	}
}

func TestMistakesAreNamedAtTheirLine(t *testing.T) {
	tests := []struct{ body, want string }{
		{`call:play("a", {timout = 2})`, "dialplan.lua:2: call:play: option 'timout' unknown"},
		{`call:dial("sip/1", {timout = 2})`, "dialplan.lua:2: call:dial: option 'timout' unknown, did you mean 'timeout'?"},
		{`call:wait()`, "call:wait: seconds is required (a number)"},
		{`call:wait "soon"`, "call:wait: seconds must be a number, got"},
		{`call:wait(-1)`, "call:wait: seconds must not be negative, got -1"},
		{`call.wait(1)`, "call:wait: must be called with a colon"},
		{`call:plai "a"`, "a call has no 'plai', did you mean 'play'?"},
		{`call.callr = 1`, "a call has no 'callr', did you mean 'caller'?"},
		{`call.id = 1`, "call.id cannot be set"},
		{`call.foo = 1`, "keep values of your own in call.vars"},
		{`call:hangup "bussy"`, "did you mean 'busy'?"},
		{`call:say{}`, "call:say: say one thing"},
		{`call:record{path = "../x.wav"}`, "leaves the recordings folder"},
		{`call:read{pattern = "_["}`, "call:read: pattern:"},
		{`error "mine"`, "dialplan.lua:2: mine"},
	}
	for _, test := range tests {
		t.Run(test.body, func(t *testing.T) {
			w := serving(t, test.body)
			leg := w.calls()
			w.logged(test.want)
			if c := cause(leg); c != call.CauseTemporaryFailure {
				t.Errorf("ended with %v, want cause 41", c)
			}
			if w.api.Stats().Errors != 1 {
				t.Error("the error was not counted")
			}
		})
	}
}

func TestHowCallsEnd(t *testing.T) {
	tests := []struct {
		body string
		want call.Cause
	}{
		{``, call.CauseUnspecified},
		{`call:answer()`, call.CauseNormal},
		{`call:busy()`, call.CauseBusy},
		{`call:congestion()`, call.CauseCongestion},
		{`call:hangup(21)`, call.CauseRejected},
		{`call:hangup{status = 404}`, call.CauseUnallocated},
		{`call:dial "sip/busy"`, call.CauseBusy},
		{`call:dial "sip/nobody"`, call.CauseUnallocated},
		{`call:answer() call:busy(2)`, call.CauseBusy},
		{`pcall(function() call:hangup "busy" end) call:answer()`, call.CauseBusy},
		{`while true do end`, call.CauseTemporaryFailure},
	}
	for _, test := range tests {
		t.Run(test.body, func(t *testing.T) {
			w := serving(t, test.body)
			w.sip.On("busy", fake.Busy())
			if got := cause(w.calls()); got != test.want {
				t.Errorf("cause %v, want %v\n%s", got, test.want, w.log)
			}
		})
	}
}

// A hang-up at any moment ends the script, runs its clean-up once, leaves
// nothing behind and is no error.
func TestHangupAtEveryMoment(t *testing.T) {
	script := `
  call:on_hangup(function() log.info "cleaned up" end)
  call:ring()
  call:wait(1)
  call:play {"a", "b"}
  call:read {prompt = "ask", attempts = 2, timeout = 2}
  call:say {number = 21}
  call:record {path = "x.wav", max = 3, beep = true}
  timer.after(1, function() end)
  call:dial("sip/1001", {timeout = 5})
  call:tone("busy", {seconds = 2})
  call:echo {seconds = 3}
  pcall(function() call:wait(5) end)
  call:wait(5)`
	for at := time.Duration(0); at < 35*time.Second; at += 370 * time.Millisecond {
		w := serving(t, script)
		w.sip.On("1001", fake.AnswersAfter(2*time.Second), fake.HangsUpAfter(4*time.Second))
		leg := w.starts("600")
		w.clock.Advance(at)
		leg.HangsUp(call.CauseNormal)
		w.clock.Advance(time.Minute)
		w.clock.Settle()
		if n := strings.Count(w.log.String(), "cleaned up"); n != 1 {
			t.Fatalf("hang-up at %v: %d clean-ups\n%s", at, n, w.log)
		}
		w.noErrors()
		for _, l := range w.sip.Legs() {
			if l.Info().State != call.Ended {
				t.Errorf("hang-up at %v: a dialled leg is left", at)
			}
		}
		if _, pending := w.clock.Next(); pending {
			t.Errorf("hang-up at %v: an alarm is left", at)
		}
		if len(w.records) != 1 || w.records[0].HungUpBy != "caller" {
			t.Errorf("hang-up at %v: records %+v", at, w.records)
		}
	}
}

func TestRecording(t *testing.T) {
	w := serving(t, `local take = call:record {path = "m/1.wav", max = 2}
log.info("%s %s %s %.1f", take.status, take.path, take.ended_by, take.duration)
log.info("again: %s", call:play(take.path).status)`)
	w.calls()
	w.logged("recorded m/1.wav limit 2.0", "again: played")
	w.noErrors()
}

func TestRecordingReview(t *testing.T) {
	w := serving(t, `local take = call:record {path = "1.wav", max = 60, review = true}
log.info("%s %s %s", take.status, take.ended_by, take.key)`)
	w.calls(fake.Presses("#", 2*time.Second), fake.Presses("3", 3*time.Second), fake.Presses("#", 6*time.Second), fake.Presses("1", 7*time.Second))
	w.logged("recorded key #")
	w.noErrors()
}

func TestSilenceEndsARecording(t *testing.T) {
	w := serving(t, `local take = call:record {path = "1.wav", silence = 3}; log.info("%s %s", take.status, take.ended_by)`)
	w.calls()
	w.logged("recorded silence")
}
