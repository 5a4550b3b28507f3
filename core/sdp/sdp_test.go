package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/call"
)

const start = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

func TestParseRefuses(t *testing.T) {
	cases := []struct {
		name, text string
		line       int
	}{
		{"nothing", "", 1},
		{"blank lines", "\r\n\r\n", 1},
		{"no version", "o=- 1 1 IN IP4 192.0.2.1\r\n", 1},
		{"another version", "v=1\r\n", 1},
		{"not a line", "v=0\r\nhello\r\n", 2},
		{"one letter", "v=0\r\na\r\n", 2},
		{"short origin", "v=0\r\no=- 1 1 IN IP4\r\n", 2},
		{"short connection", "v=0\r\nc=IN IP4\r\n", 2},
		{"connection of another network", "v=0\r\nc=ATM NSAP 47.0091\r\n", 2},
		{"connection without address", "v=0\r\nc=IN IP4 /127\r\n", 2},
		{"media without formats", start + "m=audio 4000 RTP/AVP\r\n", 6},
		{"port too large", start + "m=audio 65536 RTP/AVP 0\r\n", 6},
		{"negative port", start + "m=audio -1 RTP/AVP 0\r\n", 6},
		{"port is text", start + "m=audio x RTP/AVP 0\r\n", 6},
		{"attribute without name", start + "a=:x\r\n", 6},
		{"NUL", start + "a=x\x00y\r\n", 6},
		{"CR in a line", start + "a=x\ry\r\n", 6},
		{"too many formats", start + "m=audio 4000 RTP/AVP" + strings.Repeat(" 0", 129) + "\r\n", 6},
		{"too many media lines", start + strings.Repeat("m=audio 4000 RTP/AVP 0\r\n", 33), 38},
		{"too many lines", start + strings.Repeat("a=x\r\n", 1000), 1001},
		{"too large", start + "a=" + strings.Repeat("x", MaxSize), 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v, want a SyntaxError", err)
			}
			if syntax.Line != c.line {
				t.Errorf("line %d, want %d", syntax.Line, c.line)
			}
			if len(err.Error()) > 200 {
				t.Errorf("the message repeats too much of the peer's text: %d bytes", len(err.Error()))
			}
		})
	}
}

