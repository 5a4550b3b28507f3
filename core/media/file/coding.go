package file

import (
	"encoding/binary"
	"math"

	"github.com/moonwire/moonwire/core/media/codec/g711"
)

const (
	codeUnsigned8 = iota
	codeInt16
	codeInt24
	codeInt32
	codeFloat32
	codeFloat64
	codeMuLaw
	codeALaw
	codeG722 // from here on pieces of several samples; see blocks.go
	codeGSM
	codeGSMPairs
)

var (
	unsigned8 = coding{name: "8-bit linear", size: 1, index: codeUnsigned8}
	int16LE   = coding{name: "16-bit linear", size: 2, index: codeInt16}
	int24LE   = coding{name: "24-bit linear", size: 3, index: codeInt24}
	int32LE   = coding{name: "32-bit linear", size: 4, index: codeInt32}
	float32LE = coding{name: "32-bit float", size: 4, index: codeFloat32}
	float64LE = coding{name: "64-bit float", size: 8, index: codeFloat64}
	muLaw     = coding{name: "µ-law", size: 1, index: codeMuLaw}
	aLaw      = coding{name: "A-law", size: 1, index: codeALaw}
)

// rawFormats are files without a header, by extension, as Asterisk names them.
var rawFormats = map[string]struct {
	coding coding
	rate   int
}{
	"ulaw": {muLaw, 8000}, "ul": {muLaw, 8000}, "ulw": {muLaw, 8000}, "mu": {muLaw, 8000}, "pcm": {muLaw, 8000},
	"alaw": {aLaw, 8000}, "al": {aLaw, 8000}, "alw": {aLaw, 8000},
	"sln": {int16LE, 8000}, "raw": {int16LE, 8000}, "sln8": {int16LE, 8000}, "sln12": {int16LE, 12000},
	"sln16": {int16LE, 16000}, "sln24": {int16LE, 24000}, "sln32": {int16LE, 32000}, "sln44": {int16LE, 44100},
	"sln48": {int16LE, 48000}, "sln96": {int16LE, 96000}, "sln192": {int16LE, 192000},
	"gsm": {gsmFrames, 8000}, "g722": {g722Samples, 16000},
}

// foreignFormats are extensions of files that telephone systems have but that
// cannot be read.
var foreignFormats = map[string]string{
	"g729": "G.729", "g723": "G.723.1",
	"g726": "G.726", "ilbc": "iLBC", "opus": "Opus", "flac": "FLAC", "m4a": "AAC", "au": "Sun audio",
	"aiff": "AIFF", "siren7": "Siren 7", "siren14": "Siren 14",
}

// convert turns len(dst) samples of a coding into linear ones.
func convert(index int, dst []int16, src []byte) {
	switch index {
	case codeUnsigned8:
		for i := range dst {
			dst[i] = int16(int(src[i])-128) << 8
		}
	case codeInt16:
		for i := range dst {
			dst[i] = int16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case codeInt24:
		for i := range dst {
			dst[i] = int16(binary.LittleEndian.Uint16(src[3*i+1:]))
		}
	case codeInt32:
		for i := range dst {
			dst[i] = int16(binary.LittleEndian.Uint16(src[4*i+2:]))
		}
	case codeFloat32:
		for i := range dst {
			dst[i] = fromFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))))
		}
	case codeFloat64:
		for i := range dst {
			dst[i] = fromFloat(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	case codeMuLaw:
		g711.MuLaw.Decode(dst[:0], src[:len(dst)])
	case codeALaw:
		g711.ALaw.Decode(dst[:0], src[:len(dst)])
	}
}

// fromFloat limits to ±1; what is not a number is silence.
func fromFloat(x float64) int16 {
	if x != x {
		return 0
	}
	return int16(math.Round(max(-1, min(1, x)) * 32767))
}
