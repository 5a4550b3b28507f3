package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// closed lets nobody in who is not known.
var closed = site{
	"config.lua": `
sip.phone "1001" { password = "pass-1001", context = "home" }
sip.phone "1002" { password = "pass-1002", context = "home" }
`,
	"dialplan.lua": `context "home":extension("_X.", function(call) log.info("somebody came in") call:answer() call:wait(60) end)`,
}

// proving sends an INVITE and then again with a password.
func proving(user, password string, then ...string) scenario {
	return append(scenario{
		send(message{method: "INVITE", from: user, body: offer}), trying, want(401, "WWW-Authenticate: Digest"), refused(1),
		send(message{method: "INVITE", from: user, seq: 2, body: offer, headers: []string{"[authentication username=" + user + " password=" + password + "]"}}),
		trying}, then...)
}

func TestUnknownCallersComeNowhere(t *testing.T) {
	t.Parallel()
	s := start(t, closed)
	for name, steps := range map[string]scenario{
		"no password":    {send(inviteMessage()), trying, want(401), refused(1)},
		"unknown user":   proving("9999", "secret", want(403), refused(2)),
		"wrong password": proving("1001", "secret", want(403), refused(2)),
		"nobody asks":    {send(message{method: "OPTIONS"}), want(200)},
	} {
		t.Run(name, func(t *testing.T) { run(t, s, steps, sippOptions{service: "600"}) })
	}
	if log := s.log.String(); strings.Contains(log, "call began") || strings.Contains(log, "somebody") {
		t.Error("an unknown caller reached a script")
	}
	run(t, s, proving("1001", "pass-1001", want(200), acknowledge(2), goodbye(3), want(200)), sippOptions{service: "600"})
	s.awaitLog("somebody came in")
}

// TestGuessingPasswords goes on with wrong ones until the server falls silent
// towards that source, and only that.
func TestGuessingPasswords(t *testing.T) {
	t.Parallel()
	s := start(t, closed)
	register := func(user string, seq int, headers ...string) string {
		return send(message{method: "REGISTER", uri: "sip:[remote_ip]:[remote_port]", from: user, to: user, seq: seq, headers: append(headers, "Expires: 300")})
	}
	guess := scenario{register("1001", 1), want(401), register("1001", 2, "[authentication username=1001 password=guess]"), want(403)}
	guesser := sippOptions{source: "127.0.0.6", calls: 10, args: []string{"-r", "50"}}
	run(t, s, guess, guesser)
	// Even the right password is not heard now.
	silence := scenario{register("1001", 1), want(401), register("1001", 2, "[authentication username=1001 password=pass-1001]"),
		`<recv response="200" timeout="1500" ontimeout="silent"></recv>`,
		`<nop><action><error message="the guesser was let in"/></action></nop>`,
		`<label id="silent"/>`, `<nop></nop>`}
	run(t, s, silence, sippOptions{source: "127.0.0.6"})
	run(t, s, registration("1001", "pass-1001", "300"), sippOptions{source: "127.0.0.2"})
	s.awaitLog("phone registered")
	if n := strings.Count(s.log.String(), "auth_failed"); n != 10 {
		t.Errorf("%d failures are in the log, want 10", n)
	}
}

// TestUnknownAndWrongLookAlike compares what two guessers see.
func TestUnknownAndWrongLookAlike(t *testing.T) {
	t.Parallel()
	s := start(t, closed)
	shape := func(user string) string {
		w := dialWire(t, s, "udp")
		challenge := w.ask(w.request("REGISTER", "sip:"+s.sip["udp"], user, 1, nil, ""))
		headers := []string{authorization(t, challenge, "REGISTER", "sip:"+s.sip["udp"], user, "guess", "MD5")}
		reply := w.ask(w.request("REGISTER", "sip:"+s.sip["udp"], user, 2, headers, ""))
		var names []string
		for _, line := range strings.Split(reply, "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			names = append(names, name)
		}
		return strings.Join(names, " ")
	}
	if known, unknown := shape("1001"), shape("9999"); known != unknown || !strings.Contains(known, "403") {
		t.Errorf("a wrong password is answered %s, an unknown user %s", known, unknown)
	}
}

// TestPortsAreUsedUp makes six calls where there are ports for four; those that
// found one go on undisturbed.
func TestPortsAreUsedUp(t *testing.T) {
	t.Parallel()
	low := freePort(t)
	s := start(t, lab, "--rtp", fmt.Sprintf("%d-%d", low, low+7))
	many := startSipp(t, s, scenario{send(inviteMessage()), trying,
		`<recv response="503" optional="true" next="full"></recv>`,
		want(200), ack, wantRequest("BYE"), agreed, `<nop next="end"></nop>`,
		`<label id="full"/>`, refused(1), `<label id="end"/>`, `<nop></nop>`},
		sippOptions{service: "five-seconds", calls: 6, args: []string{"-r", "50"}})
	s.awaitLog("pairs are in use")
	run(t, s, refusedWith(503, "Retry-After: [0-9]"), sippOptions{service: "echo"})
	if n := len(s.calls()); n != 4 {
		t.Errorf("%d calls found ports, want one for each of the 4 pairs", n)
	}
	many.wait()
	s.awaitCalls(0)
	if n := strings.Count(s.linesWith("call ended"), "duration=5."); n != 4 {
		t.Errorf("%d calls went on to their end, want 4", n)
	}
	run(t, s, calls, sippOptions{service: "echo"})
}

// TestShutdownLetsCallsEnd stops the server under a call: new ones are refused,
// and the one there is gets its BYE when its time is over.
func TestShutdownLetsCallsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, lab, "--drain", "2s")
	held := startSipp(t, s, scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Reason:"), agreed}, sippOptions{service: "echo"})
	s.awaitCalls(1)
	stopped := make(chan struct{})
	begun := time.Now()
	go func() { s.stop(); close(stopped) }()
	s.awaitLog("msg=stopping")
	run(t, s, refusedWith(503, "Retry-After"), sippOptions{service: "echo"})
	held.wait()
	<-stopped
	if took := time.Since(begun); took < 1500*time.Millisecond {
		t.Errorf("the call was given %v, want 2 s", took)
	}
}
