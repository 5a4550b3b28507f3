package file

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// A wav file is a list of chunks, each four letters, a length and that many
// octets, padded to an even number. Two matter: "fmt " says how the samples are
// coded and "data" holds them. Others (names, cue points, padding of studio
// software) may stand anywhere. Programs that write to a pipe, and those that
// crash, leave lengths of 0 or of all ones behind; then the sound goes to the
// end of the file.

// Codes of the wFormatTag field.
const (
	tagPCM        = 0x0001
	tagFloat      = 0x0003
	tagALaw       = 0x0006
	tagMuLaw      = 0x0007
	tagGSM        = 0x0031
	tagExtensible = 0xFFFE
)

var foreignTags = map[uint16]string{
	0x0002: "Microsoft ADPCM", 0x0011: "IMA ADPCM", 0x0014: "G.723 ADPCM",
	0x0040: "G.721 ADPCM", 0x0042: "G.723.1", 0x0045: "G.726 ADPCM", 0x0050: "MPEG layer 1 or 2", 0x0055: "mp3",
	0x0064: "G.726 ADPCM", 0x0065: "G.722", 0x0083: "G.729", 0x00FF: "AAC", 0x0161: "Windows Media",
}

// Limits of what a header may claim.
const (
	maxChannels = 8
	minRate     = 1000
	maxRate     = 192000
	maxFormat   = 4096 // octets of a "fmt " chunk
)

// extensibleGUID is what follows the format code in a sub-format.
var extensibleGUID = [14]byte{0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71}

func (r *Reader) openWAV(in *bufio.Reader, name string) error {
	bad := func(what string) error { return fmt.Errorf("%s: %w: %s", name, ErrFormat, what) }
	var head [12]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return readError(err, bad("shorter than a wav header"))
	}
	if id := string(head[:4]); id != "RIFF" && id != "RF64" || string(head[8:]) != "WAVE" {
		return bad("no wav header")
	}
	known := false
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(in, chunk[:]); err != nil {
			return readError(err, bad("no sound in it"))
		}
		size := binary.LittleEndian.Uint32(chunk[4:])
		switch string(chunk[:4]) {
		case "fmt ":
			if size < 16 || size > maxFormat {
				return bad(fmt.Sprintf("format description of %d octets", size))
			}
			format := make([]byte, size)
			if _, err := io.ReadFull(in, format); err != nil {
				return readError(err, bad("format description is cut off"))
			}
			if err := r.describe(format, name); err != nil {
				return err
			}
			known = true
			in.Discard(int(size & 1))
		case "data":
			if !known {
				return bad("sound before its description")
			}
			r.limit(size)
			if r.coding.samples > 0 {
				r.expandWAV(in, name)
			}
			return nil
		default:
			if _, err := io.CopyN(io.Discard, in, int64(size)+int64(size&1)); err != nil {
				return readError(err, bad("no sound in it"))
			}
		}
	}
}

// readError keeps apart a file that is too short from one that cannot be read.
func readError(err, short error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return short
	}
	return err
}

// describe takes in a "fmt " chunk.
func (r *Reader) describe(format []byte, name string) error {
	tag := binary.LittleEndian.Uint16(format)
	channels := int(binary.LittleEndian.Uint16(format[2:]))
	rate := int64(binary.LittleEndian.Uint32(format[4:]))
	align := int(binary.LittleEndian.Uint16(format[12:]))
	bits := int(binary.LittleEndian.Uint16(format[14:]))
	if tag == tagExtensible {
		if len(format) < 40 || [14]byte(format[26:40]) != extensibleGUID {
			return &UnsupportedError{name, "wav with a coding of its own"}
		}
		tag = binary.LittleEndian.Uint16(format[24:])
	}
	if words, ok := foreignTags[tag]; ok {
		return &UnsupportedError{name, "wav with " + words}
	}
	if tag == tagGSM {
		return r.describeGSM(channels, rate, align, name)
	}
	c, ok := wavCoding(tag, bits)
	if !ok {
		return &UnsupportedError{name, fmt.Sprintf("wav with coding %#04x of %d bits", tag, bits)}
	}
	if channels < 1 || channels > maxChannels || rate < minRate || rate > maxRate {
		return fmt.Errorf("%s: %w: %d channels of %d samples a second", name, ErrFormat, channels, rate)
	}
	if align != 0 && align != channels*c.size {
		return fmt.Errorf("%s: %w: %d octets for %d channels of %s", name, ErrFormat, align, channels, c.name)
	}
	r.coding = c
	r.info = Info{Format: "wav, " + c.name, Rate: int(rate), Channels: channels}
	return nil
}

// describeGSM takes in the chunk of a wav49 file.
func (r *Reader) describeGSM(channels int, rate int64, align int, name string) error {
	if channels != 1 || rate < minRate || rate > maxRate || align != gsmPairs.size {
		return fmt.Errorf("%s: %w: GSM of %d channels, %d samples a second, blocks of %d octets", name, ErrFormat, channels, rate, align)
	}
	r.coding = gsmPairs
	r.info = Info{Format: "wav, " + gsmPairs.name, Rate: int(rate), Channels: 1}
	return nil
}

// expandWAV reads a coding of pieces from a chunk.
func (r *Reader) expandWAV(in io.Reader, name string) {
	left := r.left
	r.expand(r.coding, in, name)
	r.expander.left, r.left = left, -1
}

func wavCoding(tag uint16, bits int) (coding, bool) {
	switch {
	case tag == tagPCM && bits == 8:
		return unsigned8, true
	case tag == tagPCM && bits == 16:
		return int16LE, true
	case tag == tagPCM && bits == 24:
		return int24LE, true
	case tag == tagPCM && bits == 32:
		return int32LE, true
	case tag == tagFloat && bits == 32:
		return float32LE, true
	case tag == tagFloat && bits == 64:
		return float64LE, true
	case tag == tagMuLaw && bits == 8:
		return muLaw, true
	case tag == tagALaw && bits == 8:
		return aLaw, true
	}
	return coding{}, false
}

// limit notes how much sound there is.
func (r *Reader) limit(size uint32) {
	if size == 0 || size == 0xFFFFFFFF {
		return
	}
	r.left = int64(size)
	frames := r.coding.samplesIn(int64(size) / int64(r.info.Channels))
	r.info.Length = time.Duration(frames * int64(time.Second) / int64(r.info.Rate))
}
