package postgres_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/postgres"
	"github.com/moonwire/moonwire/core/records/recordstest"
)

// TestPostgreSQL runs a server of its own, without a port, that is stopped and
// started again in the end.
func TestPostgreSQL(t *testing.T) {
	s := recordstest.NewServer(t)
	data := s.Dir + "/data"
	s.Run(t, recordstest.Program(t, "initdb"), "-D", data, "-U", "moonwire", "-A", "trust", "-E", "UTF8", "--no-sync")
	dsn := "host=" + s.Dir + " user=moonwire dbname=postgres"
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	start := func() {
		s.Start(t, db, recordstest.Program(t, "postgres"), "-D", data, "-k", s.Dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "timezone=UTC")
	}
	start()
	sink := func(t *testing.T, table string) records.Sink {
		p, err := postgres.New(postgres.Options{DSN: dsn, Table: table})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	recordstest.Conform(t, recordstest.Database{DB: db, Sink: sink, Quote: func(name string) string { return `"` + name + `"` },
		Again: func(t *testing.T) {
			s.Stop(t)
			if err := sink(t, "cdr").Open(t.Context(), ""); err == nil {
				t.Error("a server that is down is reached")
			}
			start()
		}})
	t.Run("a schema", func(t *testing.T) {
		if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA calls"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := sink(t, "calls.cdr").Open(t.Context(), ""); err != nil {
				t.Error(err)
			}
		}
		err := sink(t, "nowhere.cdr").Open(t.Context(), "")
		if err == nil || !strings.Contains(err.Error(), "the table nowhere.cdr is not there and cannot be made") {
			t.Errorf("%v", err)
		}
	})
}

func TestWrongDSN(t *testing.T) {
	if _, err := postgres.New(postgres.Options{DSN: "postgres://:port/"}); err == nil {
		t.Error("nonsense is taken for a DSN")
	}
}
