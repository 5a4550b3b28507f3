package sip

import (
	"hash/maphash"
	"net/netip"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// Packet is one SIP message as it went over the wire. It is a value, but its
// Octets are the buffer that was read or sent: they are valid during the call
// of Options.OnMessage only, and must not be changed.
type Packet struct {
	Leg    string // Info.ID of the leg that it belongs to; "" for registrations, challenged calls and the like
	Peer   string // the phone or trunk, "" where it is not known
	CallID string // ties what was sent before there was a leg to it

	Sent      bool // by us
	Again     bool // a repetition of one that was shown before
	Transport string
	Local     netip.AddrPort // for streams the address that we listen on
	Remote    netip.AddrPort
	At        time.Time
	Octets    []byte
}

// about says what a message belongs to.
type about struct{ leg, peer, callID string }

// about is the leg's own messages; l.mu is held, or nobody else knows l.
func (l *leg) about(callID string) about { return about{l.id, l.peer.name(), callID} }

// show lets the observer see a message. Any goroutine, whatever locks it holds.
func (e *Endpoint) show(f flow, octets []byte, a about, sent, again bool) {
	if e.onMessage == nil {
		return
	}
	p := Packet{
		Leg: a.leg, Peer: a.peer, CallID: a.callID, Sent: sent, Again: again,
		Transport: f.network.String(), Remote: f.remote, At: e.clock.Now(), Octets: octets,
	}
	if f.socket != nil {
		p.Local = netip.AddrPortFrom(e.localIP(f), f.socket.bound.Port())
	}
	e.onMessage(p)
}

// send writes a message.
func (e *Endpoint) send(f flow, octets []byte, a about, again bool) error {
	e.show(f, octets, a, true, again)
	return e.write(f, octets)
}

// arrived is a message that was received and not yet dealt with.
type arrived struct {
	endpoint *Endpoint
	octets   []byte
	flow     flow
}

// show lets the observer see it.
func (a arrived) show(of about, again bool) { a.endpoint.show(a.flow, a.octets, of, false, again) }

// ownerOf is what a request belongs to, as far as its To tag tells.
func (e *Endpoint) ownerOf(req *sipgo.Request) about {
	callID := string(*req.CallID())
	if tag, ok := req.To().Params.Get("tag"); ok {
		if l := e.legByTag(tag); l != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.about(callID)
		}
	}
	return about{callID: callID}
}

// seed is of the hashes that know repetitions.
var seed = maphash.MakeSeed()

// repeated reports whether a response is the same as the last one of its
// transaction.
func (tx *clientTx) repeated(octets []byte) bool {
	h := maphash.Bytes(seed, octets)
	tx.mu.Lock()
	defer tx.mu.Unlock()
	again := tx.heard == h
	tx.heard = h
	return again
}
