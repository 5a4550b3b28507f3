package gsm

// parameters is what a frame says.
type parameters struct {
	ratios   [8]uint8 // log-area ratios: the shape of the throat
	quarters [4]quarterParameters
}

// quarterParameters is what it says of a quarter.
type quarterParameters struct {
	lag    uint8 // how many samples ago the same was heard
	gain   uint8 // how strongly
	grid   uint8 // at which sample pulses begin; one in three
	peak   uint8 // the largest pulse, by a logarithm
	pulses [pulsesMost]uint8
}

// Signature is the upper half of a frame's first octet.
const Signature = 0xD

// Widths of the parameters, in bits.
const (
	signatureWidth = 4
	lagWidth       = 7
	gainWidth      = 2
	gridWidth      = 2
	peakWidth      = 6
	pulseWidth     = 3
)

var ratioWidths = [8]uint8{6, 6, 5, 5, 4, 4, 3, 3}

// count is how many parameters a frame has.
const count = 8 + 4*(4+pulsesMost)

// widths are those of the parameters in the order in which they are sent.
var widths = func() (w [count]uint8) {
	at := copy(w[:], ratioWidths[:])
	for range 4 {
		at += copy(w[at:], []uint8{lagWidth, gainWidth, gridWidth, peakWidth})
		for range pulsesMost {
			w[at] = pulseWidth
			at++
		}
	}
	return w
}()

// list is the parameters in the order in which they are sent.
func (p *parameters) list() (values [count]uint8) {
	at := copy(values[:], p.ratios[:])
	for i := range p.quarters {
		q := &p.quarters[i]
		values[at], values[at+1], values[at+2], values[at+3] = q.lag, q.gain, q.grid, q.peak
		at += 4 + copy(values[at+4:], q.pulses[:])
	}
	return values
}

// set is the reverse of list.
func (p *parameters) set(values *[count]uint8) {
	at := copy(p.ratios[:], values[:])
	for i := range p.quarters {
		q := &p.quarters[i]
		q.lag, q.gain, q.grid, q.peak = values[at], values[at+1], values[at+2], values[at+3]
		at += 4 + copy(q.pulses[:], values[at+4:])
	}
}

// pack writes a frame as RTP has it: the highest bit of everything first.
func pack(dst []byte, values *[count]uint8) []byte {
	held, bits := uint32(Signature), uint8(signatureWidth)
	for i, width := range &widths {
		held, bits = held<<width|uint32(values[i]), bits+width
		for bits >= 8 {
			bits -= 8
			dst = append(dst, byte(held>>bits))
		}
	}
	return dst
}

// unpack reports false for what has no signature.
func unpack(values *[count]uint8, frame *[FrameSize]byte) bool {
	if frame[0]>>signatureWidth != Signature {
		return false
	}
	held, bits, at := uint32(frame[0]), uint8(8-signatureWidth), 1
	for i, width := range &widths {
		for bits < width {
			held, bits = held<<8|uint32(frame[at]), bits+8
			at++
		}
		bits -= width
		values[i] = uint8(held >> bits & (1<<width - 1))
	}
	return true
}

// MicrosoftSize is the octets of two frames as wav files with coding 0x31 have
// them, which telephone people call wav49: without signatures, and the lowest bit
// of everything first.
const MicrosoftSize = 65

// ToMicrosoft appends pairs of frames to dst as wav49 has them. frames must be
// whole pairs; ErrFrame says that they are not.
func ToMicrosoft(dst, frames []byte) ([]byte, error) {
	for ; len(frames) > 0; frames = frames[2*FrameSize:] {
		var pair [2][count]uint8
		if len(frames) < 2*FrameSize || !unpack(&pair[0], (*[FrameSize]byte)(frames)) || !unpack(&pair[1], (*[FrameSize]byte)(frames[FrameSize:])) {
			return dst, ErrFrame
		}
		var held uint32
		var bits uint8
		for k := range pair {
			for i, width := range &widths {
				held, bits = held|uint32(pair[k][i])<<bits, bits+width
				for bits >= 8 {
					dst = append(dst, byte(held))
					held, bits = held>>8, bits-8
				}
			}
		}
	}
	return dst, nil
}

// FromMicrosoft appends the two frames of each block of wav49 to dst. An
// unfinished block at the end is left out, and reported as ErrFrame.
func FromMicrosoft(dst, blocks []byte) ([]byte, error) {
	for ; len(blocks) > 0; blocks = blocks[MicrosoftSize:] {
		if len(blocks) < MicrosoftSize {
			return dst, ErrFrame
		}
		var held uint32
		var bits uint8
		at := 0
		for range 2 {
			var values [count]uint8
			for i, width := range &widths {
				for bits < width {
					held, bits = held|uint32(blocks[at])<<bits, bits+8
					at++
				}
				values[i] = uint8(held & (1<<width - 1))
				held, bits = held>>width, bits-width
			}
			dst = pack(dst, &values)
		}
	}
	return dst, nil
}
