package api

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
)

// talks is a program of the shell that gives commands, one a line, and notes
// what it is told in the file replies.
func talks(commands string) string {
	return `exec 5<&0
while read -r l && [ -n "$l" ]; do echo "$l" >>../facts; done
trap 'echo HUP >>../replies' HUP
while IFS= read -r c; do
  printf '%s\n' "$c"
  IFS= read -r r <&5 || IFS= read -r r <&5 || break # a signal ends the first
  while case $r in 520-*|Usage*|[[:blank:]]*|100*) true;; *) false;; esac; do echo "  $r" >>../replies; IFS= read -r r <&5; done
  echo "$c => $r" >>../replies
done <<'END'
` + commands + "\nEND\n"
}

// wrote is what the program of talks noted.
func (w *world) wrote(name string) string {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.api.services.Site, name))
	if err != nil {
		w.t.Error(err)
	}
	return string(content)
}

func TestAGIFacts(t *testing.T) {
	w := withPrograms(t, map[string]string{"p": talks("NOOP")}, "", `local r = call:agi("p", "one", "two words", "", 4)
log.info("ended %s %d", r.status, r.code)`)
	w.calls()
	w.logged("ended done 0")
	for _, line := range []string{
		"agi_request: p", "agi_channel: SIP/guest-", "agi_language: en", "agi_type: SIP", "agi_uniqueid: c1", "agi_version: ",
		"agi_callerid: 1001", "agi_calleridname: Front desk", "agi_callingpres: 0", "agi_callingani2: 0", "agi_callington: 0", "agi_callingtns: 0",
		"agi_dnid: ", "agi_rdnis: unknown", "agi_context: internal", "agi_extension: 600", "agi_priority: 1", "agi_enhanced: 0.0",
		"agi_accountcode:", "agi_threadid: ", "agi_arg_1: one\n", "agi_arg_2: two words\n", "agi_arg_3:", "agi_arg_4: 4\n",
	} {
		if facts := w.wrote("facts"); !strings.Contains(facts, line) {
			t.Errorf("%q is missing in\n%s", line, facts)
		}
	}
}

func TestAGIVerbs(t *testing.T) {
	replies := []string{
		"CHANNEL STATUS => 200 result=4",
		"answer => 200 result=0",
		"CHANNEL STATUS => 200 result=6",
		"CHANNEL STATUS SIP/other => 200 result=-1",
		"NOOP whatever it is => 200 result=0",
		"VERBOSE \"hello there\" 3 => 200 result=1",
		"SET VARIABLE COLOUR \"dark red\" => 200 result=1",
		"GET VARIABLE COLOUR => 200 result=1 (dark red)",
		"GET VARIABLE NONE => 200 result=0",
		"GET VARIABLE CALLERID(num) => 200 result=1 (1001)",
		"GET FULL VARIABLE ${COLOUR}-${EXTEN} => 200 result=1 (-600)",
		"SET CALLERID \"\\\"Ann\\\" <77>\" => 200 result=1",
		"GET VARIABLE CALLERID(name) => 200 result=1 (Ann)",
		"DATABASE PUT fam key \"a value\" => 200 result=1",
		"DATABASE GET fam key => 200 result=1 (a value)",
		"DATABASE DEL fam key => 200 result=1",
		"DATABASE DEL fam key => 200 result=0",
		"DATABASE GET fam key => 200 result=0",
		"DATABASE PUT fam a/b 1 => 200 result=1",
		"DATABASE DELTREE fam a => 200 result=1",
		"STREAM FILE welcome \"\" => 200 result=0 endpos=8000",
		"STREAM FILE welcome \"\" 4000 => 200 result=0 endpos=8000",
		"STREAM FILE no-such \"\" => 200 result=0 endpos=0",
		"CONTROL STREAM FILE welcome # => 200 result=0 endpos=8000",
		"GET OPTION welcome 12 1000 => 200 result=0 endpos=8000",
		"WAIT FOR DIGIT 100 => 200 result=0",
		"GET DATA welcome 1000 4 => 200 result= (timeout)",
		"SAY DIGITS 12 \"\" => 200 result=0",
		"SAY NUMBER 12 \"\" => 200 result=0",
		"SAY ALPHA ab \"\" => 200 result=0",
		"SAY PHONETIC ab \"\" => 200 result=0",
		"SAY DATE 0 \"\" => 200 result=0",
		"SAY TIME 0 \"\" => 200 result=0",
		"SAY DATETIME 0 \"\" ABdY UTC => 200 result=0",
		"RECORD FILE /tmp/take wav # 1000 BEEP s=5 => 200 result=0 (timeout) endpos=",
		"STREAM FILE /tmp/take \"\" => 200 result=0 endpos=8000",
		"RECEIVE CHAR 100 => 200 result=0 (timeout)",
		"RECEIVE TEXT 100 => 200 result=-1",
		"SEND TEXT hello => 200 result=0",
		"SEND IMAGE logo => 200 result=0",
		"SET AUTOHANGUP 0 => 200 result=0",
		"SET MUSIC on default => 200 result=0",
		"SET CONTEXT internal => 200 result=0",
		"SET EXTENSION 601 => 200 result=0",
		"SET PRIORITY 1 => 200 result=0",
		"TDD MODE off => 200 result=0",
		"EXEC NoOp hello => 200 result=0",
		"EXEC NoSuchThing hello => 200 result=-2",
		"GOSUB internal 999 1 => 200 result=-1 Gosub failed",
		"SPEECH CREATE x => 200 result=0",
		"ASYNCAGI BREAK => 200 result=0",
		"HANGUP SIP/other => 200 result=-1",
		" => 510 Invalid or unknown command",
		"DANCE => 510 Invalid or unknown command",
		"SET => 510 Invalid or unknown command",
		"STREAM FILE => 520 End of proper usage.",
		"SAY NUMBER x \"\" => 520 End of proper usage.",
		"HANGUP => 200 result=1",
		"SET VARIABLE AFTER yes => 200 result=1",
		"STREAM FILE welcome \"\" => 511 Command Not Permitted on a dead channel or intercept routine",
		"GET VARIABLE AFTER => 200 result=1 (yes)",
	}
	var commands []string
	for _, r := range replies {
		if command, _, ok := strings.Cut(r, " => "); ok {
			commands = append(commands, command)
		}
	}
	w := withPrograms(t, map[string]string{"p": talks(strings.Join(commands, "\n"))}, "", `call:agi "p" log.error "it came back"`)
	w.calls()
	var got []string
	for _, line := range strings.Split(w.wrote("replies"), "\n") {
		if line != "" && !strings.HasPrefix(line, "  ") && line != "HUP" {
			got = append(got, line)
		}
	}
	for i, want := range replies {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("reply %d is %q, want %q", i, got[min(i, len(got)-1)], want)
			break
		}
	}
	if len(got) != len(replies) {
		t.Errorf("%d replies, want %d\n%s", len(got), len(replies), w.log)
	}
	if !strings.Contains(w.wrote("replies"), "HUP\n") {
		t.Error("no SIGHUP came")
	}
	w.noErrors()
}

