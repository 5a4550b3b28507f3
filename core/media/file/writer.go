package file

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/media/codec/g711"
)

// Output is what a Writer needs of a file; *os.File is one.
type Output interface {
	io.Writer
	io.WriterAt
	io.Closer
}

// ErrFull says that a wav file cannot grow any further: its lengths have 32
// bits.
var ErrFull = errors.New("a wav file ends at 4 GB")

// WriterOptions say how a file is written.
type WriterOptions struct {
	// Rate is samples a second of what is written; 0 means that which the extension
	// fixes, else 8000. Files whose extension fixes it refuse any other.
	Rate int
	// Atomic writes under another name in the same directory and gives the file
	// its own when it is closed, so that nobody ever sees half of it. What a crash
	// leaves behind is completed by Recover.
	Atomic bool
}

// Writer writes one file, mono. Its sound is on its way to the disk at the
// latest a second after Write, with a header that fits it, so that a recording
// survives a crash. One goroutine at a time.
type Writer struct {
	out     Output
	coding  coding
	rate    int
	wav     bool
	encoder blockEncoder // nil for codings of single samples
	buffer  []byte
	before  int64 // samples that were there when the file was opened, to be continued
	samples int64 // in all
	written int64 // octets of sound that left the buffer
	err     error // the first one; nothing is written after it
	goesOn  bool  // what is before it was there when the file was opened
	ended   bool
	kept    bool // the file is there, after Close
	finish  func(err error) (kept bool, failure error)
}

const (
	wavHeader   = 44
	pairsHeader = 60 // of wav49
	wavLargest  = 1<<32 - 1<<16
	flushPeriod = time.Second
)

// Create makes a file in dir, with the directories on the way to it, and
// replaces one of that name. The extension says what is written: wav (16-bit
// linear), WAV and wav49 (GSM, as Asterisk tells them apart), gsm, g722, ulaw,
// alaw, sln, sln16 and so on. Nothing outside dir can be reached.
func Create(dir *os.Root, name string, o WriterOptions) (*Writer, error) {
	if _, _, err := layout(name, &o); err != nil {
		return nil, err
	}
	if parent := path.Dir(name); parent != "." {
		if err := dir.MkdirAll(parent, 0o755); err != nil {
			return nil, err
		}
	}
	f, present, err := open(dir, name, o.Atomic)
	if err != nil {
		return nil, err
	}
	w, err := NewWriter(f, name, o)
	if err != nil {
		f.Close()
		dir.Remove(present)
		return nil, err
	}
	if o.Atomic {
		w.finish = func(err error) (bool, error) { return w.conclude(dir, present, name, err) }
	}
	return w, nil
}

// conclude gives an atomic file its name, or removes it.
func (w *Writer) conclude(dir *os.Root, present, name string, err error) (kept bool, failure error) {
	if err != nil {
		_, taken := dir.Lstat(name)
		if err == errDiscarded || w.samples == 0 || taken == nil {
			return false, dir.Remove(present)
		}
	}
	if err := settle(dir, present, name); err != nil {
		return false, err
	}
	return true, nil
}

// open makes the file under its own name, or under one that it has until it is
// whole: no other writer has that one, so that two may write the same file and
// the later one wins, whole.
func open(dir *os.Root, name string, atomic bool) (f *os.File, present string, err error) {
	if !atomic {
		f, err = dir.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
		return f, name, err
	}
	for n := 1; ; n++ {
		present = path.Join(path.Dir(name), fmt.Sprintf(".%s.%d.part", path.Base(name), n))
		f, err = dir.OpenFile(present, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) || n == mostParts {
			return f, present, err
		}
	}
}

// mostParts is how many unfinished files of one name there may be, with those
// that crashes left behind.
const mostParts = 1000

