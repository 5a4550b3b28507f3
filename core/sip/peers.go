package sip

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sip/digest"
)

// peer is who a call is with: a phone, a trunk, or a guest.
type peer struct {
	phone   *Phone
	trunk   *Trunk
	guests  *Guests
	media   Media
	context string
}

func phonePeer(p *Phone) peer  { return peer{phone: p, media: p.Media, context: p.Context} }
func trunkPeer(t *Trunk) peer  { return peer{trunk: t, media: t.Media, context: t.Context} }
func guestPeer(g *Guests) peer { return peer{guests: g, media: g.Media, context: g.Context} }

// name is what Info shows; guests have none.
func (p *peer) name() string {
	switch {
	case p.phone != nil:
		return p.phone.Name
	case p.trunk != nil:
		return p.trunk.Name
	}
	return ""
}

// key tells phones and trunks of one name apart.
func (p *peer) key() string {
	switch {
	case p.phone != nil:
		return "phone/" + p.phone.Name
	case p.trunk != nil:
		return "trunk/" + p.trunk.Name
	}
	return ""
}

func (p *peer) limit() int {
	switch {
	case p.phone != nil:
		return p.phone.CallLimit
	case p.trunk != nil:
		return p.trunk.CallLimit
	}
	return 0
}

// trusted reports whether identities that the peer asserts are believed.
func (p *peer) trusted() bool { return p.trunk != nil && p.trunk.TrustIdentity }

// identify finds out who sends a request, or says how to turn it down.
//
// A trunk is known by its address. Anyone else who claims a phone's name has to
// prove it. Whoever is left is a guest where guests are let in from there; all
// others are asked for a password that cannot exist, so that nobody learns from
// our answers which names do.
func (e *Endpoint) identify(req *sipgo.Request, f flow) (peer, *answer) {
	s := e.settings.Load()
	source := f.remote.Addr()
	if t := e.trunkAt(s, source); t != nil {
		if !t.Auth {
			return trunkPeer(t), nil
		}
		return trunkPeer(t), e.authenticate(req, f, func(user string) (digest.Credential, bool) {
			return digest.Credential{Password: t.Password}, user == t.authUser()
		})
	}
	name := user(&req.From().Address)
	if s.phones[name] == nil && len(values(req, "authorization")) == 0 && len(values(req, "proxy-authorization")) == 0 {
		if g := s.welcome(source); g != nil {
			return guestPeer(g), nil
		}
	}
	proven, refusal := e.proven(req, f, s)
	if refusal != nil {
		return peer{}, refusal
	}
	return phonePeer(proven), nil
}

// proven asks a phone for its password.
func (e *Endpoint) proven(req *sipgo.Request, f flow, s *settings) (*Phone, *answer) {
	var who *Phone
	refusal := e.authenticate(req, f, func(user string) (digest.Credential, bool) {
		if p := s.phones[user]; p != nil {
			who = p
			return digest.Credential{Password: p.Password}, true
		}
		return digest.Credential{}, false
	})
	return who, refusal
}

// silence turns a request down by not answering it.
var silence = answer{status: 0}

// turnDown answers a request that will not be served.
func (e *Endpoint) turnDown(tx *serverTx, req *sipgo.Request, a answer) {
	if a.status == silence.status {
		tx.forget()
		return
	}
	e.reply(tx, req, a)
}

// authenticate verifies a request's credentials; where they will not do it says
// how to turn the request down. Wrong password and unknown user get the same
// answer after the same work; a source that goes on guessing gets silence.
func (e *Endpoint) authenticate(req *sipgo.Request, f flow, lookup digest.Lookup) *answer {
	source := f.remote
	headers := append(values(req, "authorization"), values(req, "proxy-authorization")...)
	if len(headers) > 0 && !e.limiter.Allowed(source.Addr()) {
		e.stats.throttled.Add(1)
		return &silence
	}
	server := e.digest.Load()
	result := server.Verify(headers, digest.Request{Method: string(req.Method), URI: req.Recipient.String(), Body: req.Body()}, lookup)
	switch result.Outcome {
	case digest.Accepted:
		return nil
	case digest.Missing, digest.Stale:
		a := &answer{status: 401}
		for _, c := range server.Challenge(result.Outcome == digest.Stale) {
			a.fields = append(a.fields, field{"WWW-Authenticate", c})
		}
		return a
	case digest.Malformed:
		e.failed(req, source, result)
		return &answer{status: 400}
	}
	e.failed(req, source, result)
	return &answer{status: 403}
}

// failed tells the log and scripts of a guess.
func (e *Endpoint) failed(req *sipgo.Request, source netip.AddrPort, r digest.Result) {
	e.limiter.Failed(source.Addr())
	e.stats.authFailures.Add(1)
	e.log.Warn("authentication failed", slog.String("event", "auth_failed"), slog.String("source", source.Addr().String()),
		slog.String("user", r.User), slog.String("method", string(req.Method)), slog.String("reason", r.Reason))
	e.onEvent(Event{Kind: "auth_failed", Peer: r.User, Address: source.String(), Reason: r.Reason})
}

// welcome is the rule that lets a source in, nil where none does.
func (s *settings) welcome(source netip.Addr) *Guests {
	for i := range s.Guests {
		g := &s.Guests[i]
		if len(g.From) == 0 {
			return g
		}
		for _, p := range g.From {
			if p.Contains(source) {
				return g
			}
		}
	}
	return nil
}

// trunkAt is the trunk that calls from an address: by its own rules first, then
// by where its host was found.
func (e *Endpoint) trunkAt(s *settings, source netip.Addr) *Trunk {
	for _, t := range s.trunks {
		for _, p := range t.Match {
			if p.Contains(source) {
				return t
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, t := range s.trunks {
		if state := e.trunks[name]; state != nil && state.at(source) {
			return t
		}
	}
	return nil
}

// refusalOf is the answer to a call that cannot be taken.
func refusalOf(err error) answer {
	a := answer{status: 503, fields: []field{{"Retry-After", "10"}, reason(call.CauseSwitchCongestion)}}
	if errors.Is(err, errPeerLimit) {
		a.status, a.fields = 486, []field{reason(call.CauseBusy)}
	}
	return a
}

// extensionOf is the number that a call asks for. A trunk that calls the contact
// which we registered with it calls the extension of its configuration.
func extensionOf(req *sipgo.Request, p *peer) string {
	number := user(&req.Recipient)
	if p.trunk != nil && p.trunk.Register && (number == "" || strings.EqualFold(number, p.trunk.User)) {
		if number = p.trunk.RegisterAs; number == "" {
			number = p.trunk.User
		}
	}
	if number == "" {
		return "s"
	}
	return number
}
