package sip

import (
	"context"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

func TestTrunkStatus(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Trunks: []Trunk{
		{Name: "plain", Host: "198.51.100.9"},
		{Name: "asked", Host: "198.51.100.10", Qualify: time.Minute},
		{Name: "member", Host: "198.51.100.11", Register: true, User: "acme", Expires: time.Hour},
	}})
	states := func(want ...string) []TrunkStatus {
		t.Helper()
		list := w.e.Trunks()
		for i, name := range []string{"asked", "member", "plain"} {
			if list[i].Name != name || list[i].State != want[i] {
				t.Errorf("%s is %s, want %s", list[i].Name, list[i].State, want[i])
			}
		}
		return list
	}
	w.clock.Settle()
	list := states("unreachable", "trying", "unmonitored")
	if list[1].User != "acme" || list[1].Refresh != time.Hour || list[1].Address != "198.51.100.11" || !list[1].Register {
		t.Errorf("%+v", list[1])
	}
	w.clock.Advance(40 * time.Second) // past the end of the transaction (RFC 3261, 17.1.2.2)
	list = states("unreachable", "failed", "unmonitored")
	if list[1].Reason == "" {
		t.Errorf("no reason: %+v", list[1])
	}
}

func TestUnregister(t *testing.T) {
	w := newTheatre(t)
	w.command("phones", nil)
	w.register("Contact: <sip:1001@10.0.0.5:5062>;expires=600")
	if n, err := w.e.Unregister(context.Background(), "1001"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := w.e.Unregister(context.Background(), "1001"); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	if list := w.e.Registrations(); len(list) != 0 {
		t.Errorf("left are %+v", list)
	}
	if w.e.Hangup(context.Background(), "nobody", call.CauseNormal) {
		t.Error("nobody was hung up")
	}
}
