package rtp

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/sdp"
)

// nowhere is a socket that counts.
type nowhere struct{ n int }

func (s *nowhere) Send([]byte, netip.AddrPort) error { s.n++; return nil }
func (s *nowhere) LocalAddr() netip.AddrPort         { return netip.AddrPort{} }
func (s *nowhere) Close()                            {}

func TestReportsReadBack(t *testing.T) {
	info := senderInfo{ntp: 0x1122334455667788, timestamp: 99, packets: 1000, octets: 160000}
	for _, about := range []*reportBlock{
		nil,
		{ssrc: 7, fraction: 64, lost: 25, highest: 65536 + 9, jitter: 80, last: 0x33445566, delay: 65536},
		{ssrc: 7, lost: -3},
		{ssrc: 7, lost: 1<<23 - 1},
	} {
		for _, i := range []*senderInfo{nil, &info} {
			p := appendBye(appendName(appendReport(nil, 5, i, about), 5, "name"), 5)
			c, err := parseRTCP(p, 7)
			if err != nil {
				t.Fatal(err)
			}
			if c.ssrc != 5 || !c.bye || c.sender != (i != nil) || c.onUs != (about != nil) {
				t.Errorf("%+v", c)
			}
			if i != nil && c.info != info || about != nil && c.about != *about {
				t.Errorf("%+v", c)
			}
			for n := range p { // truncated anywhere
				if c, err := parseRTCP(p[:n], 7); err == nil && n%4 != 0 {
					t.Errorf("%d of %d octets read as %+v", n, len(p), c)
				}
			}
		}
	}
}

func TestNameIsPadded(t *testing.T) {
	for n := range 20 {
		p := appendName(nil, 1, strings.Repeat("x", n))
		if len(p)%4 != 0 || int(binary.BigEndian.Uint16(p[2:])) != len(p)/4-1 || p[len(p)-1] != 0 {
			t.Errorf("name of %d: %x", n, p)
		}
	}
}

func TestNTPTime(t *testing.T) {
	at := time.Date(1970, 1, 1, 0, 0, 0, int(500*time.Millisecond), time.UTC)
	if got := ntpTime(at); got != 2208988800<<32|1<<31 {
		t.Errorf("%x", got)
	}
}

func TestReportsAreSentAtIrregularIntervals(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 9, sequence: 100}
	for range 3000 { // a minute
		r.feed(phone, s.next())
		r.write(voice(160))
		r.clk.Advance(20 * time.Millisecond)
	}
	got := r.control.take()
	if len(got) < 9 || len(got) > 25 {
		t.Fatalf("%d reports in a minute", len(got))
	}
	shortest, longest := time.Hour, time.Duration(0)
	for i, d := range got {
		c, err := parseRTCP(d.packet, 9)
		if err != nil || !c.sender || !c.onUs || c.about.fraction != 0 || c.about.lost != 0 || d.to != phoneCtl || c.ssrc != r.out.ssrc {
			t.Fatalf("report %d: %+v %v", i, c, err)
		}
		if sent := 50 * d.at.Sub(begin).Seconds(); math.Abs(float64(c.info.packets)-sent) > 2 {
			t.Errorf("report %d: %d packets, want about %v", i, c.info.packets, sent)
		}
		if c.info.octets != 160*c.info.packets {
			t.Errorf("report %d: %d octets", i, c.info.octets)
		}
		if i > 0 {
			gap := d.at.Sub(got[i-1].at)
			shortest, longest = min(shortest, gap), max(longest, gap)
		}
	}
	if shortest < 2*time.Second || longest > 6200*time.Millisecond || longest-shortest < 500*time.Millisecond {
		t.Errorf("intervals from %v to %v", shortest, longest)
	}
}

func TestWhoOnlyListensSendsReceiverReports(t *testing.T) {
	r := agreed(t, Options{})
	a := agreement()
	a.Direction = sdp.ReceiveOnly
	r.Configure(a)
	s := stream{ssrc: 9}
	r.speak(&s, phone, 500)
	for _, d := range r.control.take() {
		if c, err := parseRTCP(d.packet, 9); err != nil || c.sender || !c.onUs {
			t.Errorf("%+v %v", c, err)
		}
	}
}

