package records_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/csv"
	"github.com/moonwire/moonwire/core/records/recordstest"
	"github.com/moonwire/moonwire/core/records/sqlite"
)

const crashFolder = "MOONWIRE_TEST_CRASH" // tells the child where it works

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashFolder); dir != "" {
		if err := appendUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// startSinks delivers what is in dir to both kinds of files.
func startSinks(dir string) (*records.Journal, *records.Sinks, error) {
	j, err := records.Open(records.Options{Dir: dir, Log: silent})
	if err != nil {
		return nil, nil, err
	}
	sinks := records.NewSinks(j)
	return j, sinks, sinks.Apply([]records.Wanted{
		{Name: "csv", Make: func() (records.Sink, error) { return csv.New(csv.Options{Path: filepath.Join(dir, "Master.csv")}), nil }},
		{Name: "sqlite", Make: func() (records.Sink, error) {
			return sqlite.New(sqlite.Options{Path: filepath.Join(dir, "cdr.sqlite")}), nil
		}},
	})
}

// appendUntilKilled is the child: it says the unique name of each record after
// the journal has taken it.
func appendUntilKilled(dir string) error {
	j, _, err := startSinks(dir)
	if err != nil {
		return err
	}
	began := time.Now()
	for n := 0; ; n++ {
		r := recordstest.Sample(n)
		r.Unique = records.UniqueOf(began, r.ID)
		if err := j.Append(&r); err != nil {
			return err
		}
		if _, err := fmt.Println(r.Unique); err != nil {
			return err
		}
	}
}

// TestKilledAtAnyMoment kills a process that writes and delivers records, again
// and again, and then looks for each record that it had said was kept.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	chance := rand.New(rand.NewPCG(1, 2))
	kept := map[string]bool{}
	for range 20 {
		for _, unique := range killedRun(t, dir, chance.IntN(500)) {
			kept[unique] = true
		}
	}
	j, sinks, err := startSinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "delivery", func() bool {
		for _, s := range sinks.Status() {
			if s.Pending > 0 {
				return false
			}
		}
		return true
	})
	sinks.Close(t.Context())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for sink, got := range map[string]map[string]int{"csv": uniquesOfCSV(t, dir), "sqlite": uniquesOfSQLite(t, dir)} {
		for unique := range kept {
			if got[unique] == 0 {
				t.Errorf("%s: %s is lost", sink, unique)
			}
		}
		for unique, n := range got {
			if n > 1 {
				t.Errorf("%s: %s is there %d times", sink, unique, n)
			}
		}
		t.Logf("%s: %d records, of which %d were told", sink, len(got), len(kept))
	}
}

// killedRun lets a child say so many names, kills it, and returns what it said.
func killedRun(t *testing.T, dir string, after int) (said []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), crashFolder+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // what it had said of a line is none
		}
		said = append(said, strings.TrimSpace(line))
		if len(said) == after+1 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); errors.Is(ctx.Err(), context.DeadlineExceeded) || len(said) <= after {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return said
}

func uniquesOfCSV(t *testing.T, dir string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "Master.csv"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		if !strings.HasSuffix(line, "\"a;b\"\n") || len(cells) < 18 {
			t.Errorf("torn row %q", line)
			continue
		}
		got[strings.Trim(cells[len(cells)-2], `"`)]++
	}
	return got
}

func uniquesOfSQLite(t *testing.T, dir string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "cdr.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT uniqueid FROM cdr`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string]int{}
	for rows.Next() {
		var unique string
		if err := rows.Scan(&unique); err != nil {
			t.Fatal(err)
		}
		got[unique]++
	}
	return got
}
