package sip

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// quietEndpoint is an endpoint without sockets, media or log.
func quietEndpoint(b *testing.B, accept func(call.Leg), sent func([]byte)) *Endpoint {
	e, err := New(Options{Log: slog.New(slog.DiscardHandler), Clock: clock.Real})
	if err != nil {
		b.Fatal(err)
	}
	e.write = func(_ flow, m []byte) error { sent(m); return nil }
	e.openAudio = func(audioOptions) (audio, error) { return &fakeAudio{}, nil }
	e.transport.sockets = []*socket{testSocket}
	e.listens, e.accept = true, accept
	if err := e.Apply(Config{Guests: []Guests{{Context: "bench"}}}); err != nil {
		b.Fatal(err)
	}
	return e
}

func feed(b *testing.B, e *Endpoint, text string) {
	v, _, _, message := screen([]byte(text))
	if v != parse {
		b.Fatalf("screened out: %s", text)
	}
	m, err := e.transport.parser.ParseSIP(message)
	if err != nil {
		b.Fatal(err)
	}
	e.received(m, message, flow{udp, netip.MustParseAddrPort("198.51.100.9:5060"), testSocket})
}

func benchMessage(method string, n, seq int, toTag, body string) string {
	to := "<sip:600@192.0.2.1:5060>"
	if toTag != "" {
		to += ";tag=" + toTag
	}
	extra := ""
	if body != "" {
		extra = "Content-Type: application/sdp\r\n"
	}
	return fmt.Sprintf("%s sip:600@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK-%d-%s\r\n"+
		"From: sipp <sip:sipp@198.51.100.9:5060>;tag=f%d\r\nTo: %s\r\nCall-ID: %d@bench\r\nCSeq: %d %s\r\n"+
		"Contact: sip:sipp@198.51.100.9:5060\r\nMax-Forwards: 70\r\nSubject: Performance Test\r\n%sContent-Length: %d\r\n\r\n%s",
		method, n, method, n, to, n, seq, method, extra, len(body), body)
}

// BenchmarkAnswerAndBye is all that this package does for one incoming call:
// screening and parsing INVITE, ACK and BYE, the answers, and the events.
func BenchmarkAnswerAndBye(b *testing.B) {
	var leg call.Leg
	var tag string
	e := quietEndpoint(b, func(l call.Leg) { leg = l }, func(m []byte) {
		if tag == "" {
			_, tag, _ = strings.Cut(lineOf(string(m), "To"), ";tag=")
		}
	})
	body := testSDP("pcmu 198.51.100.9 4000")
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		tag = ""
		feed(b, e, benchMessage("INVITE", n, 1, "", body))
		leg.Send(context.Background(), call.Answer{})
		feed(b, e, benchMessage("ACK", n, 1, tag, ""))
		feed(b, e, benchMessage("BYE", n, 2, tag, ""))
	}
	if up := e.Stats().Calls; up != 0 {
		b.Fatalf("%d calls are still up", up)
	}
}

// BenchmarkHeldCall reports how much heap an answered call keeps, beside its media.
func BenchmarkHeldCall(b *testing.B) {
	const calls = 2000
	body := testSDP("pcmu 198.51.100.9 4000")
	for b.Loop() {
		var legs []call.Leg
		var tag string
		e := quietEndpoint(b, func(l call.Leg) { legs = append(legs, l) }, func(m []byte) {
			_, tag, _ = strings.Cut(lineOf(string(m), "To"), ";tag=")
			tag = strings.Clone(tag)
		})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for n := range calls {
			feed(b, e, benchMessage("INVITE", n, 1, "", body))
			legs[n].Send(context.Background(), call.Answer{})
			feed(b, e, benchMessage("ACK", n, 1, tag, ""))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/calls, "B/call")
		runtime.KeepAlive(legs)
		runtime.KeepAlive(e)
	}
}

// BenchmarkScreen is what a datagram of noise costs.
func BenchmarkScreen(b *testing.B) {
	good := []byte(benchMessage("INVITE", 1, 1, "", testSDP("pcmu 198.51.100.9 4000")))
	b.ReportAllocs()
	for b.Loop() {
		screen(good)
	}
}
