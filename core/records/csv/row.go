package csv

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/records"
)

// A row is written as Asterisk writes its own: texts and times in double quotes,
// a quote in a text doubled, numbers bare, a time that did not come empty. A line
// break in a text becomes a space, so that a row is a line.

var oneLine = strings.NewReplacer(`"`, `""`, "\r\n", " ", "\n", " ", "\r", " ")

const timeLayout = "2006-01-02 15:04:05"

// appendRow adds the line of a record.
func appendRow(b []byte, r *records.Record, columns []records.Column, zone *time.Location) []byte {
	for i, c := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := c.Value(r).(type) {
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case float64:
			b = strconv.AppendFloat(b, v, 'f', -1, 64)
		case time.Time:
			if !v.IsZero() {
				b = append(b, '"')
				b = v.In(zone).AppendFormat(b, timeLayout)
				b = append(b, '"')
			}
		case string:
			b = append(b, '"')
			b = append(b, oneLine.Replace(v)...)
			b = append(b, '"')
		}
	}
	return append(b, '\n')
}

// Writer writes rows to anywhere. One goroutine at a time calls it.
type Writer struct {
	out     io.Writer
	names   []string
	columns []records.Column
	zone    *time.Location
	row     []byte
}

// NewWriter returns a writer of rows with the columns and zone of o.
func NewWriter(out io.Writer, o Options) *Writer {
	s := New(o)
	return &Writer{out: out, names: s.o.Columns, columns: s.columns, zone: s.o.Zone}
}

// Header writes the names of the columns.
func (w *Writer) Header() error {
	_, err := io.WriteString(w.out, strings.Join(w.names, ",")+"\n")
	return err
}

// Write writes the row of a record.
func (w *Writer) Write(r *records.Record) error {
	w.row = appendRow(w.row[:0], r, w.columns, w.zone)
	_, err := w.out.Write(w.row)
	return err
}
