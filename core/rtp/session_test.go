package rtp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/sdp"
)

var (
	phone    = netip.MustParseAddrPort("192.0.2.7:4000")
	phoneCtl = netip.MustParseAddrPort("192.0.2.7:4001")
	nat      = netip.MustParseAddrPort("203.0.113.1:40000")
	stranger = netip.MustParseAddrPort("198.51.100.66:5004")
	begin    = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
)

// datagram is a packet that was sent, and where to.
type datagram struct {
	packet []byte
	to     netip.AddrPort
	at     time.Time
}

func (d datagram) kind() uint8       { return d.packet[1] & 0x7f }
func (d datagram) marker() bool      { return d.packet[1]&0x80 != 0 }
func (d datagram) sequence() uint16  { return binary.BigEndian.Uint16(d.packet[2:]) }
func (d datagram) timestamp() uint32 { return binary.BigEndian.Uint32(d.packet[4:]) }
func (d datagram) ssrc() uint32      { return binary.BigEndian.Uint32(d.packet[8:]) }

// wire is a socket that remembers.
type wire struct {
	clock  clock.Clock
	sent   []datagram
	closed bool
}

func (w *wire) Send(packet []byte, to netip.AddrPort) error {
	w.sent = append(w.sent, datagram{bytes.Clone(packet), to, w.clock.Now()})
	return nil
}
func (w *wire) LocalAddr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.1:10000") }
func (w *wire) Close()                    { w.closed = true }

func (w *wire) take() []datagram {
	list := w.sent
	w.sent = nil
	return list
}

// rig is a session on virtual time with what it met.
type rig struct {
	*Session
	t       testing.TB
	clk     *clock.Virtual
	data    *wire
	control *wire
	frames  []call.Frame
	digits  []call.Digit
	silent  []time.Duration
	formats []call.Format
	freed   int
}

