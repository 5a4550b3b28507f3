package interop

import (
	"strconv"
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

// What called phones often say.
var (
	rings   = answered("180 Ringing", "a", nil, "")
	accepts = answered("200 OK", "a", nil, answer)
	agreed  = replyAgain("200 OK")
)

// cancelled is what a called phone sees when the caller gives up.
func cancelled(checks ...string) scenario {
	return scenario{wantRequest("CANCEL", checks...), agreed, answered("487 Request Terminated", "a", nil, ""), wantRequest("ACK")}
}

// calls is an answered call of a caller who hangs up after a while.
var calls = scenario{send(inviteMessage()), trying, ringing, optional(183), want(200, "m=audio"), ack, pause(200), bye, want(200)}

// refusedWith is a caller's call that comes to nothing.
func refusedWith(status int, checks ...string) scenario {
	return scenario{send(inviteMessage()), trying, ringing, optional(183), want(status, checks...), refused(1)}
}

// Each of these calls goes from a guest to a phone, which is a second sipp.
var betweenPhones = map[string]struct {
	number         string
	called, caller scenario
	status         string // what the script was told; "" where it ended with its caller
}{
	"answered": {"2000",
		scenario{invited("m=audio"), rings, pause(100), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed},
		scenario{send(inviteMessage()), trying, want(180), optional(183), want(200, "m=audio"), ack, pause(200), bye, want(200)},
		""},
	"the called phone hangs up": {"2001",
		scenario{invited(), rings, accepts, wantRequest("ACK"), pause(200), hangup("a"), want(200)},
		scenario{send(inviteMessage()), trying, ringing, optional(183), want(200), ack, wantRequest("BYE", "Q.850;cause=16"), agreed},
		"answered"},
	"busy": {"2002",
		scenario{invited(), answered("486 Busy Here", "a", nil, ""), wantRequest("ACK")},
		refusedWith(486, "Q.850;cause=17"),
		"busy"},
	"declined": {"2003",
		scenario{invited(), answered("603 Decline", "a", nil, ""), wantRequest("ACK")},
		refusedWith(603, "Q.850;cause=21"),
		"busy"},
	"no such number there": {"2004",
		scenario{invited(), answered("404 Not Found", "a", nil, ""), wantRequest("ACK")},
		refusedWith(404, "Q.850;cause=1;"),
		"unavailable"},
	"out of order there": {"2005",
		scenario{invited(), answered("500 Server Internal Error", "a", []string{`Reason: Q.850;cause=27;text="broken"`}, ""), wantRequest("ACK")},
		refusedWith(502, "Q.850;cause=27"),
		"unavailable"},
	"no answer": {"2006",
		append(scenario{invited(), rings}, cancelled("Reason:")...),
		scenario{send(inviteMessage()), trying, want(180), want(480, "Q.850;cause=19"), refused(1)},
		"noanswer"},
	"given up by the caller": {"2007",
		append(scenario{invited(), rings}, cancelled()...),
		simple["cancelled while ringing"].steps,
		""},
	// The caller gives up at the moment when the phone is picked up.
	"CANCEL and 200 cross": {"2008",
		scenario{invited(), rings, wantRequest("CANCEL"), agreed, accepts,
			wantRequest("ACK"), wantRequest("BYE"), agreed},
		simple["cancelled while ringing"].steps,
		""},
	"the 200 is repeated": {"2009",
		scenario{invited(), accepts, wantRequest("ACK"), accepts, wantRequest("ACK"), accepts, wantRequest("ACK"),
			hangup("a"), want(200)},
		scenario{send(inviteMessage()), trying, ringing, optional(183), want(200), ack, wantRequest("BYE"), agreed},
		"answered"},
	// A proxy asks two devices; the second picks up.
	"forked on the way": {"2010",
		scenario{invited(), answered("180 Ringing", "a", nil, ""), answered("180 Ringing", "b", nil, ""), answered("183 Session Progress", "a", nil, answer),
			answered("200 OK", "b", nil, answer),
			wantRequest("ACK", "To: .*tag=[0-9]+b"), wantRequest("BYE", "To: .*tag=[0-9]+b"), agreed},
		scenario{send(inviteMessage()), trying, want(180), optional(183), want(200), ack, pause(100), bye, want(200)},
		""},
	// Both devices pick up at once; one call is enough.
	"forked and answered twice": {"2011",
		scenario{invited(), answered("200 OK", "a", nil, answer), wantRequest("ACK", "To: .*tag=[0-9]+a"),
			answered("200 OK", "b", nil, answer), wantRequest("ACK", "To: .*tag=[0-9]+b"), wantRequest("BYE", "To: .*tag=[0-9]+b"), agreed,
			wantRequest("BYE", "To: .*tag=[0-9]+a"), agreed},
		calls,
		""},
	"early media": {"2012",
		scenario{invited(), answered("183 Session Progress", "a", nil, answer), pause(200), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed},
		scenario{send(inviteMessage()), trying, want(183, "m=audio"), want(200), ack, pause(100), bye, want(200)},
		""},
	"early media, then busy": {"2013",
		scenario{invited(), answered("183 Session Progress", "a", nil, answer), pause(100), answered("486 Busy Here", "a", nil, ""), wantRequest("ACK")},
		scenario{send(inviteMessage()), trying, want(183, "m=audio"), want(486), refused(1)},
		"busy"},
	"rings reliably": {"2014",
		scenario{invited("Supported: .*100rel"), answered("180 Ringing", "a", []string{"Require: 100rel", "RSeq: 4711"}, ""),
			wantRequest("PRACK", "RAck: 4711 1 INVITE"), agreed, accepts, wantRequest("ACK"), wantRequest("BYE"), agreed},
		scenario{send(inviteMessage()), trying, want(180), optional(183), want(200), ack, pause(100), bye, want(200)},
		""},
	"reliable early media, repeated": {"2015",
		scenario{invited(), answered("183 Session Progress", "a", []string{"Require: 100rel", "RSeq: 1"}, answer),
			wantRequest("PRACK", "RAck: 1 1 INVITE"), answered("183 Session Progress", "a", []string{"Require: 100rel", "RSeq: 1"}, answer), agreed,
			answered("200 OK", "a", nil, ""), wantRequest("ACK"), wantRequest("BYE"), agreed},
		scenario{send(inviteMessage()), trying, want(183), want(200, "m=audio"), ack, pause(100), bye, want(200)},
		""},
	"twelve times ringing": {"2016",
		append(append(scenario{invited()}, strings.Split(strings.Repeat(rings+"\x00", 12), "\x00")...), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed),
		scenario{send(inviteMessage()), trying, want(180), optional(183), want(200), ack, pause(100), bye, want(200)},
		""},
	"answered with what nobody can use": {"2017",
		scenario{invited(), answered("200 OK", "a", nil, strings.NewReplacer("AVP 0 101", "AVP 18", "0 PCMU", "18 G729").Replace(answer)),
			wantRequest("ACK"), wantRequest("BYE", "Q.850;cause=88"), agreed},
		refusedWith(488),
		"congestion"},
	"no longer there": {"2018",
		scenario{invited(), answered("410 Gone", "a", nil, ""), wantRequest("ACK")},
		refusedWith(410, "Q.850;cause=22"),
		"unavailable"},
	"the session timer is refused as too short": {"2019",
		scenario{invited("Session-Expires: 1800"), answered("422 Session Interval Too Small", "a", []string{"Min-SE: 3600"}, ""), wantRequest("ACK"),
			invited("Session-Expires: 3600"), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed},
		calls,
		""},
	"held by the called phone": {"2020",
		scenario{invited(), accepts, wantRequest("ACK"),
			`<send retrans="500"><![CDATA[

INVITE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$callee];tag=[pid]a
To:[$caller]
Call-ID: [call_id]
CSeq: 3 INVITE
Contact: <sip:[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

` + answer + `
a=sendonly

]]></send>`, optional(100), want(200, "a=recvonly"),
			`<send><![CDATA[

ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$callee];tag=[pid]a
To:[$caller]
Call-ID: [call_id]
CSeq: 3 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>`, hangup("a"), want(200)},
		scenario{send(inviteMessage()), trying, ringing, optional(183), want(200), ack, wantRequest("BYE"), agreed},
		"answered"},
}

func TestCallsBetweenPhones(t *testing.T) {
	t.Parallel()
	for name, c := range betweenPhones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sharedLab(t)
			var o sippOptions
			if strings.Contains(name, "repeated") {
				o.args = []string{"-nr"} // sipp hides what comes again
			}
			called := s.phone(c.number, c.called, o)
			run(t, s, c.caller, sippOptions{service: c.number})
			called.wait()
			if c.status != "" {
				s.awaitLog(c.number + " dialled " + c.status)
			}
		})
	}
}

