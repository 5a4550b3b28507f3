// Package testsignal makes the signals that codecs are proven with: integers
// only, so that any program in any language can make the same ones and its
// results be compared bit by bit. testdata/oracle.py is such a program.
package testsignal

import (
	"math/bits"
	"slices"
)

// Length is how many samples each signal has: whole frames of every codec.
const Length = 16000

// Names are the signals, in a fixed order.
func Names() []string {
	return []string{"silence", "loud", "quiet", "square", "bursts", "sweep", "impulses", "crackle"}
}

// Make makes a signal.
func Make(name string) []int16 {
	noise := Noise(uint32(slices.Index(Names(), name) + 1))
	pcm := make([]int16, Length)
	for i := range pcm {
		pcm[i] = sample(name, i, noise)
	}
	return pcm
}

func sample(name string, i int, noise func() int16) int16 {
	random := noise()
	switch name {
	case "loud":
		return random
	case "quiet":
		return random >> 9
	case "square":
		return choose(i/(7+i/800)%2 == 0, 32767, -32768)
	case "bursts":
		return choose(i/1000%2 == 0, random>>2, random>>12)
	case "sweep":
		return triangle(i * i / 256)
	case "impulses":
		return choose(i%331 == 0, 32767, choose(i%337 == 0, -32768, 0))
	case "crackle":
		return triangle(i*211) >> uint(bits.TrailingZeros32(uint32(i)|1<<14))
	}
	return 0
}

func choose(first bool, a, b int16) int16 {
	if first {
		return a
	}
	return b
}

// triangle is a wave between ±16384 whose period is 2^16.
func triangle(phase int) int16 {
	phase &= 0xFFFF
	if phase >= 0x8000 {
		phase = 0xFFFF - phase
	}
	return int16(phase - 0x4000)
}

// Noise is a linear congruential generator; its upper half is the sample.
func Noise(seed uint32) func() int16 {
	state := seed
	return func() int16 {
		state = state*1664525 + 1013904223
		return int16(state >> 16)
	}
}

// Octets are random payload.
func Octets(n int) []byte {
	noise := Noise(99)
	octets := make([]byte, n)
	for i := range octets {
		octets[i] = byte(noise())
	}
	return octets
}
