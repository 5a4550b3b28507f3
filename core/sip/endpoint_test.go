package sip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/rtp"
	"github.com/moonwire/moonwire/core/sip/digest"
)

// live is an endpoint on real loopback sockets.
type live struct {
	*Endpoint
	legs chan call.Leg
}

func listen(t testing.TB, c Config) *live {
	t.Helper()
	engine, err := media.NewEngine(media.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := rtp.NewPorts(netip.MustParseAddr("127.0.0.1"), 20000, 29999)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Media: engine, Ports: ports, Log: slog.New(slog.DiscardHandler), T1: 20 * time.Millisecond, T2: 80 * time.Millisecond, T4: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen == nil {
		c.Listen = []string{"udp:127.0.0.1:0", "tcp:127.0.0.1:0"}
	}
	if err := e.Apply(c); err != nil {
		t.Fatal(err)
	}
	if err := e.Listen(context.Background()); err != nil {
		t.Fatal(err)
	}
	l := &live{e, make(chan call.Leg, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	e.mu.Lock()
	e.accept = func(leg call.Leg) { l.legs <- leg }
	e.mu.Unlock()
	go func() { served <- e.Serve(ctx, func(leg call.Leg) { l.legs <- leg }) }()
	t.Cleanup(func() {
		cancel()
		<-served
		over, stop := context.WithCancel(context.Background())
		stop()
		e.Shutdown(over)
		engine.Close()
	})
	return l
}

// at is the address that a network is listened on.
func (l *live) at(network string) string {
	for _, a := range l.Addresses() {
		if rest, ok := strings.CutPrefix(a, network+":"); ok {
			return rest
		}
	}
	return ""
}

// wire is a scripted peer on a real socket.
type wire struct {
	t      testing.TB
	conn   net.Conn
	reader *bufio.Reader
	packet []byte
}

func dialWire(t testing.TB, network, address string) *wire {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &wire{t: t, conn: c, reader: bufio.NewReader(c), packet: make([]byte, 65536)}
}

func (w *wire) send(message string) {
	w.t.Helper()
	if _, err := io.WriteString(w.conn, message); err != nil {
		w.t.Fatal(err)
	}
}

// receive is the next whole message.
func (w *wire) receive() string {
	w.t.Helper()
	w.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, stream := w.conn.(*net.UDPConn); stream {
		n, err := w.conn.Read(w.packet)
		if err != nil {
			w.t.Fatal(err)
		}
		return string(w.packet[:n])
	}
	var head strings.Builder
	length := 0
	for {
		line, err := w.reader.ReadString('\n')
		if err != nil {
			w.t.Fatal(err)
		}
		head.WriteString(line)
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(w.reader, body); err != nil {
		w.t.Fatal(err)
	}
	return head.String() + string(body)
}

// until receives up to a message whose first line begins so.
func (w *wire) until(prefix string) string {
	w.t.Helper()
	for {
		m := w.receive()
		if strings.HasPrefix(m, prefix) {
			return m
		}
	}
}

func (w *wire) message(method, uri, extra, body string, seq int, toTag, callID string) string {
	network := strings.ToUpper(w.conn.LocalAddr().Network())
	to := "<sip:1001@127.0.0.1>"
	if toTag != "" {
		to += ";tag=" + toTag
	}
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s%d%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:1001@127.0.0.1>;tag=f\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s",
		method, uri, network, w.conn.LocalAddr(), callID, seq, method, to, callID, seq, method, extra, len(body), body)
}

func headerIn(m, name string) string { return lineOf(m, name) }

func tagOf(m string) string {
	_, tag, _ := strings.Cut(headerIn(m, "To"), ";tag=")
	return tag
}

var phone1001 = Config{Phones: []Phone{{Name: "1001", Password: "secret", Context: "internal", Media: Media{NAT: true}}}}

// authorize answers the challenges of a 401.
func authorize(t testing.TB, challenge, method, uri, user, password string) string {
	t.Helper()
	var headers []string
	for line := range strings.SplitSeq(challenge, "\r\n") {
		if v, ok := strings.CutPrefix(line, "WWW-Authenticate: "); ok {
			headers = append(headers, v)
		}
	}
	list, err := digest.Authorize(headers, digest.Answer{
		Request: digest.Request{Method: method, URI: uri}, User: user, Password: password, Count: 1, CNonce: "0123456789",
	})
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: " + list[0] + "\r\n"
}

func TestRegisterAndCallOverEveryTransport(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			e := listen(t, phone1001)
			w := dialWire(t, network, e.at(network))
			uri := "sip:127.0.0.1"
			contact := fmt.Sprintf("Contact: <sip:1001@10.9.8.7:5060;transport=%s>\r\n", network)
			w.send(w.message("REGISTER", uri, contact, "", 1, "", "reg"))
			challenge := w.until("SIP/2.0 401")
			w.send(w.message("REGISTER", uri, contact+authorize(t, challenge, "REGISTER", uri, "1001", "secret"), "", 2, "", "reg"))
			ok := w.until("SIP/2.0 200")
			if c := headerIn(ok, "Contact"); !strings.Contains(c, "10.9.8.7") || !strings.Contains(c, "expires=3600") {
				t.Errorf("Contact is %q", c)
			}
			if list := e.Registrations(); len(list) != 1 || list[0].Address != w.conn.LocalAddr().String() {
				t.Fatalf("registrations are %+v", list)
			}

			leg, err := e.Dial(context.Background(), call.Target{Address: "1001"})
			if err != nil {
				t.Fatal(err)
			}
			invite := w.until("INVITE sip:1001@10.9.8.7")
			answer := func(status, extra, body string) string {
				return fmt.Sprintf("SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=b\r\nCall-ID: %s\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s",
					status, headerIn(invite, "Via"), headerIn(invite, "From"), headerIn(invite, "To"), headerIn(invite, "Call-ID"), headerIn(invite, "CSeq"), extra, len(body), body)
			}
			w.send(answer("180 Ringing", "", ""))
			w.send(answer("200 OK", contact+"Content-Type: application/sdp\r\n", testSDP("pcma 127.0.0.1 4000")))
			w.until("ACK sip:1001@10.9.8.7")
			expectEvents(t, leg, call.Alerting{}, call.Connected{})
			if f := leg.Info().Format; f.Codec != call.PCMA {
				t.Errorf("format is %s", f)
			}
			leg.Send(context.Background(), call.Hangup{})
			bye := w.until("BYE")
			w.send(fmt.Sprintf("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n",
				headerIn(bye, "Via"), headerIn(bye, "From"), headerIn(bye, "To"), headerIn(bye, "Call-ID"), headerIn(bye, "CSeq")))
			expectEvents(t, leg, call.HungUp{Cause: call.CauseNormal, ByUs: true})
		})
	}
}

