package media

import (
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/dsp"
)

const (
	jitterRest   = 200 * time.Millisecond // between two changes of the delay in speech
	jitterSilent = -45.0                  // dBm0; quieter frames may be repeated or left out
)

// Get delivers the frame whose turn it is; it is called once each ptime. A frame
// of kind Lost asks for concealment; call.ErrNoFrame says that nothing was sent
// for this moment. f.Payload is valid until the next call of Get or Put.
func (b *JitterBuffer) Get(f *call.Frame, now time.Time) error {
	*f = call.Frame{}
	if b.ahead >= b.ticks {
		b.ahead -= b.ticks
		return call.ErrNoFrame
	}
	b.rested += b.ticks
	elapsed := now.Sub(b.epoch)
	for {
		b.passOver()
		if !b.playing && !b.begin(elapsed) {
			return call.ErrNoFrame
		}
		if b.size == 0 {
			return b.starve(f, elapsed)
		}
		head := b.head()
		switch {
		case head.timestamp <= b.point && head.kind == call.ComfortNoise:
			b.noise(f)
			return nil
		case head.timestamp <= b.point:
			if b.hurry(elapsed) {
				continue
			}
			return b.play(f, elapsed)
		case head.spurt || head.kind == call.ComfortNoise:
			b.pause()
		case b.owed > 0:
			// What was waited for is lost; it has been concealed already.
			known := min(b.owed, head.timestamp-b.point)
			b.point += known
			b.owed -= known
		default:
			b.conceal(f)
			b.point += b.ticks
			return nil
		}
	}
}

// Stats are the counters at this moment.
func (b *JitterBuffer) Stats() JitterStats {
	s := b.stats
	s.Target = b.target()
	return s
}

// passOver takes out packets that have been played.
func (b *JitterBuffer) passOver() {
	for b.playing && b.size > 0 {
		if head := b.head(); head.kind == call.ComfortNoise || head.end() > b.point {
			return
		}
		b.remove()
	}
}

// target is what the delay should be.
func (b *JitterBuffer) target() time.Duration {
	t := max(b.min, b.transits.spread+jitterGuard)
	if b.transits.count < jitterEnough {
		t = max(t, jitterFirst)
	}
	return min(t, b.max) + b.assembly()
}

// assembly is what must be added where frames are put together from packets of
// another length: the last packet of a frame comes later than its first.
func (b *JitterBuffer) assembly() time.Duration {
	if b.last <= 0 || b.last%b.ticks == 0 {
		return 0
	}
	a, d := b.ticks, b.last
	for d != 0 {
		a, d = d, a%d
	}
	return b.duration(b.ticks - a)
}

// delay is how much later than at the earliest a timestamp is played now.
func (b *JitterBuffer) delay(timestamp int64, elapsed time.Duration) time.Duration {
	return elapsed - b.duration(timestamp) - b.transits.least()
}

// begin starts a talkspurt when its first packet has waited for long enough.
func (b *JitterBuffer) begin(elapsed time.Duration) bool {
	if b.size == 0 || b.delay(b.head().timestamp, elapsed) < b.target() {
		return false
	}
	b.point, b.playing = b.head().timestamp, true
	return true
}

// pause waits for the next talkspurt.
func (b *JitterBuffer) pause() {
	b.playing, b.owed, b.starved = false, 0, 0
}

// starve deals with an empty buffer: what is missing may be late, so the play
// point waits, or the sender may have paused.
func (b *JitterBuffer) starve(f *call.Frame, elapsed time.Duration) error {
	if b.duration(b.starved) >= jitterPatience {
		b.pause()
		return call.ErrNoFrame
	}
	b.starved += b.ticks
	if b.delay(b.point, elapsed) < b.max {
		b.owed += b.ticks
	} else {
		b.point += b.ticks
	}
	b.conceal(f)
	return nil
}

func (b *JitterBuffer) conceal(f *call.Frame) {
	f.Kind, f.Codec, f.Timestamp = call.Lost, b.format.Codec, uint32(b.point)
	b.stats.Concealed++
}

// noise delivers a description of the silence that begins here.
func (b *JitterBuffer) noise(f *call.Frame) {
	head := b.head()
	b.out = append(b.out[:0], head.payload...)
	f.Kind, f.Codec, f.Timestamp, f.Seq = call.ComfortNoise, head.codec, uint32(head.timestamp), head.sequence
	f.Payload = b.out
	b.remove()
	b.pause()
}

// hurry leaves out what is too old when the delay is beyond its bounds, as after
// a burst of packets that the network had held back.
func (b *JitterBuffer) hurry(elapsed time.Duration) bool {
	frame := b.duration(b.ticks)
	late := b.delay(b.point, elapsed)
	if late <= b.max+b.assembly()+2*frame {
		return false
	}
	frames := int64((late - b.target()) / frame)
	b.point += frames * b.ticks
	b.stats.Shortened += int(frames)
	return true
}

// play delivers the frame at the play point, and lengthens or shortens the delay
// by one frame where that is due.
func (b *JitterBuffer) play(f *call.Frame, elapsed time.Duration) error {
	if b.owed > 0 {
		b.stats.Stretched += int(b.owed / b.ticks)
		b.owed = 0
	}
	head := b.head()
	perTick := int64(b.octetsPerTick(head.codec))
	if perTick == 0 {
		b.whole(f, elapsed)
		return nil
	}
	payload, ok := b.assemble(&b.out, b.point, head.codec)
	if !ok && b.duration(b.starved) < 2*b.duration(b.ticks) {
		return b.starve(f, elapsed) // its second half is under way
	}
	b.starved = 0
	f.Kind, f.Codec, f.Seq = call.Audio, head.codec, head.sequence
	f.Marker = head.spurt && head.timestamp == b.point
	f.Timestamp = uint32(b.point)
	f.Payload = payload
	b.point += b.ticks
	b.adjust(f, elapsed)
	return nil
}

