package rtp

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/sdp"
)

// dialled is one leg's audio with digits in it, silence before and after.
type dialled struct {
	format    call.Format
	tone, gap time.Duration
	level     float64       // dBm0 of each frequency
	shift     time.Duration // of the tones against the packets
}

func usual() dialled {
	return dialled{format: call.FormatOf(call.PCMU), tone: 100 * time.Millisecond, gap: 100 * time.Millisecond, level: -10}
}

// packets codes digits into packets of kind, each of one ptime.
func (d dialled) packets(t testing.TB, s *stream, kind uint8, digits string) (list [][]byte) {
	t.Helper()
	samples := func(length time.Duration) int { return int(length.Seconds() * float64(d.format.Rate)) }
	pcm := make([]int16, samples(100*time.Millisecond+d.shift))
	source := dsp.NewDTMF(digits, dsp.DTMFOptions{Tone: d.tone, Gap: d.gap, Low: d.level, High: d.level})
	sound := make([]int16, 1<<20)
	n, _ := source.NextPCM(d.format.Rate, sound)
	pcm = append(append(pcm, sound[:n]...), make([]int16, samples(300*time.Millisecond))...)
	coding, ok := codec.Lookup(d.format.Codec)
	if !ok {
		t.Fatal("no codec")
	}
	encoder := coding.NewEncoder(d.format)
	for each := d.format.Samples(); len(pcm) >= each; pcm = pcm[each:] {
		list = append(list, rtpPacket(kind, false, s.sequence, s.timestamp, s.ssrc, encoder.Encode(nil, pcm[:each])))
		s.sequence++
		s.timestamp += uint32(each * d.format.Codec.ClockRate() / d.format.Rate)
	}
	return list
}

// hears feeds packets at their pace, without those that lost says.
func (r *rig) hears(packets [][]byte, lost func(i int) bool) {
	for i, p := range packets {
		if lost == nil || !lost(i) {
			r.feed(phone, p)
		}
		r.clk.Advance(20 * time.Millisecond)
	}
}

// withoutEvents is a rig whose far end does not know telephone-events.
func withoutEvents(t testing.TB, o Options) *rig {
	r := newRig(t, o)
	a := agreement()
	a.TelephoneSend, a.TelephoneReceive = 0, 0
	a.Also[0] = sdp.Choice{Codec: call.PCMA, SendType: 8, ReceiveType: 8}
	r.Configure(a)
	return r
}

func TestKeysInBand(t *testing.T) {
	const all = "0123456789*#ABCD1100"
	for _, level := range []float64{-3, -10, -20, -30} {
		for _, pushed := range []bool{false, true} {
			r := withoutEvents(t, Options{})
			if pushed {
				r.collect()
			}
			d := usual()
			d.level = level
			r.hears(d.packets(t, &stream{ssrc: 9, sequence: 65530}, 0, all), nil)
			if r.pressed() != all {
				t.Errorf("at %v dBm0, pushed %v: heard %q", level, pushed, r.pressed())
			}
			for _, k := range r.digits {
				if off := k.Duration - d.tone; k.Via != call.ViaInband || off.Abs() > 10*time.Millisecond {
					t.Errorf("%c lasted %v, via %v", k.Key, k.Duration, k.Via)
				}
			}
		}
	}
}

func TestShortKeysInBand(t *testing.T) {
	for shift := time.Duration(0); shift < 20*time.Millisecond; shift += 3 * time.Millisecond {
		r := withoutEvents(t, Options{})
		d := usual()
		d.tone, d.gap, d.shift = 50*time.Millisecond, 50*time.Millisecond, shift
		r.hears(d.packets(t, &stream{ssrc: 9}, 0, "5551234"), nil)
		if r.pressed() != "5551234" {
			t.Errorf("shifted by %v: heard %q", shift, r.pressed())
		}
	}
}

func TestWideAudioHoldsKeysToo(t *testing.T) {
	r := newRig(t, Options{})
	a := agreement()
	a.TelephoneSend, a.TelephoneReceive = 0, 0
	a.Format, a.SendType, a.ReceiveType = call.FormatOf(call.L16), 100, 100
	r.Configure(a)
	d := usual()
	d.format = a.Format
	r.hears(d.packets(t, &stream{ssrc: 9}, 100, "147#"), nil)
	if r.pressed() != "147#" {
		t.Errorf("heard %q", r.pressed())
	}
}

