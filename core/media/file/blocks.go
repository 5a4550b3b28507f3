package file

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/moonwire/moonwire/core/media/codec/g722"
	"github.com/moonwire/moonwire/core/media/codec/gsm"
)

// Codings whose octets stand for several samples at once. gsmPairs is what wav
// files hold under the code 0x31: pairs of frames, packed otherwise than alone.
var (
	gsmFrames   = coding{"GSM 06.10", gsm.FrameSize, codeGSM, gsm.FrameSamples}
	gsmPairs    = coding{"GSM 06.10 (wav49)", gsm.MicrosoftSize, codeGSMPairs, 2 * gsm.FrameSamples}
	g722Samples = coding{"G.722", 1, codeG722, 2}
)

// unit is how many samples the smallest piece of the coding has.
func (c coding) unit() int { return max(c.samples, 1) }

// samplesIn is how many samples so many octets hold, of one channel.
func (c coding) samplesIn(octets int64) int64 { return octets / int64(c.size) * int64(c.unit()) }

// octetsOf is how many octets so many samples take; those of an unfinished piece
// do not count.
func (c coding) octetsOf(samples int64) int64 { return samples / int64(c.unit()) * int64(c.size) }

// blockDecoder appends the samples of whole pieces to dst.
type blockDecoder func(dst []int16, octets []byte) ([]int16, error)

func (c coding) decoder() blockDecoder {
	switch c.index {
	case codeG722:
		d := g722.NewDecoder()
		return func(dst []int16, octets []byte) ([]int16, error) { return d.Decode(dst, octets), nil }
	case codeGSM:
		return new(gsm.Decoder).Decode
	}
	d, frames := new(gsm.Decoder), []byte(nil)
	return func(dst []int16, octets []byte) ([]int16, error) {
		var err error
		if frames, err = gsm.FromMicrosoft(frames[:0], octets); err != nil {
			return dst, err
		}
		return d.Decode(dst, frames)
	}
}

// blockEncoder appends what is complete to dst and keeps what is not.
type blockEncoder interface {
	Encode(dst []byte, pcm []int16) []byte
}

func (c coding) encoder() blockEncoder {
	switch c.index {
	case codeG722:
		return g722.NewEncoder()
	case codeGSM:
		return new(gsm.Encoder)
	case codeGSMPairs:
		return new(pairEncoder)
	}
	return nil
}

// pairEncoder codes frames and packs two of them at a time.
type pairEncoder struct {
	gsm.Encoder
	frames []byte
}

func (e *pairEncoder) Encode(dst []byte, pcm []int16) []byte {
	e.frames = e.Encoder.Encode(e.frames, pcm)
	whole := len(e.frames) / (2 * gsm.FrameSize) * 2 * gsm.FrameSize
	dst, _ = gsm.ToMicrosoft(dst, e.frames[:whole]) // our own frames, in pairs
	e.frames = e.frames[:copy(e.frames, e.frames[whole:])]
	return dst
}

// expander is a file of such a coding as 16-bit linear samples.
type expander struct {
	in        io.Reader
	name      string
	coding    coding
	decode    blockDecoder
	left      int64 // octets of sound to come; -1: to the end of the file
	truncated bool
	piece     []byte
	pcm       []int16
	made      []byte // samples that were not read yet
	over      error
}

// expand lets r read a coding of pieces from in.
func (r *Reader) expand(c coding, in io.Reader, name string) {
	most := max(readFrames/c.unit(), 1) * c.size
	r.expander = &expander{in: in, name: name, coding: c, decode: c.decoder(), left: -1, piece: make([]byte, most)}
	r.source, r.coding = r.expander, int16LE
	r.bitRate = r.info.Rate * c.size * 8 / c.unit()
}

func (e *expander) Read(p []byte) (int, error) {
	for len(e.made) == 0 {
		if e.over != nil {
			return 0, e.over
		}
		e.fill()
	}
	n := copy(p, e.made)
	e.made = e.made[n:]
	return n, nil
}

// fill decodes the next pieces.
func (e *expander) fill() {
	piece := e.piece
	if e.left >= 0 {
		piece = piece[:min(int64(len(piece)), e.left)]
	}
	n, err := io.ReadFull(e.in, piece)
	if e.left >= 0 {
		e.left -= int64(n)
	}
	switch {
	case err == io.ErrUnexpectedEOF || err == io.EOF || e.left == 0:
		e.over = io.EOF
		e.truncated = e.left > 0 || e.left < 0 && n%e.coding.size != 0
	case err != nil:
		e.over = err
	}
	if e.pcm, err = e.decode(e.pcm[:0], piece[:n/e.coding.size*e.coding.size]); err != nil {
		e.over = fmt.Errorf("%s: %w: %w", e.name, ErrFormat, err)
	}
	e.made = e.made[:0]
	for _, sample := range e.pcm {
		e.made = binary.LittleEndian.AppendUint16(e.made, uint16(sample))
	}
}
