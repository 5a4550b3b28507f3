package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// wire is a peer of a few lines for what sipp cannot do: TLS, digests other than
// MD5, and seeing every single message with its exact octets.
type wire struct {
	t      testing.TB
	conn   net.Conn
	proto  string
	callID string
	stream []byte // of a connection, not taken apart yet
}

var wires atomic.Int64

// dialWire reaches the server by "udp" or "tcp".
func dialWire(t testing.TB, s *server, proto string) *wire {
	t.Helper()
	c, err := net.Dial(proto, s.sip[proto])
	if err != nil {
		t.Fatal(err)
	}
	return newWire(t, c, proto)
}

func newWire(t testing.TB, c net.Conn, proto string) *wire {
	t.Cleanup(func() { _ = c.Close() })
	return &wire{t: t, conn: c, proto: proto, callID: fmt.Sprintf("wire-%d", wires.Add(1))}
}

// request is a request from user to to, or to the server itself.
func (w *wire) request(method, uri, user string, seq int, headers []string, body string) string {
	lines := append([]string{
		method + " " + uri + " SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/%s %s;branch=z9hG4bK-%s-%d-%s;rport", strings.ToUpper(w.proto), w.conn.LocalAddr(), w.callID, seq, method),
		fmt.Sprintf("From: <sip:%s@127.0.0.1>;tag=%s", user, w.callID), "To: <" + uri + ">",
		"Call-ID: " + w.callID, fmt.Sprintf("CSeq: %d %s", seq, method), "Max-Forwards: 70",
		fmt.Sprintf("Contact: <sip:%s@%s;transport=%s>", user, w.conn.LocalAddr(), w.proto)}, headers...)
	if method == "REGISTER" {
		lines[3] = fmt.Sprintf("To: <sip:%s@127.0.0.1>", user)
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

func (w *wire) send(message string) {
	w.t.Helper()
	if _, err := io.WriteString(w.conn, message); err != nil {
		w.t.Fatal(err)
	}
}

var lengthHeader = regexp.MustCompile(`(?i)\r\nContent-Length: *([0-9]+)`)

// receive waits for the next message, "" says that none came in d.
func (w *wire) receive(d time.Duration) string {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(d))
	buffer := make([]byte, 65536)
	for {
		if head, _, ok := strings.Cut(string(w.stream), "\r\n\r\n"); ok {
			size := len(head) + 4
			if m := lengthHeader.FindStringSubmatch(head); m != nil {
				n, _ := strconv.Atoi(m[1])
				size += n
			}
			if len(w.stream) >= size {
				message := string(w.stream[:size])
				w.stream = w.stream[size:]
				return message
			}
		}
		n, err := w.conn.Read(buffer)
		if err != nil {
			return ""
		}
		w.stream = append(w.stream, buffer[:n]...)
	}
}

// await takes messages until one begins with start.
func (w *wire) await(start string) string {
	w.t.Helper()
	for {
		m := w.receive(patience)
		if m == "" {
			w.t.Fatalf("no message began with %q", start)
		}
		if strings.HasPrefix(m, start) {
			return m
		}
	}
}

// ask sends a request and returns its final answer.
func (w *wire) ask(message string) string {
	w.t.Helper()
	w.send(message)
	for {
		m := w.receive(patience)
		if m == "" {
			w.t.Fatalf("no answer to %s", message)
		}
		if strings.HasPrefix(m, "SIP/2.0 ") && m[8] != '1' {
			return m
		}
	}
}

