package rtp

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
)

const (
	headerLength   = 12   // without contributing sources and extensions, which we never send
	largestPayload = 1400 // octets; more would not fit an Ethernet frame with all headers
)

var (
	errFormat = errors.New("rtp: the frame is not in the agreed format")
	errLarge  = errors.New("rtp: the frame is too large for one packet")
)

// WriteFrame sends f; see call.Port. While the far end does not want to hear us
// (hold), while media is not agreed and while digits are being sent, frames are
// thrown away without an error. It allocates nothing and, where f.Packet has
// room for a header before the payload, copies nothing.
func (s *Session) WriteFrame(f *call.Frame) error {
	if s.closed {
		return call.ErrHungUp
	}
	if !s.sending {
		return nil
	}
	now := s.worker.Now()
	switch f.Kind {
	case call.Audio:
		return s.writeAudio(f, now)
	case call.ComfortNoise:
		if s.agreed.ComfortSend != 0 && len(f.Payload) > 0 && !s.digits.muting() {
			return s.write(f, s.agreed.ComfortSend, 0, now)
		}
	case call.Telephone:
		return s.writeEvent(f, now)
	}
	return nil
}

func (s *Session) writeAudio(f *call.Frame, now time.Time) error {
	if f.Codec != s.format.Codec {
		s.count.mismatch.Add(1)
		return errFormat
	}
	if s.digits.muting() || len(f.Payload) == 0 {
		return nil
	}
	return s.write(f, s.sendType, unitsOf(s.format, len(f.Payload)), now)
}

// unitsOf is how many timestamp units so many octets of audio last.
func unitsOf(f call.Format, octets int) uint32 {
	if units, ok := codec.Units(f, octets); ok {
		return uint32(units)
	}
	return f.Ticks()
}

// write numbers a frame and sends it. Frames that came over a network in the
// same coding keep their distances in sequence and time.
func (s *Session) write(f *call.Frame, payloadType uint8, units uint32, now time.Time) error {
	if len(f.Payload) > largestPayload {
		return errLarge
	}
	var p place
	if f.Packet != nil && f.Codec == s.format.Codec {
		var ok bool
		if p, ok = s.out.pass(f, units, now); !ok {
			return nil
		}
	} else {
		p = s.out.next(units, now)
		p.marker = p.marker || f.Marker
	}
	s.transmit(s.assemble(f), payloadType, p)
	return nil
}

// assemble is a packet of f's payload with room for the header: in place where
// f.Packet has that room, else in the session's own buffer.
func (s *Session) assemble(f *call.Frame) []byte {
	n := len(f.Payload)
	if at := cap(f.Packet) - cap(f.Payload); n > 0 && at >= headerLength && at+n <= len(f.Packet) && &f.Packet[at] == &f.Payload[0] {
		return f.Packet[at-headerLength : at+n]
	}
	s.packet = append(s.blank(), f.Payload...)
	return s.packet
}

// blank is a packet in the session's own buffer that has a header only, not yet
// written. The buffer grows with what is sent: most sessions need little, and
// those that forward none.
func (s *Session) blank() []byte { return append(s.packet[:0], noHeader[:]...) }

var noHeader [headerLength]byte

// transmit writes the header over the first octets of packet and sends it.
func (s *Session) transmit(packet []byte, payloadType uint8, p place) {
	packet[0] = 2 << 6
	packet[1] = payloadType & 0x7f
	if p.marker {
		packet[1] |= 0x80
	}
	binary.BigEndian.PutUint16(packet[2:], p.sequence)
	binary.BigEndian.PutUint32(packet[4:], p.timestamp)
	binary.BigEndian.PutUint32(packet[8:], s.out.ssrc)
	if s.rtp.Send(packet, s.target) != nil {
		s.count.sendErrors.Add(1)
		return
	}
	s.options.Tape.Note(s.worker.Now(), true, s.target, packet)
	s.count.sentPackets.Add(1)
	s.count.sentOctets.Add(uint64(len(packet) - headerLength))
}

// relay is a key of another leg that is passed on while the audio beside it is
// coded anew, so that it cannot keep its place in the stream.
type relay struct {
	active    bool
	source    uint32 // timestamp of the key at its origin
	timestamp uint32 // and with us
	code      uint8
}

// writeEvent passes a telephone-event of another leg on: as it is where the
// stream as a whole passes through, else with a timestamp of ours, and as a tone
// where the far end does not know telephone-events.
func (s *Session) writeEvent(f *call.Frame, now time.Time) error {
	e, ok := parseEvent(f.Payload)
	if !ok || s.digits.busy() && !s.digits.relaying {
		return nil
	}
	if s.agreed.TelephoneSend == 0 || s.options.Inband {
		s.digits.relayTone(e, f.Timestamp, now)
		return nil
	}
	if f.Packet != nil && f.Codec == s.format.Codec {
		return s.write(f, s.agreed.TelephoneSend, uint32(e.duration), now)
	}
	e.duration = s.rescale(e.duration, f.Codec)
	r := &s.relay
	p := place{sequence: s.out.highest + 1, marker: f.Marker}
	if !r.active || r.source != f.Timestamp || r.code != e.code {
		if r.active && r.code == e.code && int32(f.Timestamp-r.source) < 0 {
			return nil // of a key before the one that is passed on
		}
		*r = relay{active: true, source: f.Timestamp, timestamp: s.out.continued(now).timestamp, code: e.code}
	}
	p.timestamp = r.timestamp
	s.sendEvent(e, p)
	return nil
}

// rescale turns a duration at the clock of another leg's codec into ours.
func (s *Session) rescale(duration uint16, from call.Codec) uint16 {
	theirs, ours := from.ClockRate(), s.agreed.TelephoneClock
	if theirs <= 0 || ours <= 0 || theirs == ours {
		return duration
	}
	return uint16(min(int(duration)*ours/theirs, 0xffff))
}

// sendEvent sends one packet of a key whose place in the stream is p.
func (s *Session) sendEvent(e telephoneEvent, p place) {
	s.out.passing.active = false
	s.out.highest = p.sequence
	s.out.extend(p.timestamp + uint32(e.duration))
	s.packet = e.append(s.blank())
	s.transmit(s.packet, s.agreed.TelephoneSend, p)
}
