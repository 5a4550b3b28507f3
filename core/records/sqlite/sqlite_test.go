package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/recordstest"
	"github.com/moonwire/moonwire/core/records/sqlite"
)

func TestSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder", "100% cdr#1.sqlite")
	sink := func(_ *testing.T, table string) records.Sink {
		return sqlite.New(sqlite.Options{Path: path, Table: table})
	}
	first := sink(t, "first")
	if err := first.Open(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	recordstest.Conform(t, recordstest.Database{DB: db, Sink: sink, Unbounded: true, Quote: func(name string) string { return `"` + name + `"` }})
}

func TestNoDatabase(t *testing.T) {
	for _, path := range []string{"/proc/no/such/folder/cdr.sqlite", t.TempDir()} {
		if err := sqlite.New(sqlite.Options{Path: path}).Open(t.Context(), ""); err == nil {
			t.Errorf("%s is taken for a database", path)
		}
	}
}
