package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sip/registrar"
)

// destination is one place that a call is sent to.
type destination struct {
	uri    string
	routes []string
	hops   []hop // known already; empty = to be looked up
	lookup func(ctx context.Context) ([]hop, error)
	to     string // To, where it is not uri
}

// settle looks an address up at once where that takes no waiting, so that the
// call needs no goroutine.
func (d *destination) settle(ctx context.Context, host string) {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		d.hops, _ = d.lookup(ctx)
	}
}

// Dial calls a phone by its name, on all devices that it registered ("1001"), a
// number by a trunk ("0123@provider", "provider/0123"), or an address
// ("sip:bob@example.org:5080;transport=tcp"). See call.Endpoint.
func (e *Endpoint) Dial(ctx context.Context, t call.Target) (call.Leg, error) {
	s := e.settings.Load()
	p, list, err := e.route(s, t.Address)
	if err != nil {
		return nil, fmt.Errorf("sip: dial %s: %w", t.Address, err)
	}
	l := e.newLeg(p, false)
	l.info.Caller, l.info.Extension, l.info.Called = t.Caller, t.Address, call.Party{Number: t.Address}
	if t.Language != "" {
		l.info.Language = t.Language
	}
	if t.Context != "" {
		l.info.Context = t.Context
	}
	l.codecs = preferred(p.media.Codecs, t)
	watch := func(*outgoing) { l.onRelease = l.abandonAfter(ctx) }
	if err := e.launch(l, t, list, t.Beside, watch); err != nil {
		return nil, fmt.Errorf("sip: dial %s: %w", t.Address, err)
	}
	return l, nil
}

// launch counts an outgoing leg in and sends its INVITEs; prepare is called
// before that, under the lock.
func (e *Endpoint) launch(l *leg, t call.Target, list []destination, beside call.Leg, prepare func(*outgoing)) error {
	p := &l.peer
	if err := e.admit(l, p.key(), p.limit()); err != nil {
		if p.phone != nil && errors.Is(err, errPeerLimit) { // to callers it is engaged; a full trunk is congested
			err = fmt.Errorf("%w: %w", call.ErrBusy, err)
		}
		return err
	}
	if err := l.openMedia(beside); err != nil {
		e.dismiss(l)
		return err
	}
	e.stats.outgoing.Add(1)
	l.log.Info("outgoing call", "peer", p.name(), "to", t.Address, "from", t.Caller.Number, "branches", len(list))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uac = &outgoing{target: t, left: len(list)}
	for _, d := range list {
		l.uac.branches = append(l.uac.branches, l.newBranch(d))
	}
	prepare(l.uac)
	for _, b := range slices.Clone(l.uac.branches) {
		b.begin()
	}
	return nil
}

// abandonAfter gives an attempt up when ctx ends.
func (l *leg) abandonAfter(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.state < call.Answered {
			l.abandon(call.CauseNormal)
			l.end(call.HungUp{Cause: call.CauseNormal, Reason: "given up", ByUs: true})
		}
	})
}

// preferred orders codecs so that the leg beside need not be transcoded.
func preferred(codecs []call.Codec, t call.Target) []call.Codec {
	if len(t.Codecs) > 0 {
		codecs = t.Codecs
	}
	if t.Beside == nil {
		return codecs
	}
	beside := t.Beside.Info().Format.Codec
	at := slices.Index(codecs, beside)
	if at <= 0 {
		return codecs
	}
	list := append([]call.Codec{beside}, codecs[:at]...)
	return append(list, codecs[at+1:]...)
}

// route finds whom an address means and where that is.
func (e *Endpoint) route(s *settings, to string) (peer, []destination, error) {
	if strings.ContainsAny(to, "\r\n\t <>\"") || to == "" {
		return peer{}, nil, fmt.Errorf("%q: %w", to, call.ErrUnknownTarget)
	}
	if scheme, _, ok := strings.Cut(to, ":"); ok && (scheme == "sip" || scheme == "sips") {
		d, err := e.direct(to)
		p := peer{media: Media{NAT: true}}
		p.media.complete(s.Codecs)
		return p, []destination{d}, err
	}
	if number, name, ok := strings.Cut(to, "@"); ok {
		if t := s.trunks[name]; t != nil {
			return trunkPeer(t), []destination{e.byTrunk(t, number)}, nil
		}
	}
	if name, number, ok := strings.Cut(to, "/"); ok {
		if t := s.trunks[name]; t != nil {
			return trunkPeer(t), []destination{e.byTrunk(t, number)}, nil
		}
	}
	p := s.phones[to]
	if p == nil {
		return peer{}, nil, call.ErrUnknownTarget
	}
	var list []destination
	for _, b := range e.registrar.Lookup(to) {
		if b.Reachable == registrar.Down {
			continue
		}
		list = append(list, e.byBinding(p, b))
	}
	if len(list) == 0 {
		return peer{}, nil, fmt.Errorf("phone %s is not registered: %w", to, call.ErrUnreachable)
	}
	return phonePeer(p), list, nil
}

