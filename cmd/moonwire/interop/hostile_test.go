package interop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"
)

// request is a whole SIP request with lines joined as on the wire.
func request(lines ...string) []byte {
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

func optionsRequest(local net.Addr, n int) []byte {
	return request("OPTIONS sip:127.0.0.1 SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bKhostile%d", local, n),
		fmt.Sprintf("From: <sip:a@127.0.0.1>;tag=h%d", n), "To: <sip:b@127.0.0.1>",
		fmt.Sprintf("Call-ID: hostile%d", n), "CSeq: 1 OPTIONS", "Max-Forwards: 70", "Content-Length: 0")
}

// hostile is what arrives at any server on the public network. Where a status
// is given the server must answer with it; elsewhere it may keep silent.
var hostile = map[string]struct {
	packet []byte
	status string
}{
	"nothing":              {packet: []byte{}},
	"zeroes":               {packet: make([]byte, 1000)},
	"noise":                {packet: noise(1400)},
	"half a start line":    {packet: []byte("INVITE sip:")},
	"no headers":           {packet: []byte("INVITE sip:a@b SIP/2.0\r\n\r\n")},
	"no end":               {packet: []byte("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1")},
	"other version":        {packet: request("INVITE sip:a@b SIP/9.0", "Via: SIP/9.0/UDP 127.0.0.1;rport;branch=z9hG4bKx", "Call-ID: x", "CSeq: 1 INVITE", "From: <sip:a@b>;tag=1", "To: <sip:b@b>"), status: "505"},
	"a response to nobody": {packet: request("SIP/2.0 200 OK", "Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKnone", "From: <sip:a@b>;tag=1", "To: <sip:b@b>;tag=2", "Call-ID: none", "CSeq: 1 INVITE")},
	"huge number":          {packet: request("BYE sip:a@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKhuge", "From: <sip:a@b>;tag=1", "To: <sip:b@b>;tag=2", "Call-ID: huge", "CSeq: 99999999999999999999 BYE"), status: "400"},
	"long header":          {packet: request("OPTIONS sip:a@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKlong", "X: "+strings.Repeat("a", 30000))},
	"many headers":         {packet: request(append([]string{"OPTIONS sip:a@127.0.0.1 SIP/2.0"}, strings.Split(strings.Repeat("X: y\n", 5000), "\n")...)...)},
	"body is too short":    {packet: append(request("INVITE sip:echo@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKshort", "From: <sip:t@127.0.0.1>;tag=1", "To: <sip:echo@127.0.0.1>", "Call-ID: short", "CSeq: 1 INVITE", "Contact: <sip:t@127.0.0.1:9>", "Max-Forwards: 70", "Content-Type: application/sdp", "Content-Length: 500"), "v=0\r\n"...), status: "400"},
	"negative length":      {packet: request("INVITE sip:echo@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKneg", "From: <sip:t@127.0.0.1>;tag=1", "To: <sip:echo@127.0.0.1>", "Call-ID: neg", "CSeq: 1 INVITE", "Content-Length: -1"), status: "400"},
	"two commands at odds": {packet: request("INVITE sip:echo@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKodd", "From: <sip:t@127.0.0.1>;tag=1", "To: <sip:echo@127.0.0.1>", "Call-ID: odd", "CSeq: 1 BYE", "Max-Forwards: 70"), status: "400"},
	"brackets":             {packet: request("INVITE sip:[::1 SIP/2.0", "Via: SIP/2.0/UDP [::1;rport;branch=z9hG4bKbr", "From: <<<<>;tag=", "To: >", "Call-ID: br", "CSeq: 1 INVITE")},
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// ask sends OPTIONS and reports whether an answer comes.
func ask(t *testing.T, c net.Conn, n int) {
	t.Helper()
	buffer := make([]byte, 65536)
	for try := range 5 {
		if _, err := c.Write(optionsRequest(c.LocalAddr(), n)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Duration(try+1) * time.Second))
		for {
			k, err := c.Read(buffer)
			if err != nil {
				break
			}
			if bytes.Contains(buffer[:k], fmt.Appendf(nil, "Call-ID: hostile%d", n)) {
				return
			}
		}
	}
	t.Fatal("the server does not answer any more")
}

func TestHostilePackets(t *testing.T) {
	t.Parallel()
	s := start(t, lab)
	n := 0
	for name, h := range hostile {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("udp", s.sip["udp"])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write(h.packet); err != nil {
				t.Fatal(err)
			}
			if h.status != "" {
				buffer := make([]byte, 65536)
				_ = c.SetReadDeadline(time.Now().Add(patience))
				if k, err := c.Read(buffer); err != nil || !bytes.HasPrefix(buffer[:k], []byte("SIP/2.0 "+h.status)) {
					t.Errorf("want %s, got %v\n%s", h.status, err, buffer[:k])
				}
			}
			n++
			ask(t, c, n)
		})
	}
}

func TestHostileStreams(t *testing.T) {
	t.Parallel()
	s := start(t, lab)
	for name, h := range hostile {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.sip["tcp"])
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write(h.packet)
			_ = c.Close()
		})
	}
	c, err := net.Dial("udp", s.sip["udp"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask(t, c, 1000)
}

// TestFlippedBytes sends a good INVITE thousands of times, each with some
// octets changed.
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	s := start(t, lab)
	c, err := net.Dial("udp", s.sip["udp"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := strings.ReplaceAll(strings.NewReplacer("[local_ip]", "127.0.0.1", "[auto_media_port]", "9").Replace(offer), "\n", "\r\n") + "\r\n"
	good := append(request("INVITE sip:nobody@127.0.0.1 SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bKflipped", c.LocalAddr()),
		"From: \"T\" <sip:t@127.0.0.1>;tag=flip", "To: <sip:nobody@127.0.0.1>", "Call-ID: flipped", "CSeq: 1 INVITE",
		fmt.Sprintf("Contact: <sip:t@%s>", c.LocalAddr()), "Max-Forwards: 70", "Supported: timer, 100rel", "Session-Expires: 1800",
		"Content-Type: application/sdp", fmt.Sprintf("Content-Length: %d", len(body))), body...)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 3000 {
		packet := bytes.Clone(good)
		for range 1 + r.IntN(8) {
			packet[r.IntN(len(packet))] = byte(r.Uint32())
		}
		if _, err := c.Write(packet); err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 {
			ask(t, c, 2000+i)
		}
	}
	ask(t, c, 9999)
}
