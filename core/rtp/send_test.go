package rtp

import (
	"bytes"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

type frame = call.Frame

func TestNumbersOfFramesMadeHere(t *testing.T) {
	r := agreed(t, Options{})
	for range 3 {
		r.write(voice(160))
		r.clk.Advance(20 * time.Millisecond)
	}
	got := r.data.take()
	for i, d := range got {
		if d.marker() != (i == 0) || d.ssrc() != r.out.ssrc || d.kind() != 0 || len(d.packet) != 172 || d.to != phone {
			t.Errorf("packet %d: %x", i, d.packet[:12])
		}
		if i > 0 && (d.sequence() != got[i-1].sequence()+1 || d.timestamp() != got[i-1].timestamp()+160) {
			t.Errorf("packet %d: %d at %d after %d at %d", i, d.sequence(), d.timestamp(), got[i-1].sequence(), got[i-1].timestamp())
		}
	}
	r.clk.Advance(980 * time.Millisecond)
	r.write(voice(160))
	after := r.data.take()[0]
	if !after.marker() || after.timestamp() != got[2].timestamp()+8000 {
		t.Errorf("after a pause of a second: marker %v, timestamp grew by %d", after.marker(), after.timestamp()-got[2].timestamp())
	}
}

// passing makes the frame of a packet as a bridge gets it.
func passing(packet []byte) call.Frame {
	d := datagram{packet: packet}
	return call.Frame{
		Codec: call.PCMU, Marker: d.marker(), Seq: d.sequence(), Timestamp: d.timestamp(),
		Packet: packet, Payload: packet[headerLength:],
	}
}

func TestAStreamPassingThroughKeepsItsGaps(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 5, sequence: 40000, timestamp: 1 << 31}
	var packets [][]byte
	for range 6 {
		packets = append(packets, s.next())
	}
	for _, i := range []int{0, 1, 3, 2, 5} { // 2 late, 4 lost
		r.write(passing(packets[i]))
		r.clk.Advance(20 * time.Millisecond)
	}
	got := r.data.take()
	for n, want := range []int{0, 1, 3, 2, 5} {
		if ahead := got[n].sequence() - got[0].sequence(); int(ahead) != want {
			t.Errorf("packet %d has number %d, want %d", n, ahead, want)
		}
		if ahead := got[n].timestamp() - got[0].timestamp(); int(ahead) != want*160 {
			t.Errorf("packet %d has timestamp %d, want %d", n, ahead, want*160)
		}
	}
}

func TestSourcesFollowEachOther(t *testing.T) {
	r := agreed(t, Options{})
	one, other := stream{ssrc: 5, sequence: 7, timestamp: 99}, stream{ssrc: 6, sequence: 50000, timestamp: 1 << 30}
	send := func(f call.Frame) {
		r.write(f)
		r.clk.Advance(20 * time.Millisecond)
	}
	send(voice(160))
	send(passing(one.next()))
	send(passing(one.next()))
	send(passing(other.next()))
	send(passing(other.next()))
	send(voice(160))
	got := r.data.take()
	for i := 1; i < len(got); i++ {
		if got[i].sequence() != got[i-1].sequence()+1 || got[i].timestamp() != got[i-1].timestamp()+160 || got[i].marker() {
			t.Errorf("packet %d: number +%d, timestamp +%d, marker %v", i,
				got[i].sequence()-got[i-1].sequence(), got[i].timestamp()-got[i-1].timestamp(), got[i].marker())
		}
	}
}

func TestLatePacketBeforeThePassageIsNotSent(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 5, sequence: 7}
	early, later := s.next(), s.next()
	r.write(voice(160))
	r.write(passing(later))
	r.write(passing(early))
	if got := r.data.take(); len(got) != 2 {
		t.Errorf("%d packets: a number would be used twice", len(got))
	}
}

func TestSilenceSuppressionPasses(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 5}
	r.write(passing(s.next()))
	r.clk.Advance(5 * time.Second)
	s.timestamp += 5*8000 - 160
	p := s.next()
	p[1] |= 0x80
	r.write(passing(p))
	got := r.data.take()
	if grown := got[1].timestamp() - got[0].timestamp(); grown != 40000 || !got[1].marker() {
		t.Errorf("timestamp grew by %d, marker %v", grown, got[1].marker())
	}
}

