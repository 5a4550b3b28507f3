package interop

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// scenario is a sipp scenario, written as a list of steps.
type scenario []string

// message is one SIP request or response of a scenario. What it does not say is
// filled in with what every message of a sipp call needs.
type message struct {
	method  string
	uri     string // default sip:service@server
	from    string // user part, default "tester"
	to      string // user part of To, default the dialled service
	seq     int    // default 1
	tagged  bool   // within the dialog: To has the server's tag
	headers []string
	body    string // SDP unless headers name another type
	bare    bool   // no Contact and no Max-Forwards, where a test gives its own
	uac     bool
}

// offer is the description that the tester sends by default.
const offer = `v=0
o=tester 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv`

func (m message) text() string {
	or := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	seq := max(m.seq, 1)
	uri := m.uri
	if uri == "" {
		uri = "sip:[service]@[remote_ip]:[remote_port]"
		if m.tagged {
			uri = "[next_url]"
		}
	}
	tag := ""
	if m.tagged {
		tag = "[peer_tag_param]"
	}
	line("%s %s SIP/2.0", m.method, uri)
	line("Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]")
	line("From: <sip:%s@[local_ip]:[local_port]>;tag=[pid]t[call_number]", or(m.from, "tester"))
	line("To: <sip:%s@[remote_ip]:[remote_port]>%s", or(m.to, "[service]"), tag)
	line("Call-ID: [call_id]")
	line("CSeq: %d %s", seq, m.method)
	if !m.bare {
		line("Contact: <sip:%s@[local_ip]:[local_port];transport=[transport]>", or(m.from, "tester"))
		line("Max-Forwards: 70")
	}
	for _, h := range m.headers {
		line("%s", h)
	}
	if m.body != "" {
		if !strings.Contains(strings.Join(m.headers, "\n"), "Content-Type") {
			line("Content-Type: application/sdp")
		}
		line("Content-Length: [len]")
		line("")
		line("%s", m.body)
	} else {
		line("Content-Length: 0")
		line("")
	}
	return b.String()
}

// send is a step that sends m; requests are retransmitted until answered.
func send(m message) string {
	retrans := ` retrans="500"`
	if m.method == "ACK" {
		retrans = ""
	}
	return "<send" + retrans + "><![CDATA[\n\n" + m.text() + "\n]]></send>"
}

// sendRaw sends text as it is.
func sendRaw(text string) string { return "<send><![CDATA[\n\n" + text + "\n]]></send>" }

// reply answers the request that was received last.
func reply(status string, contact bool, headers []string, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]u[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n", status)
	if contact {
		b.WriteString("Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n")
	}
	for _, h := range headers {
		b.WriteString(h + "\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\nContent-Length: [len]\n\n" + body + "\n")
	} else {
		b.WriteString("Content-Length: 0\n\n")
	}
	return "<send><![CDATA[\n\n" + b.String() + "\n]]></send>"
}

// replyAgain answers a request within the dialog: To has its tag already.
func replyAgain(status string) string {
	return "<send><![CDATA[\n\nSIP/2.0 " + status + "\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send>"
}

// want is a step that waits for a response; checks are regular expressions
// that must match the whole message.
func want(status int, checks ...string) string { return receive(status, false, checks) }

// saving waits for a request and keeps what its later answers repeat, so that
// answered can answer it whatever came in between.
func saving(method string, checks ...string) string {
	var b strings.Builder
	for header, name := range map[string]string{"Via:": "via", "From:": "caller", "To:": "callee", "CSeq:": "cseq"} {
		fmt.Fprintf(&b, `<ereg regexp=".*" search_in="hdr" header="%s" assign_to="%s"/>`, header, name)
	}
	step := wantRequest(method, checks...)
	if len(checks) == 0 {
		return strings.Replace(step, "></recv>", "><action>"+b.String()+"</action></recv>", 1)
	}
	return strings.Replace(step, "<action>", "<action>"+b.String(), 1)
}

