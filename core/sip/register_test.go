package sip

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// register sends a REGISTER with the right password and returns the last answer.
func (w *theatre) register(lines ...string) string {
	w.t.Helper()
	w.sent = nil
	base := []string{"From: <sip:1001@192.0.2.1>;tag=r", "To: <sip:1001@192.0.2.1>"}
	w.serial += 10
	s := step{text: "REGISTER sip:192.0.2.1", lines: append(append(base, "CSeq: "+digits(w.serial)+" REGISTER"), lines...)}
	w.deliver(w.compose(s), w.from)
	challenge := w.sent[len(w.sent)-1].text
	if !strings.HasPrefix(challenge, "SIP/2.0 401") {
		w.t.Fatalf("no challenge but %s", challenge)
	}
	auth := strings.TrimSpace(authorize(w.t, challenge, "REGISTER", "sip:192.0.2.1", "1001", "secret"))
	s.lines = append(s.lines, auth)
	s.lines[2] = "CSeq: " + digits(w.serial+1) + " REGISTER"
	w.deliver(w.compose(s), w.from)
	return w.sent[len(w.sent)-1].text
}

func digits(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func TestRegister(t *testing.T) {
	w := newTheatre(t)
	w.command("phones", nil)
	for _, c := range []struct {
		name  string
		lines []string
		want  []string // in the answer; the first is how it begins
		bound int
	}{
		{"asks", nil, []string{"SIP/2.0 200"}, 0},
		{"binds", []string{"Contact: <sip:1001@10.0.0.5:5062>;expires=600", "Path: <sip:edge.example;lr>", "Supported: path"},
			[]string{"SIP/2.0 200", "Contact: <sip:1001@10.0.0.5:5062>;expires=600", "Path: <sip:edge.example;lr>", "Date: Sat, 21 Nov 2026 12:00:00 GMT"}, 1},
		{"second device", []string{"Contact: <sip:1001@10.0.0.6>", "Expires: 120"}, []string{"SIP/2.0 200", "10.0.0.5:5062", "10.0.0.6>;expires=120"}, 2},
		{"too brief", []string{"Contact: <sip:1001@10.0.0.7>;expires=5"}, []string{"SIP/2.0 423", "Min-Expires: 60"}, 2},
		{"nonsense", []string{"Contact: <sip:1001@10.0.0.7"}, []string{"SIP/2.0 400"}, 2},
		{"star with contacts", []string{"Contact: *", "Expires: 60"}, []string{"SIP/2.0 400"}, 2},
		{"someone else", []string{"To: <sip:1002@192.0.2.1>", "Contact: <sip:1001@10.0.0.7>"}, []string{"SIP/2.0 403"}, 2},
		{"one leaves", []string{"Contact: <sip:1001@10.0.0.6>;expires=0"}, []string{"SIP/2.0 200", "10.0.0.5"}, 1},
		{"all leave", []string{"Contact: *", "Expires: 0"}, []string{"SIP/2.0 200"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.register(c.lines...)
			for i, want := range c.want {
				if i == 0 && !strings.HasPrefix(got, want) || !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if list := w.e.Registrations(); len(list) != c.bound {
				t.Errorf("bound are %+v", list)
			}
		})
	}
}

// A phone behind NAT is called where it registered from, by its Path.
func TestCallBehindNATByPath(t *testing.T) {
	w := newTheatre(t)
	w.command("phones", nil)
	w.from = "203.0.113.77:1024"
	w.register("Contact: <sip:1001@10.0.0.5:5062>", "Path: <sip:203.0.113.77;lr>")
	w.sent = nil
	if err := w.command("dial 1001", nil); err != nil || w.dialErr != nil {
		t.Fatal(err, w.dialErr)
	}
	m := w.sent[0]
	if m.to.String() != "203.0.113.77:1024" || !strings.HasPrefix(m.text, "INVITE sip:1001@10.0.0.5:5062 ") ||
		headerIn(m.text, "Route") != "<sip:203.0.113.77;lr>" {
		t.Errorf("to %s\n%s", m.to, m.text)
	}
}

func TestRegistrationExpires(t *testing.T) {
	w := newTheatre(t)
	w.command("phones", nil)
	w.register("Contact: <sip:1001@10.0.0.5>", "Expires: 60")
	w.clock.Advance(61 * time.Second)
	if problem := w.check("told registered 1001"); problem != "" {
		t.Error(problem)
	}
	if problem := w.check("told expired 1001"); problem != "" {
		t.Error(problem)
	}
	if err := w.command("dial 1001", nil); err != nil || w.dialErr == nil {
		t.Error("an expired phone can be dialled")
	}
}

// An authenticated phone calls with its own context and identity; a nonce is
// good for one request only.
func TestPhoneCalls(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Phones: []Phone{{Name: "1001", Password: "secret", Context: "internal", Caller: call.Party{Number: "+4930100", Name: "Desk"}}}})
	invite := step{text: "INVITE", lines: []string{"From: \"Boss\" <sip:1001@192.0.2.1>;tag=p", "+sdp pcmu 198.51.100.9 4000"}}
	w.deliver(w.compose(invite), w.from)
	auth := strings.TrimSpace(authorize(t, w.sent[0].text, "INVITE", "sip:600@192.0.2.1", "1001", "secret"))
	invite.lines = append(invite.lines, auth, "CSeq: 2 INVITE")
	w.deliver(w.compose(invite), w.from)
	if w.leg == nil {
		t.Fatalf("no call, but\n%s", w.dump())
	}
	if i := w.leg.Info(); i.Caller.Number != "+4930100" || i.Caller.Name != "Desk" || i.Context != "internal" || i.Peer != "1001" {
		t.Errorf("info is %+v", i)
	}
	w.sent = nil
	invite.lines[len(invite.lines)-1] = "CSeq: 3 INVITE"
	invite.lines = append(invite.lines, "Call-ID: replay")
	w.deliver(w.compose(invite), w.from)
	if len(w.legs) != 1 || !strings.Contains(w.dump(), "stale=true") {
		t.Errorf("a replayed proof is not called stale:\n%s", w.dump())
	}
}

