package dsp

// When a packet is lost, the best guess at what it held is that the voice went
// on as it was. A vowel repeats itself once for each beat of the vocal cords,
// every 5 to 15 ms: the distance at which the latest samples resemble earlier
// ones most is found by correlation, and that last beat is played again until a
// packet arrives. The idea is that of G.711 Appendix I, the details are not:
//
//   - No delay is added. Where the repetition begins, the small step between
//     the last true sample and the repetition is spread over 2 ms.
//   - One beat repeated for long sounds like a machine, so after 10 ms the last
//     two are repeated, after 20 ms the last three.
//   - From 10 ms on the loss fades, and is silent from 60 ms on: by then the
//     guess is worth nothing.
//   - The first true samples afterwards are mixed with what the guess would have
//     gone on with, longer after a longer loss.

const (
	shortestBeat   = 0.005 // s: 200 Hz; a higher voice matches at a multiple
	longestBeat    = 0.015 // s: 66 Hz
	fadeBegins     = 0.010 // s of loss
	fadeEnds       = 0.060 // s of loss
	bridgeLength   = 0.002 // s over which a step is spread
	concealHistory = 3*longestBeat + 0.020
)

// Concealer fills the gaps in one stream. One goroutine at a time.
type Concealer struct {
	rate   int
	buffer []int16 // the latest sound, true or made up, ends at end
	end    int
	kept   int // samples before end that are always there

	made    int // samples made up since the last true one
	beat    int // samples that one beat lasts
	lag     int // how far back the repetition reads
	step    int // between the true sound and the repetition, to be spread out
	stepFor int // samples that it is still spread over
}

// NewConcealer begins a stream of that many samples a second.
func NewConcealer(rate int) *Concealer {
	kept := seconds(concealHistory, rate)
	return &Concealer{rate: rate, buffer: make([]int16, 4*kept), end: kept, kept: kept}
}

func seconds(s float64, rate int) int { return int(s * float64(rate)) }

// Reset forgets what was heard, as before an unrelated piece of sound.
func (c *Concealer) Reset() {
	clear(c.buffer)
	c.made, c.stepFor = 0, 0
}

// Heard takes note of a frame that arrived. After a loss its beginning is
// changed so that it joins what was made up.
func (c *Concealer) Heard(pcm []int16) {
	if c.made > 0 {
		c.join(pcm)
		c.made, c.stepFor = 0, 0
	}
	latest := pcm[max(0, len(pcm)-c.kept):]
	c.makeRoom(len(latest))
	c.end += copy(c.buffer[c.end:], latest)
}

// makeRoom sees to it that n samples fit behind the end.
func (c *Concealer) makeRoom(n int) {
	if c.end+n > len(c.buffer) {
		copy(c.buffer, c.buffer[c.end-c.kept:c.end])
		c.end = c.kept
	}
}

// join mixes the guess into the first 4 ms of the frame, and into 4 more for
// each 10 ms lost, but not more than 10 ms in all.
func (c *Concealer) join(pcm []int16) {
	length := min(seconds(0.004, c.rate)+c.made*4/10, seconds(0.010, c.rate), len(pcm))
	for i := range length {
		part := halfCosine(i, length)
		pcm[i] = clip(float32(pcm[i])*part + c.next()*(1-part))
	}
}

// Lost fills dst with a guess at what did not arrive.
func (c *Concealer) Lost(dst []int16) {
	if c.made == 0 {
		c.beat = c.findBeat()
		c.lag = c.beat
		c.bridge()
	}
	if c.made >= seconds(fadeEnds, c.rate) {
		clear(dst)
		return
	}
	for i := range dst {
		dst[i] = clip(c.next())
	}
}

// next makes up one sample; it is remembered unfaded.
func (c *Concealer) next() float32 {
	if tenth := seconds(fadeBegins, c.rate); c.made == tenth || c.made == 2*tenth {
		c.lag += c.beat
		c.bridge()
	}
	sample := float32(c.buffer[c.end-c.lag])
	if c.stepFor > 0 {
		sample += float32(c.step*c.stepFor) / float32(seconds(bridgeLength, c.rate)+1)
		c.stepFor--
	}
	c.makeRoom(1)
	c.buffer[c.end] = clip(sample)
	c.end++
	c.made++
	begins, ends := seconds(fadeBegins, c.rate), seconds(fadeEnds, c.rate)
	switch {
	case c.made <= begins:
		return sample
	case c.made >= ends:
		return 0
	}
	return sample * float32(ends-c.made) / float32(ends-begins)
}

// bridge measures the step between the latest sample and the repetition.
func (c *Concealer) bridge() {
	c.step = int(c.buffer[c.end-1]) - int(c.buffer[c.end-1-c.lag])
	c.stepFor = seconds(bridgeLength, c.rate)
}

// findBeat is the distance, in samples, at which the latest sound resembles what
// was before it most. At rates above 8 kHz it first looks at every n-th sample.
func (c *Concealer) findBeat() int {
	shortest, longest := seconds(shortestBeat, c.rate), seconds(longestBeat, c.rate)
	stride := max(1, c.rate/8000)
	best := c.mostAlike(shortest, longest, stride)
	if stride > 1 {
		best = c.mostAlike(max(shortest, best-stride), min(longest, best+stride), 1)
	}
	return best
}

// mostAlike tries every stride-th distance from first to last. Likeness is the
// correlation of the latest 15 ms, relative to the power of what they are
// compared with.
func (c *Concealer) mostAlike(first, last, stride int) int {
	length := seconds(longestBeat, c.rate)
	latest := c.buffer[c.end-length : c.end]
	grain := max(1, c.rate/8000)
	best, likeness := first, float32(-1)
	for lag := first; lag <= last; lag += stride {
		earlier := c.buffer[c.end-length-lag : c.end-lag]
		var product, power float32 = 0, 1
		for i := 0; i < length; i += grain {
			x, y := float32(latest[i]), float32(earlier[i])
			product += x * y
			power += y * y
		}
		if product <= 0 {
			continue
		}
		if l := product / power * product; l > likeness {
			best, likeness = lag, l
		}
	}
	return best
}
