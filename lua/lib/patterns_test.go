package lib_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/trace"
)

// lookups are the contexts of a dialplan, and what was dialled in them.
type lookups struct {
	Name, About, Context, Conf, Time string
	Lookups                          []struct {
		Exten, Caller string
		Match, In     *string
	}
}

// elsewhere are sets that come out differently on purpose, with the reason.
var elsewhere = map[string]string{}

func TestPatterns(t *testing.T) {
	f, err := os.Open("testdata/asterisk/patterns.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	passed, all := 0, 0
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		var l lookups
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		t.Run(l.Name, func(t *testing.T) {
			good, problems := l.play(t)
			passed, all = passed+good, all+len(l.Lookups)
			if len(problems) > 0 && elsewhere[l.Name] == "" {
				t.Error(l.About + "\n" + strings.Join(problems, "\n") + "\n" + l.Conf)
			}
		})
	}
	t.Logf("%d of %d look-ups as recorded", passed, all)
}

func (l *lookups) play(t *testing.T) (good int, problems []string) {
	site, err := translated(t, map[string]string{"extensions.conf": l.Conf})
	if err != nil {
		t.Fatal(err)
	}
	start := monday
	if l.Time != "" {
		at, err := time.Parse("2006-01-02 15:04:05", strings.TrimSuffix(strings.Replace(l.Time, "T", " ", 1), "Z"))
		if err != nil {
			t.Fatal(err)
		}
		start = at
	}
	w := newWorld(t, start, site)
	for i, one := range l.Lookups {
		id := "c" + strconv.Itoa(i)
		leg := w.starts(call.Info{ID: id, Context: l.Context, Extension: one.Exten, Caller: call.Party{Number: one.Caller}})
		w.clock.Advance(time.Second)
		leg.HangsUp(call.CauseNormal)
		w.clock.Settle()
		match, in := w.first(id)
		want, where := "", ""
		if one.Match != nil {
			want, where = *one.Match, *one.In
		}
		if plain(match) == plain(want) && in == where {
			good++
		} else {
			problems = append(problems, one.Exten+" of "+one.Caller+": "+match+" in "+in+", want "+want+" in "+where)
		}
	}
	return good, problems
}

// plain is a pattern without what does not count: dashes, spaces and the caller.
func plain(pattern string) string {
	pattern, _, _ = strings.Cut(pattern, "/")
	if strings.Contains(pattern, "[") {
		return strings.ReplaceAll(pattern, " ", "")
	}
	return strings.NewReplacer("-", "", " ", "").Replace(pattern)
}

// first is the pattern of the first step of a leg, and the context that it is in.
func (w *world) first(leg string) (pattern, in string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Leg == leg && e.Kind == trace.Step && e.Attr("priority").Any() != nil {
			return e.Attr("pattern").String(), e.Attr("in").String()
		}
	}
	return "", ""
}
