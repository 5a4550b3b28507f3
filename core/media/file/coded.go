package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec/gsm"
)

// Coded is a file's sound as it goes over a line, without having been decoded.
type Coded struct {
	Codec  call.Codec
	Octets []byte // whole frames
	Units  int    // samples of one channel at 8000 a second, as RTP counts them
}

// ErrNotCoded says that a file's coding is none that goes over a line.
var ErrNotCoded = errors.New("not in the coding of a line")

// lines are the codings of files that lines have too.
var lines = map[int]call.Codec{
	codeMuLaw: call.PCMU, codeALaw: call.PCMA, codeG722: call.G722, codeGSM: call.GSM, codeGSMPairs: call.GSM,
}

// lineRate is samples a second of telephone codecs, as RTP counts them.
const lineRate = 8000

// LineCodec is the codec in which a file can go over a line as it is, NoCodec
// for most.
func (r *Reader) LineCodec() call.Codec {
	c := r.coding
	if r.expander != nil {
		c = r.expander.coding
	}
	codec := lines[c.index]
	if r.info.Channels != 1 || r.info.Rate != codec.SampleRate() {
		return call.NoCodec
	}
	return codec
}

// ReadCoded reads a file in one channel of G.711, G.722 or GSM at that codec's
// rate without decoding it. A frame that is cut off is left out. Errors are those
// of Open, ErrNotCoded, and ErrTooLong where there are more octets than most.
func ReadCoded(fsys fs.FS, name string, most int64) (Coded, error) {
	r, err := Open(fsys, name)
	if err != nil {
		return Coded{}, err
	}
	defer r.Close()
	in, c := r.source, r.coding
	left := r.left
	if r.expander != nil {
		in, c, left = r.expander.in, r.expander.coding, r.expander.left
	}
	codec := r.LineCodec()
	if codec == call.NoCodec {
		return Coded{}, fmt.Errorf("%s: %w", name, ErrNotCoded)
	}
	if left >= 0 {
		in = io.LimitReader(in, left)
	}
	octets, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return Coded{}, err
	}
	if int64(len(octets)) > most {
		return Coded{}, fmt.Errorf("%s: %w", name, ErrTooLong)
	}
	octets = octets[:len(octets)/c.size*c.size]
	units := int(c.samplesIn(int64(len(octets)))) * lineRate / r.info.Rate
	switch c.index {
	case codeGSMPairs:
		octets, err = gsm.FromMicrosoft(nil, octets)
	case codeGSM:
		for at := 0; at < len(octets) && err == nil; at += gsm.FrameSize {
			if octets[at]>>4 != gsm.Signature {
				err = gsm.ErrFrame
			}
		}
	}
	if err != nil {
		return Coded{}, fmt.Errorf("%s: %w: %w", name, ErrFormat, err)
	}
	return Coded{Codec: codec, Octets: octets, Units: units}, nil
}