// Whichever packets are missing, a key that is heard at all is heard once.
func TestLossDoesNotDoubleKeys(t *testing.T) {
	for shift := time.Duration(0); shift < 20*time.Millisecond; shift += 5 * time.Millisecond {
		d := usual()
		d.tone, d.shift = 160*time.Millisecond, shift
		packets := d.packets(t, &stream{ssrc: 9}, 0, "55")
		for first := range packets {
			for _, pattern := range []uint{0b1, 0b11, 0b101, 0b1001, 0b1111, 0b10101, 0b110011} {
				r := withoutEvents(t, Options{})
				r.hears(packets, func(i int) bool { return i >= first && pattern>>(i-first)&1 != 0 })
				if r.pressed() != "55" {
					t.Errorf("shifted by %v, without %b from packet %d: heard %q", shift, pattern, first, r.pressed())
				}
			}
		}
	}
}

func TestLossInAPauseDoesNotJoinKeys(t *testing.T) {
	for _, gap := range []time.Duration{50 * time.Millisecond, 60 * time.Millisecond, 80 * time.Millisecond} {
		d := usual()
		d.gap = gap
		packets := d.packets(t, &stream{ssrc: 9}, 0, "77")
		for lost := range packets {
			r := withoutEvents(t, Options{})
			r.hears(packets, func(i int) bool { return i == lost })
			if r.pressed() != "77" {
				t.Errorf("gap of %v, without packet %d: heard %q", gap, lost, r.pressed())
			}
		}
	}
}

func TestAKeyEndsWithWhatItIsPartOf(t *testing.T) {
	d := usual()
	d.tone = 200 * time.Millisecond
	half := func(s *stream) [][]byte { return d.packets(t, s, 0, "8")[:10] }
	cases := map[string]func(r *rig){
		"nothing more comes": func(r *rig) { r.clk.Advance(time.Second) },
		"another sender": func(r *rig) {
			s := stream{ssrc: 10, sequence: 30000}
			r.clk.Advance(60 * time.Millisecond)
			r.speak(&s, phone, 3)
		},
		"hold": func(r *rig) {
			a := agreement()
			a.TelephoneReceive, a.Direction = 0, sdp.SendOnly
			r.Configure(a)
			if r.keys.tones != nil {
				t.Error("a held call listens")
			}
		},
		"telephone-event is agreed": func(r *rig) { r.Configure(agreement()) },
		"another codec": func(r *rig) {
			a := agreement()
			a.TelephoneReceive, a.Format = 0, call.FormatOf(call.PCMA)
			r.Configure(a)
		},
		"comfort noise, then nothing": func(r *rig) {
			r.feed(phone, rtpPacket(13, false, 10, 1600, 9, []byte{60}))
			r.clk.Advance(time.Second)
		},
		"a pause, then sound": func(r *rig) {
			r.clk.Advance(100 * time.Millisecond)
			r.feed(phone, rtpPacket(0, true, 10, 1600+800, 9, voice(160).Payload))
			r.clk.Advance(time.Second)
		},
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			r := withoutEvents(t, Options{})
			r.hears(half(&stream{ssrc: 9}), nil)
			if len(r.digits) != 0 {
				t.Fatalf("told too early: %v", r.digits)
			}
			end(r)
			if r.pressed() != "8" || r.digits[0].Duration < 90*time.Millisecond || r.digits[0].Duration > 115*time.Millisecond {
				t.Errorf("heard %+v", r.digits)
			}
			r.clk.Advance(time.Second)
			if r.keys.timer != nil {
				t.Error("still watching")
			}
		})
	}
}

func TestKeysInBandFollowTheCodec(t *testing.T) {
	r := withoutEvents(t, Options{})
	s, d := &stream{ssrc: 9}, usual()
	r.hears(d.packets(t, s, 0, "12"), nil)
	d.format = call.FormatOf(call.PCMA)
	r.hears(d.packets(t, s, 8, "34"), nil)
	if r.pressed() != "1234" {
		t.Errorf("heard %q", r.pressed())
	}
}

