package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/lua/host"
)

// office is a site whose extension 600 tells what it sees.
const office = `
local internal = context "internal"
internal:extension("600", function(call)
  log.info("600 sees %s %s %s %s", call.caller.number, call.extension, call.state, call.vars.order)
  call:play "welcome"
  call:wait(5)
end)
internal:extension("700", function(call)
  local r = originate { target = "sip/a", context = "internal", extension = "600" }
  log.info("700 got %s", r.status)
end)
`

// typed runs one line at a prompt and lets time pass until it is done.
func (w *world) typed(line string) (Values, error) {
	w.t.Helper()
	p, err := w.api.NewPrompt()
	if err != nil {
		w.t.Fatal(err)
	}
	defer p.Close()
	return w.types(context.Background(), p, line)
}

func (w *world) types(ctx context.Context, p *Prompt, line string) (v Values, err error) {
	w.t.Helper()
	done, before := make(chan struct{}), p.lineCount()
	w.clock.Hold()
	go func() {
		defer close(done)
		v, err = p.Run(ctx, line)
	}()
	for p.lineCount() == before {
		runtime.Gosched()
	}
	w.clock.Release()
	w.clock.Advance(time.Minute)
	<-done
	return v, err
}

// lineCount is how many lines have begun.
func (p *Prompt) lineCount() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func TestOriginate(t *testing.T) {
	for _, test := range []struct {
		name, options string
		plan          []fake.Behaviour
		want          string   // of result.status and its reason
		logs          []string // afterwards
		played        string
	}{
		{"answered", `context = "internal", extension = "600"`, []fake.Behaviour{fake.AnswersAfter(2 * time.Second)},
			"answered", []string{"600 sees a 600 answered nil", "call ended"}, "welcome"},
		{"with caller and variables", `context = "internal", extension = "600", caller = { number = "42", name = "Crm" }, variables = { order = 7 }`,
			[]fake.Behaviour{fake.AnswersAfter(time.Second)}, "answered", []string{"600 sees 42 600 answered 7"}, "welcome"},
		{"a method", `app = "play", args = { "beep" }`, []fake.Behaviour{fake.AnswersAfter(time.Second)}, "answered", nil, "beep"},
		{"a method's number as a word", `app = "wait", args = { "3" }`, []fake.Behaviour{fake.AnswersAfter(time.Second)}, "answered", []string{"talk=3s"}, ""},
		{"busy", `context = "internal", extension = "600"`, []fake.Behaviour{fake.Busy()}, "busy user busy", nil, ""},
		{"no answer", `context = "internal", extension = "600", timeout = 9`, []fake.Behaviour{fake.NeverAnswers()}, "noanswer no answer", nil, ""},
		{"nowhere", `context = "internal", extension = "999"`, nil, `invalid there is no extension "999" in context "internal"`, nil, ""},
		{"hangs up at once", `context = "internal", extension = "600"`, []fake.Behaviour{fake.AnswersAfter(time.Second), fake.HangsUpAfter(0)}, "answered", []string{"call ended"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "dialplan.lua", office)
			w.sip.On("a", test.plan...)
			v, err := w.typed(`r = originate { target = "sip/a", ` + test.options + ` } return r.status .. " " .. (r.reason or "")`)
			if err != nil {
				t.Fatal(host.Report(err))
			}
			var got string
			if err := json.Unmarshal(v.JSON, &got); err != nil || strings.TrimSpace(got) != test.want {
				t.Errorf("result is %s, want %s", v.JSON, test.want)
			}
			w.clock.Advance(time.Minute)
			w.logged(test.logs...)
			w.noErrors()
			if test.played != "" && w.played() != test.played {
				t.Errorf("played %q, want %q", w.played(), test.played)
			}
			for _, l := range w.sip.Legs() {
				if l.Info().State != call.Ended {
					t.Errorf("leg %s is left", l.Info().ID)
				}
			}
			if n := w.api.Stats().Active; n != 0 {
				t.Errorf("%d calls are left", n)
			}
		})
	}
}

// TestOriginateByACall has the call that waits for an answer hang up: the
// target stops ringing. One that was answered goes on without it.
func TestOriginateByACall(t *testing.T) {
	w := newWorld(t, "dialplan.lua", office)
	w.sip.On("a", fake.NeverAnswers())
	w.callsTo("700", fake.HangsUpAfter(3*time.Second))
	if l := w.sip.Legs()[0]; l.Info().State != call.Ended {
		t.Error("the target still rings")
	}
	w = newWorld(t, "dialplan.lua", office)
	w.sip.On("a", fake.AnswersAfter(time.Second))
	w.starts("700")
	w.clock.Advance(3 * time.Second)
	w.logged("700 got answered", "600 sees a 600")
	if list := w.api.Calls(); len(list) != 1 || list[0].Extension != "600" || list[0].State != "answered" {
		t.Errorf("calls are %+v", list)
	}
	w.clock.Advance(time.Hour)
	w.noErrors()
}