func newRig(t testing.TB, o Options) *rig {
	t.Helper()
	clk := clock.NewVirtual(begin)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	engine, err := media.NewEngine(media.Options{Clock: clk, Workers: 1, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	r := &rig{t: t, clk: clk, data: &wire{clock: clk}, control: &wire{clock: clk}}
	o.Log = log
	o.OnDigit = func(d call.Digit) { r.digits = append(r.digits, d) }
	o.OnSilence = func(d time.Duration) { r.silent = append(r.silent, d) }
	o.OnFormat = func(f call.Format) { r.formats = append(r.formats, f) }
	var random seed
	for i := range random {
		random[i] = byte(i * 7)
	}
	r.Session = newSession(engine.Worker(), o, random)
	r.rtp, r.Session.rtcp, r.local = r.data, r.control, r.data.LocalAddr()
	r.release = func() { r.freed++ }
	return r
}

func agreement() sdp.Agreement {
	return sdp.Agreement{
		Remote: phone, RemoteRTCP: phoneCtl, Format: call.FormatOf(call.PCMU),
		SendType: 0, ReceiveType: 0, TelephoneSend: 97, TelephoneReceive: 101, TelephoneClock: 8000,
		ComfortSend: 13, ComfortReceive: 13,
	}
}

// agreed is a rig whose media is agreed and whose frames are collected.
func agreed(t testing.TB, o Options) *rig {
	r := newRig(t, o)
	r.Configure(agreement())
	r.collect()
	return r
}

// collect lets frames go to r.frames as they arrive.
func (r *rig) collect() {
	r.worker.Do(func() {
		r.Push(func(f *call.Frame) {
			c := *f
			c.Payload, c.Packet = bytes.Clone(f.Payload), nil
			r.frames = append(r.frames, c)
		})
	})
}

// stream makes the packets of one sender.
type stream struct {
	ssrc      uint32
	sequence  uint16
	timestamp uint32
}

func rtpPacket(kind uint8, marker bool, sequence uint16, timestamp, ssrc uint32, payload []byte) []byte {
	b := make([]byte, 0, 2048)
	second := kind
	if marker {
		second |= 0x80
	}
	b = append(b, 0x80, second)
	b = binary.BigEndian.AppendUint16(b, sequence)
	b = binary.BigEndian.AppendUint32(b, timestamp)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return append(b, payload...)
}

// next is the next packet of 20 ms, its payload marked with the low octet of its
// number.
func (s *stream) next() []byte {
	p := rtpPacket(0, false, s.sequence, s.timestamp, s.ssrc, bytes.Repeat([]byte{byte(s.sequence)}, 160))
	s.sequence++
	s.timestamp += 160
	return p
}

func (r *rig) feed(from netip.AddrPort, packets ...[]byte) {
	for _, p := range packets {
		r.worker.Do(func() { r.receive(p, from) })
	}
}

// speak feeds n packets of s, one each 20 ms.
func (r *rig) speak(s *stream, from netip.AddrPort, n int) {
	for range n {
		r.feed(from, s.next())
		r.clk.Advance(20 * time.Millisecond)
	}
}

func (r *rig) write(f call.Frame) {
	r.worker.Do(func() {
		if err := r.WriteFrame(&f); err != nil {
			r.t.Error(err)
		}
	})
}

func voice(octets int) call.Frame {
	return call.Frame{Codec: call.PCMU, Payload: make([]byte, octets)}
}

func TestNothingMovesBeforeMediaIsAgreed(t *testing.T) {
	r := newRig(t, Options{})
	r.collect()
	s := stream{ssrc: 1}
	r.speak(&s, phone, 3)
	r.write(voice(160))
	if len(r.frames) != 0 || len(r.data.sent) != 0 || r.Stats().Dropped.Early != 3 || !r.Format().IsZero() {
		t.Errorf("%d frames came, %d packets went, %+v", len(r.frames), len(r.data.sent), r.Stats())
	}
}

func TestReceive(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 9, sequence: 65534, timestamp: 1000}
	r.speak(&s, phone, 4)
	if len(r.frames) != 4 {
		t.Fatalf("%d frames", len(r.frames))
	}
	for i, f := range r.frames {
		if want := uint16(65534 + i); f.Kind != call.Audio || f.Codec != call.PCMU || f.Seq != want || len(f.Payload) != 160 || f.Payload[0] != byte(want) {
			t.Errorf("frame %d: %+v", i, f)
		}
	}
	st := r.Stats()
	if st.Received.Packets != 4 || st.Received.Octets != 640 || st.Remote != phone || st.Learned {
		t.Errorf("%+v", st)
	}
}

func TestBadPacketsAreCountedByKind(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 9, sequence: 100}
	r.speak(&s, phone, 3)
	good := s.next()
	extended := rtpPacket(0, false, 103, 0, 9, []byte{0xbe, 0xde, 0, 99, 1, 2, 3, 4})
	extended[0] |= 0x10
	padded := rtpPacket(0, false, 103, 0, 9, []byte{1, 2, 200})
	padded[0] |= 0x20
	sources := rtpPacket(0, false, 103, 0, 9, []byte{1, 2, 3})
	sources[0] |= 0x0f
	for _, p := range [][]byte{nil, {0x80}, good[:11], []byte("\x00\x01\x00\x00stun-is-no-rtp--"), extended, padded, sources} {
		r.feed(phone, p)
	}
	r.feed(phone, rtpPacket(77, false, 103, 0, 9, []byte{1})) // a type nobody agreed on
	r.feed(phone, rtpPacket(0, false, 101, 0, 9, []byte{1}))  // a second time
	r.feed(stranger, good)
	d := r.Stats().Dropped
	if want := (Dropped{Garbage: 7, Unknown: 1, Duplicate: 1, Foreign: 1}); d != want {
		t.Errorf("dropped %+v, want %+v", d, want)
	}
	if len(r.frames) != 3 {
		t.Errorf("%d frames, want 3", len(r.frames))
	}
}

func TestPaddingAndEmptyPackets(t *testing.T) {
	r := agreed(t, Options{})
	p := rtpPacket(0, false, 1, 0, 9, []byte{7, 7, 0, 0, 3})
	p[0] |= 0x20
	r.feed(phone, p, rtpPacket(0, false, 2, 160, 9, nil))
	if len(r.frames) != 1 || !bytes.Equal(r.frames[0].Payload, []byte{7, 7}) {
		t.Errorf("frames %+v", r.frames)
	}
	if r.Stats().Received.Packets != 2 {
		t.Error("a packet that only keeps a NAT open was not counted")
	}
}

func TestPrivateAddressBehindNAT(t *testing.T) {
	r := agreed(t, Options{})
	r.write(voice(160))
	s := stream{ssrc: 9, sequence: 100}
	r.speak(&s, nat, 8)
	r.write(voice(160))
	if got := r.data.take(); got[0].to != phone || got[1].to != nat {
		t.Errorf("sent to %v, then to %v", got[0].to, got[1].to)
	}
	if len(r.frames) != 5 || !r.Stats().Learned || r.Stats().Remote != nat {
		t.Errorf("%d frames of 8, %+v", len(r.frames), r.Stats())
	}
}

func TestOneSidedAddressesWhereTheConfigurationSaysSo(t *testing.T) {
	r := agreed(t, Options{Asymmetric: true})
	s := stream{ssrc: 9, sequence: 100}
	r.speak(&s, nat, 8)
	r.write(voice(160))
	if got := r.data.take(); got[0].to != phone || len(r.frames) == 0 {
		t.Errorf("sent to %v, %d frames", got[0].to, len(r.frames))
	}
}

