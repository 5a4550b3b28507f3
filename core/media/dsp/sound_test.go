package dsp

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// voice synthesises something with the rhythm and spectrum of speech: beats of
// the vocal cords through three resonances, vowels that glide, hisses between,
// and pauses. level is that of the loud parts in dBm0.
func voice(rate int, seed uint64, length time.Duration, level float64, pauses bool) []int16 {
	random := rand.New(rand.NewPCG(seed, 1))
	pcm := make([]float64, seconds(length.Seconds(), rate))
	type resonance struct{ y1, y2 float64 }
	var formants [3]resonance
	beat, pitch := 0.0, 100+random.Float64()*120
	for at := 0; at < len(pcm); {
		syllable := seconds(0.08+0.2*random.Float64(), rate)
		from := [3]float64{300 + 500*random.Float64(), 900 + 1400*random.Float64(), 2300 + 800*random.Float64()}
		to := [3]float64{300 + 500*random.Float64(), 900 + 1400*random.Float64(), 2300 + 800*random.Float64()}
		voiced, glide := random.Float64() < 0.75, (random.Float64()-0.5)*0.4
		for i := 0; i < syllable && at < len(pcm); i++ {
			part := float64(i) / float64(syllable)
			excitation := random.NormFloat64() * 0.02
			if voiced {
				beat += pitch * (1 + glide*part) / float64(rate)
				if beat >= 1 {
					beat--
					excitation += 1
				}
			} else {
				excitation = random.NormFloat64() * 0.15
			}
			var sum float64
			for k := range formants {
				f := from[k] + (to[k]-from[k])*part
				r := math.Exp(-math.Pi * (60 + 40*float64(k)) / float64(rate))
				y := (1-r)*excitation + 2*r*math.Cos(2*math.Pi*f/float64(rate))*formants[k].y1 - r*r*formants[k].y2
				formants[k].y1, formants[k].y2 = y, formants[k].y1
				sum += y * []float64{1, 0.6, 0.3}[k]
			}
			pcm[at] = sum * math.Sin(math.Pi*part)
			at++
		}
		if pauses && random.Float64() < 0.4 {
			at += seconds(0.05+0.4*random.Float64(), rate)
		}
	}
	return levelled(pcm, level)
}

// levelled scales to a level, measured where there is sound.
func levelled(x []float64, level float64) []int16 {
	var energy float64
	count := 1
	for _, s := range x {
		if s != 0 {
			energy += s * s
			count++
		}
	}
	factor := Amplitude(level) / math.Sqrt(2*energy/float64(count))
	pcm := make([]int16, len(x))
	for i, s := range x {
		pcm[i] = clip(float32(s * factor))
	}
	return pcm
}

func noise(seed uint64, samples int, level float64) []int16 {
	random := rand.New(rand.NewPCG(seed, 2))
	x := make([]float64, samples)
	for i := range x {
		x[i] = random.NormFloat64()
	}
	return levelled(x, level)
}

func add(a, b []int16) []int16 {
	sum := make([]int16, len(a))
	for i := range a {
		sum[i] = clip(float32(a[i]) + float32(b[i]))
	}
	return sum
}

func TestLevel(t *testing.T) {
	for _, level := range []float64{0, -10, -36} {
		if got := Level(tone(8000, 1000, Amplitude(level), 8000)); math.Abs(got-level) > 0.1 {
			t.Errorf("%v dBm0 measures %.2f", level, got)
		}
	}
	if Level(nil) != floorLevel || Level(make([]int16, 10)) != floorLevel {
		t.Error("silence is not the floor")
	}
}

func TestGain(t *testing.T) {
	var g Gain
	pcm := tone(8000, 1000, 8000, 1600)
	before := Level(pcm)
	g.Apply(pcm)
	if Level(pcm) != before {
		t.Error("the zero Gain changes something")
	}
	g.Set(-20)
	for i := 0; i < len(pcm); i += 160 {
		g.Apply(pcm[i : i+160])
	}
	if got := Level(pcm[800:]) - before; math.Abs(got+20) > 0.1 {
		t.Errorf("-20 dB measures %.2f", got)
	}
	g.Set(60)
	loud := tone(8000, 1000, 20000, 1600)
	g.Apply(loud)
	for i, s := range loud[200:] {
		if want := tone(8000, 1000, 20000, 1600)[200+i]; (s > 0) != (want > 0) && want != 0 {
			t.Fatal("too loud a sample wrapped around")
		}
	}
}

