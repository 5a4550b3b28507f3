package sip

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/sdp"
	"github.com/moonwire/moonwire/core/sip/naptr"
)

// A conversation is a text file of testdata. Each step begins in column one, and
// the lines that belong to it are indented:
//
//	> METHOD or > SIP/2.0 …   the far end sends; headers follow, those left out are made up
//	< regexp                  we must send a message whose first line matches; each line that
//	                          follows must match some line of it; (?P<name>…) becomes ${name}
//	< nothing                 nothing more may have been sent
//	! command                 the script above the leg does something, or time passes
//	? event                   the leg must tell this event, or state a fact
//
// Time is virtual, and so is the network: everything happens in order, at once.

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// fakeAudio is the media of a leg without sockets.
type fakeAudio struct {
	mu       sync.Mutex
	agreed   sdp.Agreement
	digits   string
	closed   bool
	configed int
	options  audioOptions
}

func (a *fakeAudio) Format() call.Format          { return a.agreed.Format }
func (a *fakeAudio) ReadFrame(*call.Frame) error  { return call.ErrNoFrame }
func (a *fakeAudio) WriteFrame(*call.Frame) error { return nil }
func (a *fakeAudio) Push(func(*call.Frame))       {}
func (a *fakeAudio) Worker() *media.Worker        { return nil }
func (a *fakeAudio) LocalPort() int               { return 10000 }
func (a *fakeAudio) Close() error                 { a.closed = true; return nil }
func (a *fakeAudio) Configure(g sdp.Agreement)    { a.agreed = g; a.configed++ }
func (a *fakeAudio) SendDigits(d call.SendDigits, done func()) {
	a.digits += d.Digits
	if done != nil {
		done()
	}
}

// records answers NAPTR, SRV and address look-ups from a table.
type records struct {
	naptr map[string][]naptr.Record
	srv   map[string][]*net.SRV
	hosts map[string][]netip.Addr
}

func (r records) LookupNAPTR(_ context.Context, name string) ([]naptr.Record, error) {
	if list := r.naptr[name]; list != nil {
		return list, nil
	}
	return nil, naptr.ErrNone
}

