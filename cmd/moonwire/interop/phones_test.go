package interop

import (
	"path/filepath"
	"strings"
	"testing"
)

// home is a site with two phones for programs that people use.
var home = site{
	"config.lua": `
sip.phone "1001" { password = "pass-1001", context = "home" }
sip.phone "1002" { password = "pass-1002", context = "home" }
`,
	"dialplan.lua": `
local home = context "home"
home:extension("600", function(call) call:answer() call:echo { seconds = 4 } call:hangup() end)
home:extension("601", function(call) call:answer() call:play "demo-echotest" call:hangup() end)
home:extension("602", function(call)
  call:answer()
  local got = call:read { max = 4, timeout = 15 }
  log.info("digits %s by %s", got, call.caller.number)
  call:wait(20)
end)
home:extension("603", function(call)
  call:answer()
  local take = call:record { path = "take.wav", max = 3 }
  log.info("recorded %s", take.status)
  call:hangup()
end)
home:extension("604", function(call) call:answer() call:echo() end)
home:extension("_1XXX", function(call)
  local result = call:dial("sip/" .. call.extension, { timeout = 20, limit = 4 })
  log.info("dialled %s", result.status)
end)
`,
}

// programs are the softphones that every test is made with.
var programs = map[string]struct {
	start func(testing.TB, *server, account, string) *softphone
	call  func(p *softphone, s *server, number string)
	hang  string
	up    string // what is shown when the call is connected
	down  string // and when it has ended
}{
	"baresip":  {baresip, func(p *softphone, s *server, number string) { p.press("/dial " + number) }, "/hangup", "Call established", "terminated"},
	"linphone": {linphone, func(p *softphone, s *server, number string) { p.press("call " + number) }, "terminate", "connected", "ended"},
}

var one = account{user: "1001", password: "pass-1001"}

func TestSoftphoneHearsThePrompt(t *testing.T) {
	t.Parallel()
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, home)
			p := program.start(t, s, one, toneFile(t, 400, 60))
			program.call(p, s, "601")
			p.await(program.up)
			p.await(program.down)
			p.end()
			if like := likeness(loadWAV(t, p.heard()), prompt(t, "demo-echotest")); like < 0.9 {
				t.Errorf("the prompt was heard with a likeness of %.2f", like)
			}
		})
	}
}

func TestSoftphoneHearsItsEcho(t *testing.T) {
	t.Parallel()
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, home)
			p := program.start(t, s, one, toneFile(t, 400, 60))
			program.call(p, s, "600")
			p.await(program.up)
			p.await(program.down)
			p.end()
			s.awaitCalls(0)
			if best, seconds := toneShare(loadWAV(t, p.heard()), 400); best < 0.95 || seconds < 2 {
				t.Errorf("the echo is %.2f pure and lasts %.1f s", best, seconds)
			}
		})
	}
}

func TestSoftphonePressesKeys(t *testing.T) {
	t.Parallel()
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, home)
			p := program.start(t, s, one, toneFile(t, 400, 60))
			program.call(p, s, "602")
			p.await(program.up)
			for _, key := range "4711" {
				p.press(string(key))
			}
			s.awaitLog("digits 4711 by 1001")
			p.press(program.hang)
			s.awaitCalls(0)
		})
	}
}

func TestSoftphoneIsRecorded(t *testing.T) {
	t.Parallel()
	s := start(t, home)
	p := baresip(t, s, one, toneFile(t, 400, 60))
	p.press("/dial 603")
	s.awaitLog("recorded")
	take := loadWAV(t, s.recording("take.wav"))
	if _, seconds := toneShare(take, 400); seconds < 2 || seconds > 3.2 {
		t.Errorf("the recording has %.1f s of the tone, want about 3", seconds)
	}
}

// TestTwoSoftphonesTalk lets each program call the other; each hears the
// other's tone and not its own.
func TestTwoSoftphonesTalk(t *testing.T) {
	t.Parallel()
	s := start(t, home)
	a := linphone(t, s, one, toneFile(t, 400, 60))
	b := baresip(t, s, account{user: "1002", password: "pass-1002"}, toneFile(t, 700, 60))
	a.press("call 1002")
	a.await("connected")
	b.await("Call established")
	s.awaitLog("dialled answered")
	a.await("ended")
	b.await("terminated")
	a.end()
	b.end()
	s.awaitCalls(0)
	for _, side := range []struct {
		phone      *softphone
		other, own float64
	}{{a, 700, 400}, {b, 400, 700}} {
		heard := loadWAV(t, side.phone.heard())
		if best, seconds := toneShare(heard, side.other); best < 0.95 || seconds < 2 {
			t.Errorf("%s heard the other side %.2f pure for %.1f s", side.phone.name, best, seconds)
		}
		if _, seconds := toneShare(heard, side.own); seconds > 0 {
			t.Errorf("%s heard itself for %.1f s", side.phone.name, seconds)
		}
	}
}

