package interop

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// capture is tshark listening to loopback. What it has seen is known from the
// line that it prints for each packet, so nothing has to be waited for blindly.
type capture struct {
	t       testing.TB
	s       *server
	file    string
	screen  *lockedBuffer
	process *exec.Cmd
	done    chan struct{}
	marks   int
}

// startCapture listens to everything to and from the server, whose media ports
// are low to high.
func startCapture(t testing.TB, s *server, low, high int) *capture {
	t.Helper()
	c := &capture{t: t, s: s, file: filepath.Join(t.TempDir(), "calls.pcapng"), screen: &lockedBuffer{}, done: make(chan struct{})}
	c.process = exec.Command("tshark", "-i", "lo", "-B", "32",
		"-f", fmt.Sprintf("udp port %s or tcp port %s or udp portrange %d-%d", portOf(s.sip["udp"]), portOf(s.sip["tcp"]), low, high), "-w", c.file, "-P", "-l", "-n",
		"-d", "udp.port=="+portOf(s.sip["udp"])+",sip", "-d", "tcp.port=="+portOf(s.sip["tcp"])+",sip")
	c.process.Stdout, c.process.Stderr = c.screen, c.screen
	if err := c.process.Start(); err != nil {
		t.Fatalf("tshark: %v (make test installs it)", err)
	}
	go func() {
		_ = c.process.Wait()
		close(c.done)
	}()
	t.Cleanup(c.stop)
	c.mark()
	return c
}

// mark sends a request until tshark shows it: all that happened before is then
// in the file.
func (c *capture) mark() {
	c.t.Helper()
	conn, err := net.Dial("udp", c.s.sip["udp"])
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	w := newWire(c.t, conn, "udp")
	for range 60 {
		c.marks++
		name := fmt.Sprintf("mark-%d", c.marks)
		w.ask(w.request("OPTIONS", "sip:"+name+"@127.0.0.1", "tester", c.marks, nil, ""))
		if c.screen.await(name, patience/60) {
			return
		}
		select {
		case <-c.done:
			c.t.Fatalf("tshark cannot listen to loopback; it needs root, or CAP_NET_RAW on dumpcap:\n%s", c.screen)
		default:
		}
	}
	c.t.Fatalf("tshark saw nothing:\n%s", c.screen)
}

// stop ends the capture; the file is complete then.
func (c *capture) stop() {
	select {
	case <-c.done:
	default:
		_ = c.process.Process.Signal(syscall.SIGINT)
		<-c.done
	}
}

// read asks tshark about the file, with every port that carried RTP decoded so.
func (c *capture) read(arguments ...string) string {
	c.t.Helper()
	arguments = append([]string{"-r", c.file, "-n", "-d", "udp.port==" + portOf(c.s.sip["udp"]) + ",sip", "-d", "tcp.port==" + portOf(c.s.sip["tcp"]) + ",sip"}, arguments...)
	cmd := exec.Command("tshark", arguments...)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("tshark %s: %v\n%s", strings.Join(arguments, " "), err, errors.String())
	}
	return string(out)
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// TestNoProtocolErrors has tshark look for mistakes in what we send in calls of
// many kinds, and for gaps in the media.
func TestNoProtocolErrors(t *testing.T) {
	t.Parallel()
	low := freePort(t)
	s := start(t, lab, "--rtp", fmt.Sprintf("%d-%d", low, low+39))
	c := startCapture(t, s, low, low+39)
	for _, name := range []string{"answer and hang up", "over TCP", "the server hangs up", "busy", "cancelled while ringing", "late offer",
		"hold and resume", "codec change", "update", "options", "no codec in common", "reliable ringing", "session timer", "registration", "unknown method"} {
		steps, ok := simple[name]
		if !ok {
			t.Fatalf("there is no scenario %q", name)
		}
		run(t, s, steps.steps, sippOptions{service: steps.service, transport: steps.transport})
	}
	for _, name := range []string{"the server holds and resumes", "the server transfers", "digits by RFC 4733"} {
		run(t, s, dialogs[name].steps, dialogs[name].options)
	}
	for _, name := range []string{"answered", "rings reliably", "forked on the way", "no answer"} {
		b := betweenPhones[name]
		called := s.phone(b.number, b.called, sippOptions{})
		run(t, s, b.caller, sippOptions{service: b.number})
		called.wait()
	}
	played := startSipp(t, s, scenario{send(inviteMessage()), trying, want(200), ack, wantRequest("BYE"), agreed}, sippOptions{service: "prompt"})
	played.wait()
	c.mark()
	c.stop()

	media := fmt.Sprintf("(udp.srcport >= %d && udp.srcport <= %d)", low, low+39)
	ours := fmt.Sprintf("(udp.srcport == %s || tcp.srcport == %s || %s)", portOf(s.sip["udp"]), portOf(s.sip["tcp"]), media)
	if n := strings.Count(c.read("-Y", ours+" && sip"), "\n"); n < 60 {
		t.Errorf("only %d SIP messages of ours were seen", n)
	}
	const errorSeverity = 0x800000
	wrong := c.read("-Y", fmt.Sprintf("%s && (_ws.malformed || _ws.expert.severity >= %d)", ours, errorSeverity), "-T", "fields",
		"-e", "frame.number", "-e", "_ws.col.Info", "-e", "_ws.expert.message")
	if wrong != "" {
		t.Errorf("tshark finds protocol errors in what we sent:\n%s", wrong)
	}
	for _, stream := range rtpStreams(c.read("-q", "-z", "rtp,streams")) {
		if port, _ := strconv.Atoi(stream.from); port < low || port > low+39 {
			continue
		}
		if stream.lost != "0" {
			t.Errorf("RTP from port %s lost %s of %d packets", stream.from, stream.lost, stream.packets)
		}
		if stream.packets > 200 {
			return // the prompt was among them
		}
	}
	t.Error("no stream is as long as the prompt")
}

// rtpStream is a line of tshark's statistics.
type rtpStream struct {
	from    string // port
	packets int
	lost    string
}

// rtpStreams reads the table: start, end, source address and port, destination
// address and port, SSRC, payload, packets, lost and more. The payload may have
// blanks in it, so what comes after is found by the percentage.
func rtpStreams(table string) []rtpStream {
	var list []rtpStream
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		for i, f := range fields {
			if i < 4 || !strings.HasPrefix(f, "(") || !strings.HasSuffix(f, "%)") {
				continue
			}
			packets, _ := strconv.Atoi(fields[i-2])
			list = append(list, rtpStream{from: fields[3], packets: packets, lost: fields[i-1]})
			break
		}
	}
	return list
}
