package interop

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// trouble is what scripts do wrong, by extension, with what the log says of it.
// Each line of a script stands on its own, so that the log can name it.
var trouble = []struct{ name, script, says string }{
	{"error", `local nothing = nil; nothing.field = 1`, "attempt to index"},
	{"error of a function", `local function inner() error "on purpose" end; inner()`, "on purpose"},
	{"error that is a table", `error({})`, "an error that is a table"},
	{"wrong argument", `call:wait "soon"`, "seconds must be a number"},
	{"endless loop", `while true do end`, "an endless loop?"},
	{"endless loop in pcall", `while true do pcall(function() while true do end end) end`, "an endless loop?"},
	{"endless loop in a coroutine", `coroutine.wrap(function() while true do end end)()`, "an endless loop?"},
	{"endless loop in sort", `table.sort({3, 1, 2}, function() while true do end end)`, "an endless loop?"},
	{"endless loop in a metatable", `local t = setmetatable({}, {__index = function() while true do end end}); log.info("%s", t.x)`, "an endless loop?"},
	{"costly pattern", `local _ = ("a"):rep(100):match(("a-"):rep(30) .. "b")`, "an endless loop?"},
	{"growing string", `local s = "x"; while true do s = s .. s end`, "too "}, // long, or much for all calls together
	{"growing strings", `local t = {}; local s = ("x"):rep(1e6); while true do t[#t + 1] = s .. #t end`, "too much memory"},
	{"growing table", `local t = {}; while true do t[#t + 1] = {} end`, "too much memory"},
	{"growing hash", `local t = {}; for i = 1, 1e9 do t["k" .. i] = i end`, "too much memory"},
	{"growing call.vars", `for i = 1, 1e9 do call.vars["k" .. i] = ("x"):rep(100) end`, "too much memory"},
	{"growing closures", `local t = {}; for i = 1, 1e9 do t[i] = function() return i end end`, "too much memory"},
	{"growing JSON", `local t = {}; for i = 1, 1e9 do t[i] = json.decode("[[1,2,3],[4,5,6]]") end`, "too much memory"},
	{"deep recursion", `local function deep() return 1 + deep() end; deep()`, "nested too deeply"},
	{"deep recursion in pcall", `local function deep() return pcall(deep), deep() end; deep()`, "an endless loop?"},
	{"endless tail calls", `local function on() return on() end; on()`, "an endless loop?"},
	{"too many values", `local t = {}; for i = 1, 1e5 do t[i] = i end; log.info("%s", select("#", unpack(t)))`, "too many values"},
}

// troubled is a site where each of trouble is an extension, and "steady" is an
// echo that ends in peace once somebody has called "release".
func troubled() site {
	var b strings.Builder
	b.WriteString(`local lab = context "lab"
lab:extension("steady", function(call)
  local function look()
    if store.get("test", "over") then call:hangup() end
    timer.after(0.2, look)
  end
  look()
  call:answer()
  call:echo()
end)
lab:extension("release", function(call) store.put("test", "over", "yes") call:busy() end)
`)
	for i, bad := range trouble {
		fmt.Fprintf(&b, "lab:extension(\"bad%d\", function(call) call:answer()\n%s\nend)\n", i, bad.script)
	}
	return site{"config.lua": `sip.guests { from = { "127.0.0.0/8" }, context = "lab" }`, "dialplan.lua": b.String()}
}

// lineOf is the number of a line of the troubled site's dialplan.
func lineOf(text string) int {
	before, _, _ := strings.Cut(troubled()["dialplan.lua"], "\n"+text+"\n")
	return strings.Count(before, "\n") + 2
}

// streaming is a step that sends sound, over and over, while the call goes on.
func streaming(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tone.ulaw")
	if err := os.WriteFile(file, bytes.Repeat([]byte{0x35, 0xb5, 0x42, 0xc2}, 8000), 0o644); err != nil {
		t.Fatal(err)
	}
	return `<nop><action><exec rtp_stream="` + file + `,-1,0"/></action></nop>`
}

