package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"runtime"
	"time"
)

// Recovered is a recording that a crash interrupted.
type Recovered struct {
	Name     string        // that it has now, in the folder of recordings
	Duration time.Duration // of its sound
	// Err is why it could not be completed; it was left as it was.
	Err error
}

// Recover completes what writers of atomic files left behind when the process
// or the machine stopped under them, and tells found of each: half a message is
// better than none. The header is made to fit the sound that is there, and the
// file gets its name; if there is a file of that name already, for it was being
// recorded anew, that one stays and the other is called "x-recovered-1.wav"
// beside it. Files without any sound are removed and not told of. It must run
// before anything records below dir. The error says that dir cannot be read.
func Recover(dir *os.Root, found func(Recovered)) error {
	return fs.WalkDir(dir.FS(), ".", func(part string, entry fs.DirEntry, err error) error {
		if err != nil {
			if part == "." {
				return fmt.Errorf("look for interrupted recordings: %w", err)
			}
			found(Recovered{Name: part, Err: err})
			return fs.SkipDir
		}
		named := partName.FindStringSubmatch(entry.Name())
		if named == nil || !entry.Type().IsRegular() {
			return nil
		}
		name := path.Join(path.Dir(part), named[1])
		if kept, length, err := recoverPart(dir, part, name); err != nil {
			found(Recovered{Name: part, Err: err})
		} else if kept != "" {
			found(Recovered{Name: kept, Duration: length})
		}
		return nil
	})
}

// partName is what open calls files that are not whole.
var partName = regexp.MustCompile(`^\.(.+)\.[0-9]+\.part$`)

// recoverPart completes one file; kept is "" where there was nothing in it.
func recoverPart(dir *os.Root, part, name string) (kept string, length time.Duration, err error) {
	f, err := dir.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	w, err := continued(f, part, name, WriterOptions{})
	if err != nil || w.samples == 0 {
		err = errors.Join(err, f.Close())
		if info, _ := dir.Stat(part); info != nil && (info.Size() <= wavHeader || w != nil) {
			err = dir.Remove(part)
		}
		return "", 0, err
	}
	length = w.Duration()
	if err := w.Close(); err != nil {
		return "", 0, err
	}
	if kept, err = freeName(dir, name); err != nil {
		return "", 0, err
	}
	return kept, length, settle(dir, part, kept)
}

// freeName is name, or where that is taken one beside it.
func freeName(dir *os.Root, name string) (string, error) {
	free := name
	for n := 1; n <= mostParts; n++ {
		if _, err := dir.Lstat(free); errors.Is(err, fs.ErrNotExist) {
			return free, nil
		} else if err != nil {
			return "", err
		}
		extension := path.Ext(name)
		free = fmt.Sprintf("%s-recovered-%d%s", name[:len(name)-len(extension)], n, extension)
	}
	return "", fmt.Errorf("%s: too many recovered recordings of this name", name)
}

// Append opens a file in dir to go on where its sound ends, or makes it. What is
// written is added in place, so that the file is whole at any moment: readers
// find what was there before, and from second to second more. The format must be
// the one that Create writes for that name; Rate 0 takes the file's own.
// Discard takes back what was added. Two Writers must not add to one file.
func Append(dir *os.Root, name string, o WriterOptions) (*Writer, error) {
	f, err := dir.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return Create(dir, name, o)
	}
	if err != nil {
		return nil, err
	}
	w, err := continued(f, name, name, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

// Shorten cuts a file that Append can continue down to so many samples.
func Shorten(dir *os.Root, name string, samples int64) error {
	f, err := dir.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	w, err := continued(f, name, name, WriterOptions{})
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w.before = min(samples, w.before)
	if err := w.takeBack(f); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return w.Close()
}

// continued is a writer at the end of the sound in f, which is called shown and
// holds what a file called name does.
func continued(f *os.File, shown, name string, o WriterOptions) (*Writer, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: not a file", shown, ErrFormat)
	}
	size := info.Size()
	rate, err := continuedRate(f, shown, name, o.Rate, size)
	if err != nil {
		return nil, err
	}
	c, wav, err := layout(name, &WriterOptions{Rate: rate})
	if err != nil {
		return nil, err
	}
	w := &Writer{out: f, coding: c, rate: rate, wav: wav, encoder: c.encoder(), goesOn: true, finish: func(error) (bool, error) { return true, nil }}
	start := min(w.headerSize(), size)
	w.before = c.samplesIn(size - start)
	w.samples, w.written = w.before, c.octetsOf(w.before)
	w.buffer = w.room()
	if err := f.Truncate(start + w.written); err != nil {
		return nil, err
	}
	_, err = f.Seek(start+w.written, io.SeekStart)
	return w, err
}

// continuedRate is how many samples a second are in f, whose header is checked.
func continuedRate(f io.ReaderAt, shown, name string, asked int, size int64) (int, error) {
	raw, isRaw := rawFormats[extensionOf(name)]
	found := raw.rate
	c, wav, err := layout(name, &WriterOptions{Rate: found})
	if err != nil {
		return 0, err
	}
	if !isRaw {
		own := Writer{coding: c, wav: wav}
		if found, err = own.headerRate(f, size); err != nil {
			return 0, fmt.Errorf("%s: %w", shown, err)
		}
	}
	if asked != 0 && asked != found {
		return 0, fmt.Errorf("%s: holds %d samples a second, not %d", shown, found, asked)
	}
	return found, nil
}

// errForeign is what wav files get that only Reader understands.
var errForeign = errors.New("only wav files that were recorded here (one channel, 16 bits or wav49) can be continued")

// headerRate reads the rate from a header that a Writer made. Its lengths may
// lag behind the sound, by a crash; a file with something after the sound is
// another program's.
func (own *Writer) headerRate(f io.ReaderAt, size int64) (int, error) {
	h := make([]byte, own.headerSize())
	if _, err := f.ReadAt(h, 0); err != nil {
		return 0, readError(err, fmt.Errorf("%w: shorter than a wav header", ErrFormat))
	}
	length := binary.LittleEndian.Uint32(h[len(h)-4:])
	own.rate, own.written = int(binary.LittleEndian.Uint32(h[24:])), int64(length)
	if !bytes.Equal(h, own.header()) || int64(length) > size-own.headerSize() {
		return 0, errForeign
	}
	return own.rate, nil
}

// takeBack removes what was added to the sound that f held before.
func (w *Writer) takeBack(f *os.File) error {
	w.written, w.samples = w.coding.octetsOf(w.before), w.before
	if w.wav {
		if _, err := f.WriteAt(w.header(), 0); err != nil {
			return err
		}
	}
	return f.Truncate(w.headerSize() + w.written)
}

// settle gives a complete file its name, and returns when both are on the disk.
func settle(dir *os.Root, part, name string) error {
	if err := dir.Rename(part, name); err != nil {
		return err
	}
	for folder := path.Dir(name); ; folder = path.Dir(folder) {
		if err := syncFolder(dir, folder); err != nil || folder == "." {
			return err
		}
	}
}

// syncFolder has the names in a folder written to the disk, where the system
// can do that.
func syncFolder(dir *os.Root, name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
