package route_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/route"
)

// lookups is one set of contexts with what Asterisk 20 found in them.
type lookups struct {
	Name    string
	Context string
	Conf    string
	Time    time.Time
	Lookups []struct {
		Exten  string
		Caller string
		Match  *string
		In     string
	}
}

// different are the look-ups that moonwire answers otherwise on purpose.
var different = map[string]struct{ match, reason string }{
	"cid6 1/alice": {"1/alice",
		"the recording's caller was written without brackets, which Asterisk reads as a name with no number; moonwire is given numbers"},
}

func TestAsteriskLookups(t *testing.T) {
	file, err := os.Open("testdata/patterns.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	used := map[string]bool{}
	count := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var set lookups
		if err := json.Unmarshal(lines.Bytes(), &set); err != nil {
			t.Fatal(err)
		}
		table := tableOf(t, set.Conf)
		for _, l := range set.Lookups {
			count++
			want, in := "", l.In
			if l.Match != nil {
				want = *l.Match
			}
			key := set.Name + " " + l.Exten + "/" + l.Caller
			if d, ok := different[key]; ok {
				used[key] = true
				want = d.match
			}
			m, ok := table.Match(set.Context, l.Exten, l.Caller, set.Time)
			got := ""
			if ok {
				got = m.Extension.Target.(string)
			}
			if got != want || m.Context != in {
				t.Errorf("%s: %q for caller %q found %q in %q, want %q in %q", set.Name, l.Exten, l.Caller, got, m.Context, want, in)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if count == 0 || len(used) != len(different) {
		t.Errorf("%d look-ups, %d of %d intended differences met", count, len(used), len(different))
	}
}

// tableOf reads what the recordings need of extensions.conf. Where Asterisk
// takes the first of two equal lines, or one that can match nothing, the table
// refuses the line: the look-ups come out alike.
func tableOf(t *testing.T, conf string) *route.Table {
	t.Helper()
	table := route.NewTable()
	context := ""
	for line := range strings.Lines(conf) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, " => ")
		switch {
		case line == "":
		case strings.HasPrefix(line, "["):
			context = strings.Trim(line, "[]")
			table.Context(context)
		case key == "include":
			name, hours, timed := strings.Cut(value, ",")
			var when func(time.Time) bool
			if timed {
				when = during(t, hours)
			}
			table.Include(context, name, when)
		case key == "exten":
			exten, _, _ := strings.Cut(value, ",1,")
			err := table.Add(context, route.Extension{Pattern: exten, Target: exten, Source: "conf"})
			var duplicate *route.DuplicateError
			if err != nil && !errors.As(err, &duplicate) &&
				!strings.Contains(err.Error(), "counts down") && !strings.Contains(err.Error(), "fits no character") {
				t.Error(err)
			}
		default:
			t.Fatalf("cannot read %q", line)
		}
	}
	if err := table.Freeze(); err != nil {
		t.Fatal(err)
	}
	return table
}

// during reads "12:00-13:00,mon-fri,*,*".
func during(t *testing.T, spec string) func(time.Time) bool {
	t.Helper()
	fields := strings.Split(spec, ",")
	if len(fields) != 4 || fields[2] != "*" || fields[3] != "*" {
		t.Fatalf("cannot read hours %q", spec)
	}
	return func(now time.Time) bool {
		clock, day := now.Format("15:04"), int(now.Weekday())
		if from, to, ok := strings.Cut(fields[0], "-"); ok && (clock < from || clock >= to) {
			return false
		}
		if from, to, ok := strings.Cut(fields[1], "-"); ok {
			names := "sunmontuewedthufrisat"
			first, last := strings.Index(names, from)/3, strings.Index(names, to)/3
			return (day-first+7)%7 <= (last-first+7)%7
		}
		return true
	}
}