// invited is saving an INVITE.
func invited(checks ...string) string { return saving("INVITE", checks...) }

// answered answers the saved request; tag names the early dialog, "" says that
// To has a tag already.
func answered(status, tag string, headers []string, body string) string {
	to := "To:[$callee]"
	if tag != "" {
		to += ";tag=[pid]" + tag
	}
	lines := append([]string{"SIP/2.0 " + status, "Via:[$via]", "From:[$caller]", to, "[last_Call-ID:]", "CSeq:[$cseq]",
		"Contact: <sip:[local_ip]:[local_port];transport=[transport]>"}, headers...)
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	return sendRaw(strings.Join(append(lines, "Content-Length: [len]", "", body), "\n"))
}

// hangup is a BYE of the called side, in the dialog with this tag.
func hangup(tag string) string {
	return `<send retrans="500"><![CDATA[

BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$callee];tag=[pid]` + tag + `
To:[$caller]
Call-ID: [call_id]
CSeq: 7 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>`
}

// optional lets a response come or not.
func optional(status int) string { return receive(status, true, nil) }

func receive(status int, optional bool, checks []string) string {
	attributes := fmt.Sprintf(`response="%d"`, status)
	if optional {
		attributes += ` optional="true"`
	} else {
		attributes += ` rrs="true"`
	}
	if status == 401 || status == 407 {
		attributes += ` auth="true"`
	}
	return "<recv " + attributes + ">" + actions(checks) + "</recv>"
}

// wantReliable waits for a reliable provisional response and keeps its number.
func wantReliable(status int) string {
	return fmt.Sprintf(`<recv response="%d" rrs="true"><action><ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/></action></recv>`, status)
}

// wantRequest waits for a request.
func wantRequest(method string, checks ...string) string {
	return `<recv request="` + method + `" crlf="true" rrs="true">` + actions(checks) + "</recv>"
}

func optionalRequest(method string) string {
	return `<recv request="` + method + `" optional="true"></recv>`
}

// checked numbers the variables of checks, which sipp wants to see used.
func actions(checks []string) string {
	if len(checks) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<action>")
	for _, check := range checks {
		fmt.Fprintf(&b, `<ereg regexp="%s" search_in="msg" check_it="true" assign_to="seen"/>`, escape(check))
	}
	b.WriteString("</action>")
	return b.String()
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(s)
}

func pause(ms int) string { return fmt.Sprintf(`<pause milliseconds="%d"/>`, ms) }

var assigned = regexp.MustCompile(`assign_to="([a-z]+)"`)

