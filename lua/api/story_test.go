package api

import (
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/trace"
)

// story is what was noted on the world's call, one event a line.
func (w *world) story() (text string) {
	events, _, _ := w.api.services.Trace.Story("c1")
	for i := range events {
		text += string(events[i].AppendJSON(nil, events[0].At)) + "\n"
	}
	return text
}

func TestStoryOfACall(t *testing.T) {
	w := serving(t, `
call:answer()
call:play "beep"
store.put("f", "k", "v")
call:send_dtmf "12#"
call:hold()
error "enough"`)
	w.calls()
	story := w.story()
	at := 0
	for _, piece := range []string{
		`"event":"begin"`, `"event":"enter"`, `"event":"step","file":"scripts/dialplan.lua","line":3,"app":"call:answer"`, `"event":"answer"`,
		`"app":"call:play","args":"\"beep\""`, `"event":"playend"`, `"app":"store.put"`, `"event":"store"`, `"op":"put","family":"f","key":"k"`,
		`"event":"sendkeys","keys":"12#"`, `"event":"hold"`, `"event":"error"`, `"event":"hangup"`, `"event":"end"`,
	} {
		next := strings.Index(story[at:], piece)
		if next < 0 {
			t.Fatalf("%s is not told, or not there:\n%s", piece, story)
		}
		at += next
	}
	if s := w.api.services.Trace.Calls(); len(s) != 1 || s[0].Outcome != trace.Failed || s[0].ErrorPlace != "scripts/dialplan.lua:8" {
		t.Errorf("%+v", s)
	}
}

func TestSecretKeysAreNotNoted(t *testing.T) {
	w := serving(t, `
call:answer()
call:read { max = 4, secret = true }
call:read { max = 1 }`)
	w.calls(fake.Presses("7395", time.Second), fake.Presses("2", 4*time.Second))
	story := w.story()
	for _, key := range []string{"7", "3", "9", "5"} {
		if strings.Contains(story, `"key":"`+key+`"`) {
			t.Errorf("the key %s is told", key)
		}
	}
	if strings.Count(story, `"key":"•"`) != 4 || !strings.Contains(story, `"key":"2"`) {
		t.Errorf("keys:\n%s", story)
	}
}

func TestOutcomes(t *testing.T) {
	for body, want := range map[string]trace.Outcome{
		`call:answer()`:                        trace.Served,
		`call:busy()`:                          trace.Served,
		`call:congestion()`:                    trace.Failed,
		`call:hangup { status = 503 }`:         trace.Failed,
		`call:answer() call:congestion()`:      trace.Served,
		`error "no"`:                           trace.Failed,
		`call:answer() error "no"`:             trace.Failed,
		`call:ring() call:wait(60)`:            trace.Served,
		`call:dial("sip/nobody")`:              trace.Served,
		`local nothing = nil; nothing.field=1`: trace.Failed,
	} {
		w := serving(t, body)
		w.calls(fake.GivesUpAfter(30 * time.Second))
		if s := w.api.services.Trace.Calls(); len(s) != 1 || s[0].Outcome != want {
			t.Errorf("%s: %+v, want %s", body, s, want)
		}
	}
	w := serving(t, "")
	leg := w.starts("none")
	w.clock.Advance(time.Second)
	if s := w.api.services.Trace.Calls(); len(s) != 1 || s[0].Outcome != trace.TurnedAway || leg.Info().State != call.Ended {
		t.Errorf("an extension that there is not: %+v", s)
	}
}
