package call_test

import (
	"testing"

	"github.com/moonwire/moonwire/core/call"
)

// every returns the causes that have words of their own: those of the table.
func every() []call.Cause {
	var all []call.Cause
	for c := call.Cause(1); c < 128; c++ {
		if len(c.String()) < 6 || c.String()[:6] != "cause " {
			all = append(all, c)
		}
	}
	return all
}

func TestEveryCauseIsComplete(t *testing.T) {
	if n := len(every()); n != 28 {
		t.Errorf("%d causes in the table, want 28", n)
	}
	words := map[string]call.Cause{}
	for _, c := range every() {
		if s := c.SIPStatus(); s < 400 || s > 699 {
			t.Errorf("%v refuses with status %d", c, s)
		}
		if other, taken := words[c.String()]; taken {
			t.Errorf("causes %d and %d are both %q", c, other, c)
		}
		words[c.String()] = c
		if got, ok := call.CauseByName(c.String()); !ok || got != c {
			t.Errorf("CauseByName(%q) = %d", c, got)
		}
	}
}

// A cause that crosses a SIP trunk must still mean the same to the dialplan on
// the other side, but where SIP has no status of that meaning.
func TestCauseSurvivesSIP(t *testing.T) {
	lost := map[call.Cause]string{
		call.CauseAbsent:            "RFC 3398 sends 480, which says no answer",
		call.CauseDestinationFailed: "RFC 3398 sends 502, and reads it as a failure of the network",
		call.CauseBarred:            "RFC 3398 sends 403, and reads it as a rejection",
	}
	for _, c := range every() {
		back := call.CauseOf(c.SIPStatus())
		if back.DialStatus() != c.DialStatus() && lost[c] == "" {
			t.Errorf("%q (%s) comes back from status %d as %q (%s)",
				c, c.DialStatus(), c.SIPStatus(), back, back.DialStatus())
		}
	}
}

func TestEveryFinalStatusHasACauseOfTheTable(t *testing.T) {
	known := map[call.Cause]bool{}
	for _, c := range every() {
		known[c] = true
	}
	for status := 300; status < 700; status++ {
		if c := call.CauseOf(status); !known[c] {
			t.Errorf("status %d is cause %d, which has no words", status, c)
		}
	}
}

func TestStatusesThatUsersTellApart(t *testing.T) {
	for status, want := range map[int]call.DialStatus{
		404: call.DialUnavailable, 408: call.DialNoAnswer, 480: call.DialNoAnswer, 486: call.DialBusy,
		487: call.DialNoAnswer, 488: call.DialCongestion, 503: call.DialCongestion, 600: call.DialBusy, 603: call.DialBusy,
	} {
		if got := call.CauseOf(status).DialStatus(); got != want {
			t.Errorf("status %d dials as %s, want %s", status, got, want)
		}
	}
}

func TestCauseByName(t *testing.T) {
	for name, want := range map[string]call.Cause{
		"busy": call.CauseBusy, "17": call.CauseBusy, "user busy": call.CauseBusy, "congestion": call.CauseCongestion,
		"declined": call.CauseRejected, "127": call.CauseInterworking, "no_answer": call.CauseNoAnswer,
	} {
		if got, ok := call.CauseByName(name); !ok || got != want {
			t.Errorf("CauseByName(%q) = %d, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "0", "128", "-1", "engaged", "Busy "} {
		if got, ok := call.CauseByName(name); ok {
			t.Errorf("CauseByName(%q) = %d", name, got)
		}
	}
	if s := call.Cause(99).String(); s != "cause 99" {
		t.Errorf("unknown cause is %q", s)
	}
}
