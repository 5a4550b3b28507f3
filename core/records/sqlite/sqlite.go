// Package sqlite writes call records to a table of an SQLite database.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/table"
)

// Options say which file and table.
type Options struct {
	Path  string         // made where it is missing, with its folder
	Table string         // "": "cdr"
	Zone  *time.Location // of times; nil: UTC
}

// New returns a sink; the file is opened later.
func New(o Options) records.Sink {
	if o.Table == "" {
		o.Table = "cdr"
	}
	return table.New(func() (*sql.DB, error) {
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(o.Path, os.O_CREATE|os.O_RDWR, 0o640) // SQLite would let everybody read it
		if err != nil {
			return nil, err
		}
		_ = f.Close()
		// FULL, because the cursor moves on as soon as a transaction is committed.
		settings := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
		return sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: o.Path}).EscapedPath(), RawQuery: settings.Encode()}).String())
	}, dialect, table.Options{Table: o.Table, Zone: o.Zone})
}

var dialect = table.Dialect{
	Describe: describe,
	Type: func(c records.Column) string {
		switch c.Kind {
		case records.Integer:
			return "INTEGER"
		case records.Real:
			return "REAL"
		}
		return "TEXT"
	},
	Quote:       func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` },
	Placeholder: func(int) string { return "?" },
	Again:       `ON CONFLICT ("uniqueid") DO NOTHING`,
	Time:        func(t time.Time) any { return t.Format("2006-01-02 15:04:05.000") },
	Refused: func(err error) bool {
		return is(err, codes.SQLITE_CONSTRAINT, codes.SQLITE_MISMATCH, codes.SQLITE_TOOBIG)
	},
	Setup: func(err error) bool {
		return is(err, codes.SQLITE_ERROR, codes.SQLITE_CANTOPEN, codes.SQLITE_NOTADB, codes.SQLITE_READONLY, codes.SQLITE_PERM)
	},
}

// is reports whether err is one of SQLite's primary result codes.
func is(err error, primary ...int) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range primary {
		if e.Code()&0xff == code {
			return true
		}
	}
	return false
}

const numeric = `(upper(type) LIKE '%INT%' OR upper(type) LIKE 'REAL%' OR upper(type) LIKE 'NUM%' OR upper(type) LIKE 'FLOAT%' OR upper(type) LIKE 'DOUBLE%')`

func describe(ctx context.Context, db *sql.DB, name string) (found []table.Found, unique bool, err error) {
	rows, err := db.QueryContext(ctx, `SELECT name, `+numeric+`, 0, "notnull", dflt_value IS NOT NULL OR (pk = 1 AND upper(type) = 'INTEGER') FROM pragma_table_info(?)`, name)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var f table.Found
		if err := rows.Scan(&f.Name, &f.Number, &f.Length, &f.Required, &f.Standard); err != nil {
			return nil, false, err
		}
		found = append(found, f)
	}
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	var indexes int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM pragma_index_list(?1) AS i WHERE i."unique" AND NOT i.partial
		AND (SELECT group_concat(lower(c.name)) FROM pragma_index_info(i.name) AS c) = 'uniqueid'`, name).Scan(&indexes)
	return found, indexes > 0, err
}