// phone registers a sipp that then plays steps when it is called.
func (s *server) phone(number string, steps scenario, o sippOptions) *sipp {
	s.t.Helper()
	o.port = freePort(s.t)
	run(s.t, s, registration(number, "pass-"+number, "120"), sippOptions{port: o.port})
	return startSipp(s.t, s, steps, o)
}

func TestAPhoneThatIsNotRegistered(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	run(t, s, scenario{send(inviteMessage()), trying, ringing, want(480), refused(1)}, sippOptions{service: "2030"})
	s.awaitLog("2030 dialled unavailable")
}

// TestADeviceSendsElsewhere lets the called phone answer with another address.
func TestADeviceSendsElsewhere(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	port := freePort(t)
	other := startSipp(t, s, scenario{invited(), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed}, sippOptions{port: port})
	called := s.phone("2031", scenario{invited(),
		strings.Replace(answered("302 Moved Temporarily", "a", nil, ""), "<sip:[local_ip]:[local_port];", "<sip:other@[local_ip]:"+strconv.Itoa(port)+";", 1),
		wantRequest("ACK")}, sippOptions{})
	run(t, s, calls, sippOptions{service: "2031"})
	called.wait()
	other.wait()
}

// TestADeviceSendsInACircle lets the called phone redirect to itself.
func TestADeviceSendsInACircle(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	called := s.phone("2032", scenario{invited(), answered("302 Moved Temporarily", "a", nil, ""), wantRequest("ACK"),
		invited(), answered("302 Moved Temporarily", "a", nil, ""), wantRequest("ACK")}, sippOptions{})
	run(t, s, scenario{send(inviteMessage()), trying, want(480), refused(1)}, sippOptions{service: "2032"})
	called.wait()
}

