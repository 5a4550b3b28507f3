package interop

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// told is an event of a timeline, as far as these tests read it.
type told struct {
	T         float64   `json:"t"`
	At        time.Time `json:"at"`
	Event     string    `json:"event"`
	Out       bool      `json:"out"`
	Transport string    `json:"transport"`
	Local     string    `json:"local"`
	Remote    string    `json:"remote"`
	First     string    `json:"first"`
	Text      string    `json:"text"`
}

// callID is that of a message's header.
func (e told) callID() string {
	_, rest, _ := strings.Cut(e.Text, "\r\nCall-ID: ")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}

// summary is a line of moonwire trace --last --json.
type summary struct{ ID, Extension, Outcome, Cause, Error, State string }

// trace runs the command on the server.
func (s *server) trace(args ...string) string {
	s.t.Helper()
	out, code := command(s.t, append([]string{"trace", "--site", s.dir}, args...)...)
	if code != 0 {
		s.t.Fatalf("moonwire trace %v ended with code %d: %s", args, code, out)
	}
	return out
}

// timeline is a call's events.
func (s *server) timeline(id string) []told {
	s.t.Helper()
	return linesOf[told](s.t, s.trace(id, "--json"))
}

func linesOf[T any](t testing.TB, text string) []T {
	t.Helper()
	var list []T
	for line := range strings.Lines(text) {
		var one T
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, one)
	}
	return list
}

// lastCall is the call to an extension that began last, once it has ended.
func (s *server) lastCall(extension string) summary {
	s.t.Helper()
	for range 100 {
		list := linesOf[summary](s.t, s.trace("--last", "1000", "--json"))
		slices.Reverse(list)
		for _, c := range list {
			if c.Extension == extension && c.State == "ended" {
				return c
			}
		}
	}
	s.t.Fatalf("no call to %s ended", extension)
	return summary{}
}

// captured is a message as tshark saw it.
type captured struct {
	at    float64 // seconds since 1970
	first string
	from  string // port
}

// messagesOf are the messages with a Call-ID, from any file that tshark reads.
func (c *capture) messagesOf(callID string, arguments ...string) []captured {
	c.t.Helper()
	table := c.read(append(arguments, "-Y", fmt.Sprintf("sip.Call-ID == %q", callID), "-T", "fields", "-E", "separator=|",
		"-e", "frame.time_epoch", "-e", "udp.srcport", "-e", "tcp.srcport", "-e", "sip.Request-Line", "-e", "sip.Status-Line")...)
	var list []captured
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 5 {
			c.t.Fatalf("tshark says %q", line)
		}
		at, err := strconv.ParseFloat(f[0], 64)
		if err != nil {
			c.t.Fatal(err)
		}
		list = append(list, captured{at, f[3] + f[4], f[1] + f[2]})
	}
	return list
}

// sameMessages compares a timeline with the capture of the same call, leg by
// leg, and returns how far each time is off, in seconds.
func sameMessages(t *testing.T, c *capture, events []told) (off []float64) {
	t.Helper()
	legs := map[string][]told{}
	for _, e := range events {
		if e.Event == "message" {
			legs[e.callID()] = append(legs[e.callID()], e)
		}
	}
	for callID, messages := range legs {
		seen := c.messagesOf(callID)
		if len(seen) != len(messages) {
			t.Errorf("%s: %d messages in the timeline, %d in the capture\n%v\n%v", callID, len(messages), len(seen), messages, seen)
			continue
		}
		for i, m := range messages {
			from := portOf(m.Remote)
			if m.Out {
				from = portOf(m.Local)
			}
			if m.First != seen[i].first || from != seen[i].from {
				t.Errorf("%s: message %d is %q from port %s in the timeline, %q from %s in the capture", callID, i, m.First, from, seen[i].first, seen[i].from)
			}
			apart := float64(m.At.UnixNano())/1e9 - seen[i].at
			off = append(off, max(apart, -apart))
		}
	}
	return off
}

