package interop

import (
	"strings"
	"testing"
)

// reINVITE is a re-INVITE of the caller's with this description, and its ACK.
func reINVITE(seq int, sdp string) string {
	return send(message{method: "INVITE", tagged: true, seq: seq, body: sdp})
}

func acknowledge(seq int) string { return send(message{method: "ACK", tagged: true, seq: seq}) }
func goodbye(seq int) string     { return send(message{method: "BYE", tagged: true, seq: seq}) }

// takes answers the server's saved re-INVITE within the dialog.
func takes(direction string) string {
	return answered("200 OK", "", nil, strings.Replace(offer, "sendrecv", direction, 1))
}

var begins = []string{send(inviteMessage()), trying, want(200), ack}

func within(steps ...string) scenario { return append(append(scenario{}, begins...), steps...) }

// dialogs are what can happen between the answer and the end, and what takes
// the server to begin.
var dialogs = map[string]struct {
	options sippOptions
	steps   scenario
}{
	"the server holds": {sippOptions{service: "hold"}, within(
		invited("a=sendonly"), takes("recvonly"), wantRequest("ACK"), goodbye(2), want(200))},
	"the server holds and resumes": {sippOptions{service: "hold-resume"}, within(
		invited("a=sendonly"), takes("recvonly"), wantRequest("ACK"),
		send(message{method: "INFO", tagged: true, seq: 2, headers: []string{"Content-Type: application/dtmf-relay"}, body: "Signal=1\nDuration=160"}), want(200),
		invited("a=sendrecv"), takes("sendrecv"), wantRequest("ACK"), goodbye(3), want(200))},
	"the caller is not ready for a hold": {sippOptions{service: "hold"}, within(
		invited("a=sendonly"), answered("491 Request Pending", "", nil, ""), wantRequest("ACK"),
		invited("a=sendonly"), takes("recvonly"), wantRequest("ACK"), goodbye(2), want(200))},
	"the caller refuses a hold": {sippOptions{service: "hold"}, within(
		invited("a=sendonly"), answered("488 Not Acceptable Here", "", nil, ""), wantRequest("ACK"), goodbye(2), want(200))},
	"the caller has forgotten the call": {sippOptions{service: "hold"}, within(
		invited(), answered("481 Call Does Not Exist", "", nil, ""), wantRequest("ACK"), wantRequest("BYE"), agreed)},
	"both re-INVITE at once": {sippOptions{service: "hold"}, within(
		invited("a=sendonly"), reINVITE(2, offer), trying, want(491), refused(2),
		takes("recvonly"), wantRequest("ACK"), goodbye(3), want(200))},
	"the 200 to a re-INVITE is repeated": {sippOptions{service: "hold", args: []string{"-nr"}}, within(
		invited("a=sendonly"), takes("recvonly"), wantRequest("ACK"), takes("recvonly"), wantRequest("ACK"), goodbye(2), want(200))},
	"the server transfers": {sippOptions{service: "transfer"}, within(
		wantRequest("REFER", "Refer-To: .*sip:2000@192.0.2.7"), agreed, goodbye(2), want(200))},
	"a re-INVITE without a description": {sippOptions{service: "echo"}, within(
		send(message{method: "INVITE", tagged: true, seq: 2}), trying, want(200, "m=audio"),
		send(message{method: "ACK", tagged: true, seq: 2, body: offer}), goodbye(3), want(200))},
	"a re-INVITE that nobody can meet": {sippOptions{service: "echo"}, within(
		reINVITE(2, strings.NewReplacer("AVP 0 101", "AVP 18", "0 PCMU", "18 G729").Replace(offer)), trying, want(488, "Warning: 30[45]"), refused(2),
		send(message{method: "OPTIONS", tagged: true, seq: 3}), want(200), goodbye(4), want(200))},
	"a request out of order": {sippOptions{service: "echo"}, within(
		send(message{method: "OPTIONS", tagged: true, seq: 9}), want(200),
		send(message{method: "INFO", tagged: true, seq: 8, headers: []string{"Content-Type: application/dtmf"}, body: "1"}), want(500), goodbye(10), want(200))},
	"an unknown kind of body": {sippOptions{service: "echo"}, scenario{
		send(message{method: "INVITE", headers: []string{"Content-Type: text/plain"}, body: "hello"}), trying, want(415, "Accept: application/sdp"), refused(1)}},
	"a description that is none": {sippOptions{service: "echo"}, scenario{
		send(message{method: "INVITE", headers: []string{"Content-Type: application/sdp"}, body: "v=0\nm=audio"}), trying, want(400), refused(1)}},
	"video beside the audio": {sippOptions{service: "echo"}, scenario{
		send(message{method: "INVITE", body: offer + "\nm=video 6100 RTP/AVP 96\na=rtpmap:96 H264/90000"}), trying,
		want(200, "m=video 0 RTP/AVP"), ack, bye, want(200)}},
	"nothing but video": {sippOptions{service: "echo"}, scenario{
		send(message{method: "INVITE", body: strings.NewReplacer("m=audio", "m=video", "AVP 0 101", "AVP 96", "0 PCMU/8000", "96 H264/90000").Replace(offer)}),
		trying, want(488, "Warning: 304"), refused(1)}},
	"replaces what does not exist": {sippOptions{service: "echo"}, scenario{
		send(inviteMessage("Require: replaces", "Replaces: none;to-tag=a;from-tag=b")), trying, want(481), refused(1)}},
	"try again later": {sippOptions{service: "later"}, refusedWith(480, "Retry-After: 90")},
	"redirected by a script": {sippOptions{service: "elsewhere"}, scenario{
		send(inviteMessage()), trying, want(302, "Contact: .*sip:reception@192.0.2.7"), refused(1)}},
	"a script says why it hangs up": {sippOptions{service: "bye-congested"}, within(
		wantRequest("BYE", "Reason: Q.850;cause=(34|42)"), agreed)},
	// The caller's Contact leads nowhere: only the connection that is there does.
	"the server hangs up over the caller's connection": {sippOptions{service: "bye", transport: "t1"}, scenario{
		send(message{method: "INVITE", bare: true, headers: []string{"Contact: <sip:tester@[local_ip]:9;transport=tcp>", "Max-Forwards: 70"}, body: offer}),
		trying, want(200), ack, wantRequest("BYE", "BYE sip:tester@127.0.0.1:9"), agreed}},
	"reliable early media with a late offer": {sippOptions{service: "early"}, scenario{
		send(message{method: "INVITE", headers: []string{"Require: 100rel"}}), trying,
		strings.Replace(wantReliable(183), "<action>", `<action><ereg regexp="m=audio" search_in="msg" check_it="true" assign_to="seen"/>`, 1),
		send(message{method: "PRACK", tagged: true, seq: 2, headers: []string{"RAck: [$rseq] 1 INVITE"}, body: offer}), want(200),
		want(200), ack, goodbye(3), want(200)}},
	"a PRACK for what was never sent": {sippOptions{service: "reliable"}, scenario{
		send(inviteMessage("Require: 100rel")), trying, wantReliable(180),
		send(message{method: "PRACK", tagged: true, seq: 2, headers: []string{"RAck: 1 1 INVITE"}}), want(481),
		send(message{method: "PRACK", tagged: true, seq: 3, headers: []string{"RAck: [$rseq] 1 INVITE"}}), want(200),
		want(200), ack, goodbye(4), want(200)}},
	"CANCEL after the answer": {sippOptions{service: "echo"}, scenario{
		send(inviteMessage()), trying, want(200), giveUp, want(200), ack, bye, want(200)}},
	"hang up before the answer": {sippOptions{service: "ring"}, scenario{
		send(inviteMessage()), trying, want(180), bye, want(200), want(487), refused(1)}},
	"digits by RFC 4733": {sippOptions{service: "digits-rtp"}, scenario{
		send(message{method: "INVITE", body: strings.ReplaceAll(offer, "101", "96")}), trying, want(200), ack,
		`<nop><action><exec play_dtmf="4711*#"/></action></nop>`, wantRequest("BYE"), agreed}},
	// These take as long as the RFCs say.
	"never acknowledged": {sippOptions{service: "echo", seconds: 40}, scenario{
		send(inviteMessage()), trying, want(200), wantRequest("BYE", "Reason: Q.850;cause=102"), agreed}},
	"the server refreshes the session": {sippOptions{service: "echo", seconds: 60}, scenario{
		send(inviteMessage("Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE")), trying,
		want(200, "Session-Expires: 90;refresher=uas"), ack,
		saving("UPDATE", "Session-Expires: 90;refresher=uac"), answered("200 OK", "", []string{"Require: timer", "Session-Expires: 90;refresher=uac"}, ""),
		goodbye(2), want(200)}},
	"the server refreshes by re-INVITE": {sippOptions{service: "echo", seconds: 60}, scenario{
		send(inviteMessage("Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: INVITE, ACK, BYE, CANCEL")), trying,
		want(200, "Session-Expires: 90;refresher=uas"), ack,
		invited("Session-Expires: 90"), answered("200 OK", "", []string{"Require: timer", "Session-Expires: 90;refresher=uac"}, offer), wantRequest("ACK"),
		goodbye(2), want(200)}},
	"the caller does not refresh the session": {sippOptions{service: "echo", seconds: 80}, scenario{
		send(inviteMessage("Supported: timer", "Session-Expires: 90;refresher=uac")), trying, want(200, "Session-Expires: 90;refresher=uac"), ack,
		wantRequest("BYE", "Reason: Q.850;cause=102"), agreed}},
}

func TestDialogs(t *testing.T) {
	t.Parallel()
	for name, c := range dialogs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, sharedLab(t), c.steps, c.options)
		})
	}
}

// TestDigits compares the keys that were pressed with what the script read.
func TestDigits(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	for name, c := range map[string]struct {
		steps scenario
		said  string
	}{
		"digits-info": {simple["digits by INFO"].steps, "digits by info: 42"},
		"digits-rtp":  {dialogs["digits by RFC 4733"].steps, "digits by rtp: 4711*"},
	} {
		run(t, s, c.steps, sippOptions{service: name})
		s.awaitLog(c.said)
	}
}
