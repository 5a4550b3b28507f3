package simulate_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/simulate"
	"github.com/moonwire/moonwire/scripts"
	"github.com/moonwire/moonwire/sounds"
)

var (
	update  = flag.Bool("update", false, "write the golden files anew")
	prompts = &simulate.Sounds{Recorded: media.NewPrompts(slog.New(slog.DiscardHandler), sounds.FS)}
)

// demo are the scripts that ship.
func demo(t testing.TB) fs.FS {
	t.Helper()
	files, err := scripts.Files("demo")
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[strings.TrimPrefix(name, "scripts/")] = &fstest.MapFile{Data: content}
	}
	return tree
}

// script is a site whose extension 600 does this, and that has two phones and a trunk.
func script(body string) fs.FS {
	return fstest.MapFS{"dialplan.lua": {Data: []byte(`
sip.phone "1001" { password = "x", context = "internal", caller_id = '"Front desk" <1001>' }
sip.phone "1002" { password = "x", context = "internal", call_limit = 1 }
sip.phone "1003" { password = "x", context = "internal" }
sip.trunk "ovh" { host = "192.0.2.1", context = "internal", call_limit = 1 }
context "internal":extension("600", function(call)
` + body + "\nend)")}}
}

func open(t testing.TB, o simulate.Options) *simulate.World {
	t.Helper()
	o.Sounds = prompts
	w, err := simulate.New(t.Context(), o)
	if err != nil {
		t.Fatal(host.Report(err))
	}
	t.Cleanup(w.Close)
	return w
}

// serve runs one call from 1001 and returns its story as JSON.
func serve(t testing.TB, o simulate.Options, c simulate.Caller) (string, simulate.Result) {
	t.Helper()
	w := open(t, o)
	c.Party.Number = "1001"
	leg, r, err := w.Serve(context.Background(), c, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	events, _ := leg.Story()
	var b bytes.Buffer
	if err := simulate.WriteJSON(&b, append(events, leg.End(r))); err != nil {
		t.Fatal(err)
	}
	return b.String(), r
}

// The stories of all extensions that ship are golden files.
func TestShippedScripts(t *testing.T) {
	keys := func(text string) []simulate.Key {
		list, err := simulate.ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	answers := func(text string) []simulate.Answer {
		list, err := simulate.ParseAnswers(text)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for name, c := range map[string]struct {
		extension, keys, answers string
		hangUp                   time.Duration
	}{
		"phone-answers":     {"1002", "", "sip/1002=after 4s for 20s", 0},
		"phone-busy":        {"1002", "", "sip/*=busy", 0},
		"phone-silent":      {"1002", "", "", 0},
		"phone-unavailable": {"1002", "", "sip/1002=unavailable", 0},
		"phone-unknown":     {"1999", "", "", 0},
		"caller-gives-up":   {"1002", "", "", 7 * time.Second},
		"echo":              {"600", "10s:#", "", 0},
		"menu-clock":        {"700", "3s:1 20s:9", "", 0},
		"menu-number":       {"700", "3s:2 3s:342# 12s:9", "", 0},
		"menu-message":      {"700", "3s:3 20s:# 20s:9", "", 0},
		"menu-wrong":        {"700", "3s:8 8s:9", "", 0},
		"menu-nothing":      {"700", "", "", 0},
		"no-such-number":    {"42", "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := serve(t, simulate.Options{Scripts: demo(t), Answers: answers(c.answers)},
				simulate.Caller{Extension: c.extension, Keys: keys(c.keys), HangUp: c.hangUp})
			path := filepath.Join("testdata", name+".jsonl")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the story is not that of %s (go test -update writes it anew)\n%s", path, got)
			}
		})
	}
}

// Whatever goes on at once, two runs are alike.
func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	site := script(`
  call:on_hangup(function() store.add("calls", "ended") end)
  local r = call:dial({ "sip/1001", "sip/1002", "sip/1003", "sip/01@ovh" }, { timeout = 5, ringback = "tone" })
  log.info("%s %s", r.status, math.random(1000))
  call:play { "demo-welcome", "beep" }
  call:dial { "sip/1003", "sip/1001", hunt = true, timeout = 3 }`)
	first, _ := serve(t, simulate.Options{Scripts: site}, simulate.Caller{Extension: "600"})
	var wait sync.WaitGroup
	for range 40 {
		wait.Go(func() {
			if again, _ := serve(t, simulate.Options{Scripts: site}, simulate.Caller{Extension: "600"}); again != first {
				t.Errorf("another story\n%s\nbefore\n%s", again, first)
			}
		})
	}
	wait.Wait()
}

