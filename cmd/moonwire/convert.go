package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moonwire/moonwire/core/media/file"
)

type convertCommand struct {
	In    string `arg:"" help:"A sound file, or a folder of them."`
	Out   string `arg:"" help:"The file to write; its extension says what kind. For a folder: the folder to write to."`
	Rate  int    `help:"Samples a second, where the kind leaves that open (default: as they were)." placeholder:"N"`
	To    string `help:"What to make of the files of a folder: wav, gsm, g722, ulaw, alaw, sln16, wav49 …" placeholder:"EXT"`
	Force bool   `short:"f" help:"Replace files that are there."`
}

// Run converts one file or all of a folder. Of a folder, what cannot be converted
// is told and does not hold up the others.
func (c convertCommand) Run(out io.Writer) error {
	if info, err := os.Stat(c.In); err != nil {
		return usageError{err}
	} else if info.IsDir() {
		return c.folder(out)
	}
	if isDirectory(c.Out) {
		if c.To == "" {
			return usage("%s is a folder; name the file to write, or say --to with an extension", c.Out)
		}
		c.Out = filepath.Join(c.Out, c.renamed(filepath.Base(c.In)))
	}
	if err := c.one(out, c.In, c.Out); err != nil {
		return usageError{err}
	}
	return nil
}

// renamed is a name with the extension of what is to be made.
func (c convertCommand) renamed(name string) string {
	return strings.TrimSuffix(name, filepath.Ext(name)) + "." + strings.TrimPrefix(c.To, ".")
}

// folder converts all sound files in a folder and those below it.
func (c convertCommand) folder(out io.Writer) error {
	if c.To == "" {
		return usage("%s is a folder; say with --to what to make of its files (%s)", c.In, strings.Join(file.Extensions(), ", "))
	}
	if _, err := file.WritableRate(c.renamed("x")); err != nil {
		return usage("cannot write %q files; there are %s", c.To, strings.Join(file.Extensions(), ", "))
	}
	var names []string
	err := filepath.WalkDir(c.In, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && file.Readable(path) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	made := map[string]string{}
	failed := 0
	for _, name := range names {
		inner, err := filepath.Rel(c.In, name)
		if err != nil {
			return err
		}
		target := filepath.Join(c.Out, c.renamed(inner))
		if other := made[target]; other != "" {
			err = fmt.Errorf("%s: %s was made of %s already", name, target, other)
		} else {
			made[target] = name
			err = c.one(out, name, target)
		}
		if err != nil {
			failed++
			fmt.Fprintln(out, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files were not converted", failed, len(names))
	}
	if len(names) == 0 {
		return usage("%s: no sound files in it", c.In)
	}
	return nil
}

// one converts a file and says so in a line. What it was to replace stays until
// the new one is whole.
func (c convertCommand) one(out io.Writer, from, to string) error {
	if _, err := os.Stat(to); err == nil && !c.Force {
		return fmt.Errorf("%s is there already; replace it with --force", to)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in, name := filepath.Split(from)
	reader, err := file.Open(os.DirFS(filepath.Clean(in+".")), name)
	if err != nil {
		return err
	}
	defer reader.Close()
	rate, err := c.rate(to, reader.Rate())
	if err != nil {
		return err
	}
	folder := filepath.Dir(to)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	writer, err := file.Create(root, filepath.Base(to), file.WriterOptions{Rate: rate, Atomic: true})
	if err != nil {
		return err
	}
	if err := file.Copy(writer, reader); err != nil {
		writer.Discard()
		return fmt.Errorf("%s: %w", from, err)
	}
	length := writer.Duration()
	if err := writer.Close(); err != nil {
		return err
	}
	short := ""
	if reader.Truncated() {
		short = ", ends too early"
	}
	_, err = fmt.Fprintf(out, "%s (%s, %d Hz%s) → %s (%d Hz, %.1f s)\n",
		from, reader.Info().Format, reader.Rate(), short, to, rate, length.Seconds())
	return err
}

// rate is at what rate a file is written.
func (c convertCommand) rate(to string, found int) (int, error) {
	fixed, err := file.WritableRate(to)
	switch {
	case err != nil:
		return 0, err
	case fixed == 0 && c.Rate == 0:
		return found, nil
	case fixed == 0:
		return c.Rate, nil
	case c.Rate != 0 && c.Rate != fixed:
		return 0, fmt.Errorf("%s: such files have %d samples a second, not %d", to, fixed, c.Rate)
	}
	return fixed, nil
}
