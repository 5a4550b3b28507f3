package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A block of the guide: a file, or commands and what they print.
var block = regexp.MustCompile("(?ms)^```(lua|console)\n(.*?)^```")

// TestTenMinutes does what the guide's page tells, one thing after the other.
func TestTenMinutes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/guide/ivr-in-ten-minutes.md")
	if err != nil {
		t.Fatal(err)
	}
	r := reader{t: t, dir: t.TempDir()}
	for _, match := range block.FindAllStringSubmatch(string(page), -1) {
		if match[1] == "lua" {
			r.save(match[2])
		} else {
			r.follow(match[2])
		}
	}
	if r.commands < 10 {
		t.Errorf("%d commands on the page; is the pattern that finds them right?", r.commands)
	}
}

// reader is a person who follows the guide.
type reader struct {
	t        *testing.T
	dir      string
	commands int
}

// save writes the file that is named in the first line; with a + behind the name,
// the rest stands before what the file holds.
func (r *reader) save(text string) {
	first, rest, _ := strings.Cut(text, "\n")
	name, ok := strings.CutPrefix(first, "-- ")
	if !ok {
		r.t.Fatalf("no file is named in %q", first)
	}
	name, before := strings.CutSuffix(name, " +")
	path := filepath.Join(r.dir, "shop", filepath.FromSlash(name))
	if before {
		old, err := os.ReadFile(path)
		if err != nil {
			r.t.Fatal(err)
		}
		text = rest + string(old)
	}
	writeFile(r.t, path, text)
}

// follow types commands and looks for what they print. Lines may have more in
// them than the page shows, and there may be more of them.
func (r *reader) follow(text string) {
	var out string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			r.commands++
			out = r.run(command)
			continue
		}
		i := strings.Index(squeezed(out), squeezed(line))
		if i < 0 {
			r.t.Fatalf("%q is not in\n%s", line, out)
		}
	}
}

// squeezed is text with one space where there are several.
func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

func (r *reader) run(command string) string {
	r.t.Helper()
	if command == "moonwire serve shop" {
		s := launch(r.t, filepath.Join(r.dir, "shop"), nil)
		r.t.Cleanup(s.stop)
		return "ready"
	}
	command, fails := strings.CutSuffix(command, " # fails")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", command)
	shell.Dir = r.dir
	shell.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := shell.CombinedOutput()
	if (err != nil) != fails {
		r.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// A save whose tests fail leaves the old scripts in service.
func TestReloadRequiresTests(t *testing.T) {
	t.Parallel()
	files := site{
		"config.lua":        `reload.require_tests = true sip.phone "1001" { password = "x", context = "internal" }`,
		"dialplan.lua":      `context "internal":extension("600", function(call) call:busy() end)`,
		"dialplan_test.lua": `test("600 is busy", function(t) t:phone("1001"):dials("600"):ended "busy" end)`,
	}
	s := start(t, files)
	writeFile(t, filepath.Join(s.dir, "scripts", "dialplan.lua"), `context "internal":extension("600", function(call) call:congestion() end)`)
	s.awaitLog("was not accepted")
	out, code := command(t, "reload", s.dir)
	if code != 1 || !strings.Contains(out, "600 is busy") || !strings.Contains(out, "want user busy") {
		t.Errorf("%d: %s", code, out)
	}
	writeFile(t, filepath.Join(s.dir, "scripts", "dialplan.lua"), `context "internal":extension("600", function(call) call:hangup "busy" end)`)
	s.awaitLog("tests passed")
	if out, code := command(t, "reload", s.dir); code != 0 {
		t.Errorf("%d: %s", code, out)
	}
}

// The exit code tells what came of it.
func TestExitCodesOfTheWorkshop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range (site{
		"dialplan.lua": `local internal = context "internal"
internal:extension("600", function(call) call:answer() end)
internal:extension("601", function(call) local x = nil; x.y = 1 end)`,
		"good_test.lua": `test("good", function(t) t:ok(true) end)`,
		"bad_test.lua":  `test("bad", function(t) t:ok(false) end)`,
	}) {
		writeFile(t, filepath.Join(dir, "scripts", name), text)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"simulate DIR --context internal --extension 600", 0, "call:answer()"},
		{"simulate DIR --context internal --extension 600 --extension 600 --json", 0, `"how":"returned"`},
		{"simulate DIR --context internal --extension 601", 1, "attempt to index"},
		{"simulate DIR --context internal --extension 7", 0, "no extension serves this number"},
		{"simulate DIR --extension 600", 2, "--context"},
		{"simulate DIR --context internal --extension 600 --dtmf x", 2, "--dtmf"},
		{"simulate DIR --context internal --extension 600 --answer x", 2, "--answer"},
		{"simulate DIR --context internal --extension 600 --grant x", 2, "--grant"},
		{"simulate /nowhere --context internal --extension 600", 2, "is not a site"},
		{"test DIR", 1, "scripts/bad_test.lua:1"},
		{"test DIR scripts/good_test.lua", 0, "1 test, 0 failed"},
		{"test DIR DIR/scripts/good_test.lua --tap", 0, "ok 1 - scripts/good_test.lua: good"},
		{"test DIR --run ^good", 0, "1 test, 0 failed"},
		{"test DIR scripts/none_test.lua", 2, "is no test file"},
	} {
		out, code := command(t, strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: code %d, want %d, and %q in\n%s", c.args, code, c.code, c.want, out)
		}
	}
}

// --watch runs tests again when they are saved.
func TestWatchRunsTestsAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "scripts", "x_test.lua")
	writeFile(t, file, `test("one", function(t) t:ok(true) end)`)
	ctx, cancel := context.WithCancel(context.Background())
	watching := exec.CommandContext(ctx, binary, "test", dir, "--watch", "-v")
	var out lockedBuffer
	watching.Stdout = &out
	if err := watching.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = watching.Wait()
	}()
	for _, want := range []string{"one", "two", "three"} {
		writeFile(t, file, `test("`+want+`", function(t) t:ok(true) end)`)
		if !out.await("ok    "+want+" ", patience) {
			t.Fatalf("%s never ran\n%s", want, &out)
		}
	}
}