// figure is one number of /metrics.
func (s *server) figure(name string) float64 {
	s.t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(s.get("/metrics"))
	if m == nil {
		s.t.Fatalf("the metrics lack %s", name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// eventually asks until yes says so; the answer is a question's at the server,
// which nothing announces.
func (s *server) eventually(what string, yes func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !yes(); {
		if time.Now().After(end) {
			s.t.Fatalf("never: %s\n%s", what, tail(s.log.String(), 60))
		}
		<-time.After(20 * time.Millisecond)
	}
}

// idle waits until nothing of any call is left.
func (s *server) idle(goroutines float64) {
	s.t.Helper()
	for _, name := range []string{"moonwire_calls_active", "moonwire_rtp_ports_used", "moonwire_scripts_states"} {
		s.eventually(name+" falls to 0", func() bool { return s.figure(name) == 0 })
	}
	// Those of HTTP connections kept open and of a collection come and go.
	s.eventually(fmt.Sprintf("goroutines fall to %.0f", goroutines), func() bool { return s.figure("go_goroutines") <= goroutines+4 })
}

// peakMemory is the most that the server's process ever held, in bytes.
func (s *server) peakMemory() int {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		s.t.Fatal("no VmHWM")
	}
	kilobytes, _ := strconv.Atoi(string(m[1]))
	return kilobytes << 10
}

// inPeace is a call that the server ends as a script without mistakes does.
var inPeace = scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Q.850;cause=16"), agreed}

// steadyCalls holds n calls of "steady", each sending sound, until release.
func (s *server) steadyCalls(n int) (release func()) {
	s.t.Helper()
	steady := startSipp(s.t, s, scenario{
		send(message{method: "INVITE", body: strings.Replace(offer, "auto_media_port", "rtpstream_audio_port", 1)}),
		trying, want(200), ack, streaming(s.t), wantRequest("BYE", "Q.850;cause=16"), agreed,
	}, sippOptions{service: "steady", calls: n, seconds: 120, args: []string{"-r", "100"}})
	s.awaitCalls(n)
	return func() {
		s.t.Helper()
		s.eventually("the others are over", func() bool { return len(s.calls()) == n })
		for _, c := range s.calls() {
			media := c["media"].(map[string]any)
			if received, sent := media["received"].(float64), media["sent"].(float64); received < 50 || sent < 0.98*received {
				s.t.Errorf("the echo of a good call suffered: %v", media)
			}
		}
		run(s.t, s, refusedWith(486), sippOptions{service: "release"})
		steady.wait()
		s.awaitCalls(0)
	}
}

// TestBadScriptsEndTheirCallOnly runs every kind of bad script, several at once,
// beside twenty callers who hear their echo.
func TestBadScriptsEndTheirCallOnly(t *testing.T) {
	t.Parallel()
	s := start(t, troubled(), "--log-level", "info")
	goroutines := s.figure("go_goroutines")
	release := s.steadyCalls(20)
	slots := make(chan bool, 3)
	t.Run("bad", func(t *testing.T) {
		for i, bad := range trouble {
			t.Run(bad.name, func(t *testing.T) {
				t.Parallel()
				slots <- true
				defer func() { <-slots }()
				mine := *s
				mine.t = t
				run(t, &mine, temporaryFailure, sippOptions{service: fmt.Sprintf("bad%d", i)})
				place := fmt.Sprintf("scripts/dialplan.lua:%d", lineOf(bad.script))
				if !s.log.until(patience, func() bool {
					report := s.linesWith(place)
					return strings.Contains(report, "script failed in script") && strings.Contains(report, bad.says)
				}) {
					t.Errorf("no line of the log says %q at %s:\n%s", bad.says, place, s.linesWith(place))
				}
			})
		}
	})
	release()
	s.idle(goroutines)
	t.Logf("at most %d MB", s.peakMemory()>>20)
}

var temporaryFailure = scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Reason: Q.850;cause=41"), agreed}

// TestManyMemoryBombs has one mistake in a script meet many calls at once.
func TestManyMemoryBombs(t *testing.T) {
	s := start(t, troubled(), "--log-level", "info")
	release := s.steadyCalls(20)
	for i, bad := range trouble {
		if bad.name == "growing strings" || bad.name == "growing table" {
			run(t, s, temporaryFailure, sippOptions{service: fmt.Sprintf("bad%d", i), calls: 40, seconds: 60, args: []string{"-r", "200"}})
		}
	}
	release()
	if most := s.peakMemory(); most > 2<<30 {
		t.Errorf("the server held %d MB", most>>20)
	} else {
		t.Logf("at most %d MB", most>>20)
	}
}

// TestMissingPrompts hears which names were tried, and the call goes on.
func TestMissingPrompts(t *testing.T) {
	t.Parallel()
	s := start(t, site{
		"config.lua": `sip.guests { from = { "127.0.0.0/8" }, context = "lab" }`,
		"dialplan.lua": `
context "lab":extension("missing", function(call)
  call.language = "fr"
  local result = call:play "no-such-prompt"
  log.info("first: %s, tried %s", result.status, table.concat(result.tried, " "))
  result = call:play { "no-such-prompt", "beep" }
  log.info("second: %s, tried %s", result.status, table.concat(result.tried, " "))
  log.info("third: %s", call:read { prompt = "no-such-prompt", max = 1, timeout = 0.1 })
  call:say { letters = "a" }
  call:hangup()
end)
`}, "--log-level", "info")
	run(t, s, inPeace, sippOptions{service: "missing"})
	for _, text := range []string{"first: missing, tried ", "fr/no-such-prompt", "en/no-such-prompt", "second: played", "third: nil"} {
		s.awaitLog(text)
	}
}

// TestSlowWebServer has calls wait for a server that never answers, while
// others go on as if nothing were.
func TestSlowWebServer(t *testing.T) {
	t.Parallel()
	asked, gate := make(chan bool, 100), make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- true
		<-gate
	}))
	defer web.Close()
	defer close(gate)
	files := troubled()
	files["web.lua"] = fmt.Sprintf(`grant { http = "127.0.0.1" }
context "lab":extension("web", function(call)
  call:answer()
  local began = time.now()
  local answer = http.get(%q, { timeout = 2 })
  log.info("web: %%s after %%.0f s: %%s", answer.status, time.now() - began, answer.reason)
end)
context "lab":extension("web-forever", function(call)
  call:answer()
  http.get(%q, { timeout = 600 })
end)
on("call.ended", function(record)
  if record.extension == "web" then http.post_async(%q, record, { timeout = 0.3 }) end
end)
`, web.URL, web.URL, web.URL)
	s := start(t, files, "--log-level", "info")
	goroutines := s.figure("go_goroutines")
	release := s.steadyCalls(20)
	waiting := startSipp(t, s, inPeace, sippOptions{service: "web", calls: 30, args: []string{"-r", "100"}})
	forever := startSipp(t, s, scenario{send(inviteMessage()), trying, want(200), ack, pause(1000), bye, want(200)},
		sippOptions{service: "web-forever", calls: 10, args: []string{"-r", "100"}})
	for range 30 {
		<-asked
	}
	began := time.Now()
	run(t, s, refusedWith(404), sippOptions{service: "nobody"})
	if took := time.Since(began); took > time.Second {
		t.Errorf("another call took %v", took)
	}
	waiting.wait()
	forever.wait()
	release()
	told := regexp.MustCompile(`web: timeout after \d s: no answer within 2s`)
	if n := len(told.FindAllString(s.log.String(), -1)); n != 30 {
		t.Errorf("%d of 30 calls were told of the timeout", n)
	}
	s.idle(goroutines)
}

