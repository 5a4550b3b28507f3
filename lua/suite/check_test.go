package suite

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/lua/check"
)

// The checker knows what test files can call, and that nothing else can.
func TestChecker(t *testing.T) {
	for text, want := range map[string]string{
		`test("x", function(t) t:phone("1001"):dials("600"):hears "welcome" end)`: "",
		`test("x", function(t) t:phone("1001"):dails "600" end)`:                  "a phone has no 'dails', did you mean 'dials'?",
		`test("x", function(t) t:advance "soon" end)`:                             "t:advance: seconds must be a number",
		`test("x")`:                 "test: fn is required",
		`tset("x", function() end)`: `"tset" is not declared`,
		`local x = `:                "",
	} {
		files := fstest.MapFS{"x_test.lua": {Data: []byte(text)}, "dialplan.lua": {Data: []byte("")}}
		list, err := check.Site(t.Context(), check.Options{Scripts: files, Tests: Table})
		if err != nil {
			t.Fatal(err)
		}
		wants := 1
		if want == "" && text != `local x = ` {
			wants = 0
		}
		if len(list) != wants || wants == 1 && (!strings.Contains(list[0].Message, want) || list[0].File != "scripts/x_test.lua") {
			t.Errorf("%s\ngot  %v\nwant %s", text, list, want)
		}
	}
	script := fstest.MapFS{"dialplan.lua": {Data: []byte(`test("x", function(t) end)`)}}
	list, err := check.Site(t.Context(), check.Options{Scripts: script, Tests: Table})
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Message, `"test" is not declared`) {
		t.Errorf("%v, %v", list, err)
	}
	list, err = check.Site(t.Context(), check.Options{Scripts: demo(t), Tests: Table})
	if err != nil || len(list) != 0 {
		t.Errorf("the tests that ship: %v, %v", list, err)
	}
}
