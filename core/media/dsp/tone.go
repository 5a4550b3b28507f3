package dsp

// A signalling tone is a list of steps, each some frequencies for some time, of
// which the first few may be heard once and the others repeat. Frequencies in a
// step are added, or one swings the loudness of the other (the buzz of a
// Japanese or Indian ringing tone). Equipment recognises tones by these
// frequencies and times, so steps are counted in samples with the fraction
// carried over: after a day of ringing the cadence is not a sample off. Where a
// step begins or ends the sound rises and falls along half a cosine for a few
// milliseconds; without that, each edge would be a click with power at all
// frequencies.

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxFrequencies is how many sines one step may have.
const maxFrequencies = 4

// ramp is how long a step takes to reach its loudness.
const ramp = 4 * time.Millisecond

// modulationDepth is how far a modulating frequency swings the loudness.
const modulationDepth = 0.9

// DefaultToneLevel is the power of a tone in dBm0, within the -10 ±5 of ITU-T
// E.180.
const DefaultToneLevel = -13.0

// Tone is a signalling tone.
type Tone struct {
	Steps []ToneStep
	// Repeat is the index of the first step that repeats; len(Steps) when the
	// tone ends after its last step.
	Repeat int
	// Level is the power of the tone while it sounds, in dBm0.
	Level float64
}

// ToneStep is one part of a cadence.
type ToneStep struct {
	// Frequencies, in Hz, are added, at equal levels; those that are 0 are silent.
	Frequencies [maxFrequencies]float64
	// Modulation, in Hz, swings the loudness when it is not 0.
	Modulation float64
	// Duration 0 lasts for ever.
	Duration time.Duration
}

func (s ToneStep) silent() bool { return s.Frequencies == [maxFrequencies]float64{} }

// Duration is how long the tone lasts, 0 when it does not end by itself.
func (t Tone) Duration() time.Duration {
	if t.Repeat < len(t.Steps) {
		return 0
	}
	var sum time.Duration
	for _, step := range t.Steps {
		if step.Duration == 0 {
			return 0
		}
		sum += step.Duration
	}
	return sum
}

// ParseTone reads a tone as administrators write it: steps separated by commas,
// each frequencies in Hz, a slash and milliseconds. Frequencies are joined by +
// to be added or by * to be modulated by the second; 0 is silence. Without a
// duration a step lasts for ever. Steps marked with ! are heard once, before
// those that repeat: "!950/330,!1400/330,!1800/330,0".
func ParseTone(text string) (Tone, error) {
	tone := Tone{Level: DefaultToneLevel}
	var period time.Duration
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		once := strings.HasPrefix(part, "!")
		step, err := parseStep(strings.TrimPrefix(part, "!"))
		if err != nil {
			return Tone{}, fmt.Errorf("tone %q: %w", text, err)
		}
		if once && tone.Repeat != len(tone.Steps) {
			return Tone{}, fmt.Errorf("tone %q: %q is marked to be heard once but follows a step that repeats", text, part)
		}
		tone.Steps = append(tone.Steps, step)
		if once {
			tone.Repeat = len(tone.Steps)
		} else {
			period += step.Duration
		}
		if step.Duration == 0 {
			period = time.Hour
		}
	}
	if tone.Repeat < len(tone.Steps) && period < time.Millisecond {
		return Tone{}, fmt.Errorf("tone %q: nothing of any length to repeat", text)
	}
	return tone, nil
}

func parseStep(text string) (step ToneStep, err error) {
	sound, duration, timed := strings.Cut(text, "/")
	if timed {
		ms, err := strconv.ParseUint(strings.TrimSpace(duration), 10, 31)
		if err != nil || ms == 0 {
			return step, fmt.Errorf("%q is not a duration in milliseconds", duration)
		}
		step.Duration = time.Duration(ms) * time.Millisecond
	}
	carrier, modulation, modulated := strings.Cut(sound, "*")
	if modulated {
		if step.Modulation, err = parseFrequency(modulation); err != nil {
			return step, err
		}
	}
	n := 0
	for f := range strings.SplitSeq(carrier, "+") {
		if n == maxFrequencies {
			return step, fmt.Errorf("%q has more than %d frequencies", sound, maxFrequencies)
		}
		if step.Frequencies[n], err = parseFrequency(f); err != nil {
			return step, err
		}
		n++
	}
	return step, nil
}

