package api

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
)

// steps are what the scripts of TestNothingIsLeftOfAnyCall are made of.
var steps = []string{
	`call:ring()`,
	`call:progress()`,
	`call:answer()`,
	`call:wait(1.3)`,
	`call:play {"a", "b", interrupt = true}`,
	`call:play "no-such"`,
	`call:read {prompt = "ask", max = 2, timeout = 1, attempts = 2}`,
	`call:say {number = 142}`,
	`call:record {path = call.id .. ".wav", max = 2, min = 1, beep = true, silence = 1}`,
	`call:record {path = call.id .. ".wav", max = 3, review = true}`,
	`call:tone("busy", {seconds = 1})`,
	`call:echo {seconds = 2}`,
	`call:silence(0.7)`,
	`call:hold()`,
	`call:send_dtmf "12"`,
	`call:dial {"sip/a", "sip/b", timeout = 4, cancel_on = "*", ringback = "tone"}`,
	`call:dial {"sip/busy", "sip/b", "sip/nowhere", timeout = 2, hunt = true, ringback = "ask"}`,
	`call:dial("sip/a", {transfer_context = "internal", timeout = 4})`,
	`call:dial("sip/b", {transfer_context = "internal", limit = 20})`,
	`do local r = call:dial("sip/b", {bridge = false})
     if r.peer then call:on_hangup(function() r.peer:play "a" r.peer:hangup() end) call:bridge(r.peer, {transfer_context = "internal"}) end end`,
	`call:dial("sip/early", {timeout = 5, limit = 3, hangup_on = "#"})`,
	`call:dial("sip/a", {on_answer = function(peer) peer:play "a" return random.integer(1, 2) == 1 end})`,
	`call:dial("sip/a", {on_answer = function() error "in on_answer" end})`,
	`pcall(call.dial, call, "sip/a", {on_answer = function() error "in on_answer" end})`,
	`call:dial("sip/a", {on_digit = function(key) if key == "1" then return "hangup" end end, limit = 6})`,
	`do local r = call:dial("sip/a", {bridge = false, timeout = 3})
     if r.peer then r.peer:play {"a", interrupt = true} call:bridge(r.peer, {limit = 2}) end end`,
	`do local r, s = call:dial("sip/a", {bridge = false}), call:dial("sip/b", {bridge = false})
     if r.peer and s.peer then r.peer:bridge(s.peer, {limit = 5}) end end`,
	`do local r = call:dial("sip/a", {bridge = false})
     if r.peer then r.peer:record {path = call.id .. "-peer.wav", max = 2} r.peer:dial("sip/b", {timeout = 3, limit = 1}) end end`,
	`call:dial("sip/leaves", {bridge = false})`,
	`timer.after(0.9, function() store.add("count", "timers") end)`,
	`timer.after(1.1, function() call:wait(0.4) end)`,
	`timer.after(0.3, function() error "in a timer" end)`,
	`call:on_hangup(function() store.put("ended", call.id, 1) timer.after(60, function() end) end)`,
	`call:on_hangup(function() http.get "http://web.example.org/" error "in a clean-up" end)`,
	`call:on_hangup(function() while true do end end)`,
	`http.get("http://web.example.org/slow", {timeout = 2})`,
	`http.post_async("http://web.example.org/", {id = call.id})`,
	`pcall(function() call:wait(3) end)`,
	`coroutine.wrap(function() call:play "a" coroutine.yield() end)()`,
	`call:enter "601"`,
	`error "on purpose"`,
	`do local s = "x" while true do s = s .. s end end`,
	`call:hangup "busy"`,
	`call:busy(1)`,
}

// web answers every request at once.
type web struct{}

func (web) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "slow") {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
}

// Whatever scripts do, and whenever their callers and those they dialled hang
// up, nothing is left of a call in the end: no goroutine, no alarm, no leg, no
// open port, and nothing that keeps the clock from moving.
func TestNothingIsLeftOfAnyCall(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		var body strings.Builder
		for range 3 + r.IntN(8) {
			body.WriteString(steps[r.IntN(len(steps))] + "\n")
		}
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { livesThrough(t, r, body.String()) }) {
			t.Fatalf("script:\n%s", body.String())
		}
	}
}

func livesThrough(t *testing.T, r *rand.Rand, body string) {
	w := newWorld(t, "config.lua", `grant { http = "web.example.org" }
on("call.ended", function(record) store.add("count", record.cause) http.post_async("http://web.example.org/", record) end)`,
		"dialplan.lua", "local c = context 'internal'\nc:extension('601', function(call) call:wait(0.5) end)\nc:extension('600', function(call)\n"+body+"\nend)")
	w.api.services.HTTP = web{}
	second := func(most int) time.Duration { return time.Duration(r.IntN(most*1000)) * time.Millisecond }
	w.sip.On("a", fake.AnswersAfter(second(3)), fake.HangsUpAfter(second(9)), fake.Presses("13", second(4)))
	w.sip.On("b", fake.AnswersAfter(second(6)), asksTransfer(w, second(12), "601"))
	w.sip.On("busy", fake.Busy())
	w.sip.On("early", fake.EarlyMediaAfter(second(2)), fake.AnswersAfter(second(4)))
	w.sip.On("leaves", fake.AnswersAfter(second(2)), fake.HangsUpAfter(second(1)))
	before := runtime.NumGoroutine()
	var legs []*fake.Leg
	for i := range 1 + r.IntN(4) {
		leg := fake.NewLeg(w.clock, call.Info{ID: fmt.Sprintf("c%d", i), Endpoint: "sip", Incoming: true, Context: "internal", Extension: "600"},
			fake.Presses("1#*2", second(8)), asksTransfer(w, second(9), []string{"601", "600", "999"}[r.IntN(3)]))
		legs = append(legs, leg)
		w.api.Accept(leg)
	}
	settles(t, w, func() {
		for _, leg := range legs {
			w.clock.Advance(second(9))
			leg.HangsUp(call.CauseNormal)
		}
		w.clock.Advance(time.Hour)
		w.clock.Settle()
	})
	for _, leg := range append(legs, w.sip.Legs()...) {
		if leg.Info().State != call.Ended {
			t.Errorf("leg %s is %v", leg.Info().ID, leg.Info().State)
		}
	}
	if at, pending := w.clock.Next(); pending {
		t.Errorf("an alarm is left, at %v", at)
	}
	records := len(legs) + strings.Count(w.log.String(), "msg=transfer ") // who was handed over has a record too
	if n := w.api.Stats().Active; n != 0 || len(w.records) != records || w.host.Current().Live() != 0 {
		t.Errorf("%d calls and %d states are left, %d records of %d calls", n, w.host.Current().Live(), len(w.records), records)
	}
	if strings.Contains(w.log.String(), "panic") {
		t.Errorf("there was a panic:\n%s", w.log)
	}
	settles(t, w, func() {
		for runtime.NumGoroutine() > before+1 { // this one
			runtime.Gosched() // goroutines that have released the clock are about to end
		}
	})
}

// asksTransfer has the far end ask, d from now, to be replaced by a number.
func asksTransfer(w *world, d time.Duration, number string) fake.Behaviour {
	return func(l *fake.Leg) {
		w.clock.AfterFunc(d, func() { l.Post(call.TransferAsked{To: "sip:" + number + "@pbx"}) })
	}
}

// settles fails the test, with what every goroutine does, if f takes too long.
func settles(t *testing.T, w *world, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		stacks := make([]byte, 1<<20)
		t.Fatalf("time stands still\n%s\n%s", stacks[:runtime.Stack(stacks, true)], w.log)
	}
}