func expectEvents(t testing.TB, l call.Leg, want ...call.Event) {
	t.Helper()
	for _, w := range want {
		got, ok := <-l.Events()
		if !ok || show(got) != show(w) {
			t.Fatalf("event is %v, want %v", got, w)
		}
	}
}

func TestWrongPasswordAndUnknownUserLookAlike(t *testing.T) {
	e := listen(t, phone1001)
	answers := map[string][2]string{}
	for _, user := range []string{"1001", "4711"} {
		w := dialWire(t, "udp", e.at("udp"))
		first := func(m string) string { line, _, _ := strings.Cut(m, "\r\n"); return line }
		w.send(strings.ReplaceAll(w.message("REGISTER", "sip:127.0.0.1", "", "", 1, "", user), "sip:1001@", "sip:"+user+"@"))
		challenge := w.receive()
		w.send(strings.ReplaceAll(w.message("REGISTER", "sip:127.0.0.1", authorize(t, challenge, "REGISTER", "sip:127.0.0.1", user, "guess"), "", 2, "", user), "sip:1001@", "sip:"+user+"@"))
		answers[user] = [2]string{first(challenge), first(w.receive())}
	}
	if answers["1001"] != answers["4711"] {
		t.Errorf("the answers tell them apart: %v", answers)
	}
	if e.Stats().AuthFailures != 2 {
		t.Errorf("%d failures counted", e.Stats().AuthFailures)
	}
}

