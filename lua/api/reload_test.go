package api

import (
	"strings"
	"testing"
)

func TestReloadSettings(t *testing.T) {
	w := newWorld(t, "config.lua", "reload.require_tests = true\nassert(reload.require_tests)\ncontext 'internal':extension('600', function() assert(reload.require_tests) end)")
	if !w.host.Current().Declarations().(*Site).RequireTests {
		t.Error("the setting is not kept")
	}
	w.calls()
	w.noErrors()
	for text, want := range map[string]string{
		"reload.require_tests = 1":    "reload.require_tests must be true or false",
		"reload.require_test = true":  "did you mean 'require_tests'?",
		"local x = reload.tests":      "a reload has no 'tests'",
		"reload.require_tests()":      "not a function",
		"reload = { require = true }": "reload",
	} {
		_, err := tryWorld(t, "config.lua", "context 'internal'\n"+text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}
