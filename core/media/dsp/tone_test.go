package dsp

import (
	"errors"
	"io"
	"math"
	"testing"
	"time"
)

var toneNames = []ToneName{DialTone, RingingTone, BusyTone, CongestionTone, CallWaitingTone, SpecialInformation, RecordTone}

// play reads a tone in frames of 20 ms.
func play(t *testing.T, s interface {
	NextPCM(int, []int16) (int, error)
}, rate int, length time.Duration) []int16 {
	t.Helper()
	var pcm []int16
	frame := make([]int16, rate/50)
	for len(pcm) < int(int64(rate)*int64(length)/int64(time.Second)) {
		n, err := s.NextPCM(rate, frame)
		pcm = append(pcm, frame[:n]...)
		if errors.Is(err, io.EOF) {
			return pcm
		}
		if err != nil || n != len(frame) {
			t.Fatalf("%d of %d samples and %v", n, len(frame), err)
		}
	}
	return pcm
}

func TestEveryCountryHasEveryTone(t *testing.T) {
	for _, country := range []string{"us", "uk", "fr", "de", "es", "it", "ru", "eu", "jp", "au", "in", "br", "cn"} {
		for _, name := range toneNames {
			text, ok := tones[country][name]
			if !ok {
				t.Errorf("%s has no %s tone", country, name)
				continue
			}
			if _, err := ParseTone(text); err != nil {
				t.Errorf("%s %s: %v", country, name, err)
			}
			if _, ok := FindTone(country, string(name)); !ok {
				t.Errorf("%s %s cannot be found", country, name)
			}
		}
	}
	if len(ToneCountries()) != len(tones) {
		t.Error("countries are missing from the list")
	}
	if _, ok := FindTone("GB", "Ringback"); !ok {
		t.Error("other names do not work")
	}
	if _, ok := FindTone("xx", "dial"); ok {
		t.Error("a country that does not exist has tones")
	}
}

// TestToneSound measures, at every rate, what each country's tone consists of:
// the level, the frequencies, the silence between.
func TestToneSound(t *testing.T) {
	t.Parallel()
	for country, set := range tones {
		for name := range set {
			tone, _ := FindTone(country, string(name))
			for _, rate := range allRates {
				pcm := play(t, tone.Source(), rate, 3*time.Second)
				at := 0
				for _, step := range tone.Steps {
					length := len(pcm) - at
					if step.Duration > 0 {
						length = min(length, int(math.Round(step.Duration.Seconds()*float64(rate))))
					}
					margin := rate / 100
					if length < 4*margin {
						break
					}
					checkStep(t, country+" "+string(name), rate, step, pcm[at+margin:at+length-margin])
					at += length
				}
			}
		}
	}
}

func checkStep(t *testing.T, name string, rate int, step ToneStep, pcm []int16) {
	t.Helper()
	if step.silent() {
		if got := Level(pcm); got > -90 {
			t.Errorf("%s at %d: a pause sounds at %.0f dBm0", name, rate, got)
		}
		return
	}
	if got := Level(pcm); math.Abs(got-DefaultToneLevel) > 0.8 {
		t.Errorf("%s at %d: level %.1f dBm0", name, rate, got)
	}
	if step.Modulation == 0 && step.Frequencies[1] == 0 {
		amplitude, rest := fit(pcm, rate, step.Frequencies[0])
		if decibel(amplitude/math.Sqrt2/rest) < 60 {
			t.Errorf("%s at %d: %.0f dB of %v Hz above the rest", name, rate, decibel(amplitude/rest), step.Frequencies[0])
		}
	}
	for _, f := range step.Frequencies {
		if amplitude, _ := fit(pcm, rate, f); f != 0 && amplitude < 1000 {
			t.Errorf("%s at %d: %v Hz has an amplitude of %.0f", name, rate, f, amplitude)
		}
	}
}

// TestToneCadence finds the edges of an hour of busy tone: not one may be a
// sample away from where it belongs.
func TestToneCadence(t *testing.T) {
	const rate = 11025 // 375 ms are 4134.375 samples
	tone, _ := FindTone("uk", "busy")
	pcm := play(t, tone.Source(), rate, time.Hour)
	for period := 0; ; period++ {
		start := int(float64(2*period) * 0.375 * rate)
		middle := int(float64(2*period+1) * 0.375 * rate)
		end := int(float64(2*period+2) * 0.375 * rate)
		if end > len(pcm) {
			return
		}
		if Level(pcm[middle:end]) > -90 {
			t.Fatalf("period %d: the pause sounds", period)
		}
		if Level(pcm[start:start+50]) < -60 || Level(pcm[middle-50:middle]) < -60 {
			t.Fatalf("period %d: the tone is not at its place", period)
		}
	}
}

// TestToneIsClickFree compares the steepest step between two samples anywhere
// with the steepest that the sines themselves have.
func TestToneIsClickFree(t *testing.T) {
	for _, text := range []string{"1000/40,0/40", "950/330,1400/330,1800/330,0/1000", "350+440/75,440/75", "400*16/100,0/200"} {
		tone, err := ParseTone(text)
		if err != nil {
			t.Fatal(err)
		}
		pcm := play(t, tone.Source(), 48000, 3*time.Second)
		highest := 0.0
		for _, step := range tone.Steps {
			for _, f := range step.Frequencies {
				highest = max(highest, f)
			}
		}
		limit := Amplitude(tone.Level) * 2 * 2 * math.Pi * highest / 48000
		previous := int16(0)
		for i, sample := range pcm {
			if d := math.Abs(float64(sample) - float64(previous)); d > limit {
				t.Fatalf("%s: a step of %.0f at sample %d, %.0f is the most", text, d, i, limit)
			}
			previous = sample
		}
	}
}

func TestToneEnds(t *testing.T) {
	tone, err := ParseTone("!440/100,!0/33")
	if err != nil || tone.Duration() != 133*time.Millisecond {
		t.Fatalf("%v, %v", tone.Duration(), err)
	}
	if pcm := play(t, tone.Source(), 8000, time.Second); len(pcm) != 1064 {
		t.Errorf("%d samples, want 1064", len(pcm))
	}
	if pcm := play(t, Beep().Source(), 16000, time.Second); len(pcm) != 5280 {
		t.Errorf("a beep of %d samples, want 5280", len(pcm))
	}
	if tone, _ := FindTone("us", "dial"); tone.Duration() != 0 {
		t.Error("dial tone ends")
	}
	if n, err := (Tone{}).Source().NextPCM(8000, make([]int16, 10)); n != 0 || err != io.EOF {
		t.Errorf("an empty tone gives %d samples and %v", n, err)
	}
}

func TestParseToneRefuses(t *testing.T) {
	for _, text := range []string{"", "x", "440/", "440/0", "440/-1", "1+2+3+4+5", "440,!220/10", "99999", "440*", "NaN", "440/99999999999"} {
		if tone, err := ParseTone(text); err == nil {
			t.Errorf("%q gave %+v", text, tone)
		}
	}
}

func FuzzParseTone(f *testing.F) {
	for _, set := range tones {
		for _, text := range set {
			f.Add(text)
		}
	}
	frame := make([]int16, 160)
	f.Fuzz(func(t *testing.T, text string) {
		tone, err := ParseTone(text)
		if err != nil {
			return
		}
		source := tone.Source()
		for range 10 {
			if _, err := source.NextPCM(8000, frame); err != nil {
				return
			}
		}
	})
}

func BenchmarkTone20ms(b *testing.B) {
	tone, _ := FindTone("us", "dial")
	source, frame := tone.Source(), make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		source.NextPCM(8000, frame)
	}
}
