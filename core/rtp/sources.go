package rtp

import (
	"net/netip"
	"time"
)

// Behind NAT a phone does not know the address that its packets come from, so
// what it writes into SDP is of no use: we have to send to where its packets
// come from (symmetric RTP, RFC 4961). But anybody can send packets to an open
// port. A source is therefore believed only
//
//   - at once, if it is the one that was signalled: that one always wins;
//   - after a probation, if nobody is believed yet: several packets of one SSRC,
//     numbered one after another, over some time, so that neither a burst nor
//     noise passes;
//   - after the same probation, in place of a source that has fallen silent: for
//     long if the newcomer is another stream, for a moment if it goes on with
//     the same SSRC, as when a NAT has forgotten its mapping.

const (
	probationRun  = 4                      // packets
	probationTime = 40 * time.Millisecond  // from the first to the last of them
	probationSkip = 4                      // packets that may be lost in between
	strangerWait  = 2 * time.Second        // of silence before another stream may take over
	movedWait     = 200 * time.Millisecond // of silence before the same stream may move
	candidates    = 4                      // that are watched at once
	candidateLife = 300 * time.Millisecond // without a packet
)

// sources decides which sender is believed.
type sources struct {
	signalled netip.AddrPort         // from SDP; not valid where it named none
	locked    netip.AddrPort         // who is believed; not valid until somebody is
	ssrc      uint32                 // of the last packet that was believed
	heard     time.Time              // when
	watched   *[candidates]candidate // nil while no stranger has been heard
}

type candidate struct {
	from        netip.AddrPort
	ssrc        uint32
	next        uint16
	count       int
	first, last time.Time
}

// signal takes the address that SDP names. Another than before begins anew.
func (s *sources) signal(remote netip.AddrPort) {
	if !remote.IsValid() || remote == s.signalled {
		return
	}
	s.signalled = remote
	s.locked = netip.AddrPort{}
	s.watched = nil
}

// admit says whether a packet that came from that address is believed; moved
// tells that the believed address is another now.
func (s *sources) admit(from netip.AddrPort, ssrc uint32, sequence uint16, now time.Time) (ok, moved bool) {
	switch {
	case from == s.locked:
	case from == s.signalled || s.proven(from, ssrc, sequence, now):
		s.locked, moved = from, true
		s.watched = nil
	default:
		return false, false
	}
	s.ssrc, s.heard = ssrc, now
	return true, moved
}

// proven watches a source and says when it has passed.
func (s *sources) proven(from netip.AddrPort, ssrc uint32, sequence uint16, now time.Time) bool {
	c := s.watch(from, now)
	if c == nil {
		return false
	}
	if c.count == 0 || c.ssrc != ssrc || sequence-c.next >= probationSkip {
		*c = candidate{from: from, ssrc: ssrc, first: now}
	}
	c.count++
	c.next, c.last = sequence+1, now
	if c.count < probationRun || now.Sub(c.first) < probationTime {
		return false
	}
	return s.vacant(ssrc, now)
}

// vacant reports whether the place of the believed source may be taken.
func (s *sources) vacant(ssrc uint32, now time.Time) bool {
	if !s.locked.IsValid() {
		return true
	}
	silence := now.Sub(s.heard)
	return silence >= strangerWait || ssrc == s.ssrc && silence >= movedWait
}

// watch finds the entry of a source, or a place for it. There are few places, so
// that a flood from many addresses costs nothing; a newcomer gets one when an
// entry has not been heard of for a while.
func (s *sources) watch(from netip.AddrPort, now time.Time) *candidate {
	if s.watched == nil {
		s.watched = new([candidates]candidate)
	}
	var free *candidate
	for i := range s.watched {
		c := &s.watched[i]
		if c.count > 0 && c.from == from {
			return c
		}
		if c.count == 0 || now.Sub(c.last) > candidateLife {
			free = c
		}
	}
	if free != nil {
		*free = candidate{}
	}
	return free
}

// target is where to send.
func (s *sources) target(symmetric bool) netip.AddrPort {
	if symmetric && s.locked.IsValid() || !s.signalled.IsValid() {
		return s.locked
	}
	return s.signalled
}
