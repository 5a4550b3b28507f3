package gsm

import "math/bits"

// The operations of clause 5.1. Products of two 16-bit numbers are taken as
// fractions: of 32 bits, the upper 17 count. No factor here is ever -32768, which
// times itself would be the one product that does not fit.

// saturate limits to 16 bits.
func saturate(x int32) int16 {
	if int32(int16(x)) == x {
		return int16(x)
	}
	return int16(x>>31 ^ 32767)
}

// saturate32 limits to 32 bits.
func saturate32(x int64) int32 {
	if int64(int32(x)) == x {
		return int32(x)
	}
	return int32(x>>63 ^ 1<<31 - 1)
}

// round makes a fraction of a product (mult_r).
func round(product int32) int32 { return (product + 16384) >> 15 }

// magnitude is abs, where -32768 becomes 32767.
func magnitude(x int16) int32 { return min(max(int32(x), -int32(x)), 32767) }

// spare is by how many places a number can be moved left without changing its
// sign (norm).
func spare(x int32) int { return bits.LeadingZeros32(uint32(x^x>>31)) - 1 }

// divide is a fraction of two numbers, the first not above the second (div).
func divide(a, b int32) int32 { return min(a<<15/max(b, 1), 32767) }
