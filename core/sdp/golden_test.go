package sdp

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

var update = flag.Bool("update", false, "write what is computed into testdata")

// A golden file tells one exchange of descriptions in sections that begin with
// "== name". The first lines say why the case exists. "we" sets Capabilities;
// "offer from them", "answer from them" are what the peer sends; "our offer",
// "our answer", "agreement" and "error" are what must come of it. Sections are
// worked through in order, so that a re-offer follows the exchange before it.
type section struct{ name, body string }

func readGolden(t *testing.T, path string) (intro string, list []section) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split("\n"+string(b), "\n== ")
	for _, p := range parts[1:] {
		name, body, _ := strings.Cut(p, "\n")
		list = append(list, section{strings.TrimSpace(name), strings.TrimSpace(body) + "\n"})
	}
	return strings.TrimPrefix(parts[0], "\n"), list
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			intro, list := readGolden(t, path)
			play(t, list)
			if *update {
				out := intro
				for _, s := range list {
					out += "\n== " + s.name + "\n" + s.body
				}
				if err := os.WriteFile(path, []byte(strings.TrimPrefix(out, "\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// exchange is the state of one dialog in a golden file.
type exchange struct {
	we        Capabilities
	theirs    *Description // last offer from them, not yet answered
	offer     *Description // last offer of ours, not yet answered
	agreement Agreement
	err       error
}

func play(t *testing.T, list []section) {
	x := exchange{we: Capabilities{Address: netip.MustParseAddr("192.0.2.10"), Port: 10000, SessionID: 77, Version: 1,
		Codecs: []call.Codec{call.PCMU, call.PCMA}, Telephone: true}}
	for i := range list {
		s := &list[i]
		switch s.name {
		case "we":
			configure(t, &x.we, s.body)
		case "offer from them":
			x.theirs, x.err = Parse([]byte(s.body))
			if x.err == nil {
				answer := x.answer()
				if answer != nil {
					x.we.Previous = answer
				}
			}
		case "answer from them":
			answer, err := Parse([]byte(s.body))
			if err != nil {
				t.Fatal(err)
			}
			x.agreement, x.err = Accept(x.offer, answer, x.we)
		case "our offer":
			x.offer = Offer(x.we)
			x.we.Previous = x.offer
			compare(t, s, unixLines(x.offer))
		case "our answer":
			compare(t, s, unixLines(x.we.Previous))
		case "agreement":
			if x.err != nil {
				t.Fatal(x.err)
			}
			compare(t, s, describe(x.agreement))
		case "error":
			if x.err == nil {
				t.Fatal("no error, want", s.body)
			}
			compare(t, s, x.err.Error()+"\n")
		default:
			t.Fatalf("unknown section %q", s.name)
		}
	}
}

func (x *exchange) answer() *Description {
	var d *Description
	d, x.agreement, x.err = Answer(x.theirs, x.we)
	return d
}

func unixLines(d *Description) string { return strings.ReplaceAll(d.String(), "\r\n", "\n") }

func compare(t *testing.T, s *section, got string) {
	t.Helper()
	if *update {
		s.body = got
		return
	}
	if s.body != got {
		t.Errorf("%s:\n%s\nwant:\n%s", s.name, got, s.body)
	}
}

// configure reads lines "name value" into Capabilities.
func configure(t *testing.T, c *Capabilities, text string) {
	t.Helper()
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		name, value, _ := strings.Cut(l, " ")
		on := value == "yes"
		number, _ := strconv.Atoi(value)
		switch name {
		case "codecs":
			c.Codecs = nil
			for _, n := range strings.Fields(value) {
				codec, ok := call.CodecByName(n)
				if !ok {
					t.Fatalf("codec %q", n)
				}
				c.Codecs = append(c.Codecs, codec)
			}
		case "address":
			c.Address = netip.MustParseAddr(value)
		case "port":
			c.Port = number
		case "rtcp-port":
			c.RTCPPort = number
		case "prefer-ours":
			c.PreferOurs = on
		case "ptime":
			c.PTime = time.Duration(number) * time.Millisecond
		case "maxptime":
			c.MaxPTime = time.Duration(number) * time.Millisecond
		case "telephone":
			c.Telephone = on
		case "comfort-noise":
			c.ComfortNoise = on
		case "rtcp-mux":
			c.RTCPMux = on
		case "direction":
			d, ok := directionNamed(value)
			if !ok {
				t.Fatalf("direction %q", value)
			}
			c.Direction = d
		default:
			t.Fatalf("unknown capability %q", name)
		}
	}
}

func describe(a Agreement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "remote %v rtcp %v\n", a.Remote, a.RemoteRTCP)
	fmt.Fprintf(&b, "%v every %v, type %d out %d in\n", a.Format, a.Format.PTime, a.SendType, a.ReceiveType)
	if a.Parameters != "" {
		fmt.Fprintf(&b, "parameters %s\n", a.Parameters)
	}
	for _, c := range a.Also {
		if c.Codec != call.NoCodec {
			fmt.Fprintf(&b, "also %v, type %d out %d in\n", c.Codec, c.SendType, c.ReceiveType)
		}
	}
	if a.TelephoneSend != 0 {
		fmt.Fprintf(&b, "telephone-event %d out %d in at %d\n", a.TelephoneSend, a.TelephoneReceive, a.TelephoneClock)
	}
	if a.ComfortSend != 0 {
		fmt.Fprintf(&b, "comfort noise %d out %d in\n", a.ComfortSend, a.ComfortReceive)
	}
	fmt.Fprintf(&b, "%v", a.Direction)
	if a.RTCPMux {
		b.WriteString(", rtcp-mux")
	}
	if a.OnHold {
		b.WriteString(", on hold")
	}
	return b.String() + "\n"
}
