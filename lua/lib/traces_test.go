package lib_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/core/trace"
)

// golden is a call that a real Asterisk served.
type golden struct {
	Name  string
	Tags  []string
	About string
	Files map[string]string
	Dial  struct {
		Context, Exten string
		Caller         struct{ Num, Name string }
	}
	DTMF []struct {
		At    float64
		Digit string
	}
	HangupAt float64 `json:"hangup_at"`
	Time     string
	Astdb    map[string]string
	Steps    [][]any
	Others   map[string][][]any
	Vars     map[string]string
	End      struct {
		How    string
		Status string
		At     []any
		Cause  int
	}
	Answered bool
}

// caller is the name of the channel under test, as it was recorded.
const caller = "Local/100@t-00000000;2"

// different are traces that go another way on purpose, with the reason.
var different = map[string]string{
	"authenticate_ok":      "a prompt that is missing is left out, and the password still asked for",
	"say_missing":          "a prompt that is missing is left out",
	"dial_g_split":         "the caller is answered before both go on by themselves",
	"if_elseif_chain":      "of the branches of If one runs, and no other behind it",
	"pat_space_in_pattern": "a space in a plain number counts",
	"exten_var_global":     "variables in the names of extensions are the translator's",
	"hash_include_glob":    "includes of several files are the translator's",
	"shell_func":           noPrograms,
	"system_status":        noPrograms,
	"agi_fail":             noAGI,
	"agi_goto":             noAGI,
	"agi_missing":          noAGI,
	"agi_script":           noAGI,
	"queue_missing":        "there are no queues",
	"voicemail_missing":    "there is no voicemail",
}

const (
	noPrograms = "scripts run no programs"
	noAGI      = "there is no AGI"
)

func TestTraces(t *testing.T) {
	names, err := filepath.Glob("testdata/asterisk/traces/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no traces", err)
	}
	passed := map[string]int{}
	all := map[string]int{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := json.Unmarshal(data, &g); err != nil {
			t.Fatal(name, err)
		}
		all[g.Tags[0]]++
		t.Run(g.Name, func(t *testing.T) {
			problem := play(t, &g)
			switch {
			case problem == "":
				passed[g.Tags[0]]++
				if different[g.Name] != "" {
					t.Error("it is as recorded by now, and need not be excused")
				}
			case different[g.Name] != "":
				t.Logf("differs on purpose: %s\n%s", different[g.Name], problem)
			default:
				t.Error(problem)
			}
		})
	}
	sum, total := 0, 0
	for tag, n := range all {
		sum, total = sum+passed[tag], total+n
	}
	t.Logf("%d of %d as recorded", sum, total)
}

// play plays a trace and says what is different.
func play(t *testing.T, g *golden) string {
	c, ok := readConf(g.Files)
	if !ok {
		if g.End.How == "noexten" {
			return ""
		}
		return "the dialplan is not complete"
	}
	start := monday
	if g.Time != "" {
		at, err := time.Parse("2006-01-02 15:04:05", strings.TrimSuffix(strings.Replace(g.Time, "T", " ", 1), "Z"))
		if err != nil {
			t.Fatal(err)
		}
		start = at
	}
	w := newWorld(t, start, c.lua())
	for where, value := range g.Astdb {
		family, key, _ := strings.Cut(where, "/")
		if err := w.store.Put(context.Background(), family, key, []byte(value), store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	leg := w.starts(call.Info{
		ID: caller, Endpoint: "local", Context: g.Dial.Context, Extension: g.Dial.Exten, Language: "en",
		Caller: call.Party{Number: g.Dial.Caller.Num, Name: g.Dial.Caller.Name},
	}, cannotTransfer)
	for _, d := range g.DTMF {
		w.clock.AfterFunc(time.Duration(d.At*float64(time.Second)), func() { leg.Presses(d.Digit) })
	}
	if g.HangupAt > 0 {
		w.clock.AfterFunc(time.Duration(g.HangupAt*float64(time.Second)), func() { leg.HangsUp(call.CauseNormal) })
	}
	for range 60 {
		if leg.Info().State == call.Ended {
			break
		}
		w.clock.Advance(2 * time.Second)
	}
	ended := leg.Info().State == call.Ended
	leg.HangsUp(call.CauseNormal)
	w.clock.Advance(time.Minute)
	return w.compare(g, ended)
}

// cannotTransfer makes a line as the recordings had.
func cannotTransfer(leg *fake.Leg) {
	leg.Refuse(func(s call.Signal) error {
		switch s.(type) {
		case call.Redirect, call.Transfer:
			return call.ErrNotSupported
		}
		return nil
	})
}

// compare holds what was noted of a call against what was recorded.
func (w *world) compare(g *golden, ended bool) string {
	var problems []string
	if !ended {
		problems = append(problems, "the call did not end")
	}
	steps, vars, answered := w.story(caller)
	var want []string
	for _, s := range g.Steps {
		want = append(want, fmt.Sprintf("%v,%v,%v %v(%v)", s...))
	}
	if !slices.EqualFunc(steps, want, alike) {
		problems = append(problems, fmt.Sprintf("steps\n  %s\nwant\n  %s", strings.Join(steps, "\n  "), strings.Join(want, "\n  ")))
	}
	for name, value := range g.Vars {
		if !alike(vars[name], value) {
			problems = append(problems, fmt.Sprintf("variable %s is %q, want %q", name, vars[name], value))
		}
	}
	if answered != g.Answered {
		problems = append(problems, fmt.Sprintf("answered %t, want %t", answered, g.Answered))
	}
	if len(problems) == 0 {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.log.String()
	return strings.Join(problems, "\n") + "\n" + g.Files["extensions.conf"] + log[max(0, len(log)-1500):]
}

// story is what was noted of one leg: steps, last values of variables that are
// not empty, and whether it was answered.
func (w *world) story(leg string) (steps []string, vars map[string]string, answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	vars = map[string]string{}
	for _, e := range w.events {
		if e.Leg != leg {
			continue
		}
		switch e.Kind {
		case trace.Step:
			if p := e.Attr("priority"); p.Any() != nil {
				steps = append(steps, fmt.Sprintf("%s,%s,%v %s(%s)", e.Attr("context"), e.Attr("extension"), p, e.Attr("app"), e.Attr("args")))
			}
		case trace.Variable:
			if value := e.Attr("value").String(); value != "" {
				vars[e.Attr("name").String()] = value
			}
		case trace.Answer:
			answered = true
		}
	}
	return steps, vars, answered
}

// alike compares two texts, where only the number of a Local channel may differ.
func alike(got, want string) bool {
	return got == want || names.ReplaceAllString(got, "@$1") == names.ReplaceAllString(want, "@$1")
}

var names = regexp.MustCompile(`@(\w+)-[0-9a-f]{8}(?:;\d)?`)
