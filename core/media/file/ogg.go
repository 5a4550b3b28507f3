package file

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/moonwire/moonwire/core/media/file/vorbis"
)

const formatOgg = "ogg, Vorbis"

// openOgg reads Vorbis. Ogg files of other codings are refused.
func (r *Reader) openOgg(in io.Reader, name string) (err error) {
	bad := func(what any) error { return fmt.Errorf("%s: %w: %v", name, ErrFormat, what) }
	defer func() {
		if recover() != nil {
			err = bad("the decoder gave up")
		}
	}()
	decoder, err := vorbis.NewDecoder(in)
	if err != nil {
		return bad(err)
	}
	r.source = &vorbisSource{decoder: decoder, bad: bad}
	r.coding = int16LE
	r.info = Info{Format: formatOgg, Rate: decoder.Rate(), Channels: decoder.Channels()}
	return nil
}

// vorbisSource is the decoder's samples as octets. A panic, which damaged files
// should not but might cause, is an error.
type vorbisSource struct {
	decoder *vorbis.Decoder
	bad     func(any) error
	made    []byte
	rest    []byte
}

func (s *vorbisSource) Read(p []byte) (n int, err error) {
	defer func() {
		if recover() != nil {
			n, err = 0, s.bad("damaged sound")
		}
	}()
	for len(s.rest) == 0 {
		pcm, err := s.decoder.Next()
		if err == io.EOF {
			return 0, err
		}
		if err != nil {
			return 0, s.bad(err)
		}
		s.made = s.made[:0]
		for _, sample := range pcm {
			s.made = binary.LittleEndian.AppendUint16(s.made, uint16(sample))
		}
		s.rest = s.made
	}
	n = copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
