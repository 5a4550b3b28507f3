package csv_test

import (
	"context"
	stdcsv "encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/csv"
	"github.com/moonwire/moonwire/core/records/recordstest"
)

func samples(from, to int) (list []records.Record) {
	for n := from; n < to; n++ {
		list = append(list, recordstest.Sample(n))
	}
	return list
}

// write opens the sink as after a start, and writes.
func write(t *testing.T, s *csv.Sink, mark string, list []records.Record) string {
	t.Helper()
	if err := s.Open(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	mark, err := s.Write(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	return mark
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRowsAreAsterisks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cdr-csv", "Master.csv")
	write(t, csv.New(csv.Options{Path: path}), "", samples(2, 4))
	want := `"sales","1002","600","internal","""Zoë ""Z"" O'Hara, \N"" <1002>","sip-1-2","sip-1-2b","dial","sip/600","2026-11-21 08:00:02","2026-11-21 08:00:04","2026-11-21 08:01:03",61,59,"ANSWERED","DOCUMENTATION","1795248002.474000-sip-1-2","a;b"
"sales","1003","600","internal","""Zoë ""Z"" O'Hara, \N"" <1003>","sip-1-3","sip-1-3b","dial","sip/600","2026-11-21 08:00:03",,"2026-11-21 08:01:05",61,0,"NO ANSWER","DOCUMENTATION","1795248003.711000-sip-1-3","a;b"
`
	if got := read(t, path); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestColumnsZoneAndHeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.csv")
	s := csv.New(csv.Options{Path: path, Columns: []string{"start", "project", "mos", "fields"}, Header: true, Zone: time.FixedZone("", 3600)})
	mark := write(t, s, "", samples(0, 1))
	write(t, s, mark, samples(1, 2))
	want := `start,project,mos,fields
"2026-11-21 09:00:00","moon",4.3,"{""accountcode"":""sales"",""project"":""moon"",""userfield"":""a;b""}"
"2026-11-21 09:00:01","moon",4.3,"{""accountcode"":""sales"",""project"":""moon"",""userfield"":""a;b""}"
`
	if got := read(t, path); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestCrashAtEveryOctet ends the file anywhere behind the mark, as a crash may,
// and delivers the same records again.
func TestCrashAtEveryOctet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Master.csv")
	s := csv.New(csv.Options{Path: path})
	mark := write(t, s, "", samples(0, 2))
	counted := len(read(t, path))
	write(t, s, mark, samples(2, 6))
	whole := read(t, path)
	for cut := counted; cut <= len(whole); cut++ {
		if err := os.WriteFile(path, []byte(whole[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		write(t, s, mark, samples(2, 6))
		if got := read(t, path); got != whole {
			t.Fatalf("cut at %d:\n%s\nwant\n%s", cut, got, whole)
		}
		if mark := write(t, csv.New(csv.Options{Path: path}), "", samples(0, 6)); mark == "" || read(t, path) != whole {
			t.Fatalf("cut at %d: without mark rows come twice", cut)
		}
	}
}

func TestTornRowOfSomebodyElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Master.csv")
	if err := os.WriteFile(path, []byte("\"\",\"old"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, csv.New(csv.Options{Path: path, Columns: []string{"src"}}), "", samples(0, 2))
	if got := read(t, path); got != "\"\",\"old\n\"1000\"\n\"1001\"\n" {
		t.Errorf("%q", got)
	}
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Master.csv")
	s := csv.New(csv.Options{Path: path, Columns: []string{"src"}})
	if err := s.Open(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	put := func(n int) {
		if _, err := s.Write(t.Context(), samples(n, n+1)); err != nil {
			t.Fatal(err)
		}
	}
	put(0)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	put(1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	put(2)
	if old, now := read(t, path+".1"), read(t, path); old != "\"1000\"\n" || now != "\"1002\"\n" {
		t.Errorf("%q, then %q", old, now)
	}
}

func TestWriteWithoutOpen(t *testing.T) {
	if _, err := csv.New(csv.Options{Path: t.TempDir()}).Write(context.Background(), nil); err == nil {
		t.Error("no error")
	}
	if err := csv.New(csv.Options{Path: t.TempDir()}).Open(t.Context(), ""); err == nil {
		t.Error("a directory is taken for a file")
	}
}

// FuzzRows writes any texts and reads them with the standard library.
func FuzzRows(f *testing.F) {
	f.Add("1001", `"Alice" <1001>`, "a,b", "c\nd")
	f.Add("", `"`, `""`, "\r\n")
	f.Add(`\"`, ",", "\"\n\"", "é\x00\xff")
	f.Fuzz(func(t *testing.T, caller, name, data, field string) {
		r := recordstest.Sample(1)
		r.Caller, r.Name, r.Data, r.Fields = caller, name, data, map[string]string{"userfield": field}
		var b strings.Builder
		w := csv.NewWriter(&b, csv.Options{})
		for range 2 {
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := stdcsv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil || len(rows) != 2 || strings.Count(b.String(), "\n") != 2 {
			t.Fatalf("%v\n%q", err, b.String())
		}
		flat := strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace
		for i, want := range map[int]string{1: flat(caller), 8: flat(data), 17: flat(field)} {
			if got := rows[1][i]; got != want {
				t.Errorf("column %d is %q, want %q", i, got, want)
			}
		}
		if !slices.Equal(rows[0], rows[1]) {
			t.Error("rows of one record differ")
		}
	})
}
