// Package g711 codes telephone speech as ITU-T G.711 does: one octet a sample,
// by the µ-law of North America and Japan or the A-law of everyone else.
//
// Both laws are logarithms drawn with straight lines: a sign, three bits that
// name a segment (each twice as steep as the one before) and four bits that
// name a step in it. µ-law looks at the upper 14 bits of a linear sample and
// A-law at the upper 13, so a table with one octet for each of these values
// codes exactly, and fits the processor's nearest cache. The tables are
// computed once, at start, from the segments.
//
// Nothing here has state: all functions may be called from any goroutine, and
// channels may be interleaved as they are.
package g711

import "slices"

// Law is one of the two companding laws.
type Law uint8

const (
	MuLaw Law = iota
	ALaw
)

// String is "ulaw" or "alaw".
func (l Law) String() string {
	if l == ALaw {
		return "alaw"
	}
	return "ulaw"
}

// Octets that code a sample of zero, as heard on an idle line.
const (
	MuLawSilence byte = 0xFF
	ALawSilence  byte = 0xD5
)

// Silence is the octet that codes zero.
func (l Law) Silence() byte {
	if l == ALaw {
		return ALawSilence
	}
	return MuLawSilence
}

// muEncode is indexed by the upper 14 bits of a sample, aEncode by the upper 13.
// muDecode and aDecode hold the linear value of each octet.
var (
	muEncode [1 << 14]byte
	aEncode  [1 << 13]byte
	muDecode [256]int16
	aDecode  [256]int16
)

func init() {
	for i := range muEncode {
		muEncode[i] = muCompress(int(int16(i<<2)) >> 2)
	}
	for i := range aEncode {
		aEncode[i] = aCompress(int(int16(i<<3)) >> 3)
	}
	for i := range 256 {
		muDecode[i] = muExpand(byte(i))
		aDecode[i] = aExpand(byte(i))
	}
}

// muCompress codes a 14-bit sample (G.711, table 2). The bias of 33 makes every
// segment begin at a power of two.
func muCompress(sample int) byte {
	sign := byte(0x80)
	if sample < 0 {
		sign, sample = 0, -sample-1 // towards zero, so that both signs have 8192 values
	}
	biased := min(sample+33, 0x1FFF)
	segment := 0
	for biased>>(segment+6) != 0 {
		segment++
	}
	step := biased >> (segment + 1) & 0x0F
	return sign | ^byte(segment<<4|step)&0x7F
}

// muExpand is the middle of the interval that an octet stands for, in 16 bits.
func muExpand(octet byte) int16 {
	inverted := ^octet
	segment := int(inverted >> 4 & 7)
	step := int(inverted & 0x0F)
	value := ((step<<1+33)<<segment - 33) << 2
	if octet&0x80 == 0 {
		value = -value
	}
	return int16(value)
}

// aCompress codes a 13-bit sample (G.711, table 1). Even bits are inverted on
// the line, which is what 0x55 does.
func aCompress(sample int) byte {
	sign := byte(0x80)
	if sample < 0 {
		sign, sample = 0, -sample-1
	}
	magnitude := sample >> 1 // a step is two wide in the first two segments
	segment := 0
	for magnitude>>(segment+5) != 0 {
		segment++
	}
	step := magnitude >> max(segment-1, 0) & 0x0F
	if magnitude >= 16 {
		segment++
		step = magnitude >> (segment - 1) & 0x0F
	}
	return (sign | byte(segment<<4|step)) ^ 0x55
}

func aExpand(octet byte) int16 {
	plain := octet ^ 0x55
	segment := int(plain >> 4 & 7)
	value := int(plain&0x0F)<<4 + 8
	if segment > 0 {
		value = (value + 0x100) << (segment - 1)
	}
	if plain&0x80 == 0 {
		value = -value
	}
	return int16(value)
}

// Encode appends one octet for each sample to dst.
func (l Law) Encode(dst []byte, pcm []int16) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(pcm))[:start+len(pcm)]
	out := dst[start:][:len(pcm)]
	if l == ALaw {
		for i, sample := range pcm {
			out[i] = aEncode[uint16(sample)>>3]
		}
		return dst
	}
	for i, sample := range pcm {
		out[i] = muEncode[uint16(sample)>>2]
	}
	return dst
}

// Decode appends one sample for each octet to dst.
func (l Law) Decode(dst []int16, payload []byte) []int16 {
	start := len(dst)
	dst = slices.Grow(dst, len(payload))[:start+len(payload)]
	out := dst[start:][:len(payload)]
	table := &muDecode
	if l == ALaw {
		table = &aDecode
	}
	for i, octet := range payload {
		out[i] = table[octet]
	}
	return dst
}

// Fill writes silence over all of dst.
func (l Law) Fill(dst []byte) {
	silence := l.Silence()
	for i := range dst {
		dst[i] = silence
	}
}