func TestOriginateKeepsLimits(t *testing.T) {
	w := newWorld(t, "dialplan.lua", office+"\nlimits { calls = 1 }")
	w.sip.On("a", fake.AnswersAfter(time.Second))
	w.starts("700")
	w.clock.Advance(time.Second)
	w.logged("700 got congestion")
}

func TestOriginateMistakes(t *testing.T) {
	w := newWorld(t, "dialplan.lua", office)
	for options, want := range map[string]string{
		`{ target = "sip/a" }`:                                               "needs a context and an extension, or an app",
		`{ target = "sip/a", app = "pley" }`:                                 `calls have no method "pley", did you mean 'play'?`,
		`{ target = "sip/a", app = "play", extension = "1", context = "x" }`: "not both",
		`{ extension = "600", context = "internal" }`:                        "target",
	} {
		if _, err := w.typed("originate" + options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", options, err, want)
		}
	}
	for target, want := range map[string]string{"x": "a target looks like", "iax/x": "no kind of line", "sip/none": "no such phone"} {
		v, err := w.typed(`originate { target = "` + target + `", context = "internal", extension = "600" }`)
		if err != nil || !strings.Contains(v.Text, want) {
			t.Errorf("%s: %s %v, want %s", target, v.Text, err, want)
		}
	}
}

func TestCallsListsCalls(t *testing.T) {
	w := newWorld(t, "dialplan.lua", office)
	w.starts("600")
	v, err := w.typed(`calls()[1].caller.number, #calls(), calls()[1].state`)
	if err != nil || v.Text != "\"1001\"\t1\t\"answered\"" || string(v.JSON) != `["1001",1,"answered"]` {
		t.Errorf("%s %s %v", v.Text, v.JSON, err)
	}
}

// TestPromptSession types several lines into one prompt.
func TestPromptSession(t *testing.T) {
	w := newWorld(t, "dialplan.lua", office)
	p, err := w.api.NewPrompt()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []struct{ typed, text, json string }{
		{`n = 3`, "", "null"},
		{`n + 0.5`, "3.5", "3.5"},
		{`nil`, "nil", "null"},
		{`{ 1, 2, name = "a\nb", ["odd key"] = true }`, `{ 1, 2, ["odd key"] = true, name = "a\nb" }`, "[1,2]"},
		{`{}`, "{}", "{}"},
		{`store.put("f", "k", 7)`, "true", "true"},
		{`store.get("f", "k")`, `"7"`, `"7"`},
		{`t = {} t.t = t return t`, "{ t = {…itself…} }", ""},
		{`print`, "<function>", ""},
		{`context "internal"`, "<context internal>", ""},
	} {
		v, err := w.types(context.Background(), p, line.typed)
		if err != nil || v.Text != line.text || line.json != "" && string(v.JSON) != line.json {
			t.Errorf("%s: %q %s %v, want %q", line.typed, v.Text, v.JSON, err, line.text)
		}
	}
	v, err := w.types(context.Background(), p, `l = {} for i = 1, 300 do l[i] = i end return l`)
	if err != nil || !strings.Contains(v.Text, "… 100 more") {
		t.Errorf("a long list: %s %v", v.Text, err)
	}
	if _, err := w.types(context.Background(), p, `nobody.there()`); err == nil || err.Error() != `console:1: "nobody" is not declared` {
		t.Errorf("an unknown name: %v", err)
	}
	p.Close()
	w.clock.Settle()
	if _, err := p.Run(context.Background(), "1"); !errors.Is(err, ErrPromptClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestPromptIsBrokenOff breaks off a line that waits, and goes on.
func TestPromptIsBrokenOff(t *testing.T) {
	w := newWorld(t, "dialplan.lua", office)
	w.sip.On("a", fake.NeverAnswers())
	p, err := w.api.NewPrompt()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	w.sip.On("a", fake.NeverAnswers())
	broken := make(chan error)
	go func() {
		_, err := p.Run(ctx, `originate { target = "sip/a", context = "internal", extension = "600", timeout = 3600 }`)
		broken <- err
	}()
	for len(w.sip.Legs()) == 0 {
		w.clock.Settle()
	}
	cancel()
	if err := <-broken; !errors.Is(err, ErrBroken) {
		t.Errorf("broken off: %v", err)
	}
	w.clock.Settle()
	if l := w.sip.Legs()[0]; l.Info().State != call.Ended {
		t.Error("the target still rings")
	}
	if v, err := p.Run(context.Background(), "1 + 1"); err != nil || v.Text != "2" {
		t.Error(fmt.Sprint(v.Text, err))
	}
}