// So are calls of the server to itself, whose scripts run at the same time.
func TestLocalCallsAreAlike(t *testing.T) {
	site := script(`
  call:on_hangup(function() log.info "over" end)
  local r = call:dial({ "local/700@internal", "local/701@internal" }, { timeout = 5 })
  log.info("%s", r.status)
end)
context "internal":extension("_70X", function(call)
  call:ring()
  call:wait(tonumber(call.extension) - 698)
  call:answer()
  call:play "demo-welcome"
  log.info("done")`)
	first, r := serve(t, simulate.Options{Scripts: site}, simulate.Caller{Extension: "600"})
	if !r.Answered || !strings.Contains(first, `"leg":"Local/700@internal-00000001;2"`) {
		t.Errorf("%+v\n%s", r, first)
	}
	for range 60 {
		if again, _ := serve(t, simulate.Options{Scripts: site}, simulate.Caller{Extension: "600"}); again != first {
			t.Fatalf("another story\n%s\nbefore\n%s", again, first)
		}
	}
}

func TestScriptsThatDoNotEndAreEnded(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		err  error
		how  string
	}{
		"computing":    {`while true do end`, nil, "error"},
		"waiting":      {`while true do call:wait(0) end`, simulate.ErrStill, "caller"},
		"caught":       {`while true do pcall(call.wait, call, 0) end`, simulate.ErrStill, "caller"},
		"for ever":     {`call:answer() while true do call:wait(600) end`, nil, "limit"},
		"at the end":   {`call:on_hangup(function() while true do end end)`, nil, "returned"},
		"entering":     {`call:enter "600"`, nil, "error"},
		"in a hang-up": {`call:on_hangup(function(call) while true do pcall(call.wait, call, 1) end end)`, nil, "returned"},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, simulate.Options{Scripts: script(c.body)})
			_, r, err := w.Serve(context.Background(), simulate.Caller{Context: "internal", Extension: "600"}, time.Hour)
			if !errors.Is(err, c.err) || r.How != c.how {
				t.Errorf("%v, ended by %s; want %v, %s", err, r.How, c.err, c.how)
			}
		})
	}
}

