package media

// Packets leave a phone evenly and arrive unevenly, in another order, twice or
// not at all. A jitter buffer keeps each for a while, so that the next one is
// there when its turn comes: long enough for nearly all to arrive in time, and
// not longer, because people who hear each other late talk into each other.
//
// The buffer thinks in the sender's timestamps. One of them, the play point, is
// what the next Get delivers, and moves on by one frame with each. How long a
// packet waits between the earliest moment it could have arrived (see transits)
// and its turn is the delay; what it should be, the target, is measured from the
// packets. They are brought together
//
//   - for nothing, where the sender pauses: a new talkspurt begins when the
//     target says so;
//   - where the line is silent: a frame of silence is heard twice or not at all;
//   - in speech, where it must be: when a packet is late, and nothing after it
//     has arrived either, its place is filled (the listener conceals the gap) and
//     the play point waits for it; and a delay that is too long by two frames is
//     shortened by cross-fading one frame into the next.
//
// Clocks of sender and receiver that drift apart show as a delay that slowly
// leaves its target, and are dealt with in the same way.

import (
	"math"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
)

// JitterOptions are the settings of a JitterBuffer.
type JitterOptions struct {
	// Format is that of the frames which Get delivers; packets may be longer or
	// shorter where the codec can be cut anywhere (G.711, G.722, L16).
	Format call.Format
	// Min and Max are the bounds of the target; 0 means 5 and 200 ms.
	Min, Max time.Duration
}

// JitterStats tell what a buffer has met and done since it was made.
type JitterStats struct {
	Received  int // packets of sound, each once
	Lost      int // packets that never came, as far as is known
	Late      int // packets that came after their turn
	Duplicate int // packets that came again
	Overflow  int // packets thrown away because too many came at once
	Resets    int // times that the sender's timestamps began anew

	Concealed int // frames delivered as Lost
	Stretched int // frames by which the delay was lengthened
	Shortened int // frames by which it was shortened

	Delay  time.Duration // at present
	Target time.Duration // what it should be
}

const (
	jitterSlots    = 64
	jitterPatience = 100 * time.Millisecond // of concealment before a pause is assumed
	jitterGuard    = 2 * time.Millisecond   // added to the measured spread
	jitterFirst    = 20 * time.Millisecond  // least target until enough is measured
	jitterEnough   = 25                     // packets
)

// JitterBuffer orders and times the packets of one stream. Its owner's worker
// only.
type JitterBuffer struct {
	min, max time.Duration
	format   call.Format
	clock    int64 // timestamp units a second
	ticks    int64 // in one frame

	epoch    time.Time // arrival of the first packet
	transits transits
	arrival  time.Duration // of the latest packet, since epoch

	slots [jitterSlots]jitterSlot
	queue [jitterSlots]uint8 // slots in use, by timestamp
	size  int
	free  [jitterSlots]uint8

	started  bool // a packet came
	sounded  bool // one with sound came
	sequence sequenceTracker
	newest   int64 // timestamp of the newest packet
	end      int64 // timestamp at which it ends
	last     int64 // length of the latest packet
	quiet    bool  // the newest packet was comfort noise

	playing bool
	point   int64 // timestamp that the next Get delivers
	owed    int64 // ticks concealed while waiting at point
	starved int64 // ticks concealed in a row because nothing was there
	ahead   int64 // ticks delivered beyond what was asked for
	rested  int64 // ticks since the delay was changed in speech

	out   []byte // a frame put together or copied
	other []byte
	fader fader
	stats JitterStats
}

// jitterSlot is one packet, with a payload of its own.
type jitterSlot struct {
	kind      call.FrameKind
	codec     call.Codec
	timestamp int64
	length    int64 // ticks; 0 for comfort noise
	sequence  uint16
	spurt     bool // what is missing before it was never sent
	payload   []byte
}

func (s *jitterSlot) end() int64 { return s.timestamp + s.length }