func TestNewSourceOfTheSameAddress(t *testing.T) {
	r := agreed(t, Options{})
	one, other := stream{ssrc: 1, sequence: 500}, stream{ssrc: 2, sequence: 9000}
	r.speak(&one, phone, 5)
	r.speak(&other, phone, 6)
	if len(r.frames) < 9 || r.Stats().Changes != 1 {
		t.Errorf("%d frames of 11, %d changes", len(r.frames), r.Stats().Changes)
	}
	if last := r.frames[len(r.frames)-1]; last.Seq != 9005 {
		t.Errorf("last frame %d", last.Seq)
	}
}

func TestHold(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 1}
	for _, c := range []struct {
		direction sdp.Direction
		out, in   bool
	}{{sdp.SendOnly, true, false}, {sdp.ReceiveOnly, false, true}, {sdp.Inactive, false, false}, {sdp.SendReceive, true, true}} {
		a := agreement()
		a.Direction = c.direction
		r.Configure(a)
		r.frames = nil
		r.data.take()
		r.speak(&s, phone, 1)
		r.write(voice(160))
		if in, out := len(r.frames) == 1, len(r.data.take()) == 1; in != c.in || out != c.out {
			t.Errorf("%v: heard %v, sent %v", c.direction, in, out)
		}
	}
	if r.Stats().Dropped.Held != 2 {
		t.Errorf("%+v", r.Stats().Dropped)
	}
}

func TestHoldByZeroAddressKeepsTheLearnedSource(t *testing.T) {
	r := agreed(t, Options{})
	s := stream{ssrc: 1}
	r.speak(&s, nat, 8)
	held := agreement()
	held.Remote, held.RemoteRTCP, held.Direction = netip.AddrPort{}, netip.AddrPort{}, sdp.ReceiveOnly
	r.Configure(held)
	r.write(voice(160))
	if n := len(r.data.take()); n != 0 {
		t.Errorf("%d packets sent into the hold", n)
	}
	r.Configure(agreement())
	r.write(voice(160))
	if got := r.data.take(); len(got) != 1 || got[0].to != nat {
		t.Errorf("after the hold: %+v", got)
	}
}

func TestSilenceIsReportedOnce(t *testing.T) {
	r := agreed(t, Options{Silence: 10 * time.Second})
	s := stream{ssrc: 1}
	r.speak(&s, phone, 50)
	r.clk.Advance(30 * time.Second)
	if len(r.silent) != 1 || r.silent[0] < 10*time.Second || r.silent[0] > 10100*time.Millisecond {
		t.Fatalf("reports %v", r.silent)
	}
	r.speak(&s, phone, 1)
	r.clk.Advance(25 * time.Second)
	if len(r.silent) != 2 {
		t.Errorf("reports %v after another packet", r.silent)
	}
	a := agreement()
	a.OnHold, a.Direction = true, sdp.ReceiveOnly
	r.speak(&s, phone, 1)
	r.Configure(a)
	r.clk.Advance(time.Minute)
	if len(r.silent) != 2 {
		t.Errorf("reports %v on hold", r.silent)
	}
	r.Configure(agreement())
	r.clk.Advance(9 * time.Second)
	if len(r.silent) != 2 {
		t.Errorf("reports %v right after a hold", r.silent)
	}
}

func TestTheFarEndChangesToAnotherAgreedCodec(t *testing.T) {
	r := newRig(t, Options{})
	a := agreement()
	a.Also[0] = sdp.Choice{Codec: call.PCMA, SendType: 8, ReceiveType: 8}
	r.Configure(a)
	r.collect()
	feed := func(kind uint8, from, n int) {
		for i := range n {
			r.feed(phone, rtpPacket(kind, false, uint16(from+i), uint32(160*(from+i)), 1, make([]byte, 160)))
			r.clk.Advance(20 * time.Millisecond)
		}
	}
	feed(0, 0, 3)
	feed(8, 3, 1)
	feed(0, 4, 3)
	if r.Format().Codec != call.PCMU || len(r.frames) != 6 {
		t.Fatalf("a single packet changed the codec to %v; %d frames", r.Format(), len(r.frames))
	}
	feed(8, 7, 4)
	if r.Format().Codec != call.PCMA || len(r.formats) != 1 || r.frames[len(r.frames)-1].Codec != call.PCMA {
		t.Fatalf("format %v, told %v", r.Format(), r.formats)
	}
	r.data.take()
	r.write(call.Frame{Codec: call.PCMA, Payload: make([]byte, 160)})
	if got := r.data.take(); len(got) != 1 || got[0].kind() != 8 {
		t.Errorf("sent %+v", got)
	}
	feed(0, 11, 3)
	if r.Format().Codec != call.PCMU {
		t.Errorf("no way back: %v", r.Format())
	}
}

