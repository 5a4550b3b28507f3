package dsp

import (
	"fmt"
	"math"
	"testing"
)

var allRates = []int{8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000}

// tone is a sine of the given peak.
func tone(rate int, frequency, amplitude float64, samples int) []int16 {
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*frequency*float64(i)/float64(rate))))
	}
	return pcm
}

// fit is the amplitude of frequency in pcm and the root of the mean square of
// all the rest.
func fit(pcm []int16, rate int, frequency float64) (amplitude, rest float64) {
	var c, s, cc, ss, cs float64
	for i, sample := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * frequency * float64(i) / float64(rate))
		c += float64(sample) * cos
		s += float64(sample) * sin
		cc, ss, cs = cc+cos*cos, ss+sin*sin, cs+sin*cos
	}
	det := cc*ss - cs*cs
	a, b := (c*ss-s*cs)/det, (s*cc-c*cs)/det
	var energy float64
	for i, sample := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * frequency * float64(i) / float64(rate))
		d := float64(sample) - a*cos - b*sin
		energy += d * d
	}
	return math.Hypot(a, b), math.Sqrt(energy / float64(len(pcm)))
}

func decibel(ratio float64) float64 { return 20 * math.Log10(ratio) }

func TestResamplePassBand(t *testing.T) {
	const amplitude = 10000
	for _, from := range allRates {
		for _, to := range allRates {
			nyquist := float64(min(from, to)) / 2
			worstGain, worstNoise := 0.0, math.Inf(1)
			for _, part := range []float64{0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.85} {
				frequency := part * nyquist
				out, err := Resample(tone(from, frequency, amplitude, from/2), from, to)
				if err != nil {
					t.Fatal(err)
				}
				if want := (from/2*to + from - 1) / from; len(out) != want {
					t.Fatalf("%d→%d: %d samples, want %d", from, to, len(out), want)
				}
				edge := to / 50 // the filter rings where the tone begins and ends
				got, noise := fit(out[edge:len(out)-edge], to, frequency)
				if gain := decibel(got / amplitude); math.Abs(gain) > math.Abs(worstGain) {
					worstGain = gain
				}
				worstNoise = min(worstNoise, decibel(got/math.Sqrt2/noise))
			}
			if math.Abs(worstGain) > 0.15 || worstNoise < 55 {
				t.Errorf("%d→%d: pass band %+.2f dB, signal to noise %.0f dB", from, to, worstGain, worstNoise)
			}
			if to == 8000 || from == 8000 {
				t.Logf("%5d→%5d: pass band %+.3f dB, signal to noise %.0f dB", from, to, worstGain, worstNoise)
			}
		}
	}
}

// TestResampleAliases plays tones that the lower rate cannot carry: what is left
// of them folds back and must be far down.
func TestResampleAliases(t *testing.T) {
	const amplitude = 10000
	for _, from := range allRates {
		for _, to := range allRates {
			if from <= to {
				continue
			}
			stop := 1.15 * float64(to) / 2
			worst := math.Inf(-1)
			for frequency := stop; frequency < float64(from)/2; frequency += float64(from) / 40 {
				out, err := Resample(tone(from, frequency, amplitude, from/2), from, to)
				if err != nil {
					t.Fatal(err)
				}
				edge := to / 50
				worst = max(worst, Level(out[edge:len(out)-edge])-Level(tone(8000, 1000, amplitude, 8000)))
			}
			t.Logf("%5d→%5d: aliases at %.0f dB", from, to, worst)
			if worst > -55 {
				t.Errorf("%d→%d: aliases at %.0f dB, want -55", from, to, worst)
			}
		}
	}
}

// TestResampleKeepsTime compares sample by sample with a tone made at the new
// rate: nothing may have moved.
func TestResampleKeepsTime(t *testing.T) {
	for _, c := range [][2]int{{16000, 8000}, {48000, 8000}, {44100, 8000}, {8000, 16000}, {8000, 48000}, {22050, 16000}} {
		out, _ := Resample(tone(c[0], 500, 10000, c[0]/2), c[0], c[1])
		edge := c[1] / 50
		if snr := snrOf(tone(c[1], 500, 10000, len(out))[edge:len(out)-edge], out[edge:len(out)-edge]); snr < 50 {
			t.Errorf("%v: %.0f dB", c, snr)
		}
	}
}

// TestResampleStreams checks that pieces of any size give what the whole gives,
// and that frames of 20 ms come out as frames of 20 ms.
func TestResampleStreams(t *testing.T) {
	for _, c := range [][2]int{{48000, 8000}, {8000, 48000}, {44100, 8000}, {8000, 11025}, {16000, 16000}} {
		in := tone(c[0], 440, 8000, c[0])
		whole, _ := NewResampler(c[0], c[1])
		want := whole.Process(nil, in)
		pieces, _ := NewResampler(c[0], c[1])
		var got []int16
		for i, size := 0, 1; i < len(in); size = size*7%913 + 1 {
			n := min(size, len(in)-i)
			got = pieces.Process(got, in[i:i+n])
			i += n
		}
		if len(got) != len(want) {
			t.Fatalf("%v: %d samples in pieces, %d in one", c, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%v: sample %d is %d in pieces, %d in one", c, i, got[i], want[i])
			}
		}
		frames, _ := NewResampler(c[0], c[1])
		for i := range 50 {
			n := len(frames.Process(nil, in[:c[0]/50]))
			if d := n - c[1]/50; d < -1 || d > 1 {
				t.Fatalf("%v: frame %d has %d samples", c, i, n)
			}
		}
	}
}

func TestResampleRefuses(t *testing.T) {
	for _, c := range [][2]int{{0, 8000}, {8000, -1}, {8000, 1}, {1 << 30, 8000}, {48000, 44101}} {
		if r, err := NewResampler(c[0], c[1]); err == nil {
			t.Errorf("%v gave %v", c, r)
		}
	}
}

func TestResampleClips(t *testing.T) {
	square := make([]int16, 1600)
	for i := range square {
		square[i] = 32767
		if i/20%2 == 1 {
			square[i] = -32768
		}
	}
	out, _ := Resample(square, 16000, 48000)
	for i := 1; i < len(out); i++ {
		if d := int(out[i]) - int(out[i-1]); d > 40000 || d < -40000 {
			t.Fatalf("sample %d wrapped around: %d after %d", i, out[i], out[i-1])
		}
	}
}

func BenchmarkResample20ms(b *testing.B) {
	for _, c := range [][2]int{{48000, 8000}, {8000, 48000}, {16000, 8000}, {8000, 16000}, {44100, 8000}} {
		b.Run(fmt.Sprintf("%d-%d", c[0], c[1]), func(b *testing.B) {
			r, _ := NewResampler(c[0], c[1])
			in, out := tone(c[0], 1000, 8000, c[0]/50), make([]int16, 0, 1000)
			b.ReportAllocs()
			for b.Loop() {
				out = r.Process(out[:0], in)
			}
		})
	}
}