func (s scenario) xml() string {
	body := strings.Join(s, "\n")
	var names []string // sipp wants every variable to be used
	for _, m := range assigned.FindAllStringSubmatch(body, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	if names != nil {
		body += "\n<Reference variables=\"" + strings.Join(names, ",") + "\"/>"
	}
	return "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"test\">\n" + body + "\n</scenario>\n"
}

// sipp is one run of sipp.
type sipp struct {
	t      testing.TB
	cmd    *exec.Cmd
	dir    string
	port   int
	done   chan struct{}
	cancel context.CancelFunc
}

// options of a run.
type sippOptions struct {
	service   string // the number dialled
	source    string // local address, default 127.0.0.1
	port      int    // local port; 0 = any
	transport string // u1 (default), t1
	calls     int    // 0 = 1
	seconds   int    // to wait at most for one message, default 20
	args      []string
}

// nextPort is where freePort goes on looking: each is given out once, so that
// tests side by side do not take each other's between asking and using. The
// range is below the one that the system takes ports from.
var nextPort atomic.Int32

func init() { nextPort.Store(21000 + int32(os.Getpid()%160)*50) }

// freePort finds a port of loopback, with the next 49, that nobody uses now. Blocks
// begin at multiples of 50, so that none reaches into another.
func freePort(t testing.TB) int {
	t.Helper()
	for range 200 {
		port := int(nextPort.Add(50)) - 50
		if port > 32000 {
			nextPort.Store(21000)
		}
		udp, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		udp.Close()
		tcp, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		tcp.Close()
		return port
	}
	t.Fatal("no port is free")
	return 0
}

// startSipp begins a scenario against the server.
func startSipp(t testing.TB, s *server, steps scenario, o sippOptions) *sipp {
	t.Helper()
	if o.port == 0 {
		o.port = freePort(t)
	}
	o.transport, o.source, o.seconds = cmp.Or(o.transport, "u1"), cmp.Or(o.source, "127.0.0.1"), cmp.Or(o.seconds, 20)
	dir := t.TempDir()
	file := filepath.Join(dir, "scenario.xml")
	writeFile(t, file, steps.xml())
	target := s.sip["udp"]
	if o.transport[0] == 't' {
		target = s.sip["tcp"]
	}
	args := []string{"-sf", file, "-i", o.source, "-p", fmt.Sprint(o.port), "-m", fmt.Sprint(max(o.calls, 1)),
		"-mp", fmt.Sprint(o.port + 10), "-nostdin", "-t", o.transport,
		"-timeout", fmt.Sprintf("%ds", 2*o.seconds), "-timeout_error", "-recv_timeout", fmt.Sprint(1000 * o.seconds),
		"-trace_err", "-error_file", filepath.Join(dir, "errors"), "-trace_msg", "-message_file", filepath.Join(dir, "messages")}
	if o.service != "" {
		args = append(args, "-s", o.service, "-auth_uri", o.service+"@"+target)
	}
	args = append(args, o.args...)
	args = append(args, target)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(3*o.seconds)*time.Second)
	r := &sipp{t: t, dir: dir, port: o.port, done: make(chan struct{}), cancel: cancel}
	r.cmd = exec.CommandContext(ctx, "sipp", args...)
	if err := r.cmd.Start(); err != nil {
		cancel()
		t.Fatalf("sipp: %v (make test installs it)", err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.done
	})
	return r
}

// wait lets the scenario end and fails the test if it did not succeed.
func (r *sipp) wait() {
	r.t.Helper()
	<-r.done
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		errors, _ := os.ReadFile(filepath.Join(r.dir, "errors"))
		messages, _ := os.ReadFile(filepath.Join(r.dir, "messages"))
		r.t.Errorf("sipp ended with code %d\n%s\n%s", code, errors, tail(string(messages), 150))
	}
}

// run plays a scenario to its end.
func run(t testing.TB, s *server, steps scenario, o sippOptions) {
	t.Helper()
	startSipp(t, s, steps, o).wait()
}

// Steps that many scenarios share.

func inviteMessage(headers ...string) message {
	return message{method: "INVITE", headers: headers, body: offer}
}

var (
	ack     = send(message{method: "ACK", tagged: true})
	bye     = send(message{method: "BYE", tagged: true, seq: 2})
	trying  = optional(100)
	ringing = optional(180)
)

// refused is the ACK of a final response that is not 2xx.
func refused(seq int) string {
	return sendRaw(fmt.Sprintf(`ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: %d ACK
Max-Forwards: 70
Content-Length: 0
`, seq))
}

// giveUp cancels the INVITE that was sent last.
const giveUp = `<send retrans="500"><![CDATA[

CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0

]]></send>`

// registration registers user from the port that a later UAS listens on.
func registration(user, password, expires string) scenario {
	register := func(seq int, headers ...string) string {
		return send(message{method: "REGISTER", uri: "sip:[remote_ip]:[remote_port]", from: user, to: user, seq: seq,
			headers: append(headers, "Expires: "+expires)})
	}
	return scenario{
		register(1), want(401),
		register(2, "[authentication username="+user+" password="+password+"]"),
		want(200, "Contact:"),
	}
}
