package trace

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Tape keeps the headers of the latest RTP packets of a leg, 24 octets each. One
// goroutine writes it, a media worker, so writing takes no lock: whoever wants
// to read has that worker make a copy. A nil Tape keeps nothing.
type Tape struct {
	leg   *Track
	most  int
	ring  []headerOnTape
	next  int // where the ring's oldest is, once it has most
	peers []netip.AddrPort
	local netip.AddrPort
	do    atomic.Pointer[func(func()) bool]
}

// headerOnTape is small, because every call keeps hundreds.
type headerOnTape struct {
	at     int64 // nanoseconds since 1970
	header [rtpHeader]byte
	length uint16 // of the whole packet
	out    bool
	peer   uint8 // index into peers
}

const (
	rtpHeader    = 12 // octets of the fixed header, RFC 3550, 5.1
	firstHeaders = 50 // that a tape has room for at first
	mostPeers    = 256
)

// Header is the fixed header of an RTP packet that was sent or received.
type Header struct {
	At            time.Time
	Out           bool
	Local, Remote netip.AddrPort
	Octets        [rtpHeader]byte
	Length        int // of the whole packet
}

// Open tells the tape whose it is: do has the worker that writes run a function
// and waits for it, or reports that the worker has ended.
func (t *Tape) Open(local netip.AddrPort, do func(func()) bool) {
	if t == nil {
		return
	}
	t.local = local
	t.do.Store(&do)
}

// Leg is the track of the leg that the tape belongs to; nil for a nil Tape.
func (t *Tape) Leg() *Track {
	if t == nil {
		return nil
	}
	return t.leg
}

// Note keeps the header of a packet. Only the worker calls it.
func (t *Tape) Note(at time.Time, out bool, remote netip.AddrPort, packet []byte) {
	if t == nil || len(packet) < rtpHeader {
		return
	}
	h := headerOnTape{at: at.UnixNano(), length: uint16(min(len(packet), 0xffff)), out: out, peer: t.peer(remote)}
	copy(h.header[:], packet)
	if len(t.ring) < t.most {
		if len(t.ring) == cap(t.ring) {
			t.ring = append(make([]headerOnTape, 0, min(max(firstHeaders, 3*len(t.ring)), t.most)), t.ring...)
		}
		t.ring = append(t.ring, h)
		return
	}
	t.ring[t.next] = h
	if t.next++; t.next == len(t.ring) {
		t.next = 0
	}
}

// peer is the number of an address; those that are too many share the last.
func (t *Tape) peer(remote netip.AddrPort) uint8 {
	for i := len(t.peers) - 1; i >= 0; i-- {
		if t.peers[i] == remote {
			return uint8(i)
		}
	}
	if len(t.peers) < mostPeers {
		t.peers = append(t.peers, remote)
	}
	return uint8(len(t.peers) - 1)
}

// Headers is what the tape holds, oldest first. It waits for the worker; any
// goroutine but that.
func (t *Tape) Headers() []Header {
	if t == nil {
		return nil
	}
	do := t.do.Load()
	if do == nil {
		return nil
	}
	var list []Header
	if !(*do)(func() { list = t.read() }) {
		return t.read()
	}
	return list
}

func (t *Tape) read() []Header {
	list := make([]Header, 0, len(t.ring))
	for i := range t.ring {
		h := &t.ring[(t.next+i)%len(t.ring)]
		list = append(list, Header{
			At: time.Unix(0, h.at), Out: h.out, Local: t.local, Remote: t.peers[h.peer], Octets: h.header, Length: int(h.length),
		})
	}
	return list
}

// Headers are the RTP headers of a call and of the legs linked to it, in order
// of time.
func (r *Recorder) Headers(id string) []Header {
	l := r.track(id)
	if l == nil {
		return nil
	}
	var list []Header
	for _, one := range append([]*Track{l}, l.links()...) {
		one.mu.Lock()
		tape := one.tape
		one.mu.Unlock()
		list = append(list, tape.Headers()...)
	}
	slices.SortStableFunc(list, func(a, b Header) int { return a.At.Compare(b.At) })
	return list
}
