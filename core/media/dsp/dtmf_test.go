package dsp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/media/codec/g711"
)

// dial is a signal as Q.24 tests with: each tone with its own level and error.
type dial struct {
	low, high       float64 // dBm0
	lowOff, highOff float64 // relative error of the frequency
	tone, gap       time.Duration
}

func (s dial) pcm(rate int, digits string, phase float64) []int16 {
	var pcm []int16
	for _, digit := range digits {
		row, column, _ := DTMFKey(byte(digit))
		lowStep := 2 * math.Pi * dtmfLow[row] * (1 + s.lowOff) / float64(rate)
		highStep := 2 * math.Pi * dtmfHigh[column] * (1 + s.highOff) / float64(rate)
		pcm = append(pcm, make([]int16, seconds(s.gap.Seconds(), rate))...)
		for i := range seconds(s.tone.Seconds(), rate) {
			x := Amplitude(s.low)*math.Sin(lowStep*float64(i)+phase) + Amplitude(s.high)*math.Sin(highStep*float64(i)+2*phase)
			pcm = append(pcm, clip(float32(x)))
		}
	}
	return append(pcm, make([]int16, rate/10)...)
}

// detect feeds frames of 20 ms and returns the keys that went down; it checks
// that every one came up again, in order.
func detect(t *testing.T, rate int, pcm []int16) (keys string, last time.Duration) {
	t.Helper()
	d := NewDTMFDetector(rate)
	down := byte(0)
	for len(pcm) > 0 {
		n := min(len(pcm), rate/50)
		for _, e := range d.Hear(pcm[:n]) {
			switch {
			case e.Down && down != 0, !e.Down && down != e.Key:
				t.Fatalf("key %c: down %v while %c is down", e.Key, e.Down, down)
			case e.Down:
				keys += string(e.Key)
				down = e.Key
			default:
				down, last = 0, e.Duration
			}
		}
		pcm = pcm[n:]
	}
	return keys, last
}

const allKeys = "1234567890*#ABCD"

func TestDTMFGeneratedIsDetected(t *testing.T) {
	for _, rate := range allRates {
		pcm := play(t, NewDTMF(allKeys+"w11", DTMFOptions{Tone: 60 * time.Millisecond, Gap: 50 * time.Millisecond}), rate, time.Minute)
		want := 18 * (seconds(0.06, rate) + seconds(0.05, rate))
		if want += seconds(0.5, rate); len(pcm) != want {
			t.Errorf("%d Hz: %d samples, want %d", rate, len(pcm), want)
		}
		if got, _ := detect(t, rate, pcm); got != allKeys+"11" {
			t.Errorf("%d Hz: detected %q", rate, got)
		}
	}
}

func TestDTMFGeneratorLevels(t *testing.T) {
	pcm := play(t, NewDTMF("5", DTMFOptions{Tone: time.Second, Low: -12, High: -9}), 8000, time.Second)
	low, _ := fit(pcm[100:7900], 8000, 770)
	high, _ := fit(pcm[100:7900], 8000, 1336)
	if math.Abs(decibel(low/Amplitude(-12))) > 0.1 || math.Abs(decibel(high/Amplitude(-9))) > 0.1 {
		t.Errorf("levels are off by %.2f and %.2f dB", decibel(low/Amplitude(-12)), decibel(high/Amplitude(-9)))
	}
}

// TestDTMFAccepts goes through what Q.24 says must be recognised, every key, at
// sixteen alignments of tone and window.
func TestDTMFAccepts(t *testing.T) {
	usual := dial{low: -10, high: -10, tone: 50 * time.Millisecond, gap: 50 * time.Millisecond}
	cases := map[string]dial{"usual": usual}
	for level := 0.0; level >= -36; level -= 4 {
		s := usual
		s.low, s.high = level-3, level-3 // the sum of both stays below the overload
		if level < -3 {
			s.low, s.high = level, level
		}
		cases[fmt.Sprintf("level %v", level)] = s
	}
	for _, twist := range []float64{4, 5, -8, -9} {
		s := usual
		s.high = s.low + twist
		cases[fmt.Sprintf("twist %v", twist)] = s
	}
	for _, off := range []float64{0.015, -0.015} {
		s := usual
		s.lowOff, s.highOff = off, -off
		cases[fmt.Sprintf("row %+v %%", off*100)] = s
		s.highOff = off
		cases[fmt.Sprintf("both %+v %%", off*100)] = s
		s.high, s.tone, s.gap = s.low-8, 40*time.Millisecond, 40*time.Millisecond
		cases[fmt.Sprintf("both %+v %%, twist -8, 40 ms", off*100)] = s
	}
	s := usual
	s.tone, s.gap = 40*time.Millisecond, 40*time.Millisecond
	cases["40 ms tone and gap"] = s
	s.low, s.high = -36, -32
	cases["40 ms tone and gap, weak, twisted"] = s
	for name, s := range cases {
		for alignment := range 16 {
			pcm := append(make([]int16, alignment*5), s.pcm(8000, allKeys+"77", float64(alignment)*0.4)...)
			if got, _ := detect(t, 8000, pcm); got != allKeys+"77" {
				t.Errorf("%s, alignment %d: detected %q", name, alignment, got)
			}
			coded := g711.MuLaw.Decode(nil, g711.MuLaw.Encode(nil, pcm))
			if got, _ := detect(t, 8000, coded); got != allKeys+"77" {
				t.Errorf("%s, alignment %d, µ-law: detected %q", name, alignment, got)
			}
		}
	}
}

