package pcap

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"time"
)

// Packet is one datagram, or one piece of a TCP stream.
type Packet struct {
	At       time.Time
	From, To netip.AddrPort
	TCP      bool
	Data     []byte
	Missing  int // octets after Data that were there and are not known; of UDP only
}

// Writer writes a capture in the classic format with nanoseconds. One goroutine
// at a time.
type Writer struct {
	w      io.Writer
	buffer []byte
	ids    uint16                       // of IPv4 packets
	sent   map[[2]netip.AddrPort]uint32 // octets of each direction of a TCP stream
}

const (
	magic    = 0xa1b23c4d // nanoseconds
	ethernet = 1          // LINKTYPE_ETHERNET
	largest  = 0xffff     // octets of an IP packet
)

// NewWriter writes the header of the file.
func NewWriter(w io.Writer) (*Writer, error) {
	h := binary.LittleEndian.AppendUint32(nil, magic)
	h = binary.LittleEndian.AppendUint16(h, 2) // version 2.4
	h = binary.LittleEndian.AppendUint16(h, 4)
	h = append(h, 0, 0, 0, 0, 0, 0, 0, 0)
	h = binary.LittleEndian.AppendUint32(h, 262144)
	h = binary.LittleEndian.AppendUint32(h, ethernet)
	_, err := w.Write(h)
	return &Writer{w: w, sent: map[[2]netip.AddrPort]uint32{}}, err
}

var errAddresses = errors.New("pcap: the two addresses are not of one kind")

// Write adds a packet. A stream's data that is longer than a packet becomes
// several.
func (w *Writer) Write(p Packet) error {
	p.From, p.To = plain(p.From), plain(p.To)
	if !p.From.IsValid() || !p.To.IsValid() || p.From.Addr().Is4() != p.To.Addr().Is4() {
		return errAddresses
	}
	const most = largest - 128
	for p.TCP && len(p.Data) > most {
		piece := p
		piece.Data = p.Data[:most]
		if err := w.write(piece); err != nil {
			return err
		}
		p.Data = p.Data[most:]
	}
	p.Data = p.Data[:min(len(p.Data), most)]
	p.Missing = min(p.Missing, most-len(p.Data))
	return w.write(p)
}

func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func (w *Writer) write(p Packet) error {
	b := append(w.buffer[:0], make([]byte, 16)...) // of the record, filled in below
	b = appendEthernet(b, p)
	transport := 8
	if p.TCP {
		transport = 20
	}
	b = w.appendIP(b, p, transport+len(p.Data)+p.Missing)
	from := len(b)
	if p.TCP {
		b = w.appendTCP(b, p)
	} else {
		b = appendUDP(b, p)
	}
	b = append(b, p.Data...)
	fillChecksum(b[from:], p)
	captured := len(b) - 16
	binary.LittleEndian.PutUint32(b[0:], uint32(p.At.Unix()))
	binary.LittleEndian.PutUint32(b[4:], uint32(p.At.Nanosecond()))
	binary.LittleEndian.PutUint32(b[8:], uint32(captured))
	binary.LittleEndian.PutUint32(b[12:], uint32(captured+p.Missing))
	w.buffer = b
	_, err := w.w.Write(b)
	return err
}

// appendEthernet makes up hardware addresses of ports of nobody (locally
// administered, IEEE 802, 8.4), the same for the same IP address.
func appendEthernet(b []byte, p Packet) []byte {
	for _, a := range []netip.AddrPort{p.To, p.From} {
		ip := a.Addr().As16()
		b = append(b, 0x02, 0x00, ip[12], ip[13], ip[14], ip[15])
	}
	if p.From.Addr().Is4() {
		return append(b, 0x08, 0x00)
	}
	return append(b, 0x86, 0xdd)
}

// appendIP writes the header of IPv4 (RFC 791) or IPv6 (RFC 8200) for so many
// octets.
func (w *Writer) appendIP(b []byte, p Packet, octets int) []byte {
	protocol := byte(17)
	if p.TCP {
		protocol = 6
	}
	from := len(b)
	if p.From.Addr().Is4() {
		w.ids++
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(20+octets))
		b = binary.BigEndian.AppendUint16(b, w.ids)
		b = append(b, 0x40, 0, 64, protocol, 0, 0)
		b = append(b, p.From.Addr().AsSlice()...)
		b = append(b, p.To.Addr().AsSlice()...)
		binary.BigEndian.PutUint16(b[from+10:], checksum(0, b[from:]))
		return b
	}
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(octets))
	b = append(b, protocol, 64)
	b = append(b, p.From.Addr().AsSlice()...)
	return append(b, p.To.Addr().AsSlice()...)
}

func appendUDP(b []byte, p Packet) []byte {
	b = binary.BigEndian.AppendUint16(b, p.From.Port())
	b = binary.BigEndian.AppendUint16(b, p.To.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(p.Data)+p.Missing))
	return append(b, 0, 0)
}

// appendTCP continues a stream: what was written of it before counts, its
// beginning and its end are not shown.
func (w *Writer) appendTCP(b []byte, p Packet) []byte {
	there, back := [2]netip.AddrPort{p.From, p.To}, [2]netip.AddrPort{p.To, p.From}
	b = binary.BigEndian.AppendUint16(b, p.From.Port())
	b = binary.BigEndian.AppendUint16(b, p.To.Port())
	b = binary.BigEndian.AppendUint32(b, 1+w.sent[there])
	b = binary.BigEndian.AppendUint32(b, 1+w.sent[back])
	w.sent[there] += uint32(len(p.Data))
	return append(b, 5<<4, 0x18, 0xff, 0xff, 0, 0, 0, 0) // PSH, ACK
}

// fillChecksum completes a segment of UDP or TCP. One that is not there in full
// has none, which IPv4 allows; IPv6 does not, so there it gets a wrong one, which
// nobody can check either.
func fillChecksum(segment []byte, p Packet) {
	at := 6
	if p.TCP {
		at = 16
	}
	if p.Missing > 0 {
		if !p.From.Addr().Is4() {
			binary.BigEndian.PutUint16(segment[at:], 0xffff)
		}
		return
	}
	var sum uint32
	for _, a := range []netip.Addr{p.From.Addr(), p.To.Addr()} {
		sum = add(sum, a.AsSlice())
	}
	sum += uint32(len(segment))
	if p.TCP {
		sum += 6
	} else {
		sum += 17
	}
	c := checksum(sum, segment)
	if c == 0 && !p.TCP {
		c = 0xffff
	}
	binary.BigEndian.PutUint16(segment[at:], c)
}

// checksum is that of RFC 1071, begun with sum.
func checksum(sum uint32, b []byte) uint16 {
	sum = add(sum, b)
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func add(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}
