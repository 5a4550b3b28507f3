package dsp

// Resampling by the ratio L/M would be simple in principle: put L-1 zeros after
// each sample, remove with a low-pass filter what lies above half of the lower
// rate, and keep every M-th sample. Nearly all of that work is multiplying by
// zero or computing what is thrown away. The polyphase form does only the rest:
// the filter's coefficients are dealt out to L short filters, one for each
// place an output sample can have between two input samples, and an output
// sample is one of these applied to the latest input.
//
// The low-pass filter is a sine cardinal under a Kaiser window, 24 samples of
// the lower rate long. It passes all below 0.85 of half the lower rate (3400 Hz
// at 8 kHz) within 0.02 dB and holds what would fold back below that 58 dB down.

import (
	"fmt"
	"math"
	"sync"
)

const (
	resampleSpan   = 24   // length of the filter, in samples of the lower rate
	resampleBeta   = 5.65 // Kaiser's parameter for 60 dB
	resamplePhases = 1280 // most phases that a filter may have
)

// Resampler converts a stream from one rate to another. One goroutine at a time.
type Resampler struct {
	filter  *polyphase
	history []float32 // the last taps-1 input samples, then those of this call
	phase   int       // of the next output sample, in 1/L of an input sample
	pending int       // input samples to take in before the next output sample
}

// polyphase is a filter for one ratio; all resamplers of that ratio share it.
type polyphase struct {
	up, down int // L and M
	taps     int // of each phase
	phases   [][]float32
}

var filters sync.Map // [2]int{from, to} → *polyphase

// NewResampler converts from one rate to another, in samples a second. It fails
// for rates that are not positive or whose ratio is not one of small numbers.
func NewResampler(from, to int) (*Resampler, error) {
	p, err := filterFor(from, to)
	if err != nil {
		return nil, err
	}
	return &Resampler{filter: p, history: make([]float32, p.taps-1, p.taps-1+maxFrame)}, nil
}

// maxFrame is how many input samples there is room for without allocation: 60
// ms at 48 kHz.
const maxFrame = 2880

func filterFor(from, to int) (*polyphase, error) {
	key := [2]int{from, to}
	if p, ok := filters.Load(key); ok {
		return p.(*polyphase), nil
	}
	if from <= 0 || to <= 0 {
		return nil, fmt.Errorf("cannot resample from %d to %d samples a second", from, to)
	}
	d := gcd(from, to)
	up, down := to/d, from/d
	if up > resamplePhases || down > up*64 {
		return nil, fmt.Errorf("cannot resample from %d to %d samples a second: no simple ratio", from, to)
	}
	p, _ := filters.LoadOrStore(key, newPolyphase(up, down))
	return p.(*polyphase), nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// newPolyphase samples the low-pass response at L times the input rate and
// deals it out. Each phase is scaled to pass a constant unchanged, so that no
// phase is louder than another.
func newPolyphase(up, down int) *polyphase {
	if up == down {
		return &polyphase{up: 1, down: 1, taps: 1, phases: [][]float32{{1}}}
	}
	slower := max(up, down) // one sample of the lower rate, in 1/L of an input sample
	taps := (resampleSpan*slower + up - 1) / up
	p := &polyphase{up: up, down: down, taps: taps, phases: make([][]float32, up)}
	middle := float64(p.middle())
	norm := bessel0(resampleBeta)
	for phase := range p.phases {
		coefficients := make([]float64, taps)
		sum := 0.0
		for tap := range coefficients {
			x := float64(phase+tap*up) - middle
			edge := x / middle
			c := sinc(x/float64(slower)) * bessel0(resampleBeta*math.Sqrt(max(0, 1-edge*edge))) / norm
			coefficients[tap] = c
			sum += c
		}
		p.phases[phase] = make([]float32, taps)
		for tap, c := range coefficients {
			p.phases[phase][taps-1-tap] = float32(c / sum) // oldest sample first
		}
	}
	return p
}

// middle is where the filter's response is symmetric, in 1/L of an input sample.
// Half the span of the lower rate makes it a whole number of output samples when
// the rate is lowered, and of input samples when it is raised.
func (p *polyphase) middle() int { return resampleSpan / 2 * max(p.up, p.down) }

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of order zero, from its series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x / (2 * k) * (x / (2 * k))
		sum += term
	}
	return sum
}

// Delay is by how many output samples the output lags behind the input.
func (r *Resampler) Delay() int {
	if r.filter.up == r.filter.down {
		return 0
	}
	return r.filter.middle() / r.filter.down
}

// Process takes in src and appends to dst every output sample that it makes
// possible: 20 ms of input gives 20 ms of output, within one sample. It does
// not allocate when dst has room and src is no longer than 60 ms at 48 kHz.
func (r *Resampler) Process(dst, src []int16) []int16 {
	p := r.filter
	if p.up == p.down {
		return append(dst, src...)
	}
	keep := p.taps - 1
	for _, sample := range src {
		r.history = append(r.history, float32(sample))
	}
	position := r.pending
	for position < len(src) {
		dst = append(dst, clip(dot(p.phases[r.phase], r.history[position:])))
		r.phase += p.down
		position += r.phase / p.up
		r.phase %= p.up
	}
	r.pending = position - len(src)
	copy(r.history, r.history[len(r.history)-keep:])
	r.history = r.history[:keep]
	return dst
}

// dot has four sums so that the processor need not wait for one.
func dot(coefficients, samples []float32) float32 {
	samples = samples[:len(coefficients)]
	var a, b, c, d float32
	i := 0
	for ; i+4 <= len(coefficients); i += 4 {
		k, x := coefficients[i:i+4:i+4], samples[i:i+4:i+4]
		a += k[0] * x[0]
		b += k[1] * x[1]
		c += k[2] * x[2]
		d += k[3] * x[3]
	}
	for ; i < len(coefficients); i++ {
		a += coefficients[i] * samples[i]
	}
	return a + b + (c + d)
}

// Resample converts a whole piece of sound, without the delay of a stream: the
// result begins and ends with the input.
func Resample(pcm []int16, from, to int) ([]int16, error) {
	if from == to {
		return pcm, nil
	}
	r, err := NewResampler(from, to)
	if err != nil {
		return nil, err
	}
	length := int((int64(len(pcm))*int64(to) + int64(from) - 1) / int64(from))
	delay := r.Delay()
	out := make([]int16, 0, length+delay+resampleSpan+maxFrame)
	for len(pcm) > 0 {
		n := min(len(pcm), maxFrame)
		out = r.Process(out, pcm[:n])
		pcm = pcm[n:]
	}
	silence := make([]int16, 64)
	for len(out) < length+delay {
		out = r.Process(out, silence)
	}
	return out[delay : delay+length : delay+length], nil
}
