package vorbis

import (
	"bytes"
	"io"
	"math"
	"os"
	"slices"
	"testing"
)

func decode(data []byte) (pcm []int16, d *Decoder, err error) {
	d, err = NewDecoder(bytes.NewReader(data))
	for err == nil {
		var piece []int16
		if piece, err = d.Next(); err == nil {
			pcm = append(pcm, piece...)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return pcm, d, err
}

// TestToneOfLibvorbis decodes half a second of 440 Hz at half the level that
// sox wrote with the encoder of Xiph.Org.
func TestToneOfLibvorbis(t *testing.T) {
	for name, want := range map[string]struct{ rate, channels, length int }{"tone16.ogg": {16000, 1, 8000}, "tone44.ogg": {44100, 2, 17640}} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		pcm, d, err := decode(data)
		if err != nil || d.Rate() != want.rate || d.Channels() != want.channels || len(pcm) != want.length*want.channels {
			t.Fatalf("%s: %d samples, %v", name, len(pcm), err)
		}
		for channel := range want.channels {
			var re, im, power float64
			n := 0
			for i := len(pcm) / 4; i < len(pcm)*3/4; i++ {
				if i%want.channels != channel {
					continue
				}
				angle := 2 * math.Pi * 440 * float64(i/want.channels) / float64(want.rate)
				x := float64(pcm[i])
				re, im, power, n = re+x*math.Cos(angle), im+x*math.Sin(angle), power+x*x, n+1
			}
			share, peak := 2*(re*re+im*im)/(power*float64(n)), math.Sqrt(2*power/float64(n))
			t.Logf("%s: %.4f of it is the tone, peak %.0f, %d samples", name, share, peak, len(pcm))
			if share < 0.99 || peak < 15500 || peak > 17200 {
				t.Errorf("%s: %.4f of it is the tone, with a peak of %.0f", name, share, peak)
			}
		}
	}
}

// TestTransform compares with the definition.
func TestTransform(t *testing.T) {
	const n = 64
	spectrum, got := make([]float32, n/2), make([]float32, n)
	for i := range spectrum {
		spectrum[i] = float32(i*37%19) - 9
	}
	newTransform(n).inverse(got, spectrum)
	for i := range got {
		want := 0.0
		for k, x := range spectrum {
			want += float64(x) * math.Cos(math.Pi/(2*n)*float64(2*i+1+n/2)*float64(2*k+1))
		}
		if math.Abs(want-float64(got[i])) > 1e-3 {
			t.Fatalf("%d: %f, want %f", i, got[i], want)
		}
	}
}

func TestDamage(t *testing.T) {
	whole, _ := os.ReadFile("testdata/tone16.ogg")
	for i := 0; i < len(whole); i += 1 + i/50 {
		damaged := slices.Clone(whole)
		damaged[i] ^= 0x55
		decode(damaged)
		decode(whole[:i])
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"tone16.ogg", "tone44.ogg"} {
		data, _ := os.ReadFile("testdata/" + name)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { decode(data) })
}