// Keys end what waits for them.
func TestAGIKeys(t *testing.T) {
	for command, want := range map[string]string{
		`STREAM FILE welcome "12"`:         "200 result=50 endpos=4000",
		`CONTROL STREAM FILE welcome "12"`: "200 result=50 endpos=4000",
		`GET OPTION welcome "12"`:          "200 result=50 endpos=4000",
		`WAIT FOR DIGIT -1`:                "200 result=50",
		`GET DATA welcome 2000 1`:          "200 result=2",
		`GET DATA welcome 2000`:            "200 result=23",
		`SAY DIGITS 111 "2"`:               "200 result=50",
		`RECORD FILE take wav "2" -1`:      "200 result=50 (dtmf) endpos=",
		`SAY DATETIME 0 "2"`:               "200 result=50",
		`SAY PHONETIC abc "2"`:             "200 result=50",
		`CONTROL STREAM FILE no-such "2"`:  "200 result=-1 endpos=0",
		`STREAM FILE welcome "5"`:          "200 result=0 endpos=8000",
	} {
		t.Run(command, func(t *testing.T) {
			w := withPrograms(t, map[string]string{"p": talks(command)}, "", `call:answer() call:agi "p"`)
			w.calls(fake.Presses("2", 500*time.Millisecond), fake.Presses("3#", time.Second))
			if got := w.wrote("replies"); !strings.HasPrefix(got, command+" => "+want) {
				t.Errorf("%s, want %s\n%s", got, want, w.log)
			}
		})
	}
}

