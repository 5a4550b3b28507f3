package interop

import (
	"strings"
	"testing"
)

// answer is the description with which a called sipp accepts.
const answer = `v=0
o=called 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000`

// cancelled is what a called phone sees when the caller gives up.
var cancelled = []string{
	wantRequest("CANCEL"),
	replyAgain("200 OK"),
	// The INVITE is answered with its own CSeq.
	`<send><![CDATA[

SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
CSeq: 1 INVITE
Content-Length: 0

]]></send>`,
	wantRequest("ACK"),
}

// Each of these calls goes from a guest to phone 1002, which is a second sipp.
var betweenPhones = map[string]struct {
	called, caller scenario
	status         string // what the script was told
}{
	"answered": {
		scenario{wantRequest("INVITE", "m=audio"), reply("180 Ringing", true, nil, ""), pause(200), reply("200 OK", true, nil, answer),
			wantRequest("ACK"), wantRequest("BYE"), replyAgain("200 OK")},
		scenario{send(inviteMessage()), trying, want(180), optional(183), want(200, "m=audio"), ack, pause(300), bye, want(200)},
		"", // its script ended with the caller
	},
	"the called phone hangs up": {
		scenario{wantRequest("INVITE"), reply("180 Ringing", true, nil, ""), reply("200 OK", true, nil, answer), wantRequest("ACK"), pause(300),
			`<send retrans="500"><![CDATA[

BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:1002@[local_ip]:[local_port]>;tag=[pid]u[call_number]
To: [$caller]
Call-ID: [call_id]
CSeq: 7 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>`, want(200)},
		scenario{send(inviteMessage()), trying, ringing, optional(183), want(200), ack, wantRequest("BYE"), replyAgain("200 OK")},
		"answered",
	},
	"busy": {
		scenario{wantRequest("INVITE"), reply("486 Busy Here", false, nil, ""), wantRequest("ACK")},
		scenario{send(inviteMessage()), trying, ringing, optional(183), want(486), refused(1)},
		"busy",
	},
	"declined": {
		scenario{wantRequest("INVITE"), reply("603 Decline", false, nil, ""), wantRequest("ACK")},
		scenario{send(inviteMessage()), trying, ringing, optional(183), want(603), refused(1)},
		"busy",
	},
	"no answer": {
		append(scenario{wantRequest("INVITE"), reply("180 Ringing", true, nil, "")}, cancelled...),
		scenario{send(inviteMessage()), trying, want(180), want(480), refused(1)},
		"noanswer",
	},
	"given up by the caller": {
		append(scenario{wantRequest("INVITE"), reply("180 Ringing", true, nil, "")}, cancelled...),
		simple["cancelled while ringing"].steps,
		"",
	},
}

func TestCallsBetweenPhones(t *testing.T) {
	s := start(t, lab)
	for name, c := range betweenPhones {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			run(t, s, registration("1002", "pass-1002", "120"), sippOptions{port: port})
			called := c.called
			if strings.Contains(strings.Join(called, ""), "[$caller]") {
				called[0] = strings.Replace(called[0], "</recv>",
					`<action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/></action></recv>`, 1)
			}
			uas := startSipp(t, s, called, sippOptions{port: port})
			run(t, s, c.caller, sippOptions{service: "1002"})
			uas.wait()
			if c.status != "" {
				s.awaitLog("dialled " + c.status)
			}
		})
	}
}

func TestAPhoneThatIsNotRegistered(t *testing.T) {
	s := start(t, lab)
	run(t, s, scenario{send(inviteMessage()), trying, ringing, want(480), refused(1)}, sippOptions{service: "1001"})
	s.awaitLog("dialled unavailable")
}