// TestHoldAndResume puts a call on hold from a softphone and takes it back: it
// hears us again.
func TestHoldAndResume(t *testing.T) {
	t.Parallel()
	s := start(t, home)
	p := linphone(t, s, one, toneFile(t, 400, 60))
	p.press("call 600")
	p.await("connected")
	p.press("pause")
	s.awaitLog("held=true")
	p.await("paused")
	p.press("resume")
	s.awaitLog("held=false")
	p.await("ended")
	p.end()
	if _, seconds := toneShare(loadWAV(t, p.heard()), 400); seconds < 2 {
		t.Errorf("after resuming, the echo lasts %.1f s", seconds)
	}
}

// TestHeardAfterHold is the other way: we hear it again. (baresip 1.0 itself
// plays nothing after it has resumed, whatever it is sent.)
func TestHeardAfterHold(t *testing.T) {
	t.Parallel()
	s := start(t, home)
	p := baresip(t, s, one, toneFile(t, 400, 60))
	p.press("/dial 603")
	p.await("Call established")
	p.press("/hold")
	s.awaitLog("held=true")
	p.press("/resume")
	s.awaitLog("held=false")
	s.awaitLog("recorded")
	if _, seconds := toneShare(loadWAV(t, s.recording("take.wav")), 400); seconds < 2 {
		t.Errorf("after resuming, we heard %.1f s of 3", seconds)
	}
}

// TestSoftphoneOverTLS registers and calls over TLS, with our certificate checked.
func TestSoftphoneOverTLS(t *testing.T) {
	t.Parallel()
	s, cert := secureHome(t)
	secure := one
	secure.transport, secure.authority = "tls", cert
	p := baresip(t, s, secure, toneFile(t, 400, 60))
	p.press("/dial 601")
	p.await("Call established")
	p.await("terminated")
	p.end()
	if like := likeness(loadWAV(t, p.heard()), prompt(t, "demo-echotest")); like < 0.9 {
		t.Errorf("the prompt was heard with a likeness of %.2f", like)
	}
	if !strings.Contains(s.linesWith("incoming call"), "source=tls:") {
		t.Error("the call did not come over TLS")
	}
}

// recording is a file that a script recorded.
func (s *server) recording(name string) string {
	return filepath.Join(s.dir, "data", "recordings", name)
}

// TestSoftphoneConnectsItsTwoCalls has linphone call baresip and then a script
// that records, and connect the two: the script hears baresip and not linphone.
func TestSoftphoneConnectsItsTwoCalls(t *testing.T) {
	t.Parallel()
	s := start(t, site{"config.lua": home["config.lua"], "dialplan.lua": `
local home = context "home"
home:extension("1002", function(call) call:dial("sip/1002") end)
home:extension("605", function(call)
  call:answer()
  local take = call:record { path = "take.wav", max = 12 }
  log.info("recorded %s", take.status)
end)
`})
	a := linphone(t, s, one, toneFile(t, 400, 60))
	b := baresip(t, s, account{user: "1002", password: "pass-1002"}, toneFile(t, 700, 60))
	a.press("call 1002")
	a.await("connected")
	b.await("Call established")
	a.press("pause")
	s.awaitLog("held=true")
	a.await("paused")
	a.press("call 605")
	s.awaitLog("extension=605")
	a.await("Call 2 with sip:605")
	a.press("transfer 1 --to-call 2")
	s.awaitLog("transfer asked")
	s.awaitLog("far end left; joined")
	s.awaitLog("recorded")
	b.await("terminated")
	s.awaitCalls(0)
	a.end()
	b.end()
	if _, seconds := toneShare(loadWAV(t, s.recording("take.wav")), 700); seconds < 2 {
		t.Errorf("the script heard the other party for %.1f s", seconds)
	}
}
