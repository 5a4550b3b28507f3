package g722

// The quadrature mirror filters of clause 5.2.1 and 6.2.1: 24 taps, symmetrical,
// so that one half serves both ways. The sum of what the even and the odd taps
// give is the lower band, their difference the upper one, mirrored; the
// receiving end undoes just that, and what the filters let through of each
// other's band cancels.
var taps = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// analyse splits the two newest of 24 samples into bands, in 15 bits.
func analyse(line *[history + 2]int16) (low, high int32) {
	odd, even := weigh(line)
	return limit((even + odd) >> 14), limit((even - odd) >> 14)
}

// synthesize makes two samples of the sums and differences of 12 pairs of bands.
func synthesize(line *[history + 2]int16) (first, second int16) {
	odd, even := weigh(line)
	return int16(saturate(even >> 11)), int16(saturate(odd >> 11))
}

// weigh applies the taps: to the samples at even places in their order, to those
// at odd places in reverse.
func weigh(line *[history + 2]int16) (forward, backward int32) {
	for i, tap := range &taps {
		forward += int32(line[2*i]) * tap
		backward += int32(line[history+1-2*i]) * tap
	}
	return forward, backward
}