// The end of the call interrupts every command that takes time; the program is
// told and can go on.
func TestAGIHangup(t *testing.T) {
	for command, want := range map[string]string{
		`STREAM FILE welcome ""`:         "200 result=-1",
		`CONTROL STREAM FILE welcome ""`: "200 result=-1",
		`GET OPTION welcome 1`:           "200 result=-1",
		`GET DATA welcome`:               "200 result=-1",
		`WAIT FOR DIGIT -1`:              "200 result=-1",
		`RECORD FILE take wav # -1`:      "200 result=-1 (hangup)",
		`SAY DIGITS 123456789 ""`:        "200 result=-1",
		`SAY NUMBER 123456789 ""`:        "200 result=-1",
		`SAY ALPHA abcdef ""`:            "200 result=-1",
		`SAY PHONETIC abcdef ""`:         "200 result=-1",
		`SAY DATE 0 ""`:                  "200 result=-1",
		`SAY TIME 0 ""`:                  "200 result=-1",
		`SAY DATETIME 0 ""`:              "200 result=-1",
		`EXEC Wait 100`:                  "200 result=-1",
		`EXEC Dial SIP/1001`:             "200 result=-1",
	} {
		t.Run(command, func(t *testing.T) {
			w := withPrograms(t, map[string]string{"p": talks(command + "\nSET VARIABLE X 1\nANSWER")}, "", `call:answer()
call:on_hangup(function() log.info("later %s", call.vars.X) end)
call:agi "p"`)
			w.sip.On("1001", fake.RingsAfter(0))
			w.calls(fake.HangsUpAfter(300 * time.Millisecond))
			got := w.wrote("replies")
			if !strings.Contains(got, command+" => "+want) || !strings.Contains(got, "SET VARIABLE X 1 => 200 result=1\n") || !strings.Contains(got, "ANSWER => 511") || !strings.Contains(got, "HUP") {
				t.Errorf("%s, want %s\n%s", got, want, w.log)
			}
			w.logged("later 1")
		})
	}
}

func TestAGISighup(t *testing.T) {
	for vars, want := range map[string]bool{"": true, `call.vars.AGISIGHUP = "no"`: false} {
		w := withPrograms(t, map[string]string{"p": talks("WAIT FOR DIGIT -1\nNOOP")}, "", vars+` call:answer() call:agi "p"`)
		w.calls(fake.HangsUpAfter(time.Second))
		if got := w.wrote("replies"); strings.Contains(got, "HUP\n") != want || !strings.Contains(got, "NOOP => 200") {
			t.Errorf("%s: %s", vars, got)
		}
	}
	w := withPrograms(t, map[string]string{"p": talks("WAIT FOR DIGIT -1\nNOOP")}, "", `call.vars.AGIEXITONHANGUP = "yes" call:answer() call:agi "p"`)
	w.calls(fake.HangsUpAfter(time.Second))
	if got, err := os.ReadFile(filepath.Join(w.api.services.Site, "replies")); err == nil && strings.Contains(string(got), "NOOP") {
		t.Errorf("it went on: %s", got)
	}
}

