// Package table writes call records to a table of an SQL database, whatever its
// dialect.
//
// The table is made where there is none. One that is there is taken as it is: the
// columns that it has are filled, those that it lacks are left out, and a column
// called like a field of a script takes that field. What it must have is uniqueid
// with a unique index, by which a record that comes a second time is known.
package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/moonwire/moonwire/core/records"
)

// Dialect is what one kind of database says differently.
type Dialect struct {
	// Describe finds the columns of a table, none where there is no such table,
	// and whether uniqueid has a unique index of its own.
	Describe func(ctx context.Context, db *sql.DB, table string) (found []Found, unique bool, err error)
	// Type is the type of a column in a table that we make.
	Type func(records.Column) string
	// Quote makes a name of any text.
	Quote func(name string) string
	// Placeholder stands for the nth value, from 1.
	Placeholder func(n int) string
	// Again ends an INSERT so that rows that are there already stay as they are.
	Again string
	// Time is how a time is given to the database.
	Time func(time.Time) any
	// Refused says that an error is about what is in a row.
	Refused func(error) bool
	// Setup says that an error is one that only an operator can mend.
	Setup func(error) bool
}

// Found is a column that a table has.
type Found struct {
	Name     string
	Number   bool // it takes numbers rather than text
	Length   int  // longest text in characters; 0: any
	Required bool // it takes no NULL
	Standard bool // it has a value where none is given: a default, a serial number
}

// Options say which table.
type Options struct {
	Table string         // perhaps with its schema: "calls.cdr"
	Zone  *time.Location // of times, in columns that know no zone; nil: UTC
}

// Sink is a table; a records.Sink.
type Sink struct {
	connect func() (*sql.DB, error)
	d       Dialect
	o       Options
	db      *sql.DB
	columns []filled
}

// filled is a column of the table and what it is filled with.
type filled struct {
	records.Column
	found Found
	field bool // of a script
}

var _ records.Sink = (*Sink)(nil)

// New returns a sink of the database that connect opens.
func New(connect func() (*sql.DB, error), d Dialect, o Options) *Sink {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Sink{connect: connect, d: d, o: o}
}

// Open connects, and makes or checks the table.
func (s *Sink) Open(ctx context.Context, _ string) error {
	_ = s.Close()
	db, err := s.connect()
	if err != nil {
		return &records.SetupError{Err: err}
	}
	db.SetMaxOpenConns(1)
	s.db = db
	if err := s.prepare(ctx); err != nil {
		if s.d.Setup(err) {
			return &records.SetupError{Err: err}
		}
		return err
	}
	return nil
}

// prepare makes or checks the table.
func (s *Sink) prepare(ctx context.Context) error {
	found, unique, err := s.d.Describe(ctx, s.db, s.o.Table)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		if _, err := s.db.ExecContext(ctx, s.creation()); err != nil {
			return fmt.Errorf("the table %s is not there and cannot be made: %w", s.o.Table, err)
		}
		if found, unique, err = s.d.Describe(ctx, s.db, s.o.Table); err != nil {
			return err
		}
	}
	return s.check(found, unique)
}

// check matches the columns that the table has with those that there are.
func (s *Sink) check(found []Found, unique bool) error {
	s.columns = nil
	known := false
	for _, f := range found {
		c, ours := records.ColumnNamed(strings.ToLower(f.Name))
		switch {
		case !ours && f.Standard:
			continue
		case !ours:
			c = records.FieldColumn(f.Name)
		case c.Kind == records.Time && f.Required && c.Name != "start" && c.Name != "end":
			return &records.SetupError{Err: fmt.Errorf("the column %s of table %s must take NULL, for calls in which it did not happen", f.Name, s.o.Table)}
		case c.Name == "uniqueid":
			known = true
		}
		s.columns = append(s.columns, filled{c, f, !ours})
	}
	if !known || !unique {
		return &records.SetupError{Err: fmt.Errorf("the table %s needs a column uniqueid with a unique index, so that no call is in it twice: %s", s.o.Table, s.advice())}
	}
	return nil
}

func (s *Sink) name() string {
	parts := strings.Split(s.o.Table, ".")
	for i, p := range parts {
		parts[i] = s.d.Quote(p)
	}
	return strings.Join(parts, ".")
}

func (s *Sink) creation() string {
	var list []string
	for _, c := range records.Columns {
		definition := s.d.Quote(c.Name) + " " + s.d.Type(c)
		if c.Name == "uniqueid" {
			definition += " NOT NULL PRIMARY KEY"
		}
		list = append(list, definition)
	}
	return "CREATE TABLE " + s.name() + " (" + strings.Join(list, ", ") + ")"
}

// advice is the statement that mends a table without unique index.
func (s *Sink) advice() string {
	return "CREATE UNIQUE INDEX " + s.d.Quote("moonwire_uniqueid") + " ON " + s.name() + " (" + s.d.Quote("uniqueid") + ")"
}

// mostValues is how many values one statement has at most; every database takes
// more.
const mostValues = 10000

// Write inserts records in one transaction.
func (s *Sink) Write(ctx context.Context, list []records.Record) (string, error) {
	if s.db == nil {
		return "", errors.New("the database is not open")
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback() }()
	for part := range slices.Chunk(list, max(mostValues/len(s.columns), 1)) {
		statement, values := s.insertion(part)
		if _, err := tx.ExecContext(ctx, statement, values...); err != nil {
			return "", s.judged(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return "", s.judged(err)
	}
	return "", nil
}

func (s *Sink) judged(err error) error {
	if s.d.Refused(err) {
		return fmt.Errorf("%w by table %s: %w", records.ErrRefused, s.o.Table, err)
	}
	return err
}

// insertion is one statement for some records.
func (s *Sink) insertion(list []records.Record) (string, []any) {
	var b strings.Builder
	b.WriteString("INSERT INTO " + s.name() + " (")
	for i, c := range s.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.d.Quote(c.found.Name))
	}
	b.WriteString(") VALUES ")
	values := make([]any, 0, len(list)*len(s.columns))
	for i := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		for k, c := range s.columns {
			if k == 0 {
				b.WriteByte('(')
			} else {
				b.WriteByte(',')
			}
			values = append(values, s.value(c, &list[i]))
			b.WriteString(s.d.Placeholder(len(values)))
		}
		b.WriteByte(')')
	}
	b.WriteString(" " + s.d.Again)
	return b.String(), values
}

// value is what a column gets of a record.
func (s *Sink) value(c filled, r *records.Record) any {
	switch v := c.Value(r).(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return s.d.Time(v.In(s.o.Zone))
	case string:
		switch {
		case c.found.Number && c.Name == "amaflags":
			return records.AMANumber(v)
		case v == "" && !c.found.Required && (c.field || c.found.Number):
			return nil
		case v == "" && c.found.Number:
			return 0
		}
		return shortened(v, c.found.Length)
	default:
		return v
	}
}

// shortened cuts a text to so many characters; 0 is any number.
func shortened(text string, most int) string {
	if most <= 0 || len(text) <= most {
		return text
	}
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

// Close leaves the database.
func (s *Sink) Close() error {
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	return err
}
