package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTranslate goes the way of the guide: translate, check, simulate.
func TestTranslate(t *testing.T) {
	from, site := t.TempDir(), filepath.Join(t.TempDir(), "site")
	dialplan := "[internal]\nexten => 600,1,NoOp(${EXTEN})\nexten => 600,n,Hangup\nexten => 601,1,Foo\n"
	if err := os.WriteFile(filepath.Join(from, "extensions.conf"), []byte(dialplan), 0o644); err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(from, "report.json")
	moonwire := func(want int, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if got := run(args, &out, &errOut); got != want {
			t.Fatalf("moonwire %s ends with %d\n%s%s", strings.Join(args, " "), got, out.String(), errOut.String())
		}
		return out.String() + errOut.String()
	}

	out := moonwire(exitFailed, "translate", from, "-o", site, "--strict")
	if _, err := os.Stat(site); err == nil || !strings.Contains(out, "application Foo is not known") {
		t.Errorf("--strict wrote a site or no reason:\n%s", out)
	}
	moonwire(0, "translate", from, "-o", site, "--report", report)
	text, err := os.ReadFile(report)
	if err != nil || !json.Valid(text) {
		t.Errorf("the report is not JSON: %v\n%s", err, text)
	}
	moonwire(0, "check", site)
	if steps := moonwire(0, "simulate", site, "--context", "internal", "--extension", "600", "--json"); !strings.Contains(steps, `"args":"600"`) {
		t.Errorf("the first priority is not there:\n%s", steps)
	}

	shim := filepath.Join(site, "scripts", "shims", "foo.lua")
	const written = "return function(ch, arguments) end\n"
	if err := os.WriteFile(shim, []byte(written), 0o644); err != nil {
		t.Fatal(err)
	}
	moonwire(0, "translate", filepath.Join(from, "extensions.conf"), "-o", site)
	if kept, err := os.ReadFile(shim); err != nil || string(kept) != written {
		t.Errorf("a shim that was filled in became %q, %v", kept, err)
	}
	moonwire(exitUsage, "translate", filepath.Join(from, "nothing"), "-o", site)
}