// What the media tells becomes events of the leg.
func TestMediaEvents(t *testing.T) {
	w := newTheatre(t)
	w.command("guests", nil)
	w.deliver(w.compose(step{text: "INVITE", lines: []string{"+sdp pcmu 198.51.100.9 4000"}}), w.from)
	w.leg.Send(context.Background(), call.Answer{})
	o := w.audio.options
	o.digit(call.Digit{Key: '7', Via: call.ViaRTP})
	o.silence(30 * time.Second)
	o.format(call.FormatOf(call.PCMA))
	for _, want := range []string{"Digit 7 0s rtp", "MediaLost", "MediaChanged alaw/8000"} {
		if problem := w.check(want); problem != "" {
			t.Errorf("%s: %s", want, problem)
		}
	}
	if w.leg.Media().Format() != w.audio.Format() || w.e.Name() != "sip" || len(w.e.Calls()) != 1 {
		t.Error("the leg does not show its media, or the endpoint its call")
	}
}

// A trunk stays registered while other things change, and is qualified.
func TestTrunkOverConfigurations(t *testing.T) {
	w := newTheatre(t)
	c := Config{Trunks: []Trunk{{Name: "t", Host: "198.51.100.9", Qualify: time.Minute}}}
	w.config(c)
	state := w.e.trunks["t"]
	c.Trunks[0].Context = "elsewhere"
	w.config(c)
	if w.e.trunks["t"] != state || state.trunk.Context != "elsewhere" {
		t.Error("a change of context began the trunk anew")
	}
	w.clock.Advance(time.Minute)
	w.clock.Settle()
	if problem := w.expect(step{text: "OPTIONS sip:198.51.100.9"}); problem != "" {
		t.Fatal(problem)
	}
	w.deliver(w.compose(step{text: "SIP/2.0 200 OK", lines: []string{"of: OPTIONS"}}), w.from)
	if problem := w.check("told reachable t"); problem != "" {
		t.Error(problem)
	}
	w.clock.Advance(2 * time.Minute)
	if problem := w.check("told unreachable t"); problem != "" {
		t.Error(problem)
	}
}
