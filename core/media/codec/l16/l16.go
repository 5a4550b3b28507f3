// Package l16 codes samples as RFC 3551, 4.5.11 does: 16 bits, signed, the
// higher octet first. It compresses nothing and loses nothing, at any rate and
// with any number of channels.
package l16

import (
	"encoding/binary"
	"errors"
)

// ErrOdd says that a payload does not hold whole samples.
var ErrOdd = errors.New("l16: payload has an odd number of octets")

// Encode appends two octets for each sample to dst.
func Encode(dst []byte, pcm []int16) []byte {
	for _, sample := range pcm {
		dst = binary.BigEndian.AppendUint16(dst, uint16(sample))
	}
	return dst
}

// Decode appends one sample for every two octets to dst. A last, odd octet is
// left out and reported as ErrOdd.
func Decode(dst []int16, payload []byte) ([]int16, error) {
	for ; len(payload) >= 2; payload = payload[2:] {
		dst = append(dst, int16(binary.BigEndian.Uint16(payload)))
	}
	if len(payload) != 0 {
		return dst, ErrOdd
	}
	return dst, nil
}
