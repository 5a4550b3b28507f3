package digest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

func TestLimiterLetsFailuresLeakAway(t *testing.T) {
	v := clock.NewVirtual(start)
	l := NewLimiter(LimiterOptions{Clock: v, Burst: 3, Forgive: time.Second})
	guesser, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range 3 {
		if !l.Allowed(guesser) {
			t.Fatalf("stopped after %d failures", i)
		}
		l.Failed(guesser)
	}
	if l.Allowed(guesser) {
		t.Error("not stopped after 3 failures")
	}
	if !l.Allowed(other) {
		t.Error("another source is stopped too")
	}
	for range 100 {
		l.Failed(guesser) // in flight when the bucket filled
	}
	v.Advance(time.Second - 1)
	if l.Allowed(guesser) {
		t.Error("forgiven too early")
	}
	v.Advance(1)
	if !l.Allowed(guesser) {
		t.Error("one failure is not forgiven after a second")
	}
	l.Failed(guesser)
	if l.Allowed(guesser) {
		t.Error("more than one failure was forgiven")
	}
}

func TestLimiterTakesAnIPv6NetworkForOneSource(t *testing.T) {
	l := NewLimiter(LimiterOptions{Clock: clock.NewVirtual(start), Burst: 1})
	l.Failed(netip.MustParseAddr("2001:db8::1"))
	if l.Allowed(netip.MustParseAddr("2001:db8::ffff:2")) {
		t.Error("the same network is allowed")
	}
	if !l.Allowed(netip.MustParseAddr("2001:db8:0:1::1")) {
		t.Error("another network is not allowed")
	}
	l.Failed(netip.MustParseAddr("::ffff:192.0.2.1"))
	if l.Allowed(netip.MustParseAddr("192.0.2.1")) {
		t.Error("a mapped IPv4 address is another source")
	}
}

func TestLimiterForgetsTheLongestQuietSourceFirst(t *testing.T) {
	v := clock.NewVirtual(start)
	l := NewLimiter(LimiterOptions{Clock: v, Burst: 1, Sources: 2})
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	for _, source := range []netip.Addr{a, b, a, c} {
		l.Failed(source)
	}
	if l.Allowed(a) || !l.Allowed(b) || l.Allowed(c) {
		t.Error("not b was forgotten")
	}
	if len(l.sources) != 2 || l.recent.Len() != 2 {
		t.Errorf("%d sources are kept", len(l.sources))
	}
	l.Failed(netip.Addr{})
}

func BenchmarkLimiter(b *testing.B) {
	l := NewLimiter(LimiterOptions{Clock: clock.NewVirtual(start)})
	source := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		l.Failed(source)
		l.Allowed(source)
	}
}