func (r records) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	if list := r.srv[name]; list != nil {
		return name, list, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (r records) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if list := r.hosts[host]; list != nil {
		return list, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

type sentMessage struct {
	text string
	to   netip.AddrPort
}

// theatre is an endpoint without sockets, and the world around it.
type theatre struct {
	t        testing.TB
	e        *Endpoint
	clock    *clock.Virtual
	mu       sync.Mutex
	sent     []sentMessage
	leg      call.Leg
	legs     []call.Leg
	audio    *fakeAudio
	vars     map[string]string
	requests []sentMessage // that we sent and that may be answered
	serial   int
	from     string
	events   []string
	ended    []Event
	dialErr  error
	exhaust  bool
	log      strings.Builder
}

var testSocket = &socket{network: udp, bound: netip.MustParseAddrPort("192.0.2.1:5060")}

func newTheatre(t testing.TB) *theatre {
	w := &theatre{t: t, clock: clock.NewVirtual(start), vars: map[string]string{}, from: "198.51.100.9:5060"}
	var seed [32]byte
	e, err := New(Options{
		Clock: w.clock, Rand: rand.NewChaCha8(seed),
		Log:     slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnEvent: func(e Event) { w.ended = append(w.ended, e) },
		Resolver: records{
			srv: map[string][]*net.SRV{"_sip._udp.provider.example": {{Target: "a.provider.example.", Port: 5070}, {Target: "b.provider.example.", Port: 5080}}},
			hosts: map[string][]netip.Addr{
				"a.provider.example": {netip.MustParseAddr("198.51.100.10")}, "b.provider.example": {netip.MustParseAddr("198.51.100.11")},
				"plain.example": {netip.MustParseAddr("198.51.100.12")},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.e = e
	e.write = func(f flow, m []byte) error {
		w.mu.Lock()
		w.sent = append(w.sent, sentMessage{string(m), f.remote})
		w.mu.Unlock()
		return nil
	}
	e.openAudio = func(o audioOptions) (audio, error) {
		if w.exhaust {
			return nil, call.ErrExhausted
		}
		w.audio = &fakeAudio{options: o}
		return w.audio, nil
	}
	e.patch = func(call.Format, *leg, *leg, func(call.Digit), func(call.Digit)) (audio, audio) {
		return &fakeAudio{}, &fakeAudio{}
	}
	e.transport.sockets = []*socket{testSocket}
	e.listens = true
	e.accept = w.adopt
	return w
}

// adopt makes a leg the one that commands and checks are about, and takes its
// events off the clock's mind as they come.
func (w *theatre) adopt(l call.Leg) {
	w.leg = l
	w.legs = append(w.legs, l)
	w.clock.Hold()
	go func() {
		w.clock.Release()
		for e := range l.Events() {
			w.mu.Lock()
			w.events = append(w.events, show(e))
			w.mu.Unlock()
			w.clock.Release()
		}
	}()
}

func (w *theatre) config(c Config) {
	if err := w.e.Apply(c); err != nil {
		w.t.Fatal(err)
	}
	w.clock.Advance(0)
	w.clock.Settle()
}

// deliver feeds a message through the same stages as a socket would.
func (w *theatre) deliver(text, from string) {
	v, status, head, message := screen([]byte(text))
	switch v {
	case ignore:
		return
	case refuse:
		w.sent = append(w.sent, sentMessage{string(head.refusal(status)), netip.MustParseAddrPort(from)})
		return
	}
	m, err := w.e.transport.parser.ParseSIP(message)
	if err != nil {
		w.t.Logf("parser: %v", err)
		return
	}
	w.e.received(m, message, flow{udp, netip.MustParseAddrPort(from), testSocket})
	w.clock.Settle()
}

func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { play(t, file) })
	}
}

type step struct {
	line  int
	kind  byte
	text  string
	lines []string
}

func readSteps(t testing.TB, file string) []step {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var steps []step
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		line := scanner.Text()
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case line[0] == ' ':
			last := &steps[len(steps)-1]
			last.lines = append(last.lines, strings.TrimPrefix(line, "  "))
		default:
			steps = append(steps, step{line: n, kind: line[0], text: strings.TrimSpace(line[1:])})
		}
	}
	return steps
}

func play(t *testing.T, file string) {
	w := newTheatre(t)
	var s step
	fail := func(format string, a ...any) {
		t.Helper()
		t.Fatalf("%s:%d: %s\nsent:\n%s\nlog:\n%s", file, s.line, fmt.Sprintf(format, a...), w.dump(), w.log.String())
	}
	for _, s = range readSteps(t, file) {
		switch s.kind {
		case '>':
			w.deliver(w.compose(s), w.from)
		case '<':
			if problem := w.expect(s); problem != "" {
				fail("%s", problem)
			}
		case '!':
			if err := w.command(s.text, s.lines); err != nil {
				fail("%v", err)
			}
		case '?':
			if problem := w.check(s.text); problem != "" {
				fail("%s", problem)
			}
		default:
			fail("unknown step %q", s.kind)
		}
	}
	w.clock.Settle()
	if len(w.sent) > 0 {
		fail("messages were sent that nobody expected")
	}
	if n := w.e.stats.panics.Load(); n > 0 {
		fail("%d panics", n)
	}
}

func (w *theatre) dump() string {
	var b strings.Builder
	for _, m := range w.sent {
		fmt.Fprintf(&b, "--- to %s\n%s\n", m.to, m.text)
	}
	return b.String()
}

func (w *theatre) expand(s string) string {
	return os.Expand(s, func(name string) string {
		v, ok := w.vars[name]
		if !ok {
			w.t.Fatalf("no ${%s} was captured", name)
		}
		return v
	})
}

// compose completes a message of the far end.
func (w *theatre) compose(s step) string {
	text := w.expand(s.text)
	if text == "raw" {
		return strings.Join(s.lines, "\r\n") + "\r\n\r\n"
	}
	var body string
	given := map[string]string{}
	var extra []string
	for _, line := range s.lines {
		line = w.expand(line)
		if rest, ok := strings.CutPrefix(line, "+sdp "); ok {
			body = testSDP(rest)
			extra = append(extra, "Content-Type: application/sdp")
			continue
		}
		if rest, ok := strings.CutPrefix(line, "+body "); ok {
			body = strings.ReplaceAll(rest, `\n`, "\r\n")
			continue
		}
		name, v, _ := strings.Cut(line, ":")
		given[strings.ToLower(name)] = strings.TrimSpace(v)
		switch strings.ToLower(name) {
		case "via", "from", "to", "call-id", "cseq", "branch", "of", "to-tag", "max-forwards":
		default:
			extra = append(extra, line)
		}
	}
	pick := func(name, usual string) string {
		if v, ok := given[name]; ok {
			return v
		}
		return usual
	}
	var b strings.Builder
	line := func(name, v string) { fmt.Fprintf(&b, "%s: %s\r\n", name, v) }
	if strings.HasPrefix(text, "SIP/2.0 ") {
		r := w.find(pick("of", "INVITE"))
		b.WriteString(text + "\r\n")
		for _, name := range []string{"Via", "From", "Call-ID", "CSeq"} {
			line(name, lineOf(r.text, name))
		}
		to := lineOf(r.text, "To")
		if !strings.Contains(to, ";tag=") && !strings.HasPrefix(text, "SIP/2.0 100") {
			to += ";tag=" + pick("to-tag", "bob")
		}
		line("To", to)
	} else {
		method, rest, found := strings.Cut(text, " ")
		if !found {
			rest = "sip:600@192.0.2.1"
		}
		b.WriteString(method + " " + rest + " SIP/2.0\r\n")
		w.serial++
		branch := pick("branch", strconv.Itoa(w.serial))
		line("Via", pick("via", "SIP/2.0/UDP 198.51.100.9:5060;rport;branch=z9hG4bK-"+branch))
		line("Max-Forwards", pick("max-forwards", "70"))
		line("From", pick("from", `"Alice" <sip:alice@example.org>;tag=a`))
		line("To", pick("to", "<sip:600@192.0.2.1>"))
		line("Call-ID", pick("call-id", "call-1"))
		line("CSeq", pick("cseq", "1 "+method))
	}
	for _, l := range extra {
		b.WriteString(l + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

func lineOf(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if key, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(key, name) {
			return v
		}
	}
	return ""
}

// find is the latest request of ours whose first line matches.
func (w *theatre) find(pattern string) sentMessage {
	re := regexp.MustCompile(pattern)
	for i := len(w.requests) - 1; i >= 0; i-- {
		line, _, _ := strings.Cut(w.requests[i].text, "\r\n")
		if re.MatchString(line) {
			return w.requests[i]
		}
	}
	w.t.Fatalf("no request %q to answer", pattern)
	return sentMessage{}
}

// testSDP writes a description: "pcmu 198.51.100.9 4000 [sendonly]".
func testSDP(words string) string {
	f := strings.Fields(words)
	formats := map[string]string{"pcmu": "0", "pcma": "8", "both": "0 8", "g729": "18", "gsm": "3"}
	direction := "sendrecv"
	if len(f) > 3 {
		direction = f[3]
	}
	return "v=0\r\no=- 1 " + f[2] + " IN IP4 " + f[1] + "\r\ns=-\r\nc=IN IP4 " + f[1] + "\r\nt=0 0\r\nm=audio " + f[2] +
		" RTP/AVP " + formats[f[0]] + "\r\na=" + direction + "\r\n"
}

func (w *theatre) expect(s step) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.text == "nothing" {
		if len(w.sent) > 0 {
			return "something was sent"
		}
		return ""
	}
	if len(w.sent) == 0 {
		return "nothing was sent, wanted " + s.text
	}
	// Branches of a forked call go out in any order.
	first := regexp.MustCompile("^" + w.expand(s.text))
	at := -1
	for i, m := range w.sent {
		line, _, _ := strings.Cut(m.text, "\r\n")
		if first.MatchString(line) {
			at = i
			break
		}
	}
	if at < 0 {
		return "wanted " + s.text
	}
	m := w.sent[at]
	w.sent = append(w.sent[:at:at], w.sent[at+1:]...)
	if !strings.HasPrefix(m.text, "SIP/2.0") {
		w.requests = append(w.requests, m)
	}
	text := strings.ReplaceAll(m.text, "\r\n", "\n") + "\nsent-to: " + m.to.String() + "\n"
	for _, pattern := range s.lines {
		pattern = w.expand(pattern)
		absent := strings.HasPrefix(pattern, "!")
		re, err := regexp.Compile("(?m)^" + strings.TrimPrefix(pattern, "!"))
		if err != nil {
			return err.Error()
		}
		match := re.FindStringSubmatch(text)
		if (match == nil) != absent {
			return "line " + pattern + " in\n" + m.text
		}
		for i, name := range re.SubexpNames() {
			if name != "" && match != nil {
				w.vars[name] = match[i]
			}
		}
	}
	return ""
}

// command is one thing that the script above the leg does.
func (w *theatre) command(text string, lines []string) error {
	verb, rest, _ := strings.Cut(text, " ")
	send := func(s call.Signal) error { return w.leg.Send(context.Background(), s) }
	switch verb {
	case "advance":
		d, err := time.ParseDuration(rest)
		w.clock.Advance(d)
		w.clock.Settle()
		return err
	case "from":
		w.from = rest
	case "leg": // what follows is about this one, counted from 1
		n, _ := strconv.Atoi(rest)
		w.leg = w.legs[n-1]
	case "guests":
		w.config(Config{Guests: []Guests{{Context: "public", Media: Media{NAT: rest == "nat"}}}})
	case "neighbours": // who calls is known by the address, and proves nothing
		w.config(Config{Trunks: []Trunk{
			{Name: "nine", Host: "198.51.100.9", Context: "public"},
			{Name: "seven", Host: "198.51.100.7", Context: "public"},
		}})
	case "phones":
		w.config(Config{Phones: []Phone{
			{Name: "1001", Password: "secret", Context: "internal", MinExpires: time.Minute, Media: Media{NAT: true}},
			{Name: "1002", Password: "other", Context: "internal", Media: Media{NAT: true, DTMF: DTMFInfo}, Qualify: time.Minute, CallLimit: 1},
		}})
	case "trunk":
		w.config(Config{Trunks: []Trunk{{Name: "ovh", Host: rest, User: "me", Password: "pass", Context: "incoming", TrustIdentity: true, Media: Media{NAT: true}}}})
	case "register-trunk":
		w.config(Config{Trunks: []Trunk{{Name: "ovh", Host: rest, User: "me", Password: "pass", Context: "incoming", Register: true, RegisterAs: "100"}}})
	case "bind":
		return w.bind(rest)
	case "dial", "dial-withheld":
		target := call.Target{Address: rest, Caller: call.Party{Number: "100", Name: "Bob"}}
		if verb != "dial" {
			target.Caller.Presentation = call.Withheld
			target.Headers = [][2]string{{"X-Account", "7"}, {"Via", "forged"}}
		}
		l, err := w.e.Dial(context.Background(), target)
		if w.dialErr = err; err == nil {
			w.adopt(l)
		}
		w.clock.Settle()
	case "ring":
		return send(call.Ring{})
	case "progress":
		return send(call.Progress{})
	case "answer":
		return send(call.Answer{})
	case "hangup":
		c, _ := call.CauseByName(rest)
		return send(call.Hangup{Cause: c})
	case "reject":
		n, _ := strconv.Atoi(rest)
		return send(call.Hangup{Status: n, RetryAfter: 3 * time.Second})
	case "hold":
		return send(call.Hold{On: true})
	case "resume":
		return send(call.Hold{})
	case "digits":
		return send(call.SendDigits{Digits: rest})
	case "transfer":
		return send(call.Transfer{To: rest})
	case "refuse-transfer":
		n, _ := strconv.Atoi(rest)
		return send(call.RefuseTransfer{Status: n})
	case "redirect":
		return send(call.Redirect{To: rest})
	case "drain":
		w.e.draining = true
	case "watch":
		w.e.watch(rest)
		w.clock.Advance(0)
	case "exhaust":
		w.exhaust = true
	case "refused": // the command must fail
		if err := w.command(rest, lines); err == nil {
			return fmt.Errorf("%q did not fail", rest)
		}
	default:
		return fmt.Errorf("unknown command %q", verb)
	}
	return nil
}

// bind registers a contact without the bother of digest.
func (w *theatre) bind(text string) error {
	f := strings.Fields(text)
	return bindContact(w.e, f[0], f[1], f[2])
}

// check looks for the next event of the leg, or at a fact about it.
func (w *theatre) check(text string) string {
	verb, rest, _ := strings.Cut(text, " ")
	switch verb {
	case "state":
		if got := w.leg.Info().State.String(); got != rest {
			return "state is " + got
		}
	case "caller":
		c := w.leg.Info().Caller
		if got := c.Number + " " + c.Name + " " + c.Presentation.String(); got != rest {
			return "caller is " + got
		}
	case "extension":
		i := w.leg.Info()
		if got := i.Extension + "@" + i.Context + " " + i.Peer; strings.TrimSpace(got) != rest {
			return "extension is " + got
		}
	case "legs":
		if got := strconv.Itoa(len(w.legs)); got != rest {
			return got + " legs"
		}
	case "up":
		if got := strconv.Itoa(w.e.Stats().Calls); got != rest {
			return got + " calls"
		}
	case "media":
		if got := w.audio.agreed.Format.String() + " " + w.audio.agreed.Remote.String() + " " + w.audio.agreed.Direction.String(); got != rest {
			return "media is " + got
		}
	case "digits":
		if w.audio.digits != rest {
			return "digits are " + w.audio.digits
		}
	case "closed":
		if !w.audio.closed {
			return "media is open"
		}
	case "dialled":
		if got := fmt.Sprint(w.dialErr); !strings.Contains(got, rest) {
			return "dial: " + got
		}
	case "told":
		for i, e := range w.ended {
			if got := e.Kind + " " + e.Peer; got == rest {
				w.ended = append(w.ended[:i], w.ended[i+1:]...)
				return ""
			}
		}
		return fmt.Sprintf("told %v", w.ended)
	case "logged":
		if !strings.Contains(w.log.String(), rest) {
			return "not logged"
		}
	case "header":
		name, want, _ := strings.Cut(rest, " ")
		if got := w.leg.Info().Protocol.Header(name); got != want {
			return "header is " + got
		}
	case "none":
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.events) > 0 {
			return "event is " + w.events[0]
		}
	default:
		w.clock.Settle()
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.events) == 0 {
			return "no event"
		}
		got := w.events[0]
		w.events = w.events[1:]
		if !strings.HasPrefix(got, text) {
			return "event is " + got
		}
	}
	return ""
}

func show(e call.Event) string {
	name := reflect.TypeOf(e).Name()
	switch e := e.(type) {
	case call.HungUp:
		return fmt.Sprintf("%s %q %d us=%v %s", name, e.Cause.String(), e.Status, e.ByUs, e.Reason)
	case call.Digit:
		return fmt.Sprintf("%s %c %s %s", name, e.Key, e.Duration, e.Via)
	case call.HeldChanged:
		return fmt.Sprintf("%s %v", name, e.On)
	case call.MediaChanged:
		return name + " " + e.Format.String()
	case call.TransferAsked:
		return name + " " + e.To
	}
	return name
}
