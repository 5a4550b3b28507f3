package lib_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/lib"
)

// TestForms holds that a dialplan does the same in both forms that it can be
// written in: as Lua, and as tables of steps. Nothing that a trace shows may
// differ, not even the lines that the steps were written in. As Lua it is run in
// two ways: as it is, and so that each of its steps is entered from outside.
func TestForms(t *testing.T) {
	folders := []string{"testdata/asterisk/traces", "testdata/asterisk/ael"}
	if _, err := os.Stat("../../../shared/golden/seeds"); err == nil {
		folders = append(folders, "../../../shared/golden/seeds")
	} else {
		t.Log("without the seeds: ../shared/golden/seeds is not there")
	}
	structured, tables := 0, 0
	for _, folder := range folders {
		for _, g := range goldens(t, folder) {
			t.Run(g.Name, func(t *testing.T) {
				steps, err := translatedAs(t, g.Files, "tables")
				if err != nil {
					return // TestTraces says why
				}
				lua, err := translatedAs(t, g.Files, "structured")
				if err != nil {
					t.Fatal(err)
				}
				for _, script := range lua {
					structured += strings.Count(script, ", function(ch)\n")
					tables += strings.Count(script, ", function() return {\n")
				}
				world, _ := g.serve(t, steps)
				want := world.told()
				world, _ = g.serve(t, lua)
				if got := world.told(); !slices.Equal(got, want) {
					t.Errorf("as Lua\n  %s\nas tables\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
				}
				lua["asterisk/script.lua"] = stepwise(t)
				world, _ = g.serve(t, lua)
				if got := world.told(); !slices.Equal(got, want) {
					t.Errorf("as Lua, step by step\n  %s\nas tables\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
				}
			})
		}
	}
	t.Logf("%d extensions written as Lua, %d as tables", structured, tables)
	if structured < 10*tables {
		t.Errorf("%d extensions are written as Lua, and as many as %d as tables", structured, tables)
	}
}

// stepwise is the library's way to run Lua, changed so that it is left after
// every step.
func stepwise(t *testing.T) string {
	t.Helper()
	text, err := lib.FS.ReadFile("asterisk/script.lua")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "alone = alone,", "alone = true,", 1)
	if changed == string(text) {
		t.Fatal("script.lua has another text by now")
	}
	return strings.Replace(changed, "\nreturn script\n", "\nscript.open()\nreturn script\n", 1)
}

// told is all that was noted of priorities, variables and answers, by leg and in order.
func (w *world) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		switch {
		case e.Kind == trace.Step && e.Attr("priority").Any() != nil, e.Kind == trace.Variable, e.Kind == trace.Answer:
			var line strings.Builder
			fmt.Fprint(&line, e.Leg, " ", e.Kind)
			for _, a := range e.Attrs {
				if a.Key != "source" { // the line of Lua
					fmt.Fprintf(&line, " %s=%v", a.Key, a.Value)
				}
			}
			list = append(list, line.String())
		}
	}
	slices.SortStableFunc(list, func(a, b string) int {
		one, _, _ := strings.Cut(a, " ")
		other, _, _ := strings.Cut(b, " ")
		return strings.Compare(one, other)
	})
	return list
}

// TestFormsAtRandom holds the same of dialplans whose jumps nobody thought of.
func TestFormsAtRandom(t *testing.T) {
	structured := 0
	for seed := range uint64(40) {
		text := wild(rand.New(rand.NewPCG(seed, 0)))
		g := &golden{Files: map[string]string{"extensions.conf": text}}
		g.Dial.Context, g.Dial.Exten = "t", "100"
		var told []string
		for _, form := range []string{"tables", "structured"} {
			site, err := translatedAs(t, g.Files, form)
			if err != nil {
				t.Fatal(err)
			}
			structured += strings.Count(site["t.lua"], `"100", function(ch)`)
			w, ended := g.serve(t, site)
			if !ended {
				t.Fatalf("seed %d: the call does not end\n%s", seed, text)
			}
			if form == "tables" {
				told = w.told()
			} else if got := w.told(); !slices.Equal(got, told) {
				t.Errorf("seed %d: as Lua\n  %s\nas tables\n  %s\n%s\n%s", seed, strings.Join(got, "\n  "), strings.Join(told, "\n  "), text, site["t.lua"])
			}
		}
	}
	t.Logf("%d of 40 written as Lua", structured)
	if structured < 8 {
		t.Errorf("only %d of 40 dialplans could be written as Lua", structured)
	}
}

// wild is a dialplan with jumps at random, forward or back; what leads back does
// so three times at most.
func wild(random *rand.Rand) string {
	var b strings.Builder
	b.WriteString("[t]\n")
	last := 5 + random.IntN(9)
	open := []int{}
	for at := 1; at <= last; at++ {
		fmt.Fprintf(&b, "exten => 100,%d,", at)
		back, ahead := 1+random.IntN(at), min(last, at+1+random.IntN(4))
		switch kind := random.IntN(12); {
		case len(open) > 0 && (at == last || kind == 0):
			b.WriteString("EndWhile()")
			open = open[:len(open)-1]
		case kind == 1 && at < last-2:
			fmt.Fprintf(&b, "While($[${INC(W%d)} < 3])", at)
			open = append(open, at)
		case len(open) > 0 && kind == 2:
			fmt.Fprintf(&b, "ExecIf($[${INC(E%d)} = 2]?ExitWhile())", at)
		case len(open) > 0 && kind == 3:
			fmt.Fprintf(&b, "ExecIf($[${INC(E%d)} = 1]?ContinueWhile())", at)
		case kind <= 5:
			fmt.Fprintf(&b, "GotoIf($[${INC(C%d)} < 3]?%d)", at, back)
		case kind == 6 && at < last:
			fmt.Fprintf(&b, "GotoIf($[${INC(C%d)} = %d]?%d)", at, random.IntN(3), ahead)
		case kind == 7 && at < last:
			fmt.Fprintf(&b, "GotoIf($[\"${X}\" = \"%d\"]?%d:%d)", at-1, at+1, ahead)
		case kind == 8 && at < last:
			fmt.Fprintf(&b, "Goto(%d)", ahead)
		case kind == 9:
			fmt.Fprintf(&b, "GotoIf($[${INC(C%d)} > 2]?200,1)", at)
		default:
			fmt.Fprintf(&b, "Set(X=%d)", at)
		}
		b.WriteString("\n")
	}
	for range open {
		last++
		fmt.Fprintf(&b, "exten => 100,%d,EndWhile()\n", last)
	}
	b.WriteString("exten => 200,1,NoOp(${X} ${PRIORITY})\n")
	return b.String()
}
