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
	"authenticate_ok":           "a prompt that is missing is left out, and the password still asked for",
	"say_missing":               "a prompt that is missing is left out",
	"if_elseif_chain":           "of the branches of If one runs, and no other behind it",
	"hash_include_missing":      "what can be read is served; the report names the file that is missing",
	"seed002_l1288_default_888": "the line of the test carries no sound, so that nothing is recorded",
	"queue_missing":             "there are no queues",
}

func TestTraces(t *testing.T) { testTraces(t, "testdata/asterisk/traces") }
func TestAEL(t *testing.T)    { testTraces(t, "testdata/asterisk/ael") }

// The dialplans of the guides that users start from.
func TestSeeds(t *testing.T) {
	const folder = "../../../shared/golden/seeds"
	if _, err := os.Stat(folder); err != nil {
		t.Log("nothing tested: ../shared/golden/seeds is not there")
		return
	}
	testTraces(t, folder)
}

// goldens reads the traces of a folder.
func goldens(t *testing.T, folder string) []*golden {
	t.Helper()
	names, err := filepath.Glob(folder + "/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no traces", err)
	}
	var list []*golden
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		g := new(golden)
		if err := json.Unmarshal(data, g); err != nil {
			t.Fatal(name, err)
		}
		list = append(list, g)
	}
	return list
}

func testTraces(t *testing.T, folder string) {
	passed := map[string]int{}
	all := map[string]int{}
	for _, g := range goldens(t, folder) {
		all[g.Tags[0]]++
		t.Run(g.Name, func(t *testing.T) {
			problem := play(t, g)
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
	site, err := translated(t, g.Files)
	if err != nil {
		if g.End.How == "noexten" {
			return ""
		}
		return err.Error()
	}
	w, ended := g.serve(t, site)
	return w.compare(g, ended)
}

// serve has a site serve the call of a trace, and says whether it came to an end
// before its caller was tired of it.
func (g *golden) serve(t *testing.T, site map[string]string) (*world, bool) {
	t.Helper()
	start := monday
	if g.Time != "" {
		at, err := time.Parse("2006-01-02 15:04:05", strings.TrimSuffix(strings.Replace(g.Time, "T", " ", 1), "Z"))
		if err != nil {
			t.Fatal(err)
		}
		start = at
	}
	w := newWorldWith(t, start, site, g.site(t))
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
	return w, ended
}

// site is a folder with the programs of a trace.
func (g *golden) site(t *testing.T) string {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "agi-bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range g.Files {
		if strings.HasPrefix(name, "agi-bin/") {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folder
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
	want := written(g.Steps)
	if !slices.EqualFunc(steps, want, alike) {
		problems = append(problems, fmt.Sprintf("steps\n  %s\nwant\n  %s", strings.Join(steps, "\n  "), strings.Join(want, "\n  ")))
	}
	for name, steps := range g.Others {
		if got, _, _ := w.story(name); !slices.EqualFunc(got, written(steps), alike) {
			problems = append(problems, fmt.Sprintf("steps of %s\n  %s\nwant\n  %s", name, strings.Join(got, "\n  "), strings.Join(written(steps), "\n  ")))
		}
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
	return strings.Join(problems, "\n") + "\n" + g.Files["extensions.conf"] + g.Files["extensions.ael"] + log[max(0, len(log)-1500):]
}

// written is recorded steps as story gives them.
func written(steps [][]any) []string {
	var list []string
	for _, s := range steps {
		list = append(list, fmt.Sprintf("%v,%v,%v %v(%v)", s...))
	}
	return list
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
