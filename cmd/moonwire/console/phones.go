package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/sip"
)

var phoneCommands = []*Command{
	{Words: "phones", Summary: "phones and where they are registered", Run: showPhones},
	{Words: "trunks", Summary: "other systems and whether they can be reached", Run: showTrunks},
	{Words: "sip unregister", Args: []Arg{{Name: "PHONE", Complete: (*Session).phoneNames}}, Summary: "forget where a phone is registered", Run: unregister},
	{Words: "sip trace on", Args: []Arg{{Name: "PEER|ADDRESS", Optional: true, Complete: (*Session).peerNames}}, Summary: "show SIP messages here as they pass", Run: traceOn},
	{Words: "sip trace off", Summary: "show no more SIP messages", Run: traceOff},
}

func (s *Session) phoneNames() (list []string) {
	for _, p := range s.site().SIP.Phones {
		list = append(list, p.Name)
	}
	return list
}

func (s *Session) trunkNames() (list []string) {
	for _, t := range s.site().SIP.Trunks {
		list = append(list, t.Name)
	}
	return list
}

func (s *Session) peerNames() []string { return append(s.phoneNames(), s.trunkNames()...) }

// phone is one phone of the configuration with one of its contacts, if any.
type phone struct {
	sip.Phone
	contact *sip.Registration
	calls   int
}

func (p phone) state() string {
	switch {
	case p.contact == nil:
		return "not registered"
	case p.contact.Reachable == "unknown":
		return "registered"
	}
	return p.contact.Reachable
}

// phones are all of the configuration, sorted, each once for each contact.
func (s *Session) phones() (list []phone) {
	bound := map[string][]sip.Registration{}
	for _, r := range s.SIP.Registrations() {
		bound[r.Phone] = append(bound[r.Phone], r)
	}
	busy := s.SIP.BusyPhones()
	for _, p := range s.site().SIP.Phones {
		one := phone{Phone: p, calls: busy[p.Name]}
		for _, r := range bound[p.Name] {
			one.contact = &r
			list = append(list, one)
		}
		if one.contact == nil {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b phone) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func showPhones(r *Run) (Result, error) {
	t := &Table{Columns: columns("phone", "state", "address", "transport", "user_agent", "expires", "round_trip_ms", "calls", "context", "contact=-", "declared=-"), Empty: "no phones are declared"}
	registered := 0
	for _, p := range r.phones() {
		row := []any{p.Name, p.state(), nil, nil, nil, nil, nil, p.calls, p.Context, nil, p.Source}
		if c := p.contact; c != nil {
			registered++
			row[2], row[3], row[4], row[5], row[9] = c.Address, c.Transport, c.UserAgent, seconds(max(0, c.Expires.Sub(r.Now()))), c.Contact
			if c.RoundTrip > 0 {
				row[6] = c.RoundTrip.Milliseconds()
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Foot = fmt.Sprintf("%s, %d registered", count(len(r.site().SIP.Phones), "phone"), registered)
	return Result{Table: t}, nil
}

func showTrunks(r *Run) (Result, error) {
	t := &Table{Columns: columns("trunk", "state", "host", "user", "address", "since", "calls", "reason"), Empty: "no trunks are declared"}
	for _, k := range r.SIP.Trunks() {
		t.add(k.Name, k.State, k.Host, k.User, k.Address, k.Since.Truncate(time.Second), k.Calls, k.Reason)
	}
	return Result{Table: t}, nil
}

func unregister(r *Run) (Result, error) {
	name := r.arg(0)
	if !slices.Contains(r.phoneNames(), name) {
		return Result{}, fmt.Errorf("there is no phone %q; see phones", name)
	}
	n, err := r.SIP.Unregister(r, name)
	if err != nil {
		return Result{}, err
	}
	if n == 0 {
		return Result{}, fmt.Errorf("phone %s is not registered", name)
	}
	return Result{Text: fmt.Sprintf("forgot %s of %s, until it registers again", count(n, "contact"), name)}, nil
}

func traceOn(r *Run) (Result, error) {
	f := newPacketFilter(r.arg(0))
	if f.peer != "" && !slices.Contains(r.peerNames(), f.peer) {
		return Result{}, fmt.Errorf("%q is neither a phone, a trunk nor an address", f.peer)
	}
	out := r.out
	r.replace(&r.Session.wire, func() func() {
		return r.Wire.packets.subscribe(func(p sip.Packet) {
			if f.wants(p) {
				out.stream(frame{Stream: "sip", Text: packetText(p)})
			}
		})
	})
	whose := "all SIP messages are"
	if r.arg(0) != "" {
		whose = "SIP messages of " + r.arg(0) + " are"
	}
	return Result{Text: whose + " shown here as they pass; end it with sip trace off"}, nil
}

func traceOff(r *Run) (Result, error) {
	r.replace(&r.Session.wire, nil)
	return Result{Text: "SIP messages are not shown any more"}, nil
}
