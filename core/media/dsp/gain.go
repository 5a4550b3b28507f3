package dsp

import "math"

// Gain makes a stream louder or quieter. A new setting is reached along a ramp
// of 10 ms, so that turning the knob does not click. The zero Gain changes
// nothing. One goroutine at a time.
type Gain struct {
	offset, target float32 // factor less 1, so that the zero value is unity
}

// gainRamp is the part of the way to a new setting covered in each sample at 8
// kHz.
const gainRamp = 1.0 / 80

// Set changes the gain to this many dB, from the next sample on.
func (g *Gain) Set(dB float64) { g.target = float32(math.Pow(10, dB/20)) - 1 }

// Apply changes pcm in place; what would be too loud is limited.
func (g *Gain) Apply(pcm []int16) {
	if g.offset == g.target {
		if g.target == 0 {
			return
		}
		scale(pcm, 1+g.target)
		return
	}
	for i, sample := range pcm {
		g.offset += (g.target - g.offset) * gainRamp
		pcm[i] = clip(float32(sample) * (1 + g.offset))
	}
	if d := g.offset - g.target; d < 1e-3 && d > -1e-3 {
		g.offset = g.target
	}
}

func scale(pcm []int16, factor float32) {
	for i, sample := range pcm {
		pcm[i] = clip(float32(sample) * factor)
	}
}