// byBinding reaches one device of a phone. Its Contact stays the Request-URI as
// the device wrote it; only the way there is ours.
func (e *Endpoint) byBinding(p *Phone, b registrar.Binding) destination {
	f := e.bindingHop(p, b)
	return destination{uri: b.Contact, routes: b.Path, hops: []hop{{flow: f}}}
}

// byTrunk reaches a number by a trunk.
func (e *Endpoint) byTrunk(t *Trunk, number string) destination {
	host, port, _ := splitHost(t.Host)
	if port != 0 {
		host = net.JoinHostPort(host, fmt.Sprint(port))
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	d := destination{uri: "sip:" + escapeUser(number) + "@" + host}
	if n, _ := networkNamed(t.transport()); n != udp {
		d.uri += ";transport=" + n.String()
	}
	if t.OutboundProxy != "" {
		d.routes = []string{"<sip:" + t.OutboundProxy + ";lr>"}
	}
	d.lookup = func(ctx context.Context) ([]hop, error) { return e.trunkHops(ctx, t) }
	target, _, _ := splitHost(cmp.Or(t.OutboundProxy, t.Host))
	d.settle(e.life, target)
	return d
}

// direct reaches a URI by what it says itself.
func (e *Endpoint) direct(uri string) (destination, error) {
	var u sipgo.Uri
	if err := sipgo.ParseUri(uri, &u); err != nil || u.Host == "" {
		return destination{}, fmt.Errorf("%q is not a SIP address: %w", uri, call.ErrUnknownTarget)
	}
	n, fixed := udp, u.Scheme == "sips"
	if fixed {
		n = tlsNetwork
	}
	if name, ok := u.UriParams.Get("transport"); ok {
		fixed = true
		if n, ok = networkNamed(name); !ok {
			return destination{}, fmt.Errorf("%q: unknown transport: %w", uri, call.ErrUnknownTarget)
		}
	}
	if u.Port < 0 || u.Port > 65535 {
		return destination{}, fmt.Errorf("%q: not a port: %w", uri, call.ErrUnknownTarget)
	}
	host, port := u.Host, uint16(u.Port)
	d := destination{uri: u.String()}
	d.lookup = func(ctx context.Context) ([]hop, error) { return e.hops(ctx, n, fixed, host, port) }
	d.settle(e.life, host)
	return d, nil
}

// caller is From, and what goes with it, for a call by this peer (RFC 3323, 3325).
func (l *leg) caller(f flow) (from string, extra []field) {
	c := l.uac.target.Caller
	host, _, _ := net.SplitHostPort(l.endpoint.sentBy(f))
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	name, number := c.Name, c.Number
	if t := l.peer.trunk; t != nil {
		host = t.domain()
		if t.FromUser != "" {
			number = t.FromUser
		}
		if t.TrustIdentity {
			extra = identity(c, host)
		}
	}
	switch {
	case c.Presentation == call.Withheld:
		name, number, host = "Anonymous", "anonymous", "anonymous.invalid"
		if len(extra) == 0 {
			extra = []field{{"Privacy", "id"}}
		}
	case number == "" && l.peer.trunk != nil && l.peer.trunk.User != "":
		number = l.peer.trunk.User
	case number == "":
		number = "unknown"
	}
	for _, h := range l.uac.target.Headers {
		if scriptMaySet(h[0]) {
			extra = append(extra, field{h[0], h[1]})
		} else {
			l.log.Warn("a header is ours to write and was left out", "header", h[0])
		}
	}
	return quoteName(name) + "<sip:" + escapeUser(number) + "@" + host + ">;tag=" + l.tag, extra
}

// scriptMaySet keeps the headers that make the protocol work out of scripts' reach.
func scriptMaySet(name string) bool {
	switch strings.ToLower(name) {
	case "via", "from", "to", "call-id", "cseq", "contact", "content-length", "content-type", "max-forwards",
		"route", "record-route", "require", "supported", "v", "f", "t", "i", "m", "l", "c", "k", "rack", "rseq":
		return false
	}
	return isToken([]byte(name))
}
