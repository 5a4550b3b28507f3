package bridge

import (
	"math"
	"testing"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
)

// TestRecodesEveryPair sends a tone through every pair of codecs of telephones:
// each frame becomes one frame, and the tone stays what it was.
func TestRecodesEveryPair(t *testing.T) {
	all := []call.Codec{call.PCMU, call.PCMA, call.G722, call.GSM}
	for _, from := range all {
		for _, into := range all {
			a, b := pair(from, into)
			Join(a, b)
			c, _ := codec.Lookup(from)
			encoder := c.NewEncoder(a.format)
			for n := range 50 {
				a.say(encoder.Encode(nil, tone(a.format, n)))
			}
			c, _ = codec.Lookup(into)
			decoder := c.NewDecoder(b.format)
			var heard []int16
			for _, f := range b.out {
				before := len(heard)
				heard, _ = decoder.Decode(heard, f.Payload)
				if len(heard)-before != b.format.Samples() || f.Codec != into {
					t.Fatalf("%v to %v: a frame of %d samples of %v", from, into, len(heard)-before, f.Codec)
				}
			}
			if len(b.out) != 50 {
				t.Errorf("%v to %v: %d frames of 50", from, into, len(b.out))
			}
			if share := toneShare(heard[len(heard)/2:], b.format.Rate); share < 0.95 {
				t.Errorf("%v to %v: %.2f of what is heard is the tone", from, into, share)
			}
		}
	}
}

const toneHertz = 700

func tone(f call.Format, frame int) []int16 {
	pcm := make([]int16, f.Samples())
	for i := range pcm {
		at := float64(frame*len(pcm)+i) / float64(f.Rate)
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*toneHertz*at))
	}
	return pcm
}

// toneShare is how much of the power lies at the tone.
func toneShare(pcm []int16, rate int) float64 {
	var re, im, power float64
	for i, sample := range pcm {
		angle := 2 * math.Pi * toneHertz * float64(i) / float64(rate)
		re += float64(sample) * math.Cos(angle)
		im += float64(sample) * math.Sin(angle)
		power += float64(sample) * float64(sample)
	}
	return 2 * (re*re + im*im) / (power * float64(len(pcm)))
}
