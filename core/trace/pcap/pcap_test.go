package pcap

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var (
	here  = netip.MustParseAddrPort("192.0.2.1:5060")
	there = netip.MustParseAddrPort("198.51.100.9:5062")
	here6 = netip.MustParseAddrPort("[2001:db8::1]:5060")
	far6  = netip.MustParseAddrPort("[2001:db8::2]:5060")
	at    = time.Unix(1772649000, 123456789)
)

// records writes packets and returns the records of the file, each with its head.
func records(t *testing.T, packets ...Packet) [][]byte {
	t.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	b := file.Bytes()
	if len(b) < 24 || binary.LittleEndian.Uint32(b) != magic {
		t.Fatalf("% x is no capture", b)
	}
	var list [][]byte
	for b = b[24:]; len(b) > 0; {
		n := 16 + int(binary.LittleEndian.Uint32(b[8:]))
		list = append(list, b[:n])
		b = b[n:]
	}
	return list
}

// whole reports whether the checksum of a packet's transport is right: the sum
// over it and its pseudo-header is zero (RFC 1071).
func whole(ip []byte, addresses, protocol int) bool {
	header := 20
	if ip[0]>>4 == 6 {
		header = 40
	}
	segment := ip[header:]
	sum := add(0, ip[addresses:header])
	return checksum(sum+uint32(protocol)+uint32(len(segment)), segment) == 0
}

func TestUDP(t *testing.T) {
	r := records(t, Packet{At: at, From: here, To: there, Data: []byte("OPTIONS")})[0]
	if got := time.Unix(int64(binary.LittleEndian.Uint32(r)), int64(binary.LittleEndian.Uint32(r[4:]))); !got.Equal(at) {
		t.Error(got)
	}
	ip := r[16+14:]
	if len(ip) != 20+8+7 || checksum(0, ip[:20]) != 0 || !whole(ip, 12, 17) || !bytes.HasSuffix(ip, []byte("OPTIONS")) {
		t.Errorf("% x", ip)
	}
	if a, _ := netip.AddrFromSlice(ip[12:16]); a != here.Addr() {
		t.Error(a)
	}
	if binary.BigEndian.Uint16(ip[20:]) != 5060 || binary.BigEndian.Uint16(ip[22:]) != 5062 {
		t.Errorf("ports % x", ip[20:24])
	}
}

func TestIPv6(t *testing.T) {
	r := records(t, Packet{At: at, From: here6, To: far6, Data: []byte("odd")}, Packet{At: at, From: here6, To: far6, Data: []byte("even"), TCP: true})
	if ip := r[0][16+14:]; len(ip) != 40+8+3 || !whole(ip, 8, 17) {
		t.Errorf("% x", ip)
	}
	if ip := r[1][16+14:]; !whole(ip, 8, 6) {
		t.Errorf("% x", ip)
	}
}

// What is missing is counted in the lengths and not there.
func TestCutPackets(t *testing.T) {
	for _, p := range []Packet{{At: at, From: here, To: there}, {At: at, From: here6, To: far6}} {
		p.Data, p.Missing = make([]byte, 12), 160
		r := records(t, p)[0]
		captured, length := binary.LittleEndian.Uint32(r[8:]), binary.LittleEndian.Uint32(r[12:])
		if length != captured+160 {
			t.Errorf("%d of %d", captured, length)
		}
		udp := r[len(r)-20:]
		if binary.BigEndian.Uint16(udp[4:]) != 8+172 {
			t.Errorf("% x", udp)
		}
	}
}

func TestStreamsAreNumbered(t *testing.T) {
	long := make([]byte, 70_000)
	r := records(t,
		Packet{At: at, From: here, To: there, TCP: true, Data: []byte("one")},
		Packet{At: at, From: there, To: here, TCP: true, Data: []byte("three")},
		Packet{At: at, From: here, To: there, TCP: true, Data: long},
	)
	var got [][2]uint32
	for _, one := range r {
		tcp := one[16+14+20:]
		got = append(got, [2]uint32{binary.BigEndian.Uint32(tcp[4:]), binary.BigEndian.Uint32(tcp[8:])})
	}
	want := [][2]uint32{{1, 1}, {1, 4}, {4, 6}, {4 + largest - 128, 6}}
	if len(got) != len(want) {
		t.Fatalf("%d packets", len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("packet %d has numbers %v, want %v", i, got[i], want[i])
		}
	}
}

func TestAddressesMustMatch(t *testing.T) {
	w, _ := NewWriter(new(bytes.Buffer))
	for _, p := range []Packet{{From: here}, {From: here, To: far6}} {
		if w.Write(p) == nil {
			t.Errorf("%v to %v was written", p.From, p.To)
		}
	}
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:192.0.2.7"), 5060)
	if err := w.Write(Packet{From: mapped, To: here}); err != nil {
		t.Error(err)
	}
}