// whole delivers the first packet as it is, however long, for codecs that cannot
// be cut or looked into. A delay that is too long is shortened by leaving out the
// packet after it.
func (b *JitterBuffer) whole(f *call.Frame, elapsed time.Duration) {
	head := b.head()
	b.stats.Delay = b.delay(head.timestamp, elapsed)
	b.starved = 0
	f.Kind, f.Codec, f.Seq, f.Timestamp = call.Audio, head.codec, head.sequence, uint32(head.timestamp)
	f.Marker = head.spurt
	f.Payload = head.payload
	b.point = head.end()
	b.ahead = max(0, head.length-b.ticks)
	if b.stats.Delay-b.target() >= b.duration(2*head.length) && b.duration(b.rested) >= jitterRest {
		b.point += head.length
		b.rested = 0
		b.stats.Shortened++
	}
}

// assemble is the frame at a timestamp: the packet itself where it is just that,
// or a copy in out of parts of several. What is missing between is silence; ok
// is false when the end is missing. Sound in another codec begins a frame of its
// own.
func (b *JitterBuffer) assemble(out *[]byte, at int64, c call.Codec) (payload []byte, ok bool) {
	perTick := int64(b.octetsPerTick(c))
	end := at + b.ticks
	*out = (*out)[:0]
	position := at
	for _, i := range b.queue[:b.size] {
		s := &b.slots[i]
		if s.end() <= position || s.kind != call.Audio {
			continue
		}
		if s.timestamp >= end || s.codec != c {
			break
		}
		if s.timestamp == at && s.length == b.ticks {
			return s.payload, true
		}
		if s.timestamp > position {
			*out = b.silence(*out, s.codec, (s.timestamp-position)*perTick)
			position = s.timestamp
		}
		until := min(s.end(), end)
		*out = append(*out, s.payload[(position-s.timestamp)*perTick:(until-s.timestamp)*perTick]...)
		if position = until; position == end {
			return *out, true
		}
	}
	*out = b.silence(*out, c, (end-position)*perTick)
	return *out, false
}

func (b *JitterBuffer) silence(out []byte, c call.Codec, octets int64) []byte {
	filler := byte(0)
	switch c {
	case call.PCMU:
		filler = 0xFF
	case call.PCMA:
		filler = 0xD5
	case call.G722:
		filler = 0xFD // no difference in either band: what was there fades away
	}
	for range octets {
		out = append(out, filler)
	}
	return out
}

// adjust brings the delay nearer to its target, now that f is to be delivered
// and the play point is behind it. Between the target and a frame and a quarter
// more nothing is done.
func (b *JitterBuffer) adjust(f *call.Frame, elapsed time.Duration) {
	frame := b.duration(b.ticks)
	b.stats.Delay = b.delay(b.point-b.ticks, elapsed)
	off := b.stats.Delay - b.target()
	if off >= -frame/4 && off < frame*5/4 {
		return
	}
	silent, known := b.fader.silent(b.codingOf(f.Codec), f.Payload)
	rested := b.duration(b.rested) >= jitterRest
	switch {
	case off < 0 && silent:
		b.point -= b.ticks // it is heard again
		b.stats.Stretched++
	case off < -frame/2 && rested:
		b.point -= b.ticks
		b.stats.Stretched++
		b.rested = 0
		f.Payload = nil
		b.conceal(f)
	case off > 0 && (silent || known && rested && off >= 2*frame):
		b.shorten(f, silent)
	}
}

// shorten puts the next frame in the place of f, or both into one.
func (b *JitterBuffer) shorten(f *call.Frame, silent bool) {
	following, ok := b.assemble(&b.other, b.point, f.Codec)
	if !ok {
		return
	}
	if silent {
		f.Payload = following
	} else {
		f.Payload = b.fader.fade(f.Payload, following)
		b.rested = 0
	}
	f.Timestamp = uint32(b.point)
	b.point += b.ticks
	b.stats.Shortened++
}

func (b *JitterBuffer) codingOf(c call.Codec) call.Format {
	f := b.format
	f.Codec = c
	return f
}

// fader looks into frames of codecs without state.
type fader struct {
	format  call.Format
	decoder codec.Decoder
	encoder codec.Encoder
	before  []int16
	after   []int16
	coded   []byte
}

// adopt reports whether frames of the format can be looked into.
func (d *fader) adopt(format call.Format) bool {
	if d.format == format {
		return d.decoder != nil
	}
	d.format, d.decoder, d.encoder = format, nil, nil
	switch format.Codec {
	case call.PCMU, call.PCMA, call.L16:
		if c, ok := codec.Lookup(format.Codec); ok {
			d.decoder, d.encoder = c.NewDecoder(format), c.NewEncoder(format)
		}
	}
	return d.decoder != nil
}

// silent reports whether a frame is silence; known is false when that cannot be
// told.
func (d *fader) silent(format call.Format, payload []byte) (silent, known bool) {
	if !d.adopt(format) {
		return false, false
	}
	d.before, _ = d.decoder.Decode(d.before[:0], payload)
	return dsp.Level(d.before) < jitterSilent, true
}

// fade begins with one frame and ends with the other.
func (d *fader) fade(first, second []byte) []byte {
	d.before, _ = d.decoder.Decode(d.before[:0], first)
	d.after, _ = d.decoder.Decode(d.after[:0], second)
	n := min(len(d.before), len(d.after))
	for i := range n {
		a, z := int(d.before[i]), int(d.after[i])
		d.after[i] = int16((a*(n-i) + z*i) / n)
	}
	d.coded = d.encoder.Encode(d.coded[:0], d.after[:n])
	return d.coded
}
