package gsm

// Lags of the pitch, in samples.
const (
	shortestLag = 40
	longestLag  = 120
)

// gains are the strengths of the resemblance, and gainLevels the decision levels
// between them (tables 5.3).
var (
	gains      = [4]int32{3277, 11469, 21299, 32767}
	gainLevels = [3]int32{6554, 16384, 26214}
)

// findPitch finds where the past resembles the present most, and how strongly
// (5.2.11).
func findPitch(now *[quarter]int16, past *[longestLag]int16) (lag, gain uint8) {
	peak := int32(0)
	for _, sample := range now {
		peak = max(peak, magnitude(sample))
	}
	shift := 6
	if peak != 0 {
		shift = spare(peak << 16)
	} else {
		shift = 0
	}
	shift = max(6-shift, 0)
	var scaled [quarter]int32
	for k, sample := range now {
		scaled[k] = int32(sample) >> shift
	}
	best, at := int32(0), shortestLag
	for candidate := shortestLag; candidate <= longestLag; candidate++ {
		if sum := resemblance(&scaled, (*[quarter]int16)(past[longestLag-candidate:])); sum > best {
			best, at = sum, candidate
		}
	}
	best = best << 1 >> (6 - shift)
	power := int32(0)
	for _, sample := range past[longestLag-at:][:quarter] {
		power += int32(sample>>3) * int32(sample>>3)
	}
	return uint8(at), gainOf(best, power<<1)
}

// resemblance is the correlation of two quarters. It takes most of the encoder's
// time, and so does four products at once.
func resemblance(a *[quarter]int32, b *[quarter]int16) int32 {
	var even, odd int32
	for k := 0; k < quarter; k += 4 {
		even += a[k]*int32(b[k]) + a[k+1]*int32(b[k+1])
		odd += a[k+2]*int32(b[k+2]) + a[k+3]*int32(b[k+3])
	}
	return even + odd
}

func gainOf(resemblance, power int32) uint8 {
	if resemblance <= 0 {
		return 0
	}
	if resemblance >= power {
		return 3
	}
	shift := spare(power)
	r, s := resemblance<<shift>>16, power<<shift>>16
	for code, level := range gainLevels {
		if r <= s*level>>15 {
			return uint8(code)
		}
	}
	return 3
}

// pulsesMost is how many samples of a quarter are sent.
const pulsesMost = 13

// weights is the filter that takes away what a third of the samples could not
// hold (table 5.4), symmetrical about its middle.
var weights = [11]int32{-134, -374, 0, 2054, 5741, 8192, 5741, 2054, 0, -374, -134}

// findPulses chooses the third of the samples that has most in it and codes it
// (5.2.13 to 5.2.15).
func (q *quarterParameters) findPulses(left *[quarter]int16) {
	const margin = len(weights) / 2
	var padded [quarter + 2*margin]int32
	for k, sample := range left {
		padded[margin+k] = int32(sample)
	}
	var weighed [quarter]int16
	for k := range weighed {
		sum := int32(4096)
		for i, sample := range (*[len(weights)]int32)(padded[k:]) {
			sum += sample * weights[i]
		}
		weighed[k] = saturate(sum >> 13)
	}
	most := int32(0)
	for grid := range 4 {
		energy := int32(0)
		for i := range pulsesMost {
			sample := int32(weighed[grid+3*i]) >> 2
			energy += sample * sample
		}
		if energy > most {
			most, q.grid = energy, uint8(grid)
		}
	}
	peak := int32(0)
	for i := range pulsesMost {
		peak = max(peak, magnitude(weighed[int(q.grid)+3*i]))
	}
	q.peak = codePeak(peak)
	exponent, mantissa := scaleOf(q.peak)
	for i := range pulsesMost {
		pulse := int32(int16(int32(weighed[int(q.grid)+3*i]) << (6 - exponent)))
		q.pulses[i] = uint8(pulse*inverseMantissas[mantissa]>>15>>12 + 4)
	}
}

// codePeak is a logarithm with three bits behind the point.
func codePeak(peak int32) uint8 {
	exponent := int32(0)
	for rest := peak >> 9; rest > 0 && exponent < 6; rest >>= 1 {
		exponent++
	}
	return uint8(peak>>(exponent+5) + exponent<<3)
}

// scaleOf is the exponent, -4 to 6, and the mantissa, 0 to 7, of a coded peak.
func scaleOf(peak uint8) (exponent int, mantissa int) {
	if peak > 15 {
		exponent = int(peak)>>3 - 1
	}
	mantissa = int(peak) - exponent<<3
	if mantissa == 0 {
		return -4, 7
	}
	for mantissa <= 7 {
		mantissa = mantissa<<1 | 1
		exponent--
	}
	return exponent, mantissa - 8
}

// mantissas and inverseMantissas are the sizes of a step (tables 5.5 and 5.6).
var (
	mantissas        = [8]int32{18431, 20479, 22527, 24575, 26623, 28671, 30719, 32767}
	inverseMantissas = [8]int32{29128, 26215, 23832, 21846, 20165, 18725, 17476, 16384}
)

// placePulses is what the pulses sound like: zeros between them (5.2.16, 5.2.17).
func (q *quarterParameters) placePulses(dst *[quarter]int16) {
	clear(dst[:])
	exponent, mantissa := scaleOf(q.peak)
	shift := 6 - exponent
	half := int32(1) << shift >> 1
	for i, pulse := range q.pulses {
		value := round(mantissas[mantissa] * ((int32(pulse)<<1 - 7) << 12))
		dst[int(q.grid)+3*i] = int16(int32(saturate(value+half)) >> shift)
	}
}