// moments are what a caller may be in the middle of when he hangs up.
var moments = []struct {
	name, script string
	early        int // the provisional answer before which nothing more comes; 0 where the call is answered
}{
	{"ringing", `call:ring() call:wait(60)`, 180},
	{"early media", `call:progress() call:play { "demo-congrats", "demo-congrats" }`, 183},
	{"playing", `call:play { "demo-congrats", "demo-congrats", "demo-congrats" }`, 0},
	{"reading", `call:read { prompt = "demo-congrats", max = 4, timeout = 60 }`, 0},
	{"recording", `call:record { path = call.id .. ".wav", max = 60 }`, 0},
	{"recording what is too short", `call:record { path = call.id .. ".wav", max = 60, min = 50 }`, 0},
	{"several things at once", `call:answer() call:race {
		function() while true do call:play "demo-echotest" end end,
		function() call:all { function() call:read { timeout = 60 } end, function() pcall(call.wait, call, 60) end } end,
		function() call:record { path = call.id .. ".wav", max = 60, min = 50 } end,
		function() coroutine.wrap(function() call:wait(60) end)() end }`, 0},
	{"a beep before a recording", `call:record { path = call.id .. ".wav", max = 60, min = 50, beep = true }`, 0},
	{"saying", `call:say { digits = ("1234567890"):rep(9) }`, 0},
	{"dialling", `call:dial("sip/1@silent", { timeout = 60 })`, 180},
	{"dialling with a tone", `call:answer() call:dial({ "sip/1@silent", "sip/1@silent" }, { timeout = 60, ringback = "tone" })`, 0},
	{"talking", `call:dial("sip/1@answering", { timeout = 60 })`, 0},
	{"talking to a party in hand", `call:answer() local r = call:dial("sip/1@answering", { bridge = false }) call:bridge(r.peer)`, 0},
	{"a party in hand", `call:answer() call:dial("sip/1@answering", { bridge = false }) call:wait(60)`, 0},
	{"waiting", `call:answer() call:wait(60)`, 0},
	{"echo", `call:answer() call:echo()`, 0},
	{"http", `call:answer() http.get(web, { timeout = 60 })`, 0},
	{"a tone", `call:answer() call:tone("busy", { seconds = 60 })`, 0},
	{"a timer", `call:answer() timer.after(30, function() end) call:wait(60)`, 0},
	{"a coroutine", `call:answer() coroutine.wrap(function() call:wait(60) end)()`, 0},
	{"pcall", `call:answer() while true do pcall(call.wait, call, 60) end`, 0},
	{"clean-up that waits", `call:answer() call:on_hangup(function() http.get(web, { timeout = 1 }) timer.after(60, function() end) end) call:wait(60)`, 0},
}