// What programs do wrong ends them and not the call.
func TestAGITrouble(t *testing.T) {
	for name, c := range map[string]struct{ program, want string }{
		"fails":        {"exit 3", "failed 3"},
		"hangs":        {"sleep 1000", "timeout nil"},
		"ignores":      {"trap '' HUP TERM; sleep 1000; sleep 1000", "timeout nil"},
		"closes input": {"exec 0<&-; echo 'GET VARIABLE X'; sleep 0.1", "done 0"},
		"floods":       {"yes NOOP", "timeout nil"},
		"one line":     {"yes | tr -d '\\n'", "failed nil"},
		"closes all":   {"exec <&- >&- 2>&-; sleep 0.1", "done 0"},
		"forks":        {"exec >/dev/null; sleep 5 &", "done 0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := withPrograms(t, map[string]string{"p": c.program}, ", timeout = 0.5", `local r = call:agi "p"
log.info("ended %s %s", r.status, tostring(r.code))`)
			w.calls()
			if name != "floods" { // it is read as fast as it writes, until it ends its reading
				w.logged("ended " + c.want)
			}
		})
	}
	w := withPrograms(t, nil, "", `log.info("missing %s", call:agi("none").status)
log.info("refused %s", call:agi("/bin/cat").status)`)
	w.calls()
	w.logged("missing missing", "refused refused")
}

func TestDeadAGI(t *testing.T) {
	w := withPrograms(t, map[string]string{"p": talks("ANSWER\nSET VARIABLE X late")}, "", `call:on_hangup(function()
  local r = call:agi "p"
  log.info("dead %s %s", r.status, call.vars.X)
end)`)
	w.calls()
	w.logged("dead done late")
	if got := w.wrote("replies"); !strings.HasPrefix(got, "ANSWER => 511") {
		t.Error(got)
	}
}

// An AGI in Lua uses the same commands.
func TestAGIInLua(t *testing.T) {
	w := withPrograms(t, nil, "", `local r = call:agi(function(agi, name)
  agi:answer()
  agi:set_variable("WHO", name)
  log.info("%s %s", agi:get_variable "WHO")
  log.info("key %s", agi:stream_file("welcome", ""))
  agi:set_extension "601"
end, "Ann")
log.info("then %s %s", r.status, r.extension)
log.info("bad %s", select(2, pcall(call.agi, call, function(agi) agi:say_number("x", "") end)))`)
	w.calls()
	w.logged("1 Ann", "key 0", "then done 601", "bad", "Proper usage")
}

// server is a FastAGI server that serves one call.
func server(t *testing.T, serve func(facts string, ask func(command string) string)) (address string, over chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	over = make(chan struct{})
	go func() {
		defer close(over)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		var facts strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil || line == "\n" {
				break
			}
			facts.WriteString(line)
		}
		serve(facts.String(), func(command string) string {
			if command != "" {
				fmt.Fprintf(conn, "%s\n", command)
			}
			line, _ := r.ReadString('\n')
			return strings.TrimSuffix(line, "\n")
		})
	}()
	return l.Addr().String(), over
}

func TestFastAGI(t *testing.T) {
	var facts, reply string
	address, over := server(t, func(f string, ask func(string) string) {
		facts, reply = f, ask("SET VARIABLE X fast")
	})
	w := withPrograms(t, nil, "", `local r = call:agi("agi://`+address+`/route?a=1", "arg")
log.info("fast %s %s", r.status, call.vars.X)
log.info("nobody %s", call:agi("agi://127.0.0.1:1/x").status)
log.info("elsewhere %s", call:agi("agi://192.0.2.1/x").status)`)
	w.calls()
	<-over
	w.logged("fast done fast", "nobody failed", "elsewhere refused")
	for _, line := range []string{"agi_network: yes\nagi_network_script: route?a=1\nagi_request: agi://" + address + "/route?a=1\n", "agi_arg_1: arg\n"} {
		if !strings.Contains(facts, line) {
			t.Errorf("%q is missing in\n%s", line, facts)
		}
	}
	if reply != "200 result=1" {
		t.Error(reply)
	}
}

func TestFastAGIHangup(t *testing.T) {
	var got []string
	address, over := server(t, func(_ string, ask func(string) string) {
		got = append(got, ask("WAIT FOR DIGIT -1"), ask(""), ask("ANSWER"))
	})
	w := withPrograms(t, nil, "", `call:answer() call:agi "agi://`+address+`/x"`)
	w.calls(fake.HangsUpAfter(time.Second))
	<-over
	if len(got) != 3 || got[0] != "200 result=-1" || got[1] != "HANGUP" || !strings.HasPrefix(got[2], "511") {
		t.Errorf("%q", got)
	}
}

// Twenty calls may be served by programs at once, no more.
func TestAGIAtOnce(t *testing.T) {
	w := withPrograms(t, map[string]string{"p": talks("WAIT FOR DIGIT -1")}, "", `call:answer() log.info("came to %s", call:agi("p").status)`)
	var legs []*fake.Leg
	for i := range 25 {
		leg := fake.NewLeg(w.clock, call.Info{ID: fmt.Sprint(i), Endpoint: "sip", Incoming: true, Context: "internal", Extension: "600"})
		w.api.Accept(leg)
		legs = append(legs, leg)
	}
	w.clock.Advance(time.Second)
	if n := strings.Count(w.log.String(), "came to refused"); n != 5 {
		t.Errorf("%d were refused, want 5", n)
	}
	for _, leg := range legs {
		leg.HangsUp(call.CauseNormal)
	}
	w.clock.Advance(time.Second)
	w.clock.Settle()
	if n := w.api.Stats().Active; n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

// A program hears the call on its descriptor 3, while it goes on.
func TestEAGI(t *testing.T) {
	program := filepath.Join(t.TempDir(), "listen.eagi")
	text := "#!/bin/sh\nwhile read -r l && [ -n \"$l\" ]; do case $l in *enhanced*) e=$l;; esac; done\n" +
		"n=$(head -c 3200 <&3 | wc -c)\necho \"SET VARIABLE HEARD \\\"$n $e\\\"\"; read -r r\n"
	if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	a, ended := realServer(t, `call:answer() call:agi { "`+program+`", audio = true }`, nil)
	site := a.host.Current().Declarations().(*Site)
	site.Grants.Programs = []Programs{{Allowed: []string{program}, User: me}}
	leg := fake.NewLeg(clock.Real, call.Info{ID: "c1", Incoming: true, Context: "internal", Extension: "600"})
	leg.Port().Speak(make([]int16, 160*1000)) // which the line takes at its pace
	a.Accept(leg)
	r := <-ended
	if got := r.Vars["HEARD"]; got != "3200 agi_enhanced: 1.0" {
		t.Errorf("heard %q", got)
	}
}
