package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder writes a site with one script.
func folder(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "scripts"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts", "dialplan.lua"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// moonwire runs a command line.
func moonwire(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(args, &o, &e)
	return code, o.String(), e.String()
}

const (
	rightScript    = "context('internal'):extension('600', function(call) call:play 'welcome' end)"
	wrongScript    = "context('internal'):extension('600', function(call) call:play 'wellcome' end)"
	doubtfulScript = "context('internal'):extension('600', function(call) end)"
)

func TestCheckTellsByItsExitCode(t *testing.T) {
	tests := []struct {
		text string
		args []string
		code int
		out  string
	}{
		{rightScript, nil, 0, "no mistakes found"},
		{wrongScript, nil, 1, `there is no prompt "wellcome"`},
		{doubtfulScript, nil, 0, "does nothing"},
		{doubtfulScript, []string{"--fail-on", "warning"}, 1, "does nothing"},
		{doubtfulScript, []string{"--fail-on", "never"}, 2, ""},
		{wrongScript, []string{"--format", "github"}, 1, "::error file="},
		{wrongScript, []string{"--format", "xml"}, 2, ""},
		{rightScript, []string{"--format", "sarif"}, 0, `"version": "2.1.0"`},
	}
	for _, test := range tests {
		code, out, errOut := moonwire(append([]string{"check", folder(t, test.text)}, test.args...)...)
		if code != test.code || !strings.Contains(out, test.out) {
			t.Errorf("%v: exit code %d, want %d with %q\n%s%s", test.args, code, test.code, test.out, out, errOut)
		}
	}
	if code, _, errOut := moonwire("check", t.TempDir()); code != 2 || !strings.Contains(errOut, "it has no scripts/") {
		t.Errorf("no site: exit code %d, %s", code, errOut)
	}
}

func TestCheckFindsTheSitesOwnSounds(t *testing.T) {
	site := folder(t, wrongScript)
	sounds := filepath.Join(site, "sounds", "en")
	if err := os.MkdirAll(sounds, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sounds, "wellcome.ulaw"), []byte("sound"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := moonwire("check", site); code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// TestReloadWarns has a server that takes whatever it is given.
func TestReloadWarns(t *testing.T) {
	site := folder(t, wrongScript+"\n"+strings.Replace(doubtfulScript, "600", "601", 1)+"\ncontext 'nobody'")
	data := filepath.Join(site, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := listenControl(data)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(reloadReply{Version: 7})
	})}
	go web.Serve(l)
	defer web.Shutdown(context.Background())
	code, out, errOut := moonwire("reload", site)
	if code != 0 || !strings.HasPrefix(out, "version 7 serves\n") || !strings.Contains(out, `no prompt "wellcome"`) || !strings.Contains(out, "does nothing") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
}

// TestNewSitesAreClean makes each template and looks at it as its owner would.
func TestNewSitesAreClean(t *testing.T) {
	for _, template := range []string{"demo", "empty", "bench"} {
		dir := filepath.Join(t.TempDir(), "site")
		if code, _, errOut := moonwire("new", dir, "--template", template); code != 0 {
			t.Fatal(errOut)
		}
		if code, out, _ := moonwire("check", dir, "--fail-on", "note"); code != 0 {
			t.Errorf("%s:\n%s", template, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, ".luarc.json"))
		var settings map[string]any
		if err != nil || json.Unmarshal(text, &settings) != nil || settings["runtime.version"] != "Lua 5.1" {
			t.Errorf("%s: the editor's settings are %s, %v", template, text, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "types", "moonwire.lua")); err != nil {
			t.Errorf("%s: %v", template, err)
		}
	}
}
