package scripts

import (
	"math"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
)

// bench120 is the sound that the bench template plays: two minutes of G.711
// µ-law at 8 kHz, a tone whose level swells and falls once a second, so that
// a gap or a repetition in what arrives can be seen.
func bench120() []byte {
	const (
		rate    = 8000
		seconds = 120
		tone    = 440.0
		loudest = 6000.0
	)
	pcm := make([]int16, rate*seconds)
	for i := range pcm {
		t := float64(i) / rate
		swell := 0.6 + 0.4*math.Sin(2*math.Pi*t)
		pcm[i] = int16(loudest * swell * math.Sin(2*math.Pi*tone*t))
	}
	ulaw, ok := codec.Lookup(call.PCMU)
	if !ok {
		panic("scripts: built without G.711")
	}
	return ulaw.NewEncoder(call.FormatOf(call.PCMU)).Encode(nil, pcm)
}