func TestGuessersAreSlowedDown(t *testing.T) {
	e := listen(t, phone1001)
	w := dialWire(t, "udp", e.at("udp"))
	for i := 0; i < 40 && e.Stats().Throttled == 0; i++ {
		id := "guess" + strconv.Itoa(i)
		w.send(w.message("REGISTER", "sip:127.0.0.1", "", "", 1, "", id))
		challenge := w.until("SIP/2.0 401")
		w.send(w.message("REGISTER", "sip:127.0.0.1", authorize(t, challenge, "REGISTER", "sip:127.0.0.1", "1001", "guess"), "", 2, "", id))
		w.send(w.message("OPTIONS", "sip:127.0.0.1", "", "", 3, "", id)) // answered in any case
		w.until("SIP/2.0 200")
	}
	if e.Stats().Throttled == 0 {
		t.Error("a guesser was served forty times")
	}
}

func TestAddressInUse(t *testing.T) {
	e := listen(t, Config{})
	other, _ := New(Options{})
	address := "udp:" + e.at("udp")
	if err := other.Apply(Config{Listen: []string{address}}); err != nil {
		t.Fatal(err)
	}
	err := other.Listen(context.Background())
	want := "sip: udp " + e.at("udp") + " is already in use"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestConfigMistakesAreAllNamedAndChangeNothing(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Apply(phone1001)
	err = e.Apply(Config{
		Phones: []Phone{{Name: "a b", Source: "x.lua:1"}, {Name: "1", Source: "x.lua:2"}, {Name: "1", Source: "x.lua:3"}},
		Trunks: []Trunk{{Name: "t", Host: "h", Transport: "pigeon", Source: "x.lua:4"}},
	})
	for _, want := range []string{"x.lua:1", "x.lua:3", "x.lua:4", "pigeon"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	if e.settings.Load().phones["1001"] == nil {
		t.Error("the old configuration is gone")
	}
}

// A call outlives a new configuration and the beginning of the end, not the end.
func TestShutdownLetsCallsEndAndThenEndsThem(t *testing.T) {
	e := listen(t, Config{Guests: []Guests{{Context: "public"}}})
	w := dialWire(t, "udp", e.at("udp"))
	w.send(w.message("INVITE", "sip:600@127.0.0.1", "Contact: <sip:x@"+w.conn.LocalAddr().String()+">\r\nContent-Type: application/sdp\r\n", testSDP("pcmu 127.0.0.1 4000"), 1, "", "c"))
	leg := <-e.legs
	if err := leg.Send(context.Background(), call.Answer{}); err != nil {
		t.Fatal(err)
	}
	ok := w.until("SIP/2.0 200")
	w.send(w.message("ACK", "sip:600@127.0.0.1", "", "", 1, tagOf(ok), "c"))
	if err := e.Apply(Config{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- e.Shutdown(ctx) }()
	for {
		w.send(w.message("OPTIONS", "sip:600@127.0.0.1", "", "", int(time.Now().UnixNano()%1e9), "", "o"))
		if m := w.receive(); strings.HasPrefix(m, "SIP/2.0 503") {
			break
		}
	}
	if leg.Info().State != call.Answered {
		t.Error("the call did not outlive the new configuration and the beginning of the end")
	}
	cancel()
	w.until("BYE") // is lost
	bye := w.until("BYE")
	select {
	case <-done:
		t.Error("the end came before the BYE had arrived")
	default:
	}
	answer := "SIP/2.0 200 OK\r\n"
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		answer += name + ": " + lineOf(bye, name) + "\r\n"
	}
	w.send(answer + "Content-Length: 0\r\n\r\n")
	if err := <-done; err == nil {
		t.Error("nobody was told of the calls that were hung up")
	}
	expectEvents(t, leg, call.HungUp{Cause: call.CauseNormal, ByUs: true})
	if _, err := e.Dial(context.Background(), call.Target{Address: "sip:x@127.0.0.1"}); !errors.Is(err, call.ErrExhausted) && err == nil {
		t.Error("dialling after the end succeeded")
	}
}

func TestStreamsSurviveNoise(t *testing.T) {
	e := listen(t, Config{})
	w := dialWire(t, "tcp", e.at("tcp"))
	w.send("\r\n\r\n") // RFC 5626 ping
	pong := make([]byte, 2)
	if _, err := io.ReadFull(w.conn, pong); err != nil || string(pong) != "\r\n" {
		t.Fatalf("pong is %q, %v", pong, err)
	}
	// Two messages in one segment, one in two, and a bad one between.
	both := w.message("OPTIONS", "sip:127.0.0.1", "", "", 1, "", "a") + w.message("OPTIONS", "ftp:127.0.0.1", "", "", 2, "", "a") + w.message("OPTIONS", "sip:127.0.0.1", "", "", 3, "", "a")
	w.send(both[:len(both)-40])
	w.send(both[len(both)-40:])
	for _, want := range []string{"SIP/2.0 200", "SIP/2.0 416", "SIP/2.0 200"} {
		if m := w.receive(); !strings.HasPrefix(m, want) {
			t.Errorf("got %q, want %s", m, want)
		}
	}
	w.send("OPTIONS sip:x SIP/2.0\r\nContent-Length: 99999999\r\n\r\n")
	if _, err := w.conn.Read(pong); err != io.EOF {
		t.Errorf("a stream that cannot be cut stays open: %v", err)
	}
}

// TestOutgoingConnection calls over TCP to a peer that only listens, and reuses
// the connection for what follows; a message that is too long for UDP takes it.
func TestOutgoingConnection(t *testing.T) {
	e := listen(t, Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	leg, err := e.Dial(ctx, call.Target{Address: "sip:bob@" + listener.Addr().String() + ";transport=tcp"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w := &wire{t: t, conn: conn, reader: bufio.NewReader(conn)}
	invite := w.until("INVITE")
	if via := headerIn(invite, "Via"); !strings.HasPrefix(via, "SIP/2.0/TCP "+e.at("tcp")) {
		t.Errorf("Via is %q", via)
	}
	w.send(fmt.Sprintf("SIP/2.0 180 Ringing\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=b\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n",
		headerIn(invite, "Via"), headerIn(invite, "From"), headerIn(invite, "To"), headerIn(invite, "Call-ID"), headerIn(invite, "CSeq")))
	expectEvents(t, leg, call.Alerting{})

	long, err := e.Dial(context.Background(), call.Target{
		Address: "sip:carol@" + listener.Addr().String(), Headers: [][2]string{{"X-Long", strings.Repeat("x", 1500)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.until("INVITE sip:carol@")
	long.Send(ctx, call.Hangup{})

	cancel()
	w.until("CANCEL sip:bob@")
	expectEvents(t, leg, call.HungUp{Cause: call.CauseNormal, ByUs: true, Reason: "given up"})
}

func TestUnreachableOverTCPEndsTheCall(t *testing.T) {
	e := listen(t, Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	leg, err := e.Dial(context.Background(), call.Target{Address: "sip:bob@" + address + ";transport=tcp"})
	if err != nil {
		t.Fatal(err)
	}
	if h, ok := (<-leg.Events()).(call.HungUp); !ok || h.Cause != call.CauseDestinationFailed {
		t.Errorf("event is %+v", h)
	}
}

func TestGuestsAreLetInByNetwork(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Guests: []Guests{{From: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Context: "near"}}})
	invite := step{text: "INVITE", lines: []string{"+sdp pcmu 198.51.100.9 4000", "branch: a"}}
	w.deliver(w.compose(invite), "198.51.100.9:5060")
	if w.leg == nil || w.leg.Info().Context != "near" {
		t.Fatal("a guest from near was not let in")
	}
	w.leg = nil
	invite.lines = append(invite.lines, "Call-ID: far", "branch: b")
	w.deliver(w.compose(invite), "203.0.113.9:5060")
	if w.leg != nil {
		t.Error("a guest from afar was let in")
	}
}

func TestAdvertisedAddress(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Advertise: "203.0.113.1", LocalNets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Guests: []Guests{{}}})
	for source, want := range map[string]string{"198.51.100.9:5060": "203.0.113.1", "10.1.2.3:5060": "192.0.2.1"} {
		w.sent = nil
		w.deliver(w.compose(step{text: "INVITE", lines: []string{"+sdp pcmu 198.51.100.9 4000", "Call-ID: " + source, "branch: " + source[:5]}}), source)
		w.leg.Send(context.Background(), call.Answer{})
		ok := w.sent[0].text
		if !strings.Contains(headerIn(ok, "Contact"), want) || !strings.Contains(ok, "c=IN IP4 "+want) {
			t.Errorf("%s is told %s", source, ok)
		}
	}
}

func TestLimits(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Trunks: []Trunk{{Name: "t", Host: "198.51.100.9", CallLimit: 1}}})
	for i, want := range []string{"", "SIP/2.0 486", "SIP/2.0 486"} {
		w.sent = nil
		w.deliver(w.compose(step{text: "INVITE", lines: []string{"+sdp pcmu 198.51.100.9 4000", "Call-ID: " + strconv.Itoa(i)}}), "198.51.100.9:5060")
		if want != "" && (len(w.sent) == 0 || !strings.HasPrefix(w.sent[0].text, want)) {
			t.Errorf("call %d: %v", i, w.sent)
		}
	}
	w.leg.Send(context.Background(), call.Hangup{Cause: call.CauseBusy})
	if n := len(w.e.busy); n != 0 {
		t.Errorf("%d peers are still counted", n)
	}
}

func TestOfferInMultipartBody(t *testing.T) {
	w := newTheatre(t)
	w.command("guests", nil)
	body := `--b\nContent-Type: application/isup\n\nxx\n--b\nContent-Type: application/sdp\n\n` +
		strings.ReplaceAll(testSDP("pcma 198.51.100.9 4000"), "\r\n", `\n`) + `\n--b--\n`
	w.deliver(w.compose(step{text: "INVITE", lines: []string{"Content-Type: multipart/mixed;boundary=b", "+body " + body}}), w.from)
	if w.leg == nil || w.leg.Info().Format.Codec != call.PCMA {
		t.Fatalf("the description was not found:\n%s", w.dump())
	}
}

// The new leg of a pair prefers the codec of the leg beside it.
func TestDialPrefersTheCodecBeside(t *testing.T) {
	w := newTheatre(t)
	w.command("guests", nil)
	w.deliver(w.compose(step{text: "INVITE", lines: []string{"+sdp pcma 198.51.100.9 4000"}}), w.from)
	beside := w.leg
	if _, err := w.e.Dial(context.Background(), call.Target{Address: "sip:x@198.51.100.9", Beside: beside}); err != nil {
		t.Fatal(err)
	}
	if m := w.sent[len(w.sent)-1].text; !strings.Contains(m, "RTP/AVP 8 0 ") {
		t.Errorf("offered is\n%s", m)
	}
}

func TestAdvertisedNameIsLookedUpOnce(t *testing.T) {
	w := newTheatre(t)
	w.config(Config{Advertise: "plain.example", Guests: []Guests{{}}})
	w.deliver(w.compose(step{text: "INVITE", lines: []string{"+sdp pcmu 198.51.100.9 4000"}}), w.from)
	w.leg.Send(context.Background(), call.Answer{})
	if m := w.sent[0].text; !strings.Contains(m, "c=IN IP4 198.51.100.12") || !strings.Contains(m, "@plain.example:5060>") {
		t.Errorf("answer is\n%s", m)
	}
}

func TestIPv6(t *testing.T) {
	e := listen(t, Config{Listen: []string{"udp:[::1]:0"}})
	w := dialWire(t, "udp", e.at("udp"))
	w.send(w.message("OPTIONS", "sip:[::1]", "", "", 1, "", "six"))
	if m := w.receive(); !strings.HasPrefix(m, "SIP/2.0 200") {
		t.Errorf("got %q", m)
	}
}