// TestHangUpAtAnyMoment hangs up in the middle of everything that a script can
// wait in, many times at once: nothing is left over.
func TestHangUpAtAnyMoment(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gate }))
	defer web.Close()
	defer close(gate)
	answering, silent := freePort(t), freePort(t)
	var b strings.Builder
	fmt.Fprintf(&b, "local web = %q\n", web.URL)
	for i, m := range moments {
		fmt.Fprintf(&b, "context \"lab\":extension(\"moment%d\", function(call)\n%s\nend)\n", i, m.script)
	}
	s := start(t, site{
		"config.lua": fmt.Sprintf(`
grant { http = "127.0.0.1" }
sip.guests { from = { "127.0.0.0/8" }, context = "lab" }
sip.trunk "answering" { host = "127.0.0.20:%d" }
sip.trunk "silent" { host = "127.0.0.20:%d" }
`, answering, silent),
		"dialplan.lua": b.String(),
	}, "--log-level", "info")
	goroutines := s.figure("go_goroutines")
	const each = 5
	startSipp(t, s, scenario{invited(), rings, accepts, wantRequest("ACK"), wantRequest("BYE"), agreed},
		sippOptions{source: "127.0.0.20", port: answering, calls: 1000, seconds: 100})
	startSipp(t, s, append(scenario{invited(), rings}, cancelled()...), sippOptions{source: "127.0.0.20", port: silent, calls: 1000, seconds: 100})
	t.Run("all", func(t *testing.T) {
		for i, m := range moments {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				steps := scenario{send(inviteMessage()), trying, ringing, optional(183), want(200), ack, pause(150 + 30*i), bye, want(200)}
				if m.early != 0 {
					steps = scenario{send(inviteMessage()), trying, want(m.early), pause(150 + 30*i), giveUp, want(200), want(487), refused(1)}
				}
				mine := *s
				mine.t = t
				run(t, &mine, steps, sippOptions{service: fmt.Sprintf("moment%d", i), calls: each, args: []string{"-r", "20"}})
			})
		}
	})
	s.awaitCalls(0)
	s.idle(goroutines)
	if log := s.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("errors were logged:\n%s", s.linesWith("level=ERROR"))
	}
	var files []string
	_ = filepath.WalkDir(filepath.Join(s.dir, "data", "recordings"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, filepath.Base(path))
			if pcm := loadWAV(t, path); len(pcm) == 0 && strings.HasSuffix(path, ".wav") {
				t.Errorf("%s is empty", path)
			}
		}
		return err
	})
	if len(files) != each {
		t.Errorf("recordings %v, want the %d that were not too short", files, each)
	}
}

// TestBlindTransferByTheCaller has the caller leave the other party to a number:
// the one is told of success and gets his BYE, the other goes on there.
func TestBlindTransferByTheCaller(t *testing.T) {
	t.Parallel()
	desk := freePort(t)
	s := start(t, site{
		"config.lua": fmt.Sprintf(`
sip.trunk "desk" { host = "127.0.0.20:%d" }
sip.guests { from = { "127.0.0.1/32" }, context = "lab" }
`, desk),
		"dialplan.lua": `
local lab = context "lab"
lab:extension("call", function(call) call:dial("sip/1002@desk", { transfer_context = "lab" }) end)
lab:extension("600", function(call)
  log.info("%s goes on in %s", call.caller.number, call.extension)
  call:play "beep"
  call:hangup "busy"
end)
`})
	goroutines := s.figure("go_goroutines")
	called := startSipp(t, s, scenario{invited(), rings, accepts, wantRequest("ACK"), wantRequest("BYE", "Q.850;cause=17"), agreed},
		sippOptions{source: "127.0.0.20", port: desk})
	run(t, s, scenario{
		send(inviteMessage()), trying, ringing, want(200), ack, pause(300),
		send(message{method: "REFER", tagged: true, seq: 2, headers: []string{"Refer-To: <sip:600@[remote_ip]:[remote_port]>"}}),
		want(202),
		wantRequest("NOTIFY", "SIP/2.0 100"), agreed,
		wantRequest("NOTIFY", "SIP/2.0 200", "Subscription-State: terminated"), agreed,
		wantRequest("BYE", "Q.850;cause=16"), agreed,
	}, sippOptions{service: "call"})
	called.wait()
	s.awaitLog("1002 goes on in 600")
	s.awaitCalls(0)
	s.idle(goroutines)
}
