package g711

// G.711 fixes how the laws are converted into each other (tables 3 and 4), so
// that a call that crosses several exchanges loses as little as one that
// crosses two. It is not quite what decoding and coding again gives. The tables
// hold the value number of one law (1 to 128, from silence to the loudest) for
// each value number of the other.
var (
	muToAValue = [128]uint8{
		1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8,
		9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
		25, 27, 29, 31, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
		46, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
		64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79,
		80, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96,
		97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
		113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
	}
	aToMuValue = [128]uint8{
		2, 4, 6, 8, 10, 12, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24,
		25, 26, 27, 28, 29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36,
		37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 49, 50, 50,
		51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 65,
		66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81,
		81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96,
		97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
		113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
	}
	muToA = convert(0xFF, 0xD5, &muToAValue)
	aToMu = convert(0xD5, 0xFF, &aToMuValue)
)

// convert spells a table of value numbers out for octets. An octet with its
// law's line inversion taken off counts upwards from 0 in its lower seven bits;
// the sign bit is the same in both laws.
func convert(from, to byte, values *[128]uint8) (table [256]byte) {
	for i := range 256 {
		octet := byte(i)
		number := (octet ^ from) & 0x7F
		table[i] = octet&0x80 | (values[number] - 1) ^ to&0x7F
	}
	return table
}

// MuToA appends the A-law octets for µ-law src to dst; dst may be src[:0].
func MuToA(dst, src []byte) []byte { return translate(dst, src, &muToA) }

// AToMu appends the µ-law octets for A-law src to dst; dst may be src[:0].
func AToMu(dst, src []byte) []byte { return translate(dst, src, &aToMu) }

func translate(dst, src []byte, table *[256]byte) []byte {
	for _, octet := range src {
		dst = append(dst, table[octet])
	}
	return dst
}
