package bench

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/sip/digest"
)

// tinyServer is a UAS that misbehaves by the number that is called.
type tinyServer struct {
	t      *testing.T
	conn   *net.UDPConn
	at     netip.AddrPort
	digest *digest.Server
	group  sync.WaitGroup

	mu      sync.Mutex
	heard   map[string]int // "METHOD number" and how often
	headers []string       // first lines and Route headers, in order
}

func newTinyServer(t *testing.T) *tinyServer {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	d, err := digest.NewServer(digest.Options{Realm: "tiny", Clock: clock.Real})
	if err != nil {
		t.Fatal(err)
	}
	s := &tinyServer{t: t, conn: conn, at: conn.LocalAddr().(*net.UDPAddr).AddrPort(), digest: d, heard: map[string]int{}}
	s.group.Go(s.serve)
	t.Cleanup(func() {
		conn.Close()
		s.group.Wait()
	})
	return s
}

func (s *tinyServer) serve() {
	buffer := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		if m, ok := parseMessage(buffer[:n]); ok {
			s.receive(m, string(buffer[:n]), from)
		}
	}
}

func (s *tinyServer) receive(m message, raw string, from netip.AddrPort) {
	number, _, _ := strings.Cut(strings.TrimPrefix(m.uri, "sip:"), "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard[m.method+" "+number]++
	times := s.heard[m.method+" "+number]
	line, _, _ := strings.Cut(raw, "\r\n")
	s.headers = append(s.headers, line)
	for header := range strings.SplitSeq(raw, "\r\n") {
		if strings.HasPrefix(header, "Route:") {
			s.headers = append(s.headers, header)
		}
	}
	if m.status != 0 {
		return
	}
	switch m.method + " " + number {
	case "INVITE busy":
		s.reply(m, from, "486 Busy Here", "")
	case "INVITE lossy", "BYE lossy":
		if times > 1 {
			s.reply(m, from, "200 OK", number)
		}
	case "INVITE twice":
		s.reply(m, from, "200 OK", number)
		s.reply(m, from, "200 OK", number)
	case "INVITE locked", "BYE locked":
		s.locked(m, raw, number, from)
	case "ACK ends", "ACK early":
		s.send("BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP "+s.at.String()+";branch=z9hG4bK1\r\nFrom: "+m.to+"\r\nTo: "+m.from+
			"\r\nCall-ID: "+m.callID+"\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n", from)
	case "ACK " + number:
	case "BYE early":
	default:
		s.reply(m, from, "180 Ringing", "")
		s.reply(m, from, "200 OK", number)
	}
}

func (s *tinyServer) locked(m message, raw, number string, from netip.AddrPort) {
	var credentials []string
	for header := range strings.SplitSeq(raw, "\r\n") {
		if value, found := strings.CutPrefix(header, "Proxy-Authorization: "); found {
			credentials = append(credentials, value)
		}
	}
	got := s.digest.Verify(credentials, digest.Request{Method: m.method, URI: m.uri}, func(string) (digest.Credential, bool) {
		return digest.Credential{Password: "secret"}, true
	})
	if got.Outcome == digest.Accepted {
		s.reply(m, from, "200 OK", number)
		return
	}
	challenge := strings.Join(s.digest.Challenge(false), "\r\nProxy-Authenticate: ")
	b := m.response(nil, "407 Proxy Authentication Required\r\nProxy-Authenticate: "+challenge, "t", "", "")
	s.send(string(b), from)
}

func (s *tinyServer) reply(m message, to netip.AddrPort, status, number string) {
	body, contact := "", ""
	if number != "" && m.method == "INVITE" {
		body, contact = sdp(s.at.Addr(), 40000, PCMU), "sip:"+number+"@"+s.at.String()
		if number == "routed" {
			m.recordRoute = []string{"<sip:one;lr>", "<sip:two;lr>"}
		}
	}
	s.send(string(m.response(nil, status, "t", contact, body)), to)
}

func (s *tinyServer) send(message string, to netip.AddrPort) {
	if _, err := s.conn.WriteToUDPAddrPort([]byte(message), to); err != nil && !errors.Is(err, net.ErrClosed) {
		s.t.Error(err)
	}
}

// call makes calls to one number and returns what became of them.
func (s *tinyServer) call(number string, alter func(*callPlan)) (callStats, error) {
	plan := callPlan{
		server: s.at, local: loopback, extension: number, user: "u", codec: PCMU,
		count: 3, rate: 1000, limit: 3, port: func(int) uint16 { return 30000 },
	}
	if alter != nil {
		alter(&plan)
	}
	c, err := newCaller(plan)
	if err != nil {
		s.t.Fatal(err)
	}
	err = c.serve(s.t.Context())
	return c.stats, err
}

func TestCaller(t *testing.T) {
	for _, test := range []struct {
		number      string
		alter       func(*callPlan)
		ok, failed  int
		retransmits bool
		reason      string
	}{
		{number: "good", ok: 3},
		{number: "routed", ok: 3},
		{number: "twice", ok: 3},
		{number: "busy", failed: 3, reason: "INVITE 486"},
		{number: "lossy", ok: 3, retransmits: true},
		{number: "locked", alter: func(p *callPlan) { p.password = "secret" }, ok: 3},
		{number: "locked", alter: func(p *callPlan) { p.password = "guess" }, failed: 3, reason: "INVITE 407"},
		{number: "locked", failed: 3, reason: "INVITE 407"},
		{number: "ends", alter: func(p *callPlan) { p.serverEnds = true }, ok: 3},
		{number: "early", alter: func(p *callPlan) { p.hold = true }, failed: 3, reason: "BYE while talking"},
	} {
		t.Run(test.number, func(t *testing.T) {
			t.Parallel()
			got, err := newTinyServer(t).call(test.number, test.alter)
			if err != nil {
				t.Fatal(err)
			}
			if got.OK != test.ok || got.Failed != test.failed || got.Calls != 3 || got.Reasons[test.reason] != test.failed {
				t.Errorf("got %+v", got)
			}
			if test.retransmits && got.Retransmits == 0 {
				t.Error("nothing was sent again")
			}
		})
	}
}

func TestCallerKeepsToTheRouteSet(t *testing.T) {
	s := newTinyServer(t)
	if _, err := s.call("routed", func(p *callPlan) { p.count = 1 }); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := strings.Join(s.headers, "\n")
	want := "ACK sip:routed@" + s.at.String() + " SIP/2.0\nRoute: <sip:two;lr>\nRoute: <sip:one;lr>\nBYE sip:routed@" + s.at.String() +
		" SIP/2.0\nRoute: <sip:two;lr>\nRoute: <sip:one;lr>"
	if !strings.HasSuffix(all, want) {
		t.Errorf("the server heard\n%s\nwant at the end\n%s", all, want)
	}
}

func TestCallerGivesUpASilentServer(t *testing.T) {
	t.Parallel()
	c, err := newCaller(callPlan{
		server: freePort(t), local: loopback, extension: "1", codec: PCMU, count: 1, rate: 1, limit: 1,
		port: func(int) uint16 { return 30000 }, patience: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err = c.serve(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

func TestCallerKeepsHeldCallsUntilToldToHangUp(t *testing.T) {
	s := newTinyServer(t)
	c, err := newCaller(callPlan{
		server: s.at, local: loopback, extension: "good", codec: PCMU, count: 5, rate: 1000, limit: 5, hold: true,
		port: func(int) uint16 { return 30000 },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answered := make(chan int, 5)
	c.plan.answered = func(call int, remote netip.AddrPort) {
		if remote.Port() != 40000 {
			t.Errorf("media goes to %v", remote)
		}
		if answered <- call; len(answered) == 5 {
			s.mu.Lock()
			if n := s.heard["BYE good"]; n != 0 {
				t.Errorf("%d calls were ended early", n)
			}
			s.mu.Unlock()
			c.hangUp()
		}
	}
	if err := c.serve(ctx); err != nil {
		t.Fatal(err)
	}
	if c.stats.OK != 5 || c.stats.Peak != 5 {
		t.Errorf("got %+v", c.stats)
	}
}

func TestParseMessage(t *testing.T) {
	m, ok := parseMessage([]byte("SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h\r\nVia: SIP/2.0/UDP i\r\nf: <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\n ;tag=2\r\n" +
		"i: x\r\nCSeq: 7  INVITE\r\nm: \"C\" <sip:c@10.0.0.1:5070;ob>;expires=1\r\nRecord-Route: <sip:p;lr>, <sip:q;lr>\r\nRecord-Route: <sip:r>\r\n\r\nbody"))
	if !ok || m.status != 200 || m.method != "INVITE" || m.cseq != 7 || len(m.vias) != 2 || len(m.recordRoute) != 3 ||
		m.contact != "sip:c@10.0.0.1:5070;ob" || m.to != "<sip:c@d> ;tag=2" || m.body != "body" {
		t.Errorf("got %+v, %v", m, ok)
	}
	for _, text := range []string{"", "SIP/2.0 200 OK\r\n", "SIP/2.0 99 X\r\n\r\n", "INVITE SIP/2.0\r\n\r\n", "INVITE sip:a SIP/2.0\r\nbad\r\n\r\n"} {
		if _, ok := parseMessage([]byte(text)); ok {
			t.Errorf("%q was read", text)
		}
	}
}

func TestMediaAddress(t *testing.T) {
	for body, want := range map[string]string{
		"v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n":                                                       "10.0.0.1:4000",
		"v=0\nm=audio 4000 RTP/AVP 0\nc=IN IP6 ::1\n":                                                                  "[::1]:4000",
		"c=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\nm=video 1 RTP/AVP 9\r\nc=IN IP4 10.0.0.3": "10.0.0.2:4000",
		"c=IN IP4 10.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n":                                                                 "invalid AddrPort",
		"c=IN IP4 host.example\r\nm=audio 4000 RTP/AVP 0\r\n":                                                          "invalid AddrPort",
		"": "invalid AddrPort",
	} {
		if got := mediaAddress(body).String(); got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: a\r\nCall-ID: b\r\nCSeq: 1 INVITE\r\nContact: <sip:c>\r\n\r\nc=IN IP4 1.2.3.4\r\nm=audio 5 RTP/AVP 0\r\n"))
	f.Add([]byte("INVITE sip:a SIP/2.0\r\nVia: a\r\n b\r\nCall-ID: b\r\nCSeq: 1 INVITE\r\n\r\n"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		m, ok := parseMessage(datagram)
		if !ok {
			return
		}
		mediaAddress(m.body)
		again, ok := parseMessage(m.response(nil, "200 OK", "t", "", ""))
		if !ok && !strings.ContainsAny(m.callID+m.method+strings.Join(m.vias, ""), "\r\n") {
			t.Errorf("the answer to %q cannot be read", datagram)
		}
		if ok && again.callID != m.callID {
			t.Errorf("Call-ID %q came back as %q", m.callID, again.callID)
		}
	})
}

// BenchmarkCalls is whole calls on one core with the program that answers them.
func BenchmarkCalls(b *testing.B) {
	at := startBare(b, freePort(b))
	c, err := newCaller(callPlan{
		server: at, local: loopback, extension: "1000", user: "u", codec: PCMU, count: b.N, rate: 1e6, limit: 100,
		port: func(int) uint16 { return 30000 },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	if err := c.serve(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(c.stats.OK)/b.Elapsed().Seconds(), "calls/s")
}
