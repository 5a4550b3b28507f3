package g722

// band is the ADPCM of one sub-band: what has been reconstructed so far, the
// predictor made from it, and the size of its steps.
//
// The predictor has six zeros, weights of the last differences, and two poles,
// weights of the last reconstructed samples. After each sample every weight
// moves a little in the direction that would have predicted better, told by
// signs alone.
type band struct {
	logStep int32 // NB: logarithm of the step
	step    int32 // DET

	zeros       [6]int32 // B
	differences [6]int32 // D, the latest first
	pole1       int32    // A1
	pole2       int32    // A2
	sample1     int32    // R, reconstructed: the latest, and the one before
	sample2     int32
	partial1    int32 // P: sign of what the zeros alone made of it
	partial2    int32

	zero      int32 // SZ: what the zeros predict
	predicted int32 // S
}

func (b *band) reset(step int32) { *b = band{step: step} }

// encodeLow codes a sample of the lower band in six bits.
func (b *band) encodeLow(sample int32) byte {
	difference := saturate(sample - b.predicted)
	sign := difference >> 31
	magnitude := difference ^ sign
	interval := 0 // QUANTL: how many decision levels are not above it
	for jump := 16; jump > 0; jump >>= 1 {
		if at := interval + jump; at < len(lowLevels) && magnitude >= lowLevels[at]*b.step>>12 {
			interval = at
		}
	}
	code := lowCodes[sign&1][interval]
	b.adaptLow(code)
	return code
}

// encodeHigh codes a sample of the upper band in two bits.
func (b *band) encodeHigh(sample int32) byte {
	difference := saturate(sample - b.predicted)
	sign := difference >> 31
	interval := 0 // QUANTH
	if difference^sign >= highLevel*b.step>>12 {
		interval = 1
	}
	code := highCodes[sign&1][interval]
	b.adaptHigh(code)
	return code
}

// decodeLow reconstructs a sample of the lower band, in 15 bits.
func (b *band) decodeLow(code byte) int32 {
	sample := limit(b.predicted + b.step*lowValues[code]>>15)
	b.adaptLow(code)
	return sample
}

// decodeHigh reconstructs a sample of the upper band, in 15 bits.
func (b *band) decodeHigh(code byte) int32 {
	sample := limit(b.predicted + b.step*highValues[code]>>15)
	b.adaptHigh(code)
	return sample
}

// adaptLow moves on by one sample. Only four of the six bits count, so that the
// two others may be lost on the way without the ends drifting apart.
func (b *band) adaptLow(code byte) {
	code >>= 2
	b.predict(b.step * coarseValues[code] >> 15)
	b.logStep = max(0, min(b.logStep*127>>7+lowMoves[code], lowLogMost)) // LOGSCL
	b.step = lowSteps[b.logStep>>6]
}

func (b *band) adaptHigh(code byte) {
	b.predict(b.step * highValues[code] >> 15)
	b.logStep = max(0, min(b.logStep*127>>7+highMoves[code], highLogMost)) // LOGSCH
	b.step = highSteps[b.logStep>>6]
}

// predict takes in a quantized difference and predicts the next sample.
func (b *band) predict(difference int32) {
	sample := saturate(b.predicted + difference) // RECONS
	partial := saturate(b.zero+difference) >> 31 // PARREC
	b.movePoles(partial)
	b.partial2, b.partial1 = b.partial1, partial
	b.sample2, b.sample1 = b.sample1, sample

	zero := b.moveZeros(difference)
	poles := saturate(b.pole1*saturate(2*b.sample1)>>15 + b.pole2*saturate(2*b.sample2)>>15) // FILTEP
	b.zero, b.predicted = zero, saturate(poles+zero)                                         // PREDIC
}

// movePoles is UPPOL2 and UPPOL1; their limits keep the predictor stable.
func (b *band) movePoles(partial int32) {
	slope := saturate(4 * b.pole1)
	if partial == b.partial1 {
		slope = min(-slope, 32767)
	}
	second := slope >> 7
	if partial == b.partial2 {
		second += 128
	} else {
		second -= 128
	}
	second = max(-12288, min(second+b.pole2*32512>>15, 12288))

	first := b.pole1 * 32640 >> 15
	if partial == b.partial1 {
		first += 192
	} else {
		first -= 192
	}
	most := 15360 - second
	b.pole1, b.pole2 = max(-most, min(first, most)), second
}

// moveZeros is UPZERO and, over the differences moved on by one, FILTEZ.
func (b *band) moveZeros(difference int32) int32 {
	step := int32(128)
	if difference == 0 {
		step = 0
	}
	sign := difference >> 31
	sum := int32(0)
	for i := len(b.zeros) - 1; i >= 0; i-- {
		past := b.differences[i]
		opposite := sign ^ past>>31 // 0 or -1
		b.zeros[i] = saturate(b.zeros[i]*32640>>15 + (step ^ opposite - opposite))
		next := difference
		if i > 0 {
			next = b.differences[i-1]
		}
		b.differences[i] = next
		sum = saturate(sum + b.zeros[i]*saturate(2*next)>>15)
	}
	return sum
}

// saturate limits to 16 bits.
func saturate(x int32) int32 {
	if int32(int16(x)) == x {
		return x
	}
	return x>>31 ^ 32767
}

// limit limits to 15 bits (LIMIT).
func limit(x int32) int32 { return max(-16384, min(x, 16383)) }
