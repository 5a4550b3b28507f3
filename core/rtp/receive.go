package rtp

import (
	"net/netip"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/sdp"
)

// payloadKind is what a payload type stands for.
type payloadKind uint8

const (
	kindNone payloadKind = iota
	kindTelephone
	kindComfort
	kindAudio // plus the index of the codec among those agreed
)

// comfortType is the static payload type of comfort noise. Many devices send it
// without having agreed on it.
const comfortType = 13

// switchRun is how many packets in a row of another agreed codec it takes to
// change to it.
const switchRun = 3

// fillTypes notes which payload types may come.
func (s *Session) fillTypes() {
	a := &s.agreed
	s.types = [128]payloadKind{}
	if a.Format.Codec.ClockRate() == 8000 {
		s.types[comfortType] = kindComfort
	}
	if a.ComfortReceive != 0 {
		s.types[a.ComfortReceive&0x7f] = kindComfort
	}
	if a.TelephoneReceive != 0 {
		s.types[a.TelephoneReceive&0x7f] = kindTelephone
	}
	for i, c := range a.Also {
		if c.Codec != call.NoCodec {
			s.types[c.ReceiveType&0x7f] = kindAudio + payloadKind(i) + 1
		}
	}
	if !a.Format.IsZero() {
		s.types[a.ReceiveType&0x7f] = kindAudio
	}
}

// receive takes one datagram from the RTP socket: every packet of every call
// comes through here, on its worker.
func (s *Session) receive(packet []byte, from netip.AddrPort) {
	if s.closed {
		return
	}
	from = plain(from)
	if s.agreed.RTCPMux && isRTCP(packet) {
		s.control(packet, from)
		return
	}
	payload, ok := s.parse(packet)
	if !ok {
		s.count.garbage.Add(1)
		return
	}
	if s.format.IsZero() {
		s.count.early.Add(1)
		return
	}
	h := &s.header
	kind := s.types[h.PayloadType]
	if kind == kindNone {
		s.count.unknown.Add(1)
		return
	}
	now := s.worker.Now()
	s.options.Tape.Note(now, false, from, packet)
	believed, moved := s.sources.admit(from, h.SSRC, h.SequenceNumber, now)
	if !believed {
		s.count.foreign.Add(1)
		return
	}
	if moved {
		s.moved()
	}
	s.silence.heard(now)
	if !s.agreed.Direction.Receives() {
		s.count.held.Add(1)
		return
	}
	if s.judge(now) {
		s.accept(kind, packet, payload, now)
	}
}

// plain takes IPv4 addresses out of their IPv6 form, in which an IPv6 socket
// delivers them.
func plain(from netip.AddrPort) netip.AddrPort {
	if from.Addr().Is4In6() {
		return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	}
	return from
}

// parse reads the header and finds the payload, without padding.
func (s *Session) parse(packet []byte) (payload []byte, ok bool) {
	if len(packet) < headerLength || packet[0]>>6 != 2 {
		return nil, false
	}
	n, err := s.header.Unmarshal(packet)
	if err != nil || n > len(packet) {
		return nil, false
	}
	end := len(packet)
	if s.header.Padding {
		padding := int(packet[end-1])
		if padding == 0 || padding > end-n {
			return nil, false
		}
		end -= padding
	}
	return packet[n:end], true
}

// moved follows the far end to another address.
func (s *Session) moved() {
	s.aim()
	if s.sources.locked == s.sources.signalled {
		return
	}
	s.options.Log.Info("rtp source learned", "from", s.sources.locked, "signalled", s.sources.signalled)
}

// judge decides by the sequence number whether the packet is new.
func (s *Session) judge(now time.Time) bool {
	h := &s.header
	switch s.reception.note(h.SSRC, h.SequenceNumber, now) {
	case fresh, reordered:
		return true
	case first:
		if s.count.receivedPackets.Load() > 0 {
			s.count.changes.Add(1)
		}
		s.renewKeys()
		if s.buffer != nil {
			s.buffer.Reset()
		}
		return true
	case duplicate:
		s.count.duplicate.Add(1)
	case outdated:
		s.count.outdated.Add(1)
	case unproven:
		s.count.unproven.Add(1)
	}
	return false
}

// accept counts a good packet and passes its frame on.
func (s *Session) accept(kind payloadKind, packet, payload []byte, now time.Time) {
	s.count.receivedPackets.Add(1)
	s.count.receivedOctets.Add(uint64(len(payload)))
	if len(payload) == 0 {
		return // keeps a NAT open, RFC 6263, 4.4
	}
	h := &s.header
	f := &s.frame
	*f = call.Frame{
		Codec: s.format.Codec, Marker: h.Marker, Seq: h.SequenceNumber, Timestamp: h.Timestamp,
		Payload: payload, Packet: packet,
	}
	switch kind {
	case kindTelephone:
		f.Kind = call.Telephone
		s.event(payload, h.Timestamp, h.Marker, now)
	case kindComfort:
		f.Kind = call.ComfortNoise
	default:
		if int(kind-kindAudio) != s.choice && !s.follow(int(kind-kindAudio)) {
			return
		}
		f.Codec, s.choiceRun = s.format.Codec, 0
		s.reception.measure(s.ticks(now), h.Timestamp, s.out.clock)
	}
	if s.keys.tones != nil {
		s.hearTones(f, now)
	}
	if s.sink != nil {
		s.sink(f)
	} else if s.buffer != nil {
		s.buffer.Put(f, now)
	}
}

// ticks is a moment in timestamp units, from an arbitrary beginning.
func (s *Session) ticks(now time.Time) int64 {
	rate := int64(s.out.clock)
	return now.Unix()*rate + int64(now.Nanosecond())*rate/int64(time.Second)
}

// follow changes to another codec that was agreed when the far end has: it may
// do so at any time (RFC 3264, 5.1). What we send changes too, because devices
// that differ by direction are many fewer than those that expect the same.
func (s *Session) follow(choice int) bool {
	if choice != s.lastChoice {
		s.lastChoice, s.choiceRun = choice, 0
	}
	if s.choiceRun++; s.choiceRun < switchRun {
		s.count.unproven.Add(1)
		return false
	}
	c := sdp.Choice{Codec: s.agreed.Format.Codec, SendType: s.agreed.SendType}
	if choice > 0 {
		c = s.agreed.Also[choice-1]
	}
	f := call.FormatOf(c.Codec)
	f.PTime = s.agreed.Format.PTime
	s.choice = choice
	s.adopt(f, c.SendType)
	s.options.Log.Info("the far end changed the codec", "format", f.String())
	if s.options.OnFormat != nil {
		s.options.OnFormat(f)
	}
	return true
}
