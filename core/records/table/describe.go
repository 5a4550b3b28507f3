package table

import (
	"context"
	"database/sql"
	"strings"
)

// DescribeBySchema is a Describe for databases that tell of themselves in the
// standard's information_schema. columns asks for the name, whether it is a
// number, the length, whether NULL is refused and whether there is a standard
// value; unique for the number of unique indexes on uniqueid alone. Both take the
// schema, "" for the current one, and the table.
func DescribeBySchema(columns, unique string) func(context.Context, *sql.DB, string) ([]Found, bool, error) {
	return func(ctx context.Context, db *sql.DB, name string) ([]Found, bool, error) {
		schema, table, ok := strings.Cut(name, ".")
		if !ok {
			schema, table = "", name
		}
		rows, err := db.QueryContext(ctx, columns, schema, table)
		if err != nil {
			return nil, false, err
		}
		defer rows.Close()
		var found []Found
		for rows.Next() {
			var f Found
			if err := rows.Scan(&f.Name, &f.Number, &f.Length, &f.Required, &f.Standard); err != nil {
				return nil, false, err
			}
			found = append(found, f)
		}
		if err := rows.Err(); err != nil || len(found) == 0 {
			return nil, false, err
		}
		var indexes int
		err = db.QueryRowContext(ctx, unique, schema, table).Scan(&indexes)
		return found, indexes > 0, err
	}
}
