package rtp

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// heardFrom is a check of who is believed: a list of packets, each with its
// sender, and the times between them.
type heardFrom struct {
	*sources
	t   *testing.T
	now time.Time
}

func listening(t *testing.T) *heardFrom {
	s := &heardFrom{&sources{}, t, begin}
	s.signal(phone)
	return s
}

func (h *heardFrom) packet(from netip.AddrPort, ssrc uint32, sequence uint16) bool {
	ok, _ := h.admit(from, ssrc, sequence, h.now)
	return ok
}

// speaks lets a source send n packets, 20 ms apart, and counts those believed.
func (h *heardFrom) speaks(from netip.AddrPort, ssrc uint32, sequence uint16, n int) (believed int) {
	for i := range n {
		if h.packet(from, ssrc, sequence+uint16(i)) {
			believed++
		}
		h.now = h.now.Add(20 * time.Millisecond)
	}
	return believed
}

func (h *heardFrom) want(locked netip.AddrPort) {
	h.t.Helper()
	if h.locked != locked {
		h.t.Errorf("believed is %v, want %v", h.locked, locked)
	}
}

func TestTheSignalledSourceIsBelievedAtOnce(t *testing.T) {
	h := listening(t)
	if !h.packet(phone, 1, 1) {
		t.Error("not believed")
	}
	h.want(phone)
}

func TestAnotherSourceIsBelievedAfterProbation(t *testing.T) {
	h := listening(t)
	if n := h.speaks(nat, 1, 100, 5); n != 2 {
		t.Errorf("%d of 5 packets believed, want 2", n)
	}
	h.want(nat)
}

func TestABurstIsNoProof(t *testing.T) {
	h := listening(t)
	for i := range 20 {
		if h.packet(stranger, 1, uint16(i)) {
			t.Fatalf("packet %d of a burst was believed", i)
		}
	}
	h.want(netip.AddrPort{})
}

func TestGarbageIsNoProof(t *testing.T) {
	h := listening(t)
	for i := range 50 {
		if h.packet(stranger, 7, uint16(i*31000)) || h.packet(nat, uint32(i), uint16(i)) {
			t.Fatal("believed")
		}
		h.now = h.now.Add(20 * time.Millisecond)
	}
	h.want(netip.AddrPort{})
}

func TestLossDoesNotSpoilProbation(t *testing.T) {
	h := listening(t)
	for _, sequence := range []uint16{65534, 65535, 1, 2} {
		h.packet(nat, 1, sequence)
		h.now = h.now.Add(20 * time.Millisecond)
	}
	h.want(nat)
}

func TestAStrangerCannotTakeOverALiveCall(t *testing.T) {
	for _, victim := range []netip.AddrPort{phone, nat} {
		h := listening(t)
		h.speaks(victim, 1, 100, 10)
		for i := range 500 {
			if !h.packet(victim, 1, uint16(110+i)) {
				t.Fatalf("%v is not heard any more", victim)
			}
			if h.packet(stranger, 2, uint16(i)) {
				t.Fatalf("the stranger is heard after %d packets", i)
			}
			if h.packet(stranger, 1, uint16(110+i)) {
				t.Fatal("the stranger is heard with the caller's SSRC")
			}
			h.now = h.now.Add(20 * time.Millisecond)
		}
		h.want(victim)
	}
}

func TestTheSignalledSourceWinsFromALearnedOne(t *testing.T) {
	h := listening(t)
	h.speaks(stranger, 2, 1, 10)
	h.want(stranger)
	h.packet(phone, 1, 1)
	h.want(phone)
	if h.speaks(stranger, 2, 11, 10) != 0 {
		t.Error("the stranger is still heard")
	}
}

func TestASilentSourceIsReplaced(t *testing.T) {
	h := listening(t)
	h.speaks(phone, 1, 1, 10)
	h.now = h.now.Add(time.Second)
	if h.speaks(nat, 2, 1, 20) != 0 {
		t.Error("replaced while a pause in speech could explain the silence")
	}
	h.now = h.now.Add(time.Second)
	if h.speaks(nat, 2, 21, 10) == 0 {
		t.Error("not replaced after two seconds")
	}
	h.want(nat)
}