func TestHeaderIsWrittenInPlace(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 5, sequence: 7}
	packet := s.next()
	extended := make([]byte, 20, 2048)
	copy(extended, packet[:12])
	extended = append(extended, packet[12:]...)
	f := passing(extended)
	f.Payload = extended[20:]
	before := bytes.Clone(f.Payload)
	r.worker.Do(func() {
		if got := r.assemble(&f); &got[0] != &extended[8] || len(got) != 172 {
			t.Error("copied, though there is room")
		}
		narrow := call.Frame{Packet: extended[:160], Payload: extended[4:160]}
		if got := r.assemble(&narrow); &got[0] != &r.packet[0] {
			t.Error("a header was written before the beginning of the buffer")
		}
		elsewhere := call.Frame{Packet: make([]byte, 200), Payload: before[:160:160]}
		if got := r.assemble(&elsewhere); &got[0] != &r.packet[0] || !bytes.Equal(got[12:], before) {
			t.Error("a payload that lies elsewhere was taken from the packet")
		}
	})
	r.write(f)
	if got := r.data.take()[0]; !bytes.Equal(got.packet[12:], before) {
		t.Error("the payload was changed")
	}
}

func TestFramesThatCannotBeSent(t *testing.T) {
	r := agreed(t, Options{})
	r.worker.Do(func() {
		for _, f := range []call.Frame{
			{Codec: call.PCMA, Payload: make([]byte, 160)},
			{Codec: call.Linear, PCM: make([]int16, 160)},
			{Codec: call.PCMU, Payload: make([]byte, 1401)},
		} {
			if err := r.WriteFrame(&f); err == nil {
				t.Errorf("%v was sent", f.Codec)
			}
		}
		for _, f := range []call.Frame{{Kind: call.Lost}, {Codec: call.PCMU}, {Kind: call.Telephone, Payload: []byte{1}}} {
			if err := r.WriteFrame(&f); err != nil {
				t.Error(err)
			}
		}
	})
	if n := len(r.data.take()); n != 0 || r.Stats().Dropped.Mismatch != 2 {
		t.Errorf("%d sent, %+v", n, r.Stats().Dropped)
	}
}

func TestComfortNoise(t *testing.T) {
	r := agreed(t, Options{})
	r.feed(phone, rtpPacket(13, true, 1, 0, 9, []byte{60}))
	if len(r.frames) != 1 || r.frames[0].Kind != call.ComfortNoise {
		t.Fatalf("%+v", r.frames)
	}
	r.write(r.frames[0])
	if got := r.data.take(); len(got) != 1 || got[0].kind() != 13 || got[0].packet[12] != 60 {
		t.Errorf("%+v", got)
	}
	a := agreement()
	a.ComfortSend = 0
	r.Configure(a)
	r.write(r.frames[0])
	if len(r.data.take()) != 0 {
		t.Error("sent to a peer that does not know it")
	}
}

func events(t *testing.T, list []datagram) (events []telephoneEvent) {
	t.Helper()
	for _, d := range list {
		e, ok := parseEvent(d.packet[headerLength:])
		if d.kind() != 97 || !ok {
			t.Fatalf("no telephone-event: %x", d.packet)
		}
		events = append(events, e)
	}
	return events
}

func TestSendDigits(t *testing.T) {
	r := agreed(t, Options{})
	done := 0
	r.SendDigits(call.SendDigits{Digits: "1w#x", Duration: 100 * time.Millisecond, Gap: 50 * time.Millisecond}, func() { done++ })
	r.clk.Advance(2 * time.Second)
	got := r.data.take()
	list := events(t, got)
	if len(list) != 16 || done != 1 {
		t.Fatalf("%d packets, want 16; done %d times", len(list), done)
	}
	for i, e := range list {
		k := i % 8
		want := telephoneEvent{code: 1, volume: 10, duration: uint16(min(k+1, 5) * 160), end: k >= 5}
		if i >= 8 {
			want.code = 11
		}
		if e != want || got[i].marker() != (k == 0) {
			t.Errorf("packet %d: %+v marker %v, want %+v", i, e, got[i].marker(), want)
		}
		if i > 0 && got[i].sequence() != got[i-1].sequence()+1 {
			t.Errorf("packet %d: sequence %d after %d", i, got[i].sequence(), got[i-1].sequence())
		}
		if first := got[i-k]; got[i].timestamp() != first.timestamp() {
			t.Errorf("packet %d: the timestamp changed within the key", i)
		}
	}
	between := got[8].at.Sub(got[5].at) // from the end of the first key
	if between < 550*time.Millisecond || between > 580*time.Millisecond {
		t.Errorf("%v between the keys, want gap and pause: 550 ms", between)
	}
	if grown := got[8].timestamp() - got[0].timestamp(); grown < 650*8 || grown > 690*8 {
		t.Errorf("the second key's timestamp is %d later", grown)
	}
}