// NewWriter begins a file in out, which must be empty; the name's extension
// says of what kind. Close closes out.
func NewWriter(out Output, name string, o WriterOptions) (*Writer, error) {
	c, wav, err := layout(name, &o)
	if err != nil {
		return nil, err
	}
	w := &Writer{out: out, coding: c, rate: o.Rate, wav: wav, encoder: c.encoder(), finish: stays}
	w.buffer = w.room()
	if wav {
		if _, err := out.Write(w.header()); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// stays is the end of a file that was written under its own name.
func stays(err error) (bool, error) { return err != errDiscarded, nil }

// room is the buffer.
func (w *Writer) room() []byte {
	pieces := int(flushPeriod.Seconds()*float64(w.rate))/w.coding.unit() + 1
	return make([]byte, 0, pieces*w.coding.size+pairsHeader)
}

// layout is what a file of that name holds.
func layout(name string, o *WriterOptions) (c coding, wav bool, err error) {
	extension := extensionOf(name)
	raw, isRaw := rawFormats[extension]
	if o.Rate == 0 {
		o.Rate = cmp.Or(raw.rate, 8000)
	}
	switch {
	case o.Rate < minRate || o.Rate > maxRate:
		return c, false, fmt.Errorf("%s: cannot write %d samples a second", name, o.Rate)
	case extension == "wav49" || path.Ext(name) == ".WAV":
		if o.Rate != 8000 {
			return c, false, fmt.Errorf("%s: GSM has 8000 samples a second, not %d", name, o.Rate)
		}
		return gsmPairs, true, nil
	case extension == "wav":
		return int16LE, true, nil
	case isRaw && raw.rate == o.Rate:
		return raw.coding, false, nil
	case isRaw:
		return c, false, fmt.Errorf("%s: such files have %d samples a second, not %d", name, raw.rate, o.Rate)
	}
	return c, false, fmt.Errorf("%s: files with the extension %q cannot be written; use wav", name, extension)
}

func extensionOf(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}

// Rate is samples a second of what Write takes.
func (w *Writer) Rate() int { return w.rate }

// Before is how many samples the file held when Append opened it.
func (w *Writer) Before() int64 { return w.before }

// Duration is the length of the sound in the file, with what is written so far.
func (w *Writer) Duration() time.Duration {
	return time.Duration(w.samples * int64(time.Second) / int64(w.rate))
}

// Write adds mono samples. After an error, such as a full disk, the file keeps
// what it has and every further call returns that error.
func (w *Writer) Write(pcm []int16) error {
	for len(pcm) > 0 && w.err == nil {
		room := (cap(w.buffer) - len(w.buffer)) / w.coding.size * w.coding.unit()
		n := min(len(pcm), room-w.unfinished())
		w.buffer = w.encode(pcm[:n])
		w.samples += int64(n)
		pcm = pcm[n:]
		if len(w.buffer)+w.coding.size > cap(w.buffer) {
			w.flush()
		}
	}
	return w.err
}

// unfinished is how many samples wait in the encoder for others.
func (w *Writer) unfinished() int { return int((w.samples - w.before) % int64(w.coding.unit())) }

func (w *Writer) encode(pcm []int16) []byte {
	if w.encoder != nil {
		return w.encoder.Encode(w.buffer, pcm)
	}
	switch w.coding.index {
	case codeMuLaw:
		return g711.MuLaw.Encode(w.buffer, pcm)
	case codeALaw:
		return g711.ALaw.Encode(w.buffer, pcm)
	}
	for _, sample := range pcm {
		w.buffer = binary.LittleEndian.AppendUint16(w.buffer, uint16(sample))
	}
	return w.buffer
}

// flush writes the buffer, and then the header that counts it.
func (w *Writer) flush() {
	if w.wav && w.written+int64(len(w.buffer)) > wavLargest {
		w.err = ErrFull
		return
	}
	n, err := w.out.Write(w.buffer)
	w.written += int64(n)
	w.buffer = w.buffer[:0]
	if w.wav {
		if _, headErr := w.out.WriteAt(w.header(), 0); err == nil {
			err = headErr
		}
	}
	if err != nil {
		w.err = err
		w.samples = w.coding.samplesIn(w.written)
	}
}

// header is a canonical wav header for what has been written.
func (w *Writer) header() []byte {
	if w.coding == gsmPairs {
		return w.pairsHeader()
	}
	size := uint32(w.written) &^ 1 // half a sample, should the disk be full, does not count
	h := make([]byte, 0, wavHeader)
	h = append(h, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, wavHeader-8+size)
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 16)
	h = binary.LittleEndian.AppendUint16(h, tagPCM)
	h = binary.LittleEndian.AppendUint16(h, 1)
	h = binary.LittleEndian.AppendUint32(h, uint32(w.rate))
	h = binary.LittleEndian.AppendUint32(h, uint32(w.rate*w.coding.size))
	h = binary.LittleEndian.AppendUint16(h, uint16(w.coding.size))
	h = binary.LittleEndian.AppendUint16(h, uint16(w.coding.size*8))
	h = append(h, "data"...)
	return binary.LittleEndian.AppendUint32(h, size)
}

// pairsHeader is the header of wav49: it says how large blocks are and what they
// hold, and how many samples there are in all.
func (w *Writer) pairsHeader() []byte {
	size := uint32(w.written / int64(w.coding.size) * int64(w.coding.size))
	h := make([]byte, 0, pairsHeader)
	h = append(h, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, pairsHeader-8+size)
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 20)
	h = binary.LittleEndian.AppendUint16(h, tagGSM)
	h = binary.LittleEndian.AppendUint16(h, 1)
	h = binary.LittleEndian.AppendUint32(h, uint32(w.rate))
	h = binary.LittleEndian.AppendUint32(h, uint32(w.rate*w.coding.size/w.coding.samples))
	h = binary.LittleEndian.AppendUint16(h, uint16(w.coding.size))
	h = binary.LittleEndian.AppendUint16(h, 0) // bits of a sample: not whole ones
	h = binary.LittleEndian.AppendUint16(h, 2)
	h = binary.LittleEndian.AppendUint16(h, uint16(w.coding.samples))
	h = append(h, "fact"...)
	h = binary.LittleEndian.AppendUint32(h, 4)
	h = binary.LittleEndian.AppendUint32(h, uint32(w.coding.samplesIn(int64(size))))
	h = append(h, "data"...)
	return binary.LittleEndian.AppendUint32(h, size)
}

