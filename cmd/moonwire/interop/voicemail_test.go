package interop

import (
	"os"
	"strings"
	"testing"
)

// office has two phones, of which one has a mailbox that the other speaks into.
var office = site{
	"config.lua": `
sip.phone "1001" { password = "pass-1001", context = "office", caller_id = '"Alice" <1001>' }
sip.phone "1002" { password = "pass-1002", context = "office", mailbox = "1002@office" }
mailbox "1002@office" { maxsecs = 4, envelope = false }
`,
	"dialplan.lua": `
local voicemail = require "voicemail"
local office = context "office"
office:extension("*1002", function(call)
  voicemail.leave(call, "1002@office", { greeting = "none", instructions = false })
end)
office:extension("*97", function(call)
  call:race {
    function() voicemail.main(call, call.peer .. "@office") end,
    function() call:wait(12) end,
  }
end)
on("voicemail.changed", function(event) log.info("mailbox %s: new %d, old %d", event.mailbox, event.new, event.old) end)
`,
}

// A softphone leaves a message; another one is told of it, and hears it.
func TestSoftphoneLeavesAMessage(t *testing.T) {
	t.Parallel()
	s := start(t, office)
	caller := baresip(t, s, one, toneFile(t, 400, 60))
	owner := baresip(t, s, account{user: "1002", password: "pass-1002"}, toneFile(t, 700, 60))
	caller.press("/dial *1002")
	s.awaitLog("mailbox 1002@office: new 1, old 0")
	caller.await("terminated")
	checkMessage(t, s)
	owner.press("/dial *97")
	owner.await("Call established")
	owner.press("1")
	s.awaitLog("mailbox 1002@office: new 0, old 1")
	owner.end()
	if best, seconds := toneShare(loadWAV(t, owner.heard()), 400); best < 0.95 || seconds < 3 {
		t.Errorf("the message is %.2f pure and lasts %.1f s", best, seconds)
	}
}

// checkMessage looks at the files that Asterisk's administrators look for.
func checkMessage(t *testing.T, s *server) {
	t.Helper()
	take := loadWAV(t, s.recording("voicemail/office/1002/INBOX/msg0000.wav"))
	if _, seconds := toneShare(take, 400); seconds < 3 || seconds > 4.2 {
		t.Errorf("the message has %.1f s of the tone, want about 4", seconds)
	}
	text, err := os.ReadFile(s.recording("voicemail/office/1002/INBOX/msg0000.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"origmailbox=1002\n", `callerid="Alice" <1001>` + "\n", "exten=*1002\n", "context=office\n", "duration=4\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
