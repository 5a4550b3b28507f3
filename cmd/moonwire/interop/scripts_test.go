package interop

import (
	"bytes"
	"fmt"
	"net"
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
	{"costly pattern", `("a"):rep(50000):match(("a*"):rep(40) .. "b")`, "an endless loop?"},
	{"growing string", `local s = "x"; while true do s = s .. s end`, "longer than"},
	{"growing strings", `local t = {}; local s = ("x"):rep(1e6); while true do t[#t + 1] = s .. #t end`, "too much memory"},
	{"growing table", `local t = {}; while true do t[#t + 1] = {} end`, "too much memory"},
	{"growing hash", `local t = {}; for i = 1, 1e9 do t["k" .. i] = i end`, "too much memory"},
	{"growing call.vars", `for i = 1, 1e9 do call.vars["k" .. i] = ("x"):rep(100) end`, "too much memory"},
	{"growing closures", `local t = {}; for i = 1, 1e9 do t[i] = function() return i end end`, "too much memory"},
	{"growing JSON", `local t = {}; for i = 1, 1e9 do t[i] = json.decode("[[1,2,3],[4,5,6]]") end`, "too much memory"},
	{"deep recursion", `local function deep() return 1 + deep() end; deep()`, "nested too deeply"},
	{"deep recursion in pcall", `local function deep() return pcall(deep), deep() end; deep()`, "nested too deeply"},
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

// TestBadScriptsEndTheirCallOnly runs every kind of bad script, several at once,
// beside twenty callers who hear their echo.
func TestBadScriptsEndTheirCallOnly(t *testing.T) {
	s := start(t, troubled(), "--log-level", "info")
	steady := startSipp(t, s, scenario{
		send(message{method: "INVITE", body: strings.Replace(offer, "auto_media_port", "rtpstream_audio_port", 1)}),
		trying, want(200), ack, streaming(t), wantRequest("BYE", "Q.850;cause=16"), agreed,
	}, sippOptions{service: "steady", calls: 20, seconds: 120, args: []string{"-r", "100"}})
	s.awaitCalls(20)
	slots := make(chan bool, 3)
	t.Run("bad", func(t *testing.T) {
		for i, bad := range trouble {
			t.Run(bad.name, func(t *testing.T) {
				t.Parallel()
				slots <- true
				defer func() { <-slots }()
				mine := *s
				mine.t = t
				number := fmt.Sprintf("bad%d", i)
				run(t, &mine, scenario{
					send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Reason: Q.850;cause=41"), replyAgain("200 OK"),
				}, sippOptions{service: number})
				place := fmt.Sprintf("scripts/dialplan.lua:%d", lineOf(bad.script))
				if report := s.linesWith(place); !strings.Contains(report, bad.says) || !strings.Contains(report, "script failed in script") {
					t.Errorf("no line of the log says %q at %s:\n%s", bad.says, place, report)
				}
			})
		}
	})
	t.Logf("at most %d MB", s.peakMemory()>>20)
	if n := len(s.calls()); n != 20 {
		t.Errorf("%d calls go on, want 20", n)
	}
	for _, c := range s.calls() {
		media := c["media"].(map[string]any)
		if media["received"].(float64) < 50 || media["sent"].(float64) < 0.98*media["received"].(float64) {
			t.Errorf("the echo of a good call suffered: %v", media)
		}
	}
	run(t, s, refusedWith(486), sippOptions{service: "release"})
	steady.wait()
	s.awaitCalls(0)
	t.Log(s.figure("moonwire_media_late_milliseconds_total"))
}

var _ = net.Listen
var _ = http.NewRequest
var _ = httptest.NewServer