func TestReadFrameDeliversInOrder(t *testing.T) {
	r := newRig(t, Options{})
	r.Configure(agreement())
	var f call.Frame
	read := func() (err error) {
		r.worker.Do(func() { err = r.ReadFrame(&f) })
		return err
	}
	if err := read(); err != call.ErrNoFrame {
		t.Fatal(err)
	}
	s := stream{ssrc: 1, sequence: 10}
	var seen []byte
	for i := range 40 {
		if i%10 == 4 { // two packets change places
			late := s.next()
			r.feed(phone, s.next(), late)
		} else if i%10 != 5 {
			r.feed(phone, s.next())
		}
		r.clk.Advance(20 * time.Millisecond)
		if read() == nil && f.Kind == call.Audio {
			seen = append(seen, f.Payload[0])
		}
	}
	if len(seen) < 30 {
		t.Fatalf("heard %d frames of 40", len(seen))
	}
	for i := 1; i < len(seen); i++ {
		if int8(seen[i]-seen[i-1]) < 0 {
			t.Fatalf("out of order: %v", seen)
		}
	}
}

func TestCloseSaysGoodBye(t *testing.T) {
	r := agreed(t, Options{})
	r.write(voice(160))
	done := 0
	r.SendDigits(call.SendDigits{Digits: "123"}, func() { done++ })
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.control.take(); len(got) != 1 || got[0].to != phoneCtl {
		t.Fatalf("rtcp %+v", got)
	} else if c, err := parseRTCP(got[0].packet, 0); err != nil || !c.bye || !c.sender {
		t.Errorf("%+v %v", c, err)
	}
	if !r.data.closed || !r.control.closed || r.freed != 1 || done != 1 {
		t.Errorf("closed %v %v, ports freed %d times, digits done %d times", r.data.closed, r.control.closed, r.freed, done)
	}
	r.worker.Do(func() {
		f := voice(160)
		if err := r.WriteFrame(&f); err != call.ErrHungUp {
			t.Error(err)
		}
	})
	r.clk.Advance(time.Second) // the wheel looks once more and finds nothing
	if at, ok := r.clk.Next(); ok {
		t.Errorf("an alarm is left for %v", at)
	}
	r.SendDigits(call.SendDigits{Digits: "1"}, func() { done++ })
	if done != 2 {
		t.Error("digits after the end are never done")
	}
}

func TestCallsOnRealSockets(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	engine, err := media.NewEngine(media.Options{Workers: 1, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	w := engine.Worker()
	ports, err := NewPorts(netip.MustParseAddr("127.0.0.1"), 30000, 39999)
	if err != nil {
		t.Fatal(err)
	}
	digits := make(chan call.Digit, 8)
	open := func(o Options) *Session {
		o.Log = log
		s, err := ports.Open(w, o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := open(Options{}), open(Options{OnDigit: func(d call.Digit) { digits <- d }})
	join := func(s, to *Session) {
		c := agreement()
		c.TelephoneReceive = c.TelephoneSend
		c.Remote = to.LocalAddr()
		c.RemoteRTCP = netip.AddrPortFrom(c.Remote.Addr(), c.Remote.Port()+1)
		s.Configure(c)
	}
	join(a, b)
	join(b, a)
	heard := make(chan int, 100)
	w.Do(func() { b.Push(func(f *call.Frame) { heard <- len(f.Payload) }) })
	w.Do(func() {
		f := voice(160)
		if err := a.WriteFrame(&f); err != nil {
			t.Error(err)
		}
	})
	if n := <-heard; n != 160 {
		t.Errorf("%d octets", n)
	}
	sent := make(chan struct{})
	a.SendDigits(call.SendDigits{Digits: "4#", Duration: 40 * time.Millisecond}, func() { close(sent) })
	got := fmt.Sprintf("%c%c", (<-digits).Key, (<-digits).Key)
	<-sent
	if got != "4#" {
		t.Errorf("digits %s", got)
	}
	_ = a.Close()
	_ = b.Close()
	w.Do(func() {})
	w.Do(func() {})
	if used, _ := ports.InUse(); used != 0 {
		t.Errorf("%d pairs still in use", used)
	}
}

// Thousands of calls on hold cost little more than this; 1784 octets and what
// the allocator notes beside them fill one of its sizes.
func TestASessionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Session{}); n > 1784 {
		t.Errorf("%d octets", n)
	}
}
