// Package mysql writes call records to a table of a MySQL or MariaDB database.
package mysql

import (
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/table"
)

// Options say which database and table.
type Options struct {
	DSN   string         // "user:password@tcp(host:3306)/database"
	Table string         // perhaps with its database; "": "cdr"
	Zone  *time.Location // of times; nil: UTC
}

// New returns a sink; the server is reached later. An error is about the DSN.
func New(o Options) (records.Sink, error) {
	config, err := mysql.ParseDSN(o.DSN)
	if err != nil {
		return nil, err
	}
	if config.DBName == "" && !strings.Contains(o.Table, ".") {
		return nil, errors.New(`the database is missing: user:password@tcp(host:3306)/database`)
	}
	if o.Table == "" {
		o.Table = "cdr"
	}
	config.InterpolateParams = true // one round trip, and any number of values
	config.Logger = quiet{}
	return table.New(func() (*sql.DB, error) {
		connector, err := mysql.NewConnector(config)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	}, dialect, table.Options{Table: o.Table, Zone: o.Zone}), nil
}

// quiet keeps the driver from writing to standard error; what fails is returned.
type quiet struct{}

func (quiet) Print(...any) {}

var dialect = table.Dialect{
	Describe: table.DescribeBySchema(columns, unique),
	Type: func(c records.Column) string {
		switch c.Kind {
		case records.Integer:
			return "BIGINT"
		case records.Real:
			return "DOUBLE"
		case records.Time:
			return "DATETIME(3)"
		case records.JSON:
			return "LONGTEXT CHARACTER SET utf8mb4"
		}
		if c.Name == "uniqueid" { // told apart by octets
			return "VARCHAR(" + strconv.Itoa(c.Length) + ") CHARACTER SET ascii COLLATE ascii_bin"
		}
		return "VARCHAR(" + strconv.Itoa(c.Length) + ") CHARACTER SET utf8mb4"
	},
	Quote:       func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" },
	Placeholder: func(int) string { return "?" },
	Again:       "ON DUPLICATE KEY UPDATE `uniqueid` = `uniqueid`",
	Time:        func(t time.Time) any { return t.Format("2006-01-02 15:04:05.000") },
	// data too long, out of range, wrong for the type, NULL, a constraint
	Refused: func(err error) bool { return is(err, 1048, 1062, 1264, 1265, 1292, 1366, 1406, 3140, 3819, 4025) },
	// access denied, no such database, no right, no such column, syntax
	Setup: func(err error) bool { return is(err, 1044, 1045, 1049, 1054, 1064, 1142, 1143, 1146, 1227) },
}

const columns = "SELECT column_name, data_type IN ('tinyint','smallint','mediumint','int','bigint','decimal','float','double'), " +
	"CAST(coalesce(IF(data_type IN ('char','varchar'), character_maximum_length, 0), 0) AS SIGNED), is_nullable = 'NO', " +
	"(column_default IS NOT NULL AND column_default <> 'NULL') OR extra <> '' " +
	"FROM information_schema.columns WHERE table_schema = coalesce(nullif(?, ''), database()) AND table_name = ? ORDER BY ordinal_position"

const unique = "SELECT count(*) FROM (SELECT index_name FROM information_schema.statistics " +
	"WHERE table_schema = coalesce(nullif(?, ''), database()) AND table_name = ? AND non_unique = 0 " +
	"GROUP BY index_name HAVING count(*) = 1 AND lower(max(column_name)) = 'uniqueid') AS alone"

// is reports whether err is one of the server's errors of these numbers.
func is(err error, numbers ...uint16) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && slices.Contains(numbers, e.Number)
}
