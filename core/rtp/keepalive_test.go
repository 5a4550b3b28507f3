package rtp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sdp"
)

// quiet is an agreement whose direction and comfort noise a test chooses.
func quiet(d sdp.Direction, comfort bool) sdp.Agreement {
	a := agreement()
	a.Direction = d
	if !comfort {
		a.ComfortSend, a.ComfortReceive = 0, 0
	}
	return a
}

func TestTheFirstPacketOpensThePath(t *testing.T) {
	for _, comfort := range []bool{true, false} {
		r := newRig(t, Options{})
		r.Configure(quiet(sdp.SendReceive, comfort))
		r.clk.Advance(100 * time.Millisecond)
		r.Configure(quiet(sdp.SendReceive, comfort)) // as after early media
		if n := len(r.data.take()); n != 0 {
			t.Fatalf("%d packets at once", n)
		}
		r.clk.Advance(time.Second)
		got := r.data.take()
		if len(got) != 1 || got[0].at != begin.Add(openingWait) || got[0].to != phone {
			t.Fatalf("sent %+v", got)
		}
		switch d := got[0]; {
		case comfort && (d.kind() != 13 || d.marker() || len(d.packet) != headerLength+1 || d.packet[headerLength] != noNoise):
			t.Errorf("no comfort noise: %x", d.packet)
		case !comfort && (d.kind() != 0 || len(d.packet) != headerLength+160 || loud(d) != 0):
			t.Errorf("no silence: %x", d.packet)
		}
	}
}

func TestWhoPlaysNeedsNoFirstPacket(t *testing.T) {
	r := agreed(t, Options{})
	for range 2000 {
		r.write(voice(160))
		r.clk.Advance(20 * time.Millisecond)
	}
	if n := len(r.data.take()); n != 2000 {
		t.Errorf("%d packets, want those that were written: 2000", n)
	}
}

func TestSilenceOfOursIsInterrupted(t *testing.T) {
	for _, comfort := range []bool{true, false} {
		r := newRig(t, Options{})
		r.Configure(quiet(sdp.SendOnly, comfort))
		r.clk.Advance(10 * time.Minute)
		got := r.data.take()
		if len(got) < 30 || len(got) > 60 {
			t.Errorf("%d packets in ten minutes", len(got))
		}
		for i := 1; i < len(got); i++ {
			pause := got[i].at.Sub(got[i-1].at)
			grown := time.Duration(got[i].timestamp()-got[i-1].timestamp()) * time.Second / 8000
			if pause < longestQuiet || pause > 19*time.Second || (grown-pause).Abs() > time.Millisecond || got[i].sequence() != got[i-1].sequence()+1 {
				t.Errorf("packet %d after %v: timestamp +%v, sequence +%d", i, pause, grown, got[i].sequence()-got[i-1].sequence())
			}
		}
	}
}

func TestNothingKeepsAPathThatIsClosed(t *testing.T) {
	named := quiet(sdp.SendReceive, true)
	named.Remote, named.RemoteRTCP = netip.AddrPort{}, netip.AddrPort{}
	for name, a := range map[string]sdp.Agreement{
		"receive only": quiet(sdp.ReceiveOnly, true), "inactive": quiet(sdp.Inactive, false), "no address": named,
	} {
		r := newRig(t, Options{})
		r.Configure(a)
		r.clk.Advance(time.Minute)
		if got := r.data.take(); len(got) != 0 {
			t.Errorf("%s: sent %+v", name, got)
		}
	}
	r := agreed(t, Options{})
	r.Configure(quiet(sdp.ReceiveOnly, true)) // before the first packet was due
	r.clk.Advance(time.Minute)
	if got := r.data.take(); len(got) != 0 {
		t.Errorf("put on hold at once: sent %+v", got)
	}
	r.Configure(agreement())
	_ = r.Close()
	r.clk.Advance(time.Minute)
	if got := r.data.take(); len(got) != 0 {
		t.Errorf("closed: sent %+v", got)
	}
}

func TestEachNewPathIsOpened(t *testing.T) {
	r := agreed(t, Options{})
	r.clk.Advance(time.Second)
	moved := agreement()
	moved.Remote = nat
	for _, a := range []sdp.Agreement{moved, quiet(sdp.Inactive, true), moved} {
		r.data.take()
		r.Configure(a)
		r.clk.Advance(time.Second)
	}
	if got := r.data.take(); len(got) != 1 || got[0].to != nat {
		t.Errorf("taken back from hold: sent %+v", got)
	}
}

// What keeps the path alive takes one number and the time that passes, whatever
// is sent before and after it.
func TestSoundGoesOnAfterKeepalive(t *testing.T) {
	for _, comfort := range []bool{true, false} {
		for name, sound := range map[string]func(*stream) call.Frame{
			"made here": func(*stream) call.Frame { return voice(160) },
			"passing":   func(s *stream) call.Frame { return passing(s.next()) },
		} {
			r := newRig(t, Options{})
			r.Configure(quiet(sdp.SendReceive, comfort))
			s := &stream{ssrc: 5, sequence: 77, timestamp: 1 << 31}
			for range 3 {
				r.write(sound(s))
				r.clk.Advance(20 * time.Millisecond)
			}
			r.clk.Advance(20 * time.Second)
			if n := len(r.data.sent); n != 4 {
				t.Fatalf("%s: %d packets before the sound goes on, want 4", name, n)
			}
			s.timestamp += 20 * 8000
			r.write(sound(s))
			got := r.data.take()
			last, kept := got[4], got[3]
			if last.sequence() != kept.sequence()+1 || kept.sequence() != got[2].sequence()+1 || !last.marker() {
				t.Errorf("%s, comfort %v: numbers %d, %d, %d", name, comfort, got[2].sequence(), kept.sequence(), last.sequence())
			}
			grown := int(last.timestamp() - got[2].timestamp())
			if off := grown - 20*8000 - 160; off < -2 || off > 2 {
				t.Errorf("%s, comfort %v: timestamp grew by %d", name, comfort, grown)
			}
		}
	}
}

func TestSoundRightAfterKeepalive(t *testing.T) {
	r := agreed(t, Options{})
	r.clk.Advance(openingWait)
	r.clk.Advance(10 * time.Millisecond)
	r.write(voice(160))
	r.clk.Advance(20 * time.Millisecond)
	r.write(voice(160))
	got := r.data.take()
	if len(got) != 3 || !got[1].marker() || got[2].marker() {
		t.Fatalf("sent %+v", got)
	}
	if a, b := got[1].timestamp()-got[0].timestamp(), got[2].timestamp()-got[1].timestamp(); a != 80 || b != 160 {
		t.Errorf("timestamps grew by %d and %d", a, b)
	}
}

func TestNoKeepaliveWithinAKey(t *testing.T) {
	r := agreed(t, Options{})
	r.SendDigits(call.SendDigits{Digits: "5", Duration: 30 * time.Second}, nil)
	r.clk.Advance(30 * time.Second)
	for _, d := range r.data.take() {
		if d.kind() != 97 {
			t.Fatalf("sent %x", d.packet)
		}
	}
}