func parseFrequency(text string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(f >= 0 && f <= 24000) {
		return 0, fmt.Errorf("%q is not a frequency in Hz", text)
	}
	return f, nil
}

// ToneSource plays one tone. It is a source of linear samples at any rate;
// should the rate change, the step under way begins anew.
type ToneSource struct {
	tone Tone
	rate int
	step int // index of the step under way

	oscillators [maxFrequencies]oscillator
	count       int // oscillators in use; 0 is silence
	modulator   oscillator
	modulated   bool
	amplitude   float32 // of each oscillator

	position, length int // samples into the step and in it; length -1: for ever
	fade             int // samples of its rise and of its fall
	carried          int64
}

// Source begins the tone.
func (t Tone) Source() *ToneSource { return &ToneSource{tone: t} }

// NextPCM fills dst with the next samples. It returns io.EOF, with fewer
// samples, at the end of a tone that ends.
func (s *ToneSource) NextPCM(rate int, dst []int16) (int, error) {
	if rate != s.rate {
		s.rate, s.carried = rate, 0
		s.begin()
	}
	for n := 0; n < len(dst); {
		if s.step >= len(s.tone.Steps) {
			return n, io.EOF
		}
		run := len(dst) - n
		if s.length >= 0 {
			run = min(run, s.length-s.position)
		}
		s.sound(dst[n : n+run])
		n += run
		if s.position == s.length {
			s.advance()
		}
	}
	return len(dst), nil
}

func (s *ToneSource) advance() {
	s.step++
	if s.step >= len(s.tone.Steps) {
		s.step = s.tone.Repeat
	}
	s.begin()
}

// begin sets up the step under way at the present rate.
func (s *ToneSource) begin() {
	if s.step >= len(s.tone.Steps) {
		return
	}
	step := &s.tone.Steps[s.step]
	s.position, s.length = 0, -1
	s.fade = int(int64(s.rate) * int64(ramp) / int64(time.Second))
	if step.Duration > 0 {
		s.carried += int64(step.Duration/time.Microsecond) * int64(s.rate)
		s.length = int(s.carried / 1e6)
		s.carried %= 1e6
		s.fade = min(s.fade, s.length/2)
	}
	s.count = 0
	for _, f := range step.Frequencies {
		if f > 0 && f < float64(s.rate)/2 {
			s.oscillators[s.count] = newOscillator(f, s.rate)
			s.count++
		}
	}
	power := float64(max(s.count, 1))
	if s.modulated = step.Modulation > 0; s.modulated {
		s.modulator = newOscillator(step.Modulation, s.rate)
		power *= 1 + modulationDepth*modulationDepth/2
	}
	s.amplitude = float32(Amplitude(s.tone.Level) / math.Sqrt(power))
}

// sound fills dst from the step under way, which has at least that much left.
func (s *ToneSource) sound(dst []int16) {
	if s.count == 0 {
		clear(dst)
		s.position += len(dst)
		return
	}
	for i := range dst {
		var sum float32
		for k := range s.count {
			sum += s.oscillators[k].next()
		}
		if s.modulated {
			sum *= 1 + modulationDepth*s.modulator.next()
		}
		dst[i] = clip(sum * s.amplitude * s.envelope())
		s.position++
	}
}

// envelope is the loudness at the present position, 0 to 1.
func (s *ToneSource) envelope() float32 {
	edge := s.position
	if s.length >= 0 {
		edge = min(edge, s.length-1-s.position)
	}
	if edge >= s.fade {
		return 1
	}
	return halfCosine(edge, s.fade)
}

// halfCosine rises from 0 to 1 as n goes from -1 to length.
func halfCosine(n, length int) float32 {
	quarter := uint32(float64(n+1) / float64(length+1) * (1 << 31))
	o := oscillator{phase: quarter - 1<<30} // -90° to 90°
	return (o.next() + 1) / 2
}
