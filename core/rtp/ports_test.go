package rtp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
)

var loopback = netip.MustParseAddr("127.0.0.1")

func TestPortRanges(t *testing.T) {
	for _, c := range []struct {
		low, high, pairs int
	}{{10000, 20000, 5000}, {10001, 10004, 1}, {10000, 10001, 1}, {65534, 65535, 1}, {10000, 10000, 0}, {10001, 10002, 0}, {0, 10, 0}, {20, 10, 0}, {65000, 65536, 0}} {
		p, err := NewPorts(loopback, c.low, c.high)
		if (err == nil) != (c.pairs > 0) {
			t.Errorf("%d-%d: %v", c.low, c.high, err)
		} else if err == nil && p.total != c.pairs {
			t.Errorf("%d-%d holds %d pairs, want %d", c.low, c.high, p.total, c.pairs)
		}
	}
	if _, err := NewPorts(netip.Addr{}, 10000, 20000); err == nil {
		t.Error("no address")
	}
}

func TestPortsComeBackLast(t *testing.T) {
	p, err := NewPorts(loopback, 10000, 10199)
	if err != nil {
		t.Fatal(err)
	}
	p.shuffle(1)
	port, _ := p.take()
	p.give(port)
	taken := map[uint16]bool{}
	for range 99 {
		next, ok := p.take()
		if !ok || next == port || taken[next] || next%2 != 0 || next < 10000 || next > 10198 {
			t.Fatalf("port %d, %v", next, ok)
		}
		taken[next] = true
	}
	if last, ok := p.take(); !ok || last != port {
		t.Errorf("the one that came back is %d, and the last given out %d, %v", port, last, ok)
	}
	if next, ok := p.take(); ok {
		t.Errorf("port %d of a range that is used up", next)
	}
}

func worker(t *testing.T) *media.Worker {
	t.Helper()
	engine, err := media.NewEngine(media.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	return engine.Worker()
}

// freeRange finds n pairs of ports in a row that nobody uses.
func freeRange(t *testing.T, pairs int) (low, high int) {
	t.Helper()
search:
	for low = 21000; low < 31000; low += 2 * pairs { // below the ports that systems give out by themselves
		for port := low; port < low+2*pairs; port++ {
			c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			if err != nil {
				continue search
			}
			_ = c.Close()
		}
		return low, low + 2*pairs - 1
	}
	t.Fatal("no free ports")
	return 0, 0
}

func TestPortsRunOut(t *testing.T) {
	w := worker(t)
	low, high := freeRange(t, 4)
	p, err := NewPorts(loopback, low, high)
	if err != nil {
		t.Fatal(err)
	}
	var open []*Session
	for range 4 {
		s, err := p.Open(w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s.LocalPort()%2 != 0 || s.LocalPort() < low || s.LocalPort() > high {
			t.Errorf("port %d", s.LocalPort())
		}
		open = append(open, s)
	}
	if _, err := p.Open(w, Options{}); !errors.Is(err, call.ErrExhausted) {
		t.Errorf("error %v", err)
	}
	if used, of := p.InUse(); used != 4 || of != 4 {
		t.Errorf("%d of %d in use", used, of)
	}
	_ = open[0].Close()
	w.Do(func() {})
	w.Do(func() {})
	again, err := p.Open(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
	for _, s := range open {
		_ = s.Close()
	}
}

func TestPortsThatOthersUseArePassedOver(t *testing.T) {
	w := worker(t)
	low, high := freeRange(t, 2)
	squatter, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: low + 1})
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	p, err := NewPorts(loopback, low, high)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Open(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.LocalPort() != low+2 {
		t.Errorf("port %d", s.LocalPort())
	}
	if _, err := p.Open(w, Options{}); !errors.Is(err, call.ErrExhausted) {
		t.Errorf("error %v", err)
	}
}

func TestRandomnessIsRequired(t *testing.T) {
	p, err := NewPorts(loopback, 10000, 10009)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(nil, Options{Rand: bytes.NewReader(nil)}); err == nil {
		t.Error("a session without random numbers")
	}
	var one, other seed
	_, _ = rand.Read(one[:])
	_, _ = rand.Read(other[:])
	a, b := newSession(worker(t), Options{}, one), newSession(worker(t), Options{}, other)
	if a.out.ssrc == b.out.ssrc || a.reports.name == b.reports.name {
		t.Error("two sessions look alike")
	}
}
