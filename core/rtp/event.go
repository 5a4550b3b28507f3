package rtp

import (
	"encoding/binary"
	"time"
)

// A key pressed on a phone travels as a series of packets (telephone-event, RFC
// 4733) that all carry the timestamp of the moment it was pressed, a duration
// that grows, and, in the last three, a bit that says it is over. Any of them
// may be lost, repeated or overtaken by another. What makes packets one key is
// their timestamp: the first packet of a timestamp that is newer than all before
// is a new key, whichever of the series it is, and everything else belongs to a
// key that is known.
//
// Three kinds of phones need more: a key held so long that the 16 bits of the
// duration overflow goes on under a new timestamp (RFC 4733, 2.5.1.3); some
// phones let the timestamp run on within one key; and some use one timestamp for
// different keys.

const eventLength = 4 // octets of a telephone-event

// eventKeys are the events that are keys, by their code (RFC 4733, 3.2).
const eventKeys = "0123456789*#ABCD"

// telephoneEvent is the payload of one packet (RFC 4733, 2.3).
type telephoneEvent struct {
	code     uint8
	end      bool
	volume   uint8 // -dBm0
	duration uint16
}

func parseEvent(b []byte) (e telephoneEvent, ok bool) {
	if len(b) < eventLength {
		return e, false
	}
	return telephoneEvent{b[0], b[1]&0x80 != 0, b[1] & 0x3f, binary.BigEndian.Uint16(b[2:])}, true
}

// append is the payload.
func (e telephoneEvent) append(dst []byte) []byte {
	flags := e.volume & 0x3f
	if e.end {
		flags |= 0x80
	}
	return append(dst, e.code, flags, byte(e.duration>>8), byte(e.duration))
}

// eventSilence is how long a key may be held without a packet about it before
// it counts as released: the end packets are lost.
const eventSilence = 200 * time.Millisecond

// eventReceiver tells keys apart. A key is reported once: pressed at its first
// packet, or released when its end is known.
type eventReceiver struct {
	known     bool   // something was received
	open      bool   // the key is still held
	code      uint8  // of the latest key
	timestamp uint32 // of its latest segment
	duration  uint16 // of its latest segment
	before    uint32 // length of its earlier segments
	heard     time.Time
}

// change is what a packet tells of keys.
type change struct {
	pressed  bool // a new key
	released bool // the end of the key that was held
	key      byte // pressed, else released
	// units is how long the released key was held, in timestamp units. Where the
	// end of one key is known only by the beginning of another it is that of the
	// former, and previous the former key.
	units    uint32
	previous byte
}

// take takes in one packet.
func (r *eventReceiver) take(e telephoneEvent, timestamp uint32, marker bool, now time.Time) change {
	if int(e.code) >= len(eventKeys) {
		return change{}
	}
	ahead := int32(timestamp - r.timestamp)
	switch {
	case !r.known:
	case ahead == 0 && e.code == r.code:
		return r.goOn(e, now)
	case ahead < 0:
		return change{} // of a key before this one
	case r.segment(e, ahead, marker):
		r.before += uint32(r.duration)
		r.timestamp, r.duration = timestamp, 0
		return r.goOn(e, now)
	case r.running(e, marker, now):
		r.timestamp = timestamp
		return r.goOn(e, now)
	}
	c := change{pressed: true, key: eventKeys[e.code]}
	if r.open {
		c.previous, c.units = eventKeys[r.code], r.before+uint32(r.duration)
	}
	*r = eventReceiver{known: true, open: !e.end, code: e.code, timestamp: timestamp, duration: e.duration, heard: now}
	if e.end {
		c.released = true
		if c.previous == 0 {
			c.units = uint32(e.duration)
		}
	}
	return c
}

// goOn is another packet of the key that is known.
func (r *eventReceiver) goOn(e telephoneEvent, now time.Time) change {
	r.duration = max(r.duration, e.duration)
	r.heard = now
	if !e.end || !r.open {
		return change{}
	}
	r.open = false
	return change{released: true, key: eventKeys[r.code], units: r.before + uint32(r.duration)}
}

// segment reports whether a packet goes on with a key whose duration overflowed:
// the new timestamp begins where the old segment, full or nearly so, ended.
func (r *eventReceiver) segment(e telephoneEvent, ahead int32, marker bool) bool {
	return r.open && !marker && e.code == r.code && r.duration >= 0xf000 && ahead >= 0xf000 && ahead <= 0xffff
}

// running reports whether a packet is of a phone that lets timestamps run on
// within a key: the duration has grown since a moment ago.
func (r *eventReceiver) running(e telephoneEvent, marker bool, now time.Time) bool {
	return r.open && !marker && e.code == r.code && e.duration > r.duration && now.Sub(r.heard) < eventSilence
}

// expire ends a key of which nothing has been heard for a while.
func (r *eventReceiver) expire(now time.Time) change {
	if !r.open || now.Sub(r.heard) < eventSilence {
		return change{}
	}
	r.open = false
	return change{released: true, key: eventKeys[r.code], units: r.before + uint32(r.duration)}
}

// renew forgets timestamps, as the sender's begin anew. A key that is held ends
// with that.
func (r *eventReceiver) renew() change {
	r.known = false
	if !r.open {
		return change{}
	}
	r.open = false
	return change{released: true, key: eventKeys[r.code], units: r.before + uint32(r.duration)}
}