// TestSeveralDevicesOfOnePhone rings two; the one that is slower learns that the
// call was taken elsewhere, and so does not show it as missed (RFC 3326).
func TestSeveralDevicesOfOnePhone(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	loser := s.phone("2033", append(scenario{invited(), rings}, cancelled("Reason: SIP;cause=200")...), sippOptions{})
	winner := s.phone("2033", scenario{invited(), rings, pause(300), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed}, sippOptions{})
	run(t, s, calls, sippOptions{service: "2033"})
	winner.wait()
	loser.wait()
}

// TestADeviceDeclinesForAll has one of two devices answer 6xx, which stops the other.
func TestADeviceDeclinesForAll(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	other := s.phone("2034", append(scenario{invited(), rings}, cancelled()...), sippOptions{})
	declines := s.phone("2034", scenario{invited(), rings, pause(200), answered("603 Decline", "a", nil, ""), wantRequest("ACK")}, sippOptions{})
	run(t, s, refusedWith(603), sippOptions{service: "2034"})
	declines.wait()
	other.wait()
}

// TestCallLimitOfAPhone holds the only call that a phone may have.
func TestCallLimitOfAPhone(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	first := s.phone("2100", scenario{invited(), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed}, sippOptions{})
	holder := startSipp(t, s, scenario{send(inviteMessage()), trying, ringing, optional(183), want(200), ack, pause(3000), bye, want(200)},
		sippOptions{service: "2100"})
	s.awaitLog("target=sip/2100 leg=")
	run(t, s, refusedWith(486), sippOptions{service: "2100"})
	s.awaitLog("2100 dialled busy")
	holder.wait()
	first.wait()
}
