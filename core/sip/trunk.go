package sip

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/clock"
)

// trunkState is what becomes of one trunk over time: where its host is found,
// whether it answers, and our registration with it.
//
// Registration is a loop of alarms: look the host up, send REGISTER, answer the
// challenge, and come back before it expires, or after a growing pause when it
// failed (RFC 5626, 4.5). Each attempt goes to the next address of the host.
type trunkState struct {
	endpoint  *Endpoint
	addresses atomic.Pointer[[]netip.Addr] // that the host stands for
	up        atomic.Bool

	mu         sync.Mutex
	trunk      *Trunk
	closed     bool
	timer      clock.Timer
	qualify    clock.Timer
	callID     string
	tag        string
	seq        uint32
	expires    time.Duration // asked for; grows when 423 says so
	failures   int
	registered bool
	refusal    string    // why the last attempt failed
	since      time.Time // of the last change between registered and not
	contact    string
	flow       flow
	auth       credentials
	gone       chan struct{} // closed when the registration is taken back, or cannot be
	left       bool
}

const (
	firstPause = 5 * time.Second
	lastPause  = 5 * time.Minute
	lookAgain  = 5 * time.Minute // host names are looked up this often
)

func newTrunkState(e *Endpoint, t *Trunk) *trunkState {
	s := &trunkState{endpoint: e, trunk: t, callID: e.token(12), tag: e.token(8), expires: t.expires()}
	if host, _, err := splitHost(t.Host); err == nil {
		if a, err := netip.ParseAddr(host); err == nil { // its calls are welcome at once
			s.addresses.Store(&[]netip.Addr{a.Unmap()})
		}
	}
	return s
}

// at reports whether the trunk's host has this address.
func (s *trunkState) at(a netip.Addr) bool {
	list := s.addresses.Load()
	return list != nil && slices.Contains(*list, a)
}

// same reports whether a new configuration leaves the registration as it is.
func (s *trunkState) same(t *Trunk) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.trunk
	return o.Host == t.Host && o.Transport == t.Transport && o.User == t.User && o.AuthUser == t.AuthUser &&
		o.Password == t.Password && o.FromDomain == t.FromDomain && o.OutboundProxy == t.OutboundProxy &&
		o.Register == t.Register && o.RegisterAs == t.RegisterAs && o.Expires == t.Expires && o.Qualify == t.Qualify
}

func (s *trunkState) adopt(t *Trunk) {
	s.mu.Lock()
	s.trunk = t
	s.mu.Unlock()
}

func (s *trunkState) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan(0)
	if s.trunk.Qualify > 0 {
		s.qualify = s.endpoint.clock.AfterFunc(s.trunk.Qualify, s.ask)
	}
}

// plan sets the next attempt; s.mu is held.
func (s *trunkState) plan(d time.Duration) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if !s.closed {
		s.timer = s.endpoint.clock.AfterFunc(d, func() { s.background(s.attempt) })
	}
}

// background runs f, which may wait for DNS, on a goroutine of its own.
func (s *trunkState) background(f func()) {
	e := s.endpoint
	e.clock.Hold()
	go func() {
		defer e.clock.Release()
		defer e.survive("trunk")
		f()
	}()
}

// attempt looks the host up and registers where the trunk wants that.
func (s *trunkState) attempt() {
	s.mu.Lock()
	t, failures, closed := s.trunk, s.failures, s.closed
	s.mu.Unlock()
	if closed {
		return
	}
	e := s.endpoint
	list, err := e.trunkHops(e.life, t)
	if err == nil {
		s.learn(list)
	}
	if !t.Register {
		s.mu.Lock()
		s.plan(lookAgain)
		s.mu.Unlock()
		return
	}
	if err != nil {
		s.failed("host not found: " + err.Error())
		return
	}
	to := list[failures%len(list)]
	if err := e.transport.connect(e.life, to.flow, to.host); err != nil {
		s.failed(err.Error())
		return
	}
	s.send(to.flow, s.expires, nil)
}

// learn notes the addresses whose calls are the trunk's.
func (s *trunkState) learn(list []hop) {
	var found []netip.Addr
	for _, h := range list {
		found = append(found, h.flow.remote.Addr())
	}
	s.addresses.Store(&found)
}

// trunkHops is where requests to a trunk go.
func (e *Endpoint) trunkHops(ctx context.Context, t *Trunk) ([]hop, error) {
	n, _ := networkNamed(t.transport())
	target := t.Host
	if t.OutboundProxy != "" {
		target = t.OutboundProxy
	}
	host, port, err := splitHost(target)
	if err != nil {
		return nil, err
	}
	return e.hops(ctx, n, t.Transport != "", host, port)
}

// send registers, or unregisters with expires 0.
func (s *trunkState) send(to flow, expires time.Duration, auth []field) {
	s.mu.Lock()
	e, t := s.endpoint, s.trunk
	s.seq++
	name := t.RegisterAs
	if name == "" {
		name = t.User
	}
	s.flow, s.contact = to, e.contact(to, name)
	host := t.domain()
	aor := "<sip:" + escapeUser(t.User) + "@" + host + ">"
	r := &request{
		method: "REGISTER", uri: "sip:" + strings.TrimSuffix(t.Host, ":5060"), flow: to, via: e.sentBy(to), branch: e.branch(),
		from: aor + ";tag=" + s.tag, to: aor, callID: s.callID, seq: s.seq, contact: s.contact,
		fields: append([]field{{"Expires", strconv.Itoa(int(expires / time.Second))}, {"Supported", "path"}, {"Allow", allow}}, auth...),
		agent:  e.settings.Load().agent,
		about:  about{peer: t.Name, callID: s.callID},
	}
	s.mu.Unlock()
	_, err := e.transactions.start(r, func(res *sipgo.Response, err error) {
		if err != nil {
			s.failed(err.Error())
			return
		}
		s.answered(res, r, expires)
	})
	if err != nil {
		s.failed(err.Error())
	}
}

