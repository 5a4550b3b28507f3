package lib_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// A dialplan in Asterisk's Lua is served as it is.
func TestAsteriskLua(t *testing.T) {
	text, err := os.ReadFile("testdata/asterisk/lua/extensions.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		extension, caller string
		want              []string
	}{
		{"s", "555", []string{"default,s,1 Lua(s)", "default,s,1 Verbose(1,at s of default,1)", "default,s,1 NoOp(still here,)"}},
		{"s", "666", []string{"default,s,1 Lua(s)", "default,s,1 Verbose(1,at s of default,1)"}},
		{"600", "555", []string{"default,600,1 Lua(600)", "default,600,1 Set(X=1)", "default,600,1 NoOp(1,Echo,600)", "default,600,1 GotoIf(1?demo,700,1)",
			"demo,700,1 Lua(700)", "demo,700,1 NoOp(arrived)", "demo,700,1 Hangup(17)"}},
		{"700", "555", []string{"default,700,1 Lua(700)", "default,700,1 NoOp(arrived)", "default,700,1 Hangup(17)"}},
		{"911", "555", []string{"default,911,1 Lua(_9XX)", "default,911,1 Goto(default,s,1)", "default,s,1 Lua(s)",
			"default,s,1 Verbose(1,at s of default,1)", "default,s,1 NoOp(still here,)"}},
	} {
		site, err := translated(t, map[string]string{"extensions.conf": "", "extensions.lua": string(text)})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, monday, site)
		w.starts(call.Info{Context: "default", Extension: test.extension, Caller: call.Party{Number: test.caller}})
		w.clock.Advance(time.Minute)
		steps, _, _ := w.story("c1")
		if !slices.Equal(steps, test.want) {
			t.Errorf("%s: steps %q, want %q\n%s", test.extension, steps, test.want, w.log.String())
		}
	}
}
