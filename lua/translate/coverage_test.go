package translate

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var corpus = flag.String("corpus", "", "a folder of dialplans, *.conf and *.ael, to measure besides")

// coverage adds up what became of the priority lines of many dialplans.
type coverage struct {
	files, whole, lines, exact int
	unknown                    map[string]int // by kind and name
	reasons                    map[string]int
	blocked                    map[string]int // files that have the reason, by reason
}

func (c *coverage) add(report []byte) error {
	var r struct {
		Files []struct {
			Reasons []struct{ Status, Reason string }
		}
		Priorities struct{ Lines, Exact int }
		Unknown    map[string]map[string]int
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return err
	}
	if r.Priorities.Lines == 0 {
		return nil
	}
	c.files++
	c.lines += r.Priorities.Lines
	c.exact += r.Priorities.Exact
	if r.Priorities.Lines == r.Priorities.Exact {
		c.whole++
	}
	for kind, names := range r.Unknown {
		for name, n := range names {
			c.unknown[kind+" "+name] += n
		}
	}
	here := map[string]bool{}
	for _, file := range r.Files {
		for _, reason := range file.Reasons {
			if reason.Status != "note" {
				c.reasons[reason.Reason]++
				here[reason.Reason] = true
			}
		}
	}
	for reason := range here {
		c.blocked[reason]++
	}
	return nil
}

func (c *coverage) String() string {
	return fmt.Sprintf("%d files with %d priority lines: %.1f %% of the lines exact, %.0f %% of the files whole",
		c.files, c.lines, 100*float64(c.exact)/float64(max(c.lines, 1)), 100*float64(c.whole)/float64(max(c.files, 1)))
}

// most are the n most frequent of names.
func most(names map[string]int, n int) string {
	keys := slices.SortedFunc(maps.Keys(names), func(a, b string) int { return cmp.Or(names[b]-names[a], strings.Compare(a, b)) })
	var b strings.Builder
	for _, key := range keys[:min(n, len(keys))] {
		fmt.Fprintf(&b, "\n%6d  %s", names[key], key)
	}
	return b.String()
}

// measure translates dialplans, by name, and adds up what became of them.
func measure(t *testing.T, translator *Translator, list []dialplan) *coverage {
	t.Helper()
	c := &coverage{unknown: map[string]int{}, reasons: map[string]int{}, blocked: map[string]int{}}
	for _, d := range list {
		o := Options{Input: folder(d.Files)}
		if _, ok := d.Files["extensions.conf"]; !ok {
			o.Main = "extensions.ael"
		}
		result, err := translator.Run(context.Background(), o)
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		if err := c.add(result.Report); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
	}
	return c
}

// beyond are the names of dialplans that are recorded for what Asterisk does with
// names that it does not have either, or with lines that are mistakes.
func beyond(d dialplan) bool {
	for _, word := range []string{"unknown", "missing", "err_", "bad"} {
		if strings.Contains(d.Name, word) {
			return true
		}
	}
	return false
}

// TestCoverage translates the dialplans of testdata, those of the guides beside
// the repository, and those of -corpus, and says how much of them is exact. The
// figures of the first stand in the guide, and must not become worse.
func TestCoverage(t *testing.T) {
	translator := newTranslator(t)
	own := slices.DeleteFunc(dialplans(t), beyond)
	c := measure(t, translator, own)
	t.Logf("testdata: %v%s", c, most(c.unknown, 20))
	if lines := float64(c.exact) / float64(c.lines); lines < 0.9 {
		t.Errorf("%.1f %% of the lines are exact\n%s", 100*lines, most(c.reasons, 30))
	}
	seeds := recorded(t, "../../../shared/golden/seeds/*.json")
	if len(seeds) == 0 {
		t.Log("the guides are not measured: ../shared/golden/seeds is not there")
	}
	c = measure(t, translator, seeds)
	t.Logf("guides: %v%s", c, most(c.unknown, 20))
	if *corpus != "" {
		c = measure(t, translator, found(t, *corpus))
		t.Logf("%s: %v%s\nby lines:%s\nby files:%s", *corpus, c, most(c.unknown, 150), most(c.reasons, 150), most(c.blocked, 50))
	}
}

// recorded are the dialplans of files with recorded calls.
func recorded(t *testing.T, pattern string) []dialplan {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var list []dialplan
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d dialplan
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

// found are the dialplans below a folder, each on its own.
func found(t *testing.T, dir string) []dialplan {
	t.Helper()
	var list []dialplan
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		extension := filepath.Ext(path)
		if err != nil || entry.IsDir() || extension != ".conf" && extension != ".ael" {
			return err
		}
		text, err := fs.ReadFile(root, path)
		list = append(list, dialplan{Name: path, Files: map[string]string{"extensions" + extension: string(text)}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
