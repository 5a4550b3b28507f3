package check

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/sounds"
)

var update = flag.Bool("update", false, "write the golden files anew")

// edit breaks one thing in the shipped scripts.
type edit struct{ rule, file, before, after string }

// broken are copies of the shipped scripts, by the name of their golden file. What
// keeps scripts from loading hides what only loading shows, hence three copies.
var broken = map[string][]edit{
	"source": {
		{ruleSyntax, "ivr/clock.lua", "call:say {", "call:say {{"},
		{ruleUndeclared, "ivr/number.lua", "local digits", "tries = 3 local digits"},
		{ruleReserved, "ivr/message.lua", "local owner", "log = nil local owner"},
	},
	"loading": {
		{ruleLoad, "config.lua", "tcp:0.0.0.0:5060", "sctp:0.0.0.0:5060"},
	},
	"calls": {
		{ruleModule, "dialplan.lua", "return menu(call)", `require("ivr.mian")(call) return menu(call)`},
		{ruleContext, "ivr/main.lua", `call:enter "600"`, `call:enter("600", "internl")`},
		{ruleName, "dialplan.lua", "call:progress()", "call:progres()"},
		{ruleArgument, "ivr/message.lua", "max = 60", `max = "long"`},
		{ruleOption, "ivr/number.lua", "terminators =", "terminater ="},
		{ruleReadOnly, "ivr/clock.lua", "return ivr.again", `call.context = "internal" return ivr.again`},
		{ruleNeverEqual, "dialplan.lua", `== "answered"`, `== "anwsered"`},
		{ruleExtension, "dialplan.lua", `call:play "demo-echodone"`, `call:enter("6000", "internal")`},
		{ruleTarget, "ivr/main.lua", `invalid = ivr.say "invalid"`, `["5"] = ivr.dial "sip/1009", invalid = ivr.say "invalid"`},
		{rulePrompt, "dialplan.lua", `"demo-welcome"`, `"demo-wellcome"`},
		{ruleTollFraud, "config.lua", "sip.listen", `context("in"):include "internal"
sip.trunk "provider" { host = "sip.example.org", context = "in" }
context("internal"):extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)
sip.listen`},
		{ruleUnreachable, "dialplan.lua", `internal:extension("600"`, `internal:extension("_2[0-4]X", function(call) call:busy() end)
internal:extension("_2[5-9]X", function(call) call:busy() end)
internal:extension("_2XX", function(call) call:busy() end)
internal:extension("600"`},
		{rulePattern, "dialplan.lua", `internal:extension("700"`, `internal:extension("_8.9", function(call) call:busy() end)
internal:extension("700"`},
		{ruleNoEnd, "dialplan.lua", `internal:extension("700"`, `internal:extension("701", function() end)
internal:extension("700"`},
		{ruleIgnore, "ivr/message.lua", "local key", "local key -- check: ignore prompts"},
		{ruleUnused, "config.lua", "sip.phone \"1001\"", `context("night"):extension("600", function(call) call:busy() end)
sip.phone "1001"`},
	},
}

// TestBrokenCopies breaks the shipped scripts in every way that has a rule and
// compares what is said with testdata.
func TestBrokenCopies(t *testing.T) {
	var covered []string
	for _, name := range slices.Sorted(maps.Keys(broken)) {
		t.Run(name, func(t *testing.T) {
			site := shipped(t, "demo")
			want := map[string]int{}
			for _, e := range broken[name] {
				text := string(site[e.file].Data)
				if !strings.Contains(text, e.before) {
					t.Fatalf("%s does not contain %s any more", e.file, e.before)
				}
				site[e.file].Data = []byte(strings.Replace(text, e.before, e.after, 1))
				want[e.rule] = 1
				covered = append(covered, e.rule)
			}
			list, err := Site(t.Context(), Options{Scripts: site, Prompts: media.NewPrompts(nil, sounds.FS)})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, f := range list {
				got[f.Rule]++
			}
			if !maps.Equal(got, want) {
				t.Errorf("findings by rule: %v, want %v", got, want)
			}
			golden(t, "testdata/"+name+".txt", list)
		})
	}
	for _, r := range Rules {
		if !slices.Contains(covered, r.ID) {
			t.Errorf("no copy breaks %s", r.ID)
		}
	}
}

// golden compares the report on findings with a file.
func golden(t *testing.T, file string, list []*Finding) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, "text", list, ".", "1.0"); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s is not what is said now (go test ./lua/check -update writes it):\n%s", file, b.String())
	}
}
