package check

import (
	"fmt"
	"strings"
	"testing"
)

// serving is a script whose one extension does something.
func serving(body string) string {
	return "context 'internal':extension('600', function(call)\n" + body + "\nend)"
}

// TestWhatIsSeenThroughNames finds mistakes behind variables, parameters and fields.
func TestWhatIsSeenThroughNames(t *testing.T) {
	tests := []struct{ body, rule, want string }{
		{`local r = call:dial "sip/1" local s = r.status if s == "anwsered" then call:busy() end`, ruleNeverEqual, "did you mean 'answered'?"},
		{`local r = call:dial "sip/1" if "buzy" ~= r.status then call:busy() end`, ruleNeverEqual, "always true"},
		{`local r r = call:play "beep" if r.status == "answered" then call:busy() end`, ruleNeverEqual, "call:play never gives"},
		{`if call:play("beep").status == "done" then call:busy() end`, ruleNeverEqual, "call:play never gives"},
		{`local _, status = call:read() if status == "silent" then call:busy() end`, ruleNeverEqual, "call:read never gives"},
		{`if call.state == "talking" then call:busy() end`, ruleNeverEqual, "this is never"},
		{`local r = call:dial "sip/1" log.info(r.stauts)`, ruleName, "what call:dial gives has no 'stauts', did you mean 'status'?"},
		{`log.info(call.extensoin)`, ruleName, "did you mean 'extension'?"},
		{`log.info(call.caller.numbr)`, ruleName, "a caller has no 'numbr'"},
		{`local r = call:dial("sip/1", { bridge = false }) r.peer:plai "beep"`, ruleName, "did you mean 'play'?"},
		{`call:dial("sip/1", { on_answer = function(p) p:plai "beep" end })`, ruleName, "a call has no 'plai'"},
		{`call:race { function(c) c:plai "beep" end }`, ruleName, "a call has no 'plai'"},
		{`local wait = "soon" call:wait(wait)`, ruleArgument, "got a string"},
		{`local o = { timout = 5 } call:dial("sip/1", o)`, ruleOption, "'timout'"},
		{"call:dial('sip/1', {\n  timeout = 5,\n  hunt = 'yes',\n})", ruleArgument, "hunt must be true or false"},
		{`call:play { "beep", 5, {} }`, ruleArgument, "prompts[3] must be a string"},
		{`call:wait(-1)`, ruleArgument, "must not be negative"},
		{`call:read { max = 1.5 }`, ruleArgument, "whole number"},
		{`call:record { max = 5 }`, ruleArgument, "path is required"},
		{`call:wait(call)`, ruleArgument, "got a call"},
		{`local ivr = require "ivr" ivr.meun {}`, ruleName, "module \"ivr\" has no 'meun', did you mean 'menu'?"},
		{`call.language = 5 .. "" call.caller.presentation = "hidden"`, ruleArgument, `must be "allowed", "withheld", "unavailable"`},
		{`call.caller.nmae = "x"`, ruleReadOnly, "did you mean 'name'?"},
	}
	for _, test := range tests {
		list := findings(t, serving(test.body))
		if len(list) != 1 || list[0].Rule != test.rule || !strings.Contains(list[0].Message, test.want) {
			t.Errorf("%s\nwant one %s with %q, got %v", test.body, test.rule, test.want, list)
		}
	}
}

// TestNothingIsInvented has scripts that are right, or that only running can judge.
func TestNothingIsInvented(t *testing.T) {
	for _, body := range []string{
		`local r = call:dial "sip/1" if call.held then r = call:play "beep" end if r.status == "played" then call:busy() end`,
		`local r = call:dial "sip/1" r.note = "x" log.info(r.note)`,
		`local r = { status = "x" } if r.status == "anything" then call:busy() end`,
		`local function f(r) return r.status == "anything" end f(call:dial "sip/1")`,
		`local o = { timeout = 5 } o.hunt = true call:dial("sip/1", o)`,
		`for _, call in ipairs(call.vars.calls) do log.info(call.whatever) call:whatever() end`,
		`call:wait(tonumber(call.extension) or 5)`,
		`call:wait(call.vars.seconds)`,
		`call:play(call.held and "beep" or { "beep", "beep" })`,
		`call:dial("sip/" .. call.extension, call.vars.options)`,
		`local play = call.play play(call, "beep")`,
		`call.vars.anything = { any = "thing" } log.info(call.vars.anything.any)`,
		`log.info(call.headers["X-Any"]) log.info(call.headers.Subject)`,
		`local s = call:dial("sip/1").status if s == "busy" or s == "noanswer" then call:busy() end`,
		`local digits = call:read() if digits == "1" then call:busy() end`,
		`local t = setmetatable({}, { __index = function() return 1 end }) log.info("%d", t.x)`,
		`call:read(nil)`,
		`call:wait("1.5")`,
		`call:hangup(17) call:hangup "busy" call:hangup { cause = "busy" }`,
		`local name = call.extension call:dial("sip/" .. name)`,
		`call:record { path = call.id .. ".wav", [call.extension] = 1 }`,
		`local status = "x" status = call:dial("sip/1").status if status == "x" then call:busy() end`,
		`local t = {} function t:play() return self end t:play():play()`,
		`call:send_dtmf(1234)`,
	} {
		for _, f := range findings(t, serving(body)) {
			t.Errorf("%s\n%s", body, f)
		}
	}
}

