package sip

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/moonwire/moonwire/core/call"
)

// FuzzMessages feeds whole datagrams through the screen, the parser and the
// dispatcher, into an endpoint that has a call up; nothing may panic.
func FuzzMessages(f *testing.F) {
	files, _ := filepath.Glob("testdata/conversations/*.txt")
	seed := newTheatre(f)
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "${") {
			continue
		}
		for _, s := range readSteps(f, file) {
			if s.kind == '>' && !strings.HasPrefix(s.text, "SIP/2.0") {
				f.Add([]byte(seed.compose(s)))
			}
		}
	}
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"))
	f.Fuzz(func(t *testing.T, message []byte) {
		w := newTheatre(t)
		w.config(Config{
			Guests: []Guests{{Context: "public"}},
			Phones: []Phone{{Name: "1001", Password: "secret"}},
			Trunks: []Trunk{{Name: "t", Host: "203.0.113.5", User: "u"}},
		})
		w.deliver(string(message), "198.51.100.9:5060")
		if w.leg != nil {
			w.leg.Info()
			w.leg.Send(context.Background(), call.Progress{})
			w.leg.Send(context.Background(), call.Answer{})
		}
		w.deliver(string(message), "198.51.100.9:5060")
		w.deliver(strings.Replace(string(message), "INVITE", "BYE", 2), "198.51.100.9:5060")
		if n := w.e.stats.panics.Load(); n > 0 {
			t.Fatalf("%d panics\n%s", n, w.log.String())
		}
		for _, m := range w.sent {
			head, _, _ := strings.Cut(m.text, "\r\n\r\n")
			if strings.Contains(head, "\n\n") || strings.Contains(strings.ReplaceAll(head, "\r\n", ""), "\r\n") {
				t.Fatalf("broken lines in %q", m.text)
			}
		}
	})
}

func FuzzHeaders(f *testing.F) {
	for _, s := range []string{
		"1800;refresher=uac", "17 2 INVITE", "abc;to-tag=x;from-tag=y;early-only", `Q.850;cause=16;text="bye"`,
		"SIP;cause=200", "\"Name\" <sip:u@h;lr>;tag=1", "Signal=5\r\nDuration=160\r\n", "*", "11", "host:5060", "[::1]:5060",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := parseSessionExpires(s); err == nil {
			if again, err := parseSessionExpires(e.String()); err != nil || again != e {
				t.Errorf("%q became %v", s, again)
			}
		}
		parseRAck(s)
		if r, err := parseReplaces(s); err == nil {
			if again, err := parseReplaces(r.String()); err != nil || again != r || r.callID == "" {
				t.Errorf("Replaces %q became %v", s, again)
			}
		}
		if c, _ := parseReason([]string{s}); c > 127 {
			t.Errorf("cause %d from %q", c, s)
		}
		for _, kind := range []string{"application/dtmf", "application/dtmf-relay"} {
			if key, _, ok := infoDigit(kind, []byte(s)); ok && !strings.ContainsRune("0123456789*#ABCD", rune(key)) {
				t.Errorf("key %q from %q", key, s)
			}
		}
		if a, err := parseAddress(s); err == nil {
			user(&a.uri)
		}
		splitHost(s)
		if utf8.ValidString(s) && unescape(escapeUser(s)) != s && !strings.Contains(s, "%") {
			t.Errorf("%q did not survive escaping: %q", s, escapeUser(s))
		}
		fragment([]byte(s))
		tokens([]string{s})
		parameter(s, "x")
	})
}

// FuzzFrame cuts streams; what it calls a message must lie within its input.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabcOPT"))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		n, err := frame(p)
		if n < 0 || n > len(p) || err != nil && n != 0 {
			t.Fatalf("frame %d of %d, %v", n, len(p), err)
		}
		if n > 4 {
			if _, _, _, m := screen(p[:n]); len(m) > n {
				t.Fatal("the message grew")
			}
		}
	})
}