func TestOneWayToHearKeys(t *testing.T) {
	for _, c := range []struct {
		options Options
		agreed  bool
		want    string
	}{
		{Options{}, true, "rtp"},
		{Options{}, false, "inband"},
		{Options{Inband: true}, true, "inband"},
		{Options{Inband: true}, false, "inband"},
		{Options{NoTones: true}, true, "rtp"},
		{Options{NoTones: true}, false, ""},
	} {
		r := newRig(t, c.options)
		a := agreement()
		if !c.agreed {
			a.TelephoneSend, a.TelephoneReceive = 0, 0
		}
		r.Configure(a)
		s := &stream{ssrc: 9}
		tones := usual().packets(t, s, 0, "4")
		r.hears(tones[:8], nil)
		for i := range 3 { // a gateway that sends the event and leaks the tone
			e := telephoneEvent{4, i == 2, 10, uint16(160 * (i + 1))}
			r.feed(phone, rtpPacket(101, i == 0, s.sequence, 800, 9, e.append(nil)))
			s.sequence++
		}
		for _, p := range tones[8:] {
			p[2], p[3] = byte(s.sequence>>8), byte(s.sequence)
			s.sequence++
			r.hears([][]byte{p}, nil)
		}
		got := ""
		for _, k := range r.digits {
			got += k.Via.String()
		}
		if got != c.want {
			t.Errorf("%+v, agreed %v: heard by %q, want %q", c.options, c.agreed, got, c.want)
		}
	}
}

func TestSpeechIsNoKey(t *testing.T) {
	r := withoutEvents(t, Options{})
	s := &stream{ssrc: 9}
	coding, _ := codec.Lookup(call.PCMU)
	encoder := coding.NewEncoder(call.FormatOf(call.PCMU))
	pcm := make([]int16, 160)
	for n := range 500 { // a vowel that glides
		for i := range pcm {
			at := float64(n*160+i) / 8000
			for harmonic := 1.0; harmonic < 12; harmonic++ {
				pcm[i] += int16(3000 / harmonic * math.Sin(2*math.Pi*harmonic*at*(110+10*at)))
			}
		}
		r.hears([][]byte{rtpPacket(0, false, s.sequence, s.timestamp, 9, encoder.Encode(nil, pcm))}, nil)
		s.sequence++
		s.timestamp += 160
		clear(pcm)
	}
	if len(r.digits) != 0 {
		t.Errorf("heard %q", r.pressed())
	}
}

func FuzzTones(f *testing.F) {
	f.Add([]byte{1, 160, 9, 5, 255, 0, 128, 3}, uint8(0))
	f.Fuzz(func(t *testing.T, script []byte, mode uint8) {
		format := call.FormatOf([]call.Codec{call.PCMU, call.PCMA, call.L16}[mode%3])
		r := newToneReceiver(format, func(key byte, length time.Duration) {
			if key == 0 || length < 0 {
				t.Fatalf("key %q of %v", key, length)
			}
		})
		tone := usual().packets(t, &stream{}, 0, "1")[6][headerLength:]
		s, now := stream{}, begin
		for ; len(script) >= 2; script = script[2:] {
			s.sequence += uint16(int8(script[0]))
			s.timestamp += uint32(int32(int8(script[1])) * 40)
			r.take(s.sequence, s.timestamp, tone[:min(len(tone), int(script[1]))], now)
			now = now.Add(time.Duration(script[0]) * time.Millisecond)
			r.expire(now)
		}
		r.renew()
		if r.open() {
			t.Fatal("a key is down for ever")
		}
	})
}

// BenchmarkReceive is what a packet costs that nobody takes, with and without
// looking for keys in it.
func BenchmarkReceive(b *testing.B) {
	for _, c := range []struct {
		name   string
		events bool
		digits string
	}{{"telephone-event", true, "5"}, {"silence", false, "w"}, {"tone", false, "5"}} {
		b.Run(c.name, func(b *testing.B) {
			r := withoutEvents(b, Options{})
			if c.events {
				r.Configure(agreement())
			}
			d := usual()
			d.tone = time.Second
			packet := d.packets(b, &stream{ssrc: 9}, 0, c.digits)[10]
			r.worker.Do(func() {
				n := uint32(0)
				b.ReportAllocs()
				for b.Loop() {
					n++
					copy(packet, rtpPacketHeader(n))
					r.receive(packet, phone)
				}
			})
			if n := r.Stats().Received.Packets; n < 10 {
				b.Fatal(fmt.Sprint(n, " packets received"))
			}
		})
	}
}

// rtpPacketHeader is the beginning of the n-th packet of a stream.
func rtpPacketHeader(n uint32) []byte {
	t := n * 160
	return []byte{0x80, 0, byte(n >> 8), byte(n), byte(t >> 24), byte(t >> 16), byte(t >> 8), byte(t), 0, 0, 0, 9}
}
