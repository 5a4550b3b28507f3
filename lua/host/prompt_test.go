package host

import (
	"errors"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// typing is a prompt in a running state of a small site.
func typing(t *testing.T) (*State, *Prompt) {
	t.Helper()
	h := newHost(t, "a.lua", `extension("600", function() end)`, "parts/m.lua", `return { answer = 42 }`)
	s, err := h.Begin(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, s.Prompt("console")
}

func shown(values []lua.LValue, err error) string {
	if err != nil {
		return err.Error()
	}
	var list []string
	for _, v := range values {
		list = append(list, v.String())
	}
	return strings.Join(list, " ")
}

// TestPrompt types one line after another into one prompt.
func TestPrompt(t *testing.T) {
	_, p := typing(t)
	for _, line := range []struct{ typed, want string }{
		{"1 + 1", "2"},
		{`"a", "b"`, "a b"},
		{"x = 7", ""},
		{"x * 6", "42"},
		{"local y = 8", ""},
		{"y", `console:1: "y" is not declared`},
		{"function double(n) return 2 * n end", ""},
		{"double(x)", "14"},
		{"for i = 1, 3 do x = x + i end", ""},
		{"x", "13"},
		{"pirnt(1)", `did you mean "print"`},
		{"string = 1", "is a name of the library"},
		{"string.fromat('x')", `did you mean "format"`},
		{"x.y.z", "console:1: "},
		{"error('on purpose')", "console:1: on purpose"},
		{"1 +", "console:1: "},
		{"local function f() return 1 + f() end return f()", "nested too deeply"},
		{`require("parts.m").answer`, "42"},
		{"...", "arg"},
		{`extension("700", function() end)`, ""},
		{`loadstring("x")`, "cannot be made while scripts run"},
	} {
		if got := shown(p.Run(line.typed, lua.LString("arg"))); got != line.want && (line.want == "" || !strings.Contains(got, line.want)) {
			t.Errorf("%s: %s, want %s", line.typed, got, line.want)
		}
	}
}

// TestPromptShowsWhatWasTyped wants the line of a report to be the one typed.
func TestPromptShowsWhatWasTyped(t *testing.T) {
	_, p := typing(t)
	for typed, want := range map[string]string{
		"nobody":            "console:1: \"nobody\" is not declared\n    1 | nobody\n        ^",
		"1 + nobody":        "console:1: \"nobody\" is not declared\n    1 | 1 + nobody\n            ^",
		"error('x')":        "console:1: x\n    1 | error('x')\n      in error",
		"if x then":         "console:1: the file ends in the middle of something: an \"end\", a bracket or a quote is missing\n    1 | if x then\n                 ^",
		"while true do end": "console:1: " + ErrTooLong.Error() + "\n    1 | while true do end",
	} {
		if _, err := p.Run(typed); err == nil || Report(err) != want {
			t.Errorf("%s:\n%s\nwant\n%s", typed, Report(err), want)
		}
	}
}

// TestPromptGoesOn types on after a line that had to be stopped.
func TestPromptGoesOn(t *testing.T) {
	s, p := typing(t)
	if _, err := p.Run("kept = 1"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := p.Run("while true do end"); !errors.Is(err, ErrTooLong) {
			t.Fatal(err)
		}
	}
	if got := shown(p.Run("kept")); got != "1" {
		t.Errorf("after an endless loop kept is %s", got)
	}
	if _, err := p.Run(`big = {} while true do big[#big + 1] = {} end`); !errors.Is(err, ErrMemory) {
		t.Fatal(err)
	}
	if got := shown(p.Run("kept")); !strings.Contains(got, "not declared") {
		t.Errorf("globals that held too much memory are still there: kept is %s", got)
	}
	if got := shown(p.Run("1 + 1")); got != "2" {
		t.Errorf("after too much memory 1 + 1 is %s", got)
	}
	s.Interrupt(errors.New("Ctrl-C"))
	if got := shown(p.Run("2 + 2")); got != "4" {
		t.Errorf("after an interruption 2 + 2 is %s", got)
	}
}
