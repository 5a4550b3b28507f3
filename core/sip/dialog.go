package sip

import (
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// dialog is what two ends of a call agree on beside media (RFC 3261, 12): who
// each is, by which way requests go, and how they are numbered. It belongs to a
// leg and is guarded by the leg's lock.
type dialog struct {
	callID    string
	localTag  string
	remoteTag string
	local     string // our From or To, with tag
	remote    string // theirs
	contact   string // ours, as a header value
	target    string // their Contact: where requests are addressed
	routes    []string
	localSeq  uint32
	remoteSeq uint32 // of the last request; 0 = none yet
	flow      flow
	accepted  bool // the far end began it, and made the Call-ID
	nat       bool // requests go where messages come from, whatever Contact and Route say
}

// acceptDialog makes the callee's side from the INVITE (RFC 3261, 12.1.1).
func acceptDialog(req *sipgo.Request, f flow, tag string, nat bool) dialog {
	fromTag, _ := req.From().Params.Get("tag")
	d := dialog{
		callID: string(*req.CallID()), localTag: tag, remoteTag: fromTag,
		local: req.To().Value() + ";tag=" + tag, remote: req.From().Value(),
		remoteSeq: req.CSeq().SeqNo, flow: f, nat: nat, accepted: true,
	}
	if c := req.Contact(); c != nil {
		d.target = c.Address.String()
	} else {
		d.target = req.From().Address.String()
	}
	for _, h := range req.GetHeaders("record-route") {
		d.routes = append(d.routes, h.Value())
	}
	d.aim()
	return d
}

// confirm makes the caller's side complete from an answer (RFC 3261, 12.1.2).
// The route set and the tag come from the answer, so that each branch of a
// forked call has a dialog of its own.
func (d *dialog) confirm(res *sipgo.Response) {
	d.remote = res.To().Value()
	d.remoteTag, _ = res.To().Params.Get("tag")
	d.routes = nil
	list := res.GetHeaders("record-route")
	for i := len(list) - 1; i >= 0; i-- {
		d.routes = append(d.routes, list[i].Value())
	}
	d.refresh(res)
}

// refresh takes a new remote target from an INVITE, UPDATE or the answer to one
// (RFC 3261, 12.2).
func (d *dialog) refresh(m interface{ Contact() *sipgo.ContactHeader }) {
	if c := m.Contact(); c != nil && c.Address.Host != "" {
		d.target = c.Address.String()
		d.aim()
	}
}

// aim works out where requests are sent. A next hop that is a name is reached
// at the address that its messages come from: they went through it.
func (d *dialog) aim() {
	if d.nat || d.flow.reliable() {
		return
	}
	hop := d.target
	if len(d.routes) > 0 {
		hop = d.routes[0]
	}
	a, err := parseAddress(hop)
	if err != nil {
		return
	}
	if to, ok := literal(&a.uri, d.flow.network); ok && sameNetwork(&a.uri, d.flow.network) {
		d.flow.remote = to
	}
}

// literal is the address of a URI whose host is one.
func literal(u *sipgo.Uri, n network) (netip.AddrPort, bool) {
	host := u.Host
	if maddr, ok := u.UriParams.Get("maddr"); ok {
		host = maddr
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil || u.Port < 0 || u.Port > 65535 {
		return netip.AddrPort{}, false
	}
	port := uint16(u.Port)
	if port == 0 {
		port = n.defaultPort()
	}
	return netip.AddrPortFrom(a.Unmap(), port), true
}

// sameNetwork reports whether a URI asks for n or for nothing in particular.
func sameNetwork(u *sipgo.Uri, n network) bool {
	name, ok := u.UriParams.Get("transport")
	return !ok || strings.EqualFold(name, n.String())
}

// request starts a request within the dialog (RFC 3261, 12.2.1.1). Where the
// first route is a strict router (RFC 2543) it takes the target's place.
func (d *dialog) request(method string) *request {
	if method != "ACK" && method != "CANCEL" {
		d.localSeq++
	}
	r := &request{
		method: method, uri: d.target, flow: d.flow, from: d.local, to: d.remote,
		callID: d.callID, seq: d.localSeq, routes: d.routes, contact: d.contact,
	}
	if len(d.routes) > 0 && !looseRoute(d.routes[0]) {
		first, err := parseAddress(d.routes[0])
		if err == nil {
			r.uri = first.uri.String()
			r.routes = append(append([]string(nil), d.routes[1:]...), "<"+d.target+">")
		}
	}
	return r
}

func looseRoute(route string) bool {
	a, err := parseAddress(route)
	return err == nil && a.uri.UriParams.Has("lr")
}

// order judges the CSeq of a request within the dialog: it must grow.
func (d *dialog) order(seq uint32) bool {
	if d.remoteSeq != 0 && seq <= d.remoteSeq {
		return false
	}
	d.remoteSeq = seq
	return true
}

// is reports whether a request belongs to the dialog. A peer without tags, as
// RFC 2543 allows, is taken by its Call-ID alone.
func (d *dialog) is(callID, remoteTag string) bool {
	return d.callID == callID && (d.remoteTag == remoteTag || d.remoteTag == "")
}
