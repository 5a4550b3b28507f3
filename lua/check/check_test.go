package check

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/scripts"
)

func findings(t *testing.T, text string) []*Finding {
	t.Helper()
	return findingsWith(t, text, Options{Part: true})
}

func findingsWith(t *testing.T, text string, o Options) []*Finding {
	t.Helper()
	o.Scripts = fstest.MapFS{"dialplan.lua": {Data: []byte(text)}}
	list, err := Site(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEachMistakeIsFoundOnce(t *testing.T) {
	inside := func(body string) string {
		return "context 'internal':extension('600', function(call)\n" + body + "\nend)"
	}
	tests := []struct {
		text, want string
		line       int
	}{
		{inside(`call:plai "a"`), "a call has no 'plai', did you mean 'play'?", 2},
		{inside(`call:wait()`), "call:wait: seconds is required (a number)", 2},
		{inside(`call:wait "soon"`), "call:wait: seconds must be a number, got a string", 2},
		{inside(`call:wait(function() end)`), "call:wait: seconds must be a number, got a function", 2},
		{inside(`call:dial("sip/1", { timout = 5 })`), "call:dial: option 'timout' unknown, did you mean 'timeout'?", 2},
		{inside(`call:hold("on")`), "call:hold: on must be true or false, got a string", 2},
		{inside(`lgo.info "x"`), `"lgo" is not declared`, 2},
		{inside(`log.inof "x"`), `"log" has no "inof"`, 2},
		{inside(`x = 1`), `"x" is not declared`, 2},
		{`on("call.end", function() end)`, `did you mean 'call.ended'?`, 1},
		{`sip.phone "1" { pasword = "x", context = "c" }`, "sip.phone: option 'pasword' unknown, did you mean 'password'?", 1},
		{`sip.phone "1" { context = "c" }`, "sip.phone: password is required", 1},
		{`sip.phone "1"`, `sip.phone "1" has no settings`, 1},
		{`sip.phone "1" { password = "x", context = "nowhere" }`, `there is no context "nowhere"`, 1},
		{`context("a"):include "b"`, `there is no context "b"`, 1},
		{"local c = context 'a'\nc:extension('_X.', function() end)\nc:extension('_X.', function() end)", "is declared already, at scripts/dialplan.lua:2", 3},
		{`context("a"):extension("_[", function() end)`, "context:extension:", 1},
		{`sip.listen "5060"`, `does not begin with "udp:"`, 1},
		{`local x = `, "", 1},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			list := findings(t, test.text)
			if len(list) != 1 {
				t.Fatalf("%d findings, want 1: %v", len(list), list)
			}
			if f := list[0]; !strings.Contains(f.Message, test.want) || f.Line != test.line || f.File != "scripts/dialplan.lua" {
				t.Errorf("%s:%d: %s; want line %d: %s", f.File, f.Line, f.Message, test.line, test.want)
			}
		})
	}
}

// What the reference shows is right in the eyes of the checker.
func TestExamplesOfTheReference(t *testing.T) {
	for _, e := range api.Table() {
		text := e.Example
		if !strings.Contains(text, `"internal"`) {
			text = `context "internal"` + "\n" + text
		}
		for _, f := range findings(t, text) {
			t.Errorf("%s: %s", e.Label(), f)
		}
	}
}

// shipped is the site that `moonwire new` makes of a template.
func shipped(t *testing.T, template string) fstest.MapFS {
	t.Helper()
	files, err := scripts.Files(template)
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, content := range files {
		if inside, ok := strings.CutPrefix(name, "scripts/"); ok {
			tree[inside] = &fstest.MapFile{Data: content}
		}
	}
	return tree
}
