package rtp

import (
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/dsp"
)

// A far end that does not know telephone-events sends keys as tones in its
// audio. They are looked for in packets as they arrive, before anybody else
// touches these, so that it makes no difference whether the leg is bridged,
// listened to, or left alone.
//
// The detector needs sound without gaps: where the far end was silent, or a
// packet is missing, it hears silence of that length. A tone with a hole in it
// then looks like the same key pressed twice. What tells the two apart is that
// of a real pause between keys some was received: tones of one key between
// which nearly all is missing are one. For that a key near a hole is held back
// for a moment; on a line without loss it is told as soon as it has ended.

const (
	hush        = 200 * time.Millisecond // of silence that ends any key and fills all the detector's windows
	longestHole = 100 * time.Millisecond // within one key
	realPause   = 25 * time.Millisecond  // received between two tones that makes them two keys
	rejoinAfter = longestHole + 50*time.Millisecond
	holesKept   = 8
)

// toneReceiver finds keys in the audio of one sender. Times are counted in the
// sound that the detector has heard.
type toneReceiver struct {
	format   call.Format
	decoder  codec.Decoder
	detector *dsp.DTMFDetector
	report   func(key byte, length time.Duration)
	pcm      []int16

	begun     bool
	next      uint16 // sequence number to come
	timestamp uint32 // of the end of what was heard
	arrived   time.Time

	samples int64 // heard
	holes   [holesKept]span
	hole    int // the next one to be replaced
	key     toneKey
}

// span is a stretch of the sound.
type span struct{ from, to time.Duration }

// toneKey is a key that has not been reported yet.
type toneKey struct {
	key byte // 0 = none
	span
	down bool
}

// newToneReceiver returns nil for audio that cannot be decoded here.
func newToneReceiver(f call.Format, report func(key byte, length time.Duration)) *toneReceiver {
	c, ok := codec.Lookup(f.Codec)
	if !ok || f.Channels > 1 {
		return nil
	}
	return &toneReceiver{format: f, decoder: c.NewDecoder(f), detector: dsp.NewDTMFDetector(f.Rate), report: report}
}

// take hears the audio of one packet.
func (r *toneReceiver) take(sequence uint16, timestamp uint32, payload []byte, now time.Time) {
	if r.begun && int16(sequence-r.next) < 0 {
		return // its place was filled
	}
	r.arrived = now
	if r.begun {
		r.fill(int(sequence-r.next), int32(timestamp-r.timestamp))
	}
	// What an undecodable end leaves out counts as a pause with the next packet.
	r.pcm, _ = r.decoder.Decode(r.pcm[:0], payload)
	r.begun, r.next = true, sequence+1
	r.timestamp = timestamp + uint32(len(r.pcm)*r.format.Codec.ClockRate()/r.format.Rate)
	r.hear(r.pcm)
}

// skip notes a packet that has no sound in it.
func (r *toneReceiver) skip(sequence uint16) {
	if r.begun && int16(sequence-r.next) >= 0 {
		r.next = sequence + 1
	}
}

// fill hears silence in place of what lies between two packets: so many that are
// missing, and so many timestamp units.
func (r *toneReceiver) fill(missing int, units int32) {
	gap := time.Duration(units) * time.Second / time.Duration(r.format.Codec.ClockRate())
	switch {
	case gap < -hush || gap > hush:
		r.silence(hush)
	case gap > 0:
		if missing > 0 {
			r.holes[r.hole] = span{r.at(), r.at() + gap}
			r.hole = (r.hole + 1) % holesKept
		}
		r.silence(gap)
	}
}

// quietSound is a piece of silence.
var quietSound [160]int16

func (r *toneReceiver) silence(length time.Duration) {
	for n := int(length * time.Duration(r.format.Rate) / time.Second); n > 0; n -= len(quietSound) {
		r.hear(quietSound[:min(n, len(quietSound))])
	}
}

// at is how much has been heard.
func (r *toneReceiver) at() time.Duration {
	return time.Duration(r.samples) * time.Second / time.Duration(r.format.Rate)
}

func (r *toneReceiver) hear(pcm []int16) {
	r.samples += int64(len(pcm))
	k := &r.key
	for _, e := range r.detector.Hear(pcm) {
		switch {
		case !e.Down:
			k.down, k.to = false, e.At+e.Duration
		case e.Key == k.key && r.torn(k.to, e.At):
			k.down = true
		default:
			r.tell()
			*k = toneKey{key: e.Key, span: span{from: e.At}, down: true}
		}
	}
	if k.key != 0 && !k.down && (r.at()-k.to > rejoinAfter || r.missing(k.to, r.at()) == 0) {
		r.tell()
	}
}

// torn reports whether it is for want of packets that no tone was heard there.
func (r *toneReceiver) torn(from, to time.Duration) bool {
	missing := r.missing(from, to)
	return missing > 0 && to-from <= longestHole && to-from-missing < realPause
}

// missing is how much of a stretch was not received.
func (r *toneReceiver) missing(from, to time.Duration) (sum time.Duration) {
	for _, h := range r.holes {
		sum += max(0, min(to, h.to)-max(from, h.from))
	}
	return sum
}

func (r *toneReceiver) tell() {
	if k := r.key; k.key != 0 {
		r.key = toneKey{}
		r.report(k.key, k.to-k.from)
	}
}

// open reports whether a key is down, or may go on.
func (r *toneReceiver) open() bool { return r.key.key != 0 }

// expire ends a key of which nothing has been heard for a while: the far end may
// send nothing when all is silent.
func (r *toneReceiver) expire(now time.Time) {
	if r.open() && now.Sub(r.arrived) >= eventSilence {
		r.silence(hush)
	}
}

// renew begins with another sender. A key that is held ends with that.
func (r *toneReceiver) renew() {
	r.silence(hush)
	r.begun = false
}