func TestLongKeysAreSentInSegments(t *testing.T) {
	r := agreed(t, Options{})
	r.SendDigits(call.SendDigits{Digits: "5", Duration: 9 * time.Second}, nil)
	r.clk.Advance(10 * time.Second)
	got := r.data.take()
	list := events(t, got)
	segments := map[uint32]uint16{}
	for i, e := range list {
		segments[got[i].timestamp()-got[0].timestamp()] = e.duration
		if got[i].marker() != (i == 0) {
			t.Errorf("marker of packet %d is %v", i, got[i].marker())
		}
	}
	if len(segments) != 2 || segments[0] != 0xffff || segments[0xffff] != 72000-0xffff {
		t.Errorf("segments %v", segments)
	}
	far := agreed(t, Options{DigitAtEnd: true})
	for i, d := range got {
		far.feed(phone, rtpPacket(101, d.marker(), uint16(i), d.timestamp(), 1, d.packet[12:]))
		far.clk.Advance(20 * time.Millisecond)
	}
	if len(far.digits) != 1 || far.digits[0].Duration != 9*time.Second {
		t.Errorf("heard as %+v", far.digits)
	}
}

func TestAudioIsSilentWhileAKeySounds(t *testing.T) {
	r := agreed(t, Options{})
	r.write(voice(160))
	before := r.data.take()[0]
	r.clk.Advance(20 * time.Millisecond)
	r.SendDigits(call.SendDigits{Digits: "1"}, nil)
	for range 20 {
		r.write(voice(160))
		r.clk.Advance(20 * time.Millisecond)
	}
	last, inside := before, false
	for _, d := range r.data.take() {
		if d.kind() == 97 {
			e, _ := parseEvent(d.packet[12:])
			inside = !e.end
		} else if inside {
			t.Error("audio within the key")
		}
		if d.sequence() != last.sequence()+1 || int32(d.timestamp()-last.timestamp()) < 0 {
			t.Errorf("%d at %d after %d at %d", d.sequence(), d.timestamp(), last.sequence(), last.timestamp())
		}
		last = d
	}
	if elapsed := last.timestamp() - before.timestamp(); elapsed < 19*160 || elapsed > 21*160 {
		t.Errorf("the timestamp grew by %d in 400 ms", elapsed)
	}
}

func TestDigitsWaitForMediaAndForEachOther(t *testing.T) {
	r := newRig(t, Options{})
	order := ""
	r.SendDigits(call.SendDigits{Digits: "1"}, func() { order += "a" })
	r.SendDigits(call.SendDigits{Digits: ""}, func() { order += "b" })
	r.SendDigits(call.SendDigits{Digits: "2"}, func() { order += "c" })
	r.clk.Advance(time.Second)
	if order != "" {
		t.Errorf("done before media was agreed: %s", order)
	}
	r.Configure(agreement())
	r.clk.Advance(time.Second)
	if order != "abc" || len(r.data.take()) != 16 {
		t.Errorf("done in the order %s", order)
	}
}

func TestDigitsInBand(t *testing.T) {
	for _, o := range []Options{{}, {Inband: true}} {
		r := newRig(t, o)
		a := agreement()
		if !o.Inband {
			a.TelephoneSend = 0
		}
		r.Configure(a)
		done := 0
		r.SendDigits(call.SendDigits{Digits: "12"}, func() { done++ })
		r.write(voice(160)) // is not heard beside the tones
		r.clk.Advance(2 * time.Second)
		got := r.data.take()
		if done != 1 || len(got) != 20 {
			t.Fatalf("%d frames, want 20; done %d times", len(got), done)
		}
		if loud(got[2]) == 0 || loud(got[7]) != 0 || loud(got[12]) == 0 {
			t.Error("tones and gaps are not where they should be")
		}
	}
}

// loud counts the octets of a µ-law packet that are not silence.
func loud(d datagram) (n int) {
	for _, b := range d.packet[headerLength:] {
		if b != 0xff && b != 0x7f {
			n++
		}
	}
	return n
}

func telephoneFrame(codec call.Codec, sequence uint16, timestamp uint32, e telephoneEvent) call.Frame {
	f := passing(rtpPacket(101, false, sequence, timestamp, 9, e.append(nil)))
	f.Kind, f.Codec = call.Telephone, codec
	return f
}

