package vorbis

import (
	"math"
	"math/cmplx"
)

// transform is the inverse modified cosine transform from n/2 numbers to n. It is
// a cosine transform of type IV, of which the block shows one and a half copies,
// and that is a Fourier transform of a quarter of the length between two turns.
type transform struct {
	twist []complex128
	roots []complex128
	work  []complex128
	half  []float64
}

func newTransform(n int) *transform {
	m := n / 2
	t := &transform{half: make([]float64, m), work: make([]complex128, m/2)}
	for k := range m / 2 {
		t.twist = append(t.twist, cmplx.Rect(1, -math.Pi*float64(8*k+1)/float64(8*m)))
		t.roots = append(t.roots, cmplx.Rect(1, -2*math.Pi*float64(k)/float64(m/2)))
	}
	return t
}

func (t *transform) inverse(dst, spectrum []float32) {
	m := len(spectrum)
	for k := range t.work {
		t.work[k] = complex(float64(spectrum[2*k]), float64(spectrum[m-1-2*k])) * t.twist[k]
	}
	t.fourier()
	for k, z := range t.work {
		z *= t.twist[k]
		t.half[2*k], t.half[m-1-2*k] = real(z), -imag(z)
	}
	for i := range dst {
		switch at := i + m/2; {
		case at < m:
			dst[i] = float32(t.half[at])
		case at < 2*m:
			dst[i] = -float32(t.half[2*m-1-at])
		default:
			dst[i] = -float32(t.half[at-2*m])
		}
	}
}

// fourier transforms work in place; its length is a power of two.
func (t *transform) fourier() {
	n := len(t.work)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j |= bit; i < j {
			t.work[i], t.work[j] = t.work[j], t.work[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		for start := 0; start < n; start += size {
			for k := range size / 2 {
				a, b := start+k, start+k+size/2
				turned := t.work[b] * t.roots[k*(n/size)]
				t.work[a], t.work[b] = t.work[a]+turned, t.work[a]-turned
			}
		}
	}
}