// TestLocalTargets looks up calls that lead back into the dialplan.
func TestLocalTargets(t *testing.T) {
	for target, rule := range map[string]string{
		"local/600@internal": "", "local/600@internal/n": "", "local/600": "", "local/601@internal": ruleExtension, "local/600@internl": ruleContext,
	} {
		got := ""
		for _, f := range findingsWith(t, serving("call:dial '"+target+"'"), Options{}) {
			got += f.Rule
		}
		if got != rule {
			t.Errorf("%s: got %q, want %q", target, got, rule)
		}
	}
}

// TestTranslatedContextsAreUsed has contexts that only an application's argument names.
func TestTranslatedContextsAreUsed(t *testing.T) {
	for _, f := range findingsWith(t, `local asterisk = require "asterisk"
sip.phone "1001" { password = "x", context = "day" }
asterisk.extension("day", "s", function() return { { 1, "Goto", "night,s,1", line = 1 } } end)
asterisk.extension("night", "s", function() return { { 1, "Hangup", "", line = 2 } } end)
context "day" context "night"`, Options{}) {
		t.Error(f)
	}
}

// TestGrowthIsBounded has texts that double with each line: those who look at a
// script must not do what it would do.
func TestGrowthIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("local a = call.extension .. 'x' local t = 'x'\n")
	for range 60 {
		b.WriteString("a = a .. a .. a .. a .. a .. a t = t .. t\n")
		b.WriteString("do local b = a .. a .. a .. a local u = t .. t a = b .. b t = u .. u end\n")
	}
	for i := range 60 {
		before := "t"
		if i > 0 {
			before = fmt.Sprint("u", i-1)
		}
		fmt.Fprintf(&b, "local u%d = %s .. %s .. %s\n", i, before, before, before)
	}
	b.WriteString("call:dial(a) call:dial(t) call:dial(u59)")
	text := "sip.trunk 'p' { host = 'h', context = 'internal' }\n" + serving(b.String())
	for _, f := range findingsWith(t, text, Options{}) {
		if f.Rule != ruleTarget {
			t.Error(f)
		}
	}
}

// TestPromptsByLanguage tells what is missing everywhere from what is missing in
// one language.
func TestPromptsByLanguage(t *testing.T) {
	prompts := fakePrompts{"en/welcome", "en/bye", "fr/welcome", "de-CH/bye"}
	tests := []struct{ language, body, want string }{
		{"", `call:play "welcome"`, ""},
		{"", `call:play "wellcome"`, "error"},
		{"fr", `call:play "welcome"`, ""},
		{"fr-CA", `call:play "welcome"`, ""},
		{"fr", `call:play "bye"`, `warning "fr"`},
		{"de-CH", `call:play "bye"`, ""},
		{"", `call.language = "fr" call:play "bye"`, `warning "fr"`},
		{"", `call:play { "bye", language = "fr" }`, `warning "fr"`},
		{"fr", `call:play { "bye", language = "en" }`, ""},
		{"", `call:play "message.wav"`, ""},
		{"", `call:play { "welcome", "bye", "missing" }`, "error"},
		{"", `call:read { prompt = { "welcome", "missing" } }`, "error"},
		{"", `call:dial("sip/1001", { ringback = "tone" })`, ""},
		{"", `call:dial("sip/1001", { ringback = "music" })`, "error"},
		{"", `local greeting = "missing" call:play(greeting)`, "error"},
		{"", `call:play("missing-" .. call.extension)`, ""},
	}
	for _, test := range tests {
		text := "sip.phone '1001' { password = 'x', context = 'internal', language = '" + test.language + "' }\n" + serving(test.body)
		list := findingsWith(t, text, Options{Prompts: prompts})
		got := ""
		for _, f := range list {
			if got != "" || f.Rule != rulePrompt {
				t.Errorf("%s: %s", test.body, f)
			}
			got = f.Level.String()
			if strings.Contains(f.Message, `"fr"`) {
				got += ` "fr"`
			}
		}
		if got != test.want {
			t.Errorf("%q: %s: got %q, want %q", test.language, test.body, got, test.want)
		}
	}
}

// fakePrompts are paths of prompts.
type fakePrompts []string

func (p fakePrompts) Locate(language, name string) string {
	for _, folder := range []string{language, strings.Split(language, "-")[0], "en"} {
		for _, at := range p {
			if at == folder+"/"+name {
				return at
			}
		}
	}
	return ""
}
