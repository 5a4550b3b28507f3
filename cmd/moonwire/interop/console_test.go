package interop

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// desk is a site with what every command of the console needs to show something.
var desk = site{
	"config.lua": `
sip.phone "1001" { password = "pass-1001", context = "internal", caller_id = '"Front desk" <1001>', mailbox = "1001@home" }
sip.phone "1002" { password = "pass-1002", context = "internal", qualify = 60 }
sip.trunk "ovh" { host = "127.0.0.9", user = "0033972320690", password = "x", register = true, context = "internal" }
sip.guests { from = "127.0.0.0/8", context = "internal" }
`,
	"dialplan.lua": `
local internal = context "internal"
internal:extension("600", function(call) call:answer() call:wait(60) end)
internal:extension("_6XX", function(call) call:answer() call:play "demo-echotest" end)
internal:extension("1001", function(call) call:dial("sip/1001", { timeout = 20 }) end)
context "public":include "internal"
`,
}

// console runs one command.
func (s *server) console(line string, flags ...string) (out string, code int) {
	s.t.Helper()
	return command(s.t, append([]string{"console", s.dir, "-x", line}, flags...)...)
}

// shows fails the test unless the command succeeds and says all of want.
func (s *server) shows(line string, want ...string) string {
	s.t.Helper()
	out, code := s.console(line)
	if code != 0 {
		s.t.Errorf("%s: code %d\n%s", line, code, out)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			s.t.Errorf("%s lacks %q:\n%s", line, w, out)
		}
	}
	return out
}

