package api

import (
	"regexp"
	"time"
)

// RecordSink is where a site wants its call records.
type RecordSink struct {
	Kind    string // "csv", "sqlite", "postgres" or "mysql"
	Name    string // tells sinks of a kind apart
	Path    string // of the file, "" for the usual one; perhaps relative to the data directory
	DSN     string // of the database
	Table   string
	Columns string // names, separated by commas; "" for the usual ones
	Header  bool
	UTC     bool
	Source  string // where it is declared
}

// Keeping is for how long call records are kept in the journal. Zero is usual.
type Keeping struct {
	Size int64 // octets
	Age  time.Duration
}

var sinkFields = []Field{
	{Name: "name", Type: text(), Summary: "tells several sinks of a kind apart; that of the kind where left out. Delivery goes on where it stopped for a name that is known"},
	{Name: "utc", Type: truth(), Default: false, Summary: "times in UTC instead of the server's zone"},
}

var tableField = Field{Name: "table", Type: text(), Default: "cdr", Summary: "the table, perhaps with its schema; made where there is none"}

func sinkOptions(fields ...Field) []Field {
	return []Field{{Name: "options", Required: true, Summary: "where, and how", Type: record(append(fields, sinkFields...)...)}}
}

var recordsEntries = []*Entry{
	{On: "records", Name: "csv", Phase: Loading, Summary: "Writes the record of each call to a file, as Asterisk writes Master.csv.",
		Params: sinkOptions(
			Field{Name: "path", Type: text(), Default: "records/Master.csv", Summary: "the file, within the data directory unless it begins with a slash"},
			Field{Name: "columns", Type: listOf(text()), Summary: "their names: those of the page on call records, or of call.fields; where left out those of Asterisk"},
			Field{Name: "header", Type: truth(), Default: false, Summary: "begin a new file with a line of names"},
		),
		Example: `records.csv { path = "/var/log/moonwire/Master.csv" }`,
		Func:    func(a *Args) int { return a.sink("csv") }},
	{On: "records", Name: "sqlite", Phase: Loading, Summary: "Writes the record of each call to a table of an SQLite database.",
		Params:  sinkOptions(Field{Name: "path", Type: text(), Default: "records/cdr.sqlite", Summary: "the file, within the data directory unless it begins with a slash"}, tableField),
		Example: `records.sqlite { path = "/srv/calls/cdr.sqlite" }`,
		Func:    func(a *Args) int { return a.sink("sqlite") }},
	{On: "records", Name: "postgres", Phase: Loading, Summary: "Writes the record of each call to a table of a PostgreSQL database.",
		Params:  sinkOptions(Field{Name: "dsn", Type: text(), Required: true, Summary: "server, database, user: `postgres://moonwire:secret@db.example.org/calls`"}, tableField),
		Example: `records.postgres { dsn = env("RECORDS_DSN", "postgres://moonwire@db.example.org/calls"), table = "cdr" }`,
		Func:    func(a *Args) int { return a.sink("postgres") }},
	{On: "records", Name: "mysql", Phase: Loading, Summary: "Writes the record of each call to a table of a MySQL or MariaDB database.",
		Params:  sinkOptions(Field{Name: "dsn", Type: text(), Required: true, Summary: "user, server, database: `moonwire:secret@tcp(db.example.org:3306)/asterisk`"}, tableField),
		Example: `records.mysql { dsn = env("RECORDS_DSN", "moonwire@tcp(db.example.org)/asterisk"), table = "cdr" }`,
		Func:    func(a *Args) int { return a.sink("mysql") }},
	{On: "records", Name: "keep", Phase: Loading, Summary: "Says how much of the journal of call records is kept on this server.",
		Detail: "What every sink has got is kept so long, for `moonwire records`. What some sink has not got stays while there is room.",
		Params: []Field{{Name: "options", Required: true, Summary: "how much", Type: record(
			Field{Name: "days", Type: seconds(), Default: 90, Summary: "how long records are kept that every sink has"},
			Field{Name: "size", Type: count(), Unit: "bytes", Default: 512 << 20, Summary: "of the whole journal, 64 KB or more"},
		)}},
		Example: `records.keep { days = 30, size = 100e6 }`,
		Func:    (*Args).keepRecords},
}

// sinkName is what a sink can be called: part of a file's name.
var sinkName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

func (a *Args) sink(kind string) int {
	site := a.site()
	if site == nil {
		return 0
	}
	o := a.Options(0)
	s := RecordSink{
		Kind: kind, Name: kind, Path: o.String("path"), DSN: o.String("dsn"), Table: o.String("table"),
		Header: o.Bool("header"), UTC: o.Bool("utc"), Source: a.Source(),
	}
	for i, name := range o.Strings("columns") {
		if i > 0 {
			s.Columns += ","
		}
		s.Columns += name
	}
	if o.Has("name") {
		s.Name = o.String("name")
	}
	if !sinkName.MatchString(s.Name) {
		a.Fail("a name is of letters, digits, - and _, not %q", s.Name)
	}
	if err := site.once("the sink "+s.Name+" of call records (name = \"…\" tells several apart)", a.Source()); err != nil {
		a.Fail("%s", err)
	}
	site.Records = append(site.Records, s)
	return 0
}

func (a *Args) keepRecords() int {
	site := a.site()
	if site == nil {
		return 0
	}
	if err := site.once("records.keep", a.Source()); err != nil {
		a.Fail("%s", err)
	}
	o := a.Options(0)
	if o.Has("size") && o.Number("size") < 64<<10 {
		a.Fail("size is 64 KB or more")
	}
	site.Keeping = Keeping{Size: int64(o.Number("size")), Age: time.Duration(o.Number("days") * float64(24*time.Hour))}
	return 0
}
