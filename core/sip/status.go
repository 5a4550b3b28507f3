package sip

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// TrunkStatus is how one trunk stands at one moment.
type TrunkStatus struct {
	Name      string
	Host      string
	Transport string
	User      string
	Address   string        // that its host was found at, "" before
	Register  bool          // it is to be registered with
	State     string        // "registered", "trying", "failed"; without registration "reachable", "unreachable", "unmonitored"
	Reason    string        // of the last failure, "" after a success
	Since     time.Time     // of State, where it was reached; zero before
	Refresh   time.Duration // how often it is registered
	Calls     int           // now
}

// Trunks tells how every trunk of the configuration stands, by name. Any goroutine.
func (e *Endpoint) Trunks() []TrunkStatus {
	s := e.settings.Load()
	list := make([]TrunkStatus, 0, len(s.trunks))
	for _, t := range s.trunks {
		e.mu.Lock()
		state, calls := e.trunks[t.Name], e.busy["trunk/"+t.Name]
		e.mu.Unlock()
		one := TrunkStatus{
			Name: t.Name, Host: t.Host, Transport: t.transport(), User: t.User, Register: t.Register,
			State: "trying", Refresh: t.expires(), Calls: calls,
		}
		if state != nil {
			state.tell(&one)
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b TrunkStatus) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// tell completes what is known of the trunk.
func (s *trunkState) tell(to *TrunkStatus) {
	if found := s.addresses.Load(); found != nil && len(*found) > 0 {
		to.Address = (*found)[0].String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to.Reason, to.Since = s.refusal, s.since
	switch {
	case !s.trunk.Register && s.trunk.Qualify <= 0:
		to.State = "unmonitored"
	case !s.trunk.Register && s.up.Load():
		to.State = "reachable"
	case !s.trunk.Register:
		to.State = "unreachable"
	case s.registered:
		to.State = "registered"
	case s.failures > 0:
		to.State = "failed"
	}
}

// BusyPhones counts the calls of phones now, by name. Any goroutine.
func (e *Endpoint) BusyPhones() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	busy := map[string]int{}
	for key, n := range e.busy {
		if name, ok := strings.CutPrefix(key, "phone/"); ok {
			busy[name] = n
		}
	}
	return busy
}

// Unregister forgets where a phone can be reached, until it registers again. It
// reports how many contacts that were.
func (e *Endpoint) Unregister(ctx context.Context, phone string) (int, error) {
	n := len(e.registrar.Lookup(phone))
	if n == 0 {
		return 0, nil
	}
	return n, e.registrar.Remove(ctx, phone)
}

// Hangup ends a leg by its id, and reports whether there was one. Any goroutine.
func (e *Endpoint) Hangup(ctx context.Context, id string, cause call.Cause) bool {
	for _, l := range e.snapshot() {
		if l.id == id {
			return l.Send(ctx, call.Hangup{Cause: cause}) == nil
		}
	}
	return false
}
