package records

import "time"

// How good a call sounded is estimated from what the network did to it, by the
// E-model of ITU-T G.107: a rating R begins at 93.2, the value for a line without
// any fault, and loses what delay (Id) and the codec with the packets that it
// missed (Ie-eff) take away. R becomes the mean opinion score that people would
// give, from 1 (bad) to 4.4 (as good as narrow-band telephony gets).
//
// It is the simplified form for what a server can measure: echo, side tone and
// room noise are taken as in the model's defaults, loss as random (BurstR 1), and
// the wide-band scale of G.107.1 is not used. So it tells calls apart and is no
// measurement.

// robustness is how a codec sounds without loss (Ie) and how fast loss makes it
// worse (Bpl), by ITU-T G.113, appendix I.
type robustness struct{ ie, bpl float64 }

var codecs = map[string]robustness{
	"ulaw": {0, 25.1}, "alaw": {0, 25.1}, "g722": {0, 25.1}, "slin": {0, 25.1}, // with concealment
	"gsm": {20, 10}, "g729": {11, 19}, "g723": {15, 16.1}, "ilbc": {11, 32}, "g726": {7, 25.1}, "opus": {0, 34},
}

// MOS estimates the mean opinion score of what one end heard: expected packets,
// of which some were lost, with this jitter, after half of the round trip. 0
// where nothing was expected.
func MOS(codec string, expected, lost int64, jitter, roundTrip time.Duration) float64 {
	if expected <= 0 {
		return 0
	}
	c, ok := codecs[codec]
	if !ok {
		c = robustness{5, 20}
	}
	loss := 100 * float64(min(max(lost, 0), expected)) / float64(expected)
	r := 93.2 - delayImpairment(mouthToEar(jitter, roundTrip)) - (c.ie + (95-c.ie)*loss/(loss+c.bpl))
	return rating(r)
}

// mouthToEar is the one-way delay in milliseconds: the network, a packet of
// 20 ms, and a jitter buffer of twice the jitter.
func mouthToEar(jitter, roundTrip time.Duration) float64 {
	return float64(roundTrip/2+2*jitter)/float64(time.Millisecond) + 20
}

// delayImpairment is Id without echo, by the two straight lines that are usual
// for G.107's curve: delay disturbs little until talkers begin to collide.
func delayImpairment(ms float64) float64 {
	id := 0.024 * ms
	if ms > 177.3 {
		id += 0.11 * (ms - 177.3)
	}
	return id
}

// rating turns R into a score (G.107, annex B).
func rating(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1+0.035*r+r*(r-60)*(100-r)*7e-6, 1)
}