// NewJitterBuffer returns an empty buffer.
func NewJitterBuffer(o JitterOptions) *JitterBuffer {
	if o.Min <= 0 {
		o.Min = 5 * time.Millisecond
	}
	if o.Max <= 0 {
		o.Max = 200 * time.Millisecond
	}
	b := &JitterBuffer{min: o.Min, max: max(o.Min, o.Max)}
	for i := range b.free {
		b.free[i] = uint8(jitterSlots - 1 - i)
	}
	b.SetFormat(o.Format)
	return b
}

// SetFormat changes what Get delivers. Another clock rate empties the buffer.
func (b *JitterBuffer) SetFormat(f call.Format) {
	if f.IsZero() {
		f = call.FormatOf(call.PCMU)
	}
	if clock := int64(max(f.Codec.ClockRate(), 1)); clock != b.clock {
		b.clock = clock
		b.Reset()
	}
	b.format = f
	b.ticks = max(int64(f.Ticks()), 1)
}

// Reset forgets all packets and measurements, as when the sender has changed
// (another SSRC). The counters stay.
func (b *JitterBuffer) Reset() {
	b.clear()
	b.transits.reset()
	b.started, b.sounded, b.quiet = false, false, false
}

// clear forgets the packets.
func (b *JitterBuffer) clear() {
	for b.size > 0 {
		b.remove()
	}
	b.ahead = 0
	b.pause()
}

// Put takes in a packet, of which it makes a copy. Telephone-events are only
// noted, so that they are not thought to be lost.
func (b *JitterBuffer) Put(f *call.Frame, arrival time.Time) {
	switch {
	case !b.started:
		b.start(f, arrival)
	case !b.sequence.plausible(f.Seq):
		if !b.sequence.confirmed(f.Seq) {
			b.stats.Late++
			return
		}
		b.Reset()
		b.stats.Resets++
		b.start(f, arrival)
	}
	missing, fresh := b.sequence.note(f.Seq)
	if !fresh {
		b.stats.Duplicate++
		return
	}
	b.stats.Lost += missing
	if f.Kind == call.Telephone {
		return
	}
	b.stats.Received++
	b.take(f, arrival.Sub(b.epoch), max(missing, 0))
}

func (b *JitterBuffer) start(f *call.Frame, arrival time.Time) {
	b.started, b.epoch, b.arrival = true, arrival, 0
	b.sequence.start(f.Seq)
	b.newest, b.end = int64(f.Timestamp), int64(f.Timestamp)
}

// take puts a packet of sound in its place.
func (b *JitterBuffer) take(f *call.Frame, arrival time.Duration, missing int) {
	timestamp := b.newest + int64(int32(f.Timestamp-uint32(b.newest)))
	if b.jumped(arrival-b.duration(timestamp), arrival) {
		b.clear()
		b.transits.reset()
		b.sounded = false
		b.stats.Resets++
		timestamp = int64(f.Timestamp)
	}
	b.transits.add(arrival - b.duration(timestamp))
	b.arrival = arrival
	b.last = b.length(f)
	first := !b.sounded
	b.sounded = true
	spurt := first || f.Marker || b.quiet
	if first || timestamp >= b.newest {
		// More time has passed than packets are missing: the rest was never sent.
		spurt = spurt || timestamp-b.end > int64(missing)*max(b.last, b.ticks)
		b.newest, b.end = timestamp, timestamp+b.last
		b.quiet = f.Kind == call.ComfortNoise
	}
	if b.playing && timestamp+b.last <= b.point && f.Kind != call.ComfortNoise {
		b.stats.Late++
		return
	}
	b.insert(f, timestamp, b.last, spurt)
}

// jumped reports whether the sender's timestamps began anew: they are a second
// from where they should be or, after a pause, more than the buffer makes up
// for.
func (b *JitterBuffer) jumped(transit, arrival time.Duration) bool {
	if !b.sounded {
		return false
	}
	off := transit - b.transits.least()
	limit := time.Second
	if arrival-b.arrival >= 2*jitterPatience {
		limit = b.max / 2
	}
	return off > limit || off < -limit
}

