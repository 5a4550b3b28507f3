package dsp

// Between words a phone that saves bandwidth sends nothing, and a receiver that
// played nothing would sound dead. So now and then the sender describes its
// background noise (RFC 3389): a level, and if it likes the spectrum, as the
// reflection coefficients of a lattice of delays that a flat noise is sent
// through. The receiver makes up noise like it. Levels move slowly to a new
// setting, because a step would be noticed.

import "math"

// comfortOrder is how many reflection coefficients are taken; the rest of a
// longer spectrum tells little.
const comfortOrder = 12

// ComfortNoise makes up background noise. It is a source of linear samples that
// does not end. One goroutine at a time.
type ComfortNoise struct {
	random     uint64
	target     float32 // root of the mean square, in sample units
	loudness   float32
	reflection [comfortOrder]float32
	order      int
	normal     float32 // by how much the lattice must be turned down
	delays     [comfortOrder + 1]float32
}

// NewComfortNoise makes noise that begins silent. The same seed makes the same
// noise.
func NewComfortNoise(seed uint64) *ComfortNoise {
	return &ComfortNoise{random: seed*0x9E3779B97F4A7C15 | 1, normal: 1}
}

// Describe takes the payload of a comfort noise packet (RFC 3389, 3): the level
// in -dBov, then one octet for each reflection coefficient. An empty payload
// changes nothing.
func (c *ComfortNoise) Describe(payload []byte) {
	if len(payload) == 0 {
		return
	}
	level := float64(payload[0] & 0x7F)
	c.target = float32(32768 * math.Pow(10, -level/20))
	c.order = min(len(payload)-1, comfortOrder)
	gain := 1.0
	for i := range c.order {
		k := (float64(payload[1+i]) - 127) * 258 / 32768
		k = max(-0.97, min(0.97, k)) // a lattice rings for ever at 1
		c.reflection[i] = float32(k)
		gain *= 1 - k*k
	}
	c.normal = float32(math.Sqrt(gain))
}

// NextPCM fills dst with noise.
func (c *ComfortNoise) NextPCM(rate int, dst []int16) (int, error) {
	const width = 3.4641016 // of a flat distribution whose mean square is 1
	part := float32(40) / float32(rate)
	for i := range dst {
		c.loudness += (c.target - c.loudness) * part
		c.random ^= c.random << 13
		c.random ^= c.random >> 7
		c.random ^= c.random << 17
		noise := (float32(c.random>>40)/(1<<24) - 0.5) * width
		dst[i] = clip(c.shape(noise*c.normal) * c.loudness)
	}
	return len(dst), nil
}

// shape sends one sample through the all-pole lattice.
func (c *ComfortNoise) shape(x float32) float32 {
	for i := c.order - 1; i >= 0; i-- {
		x -= c.reflection[i] * c.delays[i]
		c.delays[i+1] = c.delays[i] + c.reflection[i]*x
	}
	c.delays[0] = x
	return x
}

// NoiseLevel is the level that a comfort noise packet gives for pcm, in -dBov.
func NoiseLevel(pcm []int16) uint8 {
	// 0 dBov is a square wave at full scale, 3.01 dB above the full-scale sine.
	dBov := Level(pcm) - FullScale - 3.01
	return uint8(max(0, min(127, math.Round(-dBov))))
}