// headerOf is the value of a header.
func headerOf(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if key, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

var digestParameter = regexp.MustCompile(`(\w+)="?([^",]+)"?`)

// authorization answers the challenge of this algorithm (RFC 7616).
func authorization(t testing.TB, challenged, method, uri, user, password, algorithm string) string {
	t.Helper()
	sum := func(text string) string {
		h := map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New}[algorithm]()
		_, _ = io.WriteString(h, text)
		return hex.EncodeToString(h.Sum(nil))
	}
	for line := range strings.SplitSeq(challenged, "\r\n") {
		v, ok := strings.CutPrefix(line, "WWW-Authenticate: Digest ")
		if !ok {
			continue
		}
		p := map[string]string{}
		for _, m := range digestParameter.FindAllStringSubmatch(v, -1) {
			p[m[1]] = m[2]
		}
		if p["algorithm"] != algorithm {
			continue
		}
		proof := sum(strings.Join([]string{sum(user + ":" + p["realm"] + ":" + password), p["nonce"], "00000001", "c0ffee", "auth", sum(method + ":" + uri)}, ":"))
		return fmt.Sprintf(`Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", qop=auth, nc=00000001, cnonce="c0ffee", algorithm=%s, response="%s"`,
			user, p["realm"], p["nonce"], uri, algorithm, proof)
	}
	t.Fatalf("%s is not offered in\n%s", algorithm, challenged)
	return ""
}

// ackOf acknowledges a final answer to an INVITE: as part of its transaction
// where that is a refusal.
func ackOf(answer, uri string, w *wire, user string) string {
	seq, _ := strconv.Atoi(strings.Fields(headerOf(answer, "CSeq"))[0])
	m := w.request("ACK", uri, user, seq, nil, "")
	m = strings.Replace(m, headerLine(m, "To"), headerLine(answer, "To"), 1)
	if !strings.HasPrefix(answer, "SIP/2.0 2") {
		m = strings.Replace(m, "-ACK;", "-INVITE;", 1)
	}
	return m
}

func headerLine(message, name string) string { return name + ": " + headerOf(message, name) }

// plainOffer is an offer without sipp's keywords.
var plainOffer = strings.ReplaceAll(strings.NewReplacer("[local_ip]", "127.0.0.1", "[auto_media_port]", "9").Replace(offer), "\n", "\r\n") + "\r\n"

// TestTheSameAnswerAgain repeats an INVITE as an impatient or lossy network does.
func TestTheSameAnswerAgain(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	for number, status := range map[string]string{"busy": "SIP/2.0 486", "echo": "SIP/2.0 200"} {
		w := dialWire(t, s, "udp")
		uri := "sip:" + number + "@" + s.sip["udp"]
		invite := w.request("INVITE", uri, "tester", 1, nil, plainOffer)
		w.send(invite)
		first := w.await(status)
		for range 3 {
			w.send(invite)
			if again := w.await(status); again != first {
				t.Errorf("a repeated INVITE to %s got\n%s\nafter\n%s", number, again, first)
			}
		}
		w.send(ackOf(first, uri, w, "tester"))
		if status == "SIP/2.0 200" {
			bye := w.request("BYE", uri, "tester", 2, nil, "")
			if reply := w.ask(strings.Replace(bye, headerLine(bye, "To"), headerLine(first, "To"), 1)); !strings.HasPrefix(reply, "SIP/2.0 200") {
				t.Errorf("BYE got %s", reply)
			}
		}
		s.awaitLog("call_id=" + w.callID + "\n") // the log comes through a pipe, later than the answer
		if n := strings.Count(s.log.String(), "call_id="+w.callID+"\n"); n != 1 {
			t.Errorf("the repeated INVITE to %s made %d calls", number, n)
		}
	}
}

// TestARefusalIsRepeated counts what comes when nobody acknowledges: the
// refusal again and again, at intervals that double (RFC 3261, 17.2.1).
func TestARefusalIsRepeated(t *testing.T) {
	t.Parallel()
	s := sharedLab(t)
	w := dialWire(t, s, "udp")
	uri := "sip:busy@" + s.sip["udp"]
	w.send(w.request("INVITE", uri, "tester", 1, nil, plainOffer))
	var at [4]time.Time
	var last string
	for i := range at {
		last = w.await("SIP/2.0 486")
		at[i] = time.Now()
	}
	for i, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		if d := at[i+1].Sub(at[i]); d < want*8/10 || d > want*2 {
			t.Errorf("pause %d is %v, want about %v", i+1, d, want)
		}
	}
	w.send(ackOf(last, uri, w, "tester"))
	if m := w.receive(4500 * time.Millisecond); m != "" {
		t.Errorf("after the ACK came\n%s", m)
	}
}