func TestParseTakesBareLineFeeds(t *testing.T) {
	text := start + "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"
	one, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	other, err := Parse([]byte(strings.ReplaceAll(text, "\r\n", "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if !one.Equal(other) || one.String() != text {
		t.Errorf("%s\nand\n%s", one, other)
	}
}

func TestDirection(t *testing.T) {
	all := []Direction{SendReceive, SendOnly, ReceiveOnly, Inactive}
	for _, d := range all {
		if d.Reverse().Reverse() != d || d.And(SendReceive) != d || d.And(Inactive) != Inactive {
			t.Errorf("%v is not consistent", d)
		}
		for _, e := range all {
			and := d.And(e)
			if and.Sends() != (d.Sends() && e.Sends()) || and.Receives() != (d.Receives() && e.Receives()) {
				t.Errorf("%v and %v gives %v", d, e, and)
			}
		}
	}
}

func TestNoCommonCodecHoldsBothLists(t *testing.T) {
	formats := ""
	maps := ""
	for n := 96; n <= 127; n++ {
		formats += fmt.Sprint(" ", n)
		maps += fmt.Sprintf("a=rtpmap:%d made-up-%d/8000\r\n", n, n)
	}
	offer, err := Parse([]byte(start + "m=audio 4000 RTP/AVP" + formats + "\r\n" + maps))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Answer(offer, Capabilities{Codecs: []call.Codec{call.PCMU}})
	var none *NoCommonCodec
	if !errors.As(err, &none) {
		t.Fatalf("error %v", err)
	}
	if len(none.Theirs) != mostNames || none.Theirs[0] != "made-up-96/8000" || len(none.Ours) != 1 {
		t.Errorf("lists %v and %v", none.Theirs, none.Ours)
	}
}

func TestDynamicTypesNeverClash(t *testing.T) {
	everything := []call.Codec{call.L16, call.Opus, call.Speex, call.ILBC, call.G726, call.G722, call.PCMU, call.PCMA, call.GSM, call.G729}
	c := Capabilities{Address: netip.MustParseAddr("192.0.2.1"), Port: 4000, Codecs: everything, Telephone: true, ComfortNoise: true}
	d := Offer(c)
	seen := map[string]bool{}
	for _, f := range d.Media[0].Formats {
		if seen[f] {
			t.Errorf("payload type %s twice in\n%s", f, d)
		}
		seen[f] = true
	}
	if want := len(everything) + 2*3; len(seen) != want {
		t.Errorf("%d payload types, want %d", len(seen), want)
	}
}

func TestVersionStaysForTheSameOffer(t *testing.T) {
	c := Capabilities{Address: netip.MustParseAddr("192.0.2.1"), Port: 4000, Version: 5, Codecs: []call.Codec{call.PCMU}}
	c.Previous = Offer(c)
	if again := Offer(c); again.Origin.Version != "5" {
		t.Errorf("version %s, want 5", again.Origin.Version)
	}
	c.Direction = SendOnly
	if held := Offer(c); held.Origin.Version != "6" {
		t.Errorf("version %s, want 6", held.Origin.Version)
	}
}

// FuzzExchange lets any text be offer and answer. Whatever is read must be
// written and read again alike, and answered line for line.
func FuzzExchange(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range strings.Split(string(b), "\n== ") {
			if name, body, _ := strings.Cut(part, "\n"); strings.Contains(name, "them") {
				f.Add([]byte(body))
			}
		}
	}
	f.Add([]byte(start + "m=audio 4000/3 RTP/AVP 0 127 128 -1\na=rtpmap:127 opus/48000/2\na=ptime:1e9\na=rtcp:99999\n"))
	c := Capabilities{Address: netip.MustParseAddr("192.0.2.1"), Port: 4000, Telephone: true, ComfortNoise: true, RTCPMux: true,
		Codecs: []call.Codec{call.Opus, call.PCMU, call.PCMA, call.G722, call.ILBC}}
	offer := Offer(c)
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(d.Append(nil))
		if err != nil {
			t.Fatalf("cannot read what was written: %v\n%s", err, d)
		}
		if !again.Equal(d) {
			t.Fatalf("changed on the way:\n%s\n%s", d, again)
		}
		if a, err := Accept(offer, d, c); err == nil {
			checkAgreement(t, a)
		}
		answer, a, err := Answer(d, c)
		if err != nil {
			return
		}
		checkAgreement(t, a)
		if len(answer.Media) != len(d.Media) {
			t.Fatalf("%d lines answered with %d", len(d.Media), len(answer.Media))
		}
		if _, err := Parse(answer.Append(nil)); err != nil {
			t.Fatalf("our answer cannot be read: %v\n%s", err, answer)
		}
		c := c
		c.Previous = answer
		if next := Offer(c); len(next.Media) < len(answer.Media) {
			t.Fatalf("a re-offer lost media lines:\n%s", next)
		}
	})
}

func checkAgreement(t *testing.T, a Agreement) {
	t.Helper()
	if a.Format.IsZero() || a.Format.PTime < shortestPTime || a.Format.PTime > longestPTime {
		t.Fatalf("format %v every %v", a.Format, a.Format.PTime)
	}
	if a.SendType > 127 || a.ReceiveType > 127 || a.TelephoneSend > 127 || a.TelephoneReceive > 127 {
		t.Fatalf("payload types of %+v", a)
	}
}

func BenchmarkAnswer(b *testing.B) {
	text := []byte(start + "m=audio 49170 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n")
	c := Capabilities{Address: netip.MustParseAddr("192.0.2.1"), Port: 4000, Codecs: []call.Codec{call.PCMU, call.PCMA}, Telephone: true}
	buffer := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		d, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		answer, _, err := Answer(d, c)
		if err != nil {
			b.Fatal(err)
		}
		buffer = answer.Append(buffer[:0])
	}
}
