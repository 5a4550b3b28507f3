package rtp

import (
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// What a leg hears comes from changing sources: a prompt, then the other leg of
// a bridge, then a digit. To the far end it is one stream with one SSRC, whose
// sequence numbers count packets and whose timestamps follow the time. So:
//
//   - frames made here are numbered one after another, and their timestamps
//     continue where the last frame ended, or by the clock after a pause;
//   - frames of a stream that passes through keep their distances from each
//     other: what the network lost or put into another order on the first half of
//     its way, the far end sees as lost or reordered, and conceals or sorts. Only
//     the beginning is moved to where our numbers are.

const (
	pauseAfter  = 50 * time.Millisecond // beyond a frame's end before it counts as a pause
	mostDropped = 1000                  // packets that may be missing in a stream passing through
	mostDelayed = 100                   // packets that one of it may be late
)

// outgoing numbers the packets of one stream that we send.
type outgoing struct {
	ssrc    uint32
	clock   int    // timestamp units a second
	highest uint16 // sequence number sent last
	begun   bool
	edge    uint32    // timestamp at which what was sent so far ends
	edgeAt  time.Time // when that is
	key     bool      // it was a key
	paused  bool      // what comes next is the beginning of a sound

	passing passage
}

// passage is how a stream that passes through is moved onto our numbers.
type passage struct {
	active    bool
	sequence  uint16 // to be added
	timestamp uint32 // to be added
	floor     uint16 // first of our sequence numbers that belongs to it

	last   uint16    // sequence number of the stream, the highest
	lastTS uint32    // its latest timestamp
	lastAt time.Time // when that came
}

// place is where in the stream a packet goes.
type place struct {
	sequence  uint16
	timestamp uint32
	marker    bool // the first after a pause
}

// next is the place of a frame that was made here and lasts so many units.
func (o *outgoing) next(units uint32, now time.Time) place {
	o.passing.active = false
	p := o.continued(now)
	o.highest = p.sequence
	o.sent(call.Audio, p.timestamp+units, units, now)
	return p
}

// continued is the place right after what was sent so far, or, after a pause,
// the present.
func (o *outgoing) continued(now time.Time) place {
	late := now.Sub(o.edgeAt)
	pause := !o.begun || late > pauseAfter || o.paused && late >= 0
	switch {
	case !o.begun:
		o.begun, o.edgeAt = true, now
	case pause || o.key && late > 0: // saying the end of a key takes a moment
		o.edge += o.units(late)
		o.edgeAt = now
	}
	return place{sequence: o.highest + 1, timestamp: o.edge, marker: pause}
}

// aside is the place of a packet that has no length and is no part of a sound.
func (o *outgoing) aside(now time.Time) place {
	p := o.continued(now)
	p.marker = false
	o.passing.active, o.paused, o.highest = false, true, p.sequence
	return p
}

// extend notes that what is being sent lasts until end at least: a key tells of
// its length while it is held, and may have begun before the audio sent ahead of
// it was over.
func (o *outgoing) extend(end uint32) {
	o.key, o.paused = true, false
	if more := int32(end - o.edge); more > 0 {
		o.edge = end
		o.edgeAt = o.edgeAt.Add(o.duration(uint32(more)))
	}
}

// sent notes that a frame was sent that ends at end, units after its beginning.
func (o *outgoing) sent(kind call.FrameKind, end, units uint32, now time.Time) {
	switch {
	case kind == call.Telephone:
		o.extend(end)
	case int32(end-o.edge) >= 0:
		o.edge, o.edgeAt = end, now.Add(o.duration(units))
		o.key, o.paused = false, false
	}
}

// pass is the place of a frame of a stream that passes through; false says that
// it came too late to have one.
func (o *outgoing) pass(f *call.Frame, units uint32, now time.Time) (place, bool) {
	g := &o.passing
	if !g.active || !g.continues(f, o.clock, now) {
		p := o.continued(now)
		*g = passage{
			active: true, sequence: p.sequence - f.Seq, timestamp: p.timestamp - f.Timestamp, floor: p.sequence,
			last: f.Seq, lastTS: f.Timestamp, lastAt: now,
		}
		o.highest = p.sequence
		o.sent(f.Kind, p.timestamp+units, units, now)
		p.marker = p.marker || f.Marker
		return p, true
	}
	p := place{sequence: f.Seq + g.sequence, timestamp: f.Timestamp + g.timestamp, marker: f.Marker}
	if int16(p.sequence-g.floor) < 0 {
		return place{}, false
	}
	if int16(f.Seq-g.last) > 0 {
		g.last, o.highest = f.Seq, p.sequence
	}
	if int32(f.Timestamp-g.lastTS) > 0 {
		g.lastTS, g.lastAt = f.Timestamp, now
	}
	o.sent(f.Kind, p.timestamp+units, units, now)
	return p, true
}

// continues reports whether f can be of the stream that passes through already:
// neither its number nor its timestamp is far from where it should be.
func (g *passage) continues(f *call.Frame, clock int, now time.Time) bool {
	ahead := int(int16(f.Seq - g.last))
	if ahead > mostDropped || ahead < -mostDelayed {
		return false
	}
	elapsed := int64(now.Sub(g.lastAt)) * int64(clock) / int64(time.Second)
	off := int64(int32(f.Timestamp-g.lastTS)) - elapsed
	return off < int64(clock) && off > -int64(clock)
}

// at is the timestamp that belongs to a moment near the present (for sender
// reports).
func (o *outgoing) at(now time.Time) uint32 {
	if now.After(o.edgeAt) {
		return o.edge + o.units(now.Sub(o.edgeAt))
	}
	return o.edge - o.units(o.edgeAt.Sub(now))
}

func (o *outgoing) units(d time.Duration) uint32 {
	return uint32(int64(d) * int64(o.clock) / int64(time.Second))
}

func (o *outgoing) duration(units uint32) time.Duration {
	return time.Duration(int64(units) * int64(time.Second) / int64(max(o.clock, 1)))
}
