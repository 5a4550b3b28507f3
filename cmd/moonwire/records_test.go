package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/recordstest"
)

// keptCalls is a site whose journal has records of calls that began at eight.
func keptCalls(t *testing.T) string {
	t.Helper()
	site := t.TempDir()
	j, err := records.Open(records.Options{Dir: filepath.Join(site, "data", journalFolder)})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for n := range 40 {
		r := recordstest.Sample(n)
		if n == 39 {
			r.Caller, r.Name, r.Extension, r.Status = "0033123", "Bob", "700", records.Busy
		}
		if err := j.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
	return site
}

func TestRecordsAreListedAndFiltered(t *testing.T) {
	site := keptCalls(t)
	tenth := recordstest.Sample(10).Began.Local().Format("2006-01-02T15:04:05")
	for _, test := range []struct {
		args  string
		count int
	}{
		{"", 40}, {"--last=3", 3}, {"--status=noanswer", 9}, {"--status=busy", 1}, {"--caller=1001", 1}, {"--caller=10*", 39},
		{"--caller=bob", 1}, {"--to=700", 1}, {"--to=sip/600", 40}, {"--to=9", 0}, {"--since=" + tenth, 30}, {"--until=" + tenth, 10}, {"--since=" + tenth + " --last=1", 1},
	} {
		code, out, errOut := moonwire(append([]string{"records", site, "--json"}, strings.Fields(test.args)...)...)
		if n := strings.Count(out, "\n"); code != 0 || n != test.count {
			t.Errorf("%s: exit code %d, %d records, want %d\n%s", test.args, code, n, test.count, errOut)
		}
	}
	_, out, _ := moonwire("records", site, "--json", "--last", "1")
	var r records.Record
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Name != "Bob" {
		t.Errorf("%v %+v", err, r)
	}
	_, out, _ = moonwire("records", site, "--csv", "-n", "2")
	rows := strings.Split(strings.TrimSpace(out), "\n")
	if len(rows) != 3 || !strings.HasPrefix(rows[0], "accountcode,src,dst,") || !strings.HasPrefix(rows[2], `"sales","0033123","700",`) {
		t.Errorf("%q", rows)
	}
	_, out, _ = moonwire("records", site, "--caller", "bob")
	if !strings.HasPrefix(out, "BEGAN") || !strings.Contains(out, "0033123  700  sip/600  busy") {
		t.Errorf("%s", out)
	}
	if _, out, _ = moonwire("records", site, "--caller", "nobody"); out != "no calls\n" {
		t.Errorf("%q", out)
	}
	for _, args := range [][]string{{site, "--since", "soon"}, {site, "--status", "fine"}, {site, "--json", "--csv"}, {t.TempDir()}} {
		if code, _, errOut := moonwire(append([]string{"records"}, args...)...); code != exitUsage || errOut == "" {
			t.Errorf("%v: exit code %d, %s", args, code, errOut)
		}
	}
}

func TestMomentOf(t *testing.T) {
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 11, 21, 8, 30, 0, 0, zone)
	var got []string
	for _, text := range []string{"today", "yesterday", "2026-11-01", "2026-11-01 07:05", "2026-11-01T07:05:06", "90m", "2d", "2026-11-01T07:05:06Z"} {
		at, err := momentOf("--since", text, now)
		if err != nil {
			t.Error(err)
		}
		got = append(got, at.In(zone).Format("02T15:04:05"))
	}
	want := []string{"21T00:00:00", "20T00:00:00", "01T00:00:00", "01T07:05:00", "01T07:05:06", "21T07:00:00", "19T08:30:00", "01T08:05:06"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
