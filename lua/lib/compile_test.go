package lib_test

import (
	"strconv"
	"testing"

	"github.com/moonwire/moonwire/core/call"
)

// What texts become is Lua that people keep.
func TestCompiledTexts(t *testing.T) {
	tests := []struct{ text, want string }{
		{"plain", `"plain"`},
		{"", `""`},
		{"SIP/${EXTEN}", `"SIP/" .. ch:get "EXTEN"`},
		{"${EXTEN:1}", `ch:slice(ch:get "EXTEN", "1")`},
		{"${CALLERID(num)}", `ch:fn("CALLERID", "num")`},
		{"${DB(cidname/${CALLERID(num)})},x", `ch:fn("DB", "cidname/" .. ch:fn("CALLERID", "num")) .. ",x"`},
		{"${${A}}", `ch:expand(ch:get "A")`},
		{"$[${N} + 1]", `ch:expression(ch:get "N" .. " + 1")`},
		{`say "hi"`, `"say \"hi\""`},
	}
	var vectors []vector
	for i, test := range tests {
		vectors = append(vectors, vector{ID: "v" + strconv.Itoa(i), Text: test.text})
	}
	_, _, sources := runVectors(t, vectors, nil)
	for i, test := range tests {
		if got := sources["v"+strconv.Itoa(i)]; got != test.want {
			t.Errorf("%s became %s, want %s", test.text, got, test.want)
		}
	}
}

// What a dialplan uses most is there, and what waits for an engine says so.
func TestKnown(t *testing.T) {
	w := newWorld(t, monday, map[string]string{"dialplan.lua": `
local asterisk = require "asterisk"
context "t":extension("1", function(call)
  for _, name in ipairs { "Set", "dial", "PLAYBACK", "Gosub", "Macro", "Read", "WaitExten" } do
    assert(asterisk.known(name).level ~= "unavailable", name)
  end
  for _, name in ipairs { "Queue", "MeetMe", "SendFAX" } do
    local known = asterisk.known(name)
    assert(known.level == "unavailable" and known.note ~= "", name)
  end
  assert(asterisk.known "DongleSendSMS" == nil)
  assert(asterisk.known_function("CALLERID").writes and not asterisk.known_function("LEN").writes)
  assert(asterisk.known_function "len" == nil)
  assert(#asterisk.names "application" > 150 and #asterisk.names "function" > 120)
  store.put("t", "done", "yes")
end)`})
	w.starts(call.Info{Context: "t", Extension: "1"})
	if done, _ := w.stored("t", "done"); done != "yes" {
		t.Error(w.log.String())
	}
}

// In dialplans of old, a busy line leads to priority n+101.
func TestPriorityJump(t *testing.T) {
	w := newWorld(t, monday, map[string]string{
		"asterisk/settings.lua": `return { era = "1.2", priorityjumping = true }`,
		"dialplan.lua": `
local asterisk = require "asterisk"
asterisk.extension("t", "1", function() return {
  { 1, "Dial", "Local/2@t,5" }, { 2, "NoOp", "next" }, { 102, "NoOp", "busy" },
} end)
asterisk.extension("t", "2", function() return { { 1, "Busy" } } end)
`})
	w.starts(call.Info{Context: "t", Extension: "1"})
	w.clock.Settle()
	steps, _, _ := w.story("c1")
	if len(steps) != 2 || steps[1] != "t,1,102 NoOp(busy)" {
		t.Errorf("steps %v\n%s", steps, w.log.String())
	}
}