// TestTimelineIsWhatWentOverTheWire compares timelines with a capture of the
// same calls.
func TestTimelineIsWhatWentOverTheWire(t *testing.T) {
	t.Parallel()
	low := freePort(t)
	s := start(t, lab, "--rtp", fmt.Sprintf("%d-%d", low, low+39))
	c := startCapture(t, s, low, low+39)
	b := betweenPhones["rings reliably"]
	called := s.phone(b.number, b.called, sippOptions{})
	run(t, s, b.caller, sippOptions{service: b.number})
	called.wait()
	run(t, s, scenario{send(inviteMessage()), trying, want(200), ack, pause(200), bye, want(200)}, sippOptions{service: "echo", transport: "t1"})
	run(t, s, simple["busy"].steps, sippOptions{service: simple["busy"].service})
	run(t, s, scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE"), agreed}, sippOptions{service: "prompt", args: []string{"-rtp_echo"}})
	c.mark()
	c.stop()

	var off []float64
	for extension, least := range map[string]int{b.number: 14, "echo": 5, simple["busy"].service: 3, "prompt": 5} {
		events := s.timeline(s.lastCall(extension).ID)
		apart := sameMessages(t, c, events)
		if len(apart) < least {
			t.Errorf("the call to %s has %d messages, want %d at least", extension, len(apart), least)
		}
		off = append(off, apart...)
	}
	slices.Sort(off)
	median, worst := off[len(off)/2], off[len(off)-1]
	t.Logf("times of %d messages: median %.3f ms from the capture's, worst %.3f ms", len(off), 1000*median, 1000*worst)
	// The capture's times are the kernel's; ours are those of a process that may
	// have to wait for its turn, on a machine where much else runs.
	if median > 0.005 || worst > 0.5 {
		t.Errorf("times are off by %v", off)
	}
	checkPcap(t, s, c, s.lastCall("prompt").ID, 2)
	checkPcap(t, s, c, s.lastCall("echo").ID, 1) // it opens the way through NATs
	checkPcap(t, s, c, s.lastCall(b.number).ID, 0)
}

// checkPcap has tshark read the capture that moonwire makes of a call: nothing
// is malformed, and what it shows is what the real capture c shows.
func checkPcap(t *testing.T, s *server, c *capture, id string, streams int) {
	t.Helper()
	ours := &capture{t: t, s: s, file: filepath.Join(t.TempDir(), "call.pcap")}
	s.trace(id, "--pcap", ours.file)
	if wrong := ours.read("-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
		"-Y", "_ws.malformed || _ws.expert.severity >= 0x800000", "-V"); wrong != "" {
		t.Errorf("tshark finds mistakes in the capture of %s:\n%s", id, wrong)
	}
	legs := map[string]bool{}
	for _, e := range s.timeline(id) {
		if e.Event == "message" {
			legs[e.callID()] = true
		}
	}
	for callID := range legs {
		real, made := c.messagesOf(callID), ours.messagesOf(callID)
		firsts := func(list []captured) (lines []string) {
			for _, m := range list {
				lines = append(lines, m.from+" "+m.first)
			}
			return lines
		}
		if !slices.Equal(firsts(real), firsts(made)) {
			t.Errorf("%s: made\n%v\nreal\n%v", callID, made, real)
		}
	}
	made, total := rtpStreams(ours.read("-q", "-z", "rtp,streams")), 0
	if len(made) != streams {
		t.Errorf("%s: %d RTP streams, want %d", id, len(made), streams)
	}
	for _, one := range made {
		total += one.packets
	}
	const kept = 500 // headers of a leg
	real := rtpStreams(c.read("-q", "-z", "rtp,streams"))
	for _, one := range made {
		same := func(r rtpStream) bool {
			return r.from == one.from && r.lost == one.lost && (r.packets == one.packets || total == kept && r.packets > one.packets)
		}
		if !slices.ContainsFunc(real, same) {
			t.Errorf("%s: stream %+v is none of %+v", id, one, real)
		}
	}
}

// A call that had to prove a password shows how, but nothing that proves it.
func TestTimelineOfAChallengedCall(t *testing.T) {
	t.Parallel()
	s := start(t, closed)
	run(t, s, proving("1001", "pass-1001", want(200), acknowledge(2), goodbye(3), want(200)), sippOptions{service: "600"})
	run(t, s, proving("1001", "wrong", want(403), refused(2)), sippOptions{service: "601"})
	id := s.lastCall("600").ID
	var lines []string
	for _, e := range s.timeline(id) {
		if e.Event == "message" {
			lines = append(lines, strings.TrimPrefix(strings.Split(e.First, " sip:")[0], "SIP/2.0 "))
		}
		if strings.Contains(e.Text, "response=") || strings.Contains(e.Text, "nonce=") && !strings.Contains(e.Text, "WWW-Authenticate") {
			t.Errorf("the proof of a password is shown:\n%s", e.Text)
		}
	}
	got := strings.ReplaceAll(strings.Join(lines, ", "), "100 Trying, ", "")
	if want := "INVITE, 401 Unauthorized, ACK, INVITE, 200 OK, ACK, BYE, 200 OK"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if c := s.lastCall("601"); c.Outcome != "refused" || !strings.HasPrefix(c.Cause, "403") {
		t.Errorf("a call with a wrong password: %+v", c)
	}
	ladder := s.trace(id)
	for _, piece := range []string{"moonwire", "── INVITE SDP ──", "401 Unauthorized", "call:answer()   [scripts/dialplan.lua:1]", "hung up by far end"} {
		if !strings.Contains(ladder, piece) {
			t.Errorf("the ladder does not show %q:\n%s", piece, ladder)
		}
	}
}

func TestFailedCallsAreListed(t *testing.T) {
	t.Parallel()
	s := start(t, lab)
	run(t, s, scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE"), agreed}, sippOptions{service: "broken"})
	run(t, s, simple["busy"].steps, sippOptions{service: "busy"})
	run(t, s, refusedWith(503), sippOptions{service: "congestion"})
	run(t, s, refusedWith(404), sippOptions{service: "nowhere"})
	outcomes := map[string]string{}
	for _, extension := range []string{"broken", "busy", "congestion", "nowhere"} {
		outcomes[extension] = s.lastCall(extension).Outcome
	}
	if got, want := fmt.Sprint(outcomes), "map[broken:failed busy:served congestion:failed nowhere:refused]"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	table := s.trace("--last", "--failed")
	if n := strings.Count(table, "\n"); n != 3 || !strings.Contains(table, "scripts/dialplan.lua:") {
		t.Errorf("failed calls:\n%s", table)
	}
	if out, code := command(t, "trace", "nonsense", "--site", s.dir); code != 1 || !strings.Contains(out, "no call nonsense is kept") {
		t.Errorf("code %d: %s", code, out)
	}
	if out, code := command(t, "trace", "x", "--site", t.TempDir()); code != 2 || !strings.Contains(out, "no moonwire runs") {
		t.Errorf("code %d: %s", code, out)
	}
}

// A call can be followed while it goes on, and is in the list until it ends.
func TestFollowing(t *testing.T) {
	t.Parallel()
	s := start(t, lab)
	screen := &lockedBuffer{}
	all := exec.Command(binary, "trace", "--site", s.dir, "--follow")
	all.Stdout, all.Stderr = screen, screen
	if err := all.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = all.Wait() }()
	defer func() { _ = all.Process.Signal(syscall.SIGINT) }()
	for range 30 { // until it listens
		run(t, s, simple["busy"].steps, sippOptions{service: "busy"})
		if screen.await("486 Busy Here", time.Second) {
			break
		}
	}
	caller := startSipp(t, s, scenario{send(inviteMessage()), trying, want(200), ack, pause(3000), bye, want(200)}, sippOptions{service: "echo"})
	if !screen.await("to echo in lab", patience) {
		t.Fatalf("the call is not shown:\n%s", screen)
	}
	out, _ := command(t, "calls", s.dir)
	if !strings.Contains(out, "echo") || strings.Contains(out, "busy") {
		t.Errorf("calls in progress:\n%s", out)
	}
	id := strings.Fields(strings.Split(out, "\n")[1])[0]
	one := s.trace(id, "--follow") // it ends with the call
	if !strings.Contains(one, "BYE") || !strings.Contains(one, "end, answered") || !strings.Contains(one, "200 OK (BYE)") {
		t.Errorf("followed:\n%s", one)
	}
	caller.wait()
	if out, _ := command(t, "calls", s.dir); out != "no calls\n" {
		t.Errorf("calls in progress:\n%s", out)
	}
	if out, _ := command(t, "calls", s.dir, "--ended", "--json"); strings.Count(out, "\n") < 2 {
		t.Errorf("calls that ended:\n%s", out)
	}
}

func TestNoTimelines(t *testing.T) {
	t.Parallel()
	s := start(t, lab, "--trace", "0")
	run(t, s, simple["busy"].steps, sippOptions{service: "busy"})
	if out, code := command(t, "trace", "--last", "--site", s.dir); code != 1 || !strings.Contains(out, "keeps no timelines") {
		t.Errorf("code %d: %s", code, out)
	}
}
