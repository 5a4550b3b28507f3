package recordstest

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/records"
)

// Database is a real database that a sink is tested on.
type Database struct {
	DB    *sql.DB                                       // beside the sink's own connection
	Sink  func(t *testing.T, table string) records.Sink // a new sink
	Quote func(name string) string
	// Unbounded says that texts may be longer than their column says.
	Unbounded bool
	Again     func(t *testing.T) // ends the connections of sinks, as an outage does; nil where there are none
}

// Conform tests what every sink of a database does.
func Conform(t *testing.T, d Database) {
	t.Run("makes its table and takes no record twice", d.once)
	t.Run("fills a table that is there", d.there)
	t.Run("says what a table lacks", d.lacks)
	t.Run("refuses what the table does not take", d.refuses)
	if d.Again != nil {
		t.Run("goes on after an outage", d.outage)
	}
}

func (d Database) open(t *testing.T, table string) records.Sink {
	t.Helper()
	s := d.Sink(t, table)
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Open(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	return s
}

func (d Database) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.DB.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// row is one value of a table as text.
func (d Database) one(t *testing.T, query string) (value string) {
	t.Helper()
	var text sql.NullString
	if err := d.DB.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text.String
}

func samples(from, to int) (list []records.Record) {
	for n := from; n < to; n++ {
		list = append(list, Sample(n))
	}
	return list
}

func (d Database) write(t *testing.T, s records.Sink, list []records.Record) {
	t.Helper()
	if _, err := s.Write(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func (d Database) once(t *testing.T) {
	s := d.open(t, "cdr")
	d.write(t, s, samples(0, 1000))
	d.write(t, s, samples(990, 1010))
	_ = s.Close()
	s = d.open(t, "cdr") // the table is there now
	d.write(t, s, samples(1000, 1020))
	if n := d.one(t, "SELECT count(*) FROM cdr"); n != "1020" {
		t.Errorf("%s rows of 1020", n)
	}
	where := " FROM cdr WHERE linkedid = 'sip-1-2'"
	for column, want := range map[string]string{
		"src": "1002", "clid": `"Zoë "Z" O'Hara, \N" <1002>`, "lastapp": "dial", "duration": "61", "billsec": "59", "disposition": "ANSWERED",
		"amaflags": "DOCUMENTATION", "userfield": "a;b", "codec": "alaw", "far_codec": "g722", "lost": "12", "mos": "4.3", "talk": "59.5", "uniqueid": Sample(2).Unique,
	} {
		if got := d.one(t, "SELECT "+column+where); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if got := strings.ReplaceAll(d.one(t, "SELECT fields"+where), " ", ""); got != `{"project":"moon","userfield":"a;b","accountcode":"sales"}` && got != `{"accountcode":"sales","project":"moon","userfield":"a;b"}` {
		t.Errorf("fields %s", got)
	}
	if got := strings.Replace(d.one(t, "SELECT "+d.Quote("start")+where), "T", " ", 1); !strings.HasPrefix(got, "2026-11-21 08:00:02.474") {
		t.Errorf("start %s", got)
	}
	if got := d.one(t, "SELECT count(*) FROM cdr WHERE answer IS NULL"); got != "255" {
		t.Errorf("%s without answer", got)
	}
}

func (d Database) there(t *testing.T) {
	d.exec(t, `CREATE TABLE old_cdr (calldate timestamp NOT NULL, clid varchar(10) NOT NULL, src varchar(80) NOT NULL, amaflags int, billsec int NOT NULL,
		accountcode varchar(20) NOT NULL, uniqueid varchar(150) NOT NULL, project varchar(3), remarks varchar(10), counted int DEFAULT 7, UNIQUE (uniqueid))`)
	s := d.open(t, "old_cdr")
	d.write(t, s, samples(0, 3))
	bare := Sample(3)
	bare.Fields = nil
	d.write(t, s, []records.Record{bare})
	for query, want := range map[string]string{
		"SELECT clid FROM old_cdr WHERE src = '1001'":        `"Zoë "Z" O`,
		"SELECT amaflags FROM old_cdr WHERE src = '1001'":    "3",
		"SELECT project FROM old_cdr WHERE src = '1001'":     "moo",
		"SELECT counted FROM old_cdr WHERE src = '1001'":     "7",
		"SELECT accountcode FROM old_cdr WHERE src = '1003'": "",
		"SELECT count(*) FROM old_cdr WHERE remarks IS NULL": "4",
		"SELECT count(*) FROM old_cdr WHERE project IS NULL": "1",
	} {
		if got := d.one(t, query); got != want && !(d.Unbounded && strings.HasPrefix(got, want)) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func (d Database) lacks(t *testing.T) {
	d.exec(t, `CREATE TABLE unindexed (src varchar(80), uniqueid varchar(150))`)
	d.exec(t, `CREATE TABLE strict (src varchar(80), uniqueid varchar(150) NOT NULL, answer timestamp NOT NULL, UNIQUE (uniqueid))`)
	for table, want := range map[string]string{
		"unindexed": "needs a column uniqueid with a unique index, so that no call is in it twice: CREATE UNIQUE INDEX",
		"strict":    "answer of table strict must take NULL",
	} {
		s := d.Sink(t, table)
		err := s.Open(t.Context(), "")
		if setup := (*records.SetupError)(nil); !errors.As(err, &setup) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		_ = s.Close()
	}
	d.exec(t, "CREATE UNIQUE INDEX moonwire_uniqueid ON unindexed ("+d.Quote("uniqueid")+")") // as was advised
	d.write(t, d.open(t, "unindexed"), samples(0, 1))
}

func (d Database) refuses(t *testing.T) {
	d.exec(t, `CREATE TABLE picky (src varchar(80), uniqueid varchar(150) NOT NULL, UNIQUE (uniqueid), CHECK (src <> '1001'))`)
	s := d.open(t, "picky")
	d.write(t, s, samples(0, 1))
	if _, err := s.Write(t.Context(), samples(0, 4)); !errors.Is(err, records.ErrRefused) {
		t.Fatalf("%v", err)
	}
	d.write(t, s, samples(2, 4)) // it goes on
	if n := d.one(t, "SELECT count(*) FROM picky"); n != "3" {
		t.Errorf("%s rows: some of what was refused is there", n)
	}
}

func (d Database) outage(t *testing.T) {
	s := d.open(t, "after_outage")
	d.write(t, s, samples(0, 2))
	d.Again(t)
	_, err := s.Write(t.Context(), samples(2, 4))
	if err != nil { // the pool may have noticed and connected anew
		if errors.Is(err, records.ErrRefused) {
			t.Fatalf("an outage is taken for a refusal: %v", err)
		}
		if err := s.Open(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		d.write(t, s, samples(2, 4))
	}
	if n := d.one(t, "SELECT count(*) FROM after_outage"); n != "4" {
		t.Errorf("%s rows", n)
	}
}
