package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/lua/host"
)

// TestDebuggedCall runs the demo site's menu as an editor would have it run.
func TestDebuggedCall(t *testing.T) {
	site := filepath.Join(t.TempDir(), "site")
	if code := run([]string{"new", site}, io.Discard, io.Discard); code != 0 {
		t.Fatalf("moonwire new: %d", code)
	}
	d := debuggedCall{site: site}
	root, err := d.Prepare([]byte(`{"context": "internal", "extension": "700", "caller": "1001", "dtmf": "3s:1", "hangup": "20s", "stopOnEntry": true}`))
	if err != nil || root != site {
		t.Fatalf("root %q, %v", root, err)
	}
	seen := map[string]bool{}
	var out strings.Builder
	err = d.Run(t.Context(), func(_ *host.State, _ host.Thread, file string, _ int) { seen[file] = true }, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"scripts/config.lua", "scripts/dialplan.lua", "scripts/ivr/clock.lua"} {
		if !seen[file] {
			t.Errorf("no line of %s was followed", file)
		}
	}
	if !strings.Contains(out.String(), "today-is") {
		t.Errorf("the story of the call lacks its prompts:\n%s", &out)
	}
}

func TestDebugNeedsToKnowWhatToDial(t *testing.T) {
	d := debuggedCall{site: "."}
	for _, arguments := range []string{`{}`, `{"extension": 7}`, `{"extension": "700", "site": "/nowhere"}`} {
		if _, err := d.Prepare([]byte(arguments)); err == nil {
			t.Errorf("%s was accepted", arguments)
		}
	}
}