// answered takes the answer to a REGISTER.
func (s *trunkState) answered(res *sipgo.Response, r *request, expires time.Duration) {
	switch status := res.StatusCode; {
	case status < 200:
	case status < 300:
		if expires > 0 {
			s.succeeded(granted(res, s.contact, expires))
			return
		}
		s.leave()
	case status == 401 || status == 407:
		s.mu.Lock()
		auth, err := s.auth.answer(res, r, s.trunk.authUser(), s.trunk.Password, s.endpoint)
		s.mu.Unlock()
		if err != nil {
			s.failed("refused: " + err.Error())
			return
		}
		s.send(r.flow, expires, auth)
	case status == 423 && expires > 0:
		least, ok := seconds(value(res, "min-expires"))
		if !ok || least <= expires || least > 24*time.Hour {
			s.failed("423 without a usable Min-Expires")
			return
		}
		s.mu.Lock()
		s.expires = least
		s.auth.reset() // the new request may be challenged anew
		s.mu.Unlock()
		s.send(r.flow, least, nil)
	default:
		s.failed(strconv.Itoa(status) + " " + res.Reason)
	}
}

// granted is how long a registration lasts: the expires of our own contact, or
// the header's (RFC 3261, 10.2.4).
func granted(res *sipgo.Response, contact string, asked time.Duration) time.Duration {
	ours := strings.Trim(contact, "<>")
	for _, v := range values(res, "contact") {
		if strings.Contains(v, ours) {
			_, after, _ := strings.Cut(v, ">")
			if text, ok := parameter(after, "expires"); ok {
				if d, ok := seconds(text); ok && d > 0 {
					return d
				}
			}
		}
	}
	if d, ok := seconds(value(res, "expires")); ok && d > 0 {
		return d
	}
	return asked
}

func (s *trunkState) succeeded(life time.Duration) {
	s.mu.Lock()
	news := !s.registered
	if news {
		s.since = s.endpoint.clock.Now()
	}
	s.registered, s.failures, s.refusal = true, 0, ""
	s.auth.reset()
	s.up.Store(true)
	// Before it expires, with time for a few attempts.
	s.plan(max(life-min(life/4, 30*time.Second), time.Second))
	name, to := s.trunk.Name, s.flow.remote
	s.mu.Unlock()
	if news {
		s.endpoint.log.Info("trunk registered", "trunk", name, "address", to.String(), "for", life.String())
		s.endpoint.onEvent(Event{Kind: "trunk_registered", Peer: name, Address: to.String()})
	}
}

func (s *trunkState) failed(why string) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.endpoint.log.Info("trunk not unregistered", "trunk", s.trunk.Name, "reason", why)
		s.leave()
		return
	}
	pause := min(firstPause<<min(s.failures, 10), lastPause)
	pause += s.endpoint.within(pause / 4) // so that many do not come back at once
	news := s.registered || s.failures == 0
	if s.registered {
		s.since = s.endpoint.clock.Now()
	}
	s.failures++
	s.registered, s.refusal = false, why
	s.auth.reset()
	s.plan(pause)
	name, to := s.trunk.Name, s.flow.remote
	s.mu.Unlock()
	s.endpoint.log.Warn("trunk not registered", "trunk", name, "reason", why, "again_in", pause.Round(time.Second).String())
	if news {
		s.endpoint.onEvent(Event{Kind: "trunk_failed", Peer: name, Address: to.String(), Reason: why})
	}
}

// ask qualifies the trunk.
func (s *trunkState) ask() {
	s.mu.Lock()
	t, closed := s.trunk, s.closed
	if !closed {
		s.qualify = s.endpoint.clock.AfterFunc(t.Qualify, s.ask)
	}
	s.mu.Unlock()
	if closed {
		return
	}
	s.background(func() {
		e := s.endpoint
		list, err := e.trunkHops(e.life, t)
		if err != nil {
			s.reached(t, false, 0)
			return
		}
		s.learn(list)
		if err := e.transport.connect(e.life, list[0].flow, list[0].host); err != nil {
			s.reached(t, false, 0)
			return
		}
		e.ping(t.Name, list[0].flow, "sip:"+t.Host, func(up bool, took time.Duration) { s.reached(t, up, took) })
	})
}

func (s *trunkState) reached(t *Trunk, up bool, took time.Duration) {
	if s.up.Swap(up) == up {
		return
	}
	kind := "unreachable"
	if up {
		kind = "reachable"
	}
	s.endpoint.log.Info("trunk "+kind, "trunk", t.Name, "round_trip", took.String())
	s.endpoint.onEvent(Event{Kind: kind, Peer: t.Name})
}

// leave says that nothing more is to be waited for.
func (s *trunkState) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left && s.gone != nil {
		s.left = true
		close(s.gone)
	}
}

// retire ends all alarms and takes the registration back.
func (s *trunkState) retire() {
	s.mu.Lock()
	s.closed = true
	s.gone = make(chan struct{})
	for _, timer := range [...]clock.Timer{s.timer, s.qualify} {
		if timer != nil {
			timer.Stop()
		}
	}
	registered, to := s.registered, s.flow
	s.registered = false
	s.mu.Unlock()
	if registered {
		s.send(to, 0, nil)
	} else {
		s.leave()
	}
}

// wait returns when the far end knows that we retired, or ctx ends.
func (s *trunkState) wait(ctx context.Context) {
	select {
	case <-s.gone:
	case <-ctx.Done():
	}
}