func TestKeysPassThroughABridge(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 9, sequence: 500, timestamp: 8000}
	r.write(passing(s.next()))
	for i := range 5 {
		r.clk.Advance(20 * time.Millisecond)
		r.write(telephoneFrame(call.PCMU, 501+uint16(i), 8160, telephoneEvent{code: 3, volume: 10, duration: uint16(160 * (i + 1)), end: i == 4}))
	}
	got := r.data.take()
	list := events(t, got[1:])
	for i, e := range list {
		d := got[i+1]
		if e.duration != uint16(160*(i+1)) || d.timestamp() != got[0].timestamp()+160 || d.sequence() != got[i].sequence()+1 {
			t.Errorf("packet %d: %+v at %d", i, e, d.timestamp()-got[0].timestamp())
		}
	}
}

func TestKeysPassATranscodingBridge(t *testing.T) {
	r := agreed(t, Options{})
	r.write(voice(160))
	for i := range 5 {
		r.clk.Advance(20 * time.Millisecond)
		r.write(telephoneFrame(call.Opus, 501+uint16(i), 48000, telephoneEvent{code: 3, volume: 10, duration: uint16(960 * (i + 1)), end: i == 4}))
	}
	r.clk.Advance(20 * time.Millisecond)
	r.write(voice(160))
	got := r.data.take()
	for i, e := range events(t, got[1:6]) {
		if e.duration != uint16(160*(i+1)) || got[i+1].timestamp() != got[0].timestamp()+160 {
			t.Errorf("packet %d: %+v at %d", i, e, got[i+1].timestamp()-got[0].timestamp())
		}
	}
	if after := got[6]; after.timestamp() != got[0].timestamp()+160*6 || after.sequence() != got[0].sequence()+6 {
		t.Errorf("audio goes on at %d", after.timestamp()-got[0].timestamp())
	}
}

func TestKeysOfABridgeBecomeTones(t *testing.T) {
	r := newRig(t, Options{})
	a := agreement()
	a.TelephoneSend = 0
	r.Configure(a)
	for i := range 10 { // a key of 200 ms
		r.write(telephoneFrame(call.PCMU, uint16(i), 8000, telephoneEvent{code: 3, duration: uint16(160 * i), end: i == 9}))
		r.clk.Advance(20 * time.Millisecond)
	}
	r.clk.Advance(time.Second)
	got := r.data.take()
	if len(got) < 9 || len(got) > 11 || loud(got[5]) == 0 {
		t.Fatalf("%d frames of tone", len(got))
	}
	// A key whose end is lost stops by itself, and one that follows at once is heard too.
	r.write(telephoneFrame(call.PCMU, 20, 16000, telephoneEvent{code: 4, duration: 160}))
	r.clk.Advance(40 * time.Millisecond)
	r.write(telephoneFrame(call.PCMU, 21, 17000, telephoneEvent{code: 5, duration: 160}))
	r.clk.Advance(time.Second)
	if n := len(r.data.take()); n < 10 || n > 20 {
		t.Errorf("%d frames of two tones without an end", n)
	}
	if r.Session.digits.busy() {
		t.Error("still at it")
	}
}

func BenchmarkForward(b *testing.B) {
	r := agreed(b, Options{})
	to := agreed(b, Options{})
	sink := &nowhere{}
	to.rtp = sink
	packet := (&stream{ssrc: 9}).next()
	r.worker.Do(func() {
		r.Push(func(f *call.Frame) { _ = to.WriteFrame(f) })
		n := uint16(0)
		b.ReportAllocs()
		for b.Loop() {
			n++
			packet[0], packet[1], packet[2], packet[3] = 0x80, 0, byte(n>>8), byte(n)
			packet[8], packet[9], packet[10], packet[11] = 0, 0, 0, 9
			r.receive(packet, phone)
		}
	})
	if sink.n == 0 {
		b.Fatal("nothing went through")
	}
}

func BenchmarkWritePrompt(b *testing.B) {
	r := agreed(b, Options{})
	r.rtp = &nowhere{}
	f := voice(160)
	r.worker.Do(func() {
		b.ReportAllocs()
		for b.Loop() {
			_ = r.WriteFrame(&f)
		}
	})
}

func BenchmarkForeignPacket(b *testing.B) {
	r := agreed(b, Options{})
	s := stream{ssrc: 1}
	r.speak(&s, phone, 2)
	packet := s.next()
	r.worker.Do(func() {
		b.ReportAllocs()
		for b.Loop() {
			r.receive(packet, stranger)
		}
	})
}
