package file

import (
	"io"
	"maps"
	"slices"

	"github.com/moonwire/moonwire/core/media/dsp"
)

// Copy writes all sound of r to w, at w's rate. It begins and ends where the
// sound of r does, whatever the rates. Neither is closed.
func Copy(w *Writer, r *Reader) error {
	resampler, err := dsp.NewResampler(r.Rate(), w.Rate())
	if err != nil {
		return err
	}
	var read, written int64
	late := resampler.Delay()
	piece, made := make([]int16, readFrames), []int16(nil)
	ended := false
	for !ended || written < scaled(read, r.Rate(), w.Rate()) {
		n, err := len(piece), error(nil)
		if ended {
			clear(piece) // drives the last sound out of the filter
		} else if n, err = r.Read(piece); err == io.EOF {
			ended = true
			continue
		}
		if err != nil {
			return err
		}
		if !ended {
			read += int64(n)
		}
		made = resampler.Process(made[:0], piece[:n])
		skip := min(late, len(made))
		late -= skip
		out := made[skip:]
		if left := scaled(read, r.Rate(), w.Rate()) - written; int64(len(out)) > left {
			out = out[:left]
		}
		written += int64(len(out))
		if err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// scaled is how many samples at one rate last as long as so many at another.
func scaled(samples int64, from, to int) int64 {
	return (samples*int64(to) + int64(from) - 1) / int64(from)
}

// Readable reports whether the name's extension is one that Open takes.
func Readable(name string) bool {
	extension := extensionOf(name)
	_, raw := rawFormats[extension]
	return raw || slices.Contains([]string{"wav", "wav49", "mp3", "ogg"}, extension)
}

// WritableRate is at how many samples a second files of that name are written: a
// fixed number, or 0 where any will do. The error says that they are not written.
func WritableRate(name string) (int, error) {
	o := WriterOptions{}
	c, wav, err := layout(name, &o)
	if err != nil {
		return 0, err
	}
	if wav && c != gsmPairs {
		return 0, nil
	}
	return o.Rate, nil
}

// Extensions are those of the files that can be written, in order.
func Extensions() []string {
	all := append(slices.Collect(maps.Keys(rawFormats)), "wav", "wav49")
	slices.Sort(all)
	return all
}