func TestConcealHidesTheGap(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		frame := rate / 50
		// A vowel of 140 Hz: its continuation is known, so the guess can be judged.
		pcm := make([]int16, rate)
		for i := range pcm {
			x := 2 * math.Pi * 140 * float64(i) / float64(rate)
			pcm[i] = int16(4000*math.Sin(x) + 2500*math.Sin(3*x+1) + 1500*math.Sin(7*x+2))
		}
		c := NewConcealer(rate)
		made := make([]int16, frame)
		for n := 0; n < 50; n++ {
			truth := pcm[n*frame : (n+1)*frame]
			if n < 20 || n%10 != 0 {
				got := append([]int16(nil), truth...)
				c.Heard(got)
				if snr := snrOf(truth, got); snr < 15 {
					t.Errorf("%d Hz: frame %d after a loss is %.1f dB off", rate, n, snr)
				}
				continue
			}
			c.Lost(made)
			first := seconds(fadeBegins, rate)
			snr := snrOf(truth[:first], made[:first])
			t.Logf("%d Hz: guess at frame %d: %.1f dB", rate, n, snr)
			if snr < 15 {
				t.Errorf("%d Hz: the guess at frame %d is %.1f dB off", rate, n, snr)
			}
		}
	}
}

func snrOf(truth, got []int16) float64 {
	var signal, rest float64 = 1, 1e-9
	for i := range truth {
		d := float64(truth[i]) - float64(got[i])
		signal += float64(truth[i]) * float64(truth[i])
		rest += d * d
	}
	return 10 * math.Log10(signal/rest)
}

// TestConcealBeatsSilence loses one frame in ten of speech: what was made up
// must be nearer to the truth than silence, and without clicks.
func TestConcealBeatsSilence(t *testing.T) {
	speech := voice(8000, 7, 20*time.Second, -15, false)
	c := NewConcealer(8000)
	var lost, missed float64
	out := append([]int16(nil), speech...)
	for n := 0; (n+1)*160 <= len(out); n++ {
		frame := out[n*160 : (n+1)*160]
		if n%10 != 9 {
			c.Heard(frame)
			continue
		}
		c.Lost(frame)
		for i, s := range speech[n*160 : (n+1)*160] {
			lost += float64(s) * float64(s)
			missed += (float64(s) - float64(frame[i])) * (float64(s) - float64(frame[i]))
		}
	}
	gain := 10 * math.Log10(lost/missed)
	t.Logf("the guess is %.1f dB nearer than silence", gain)
	if gain < 0.5 {
		t.Errorf("the guess is %.1f dB nearer than silence", gain)
	}
	limit := steepest(speech) * 3 / 2
	if got := steepest(out); got > limit {
		t.Errorf("a step of %d where speech has %d at most", got, steepest(speech))
	}
}

func steepest(pcm []int16) int {
	most := 0
	for i := 1; i < len(pcm); i++ {
		d := int(pcm[i]) - int(pcm[i-1])
		most = max(most, d, -d)
	}
	return most
}

func TestConcealFadesAndRests(t *testing.T) {
	c := NewConcealer(8000)
	c.Heard(tone(8000, 200, 10000, 1600))
	frame := make([]int16, 160)
	previous := 10.0
	for i := range 6 {
		c.Lost(frame)
		level := Level(frame)
		if level > previous {
			t.Errorf("frame %d grew to %.1f dBm0", i, level)
		}
		previous = level
	}
	if previous != floorLevel {
		t.Errorf("after 120 ms there is still %.1f dBm0", previous)
	}
	c.Reset()
	c.Lost(frame)
	if Level(frame) != floorLevel {
		t.Error("sound from before Reset came back")
	}
}

func TestComfortNoise(t *testing.T) {
	for _, rate := range []int{8000, 16000} {
		for _, payload := range [][]byte{{40}, {60}, {50, 127 + 100}, {50, 20, 200, 127, 90}} {
			c := NewComfortNoise(1)
			c.Describe(payload)
			pcm := make([]int16, 4*rate)
			c.NextPCM(rate, pcm)
			if got := int(NoiseLevel(pcm[rate:])); got < int(payload[0])-2 || got > int(payload[0])+2 {
				t.Errorf("% d at %d measures %d", payload, rate, got)
			}
		}
	}
	c := NewComfortNoise(0)
	c.Describe(nil)
	pcm := make([]int16, 800)
	if c.NextPCM(8000, pcm); Level(pcm) != floorLevel {
		t.Error("noise before it was described")
	}
	if NoiseLevel(make([]int16, 160)) < 96 {
		t.Error("silence is described as noise")
	}
}

func FuzzComfortNoise(f *testing.F) {
	f.Add([]byte{30, 0, 255, 0, 255})
	f.Fuzz(func(t *testing.T, payload []byte) {
		c := NewComfortNoise(3)
		c.Describe(payload)
		for range 20 {
			frame := make([]int16, 160)
			c.NextPCM(8000, frame)
			if c.delays[0] != c.delays[0] {
				t.Fatal("the lattice blew up")
			}
		}
	})
}

