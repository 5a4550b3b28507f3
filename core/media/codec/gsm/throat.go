package gsm

// Reflection coefficients say how much of a wave returns at each joint between
// eight pieces of tube. They are sent as logarithms of the ratios of the tubes'
// areas, because the ear hears errors of those alike wherever they are.

// Quantizer of the ratios (tables 5.1 and 5.2): slope, offset, limits, and the
// slope of the way back.
var ratioTable = [8]struct{ slope, offset, least, most, inverse int32 }{
	{20480, 0, -32, 31, 13107},
	{20480, 0, -32, 31, 13107},
	{20480, 2048, -16, 15, 13107},
	{20480, -2560, -16, 15, 13107},
	{13964, 94, -8, 7, 19223},
	{15360, -1792, -8, 7, 17476},
	{8534, -341, -4, 3, 31454},
	{9036, -1144, -4, 3, 29708},
}

// reflections finds the coefficients of a frame: autocorrelation (5.2.4) and the
// recursion of Schur (5.2.5). The signal may lose its lowest bits, as prescribed.
func reflections(signal *[FrameSamples]int16) (r [8]int32) {
	correlation := correlate(signal)
	if correlation[0] == 0 {
		return r
	}
	var p, k [9]int32
	shift := spare(correlation[0])
	for i, c := range correlation {
		p[i] = c << shift >> 16
	}
	k = p
	for n := range r {
		size := magnitude(int16(p[1]))
		if p[0] < size {
			return r
		}
		r[n] = divide(size, p[0])
		if p[1] > 0 {
			r[n] = -r[n]
		}
		p[0] = int32(saturate(p[0] + round(p[1]*r[n])))
		for m := 1; m < 8-n; m++ {
			next := p[m+1]
			p[m] = int32(saturate(next + round(k[m]*r[n])))
			k[m] = int32(saturate(k[m] + round(next*r[n])))
		}
	}
	return r
}

func correlate(signal *[FrameSamples]int16) (sums [9]int32) {
	peak := int32(0)
	for _, sample := range signal {
		peak = max(peak, magnitude(sample))
	}
	shift := 0
	if peak != 0 {
		shift = max(4-spare(peak<<16), 0)
	}
	if shift > 0 {
		for i, sample := range signal {
			signal[i] = int16(round(int32(sample) * (16384 >> (shift - 1))))
		}
	}
	for lag := range sums {
		sum := int32(0)
		early := signal[:FrameSamples-lag]
		for i, sample := range signal[lag:] {
			sum += int32(sample) * int32(early[i])
		}
		sums[lag] = sum << 1
	}
	if shift > 0 {
		for i := range signal {
			signal[i] <<= shift
		}
	}
	return sums
}

// quantizeRatios makes codes of coefficients (5.2.6, 5.2.7).
func quantizeRatios(r [8]int32) (codes [8]uint8) {
	for i, coefficient := range r {
		ratio := max(coefficient, -coefficient)
		switch {
		case ratio < 22118:
			ratio >>= 1
		case ratio < 31130:
			ratio -= 11059
		default:
			ratio = (ratio - 26112) << 2
		}
		if coefficient < 0 {
			ratio = -ratio
		}
		t := &ratioTable[i]
		code := (ratio*t.slope>>15 + t.offset + 256) >> 9
		codes[i] = uint8(max(t.least, min(code, t.most)) - t.least)
	}
	return codes
}

// throat is the shape of this frame and of the one before.
type throat struct{ before, now [8]int32 }

// next takes in the codes of a frame (5.2.8).
func (t *throat) next(codes *[8]uint8) {
	t.before = t.now
	for i, code := range codes {
		q := &ratioTable[i]
		ratio := (int32(code)+q.least)<<10 - q.offset<<1
		t.now[i] = int32(saturate(2 * round(ratio*q.inverse)))
	}
}

// shapes are the coefficients of the four parts of a frame, in which the throat
// changes from the last shape to the present one (5.2.9).
func (t *throat) shapes() (parts [4][8]int32) {
	for i, now := range t.now {
		before := t.before[i]
		parts[0][i] = reflection(before>>2 + now>>2 + before>>1)
		parts[1][i] = reflection(before>>1 + now>>1)
		parts[2][i] = reflection(before>>2 + now>>2 + now>>1)
		parts[3][i] = reflection(now)
	}
	return parts
}

// partEnds are the samples at which the parts end.
var partEnds = [5]int{0, 13, 27, 40, FrameSamples}

// reflection is the coefficient for a ratio (5.2.9.2).
func reflection(ratio int32) int32 {
	ratio = int32(saturate(ratio))
	size := min(max(ratio, -ratio), 32767)
	switch {
	case size < 11059:
		size <<= 1
	case size < 20070:
		size += 11059
	default:
		size = min(size>>2+26112, 32767)
	}
	if ratio < 0 {
		return -size
	}
	return size
}

// analyse takes the throat out of a signal, in place (5.2.10).
func analyse(lattice, coefficients *[8]int32, signal []int16) {
	for k, sample := range signal {
		forward, backward := int32(sample), int32(sample)
		for i, r := range coefficients {
			held := lattice[i]
			lattice[i] = backward
			backward = int32(saturate(held + round(r*forward)))
			forward = int32(saturate(forward + round(r*held)))
		}
		signal[k] = int16(forward)
	}
}

// synthesize lets an excitation sound through the throat, in place (5.3.4).
func synthesize(lattice *[9]int32, coefficients *[8]int32, signal []int16) {
	for k, sample := range signal {
		forward := int32(sample)
		for i := len(coefficients) - 1; i >= 0; i-- {
			r, held := coefficients[i], lattice[i]
			forward = int32(saturate(forward - round(r*held)))
			lattice[i+1] = int32(saturate(held + round(r*forward)))
		}
		lattice[0] = forward
		signal[k] = int16(forward)
	}
}