func TestTheSameStreamMayMoveSoon(t *testing.T) {
	h := listening(t)
	h.speaks(nat, 1, 100, 10)
	moved := netip.MustParseAddrPort("203.0.113.1:41111")
	if n := h.speaks(moved, 1, 110, 20); n < 9 {
		t.Errorf("%d of 20 packets heard from the new mapping", n)
	}
	h.want(moved)
}

func TestReinviteBeginsAnew(t *testing.T) {
	h := listening(t)
	h.speaks(nat, 1, 100, 10)
	h.signal(phone) // the same address again
	h.want(nat)
	other := netip.MustParseAddrPort("192.0.2.8:4000")
	h.signal(other)
	h.want(netip.AddrPort{})
	if h.target(true) != other {
		t.Errorf("target %v", h.target(true))
	}
	if h.speaks(nat, 1, 110, 3) != 0 || h.speaks(nat, 1, 113, 2) == 0 {
		t.Error("probation was not repeated")
	}
}

func TestAFloodLeavesNoRoomButForgets(t *testing.T) {
	h := listening(t)
	for i := range 1000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 5000)
		if h.packet(from, uint32(i), uint16(i)) {
			t.Fatal("believed")
		}
	}
	h.now = h.now.Add(time.Second)
	if h.speaks(nat, 1, 1, 10) == 0 {
		t.Error("nobody is believed after the flood")
	}
}

func TestReception(t *testing.T) {
	type step struct {
		ssrc     uint32
		sequence uint16
		wait     time.Duration
		want     verdict
	}
	const ms = time.Millisecond
	cases := []struct {
		name     string
		steps    []step
		received uint64
		lost     int64
	}{
		{"in order over the wrap", []step{{1, 65535, 0, first}, {1, 0, 20 * ms, fresh}, {1, 1, 20 * ms, fresh}}, 3, 0},
		{"lost", []step{{1, 1, 0, first}, {1, 5, 20 * ms, fresh}}, 2, 3},
		{"late", []step{{1, 1, 0, first}, {1, 3, 20 * ms, fresh}, {1, 2, ms, reordered}}, 3, 0},
		{"twice", []step{{1, 1, 0, first}, {1, 1, ms, duplicate}, {1, 2, 20 * ms, fresh}, {1, 1, ms, duplicate}}, 2, 0},
		{"before the first", []step{{1, 3, 0, first}, {1, 2, ms, outdated}, {1, 65535, ms, outdated}}, 1, 0},
		{"replayed", []step{{1, 1, 0, first}, {1, 200, 20 * ms, fresh}, {1, 100, ms, outdated}, {1, 201, 20 * ms, fresh}}, 3, 198},
		{"a long way back is not believed at once", []step{{1, 5000, 0, first}, {1, 1000, 100 * ms, unproven}, {1, 5001, 20 * ms, fresh}}, 2, 0},
		{"numbering begun anew", []step{{1, 5000, 0, first}, {1, 1000, 100 * ms, unproven}, {1, 1001, 20 * ms, first}, {1, 1002, 20 * ms, fresh}}, 2, 0},
		{"a burst of replayed packets", []step{{1, 5000, 0, first}, {1, 1000, ms, unproven}, {1, 1001, ms, unproven}, {1, 1002, ms, unproven}, {1, 5001, 17 * ms, fresh}}, 2, 0},
		{"another SSRC", []step{{1, 5, 0, first}, {2, 90, 60 * ms, unproven}, {2, 91, 20 * ms, first}}, 1, 0},
		{"two streams at once", []step{{1, 5, 0, first}, {2, 90, 60 * ms, unproven}, {1, 6, ms, fresh}, {2, 91, 20 * ms, unproven}, {1, 7, ms, fresh}, {2, 92, 20 * ms, unproven}}, 3, 0},
		{"out of order in another SSRC", []step{{1, 5, 0, first}, {2, 90, 60 * ms, unproven}, {2, 95, 20 * ms, unproven}, {2, 96, 20 * ms, first}}, 1, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r reception
			now := begin
			for i, s := range c.steps {
				now = now.Add(s.wait)
				if got := r.note(s.ssrc, s.sequence, now); got != s.want {
					t.Fatalf("step %d: verdict %d, want %d", i, got, s.want)
				}
			}
			if r.received != c.received || r.totalLost() != c.lost {
				t.Errorf("received %d, lost %d; want %d, %d", r.received, r.totalLost(), c.received, c.lost)
			}
		})
	}
}

