package interop

import (
	"strings"
	"testing"
)

// simple scenarios need one sipp and the lab.
var simple = map[string]struct {
	service   string
	transport string
	steps     scenario
}{
	"answer and hang up": {"echo", "", scenario{
		send(inviteMessage()), trying, ringing, want(200, "Allow:", "m=audio [0-9]+ RTP/AVP 0 101"), ack, pause(200), bye, want(200)}},
	"over TCP": {"echo", "t1", scenario{
		send(inviteMessage()), trying, ringing, want(200), ack, pause(100), bye, want(200)}},
	"the server hangs up": {"bye", "", scenario{
		send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Reason: Q.850"), replyAgain("200 OK")}},
	"unknown extension": {"nobody", "", scenario{
		send(inviteMessage()), trying, want(404, "Reason: Q.850;cause=1"), refused(1)}},
	"busy": {"busy", "", scenario{
		send(inviteMessage()), trying, want(486, "Reason: Q.850;cause=17"), refused(1)}},
	"congestion": {"congestion", "", scenario{
		send(inviteMessage()), trying, want(503), refused(1)}},
	"declined": {"declined", "", scenario{
		send(inviteMessage()), trying, want(603), refused(1)}},
	"early media": {"early", "", scenario{
		send(inviteMessage()), trying, want(183, "m=audio"), want(200), ack, bye, want(200)}},
	"cancelled while ringing": {"ring", "", scenario{
		send(inviteMessage()), trying, want(180),
		giveUp, want(200), want(487), refused(1)}},
	"late offer": {"echo", "", scenario{
		send(message{method: "INVITE"}), trying, want(200, "m=audio"),
		send(message{method: "ACK", tagged: true, body: offer}), pause(200), bye, want(200)}},
	"hold and resume": {"echo", "", scenario{
		send(inviteMessage()), trying, want(200, "a=sendrecv"), ack,
		send(message{method: "INVITE", tagged: true, seq: 2, body: strings.Replace(offer, "sendrecv", "sendonly", 1)}),
		trying, want(200, "a=recvonly"), send(message{method: "ACK", tagged: true, seq: 2}),
		send(message{method: "INVITE", tagged: true, seq: 3, body: offer}),
		trying, want(200, "a=sendrecv"), send(message{method: "ACK", tagged: true, seq: 3}),
		send(message{method: "BYE", tagged: true, seq: 4}), want(200)}},
	"hold by the zero address": {"echo", "", scenario{
		send(inviteMessage()), trying, want(200), ack,
		send(message{method: "INVITE", tagged: true, seq: 2, body: strings.Replace(offer, "c=IN IP4 [local_ip]", "c=IN IP4 0.0.0.0", 1)}),
		trying, want(200), send(message{method: "ACK", tagged: true, seq: 2}),
		send(message{method: "BYE", tagged: true, seq: 3}), want(200)}},
	"codec change": {"echo", "", scenario{
		send(inviteMessage()), trying, want(200), ack,
		send(message{method: "INVITE", tagged: true, seq: 2, body: strings.NewReplacer("AVP 0 101", "AVP 8 101", "0 PCMU", "8 PCMA").Replace(offer)}),
		trying, want(200, "RTP/AVP 8 101"), send(message{method: "ACK", tagged: true, seq: 2}),
		send(message{method: "BYE", tagged: true, seq: 3}), want(200)}},
	"update": {"echo", "", scenario{
		send(inviteMessage()), trying, want(200), ack,
		send(message{method: "UPDATE", tagged: true, seq: 2, body: offer}), want(200, "m=audio"),
		send(message{method: "BYE", tagged: true, seq: 3}), want(200)}},
	"options": {"", "", scenario{
		send(message{method: "OPTIONS"}), want(200, "Allow:.*INVITE", "Supported:")}},
	"options within a call": {"echo", "", scenario{
		send(inviteMessage()), trying, want(200), ack,
		send(message{method: "OPTIONS", tagged: true, seq: 2}), want(200),
		send(message{method: "BYE", tagged: true, seq: 3}), want(200)}},
	"unknown method": {"echo", "", scenario{
		send(message{method: "DANCE"}), want(405, "Allow:")}},
	"unknown requirement": {"echo", "", scenario{
		send(inviteMessage("Require: levitation")), trying, want(420, "Unsupported: levitation"), refused(1)}},
	"unknown scheme": {"echo", "", scenario{
		send(message{method: "INVITE", uri: "http://[remote_ip]:[remote_port]", body: offer}), trying, want(416), refused(1)}},
	"too many hops": {"echo", "", scenario{
		send(message{method: "INVITE", bare: true, headers: []string{"Contact: <sip:tester@[local_ip]:[local_port]>", "Max-Forwards: 0"}, body: offer}),
		trying, want(483), refused(1)}},
	"no codec in common": {"echo", "", scenario{
		send(message{method: "INVITE", body: strings.NewReplacer("AVP 0 101", "AVP 18 101", "0 PCMU", "18 G729").Replace(offer)}),
		trying, want(488, "Warning: 30[45]"), refused(1)}},
	"hang up what does not exist": {"echo", "", scenario{
		send(message{method: "BYE", headers: []string{}, seq: 5}), want(481)}},
	"digits by INFO": {"digits-info", "", scenario{
		send(inviteMessage()), trying, want(200), ack,
		send(message{method: "INFO", tagged: true, seq: 2, headers: []string{"Content-Type: application/dtmf-relay"}, body: "Signal=4\nDuration=160"}), want(200),
		send(message{method: "INFO", tagged: true, seq: 3, headers: []string{"Content-Type: application/dtmf-relay"}, body: "Signal=2\nDuration=160"}), want(200),
		send(message{method: "INFO", tagged: true, seq: 4, headers: []string{"Content-Type: application/dtmf"}, body: "#"}), want(200),
		wantRequest("BYE"), replyAgain("200 OK")}},
	"reliable ringing": {"reliable", "", scenario{
		send(inviteMessage("Require: 100rel")), trying, wantReliable(180),
		send(message{method: "PRACK", tagged: true, seq: 2, headers: []string{"RAck: [$rseq] 1 INVITE"}}), want(200),
		want(200), ack, send(message{method: "BYE", tagged: true, seq: 3}), want(200)}},
	"session interval too small": {"echo", "", scenario{
		send(inviteMessage("Supported: timer", "Session-Expires: 30", "Min-SE: 30")), trying, want(422, "Min-SE: 90"), refused(1)}},
	"session timer": {"echo", "", scenario{
		send(inviteMessage("Supported: timer", "Session-Expires: 1800;refresher=uac")), trying, want(200, "Session-Expires: 1800;refresher=uac", "Require:.*timer"), ack,
		send(message{method: "UPDATE", tagged: true, seq: 2, headers: []string{"Supported: timer", "Session-Expires: 1800;refresher=uac"}}), want(200, "Session-Expires: 1800"),
		send(message{method: "BYE", tagged: true, seq: 3}), want(200)}},
	"a script's error ends its call": {"broken", "", scenario{
		send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Reason: Q.850;cause=41"), replyAgain("200 OK")}},
	"an endless loop ends its call": {"endless", "", scenario{
		send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Reason: Q.850;cause=41"), replyAgain("200 OK")}},
	"a known phone must authenticate": {"echo", "", scenario{
		send(message{method: "INVITE", from: "1001", body: offer}), trying, want(401, "WWW-Authenticate: Digest"), refused(1)}},
	"a wrong password is refused": {"echo", "", scenario{
		send(message{method: "INVITE", from: "1001", body: offer}), trying, want(401), refused(1),
		send(message{method: "INVITE", from: "1001", seq: 2, body: offer, headers: []string{"[authentication username=1001 password=wrong]"}}),
		trying, want(403), refused(2)}},
	"an authenticated call": {"echo", "", scenario{
		send(message{method: "INVITE", from: "1001", body: offer}), trying, want(401), refused(1),
		send(message{method: "INVITE", from: "1001", seq: 2, body: offer, headers: []string{"[authentication username=1001 password=pass-1001]"}}),
		trying, want(200), send(message{method: "ACK", tagged: true, seq: 2}), pause(100),
		send(message{method: "BYE", tagged: true, seq: 3}), want(200)}},
	"registration": {"", "", registration("1001", "pass-1001", "300")},
	"registration for too short": {"", "", scenario{
		send(message{method: "REGISTER", uri: "sip:[remote_ip]:[remote_port]", from: "1001", to: "1001", headers: []string{"Expires: 5"}}), want(401),
		send(message{method: "REGISTER", uri: "sip:[remote_ip]:[remote_port]", from: "1001", to: "1001", seq: 2,
			headers: []string{"Expires: 5", "[authentication username=1001 password=pass-1001]"}}), want(423, "Min-Expires: 60")}},
	"registration of an unknown phone": {"", "", scenario{
		send(message{method: "REGISTER", uri: "sip:[remote_ip]:[remote_port]", from: "9999", to: "9999", headers: []string{"Expires: 300"}}), want(401),
		send(message{method: "REGISTER", uri: "sip:[remote_ip]:[remote_port]", from: "9999", to: "9999", seq: 2,
			headers: []string{"Expires: 300", "[authentication username=9999 password=x]"}}), want(403)}},
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	for name, c := range simple {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, sharedLab(t), c.steps, sippOptions{service: c.service, transport: c.transport})
		})
	}
}