func TestVoiceDetector(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		for _, level := range []float64{-15, -20, -30} {
			for _, ratio := range []float64{60, 20, 15} {
				checkVoice(t, rate, level, ratio)
			}
		}
	}
}

// checkVoice hears two seconds of noise, three of speech and two of noise.
func checkVoice(t *testing.T, rate int, level, ratio float64) {
	t.Helper()
	pcm := make([]int16, 7*rate)
	copy(pcm[2*rate:], voice(rate, 5, 3*time.Second, level, false))
	pcm = add(pcm, noise(9, len(pcm), level-ratio))
	v := NewVoiceDetector(rate, VoiceOptions{})
	var began, ended time.Duration
	frame := rate / 50
	for i := 0; i+frame <= len(pcm); i += frame {
		was := v.Speaking()
		now := v.Hear(pcm[i : i+frame])
		if now && !was && began == 0 {
			began = v.Heard() - v.For()
		}
		if was && !now {
			ended = v.Heard() - v.For()
		}
	}
	if began < 1990*time.Millisecond || began > 2150*time.Millisecond {
		t.Errorf("%d Hz, %v dBm0, %v dB above noise: speech began at %v", rate, level, ratio, began)
	}
	if ended < 4700*time.Millisecond || ended > 5050*time.Millisecond || v.Speaking() {
		t.Errorf("%d Hz, %v dBm0, %v dB above noise: speech ended at %v", rate, level, ratio, ended)
	}
	if v.Silence() != v.Heard()-ended || !v.EverSpoke() {
		t.Errorf("silent for %v after %v", v.Silence(), ended)
	}
}

func TestVoiceDetectorIgnores(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"silence":     make([]int16, 40000),
		"quiet noise": noise(1, 40000, -50),
		"loud noise":  noise(2, 40000, -36),
	} {
		v := NewVoiceDetector(8000, VoiceOptions{})
		if v.Hear(pcm); v.EverSpoke() {
			t.Errorf("%s is taken for speech", name)
		}
	}
	click := make([]int16, 8000)
	copy(click[4000:], noise(1, 100, -5))
	v := NewVoiceDetector(8000, VoiceOptions{})
	if v.Hear(click); v.EverSpoke() || v.Spoken() != 0 {
		t.Errorf("a click is taken for %v of speech", v.Spoken())
	}
	dialTone, _ := FindTone("us", "dial")
	v = NewVoiceDetector(8000, VoiceOptions{})
	v.Hear(play(t, dialTone.Source(), 8000, 5*time.Second))
	if v.Silence() < time.Second {
		t.Errorf("dial tone is taken for speech: silent for %v", v.Silence())
	}
}

func TestNothingAllocates(t *testing.T) {
	frame := noise(1, 160, -20)
	c, v, n := NewConcealer(8000), NewVoiceDetector(8000, VoiceOptions{}), NewComfortNoise(1)
	d := NewDTMFDetector(8000)
	dialled := NewDTMF("123456789", DTMFOptions{})
	var g Gain
	g.Set(3)
	n.Describe([]byte{40})
	tone, _ := FindTone("us", "ringing")
	source := tone.Source()
	source.NextPCM(8000, frame)
	if allocations := testing.AllocsPerRun(1000, func() {
		source.NextPCM(8000, frame)
		g.Apply(frame)
		c.Heard(frame)
		c.Lost(frame)
		v.Hear(frame)
		n.NextPCM(8000, frame)
		dialled.NextPCM(8000, frame)
		d.Hear(frame)
	}); allocations != 0 {
		t.Errorf("%v allocations a frame", allocations)
	}
}

func BenchmarkFrame20ms(b *testing.B) {
	speech := voice(8000, 1, time.Second, -15, true)
	frame := make([]int16, 160)
	c, v, n := NewConcealer(8000), NewVoiceDetector(8000, VoiceOptions{}), NewComfortNoise(1)
	n.Describe([]byte{40})
	var g Gain
	g.Set(-3)
	for _, bench := range []struct {
		name string
		run  func(pcm []int16)
	}{
		{"gain", func(pcm []int16) { copy(frame, pcm); g.Apply(frame) }},
		{"heard", func(pcm []int16) { c.Heard(pcm) }},
		{"lost", func(pcm []int16) { c.Heard(pcm); c.Lost(frame) }},
		{"voice", func(pcm []int16) { v.Hear(pcm) }},
		{"comfort", func([]int16) { n.NextPCM(8000, frame) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i % 50 * 160
				bench.run(speech[at : at+160])
			}
		})
	}
}
