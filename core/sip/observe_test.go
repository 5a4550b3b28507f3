package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// observed writes a packet as "leg peer way first-line".
func observed(p Packet) string {
	way, again := "<-", ""
	if p.Sent {
		way = "->"
	}
	if p.Again {
		again = " again"
	}
	leg := "-"
	if p.Leg != "" {
		leg = "leg"
	}
	line, _, _ := strings.Cut(string(p.Octets), " sip:")
	line, _, _ = strings.Cut(line, "\r\n")
	return fmt.Sprintf("%s %s%s %s", leg, way, again, line)
}

func observe(w *theatre) *[]string {
	seen := new([]string)
	w.e.onMessage = func(p Packet) {
		if p.CallID == "" || p.Transport != "udp" || !p.Local.IsValid() || !p.Remote.IsValid() || p.At != w.clock.Now() {
			w.t.Errorf("incomplete: %+v", p)
		}
		*seen = append(*seen, observed(p))
	}
	return seen
}

// Each message of a call is shown once, in order, with the leg that it belongs
// to, and its repetitions as such.
func TestMessagesAreObserved(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Guests: []Guests{{Context: "public"}}})
	seen := observe(w)
	invite := step{text: "INVITE", lines: []string{"Branch: one", "Contact: <sip:alice@198.51.100.9:5060>", "+sdp pcmu 198.51.100.9 4000"}}
	w.deliver(w.compose(invite), w.from)
	w.leg.Send(t.Context(), call.Ring{})
	w.deliver(w.compose(invite), w.from)
	w.leg.Send(t.Context(), call.Answer{})
	w.clock.Advance(600 * time.Millisecond)
	w.clock.Settle()
	tag := w.leg.(*leg).tag
	ack := step{text: "ACK", lines: []string{"To: <sip:600@192.0.2.1>;tag=" + tag}}
	w.deliver(w.compose(ack), w.from)
	w.deliver(w.compose(ack), w.from)
	bye := step{text: "BYE", lines: []string{"Branch: two", "CSeq: 2 BYE", "To: <sip:600@192.0.2.1>;tag=" + tag}}
	w.deliver(w.compose(bye), w.from)
	w.deliver(w.compose(bye), w.from)
	want := []string{
		"leg <- INVITE", "leg -> SIP/2.0 180 Ringing", "leg <- again INVITE", "leg -> again SIP/2.0 180 Ringing",
		"leg -> SIP/2.0 200 OK", "leg -> again SIP/2.0 200 OK", "leg <- ACK", "leg <- again ACK",
		"leg <- BYE", "leg -> SIP/2.0 200 OK", "leg <- again BYE", "leg -> again SIP/2.0 200 OK",
	}
	if got := strings.Join(*seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("seen:\n%s", got)
	}
}

// What we send is shown with its repetitions, and so are answers.
func TestOwnMessagesAreObserved(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Phones: []Phone{{Name: "1001", Media: Media{NAT: true}}}})
	if err := bindContact(w.e, "1001", "sip:1001@198.51.100.9:5060", w.from); err != nil {
		t.Fatal(err)
	}
	seen := observe(w)
	l, err := w.e.Dial(t.Context(), call.Target{Address: "1001"})
	if err != nil {
		t.Fatal(err)
	}
	w.adopt(l)
	w.clock.Advance(600 * time.Millisecond)
	w.clock.Settle()
	w.requests = append(w.requests, w.sent[0])
	busy := w.compose(step{text: "SIP/2.0 486 Busy Here"})
	w.deliver(busy, w.from)
	w.deliver(busy, w.from)
	want := "leg -> INVITE\nleg -> again INVITE\nleg <- SIP/2.0 486 Busy Here\nleg -> ACK\nleg <- again SIP/2.0 486 Busy Here\nleg -> again ACK"
	if got := strings.Join(*seen, "\n"); got != want {
		t.Errorf("seen:\n%s", got)
	}
}

// A call that is challenged has no leg yet; the Call-ID ties it to the one that it becomes.
func TestObservedWithoutLeg(t *testing.T) {
	w := newTheatre(t)
	seen := observe(w)
	w.deliver(w.compose(step{text: "INVITE"}), w.from)
	w.deliver(w.compose(step{text: "OPTIONS", lines: []string{"Call-ID: other"}}), w.from)
	w.deliver(w.compose(step{text: "INVITE", lines: []string{"To: <sip:1@x>;tag=gone", "Call-ID: third"}}), w.from)
	want := "- <- INVITE\n- -> SIP/2.0 401 Unauthorized\n- <- OPTIONS\n- -> SIP/2.0 200 OK\n- <- INVITE\n- -> SIP/2.0 481 Call/Transaction Does Not Exist"
	if got := strings.Join(*seen, "\n"); got != want {
		t.Errorf("seen:\n%s", got)
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	w := newTheatre(t)
	octets, f, n := []byte("OPTIONS"), flow{udp, netip.MustParseAddrPort(w.from), testSocket}, 0
	for _, observer := range []func(Packet){nil, func(Packet) { n++ }} {
		w.e.onMessage = observer
		if got := testing.AllocsPerRun(100, func() { w.e.show(f, octets, about{}, true, false) }); got != 0 {
			t.Errorf("%v allocations", got)
		}
	}
	if n == 0 {
		t.Error("nothing observed")
	}
}
