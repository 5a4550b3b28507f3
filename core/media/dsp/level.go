// Package dsp makes and examines sound: tones, DTMF, resampling, voice
// activity, concealment of losses, comfort noise and gain.
//
// Samples are signed 16-bit integers, mono, at any rate from 8 to 48 kHz.
// Nothing here knows of time other than by counting samples, of packets or of
// calls; each thing is a small struct that one goroutine feeds frame by frame,
// of any length, and that allocates nothing once it is made. Levels are in
// dBm0, the power at a point of the network where a full-scale sine of G.711
// has +3.14 dBm0 (A-law; µ-law's 3.17 is the same for every purpose here).
package dsp

import "math"

// FullScale is the level of a sine that just reaches the largest sample, in dBm0.
const FullScale = 3.14

// peak is the largest sample.
const peak = 32767.0

// Amplitude is the peak of a sine of the given level in dBm0, in sample units.
func Amplitude(dBm0 float64) float64 { return peak * math.Pow(10, (dBm0-FullScale)/20) }

// Level is the power of pcm in dBm0. Digital silence is -96.
func Level(pcm []int16) float64 {
	if len(pcm) == 0 {
		return floorLevel
	}
	var energy float64
	for _, sample := range pcm {
		energy += float64(sample) * float64(sample)
	}
	return levelOf(energy / float64(len(pcm)))
}

// floorLevel is what silence measures, a little under one step of 16 bits.
const floorLevel = -96.0

// levelOf converts a mean square to dBm0.
func levelOf(meanSquare float64) float64 {
	if meanSquare <= 0 {
		return floorLevel
	}
	return max(floorLevel, 10*math.Log10(meanSquare*2/(peak*peak))+FullScale)
}

// clip rounds to a sample and limits to what one can hold.
func clip(x float32) int16 {
	switch {
	case x >= 0:
		return int16(min(x+0.5, math.MaxInt16))
	case x < 0:
		return int16(max(x-0.5, math.MinInt16))
	}
	return 0 // not a number
}
