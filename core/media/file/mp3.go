package file

import (
	"bufio"
	"fmt"
	"io"

	"github.com/hajimehoshi/go-mp3"
)

const formatMP3 = "mp3"

// openMP3 reads MPEG-1 and MPEG-2 layer 3. The decoder delivers two channels of
// 16 bits whatever the file has.
func (r *Reader) openMP3(in *bufio.Reader, name string) (err error) {
	bad := func(what any) error { return fmt.Errorf("%s: %w: %v", name, ErrFormat, what) }
	if err := skipID3(in); err != nil {
		return bad("tags are cut off")
	}
	version, bitRate, err := mpegFrame(in)
	if err != nil {
		return bad(err)
	}
	if version == mpeg25 {
		return &UnsupportedError{name, "mp3 of MPEG-2.5 (8, 11.025 or 12 kHz)"}
	}
	defer func() {
		if p := recover(); p != nil {
			err = bad("the decoder gave up")
		}
	}()
	decoder, err := mp3.NewDecoder(struct{ io.Reader }{in})
	if err != nil {
		return bad(err)
	}
	r.source = guarded{decoder, bad}
	r.coding, r.bitRate = int16LE, bitRate
	r.info = Info{Format: formatMP3, Rate: decoder.SampleRate(), Channels: 2}
	if r.info.Rate < minRate {
		return bad("no sample rate")
	}
	return nil
}

// guarded turns a panic of the decoder, which damaged files can cause, into an
// error.
type guarded struct {
	decoder *mp3.Decoder
	bad     func(any) error
}

func (g guarded) Read(p []byte) (n int, err error) {
	defer func() {
		if recover() != nil {
			n, err = 0, g.bad("damaged sound")
		}
	}()
	n, err = g.decoder.Read(p)
	if err != nil && err != io.EOF {
		err = g.bad(err)
	}
	return n, err
}

// skipID3 skips the tags that players show, which may hold a picture of
// megabytes.
func skipID3(in *bufio.Reader) error {
	for {
		head, err := in.Peek(10)
		if err != nil || string(head[:3]) != "ID3" {
			return nil
		}
		size := int(head[6]&0x7F)<<21 | int(head[7]&0x7F)<<14 | int(head[8]&0x7F)<<7 | int(head[9]&0x7F)
		if _, err := in.Discard(10 + size); err != nil {
			return err
		}
	}
}

// Values of the version bits in a frame's header.
const (
	mpeg25       = 0
	mpegReserved = 1
	mpeg1        = 3
)

// Bits a second of layer 3, in thousands, by the number in a frame's header: of
// MPEG-1, and of the lower sampling rates of MPEG-2.
var (
	mpeg1BitRates = [15]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	mpeg2BitRates = [15]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
)

// mpegFrame looks for the first frame, leaving it unread. The bits a second are
// 0 where it does not say.
func mpegFrame(in *bufio.Reader) (version byte, bitRate int, err error) {
	for range 64 << 10 {
		head, err := in.Peek(4)
		if err != nil {
			return 0, 0, fmt.Errorf("no mp3 frame in it")
		}
		version, layer, bitrate := head[1]>>3&3, head[1]>>1&3, head[2]>>4
		frequency := head[2] >> 2 & 3
		if head[0] == 0xFF && head[1]&0xE0 == 0xE0 && version != mpegReserved && layer == 1 && bitrate != 0xF && frequency != 3 {
			rates := &mpeg2BitRates
			if version == mpeg1 {
				rates = &mpeg1BitRates
			}
			return version, rates[bitrate] * 1000, nil
		}
		in.Discard(1)
	}
	return 0, 0, fmt.Errorf("no mp3 frame in its first 64 KB")
}