// TestDTMFRefuses goes through what must not be recognised.
func TestDTMFRefuses(t *testing.T) {
	usual := dial{low: -10, high: -10, tone: 80 * time.Millisecond, gap: 50 * time.Millisecond}
	cases := map[string]dial{}
	for _, off := range []float64{0.035, -0.035, 0.05, -0.05, 0.065, -0.065} {
		s := usual
		s.lowOff = off
		cases[fmt.Sprintf("row %+v %%", off*100)] = s
		s.lowOff, s.highOff = 0, off
		cases[fmt.Sprintf("column %+v %%", off*100)] = s
	}
	for _, twist := range []float64{9, -14} {
		s := usual
		s.high = s.low + twist
		cases[fmt.Sprintf("twist %v", twist)] = s
	}
	s := usual
	s.tone = 20 * time.Millisecond
	cases["20 ms"] = s
	s = usual
	s.low, s.high = -50, -50
	cases["-50 dBm0"] = s
	s = usual
	s.high = -90
	cases["row alone"] = s
	s = usual
	s.low = -90
	cases["column alone"] = s
	for name, s := range cases {
		for alignment := range 16 {
			pcm := append(make([]int16, alignment*5), s.pcm(8000, allKeys, float64(alignment)*0.4)...)
			if got, _ := detect(t, 8000, pcm); got != "" {
				t.Errorf("%s, alignment %d: detected %q", name, alignment, got)
			}
		}
	}
}

func TestDTMFInterruption(t *testing.T) {
	for alignment := range 16 {
		pcm := append(make([]int16, alignment*5), dial{low: -10, high: -10, tone: 200 * time.Millisecond}.pcm(8000, "5", 0)...)
		clear(pcm[800:880])
		if got, _ := detect(t, 8000, pcm); got != "5" {
			t.Errorf("alignment %d: one digit with a break of 10 ms became %q", alignment, got)
		}
	}
}

func TestDTMFDuration(t *testing.T) {
	for _, length := range []time.Duration{40, 60, 100, 250, 1000} {
		length *= time.Millisecond
		_, got := detect(t, 8000, dial{low: -10, high: -10, tone: length, gap: 20 * time.Millisecond}.pcm(8000, "8", 0))
		if d := got - length; d < -8*time.Millisecond || d > 8*time.Millisecond {
			t.Errorf("%v measures %v", length, got)
		}
	}
}

// TestDTMFInNoise hears 1000 digits at each ratio of signal to noise.
func TestDTMFInNoise(t *testing.T) {
	const rounds = 64
	for _, c := range []struct{ ratio, want float64 }{{24, 1}, {18, 1}, {15, 0.999}, {12, 0.999}, {10, 0.9}} {
		heard := 0
		for round := range rounds {
			pcm := dial{low: -15, high: -15, tone: 50 * time.Millisecond, gap: 50 * time.Millisecond}.pcm(8000, allKeys, float64(round))
			got, _ := detect(t, 8000, add(pcm, noise(uint64(round), len(pcm), -12-c.ratio)))
			for i := range min(len(got), len(allKeys)) {
				if got[i] == allKeys[i] {
					heard++
				}
			}
		}
		share := float64(heard) / (rounds * float64(len(allKeys)))
		t.Logf("%v dB above noise: %.2f %% heard", c.ratio, share*100)
		if share < c.want {
			t.Errorf("%v dB above noise: %.2f %% heard", c.ratio, share*100)
		}
	}
}

// TestDTMFTalkOff listens to an hour of synthetic speech, and to chords, which
// are as near to DTMF as anything people make.
func TestDTMFTalkOff(t *testing.T) {
	t.Parallel()
	falls := 0
	for seed := range uint64(60) {
		got, _ := detect(t, 8000, voice(8000, seed, time.Minute, -10-float64(seed%20), seed%3 != 0))
		falls += len(got)
	}
	t.Logf("%d digits in an hour of speech", falls)
	if falls > 1 {
		t.Errorf("%d digits in an hour of speech", falls)
	}
	random := rand.New(rand.NewPCG(1, 1))
	falls = 0
	for range 2000 {
		pcm := make([]int16, 4000)
		base := 110 * math.Pow(2, random.Float64()*2.5)
		for i := range pcm {
			x := 0.0
			for _, ratio := range []float64{1, 1.2599, 1.4983} {
				for harmonic := 1.0; harmonic <= 6; harmonic++ {
					x += math.Sin(2*math.Pi*base*ratio*harmonic*float64(i)/8000) / harmonic
				}
			}
			pcm[i] = int16(x * 3000)
		}
		got, _ := detect(t, 8000, pcm)
		falls += len(got)
	}
	if falls > 0 {
		t.Errorf("%d digits in 2000 chords", falls)
	}
}

func BenchmarkDTMF20ms(b *testing.B) {
	for name, pcm := range map[string][]int16{
		"silence": make([]int16, 160),
		"speech":  voice(8000, 1, time.Second, -15, false)[2000:2160],
		"digit":   dial{low: -10, high: -10, tone: 100 * time.Millisecond}.pcm(8000, "5", 0)[160:320],
	} {
		b.Run(name, func(b *testing.B) {
			d := NewDTMFDetector(8000)
			b.ReportAllocs()
			for b.Loop() {
				d.Hear(pcm)
			}
		})
	}
	b.Run("generate", func(b *testing.B) {
		frame := make([]int16, 160)
		source := NewDTMF("1", DTMFOptions{Tone: time.Hour})
		for b.Loop() {
			if _, err := source.NextPCM(8000, frame); err != nil {
				source = NewDTMF("1", DTMFOptions{Tone: time.Hour})
			}
		}
	})
}
