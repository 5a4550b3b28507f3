package check

import (
	"strings"
	"testing"
	"testing/fstest"
)

// site is what surrounds the dialplans of these tests.
const site = `
context "inbound"
sip.phone "1001" { password = "secret", context = "internal" }
sip.trunk "provider" { host = "sip.example.org", context = "inbound" }
sip.trunk "pbx" { host = "192.168.1.5" }
context("internal"):extension("600", function(call) call:echo() end):include "inbound"
context("inbound"):extension("601", function(call) call:echo() end)
local inbound = context "inbound"
`

func tollFindings(t *testing.T, files map[string]string) []*Finding {
	t.Helper()
	scripts := fstest.MapFS{}
	for name, text := range files {
		scripts[name] = &fstest.MapFile{Data: []byte(text)}
	}
	list, err := Site(t.Context(), Options{Scripts: scripts})
	if err != nil {
		t.Fatal(err)
	}
	var toll []*Finding
	for _, f := range list {
		if f.Rule == ruleTollFraud {
			toll = append(toll, f)
		} else {
			t.Errorf("not of this test: %s", f)
		}
	}
	return toll
}

func TestTollFraudIsSeen(t *testing.T) {
	tests := []struct {
		name, text, module string
		level              Level
		want               string // in the message
	}{
		{"directly", `inbound:extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)`, "", Error, `extension "_0." of context "inbound"`},
		{"trunk first", `inbound:extension("_0.", function(call) call:dial("sip/provider/" .. call.extension) end)`, "", Error, ""},
		{"in a list", `inbound:extension("_0.", function(call) call:dial { "sip/1001", "sip/" .. call.extension .. "@provider", timeout = 5 } end)`, "", Error, ""},
		{"by a local", `inbound:extension("_0.", function(call) local to = call.extension .. "@provider" call:dial("sip/" .. to) end)`, "", Error, ""},
		{"by what is read", `inbound:extension("9", function(call) local n = call:read { max = 12 } if n then call:dial("sip/" .. n .. "@provider") end end)`, "", Error, ""},
		{"by a variable of the file", `local trunk = "provider" inbound:extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@" .. trunk) end)`, "", Error, ""},
		{"by a function that makes functions", `local function out(trunk) return function(call) call:dial("sip/" .. call.extension .. "@" .. trunk) end end
inbound:extension("_0.", out "provider")`, "", Error, ""},
		{"by a table", `local trunks = { fr = "provider", de = "elsewhere" }
inbound:extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@" .. trunks[call.language]) end)`, "", Error, ""},
		{"by a module", `local out = require "out" inbound:extension("_0.", function(call) out.dial(call) end)`,
			`local m = {} function m.dial(call) call:dial("sip/" .. call.extension .. "@provider") end return m`, Error, "scripts/lib/out.lua:1"},
		{"by a module that is a function", `inbound:extension("_0.", require "out")`,
			`return function(call) call:dial("sip/" .. call.extension .. "@provider") end`, Error, ""},
		{"by a global function", `function out(call) call:dial("sip/" .. call.extension .. "@provider") end
inbound:extension("_0.", function(call) out(call) end)`, "", Error, ""},
		{"by a menu", `local ivr = require "ivr"
inbound:extension("1", ivr.menu { greeting = "welcome", ["1"] = function(call) call:dial("sip/" .. call:read { max = 9 } .. "@provider") end })`, "", Error, ""},
		{"by entering", `local outside = context "outside"
outside:extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)
inbound:extension("_0.", function(call) call:enter(call.extension, "outside") end)`, "", Error, `extension "_0." of context "outside"`},
		{"by includes", `context("a"):extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)
context("b"):include "a"
inbound:include "b"`, "", Error, `"inbound" includes "b"`},
		{"by a local call", `context("outside"):extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)
inbound:extension("_0.", function(call) call:dial("local/" .. call.extension .. "@outside/n") end)`, "", Error, `of context "outside"`},
		{"by a call back", `inbound:extension("_0.", function(call) originate { target = "sip/" .. call.caller.number .. "@provider", context = "internal", extension = "600" } end)`, "", Error, ""},
		{"to another system of ours", `inbound:extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@pbx") end)`, "", Warning, ""},
		{"always the same number", `inbound:extension("9", function(call) call:dial "sip/0612345678@provider" end)`, "", Note, "always with the same number"},
		{"the number that was dialled is always the same", `inbound:extension("0612345678", function(call) call:dial("sip/" .. call.extension .. "@provider") end)`, "", Note, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"dialplan.lua": site + strings.ReplaceAll(test.text, `require "out"`, `require "lib.out"`)}
			if test.module != "" {
				files["lib/out.lua"] = test.module
			}
			list := tollFindings(t, files)
			if len(list) != 1 || list[0].Level != test.level || !strings.Contains(list[0].Message, test.want) {
				t.Errorf("want one %s with %q, got %v", test.level, test.want, list)
			}
		})
	}
}

func TestNoTollFraudIsInvented(t *testing.T) {
	for _, text := range []string{
		`inbound:extension("_1XXX", function(call) call:dial("sip/" .. call.extension) end)`,
		`context("outside"):extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)
context("internal"):include "outside"`,
		// One function of a module is used, another one dials.
		`local m = { dial = function(call) call:dial("sip/" .. call.extension .. "@provider") end, hello = function(call) call:answer() end }
inbound:extension("_0.", function(call) m.hello(call) end)
context("internal"):extension("_0.", function(call) m.dial(call) end)`,
		`context("outside"):extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)
context("outside"):extension("600", function(call) call:echo() end)
context("internal"):include "outside"
inbound:extension("1", function(call) call:enter("600", "outside") end)`,
		`inbound:extension("_0.", function(call) call:dial("sip/sip:" .. call.extension .. "@192.0.2.1") end)`,
		`inbound:extension("_0.", function(call) call:dial("sip/" .. call.extension .. "@provider") end) -- check: ignore toll-fraud asks for a code`,
	} {
		for _, f := range tollFindings(t, map[string]string{"dialplan.lua": site + text}) {
			t.Errorf("%s\n%s", text, f)
		}
	}
}
