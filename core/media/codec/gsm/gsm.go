// Package gsm codes telephone speech as GSM 06.10 full rate does (ETSI EN 300
// 961, once GSM 06.10): 13 kbit/s, 33 octets for each 20 ms.
//
// The codec models a voice as a throat and what excites it. Eight reflection
// coefficients describe the throat for a frame of 160 samples; filtering by
// their inverse leaves the excitation. That repeats itself with the pitch, so
// each quarter of a frame says how far back (40 to 120 samples) and how strongly
// it resembles what came before. Of what is left after both predictions, every
// third sample is kept, in three bits each beside a common scale: "regular pulse
// excitation, long-term prediction". The decoder goes the same way backwards.
//
// The standard prescribes every operation, in 16 and 32 bits with saturation and
// rounding, so that all implementations give the same bits; this one does as
// well. Comments name the clauses that are followed, as 5.2.4 and so on.
package gsm

import (
	"errors"
	"slices"
)

const (
	// Rate is samples a second.
	Rate = 8000
	// FrameSamples is how many samples a frame codes.
	FrameSamples = 160
	// FrameSize is the octets of a frame in RTP and in .gsm files (RFC 3551,
	// 4.5.8.1).
	FrameSize = 33
)

// ErrFrame says that a payload is not made of whole frames, or that one of them
// does not begin with the signature that all have.
var ErrFrame = errors.New("gsm: not a full rate frame")

// quarter is the samples of a quarter of a frame, for which pitch and pulses are
// coded.
const quarter = FrameSamples / 4

// Encoder codes one stream; one goroutine at a time. The zero value is ready.
type Encoder struct {
	filled int // samples that wait in frame
	frame  [FrameSamples]int16

	offset    int32 // 5.2.2: of the filter that removes a direct current
	offsetSum int32
	emphasis  int32 // 5.2.3
	throat    throat
	lattice   [8]int32 // 5.2.10
	past      [longestLag + FrameSamples]int16
}

// Encode appends a frame for every 160 samples to dst; what is left over waits
// for the next call. It does not allocate where dst has room.
func (e *Encoder) Encode(dst []byte, pcm []int16) []byte {
	dst = slices.Grow(dst, (e.filled+len(pcm))/FrameSamples*FrameSize)
	for {
		n := copy(e.frame[e.filled:], pcm)
		e.filled += n
		if pcm = pcm[n:]; e.filled < FrameSamples {
			return dst
		}
		e.filled = 0
		var p parameters
		e.encode(&p)
		values := p.list()
		dst = pack(dst, &values)
	}
}

// encode codes the frame that is full.
func (e *Encoder) encode(p *parameters) {
	signal := &e.frame
	e.prepare(signal)
	p.ratios = quantizeRatios(reflections(signal))
	e.throat.next(&p.ratios)
	shapes := e.throat.shapes()
	for i := range shapes {
		analyse(&e.lattice, &shapes[i], signal[partEnds[i]:partEnds[i+1]])
	}
	for i := range p.quarters {
		q := &p.quarters[i]
		rest := (*[quarter]int16)(signal[i*quarter:])
		past := e.past[i*quarter:]
		var predicted, left [quarter]int16
		q.lag, q.gain = findPitch(rest, (*[longestLag]int16)(past))
		for k := range left {
			predicted[k] = int16(round(gains[q.gain] * int32(past[longestLag-int(q.lag)+k])))
			left[k] = saturate(int32(rest[k]) - int32(predicted[k]))
		}
		q.findPulses(&left)
		q.placePulses(&left)
		for k := range left {
			past[longestLag+k] = saturate(int32(left[k]) + int32(predicted[k])) // 5.2.18
		}
	}
	copy(e.past[:longestLag], e.past[FrameSamples:])
}

// prepare is 5.2.1 to 5.2.3: 13 bits, no direct current, high notes louder.
func (e *Encoder) prepare(signal *[FrameSamples]int16) {
	for k, sample := range signal {
		scaled := int32(sample) >> 3 << 2
		difference := scaled - e.offset
		e.offset = scaled
		high := e.offsetSum >> 15
		low := e.offsetSum - high<<15
		e.offsetSum = saturate32(int64(high)*32735 + int64(difference)<<15 + int64(round(low*32735)))
		emphasized := round(e.emphasis * -28180)
		e.emphasis = saturate32(int64(e.offsetSum)+16384) >> 15
		signal[k] = saturate(e.emphasis + emphasized)
	}
}

// Decoder decodes one stream; one goroutine at a time. The zero value is ready.
type Decoder struct {
	throat   throat
	lattice  [9]int32
	emphasis int32
	lag      int // the last valid one; 0 before the first
	past     [longestLag + FrameSamples]int16
}

// Decode appends 160 samples for each frame to dst. It stops with ErrFrame where
// there is no frame. It does not allocate where dst has room.
func (d *Decoder) Decode(dst []int16, payload []byte) ([]int16, error) {
	dst = slices.Grow(dst, len(payload)/FrameSize*FrameSamples)
	for ; len(payload) > 0; payload = payload[FrameSize:] {
		var values [count]uint8
		if len(payload) < FrameSize || !unpack(&values, (*[FrameSize]byte)(payload)) {
			return dst, ErrFrame
		}
		var p parameters
		p.set(&values)
		n := len(dst)
		dst = dst[:n+FrameSamples]
		d.decode(&p, (*[FrameSamples]int16)(dst[n:]))
	}
	return dst, nil
}

func (d *Decoder) decode(p *parameters, signal *[FrameSamples]int16) {
	for i := range p.quarters {
		q := &p.quarters[i]
		var pulses [quarter]int16
		q.placePulses(&pulses)
		if lag := int(q.lag); shortestLag <= lag && lag <= longestLag {
			d.lag = lag
		}
		lag := max(d.lag, shortestLag)
		past := d.past[i*quarter:][:longestLag+quarter]
		for k, pulse := range &pulses { // 5.3.2
			past[longestLag+k] = saturate(int32(pulse) + round(gains[q.gain]*int32(past[longestLag-lag+k])))
		}
	}
	copy(signal[:], d.past[longestLag:])
	copy(d.past[:longestLag], d.past[FrameSamples:])

	d.throat.next(&p.ratios)
	shapes := d.throat.shapes()
	for i := range shapes {
		synthesize(&d.lattice, &shapes[i], signal[partEnds[i]:partEnds[i+1]])
	}
	for k, sample := range signal { // 5.3.5 to 5.3.7
		d.emphasis = int32(saturate(int32(sample) + round(d.emphasis*28180)))
		signal[k] = saturate(2*d.emphasis) &^ 7
	}
}