func TestWhatTheFarEndReports(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 9, sequence: 100}
	for range 400 {
		r.feed(phone, s.next())
		r.write(voice(160))
		r.clk.Advance(20 * time.Millisecond)
	}
	ours, err := parseRTCP(r.control.take()[0].packet, 9)
	if err != nil {
		t.Fatal(err)
	}
	// The report took 30 ms there, lay for a second, and the answer took 50 ms.
	sentAt := time.Unix(int64(ours.info.ntp>>32)-2208988800, int64(ours.info.ntp&0xffffffff*1e9>>32))
	r.clk.AdvanceTo(sentAt.Add(10 * time.Second))
	info := senderInfo{ntp: 77 << 32, packets: 400}
	answer := appendReport(nil, 9, &info, &reportBlock{
		ssrc: ours.ssrc, fraction: 10, lost: 12, jitter: 160,
		last: middle(ours.info.ntp), delay: uint32(9920 * 65536 / 1000),
	})
	r.worker.Do(func() { r.receiveControl(answer, phoneCtl) })
	st := r.Stats()
	if st.Sent.Lost != 12 || st.Sent.Jitter != 20*time.Millisecond {
		t.Errorf("%+v", st.Sent)
	}
	if off := st.RoundTrip - 80*time.Millisecond; off < -time.Millisecond || off > time.Millisecond {
		t.Errorf("round trip %v", st.RoundTrip)
	}
	r.control.take()
	r.speak(&s, phone, 400)
	c, err := parseRTCP(r.control.take()[0].packet, 9)
	if err != nil || c.about.last != 77<<16 || c.about.delay == 0 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestLossAndJitterAreCounted(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 9, sequence: 100}
	for i := range 1000 {
		p := s.next()
		late := time.Duration(i%2) * 8 * time.Millisecond
		r.clk.Advance(late)
		if i%10 != 3 {
			r.feed(phone, p)
		}
		r.clk.Advance(20*time.Millisecond - late)
	}
	r.worker.Do(r.publish)
	st := r.Stats().Received
	if st.Lost != 100 || st.Jitter < 6*time.Millisecond || st.Jitter > 9*time.Millisecond {
		t.Errorf("%+v", st)
	}
}

func TestControlIsBelievedFromTheFarEndOnly(t *testing.T) {
	r := agreed(t, Options{})
	r.write(voice(160))
	lie := appendReport(nil, 9, nil, &reportBlock{ssrc: r.out.ssrc, lost: 1000})
	r.worker.Do(func() { r.receiveControl(lie, stranger) })
	r.worker.Do(func() { r.receiveControl([]byte("not rtcp"), phoneCtl) })
	st := r.Stats()
	if st.Sent.Lost != 0 || st.Dropped.Foreign != 1 || st.Dropped.Garbage != 1 {
		t.Errorf("%+v", st)
	}
}

func TestControlGoesWhereItComesFrom(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 9}
	r.speak(&s, nat, 400)
	if got := r.control.take(); got[len(got)-1].to != netip.AddrPortFrom(nat.Addr(), nat.Port()+1) {
		t.Errorf("sent to %v, want the port beside RTP's", got[len(got)-1].to)
	}
	mapped := netip.AddrPortFrom(nat.Addr(), 51234)
	r.worker.Do(func() { r.receiveControl(appendReport(nil, 9, nil, nil), mapped) })
	r.speak(&s, nat, 400)
	if got := r.control.take(); got[len(got)-1].to != mapped {
		t.Errorf("sent to %v, want %v", got[len(got)-1].to, mapped)
	}
}

func TestOnePortForBoth(t *testing.T) {
	r := newRig(t, Options{})
	a := agreement()
	a.RTCPMux, a.RemoteRTCP = true, a.Remote
	r.Configure(a)
	r.write(voice(160))
	report := appendReport(nil, 9, nil, &reportBlock{ssrc: r.out.ssrc, lost: 5})
	r.feed(phone, report)
	r.clk.Advance(10 * time.Second)
	if r.Stats().Sent.Lost != 5 {
		t.Error("RTCP on the RTP port was not understood")
	}
	if len(r.control.take()) != 0 {
		t.Error("sent from the RTCP port")
	}
	last := r.data.take()
	if d := last[len(last)-1]; !isRTCP(d.packet) || d.to != phone {
		t.Errorf("%x", d.packet)
	}
}

func FuzzRTCP(f *testing.F) {
	info := senderInfo{ntp: 1, packets: 1}
	f.Add(appendBye(appendName(appendReport(nil, 5, &info, &reportBlock{ssrc: 7}), 5, "name"), 5))
	f.Add(appendReport(nil, 5, nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseRTCP(b, 7)
		if err != nil {
			return
		}
		var i *senderInfo
		var about *reportBlock
		if c.sender {
			i = &c.info
		}
		if c.onUs {
			about = &c.about
		}
		again, err := parseRTCP(appendReport(nil, c.ssrc, i, about), 7)
		again.bye = c.bye
		if err != nil || again != c {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
		c.about.roundTrip(begin)
	})
}