func TestLossIsKeptOverANewNumbering(t *testing.T) {
	var r reception
	for _, n := range []uint16{1, 4} { // two lost
		r.note(1, n, begin)
	}
	r.note(2, 100, begin.Add(time.Second))
	r.note(2, 101, begin.Add(time.Second))
	r.note(2, 103, begin.Add(time.Second)) // one lost
	if r.totalLost() != 3 {
		t.Errorf("lost %d", r.totalLost())
	}
}

func TestReportOfLossSinceTheLast(t *testing.T) {
	var r reception
	for n := uint16(0); n < 100; n++ {
		if n%4 != 1 {
			r.note(1, n, begin)
		}
	}
	if b := r.report(); b.fraction != 64 || b.lost != 25 || b.highest != 99 {
		t.Errorf("%+v", b)
	}
	for n := uint16(100); n < 200; n++ {
		r.note(1, n, begin)
	}
	if b := r.report(); b.fraction != 0 || b.lost != 25 || b.highest != 199 {
		t.Errorf("%+v", b)
	}
}

func TestJitter(t *testing.T) {
	var r reception
	for i := range 1000 { // every other packet comes 10 ms (80 units) late
		r.measure(int64(i*160+i%2*80), uint32(i*160), 8000)
	}
	if r.jitter < 75 || r.jitter > 85 {
		t.Errorf("jitter %v units, want about 80", r.jitter)
	}
	r.measure(int64(1000*160+80000), 160*1000, 8000)
	if r.jitter > 85 {
		t.Errorf("a pause counted as jitter: %v", r.jitter)
	}
}

// FuzzReceive sends any datagrams in any order, from three sources, to a session
// that also forwards them; nothing may panic and nothing may be sent that is no
// RTP.
func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x0c\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"), uint8(0))
	f.Add([]byte("\x10\x80\xe5\x00\x02\x00\x00\x00\xa0\x00\x00\x00\x01\x05\x8a\x03\x20"), uint8(1))
	f.Add([]byte("\x10\x90\x00\x00\x02\x00\x00\x00\xa0\x00\x00\x00\x01\xbe\xde\x00\x01"), uint8(2))
	f.Fuzz(func(t *testing.T, script []byte, mode uint8) {
		r := newRig(t, Options{DigitAtEnd: mode&1 != 0})
		a := agreement()
		a.RTCPMux = mode&2 != 0
		if mode&4 != 0 {
			a.TelephoneSend = 0
		}
		if mode&8 != 0 {
			a.TelephoneReceive = 0
		}
		r.Configure(a)
		r.worker.Do(func() {
			r.Push(func(f *frame) { _ = r.WriteFrame(f) })
		})
		from := []netip.AddrPort{phone, nat, stranger}
		for i := 0; len(script) > 0; i++ {
			n := min(int(script[0]), len(script)-1)
			packet := append(make([]byte, 0, 2048), script[1:1+n]...)
			script = script[1+n:]
			r.feed(from[i%3], packet)
			r.worker.Do(func() { r.receiveControl(packet, phoneCtl) })
			r.clk.Advance(20 * time.Millisecond)
		}
		for _, d := range r.data.take() {
			if isRTCP(d.packet) { // RTP and RTCP on one port
				if _, err := parseRTCP(d.packet, 0); err != nil {
					t.Fatalf("sent %x: %v", d.packet, err)
				}
				continue
			}
			if len(d.packet) < headerLength || d.packet[0] != 0x80 || binary.BigEndian.Uint32(d.packet[8:]) != r.out.ssrc {
				t.Fatalf("sent %x", d.packet)
			}
		}
	})
}
