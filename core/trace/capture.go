package trace

import (
	"io"
	"net/netip"
	"slices"

	"github.com/moonwire/moonwire/core/trace/pcap"
)

// WritePcap writes what is known of the packets of a call as a capture: its SIP
// messages, redacted, and the headers of the latest RTP packets, whose payload
// is left out but counted. ok is false where there is no such call.
//
// Messages that went through TLS are written as they were before: as TCP, with
// the well-known port of TLS replaced by that of TCP, because Wireshark would
// try to decrypt them.
func (r *Recorder) WritePcap(w io.Writer, id string) (ok bool, err error) {
	events, _, ok := r.Story(id)
	if !ok {
		return false, nil
	}
	var packets []pcap.Packet
	for i := range events {
		if p := events[i].Packet; p != nil && !p.Cut {
			packets = append(packets, p.captured(&events[i]))
		}
	}
	for _, h := range r.Headers(id) {
		p := pcap.Packet{At: h.At, From: h.Remote, To: h.Local, Data: h.Octets[:], Missing: h.Length - rtpHeader}
		if h.Out {
			p.From, p.To = p.To, p.From
		}
		packets = append(packets, p)
	}
	slices.SortStableFunc(packets, func(a, b pcap.Packet) int { return a.At.Compare(b.At) })
	out, err := pcap.NewWriter(w)
	for _, p := range packets {
		if err != nil {
			break
		}
		p.From, p.To = concrete(p.From, p.To), concrete(p.To, p.From)
		err = out.Write(p)
	}
	return true, err
}

func (p *Packet) captured(e *Event) pcap.Packet {
	c := pcap.Packet{At: e.At, From: p.Remote, To: p.Local, Data: p.Redacted(), TCP: p.Transport != "udp"}
	if p.Out {
		c.From, c.To = c.To, c.From
	}
	if p.Transport == "tls" {
		c.From, c.To = unencrypted(c.From), unencrypted(c.To)
	}
	return c
}

func unencrypted(a netip.AddrPort) netip.AddrPort {
	if a.Port() == 5061 {
		return netip.AddrPortFrom(a.Addr(), 5060)
	}
	return a
}

// concrete is an address to show for one that may be "any", of the kind of the
// other end's: a socket that is bound to no address in particular does not say
// which one a packet came to.
func concrete(a, other netip.AddrPort) netip.AddrPort {
	if a.IsValid() && !a.Addr().IsUnspecified() {
		return a
	}
	ip := other.Addr().Unmap()
	switch {
	case ip.IsLoopback():
		return netip.AddrPortFrom(ip, a.Port())
	case ip.Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), a.Port()) // RFC 5737
	}
	return netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), a.Port()) // RFC 3849
}