// rows reads a command's table as a program would.
func (s *server) rows(line string) (rows []map[string]any) {
	s.t.Helper()
	out, code := s.console(line, "--json")
	if code != 0 {
		s.t.Fatalf("%s: code %d\n%s", line, code, out)
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		s.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return rows
}

// TestConsoleWithACall looks at a call in progress in every way, and ends it.
func TestConsoleWithACall(t *testing.T) {
	t.Parallel()
	s := start(t, desk)
	caller := startSipp(t, s, scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE"), agreed}, sippOptions{service: "600", seconds: 60})
	s.awaitCalls(1)
	calls := s.rows("calls")
	if len(calls) != 1 || calls[0]["extension"] != "600" || calls[0]["context"] != "internal" || calls[0]["state"] != "answered" || calls[0]["caller"] != "tester" {
		t.Fatalf("calls are %v", calls)
	}
	id := calls[0]["id"].(string)
	if at, _ := calls[0]["at"].(string); !strings.HasPrefix(at, "scripts/dialplan.lua:3") {
		t.Errorf("the call is at %q", at)
	}
	s.shows("calls", id, "1 call")
	s.shows("channels", id, "ulaw", "in", "127.0.0.1:")
	s.shows("core show channels", "Channel ", "Location", "Application(Data)", id, "600@internal:1", "Up", "wait(60)", "1 active channel\n1 active call\n1 call processed")
	s.shows("core show channels concise", id+"!internal!600!1!Up!wait!60!tester!!!3!")
	s.shows("core show channels verbose", "CallerID", "tester")
	s.shows("core show channels count", "1 active channel")
	s.shows("core show channel "+id, "NativeFormats: ulaw", "Call-ID: ", "State: Up")
	s.shows("core show calls", "1 active call")
	s.shows("> calls()[1].caller.number", `"tester"`)
	s.shows("> calls()[1]", `extension = "600"`, `state = "answered"`)
	if out, code := s.console("> #calls()", "--json"); code != 0 || strings.TrimSpace(out) != "1" {
		t.Errorf("a value for programs is %q", out)
	}
	if out, code := s.console("hangup nobody"); code != 1 || !strings.Contains(out, "there is no call") {
		t.Errorf("code %d: %s", code, out)
	}
	s.shows("channel request hangup "+id, "hung up "+id)
	caller.wait()
	s.awaitCalls(0)
	s.shows("calls", "no calls")
}

// TestConsoleOriginates calls sipp, which answers, and gives it an extension.
func TestConsoleOriginates(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	files := maps.Clone(desk)
	files["lines.lua"] = fmt.Sprintf(`sip.trunk "answering" { host = "127.0.0.20:%d" }`, port)
	s := start(t, files)
	startSipp(t, s, scenario{invited(), rings, accepts, wantRequest("ACK"), wantRequest("BYE"), agreed}, sippOptions{source: "127.0.0.20", port: port})
	run(t, s, registration("1001", "pass-1001", "120"), sippOptions{})
	if out, code := s.console("originate sip/1001 internal 999"); code != 1 || !strings.Contains(out, "no extension") {
		t.Errorf("to nowhere: code %d: %s", code, out)
	}
	if out, code := s.console("originate sip/1002 internal 600"); code != 1 || !strings.Contains(out, "not registered") {
		t.Errorf("to a phone that is not there: code %d: %s", code, out)
	}
	s.shows("channel originate SIP/answering/5551234 extension 600@internal", "answered: call sip-")
	s.shows("calls", "5551234", "600", "answered")
	s.shows("trunks", "answering", "unmonitored", "ovh", "trying")
	s.shows("phones", "1001", "registered", "1002", "not registered", "2 phones, 1 registered")
	s.shows("sip show peers", "Name/username", "1001/1001", "127.0.0.1", "UNKNOWN", "4 sip peers [Monitored: 0 online, 1 offline")
	s.shows("pjsip show contacts", "1001", "NonQual", "Objects found: 1")
	s.shows("pjsip show endpoints", "In use")
	s.shows("hangup all", "hung up 1 call")
	s.awaitCalls(0)
	s.shows("sip unregister 1001", "forgot 1 contact of 1001")
	s.shows("phones", "2 phones, 0 registered")
}

// TestConsoleShowsBothLegs looks at two parties that talk.
func TestConsoleShowsBothLegs(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	files := maps.Clone(desk)
	files["lines.lua"] = fmt.Sprintf(`sip.trunk "answering" { host = "127.0.0.20:%d" }
context "internal":extension("800", function(call) call:dial "sip/5551234@answering" end)`, port)
	s := start(t, files)
	called := startSipp(t, s, scenario{invited(), rings, accepts, wantRequest("ACK"), wantRequest("BYE"), agreed}, sippOptions{source: "127.0.0.20", port: port, seconds: 60})
	caller := startSipp(t, s, scenario{send(inviteMessage()), trying, ringing, want(200), ack, wantRequest("BYE"), agreed}, sippOptions{service: "800", seconds: 60})
	s.awaitLog("msg=answered")
	s.shows("core show channels", "dial(", "AppDial((Outgoing Line))", "2 active channels\n1 active call\n1 call processed")
	legs := s.rows("channels")
	if len(legs) != 2 || legs[0]["direction"] != "in" || legs[1]["direction"] != "out" || legs[1]["peer"] != "answering" {
		t.Fatalf("channels are %v", legs)
	}
	s.shows("sip show peer answering", "Calls now: 1")
	s.shows("hangup "+legs[1]["id"].(string), "hung up")
	called.wait()
	caller.wait()
}

// TestConsoleChangesThings reloads, goes back, and keeps values.
func TestConsoleChangesThings(t *testing.T) {
	t.Parallel()
	s := start(t, desk, "--log-level", "warn")
	s.shows("store put colours sky blue", "kept")
	s.shows(`store put colours "the sea" "deep blue"`, "kept")
	s.shows("store get colours sky", "blue")
	s.shows("database get colours sky", "Value: blue")
	s.shows("database show", "/colours/sky                                      : blue\n", "/colours/the sea", "2 results found.")
	s.shows("store show colours the", "deep blue", "1 value")
	s.shows("database del colours sky", "Database entry removed.")
	s.shows("database deltree colours", "forgot 1 value")
	for line, want := range map[string]string{
		"store get colours sky": "there is no colours/sky", "store show secrets": "belongs to the server", "store put registrations x y": "belongs to the server",
		"rollback 99": "no such version", "originate nobody/1 internal 600": "no kind of line", "sip show peer nobody": "not found", "dialplan show nowhere": "there are: internal, public",
		"dialplan show internal 9": "holds 9", "sip trace on nobody": "neither a phone", "> error('on purpose')": "console:1: on purpose", "> while true do end": "endless loop",
		"sip unregister 1002": "is not registered", "module reload chan_sip.so": "there are no modules", "iax2 show peers": "does not speak IAX2",
	} {
		if out, code := s.console(line); code != 1 || !strings.Contains(out, want) {
			t.Errorf("%s: code %d, want 1 and %q:\n%s", line, code, want, out)
		}
	}
	for line, want := range map[string]string{
		"cals": `did you mean "calls"?`, "> 1 +": "", "store get x": "usage: store get", "set log loud": "not a level", "rollback x": "not the number", `say "`: "quote", "store put a b c d": "not a time",
	} {
		if out, code := s.console(line); want != "" && code != 2 || code == 0 || !strings.Contains(out, want) {
			t.Errorf("%s: code %d, want 2 and %q:\n%s", line, code, want, out)
		}
	}
	writeFile(t, s.dir+"/scripts/dialplan.lua", desk["dialplan.lua"]+"\nthis is not Lua")
	if out, code := s.console("reload"); code != 1 || !strings.Contains(out, "dialplan.lua:") {
		t.Errorf("a broken edit: code %d\n%s", code, out)
	}
	s.shows("versions", "the last reload was refused", "dialplan.lua:")
	writeFile(t, s.dir+"/scripts/dialplan.lua", desk["dialplan.lua"]+"\ninternal:extension('700', function(call) end)")
	s.shows("dialplan reload", "serves")
	s.shows("dialplan show 700@public", "700", "internal", "scripts/dialplan.lua:8")
	s.shows("rollback 1", "version 1 serves")
	s.shows("set log debug", "logs debug and above")
	s.shows("core set debug 0", "logs info and above")
	s.shows("stop now", "stopping now")
	<-s.exited
	if s.code != 0 {
		t.Errorf("the server ended with code %d", s.code)
	}
	if out, code := s.console("calls"); code != 2 || !strings.Contains(out, "no moonwire runs on") {
		t.Errorf("without a server: code %d\n%s", code, out)
	}
}

// typedRow is a row of the console's table of what is typed in Asterisk.
var typedRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\|")

// tableOfCommands is a row of the console's own commands.
var tableOfCommands = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^`|]")

// TestConsolePage types what the guide says can be typed.
func TestConsolePage(t *testing.T) {
	t.Parallel()
	s := start(t, desk)
	text, err := os.ReadFile("../../../docs/guide/console.md")
	if err != nil {
		t.Fatal(err)
	}
	page, _, _ := strings.Cut(string(text), "These are typed with a call in progress")
	asterisk := typedRow.FindAllStringSubmatch(page, -1)
	if len(asterisk) < 30 {
		t.Errorf("found %d rows; is the pattern that finds them right?", len(asterisk))
	}
	for _, row := range asterisk {
		if out, code := s.console(row[2]); code != 0 {
			t.Errorf("%s: code %d\n%s", row[2], code, out)
		}
	}
	own, _, _ := strings.Cut(page, "## A line of Lua")
	rows := tableOfCommands.FindAllStringSubmatch(own, -1)
	if len(rows) < 15 {
		t.Errorf("found %d commands", len(rows))
	}
	for _, row := range rows {
		switch word, _, _ := strings.Cut(row[1], " "); word {
		case "hangup", "originate", "stop":
			continue // they need a call, or end what the others need
		}
		if row[1] == "sip unregister 1001" {
			continue
		}
		if out, code := s.console(row[1]); code != 0 {
			t.Errorf("%s: code %d\n%s", row[1], code, out)
		}
	}
}

// TestConsoleThatDies kills a console that waits for an answer: the phone stops
// ringing.
func TestConsoleThatDies(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	files := maps.Clone(desk)
	files["lines.lua"] = fmt.Sprintf(`sip.trunk "silent" { host = "127.0.0.20:%d" }`, port)
	s := start(t, files)
	phone := startSipp(t, s, append(scenario{invited(), rings}, cancelled()...), sippOptions{source: "127.0.0.20", port: port, seconds: 60})
	console := exec.Command(binary, "console", s.dir, "-x", "originate sip/5@silent internal 600")
	if err := console.Start(); err != nil {
		t.Fatal(err)
	}
	s.awaitLog("msg=ringing")
	_ = console.Process.Kill()
	_ = console.Wait()
	phone.wait()
}

// TestManyConsoles runs commands from many at once.
func TestManyConsoles(t *testing.T) {
	t.Parallel()
	s := start(t, desk)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if out, code := s.console(fmt.Sprintf("> %d + #calls()", i)); code != 0 || out != fmt.Sprintf("%d\n", i) {
				t.Errorf("code %d: %q", code, out)
			}
		})
	}
	all.Wait()
}

// TestConsoleIsPrivate wants nobody else at the socket.
func TestConsoleIsPrivate(t *testing.T) {
	t.Parallel()
	s := start(t, desk)
	info, err := os.Stat(s.dir + "/data/control.sock")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestConsoleFollows prints SIP messages until the server ends.
func TestConsoleFollows(t *testing.T) {
	t.Parallel()
	s := start(t, desk)
	out := &lockedBuffer{}
	console := exec.Command(binary, "console", s.dir, "-x", "sip trace on 1001", "--follow")
	console.Stdout = out
	if err := console.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = console.Wait() }()
	if !out.await("are shown here", patience) {
		t.Fatal("the trace did not begin")
	}
	run(t, s, registration("1002", "pass-1002", "60"), sippOptions{})
	run(t, s, registration("1001", "pass-1001", "60"), sippOptions{})
	if !out.await("SIP/2.0 200 OK", patience) || strings.Contains(out.String(), "sip:1002@") || !strings.Contains(out.String(), "sip:1001@") {
		t.Errorf("traced:\n%s", out)
	}
	s.shows("stop now")
}

// TestConsoleReadsLines gives it commands by standard input.
func TestConsoleReadsLines(t *testing.T) {
	t.Parallel()
	s := start(t, desk)
	out, code := commandWith(t, "# a comment\nstore put f k v\n\nstore get f k\nnonsense\nstore put f k w\n", "console", s.dir)
	if code != 2 || !strings.Contains(out, "kept f/k\nv\n") {
		t.Errorf("code %d\n%s", code, out)
	}
	s.shows("store get f k", "v")
}