func TestDialling(t *testing.T) {
	for name, c := range map[string]struct{ target, answers, want string }{
		"rings":        {"sip/1002", "", "noanswer 19"},
		"busy":         {"sip/1002", "sip/1002=busy", "busy 17"},
		"rejects":      {"sip/1002", "sip/*=reject 603", "busy 21"},
		"congestion":   {"sip/1002", "*=congestion", "congestion 34"},
		"away":         {"sip/1002", "sip/1002=unavailable", "unavailable 20"},
		"not known":    {"sip/4711", "sip/*=after 1s", "unavailable 1"},
		"made known":   {"sip/4711", "sip/4711=after 1s for 2s", "answered 16"},
		"by a trunk":   {"sip/0123@ovh", "sip/*@ovh=after 2s for 2s", "answered 16"},
		"other trunk":  {"sip/0123@ofh", "sip/*@ovh=after 2s for 2s", "unavailable 1"},
		"other lines":  {"dahdi/1", "dahdi/1=after 2s for 2s", "answered 16"},
		"no lines":     {"dahdi/1", "", "unavailable 3"},
		"first counts": {"sip/1002", "sip/1*=busy,sip/1002=after 1s", "busy 17"},
		"late refusal": {"sip/1002", "sip/1002=after 3s reject busy", "busy 17"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := simulate.ParseAnswers(c.answers)
			if err != nil {
				t.Fatal(err)
			}
			_, r := serve(t, simulate.Options{Answers: list, Scripts: script(`
  local r = call:dial("` + c.target + `", { timeout = 10 })
  call.vars.got = r.status .. " " .. (r.cause or "")`)}, simulate.Caller{Extension: "600"})
			if got := r.Variables["got"]; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatIsNotGrantedIsRefused(t *testing.T) {
	site := fstest.MapFS{"dialplan.lua": {Data: []byte(`
grant { http = "crm.example.org", read = "/srv", write = "/tmp" }
context "internal":extension("600", function(call)
  call.vars.web = http.get("http://crm.example.org/").status
  call.vars.file = tostring(fs.write("/tmp/x", "x"))
  call.vars.other = tostring(fs.read("/etc/hostname"))
end)`)}}
	story, r := serve(t, simulate.Options{Scripts: site}, simulate.Caller{Context: "internal", Extension: "600"})
	if r.Variables["web"] != "denied" || r.Variables["file"] != "false" || r.Variables["other"] != "nil" {
		t.Errorf("%v", r.Variables)
	}
	if n := strings.Count(story, `"event":"refused"`); n != 3 {
		t.Errorf("%d refusals in the story, want 3\n%s", n, story)
	}
	_, r = serve(t, simulate.Options{Scripts: site, Grant: simulate.Grant{Files: true}}, simulate.Caller{Context: "internal", Extension: "600"})
	if r.Variables["other"] == "nil" {
		t.Error("a file was refused although all files were granted")
	}
}

// An hour of a prompt is played frame by frame and still takes no time to speak of.
func TestAnHourIsShort(t *testing.T) {
	o := simulate.Options{Scripts: script(`call:play "long"`)}
	w, err := simulate.New(t.Context(), simulate.Options{Scripts: o.Scripts, Sounds: &simulate.Sounds{Further: map[string]time.Duration{"long": time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_, r, err := w.Serve(context.Background(), simulate.Caller{Context: "internal", Extension: "600"}, 2*time.Hour)
	if err != nil || r.Duration.Round(time.Second) != time.Hour {
		t.Errorf("%v, %v", r.Duration, err)
	}
}

func BenchmarkHourOfAPrompt(b *testing.B) {
	for b.Loop() {
		w, err := simulate.New(b.Context(), simulate.Options{Scripts: script(`call:play "long"`), Sounds: &simulate.Sounds{Further: map[string]time.Duration{"long": time.Hour}}})
		if err != nil {
			b.Fatal(err)
		}
		_, _, _ = w.Serve(context.Background(), simulate.Caller{Context: "internal", Extension: "600"}, 2*time.Hour)
		w.Close()
	}
}

func BenchmarkCall(b *testing.B) {
	compiled := new(host.Compiled)
	for b.Loop() {
		w, err := simulate.New(b.Context(), simulate.Options{Scripts: demo(b), Sounds: prompts, Compiled: compiled})
		if err != nil {
			b.Fatal(err)
		}
		_, _, _ = w.Serve(context.Background(), simulate.Caller{From: "1001", Extension: "700"}, time.Hour)
		w.Close()
	}
}

func TestParsingSaysWhatIsWrong(t *testing.T) {
	for _, text := range []string{"1101=busy", "sip/1", "sip/1=", "sip/1=after", "sip/1=after soon", "sip/1=reject nonsense", "sip/1=maybe"} {
		if _, err := simulate.ParseAnswers(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	for _, text := range []string{"1", "3s", "3s:", "x:1", "3s:1x", "-3s:1"} {
		if _, err := simulate.ParseKeys(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	keys, err := simulate.ParseKeys("3s:1 0.5:42 @10s:#")
	want := []simulate.Key{{3 * time.Second, '1'}, {3500 * time.Millisecond, '4'}, {3750 * time.Millisecond, '2'}, {10 * time.Second, '#'}}
	if err != nil || len(keys) != len(want) {
		t.Fatal(keys, err)
	}
	for i := range want {
		if keys[i] != want[i] {
			t.Errorf("key %d: %v, want %v", i, keys[i], want[i])
		}
	}
	list, err := simulate.ParseAnswers("sip/1=early 1s after 2s for 3s")
	if err != nil || !reflect.DeepEqual(list[0].Plan, simulate.Plan{Rings: true, Early: time.Second, Answer: 2 * time.Second, Talks: 3 * time.Second, Refuse: call.CauseNone}) {
		t.Errorf("%+v, %v", list, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"3s:1 2s:42#", "@3s:1", "sip/1101=busy,sip/*=after 4s", "sip/1=reject 603 after 1m", "=,=/*", "a/*=silent"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := simulate.ParseKeys(text)
		for _, k := range keys {
			if err == nil && k.At < 0 {
				t.Errorf("a key at %v", k.At)
			}
		}
		if list, err := simulate.ParseAnswers(text); err == nil {
			for _, a := range list {
				if a.Match != "*" && !strings.Contains(a.Match, "/") {
					t.Errorf("target %q", a.Match)
				}
			}
		}
	})
}