func (b *JitterBuffer) duration(ticks int64) time.Duration {
	return time.Duration(ticks/b.clock)*time.Second + time.Duration(ticks%b.clock)*time.Second/time.Duration(b.clock)
}

// length is how many ticks a packet lasts.
func (b *JitterBuffer) length(f *call.Frame) int64 {
	if f.Kind == call.ComfortNoise {
		return 0
	}
	if units, ok := codec.Units(b.codingOf(f.Codec), len(f.Payload)); ok {
		return int64(units)
	}
	return b.ticks
}

// octetsPerTick is how many octets make one unit of the timestamp, for codecs
// that can be cut anywhere; 0 for others.
func (b *JitterBuffer) octetsPerTick(c call.Codec) int {
	switch c {
	case call.PCMU, call.PCMA, call.G722:
		return max(b.format.Channels, 1)
	case call.L16:
		return 2 * max(b.format.Channels, 1)
	}
	return 0
}

// insert finds the place by timestamp, nearly always the last.
func (b *JitterBuffer) insert(f *call.Frame, timestamp, length int64, spurt bool) {
	if b.size == jitterSlots {
		b.remove()
		b.stats.Overflow++
	}
	at := b.size
	for at > 0 && b.slots[b.queue[at-1]].timestamp > timestamp {
		b.queue[at] = b.queue[at-1]
		at--
	}
	i := b.free[jitterSlots-1-b.size]
	b.queue[at] = i
	b.size++
	s := &b.slots[i]
	s.kind, s.codec, s.timestamp, s.length = f.Kind, f.Codec, timestamp, length
	s.sequence, s.spurt = f.Seq, spurt
	s.payload = append(s.payload[:0], f.Payload...)
}

// remove takes out the first packet.
func (b *JitterBuffer) remove() {
	i := b.queue[0]
	copy(b.queue[:], b.queue[1:b.size])
	b.size--
	b.free[jitterSlots-1-b.size] = i
}

func (b *JitterBuffer) head() *jitterSlot { return &b.slots[b.queue[0]] }

// sequenceTracker tells packets that are new from those that come again, and
// counts what is missing between (RFC 3550, A.1).
type sequenceTracker struct {
	highest uint16
	seen    uint64 // bit n: highest-n was seen
	stray   uint16 // what must follow a jump to confirm it
	strayed bool
}

const (
	maxDropout  = 3000 // packets that may be missing in a row
	maxMisorder = 100  // packets by which one may be late
)

func (t *sequenceTracker) start(seq uint16) {
	*t = sequenceTracker{highest: seq - 1, seen: math.MaxUint64}
}

func (t *sequenceTracker) plausible(seq uint16) bool {
	ahead := int(int16(seq - t.highest))
	if ahead <= maxDropout && ahead >= -maxMisorder {
		t.strayed = false
		return true
	}
	return false
}

// confirmed reports whether an implausible packet follows another one: then the
// sender has begun anew, and it was not just one stray packet.
func (t *sequenceTracker) confirmed(seq uint16) bool {
	follows := t.strayed && seq == t.stray
	t.strayed, t.stray = true, seq+1
	return follows
}

// note takes in a plausible packet. missing is how many are skipped by it, or -1
// when it was thought to be missing itself; fresh is false when it came before.
func (t *sequenceTracker) note(seq uint16) (missing int, fresh bool) {
	if ahead := int(int16(seq - t.highest)); ahead > 0 {
		t.highest = seq
		t.seen = t.seen<<ahead | 1
		return ahead - 1, true
	}
	bit := uint64(1) << (t.highest - seq)
	if bit == 0 || t.seen&bit != 0 {
		return 0, false
	}
	t.seen |= bit
	return -1, true
}
