package suite

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/simulate"
	"github.com/moonwire/moonwire/scripts"
	"github.com/moonwire/moonwire/sounds"
)

var (
	update  = flag.Bool("update", false, "write the generated files anew")
	prompts = &simulate.Sounds{Recorded: media.NewPrompts(slog.New(slog.DiscardHandler), sounds.FS)}
)

// demo are the scripts that ship, with further files.
func demo(t testing.TB, pairs ...string) fstest.MapFS {
	t.Helper()
	files, err := scripts.Files("demo")
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, content := range files {
		if inside, ok := strings.CutPrefix(name, "scripts/"); ok {
			tree[inside] = &fstest.MapFile{Data: content}
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		tree[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return tree
}

func run(t testing.TB, o Options) *Report {
	t.Helper()
	o.Sounds = prompts
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// one runs one test with this body in the demo, which also has a trunk and some
// extensions of its own.
func one(t testing.TB, body string) *Test {
	t.Helper()
	r := run(t, Options{Files: []string{"scripts/x_test.lua"}, Scripts: demo(t,
		"more.lua", `
grant { http = "crm.example.org" }
sip.trunk "provider" { host = "192.0.2.1", context = "outside" }
local outside = context "outside"
outside:extension("_0.", function(call) call:dial("sip/1001", { timeout = 20 }) end)
local internal = context "internal"
internal:extension("_0X.", function(call) call:dial("sip/" .. call.extension .. "@provider") end)
internal:extension("801", function(call) local x = nil; x.y = 1 end)
internal:extension("802", function(call)
  local answer = http.get "https://crm.example.org/name"
  store.put("crm", "answer", answer.status .. " " .. (answer.body or answer.reason))
  http.post_async("https://crm.example.org/calls", { from = call.caller.number })
end)
internal:extension("803", function(call) while true do call:wait(0) end end)
internal:extension("804", function(call) call:play "no-such-prompt" end)
`,
		"x_test.lua", body)})
	if err := r.Files[0].Err; err != nil {
		t.Fatal(host.Report(err))
	}
	if len(r.Files[0].Tests) != 1 {
		t.Fatalf("%d tests in %s", len(r.Files[0].Tests), body)
	}
	return r.Files[0].Tests[0]
}

func body(text string) string { return "test(\"x\", function(t)\n" + text + "\nend)" }

func TestShippedTestsPass(t *testing.T) {
	coverage := new(Coverage)
	r := run(t, Options{Scripts: demo(t), Coverage: coverage})
	if r.Failed() > 0 || r.Count() < 20 {
		var b bytes.Buffer
		_ = r.WriteText(&b, false)
		t.Errorf("%d tests\n%s", r.Count(), &b)
	}
	covered, err := coverage.Report(demo(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range covered.Files {
		if ran, all := covered.Files[i].Ran(); ran != all {
			t.Errorf("%s: %d of %d lines ran", covered.Files[i].Name, ran, all)
		}
	}
	var page bytes.Buffer
	if err := covered.WriteHTML(&page); err != nil || strings.Count(page.String(), "class=not") != 0 || !strings.Contains(page.String(), "class=ran") {
		t.Error("the page does not say so", err)
	}
}

func TestTestsOfTemplatesPass(t *testing.T) {
	heard := *prompts
	heard.Further = map[string]time.Duration{"bench120": 2 * time.Minute}
	for _, name := range scripts.Templates() {
		files, err := scripts.Files(name)
		if err != nil {
			t.Fatal(err)
		}
		tree := fstest.MapFS{}
		for path, content := range files {
			if inside, ok := strings.CutPrefix(path, "scripts/"); ok && !strings.HasPrefix(inside, "translate/") {
				tree[inside] = &fstest.MapFile{Data: content}
			}
		}
		r, err := Run(t.Context(), Options{Scripts: tree, Sounds: &heard})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed() > 0 || r.Count() == 0 {
			t.Errorf("%s: %d tests\n%s", name, r.Count(), r.First())
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Table.Entries {
		if seen[e.Label()] {
			t.Errorf("%s is there twice", e.Label())
		}
		seen[e.Label()] = true
		if e.Func == nil || !strings.HasSuffix(e.Summary, ".") || e.Example == "" {
			t.Errorf("%s lacks a function, a sentence or an example", e.Label())
		}
		if _, taken := api.Lookup(e.On, e.Name); taken {
			t.Errorf("scripts have a %s too", e.Label())
		}
	}
}

// Every example is a test that passes.
func TestExamplesPass(t *testing.T) {
	for _, e := range Table.Entries {
		t.Run(e.Label(), func(t *testing.T) {
			if f := one(t, e.Example).Failure; f != nil {
				t.Errorf("%s\n%s", e.Example, f.Text())
			}
		})
	}
}

func TestPassing(t *testing.T) {
	for name, text := range map[string]string{
		"a trunk calls": `
  local call = t:trunk("provider"):calls { to = "0123", from = "0611", name = "Ann" }
  local phone = t:phone("1001"):rings()
  t:equal(phone.caller_number, "0611")
  phone:answers()
  call:is "answered"
  phone:hangs_up()
  call:ended "normal"`,
		"a trunk is called": `
  t:trunk("provider"):answers(1)
  local call = t:phone("1001"):dials "0123"
  t:equal(t:trunk("provider"):rings().target, "sip/0123@provider")
  call:is "answered"`,
		"a trunk fails": `
  t:trunk("provider"):fails(503)
  t:phone("1001"):dials("0123"):ended(41)`,
		"requests": `
  local crm = t:http "*//crm.example.org/*"
  crm:returns { body = "Alice" }
  t:phone("1001"):dials("802"):ended()
  t:equal(t:store("crm", "answer"), "ok Alice")
  local asked = crm:requests()
  t:equal(#asked, 2)
  t:equal(asked[1].url, "https://crm.example.org/name")
  t:equal(asked[2].body, '{"from":"1001"}')`,
		"a request that nobody answers": `
  t:phone("1001"):dials("802"):ended()
  t:ok(t:store("crm", "answer"):find "^failed")`,
		"an expected error": `
  t:phone("1001"):dials("801"):ended()
  t:error "attempt to index"`,
		"the time": `
  t:time "2026-12-24 23:59"
  local before = t:time()
  t:advance(60)
  t:equal(t:time() - before, 60)
  t:time "2026-12-25 08:00"
  t:equal(time.format(t:time(), "%H:%M"), "08:00")`,
		"tables":       `t:equal({ 1, { a = "x" } }, { 1, { a = "x" } })`,
		"a module":     `t:equal(type(require "ivr.clock"), "function")`,
		"records":      `t:phone("1001"):dials("600"):hangs_up() t:equal(#t:records(), 1) t:equal(t:record().extension, "600")`,
		"two at once":  `local a, b = t:phone("1001"):dials "600", t:phone("1002"):dials "600" a:is "answered" b:is "answered" a:hears "demo-echotest" b:hears "demo-echotest"`,
		"nothing used": `t:ok(true)`,
	} {
		t.Run(name, func(t *testing.T) {
			if f := one(t, body(text)).Failure; f != nil {
				t.Error(f.Text())
			}
		})
	}
}

// What a test that fails says, and at which line of its body.
func TestFailing(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		line       int
	}{
		"not heard":    {`t:phone("1001"):dials("600"):hears "welcome"`, `welcome was not heard within 30 s; heard before: nothing; since: demo-echotest`, 2},
		"too late":     {"local call = t:phone(\"1001\"):dials \"42\"\ncall:hears \"welcome\"", "and the call has ended (unallocated number)", 3},
		"not equal":    {`t:equal(1, 2, "sum")`, "sum: got 1, want 2", 2},
		"inside":       {`t:equal({ a = { 1 } }, { a = { "1" } })`, `at ["a"][1]: got 1, want "1"`, 2},
		"not ok":       {`t:ok(nil, "it")`, "it: got nil", 2},
		"a cause":      {`t:phone("1001"):dials("42"):ended "busy"`, "the call ended with unallocated number (1), want user busy (17)", 2},
		"a state":      {`t:phone("1001"):dials("600"):is("ended", 5)`, "the call is answered, want ended within 5 s", 2},
		"no phone":     {`t:phone "1009"`, `the site has no phone "1009"; it has 1001, 1002`, 2},
		"a misspelt":   {`t:phone("1001"):dails "600"`, "a phone has no 'dails', did you mean 'dials'?", 2},
		"wrong type":   {`t:advance "soon"`, "t:advance: seconds must be a number", 2},
		"lost keys":    {`t:phone("1001"):dials("42"):presses "1"`, "keys would be lost: the call is ended", 2},
		"not called":   {`t:phone("1001"):rings(3)`, "1001 was not called within 3 s", 2},
		"no prompt":    {`t:phone("1001"):dials("804"):hears "no-such-prompt"`, "there is no such prompt", 2},
		"script fails": {`t:phone("1001"):dials("801"):ended()`, "a script failed: scripts/more.lua:8", 1},
		"own mistake":  {`local x = nil; x.y = 1`, "attempt to index", 2},
		"goes round":   {`t:phone("1001"):dials "803"`, "go round and round without time passing", 2},
		"busy":         {`while true do end`, "ran too long", 2},
		"back in time": {"t:phone \"1001\"\nt:time \"2020-01-01\"", "set the time before anything else", 3},
	} {
		t.Run(name, func(t *testing.T) {
			f := one(t, body(c.text)).Failure
			if f == nil {
				t.Fatal("it passed")
			}
			if !strings.Contains(f.Message, c.want) || f.Line != c.line || f.File != "scripts/x_test.lua" {
				t.Errorf("%s:%d: %s\nwant line %d: %s", f.File, f.Line, f.Message, c.line, c.want)
			}
		})
	}
	f := one(t, body(`t:phone("1001"):dials("600"):hears "welcome"`)).Failure
	if !strings.Contains(f.Timeline, `call:play("demo-echotest")`) {
		t.Errorf("no timeline:\n%s", f.Timeline)
	}
}

// Files that cannot be loaded are told, and the others run.
func TestBrokenFiles(t *testing.T) {
	r := run(t, Options{Scripts: demo(t, "a_test.lua", "test(", "b_test.lua", `test("x", function() end) test("x", function() end)`,
		"c_test.lua", `test("y", function(t) t:ok(true) end)`)})
	if r.Files[0].Err == nil || r.Files[1].Err == nil || r.Files[2].Err != nil || len(r.Files[2].Tests) != 1 {
		t.Errorf("%+v", r.Files)
	}
	if n := r.Failed(); n != 2 {
		t.Errorf("%d failed, want 2", n)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `test("call %d", function(t)
  local call = t:phone("1001"):dials "700"
  call:hears "demo-menu"
  call:presses "2"
  call:hears "demo-enter-number"
  call:presses "%d#"
  call:hears_said { number = %d }
  call:presses "9"
  call:ended "normal"
end)
`, i, i, i)
	}
	return b.String()
}

// Order, workers and other tests make no difference.
func TestOrderDoesNotMatter(t *testing.T) {
	site := demo(t, "many_test.lua", many(30)+`test("fails", function(t) t:phone("1001"):dials("700"):hears "welcome" end)`)
	outcome := func(o Options) string {
		o.Scripts, o.Files = site, []string{"scripts/many_test.lua"}
		r := run(t, o)
		var b strings.Builder
		for _, test := range r.Files[0].Tests {
			fmt.Fprintln(&b, test.Name, test.Virtual)
			if test.Failure != nil {
				b.WriteString(test.Failure.Text())
			}
		}
		return b.String()
	}
	first := outcome(Options{Workers: 1})
	for seed := range uint64(3) {
		if again := outcome(Options{Workers: 4, Shuffle: seed + 1}); again != first {
			t.Errorf("another outcome\n%s\nbefore\n%s", again, first)
		}
	}
}

func TestOnlySomeTests(t *testing.T) {
	r := run(t, Options{Scripts: demo(t), Only: regexp.MustCompile("^9 ends")})
	if r.Count() != 1 {
		t.Errorf("%d tests ran, want 1", r.Count())
	}
}

func TestOutputForPrograms(t *testing.T) {
	r := run(t, Options{Scripts: demo(t, "a_test.lua", "test(", "x_test.lua", `test("good # 1", function() end) test("bad <&>", function(t) t:ok(false) end)`),
		Files: []string{"scripts/a_test.lua", "scripts/x_test.lua"}})
	var tap, junit bytes.Buffer
	if err := r.WriteTAP(&tap); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"TAP version 13\n1..3\n", "\nnot ok 1 - scripts/a_test.lua\n", "\nok 2 - scripts/x_test.lua: good \\# 1\n", "\nnot ok 3 - "} {
		if !strings.Contains(tap.String(), line) {
			t.Errorf("TAP lacks %q\n%s", line, &tap)
		}
	}
	if err := r.WriteJUnit(&junit); err != nil {
		t.Fatal(err)
	}
	var read junitSuites
	if err := xml.Unmarshal(junit.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.Tests != 3 || read.Failures != 1 || read.Errors != 1 || len(read.Suites) != 2 || read.Suites[1].Cases[1].Name != "bad <&>" {
		t.Errorf("%+v", read)
	}
}

// The annotations and the reference are what the table says.
func TestGeneratedFiles(t *testing.T) {
	for path, write := range map[string]func(io.Writer) error{
		"../types/moonwire-test.lua":       WriteTypes,
		"../../docs/lua-test-reference.md": WriteReference,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		shipped, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(shipped, b.Bytes()) {
			t.Errorf("%s is not what the table says: run go generate ./lua/suite (%v)", path, err)
		}
	}
}

func BenchmarkThreeHundredTests(b *testing.B) {
	site := demo(b, "many_test.lua", many(300))
	for b.Loop() {
		if n := run(b, Options{Scripts: site, Files: []string{"scripts/many_test.lua"}}).Failed(); n != 0 {
			b.Fatalf("%d failed", n)
		}
	}
}

// Three hundred calls are tested in one run; BenchmarkThreeHundred tells how fast.
func TestManyTests(t *testing.T) {
	r := run(t, Options{Scripts: demo(t, "many_test.lua", many(300)), Files: []string{"scripts/many_test.lua"}})
	if r.Failed() > 0 || r.Count() != 300 {
		t.Errorf("%d of %d failed", r.Failed(), r.Count())
	}
}
