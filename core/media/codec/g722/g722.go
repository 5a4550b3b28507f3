// Package g722 codes wide-band speech as ITU-T G.722 does in its mode 1: 7 kHz
// of audio, sampled at 16 kHz, in 64 kbit/s.
//
// A pair of mirror filters splits the signal into two bands of 4 kHz, each
// sampled half as often. Each band is coded by ADPCM: a predictor says what
// comes next, and only the difference, measured in steps that grow and shrink
// with the signal, is sent: six bits of it for the lower band, where the voice
// is, and two for the upper. One octet so stands for two samples. Encoder and
// decoder move their predictors and steps by the same rule from the same bits,
// so they stay alike without being told; after a lost packet they drift
// together again within a few milliseconds.
//
// All arithmetic is that of clause 6 of the Recommendation, in 16 bits with
// saturation, and gives the same bits as other implementations of it. Names in
// capitals in comments are the Recommendation's names of its blocks.
//
// RTP counts 8000 units a second for it, not 16000 (RFC 3551, 4.5.2).
package g722

import "slices"

// Rate is samples a second of the audio.
const Rate = 16000

// lowBits are the bits of an octet that hold the lower band; the upper band's
// are above them.
const lowBits = 6

// piece is how many pairs of samples are filtered at a time: 10 ms.
const piece = 80

// history is how many samples of the past the filters look at.
const history = 22

// Encoder codes one stream; one goroutine at a time. The zero value is not
// ready: see NewEncoder.
type Encoder struct {
	low, high band
	odd       bool // sample waits for its pair
	sample    int16
	line      [history + 2*piece]int16
}

// NewEncoder begins a stream.
func NewEncoder() *Encoder {
	e := &Encoder{}
	e.low.reset(lowStep)
	e.high.reset(highStep)
	return e
}

// Encode appends an octet for every two samples to dst. An odd sample at the end
// waits for the next call. It does not allocate where dst has room.
func (e *Encoder) Encode(dst []byte, pcm []int16) []byte {
	whole := len(pcm)
	if e.odd {
		whole++
	}
	dst = slices.Grow(dst, whole/2)
	for len(pcm) > 0 {
		filled := history
		if e.odd {
			e.line[filled] = e.sample
			filled++
		}
		n := copy(e.line[filled:], pcm)
		pcm = pcm[n:]
		filled += n
		if e.odd = filled%2 == 1; e.odd {
			filled--
			e.sample = e.line[filled]
		}
		for at := history; at < filled; at += 2 {
			low, high := analyse((*[history + 2]int16)(e.line[at-history:]))
			dst = append(dst, e.high.encodeHigh(high)<<lowBits|e.low.encodeLow(low))
		}
		copy(e.line[:history], e.line[filled-history:filled])
	}
	return dst
}

// Decoder decodes one stream; one goroutine at a time. The zero value is not
// ready: see NewDecoder.
type Decoder struct {
	low, high band
	line      [history + 2*piece]int16
}

// NewDecoder begins a stream.
func NewDecoder() *Decoder {
	d := &Decoder{}
	d.low.reset(lowStep)
	d.high.reset(highStep)
	return d
}

// Decode appends two samples for each octet to dst. Every octet is valid. It does
// not allocate where dst has room.
func (d *Decoder) Decode(dst []int16, payload []byte) []int16 {
	dst = slices.Grow(dst, 2*len(payload))
	for len(payload) > 0 {
		n := min(len(payload), piece)
		for i, octet := range payload[:n] {
			low := d.low.decodeLow(octet & (1<<lowBits - 1))
			high := d.high.decodeHigh(octet >> lowBits)
			d.line[history+2*i] = int16(low + high) // RECA
			d.line[history+2*i+1] = int16(low - high)
			first, second := synthesize((*[history + 2]int16)(d.line[2*i:]))
			dst = append(dst, first, second)
		}
		payload = payload[n:]
		copy(d.line[:history], d.line[2*n:2*n+history])
	}
	return dst
}
