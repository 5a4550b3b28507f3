// Package postgres writes call records to a table of a PostgreSQL database.
package postgres

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/table"
)

// Options say which database and table.
type Options struct {
	DSN   string         // "postgres://user:password@host/database", or "host=… user=…"
	Table string         // perhaps with its schema; "": "cdr"
	Zone  *time.Location // of times in columns without zone; nil: UTC
}

// New returns a sink; the server is reached later. An error is about the DSN.
func New(o Options) (records.Sink, error) {
	config, err := pgx.ParseConfig(o.DSN)
	if err != nil {
		return nil, err
	}
	if o.Table == "" {
		o.Table = "cdr"
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "moonwire"
	}
	return table.New(func() (*sql.DB, error) { return stdlib.OpenDB(*config), nil }, dialect, table.Options{Table: o.Table, Zone: o.Zone}), nil
}

var dialect = table.Dialect{
	Describe: table.DescribeBySchema(columns, unique),
	Type: func(c records.Column) string {
		switch c.Kind {
		case records.Integer:
			return "bigint"
		case records.Real:
			return "double precision"
		case records.Time:
			return "timestamptz"
		case records.JSON:
			return "jsonb"
		}
		return "text"
	},
	Quote:       func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` },
	Placeholder: func(n int) string { return "$" + strconv.Itoa(n) },
	Again:       `ON CONFLICT ("uniqueid") DO NOTHING`,
	Time:        func(t time.Time) any { return t },
	// Class 22 is data exceptions, 23 integrity constraints.
	Refused: func(err error) bool { return class(err, "22", "23") || isEncoding(err) },
	// Class 28 is authorization, 3D and 3F no such database and schema, 42 access
	// rules and syntax.
	Setup: func(err error) bool { return class(err, "28", "3D", "3F", "42") },
}

const columns = `SELECT column_name::text, data_type IN ('smallint','integer','bigint','numeric','real','double precision'),
	coalesce(character_maximum_length, 0)::int, is_nullable = 'NO', column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS'
	FROM information_schema.columns WHERE table_schema = coalesce(nullif($1::text, ''), current_schema()) AND table_name = $2 ORDER BY ordinal_position`

const unique = `SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
	WHERE n.nspname = coalesce(nullif($1::text, ''), current_schema()) AND c.relname = $2
	AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = 'uniqueid'`

// class reports whether err has one of the classes of SQLSTATE.
func class(err error, classes ...string) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range classes {
		if strings.HasPrefix(e.Code, c) {
			return true
		}
	}
	return false
}

// isEncoding reports whether a value could not even be sent, for its type.
func isEncoding(err error) bool {
	return strings.Contains(err.Error(), "failed to encode args")
}
