package mysql_test

import (
	"database/sql"
	"testing"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/mysql"
	"github.com/moonwire/moonwire/core/records/recordstest"
)

// TestMariaDB runs a server of its own, without a port, that is stopped and
// started again in the end.
func TestMariaDB(t *testing.T) {
	s := recordstest.NewServer(t)
	data, socket := s.Dir+"/data", s.Dir+"/s"
	s.Run(t, recordstest.Program(t, "mariadb-install-db"), "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	dsn := "root@unix(" + socket + ")/mysql"
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	start := func() {
		s.Start(t, db, recordstest.Program(t, "mariadbd"), "--no-defaults", "--datadir="+data, "--socket="+socket, "--skip-networking",
			"--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=16M", "--pid-file="+s.Dir+"/pid")
	}
	start()
	for _, statement := range []string{"CREATE DATABASE calls", "CREATE USER stranger", "SET GLOBAL explicit_defaults_for_timestamp = 1"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	calls, err := sql.Open("mysql", "root@unix("+socket+")/calls")
	if err != nil {
		t.Fatal(err)
	}
	defer calls.Close()
	sink := func(t *testing.T, table string) records.Sink { return newSink(t, "root@unix("+socket+")/calls", table) }
	recordstest.Conform(t, recordstest.Database{DB: calls, Sink: sink, Quote: func(name string) string { return "`" + name + "`" },
		Again: func(t *testing.T) {
			s.Stop(t)
			if err := sink(t, "cdr").Open(t.Context(), ""); err == nil {
				t.Error("a server that is down is reached")
			}
			start()
		}})
	t.Run("no right", func(t *testing.T) {
		err := newSink(t, "stranger@unix("+socket+")/calls", "cdr").Open(t.Context(), "")
		if _, setup := err.(*records.SetupError); !setup {
			t.Errorf("%v", err)
		}
	})
	t.Run("a database", func(t *testing.T) {
		for range 2 {
			if err := newSink(t, "root@unix("+socket+")/mysql", "calls.elsewhere").Open(t.Context(), ""); err != nil {
				t.Error(err)
			}
		}
	})
}

func newSink(t *testing.T, dsn, table string) records.Sink {
	t.Helper()
	s, err := mysql.New(mysql.Options{DSN: dsn, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWrongDSN(t *testing.T) {
	for _, dsn := range []string{"", "nonsense", "user@tcp(host)/"} {
		if _, err := mysql.New(mysql.Options{DSN: dsn}); err == nil {
			t.Errorf("%q is taken for a DSN", dsn)
		}
	}
}
