package dsp

import "math"

// An oscillator is a 32-bit phase that overflows once a period: adding a fixed
// step each sample turns it at an exact frequency for ever, with no drift and
// no rounding that builds up. The upper bits find two neighbours in a table of
// one sine period and the lower bits mix them, which leaves errors 110 dB down.

const (
	sineBits  = 10
	sineShift = 32 - sineBits
	sineScale = 1.0 / (1 << sineShift)
)

var sine = func() (table [1<<sineBits + 1]float32) {
	for i := range table {
		table[i] = float32(math.Sin(2 * math.Pi * float64(i) / (1 << sineBits)))
	}
	return table
}()

type oscillator struct{ phase, step uint32 }

func newOscillator(frequency float64, rate int) oscillator {
	return oscillator{step: uint32(int64(math.Round(frequency / float64(rate) * (1 << 32))))}
}

// next is the sine of the present phase, -1 to 1, and moves on by one sample.
func (o *oscillator) next() float32 {
	i, fraction := o.phase>>sineShift, float32(o.phase&(1<<sineShift-1))*sineScale
	o.phase += o.step
	return sine[i] + fraction*(sine[i+1]-sine[i])
}
