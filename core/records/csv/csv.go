// Package csv writes call records to a file of comma-separated values, by default
// with the columns of Asterisk's Master.csv.
//
// A file knows no transactions, so after a crash a row may be in it, whole or in
// part, that the cursor of the delivery does not know of. The sink's mark is the
// size of the file after the last batch that counted; what lies behind it is
// compared with the rows that come, which are made of the same records and so are
// the same octets: a row that is there is not written again, and one that is there
// in part is completed.
package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/records"
)

// Options say what the file is like.
type Options struct {
	Path    string
	Columns []string       // names of records.Columns, or of fields of scripts; nil: records.Asterisk
	Header  bool           // the first line of a new file names the columns
	Zone    *time.Location // of times; nil: UTC
}

// Sink is a file; a records.Sink. Programs that rotate logs may rename or cut it
// at any time: where the name leads to another file, or to none, it is opened anew.
type Sink struct {
	o       Options
	columns []records.Column
	file    *os.File
	size    int64
	there   map[string]bool // rows behind the mark when the file was opened
	torn    []byte          // and what follows the last of them
}

var _ records.Sink = (*Sink)(nil)

// longestTail is how much of the end of a file may be rows that the cursor does
// not know of: more than any batch.
const longestTail = 2 << 20

// New returns a sink; the file is opened later.
func New(o Options) *Sink {
	if o.Columns == nil {
		o.Columns = records.Asterisk
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	s := &Sink{o: o}
	for _, name := range o.Columns {
		c, ok := records.ColumnNamed(name)
		if !ok {
			c = records.FieldColumn(name)
		}
		s.columns = append(s.columns, c)
	}
	return s
}

// Open opens the file, or makes it.
func (s *Sink) Open(_ context.Context, mark string) error {
	_ = s.Close()
	if err := s.open(); err != nil {
		return err
	}
	from := max(s.size-longestTail, 0)
	if n, err := strconv.ParseInt(mark, 10, 64); err == nil && n >= from {
		from = n
	}
	s.there, s.torn = map[string]bool{}, nil
	if from >= s.size {
		return nil
	}
	tail := make([]byte, s.size-from)
	if _, err := s.file.ReadAt(tail, from); err != nil && err != io.EOF {
		return err
	}
	for {
		row, rest, whole := bytes.Cut(tail, []byte{'\n'})
		if !whole {
			break
		}
		s.there[string(row)], tail = true, rest
	}
	s.torn = tail
	return nil
}

// open opens the file that the name leads to now.
func (s *Sink) open() error {
	if err := os.MkdirAll(filepath.Dir(s.o.Path), 0o700); err != nil {
		return &records.SetupError{Err: err}
	}
	f, err := os.OpenFile(s.o.Path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o640)
	if err != nil {
		return &records.SetupError{Err: err}
	}
	info, err := f.Stat()
	if err == nil && info.Size() == 0 && s.o.Header {
		_, err = f.WriteString(strings.Join(s.o.Columns, ",") + "\n")
		if err == nil {
			info, err = f.Stat()
		}
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.file, s.size = f, info.Size()
	return nil
}

// Write appends the rows that are not there yet.
func (s *Sink) Write(_ context.Context, list []records.Record) (string, error) {
	if s.file == nil {
		return "", errors.New("the file is not open")
	}
	if err := s.follow(); err != nil {
		return "", err
	}
	var rows []byte
	for i := range list {
		rows = s.add(rows, &list[i])
	}
	if len(rows) > 0 {
		s.there = nil
		if _, err := s.file.Write(rows); err != nil {
			return "", err
		}
	}
	if err := s.file.Sync(); err != nil {
		return "", fmt.Errorf("%s: %w", s.o.Path, err)
	}
	info, err := s.file.Stat()
	if err != nil {
		return "", err
	}
	s.size = info.Size()
	return strconv.FormatInt(s.size, 10), nil
}

// add adds what is missing of a record's row.
func (s *Sink) add(rows []byte, r *records.Record) []byte {
	before := len(rows)
	rows = appendRow(rows, r, s.columns, s.o.Zone)
	row := rows[before:]
	if s.there[string(row[:len(row)-1])] {
		return rows[:before]
	}
	torn := s.torn
	s.torn = nil
	switch {
	case len(torn) == 0:
		return rows
	case bytes.HasPrefix(row, torn):
		return append(rows[:before], row[len(torn):]...)
	}
	row = bytes.Clone(row) // a torn row that is somebody else's gets its end
	return append(append(rows[:before], '\n'), row...)
}

// follow opens the file anew where the name leads to another one.
func (s *Sink) follow() error {
	named, err := os.Stat(s.o.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		info, err := s.file.Stat()
		if err != nil {
			return err
		}
		if os.SameFile(named, info) {
			return nil
		}
	}
	_ = s.file.Close()
	s.there, s.torn = nil, nil
	return s.open()
}

// Close closes the file.
func (s *Sink) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
