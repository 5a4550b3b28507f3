// Package file reads and writes sound files: wav in all codings that telephone
// people use, raw samples, G.711, G.722 and GSM as Asterisk names them, and (to
// read only) mp3 and Vorbis.
//
// Whatever a file holds comes out as mono linear samples at the file's own rate,
// read piece by piece. What cannot be read is refused with the name of its
// coding, so that the administrator knows what to convert. Sound that ends early
// is played as far as it goes, and said to be truncated: half a message is
// better than none.
package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Info is what a file says of itself.
type Info struct {
	Format   string // container and coding, such as "wav, µ-law"
	Rate     int    // samples a second
	Channels int    // in the file; readers mix them
	// Length is how long the file claims to be, or, where it does not say, what its
	// size makes of it; 0 where that does not tell either.
	Length time.Duration
}

// UnsupportedError says that a file holds something that cannot be read.
type UnsupportedError struct {
	Name   string // of the file
	Coding string // what it holds, in words
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: %s cannot be read; convert it to wav", e.Name, e.Coding)
}

// ErrFormat is wrapped by errors about files that are not what they claim.
var ErrFormat = errors.New("not a valid sound file")

// Reader reads one file. One goroutine at a time.
type Reader struct {
	info      Info
	source    io.Reader
	closer    io.Closer
	coding    coding
	bitRate   int       // of a coding that compresses
	expander  *expander // nil for codings of single samples
	left      int64     // octets of sound to come; -1: to the end of the file
	truncated bool
	buffer    []byte
	kept      int // octets at the start of buffer that are part of a frame
	mixed     []int16
}

// coding says how samples lie in a file.
type coding struct {
	name    string
	size    int // octets of one sample, or of the smallest piece
	index   int // of the converter; see convert
	samples int // of the smallest piece; 0 for those of single samples
}

// Open opens a file; its extension says what it is, but for wav the contents do.
// Errors wrap those of fs, or ErrFormat, or are an *UnsupportedError.
func Open(fsys fs.FS, name string) (*Reader, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(f, name)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = f
	r.measure(f)
	return r, nil
}

// measure finds the length of a file that does not say it. Where the coding
// compresses it is about right, if the file is compressed evenly.
func (r *Reader) measure(f fs.File) {
	info, err := f.Stat()
	if err != nil || r.left >= 0 || r.info.Length > 0 {
		return
	}
	octets := r.info.Rate * r.coding.size * r.info.Channels
	if r.info.Format == formatOgg {
		return // it does not say, and compresses by what it has to say
	}
	if r.bitRate > 0 {
		octets = r.bitRate / 8
	}
	if octets > 0 {
		r.info.Length = time.Duration(float64(info.Size()) / float64(octets) * float64(time.Second))
	}
}

// NewReader reads sound from r, whose kind is told by the name's extension.
func NewReader(r io.Reader, name string) (*Reader, error) {
	extension := extensionOf(name)
	buffered := bufio.NewReaderSize(r, 16<<10)
	reader := &Reader{source: buffered, left: -1}
	var err error
	switch raw, ok := rawFormats[extension]; {
	case extension == "wav" || extension == "wav49":
		err = reader.openWAV(buffered, name)
	case extension == "ogg":
		err = reader.openOgg(buffered, name)
	case extension == "mp3":
		err = reader.openMP3(buffered, name)
	case ok:
		reader.coding = raw.coding
		reader.info = Info{Format: "raw, " + raw.coding.name, Rate: raw.rate, Channels: 1}
		if raw.coding.samples > 0 {
			reader.expand(raw.coding, buffered, name)
		}
	case foreignFormats[extension] != "":
		err = &UnsupportedError{name, foreignFormats[extension]}
	default:
		err = &UnsupportedError{name, fmt.Sprintf("a file with the extension %q", extension)}
	}
	if err != nil {
		return nil, err
	}
	return reader, nil
}

// Info is what the file says of itself.
func (r *Reader) Info() Info { return r.info }

// Rate is the number of samples a second that Read delivers.
func (r *Reader) Rate() int { return r.info.Rate }

// Truncated reports, once Read has returned io.EOF, whether the file ended
// before the sound did.
func (r *Reader) Truncated() bool {
	return r.truncated || r.expander != nil && r.expander.truncated
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// readFrames is how many frames are read at a time.
const readFrames = 4096

// Read fills pcm with mono samples. It returns the number read, and io.EOF only
// with 0.
func (r *Reader) Read(pcm []int16) (int, error) {
	if len(pcm) == 0 {
		return 0, nil
	}
	frame := r.coding.size * r.info.Channels
	if r.buffer == nil {
		r.buffer = make([]byte, readFrames*frame)
		r.mixed = make([]int16, readFrames*r.info.Channels)
	}
	n := min(len(pcm), readFrames)
	octets, err := r.fill(n * frame)
	frames := octets / frame
	samples := r.mixed[:frames*r.info.Channels]
	convert(r.coding.index, samples, r.buffer)
	mix(pcm, samples, r.info.Channels)
	r.kept = copy(r.buffer, r.buffer[frames*frame:octets])
	if frames > 0 {
		return frames, nil
	}
	if err == nil {
		return 0, io.ErrNoProgress
	}
	if err == io.EOF && r.left > 0 || r.kept > 0 {
		r.truncated = true
	}
	return 0, err
}

// fill reads until the buffer holds want octets or no more can be had.
func (r *Reader) fill(want int) (int, error) {
	have := r.kept
	for have < want {
		piece := r.buffer[have:want]
		if r.left == 0 {
			return have, io.EOF
		}
		if r.left > 0 {
			piece = piece[:min(int64(len(piece)), r.left)]
		}
		n, err := r.source.Read(piece)
		have += n
		if r.left > 0 {
			r.left -= int64(n)
		}
		if err != nil {
			return have, err
		}
		if n == 0 {
			return have, nil
		}
	}
	return have, nil
}

// mix averages the channels of each frame.
func mix(dst, samples []int16, channels int) {
	if channels == 1 {
		copy(dst, samples)
		return
	}
	for i := 0; i*channels < len(samples); i++ {
		sum := 0
		for _, s := range samples[i*channels : (i+1)*channels] {
			sum += int(s)
		}
		dst[i] = int16(sum / channels)
	}
}

// ErrTooLong says that a file holds more sound than was allowed for.
var ErrTooLong = errors.New("sound file is too long")

// ReadAll reads all of the sound, up to limit samples; beyond that it returns
// ErrTooLong.
func (r *Reader) ReadAll(limit int) ([]int16, error) {
	var all []int16
	if r.info.Length > 0 {
		claimed := int(min(int64(r.info.Length.Seconds()*float64(r.info.Rate))+1, int64(limit), 1<<20))
		all = make([]int16, 0, claimed)
	}
	for {
		if len(all) == cap(all) {
			all = append(all, make([]int16, max(readFrames, cap(all)/2))...)[:len(all)]
		}
		n, err := r.Read(all[len(all):cap(all)])
		all = all[:len(all)+n]
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if len(all) > limit {
			return nil, ErrTooLong
		}
	}
}