// headerSize is the octets before the sound.
func (w *Writer) headerSize() int64 {
	switch {
	case !w.wav:
		return 0
	case w.coding == gsmPairs:
		return pairsHeader
	}
	return wavHeader
}

// complete fills the last piece up with silence.
func (w *Writer) complete() {
	if n := w.unfinished(); n > 0 && w.err == nil {
		w.buffer = w.encode(make([]int16, w.coding.unit()-n))
	}
}

// Close writes what is left, completes the header and closes the file. When it
// returns without an error the file and its name are on the disk, where a loss
// of power leaves them. The error is the first that writing met; the file then
// holds what went before, unless it was to be atomic and there is nothing in it
// or another of its name that it would replace: then it is not made at all. See
// Kept.
func (w *Writer) Close() error {
	w.complete()
	if w.err == nil && len(w.buffer) > 0 {
		w.flush()
	}
	return w.end(w.err)
}

// Kept reports, after Close, whether the file is there.
func (w *Writer) Kept() bool { return w.kept }

// Discard closes the file without completing it; an atomic one is not made, and
// one that was continued is as it was before.
func (w *Writer) Discard() { w.end(errDiscarded) }

var errDiscarded = errors.New("discarded")

// syncer is an Output that can be told to be on the disk.
type syncer interface{ Sync() error }

func (w *Writer) end(err error) error {
	if w.ended {
		return os.ErrClosed
	}
	w.ended = true
	if f, ok := w.out.(*os.File); ok && err == errDiscarded && w.goesOn {
		err = cmp.Or(w.takeBack(f), err)
	}
	if f, ok := w.out.(syncer); ok && err != errDiscarded {
		err = cmp.Or(err, f.Sync())
	}
	err = cmp.Or(err, w.out.Close())
	kept, failure := w.finish(err)
	w.kept = kept
	w.err = cmp.Or(w.err, os.ErrClosed)
	return cmp.Or(err, failure)
}