// TestStrongerDigests registers with SHA-256 where the site offers it, and with
// MD5, which it offers too.
func TestStrongerDigests(t *testing.T) {
	t.Parallel()
	s := start(t, site{"config.lua": `
sip.set { digest = { "sha-256", "md5" } }
sip.phone "1001" { password = "pass-1001", context = "home" }
context "home"
`})
	for i, algorithm := range []string{"SHA-256", "MD5"} {
		w := dialWire(t, s, "udp")
		uri := "sip:" + s.sip["udp"]
		challenged := w.ask(w.request("REGISTER", uri, "1001", 1, nil, ""))
		if !strings.Contains(headerOf(challenged, "WWW-Authenticate"), "algorithm=SHA-256") {
			t.Errorf("the stronger algorithm is not offered first:\n%s", challenged)
		}
		proof := authorization(t, challenged, "REGISTER", uri, "1001", "pass-1001", algorithm)
		if reply := w.ask(w.request("REGISTER", uri, "1001", 2, []string{proof}, "")); !strings.HasPrefix(reply, "SIP/2.0 200") {
			t.Errorf("%s got\n%s", algorithm, reply)
		}
		// The same proof again is a replay, whoever sends it.
		other := dialWire(t, s, "udp")
		if reply := other.ask(other.request("REGISTER", uri, "1001", 3+i, []string{proof}, "")); !strings.HasPrefix(reply, "SIP/2.0 401") {
			t.Errorf("a replayed proof got\n%s", reply)
		}
	}
}

// certificate makes a self-signed one for 127.0.0.1 and returns its files.
func certificate(t testing.TB) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return cert, key
}

// secureHome is home with a certificate.
func secureHome(t testing.TB) (s *server, cert string) {
	t.Helper()
	cert, key := certificate(t)
	files := site{"dialplan.lua": home["dialplan.lua"], "config.lua": home["config.lua"] + fmt.Sprintf("sip.set { certificate = %q, key = %q }\n", cert, key)}
	return start(t, files, "--sip", "tls:127.0.0.1:0"), cert
}

// TestTLS makes an authenticated call over one TLS connection, which the server
// ends over that same connection.
func TestTLS(t *testing.T) {
	t.Parallel()
	s, _ := secureHome(t)
	c, err := tls.Dial("tcp", s.sip["tls"], &tls.Config{InsecureSkipVerify: true}) // its own certificate
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, c, "tls")
	uri := "sip:601@" + s.sip["tls"]
	challenged := w.ask(w.request("INVITE", uri, "1001", 1, nil, plainOffer))
	w.send(ackOf(challenged, uri, w, "1001"))
	proof := authorization(t, challenged, "INVITE", uri, "1001", "pass-1001", "MD5")
	reply := w.ask(w.request("INVITE", uri, "1001", 2, []string{proof}, plainOffer))
	if !strings.HasPrefix(reply, "SIP/2.0 200") || !strings.Contains(headerOf(reply, "Contact"), "transport=tls") {
		t.Fatalf("INVITE got\n%s", reply)
	}
	w.send(ackOf(reply, uri, w, "1001"))
	bye := w.await("BYE sip:1001@")
	if !strings.Contains(headerOf(bye, "Via"), "SIP/2.0/TLS") {
		t.Errorf("the BYE says\n%s", bye)
	}
	if plain, err := net.Dial("tcp", s.sip["tls"]); err == nil {
		p := newWire(t, plain, "tcp")
		p.send(p.request("OPTIONS", uri, "x", 1, nil, ""))
		if got := p.receive(5 * time.Second); strings.HasPrefix(got, "SIP/2.0") {
			t.Errorf("unencrypted SIP was answered on the TLS port: %s", got)
		}
	}
}
