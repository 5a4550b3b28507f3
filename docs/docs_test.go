// Package docs_test reads the documentation as a user would who follows every
// link and tries every example.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are the documents for people, relative to this folder.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"../README.md", "../CHANGELOG.md"}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".md") {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fenced  = regexp.MustCompile("(?s)```.*?```")
)

// TestLinks follows every link that stays in the repository.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, page), ""), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which is not there", page, match[1])
				continue
			}
			if anchor != "" && !hasAnchor(read(t, file), anchor) {
				t.Errorf("%s links to %s, where no heading is called so", page, match[1])
			}
		}
	}
}

// hasAnchor reports whether a heading of text has the name that GitHub and
// others make of it.
func hasAnchor(text, anchor string) bool {
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				return r
			}
			return -1
		}, strings.ToLower(match[1]))
		if name == anchor {
			return true
		}
	}
	return false
}

// mentioned finds what looks like a file or folder of the repository in the
// RFC map and the architecture, such as `core/sip/digest`.
var mentioned = regexp.MustCompile("`((?:cmd|core|lua|scripts|sounds|test|docs)/[A-Za-z0-9_./-]*)`")

// TestMentionedFilesExist keeps the maps of the code true.
func TestMentionedFilesExist(t *testing.T) {
	for _, page := range []string{"architecture.md", "rfc-map.md"} {
		for _, match := range mentioned.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join("..", match[1])); err != nil {
				t.Errorf("%s mentions %s, which is not there", page, match[1])
			}
		}
	}
}

// testName finds the names of tests in the RFC map.
var testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")

// TestMentionedTestsExist keeps the RFC map's proofs true.
func TestMentionedTestsExist(t *testing.T) {
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, match := range declaration.FindAllSubmatch(text, -1) {
			declared[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range testName.FindAllStringSubmatch(read(t, "rfc-map.md"), -1) {
		if !declared[match[1]] {
			t.Errorf("rfc-map.md mentions %s, which is no test", match[1])
		}
	}
}

// metric finds the names of metrics in prose and tables.
var metric = regexp.MustCompile("`moonwire_([a-z_]+)")

// TestMentionedMetricsExist keeps the operator's alarms from waiting for
// something that is never sent.
func TestMentionedMetricsExist(t *testing.T) {
	source := read(t, "../cmd/moonwire/figures.go")
	for _, page := range pages(t) {
		for _, match := range metric.FindAllStringSubmatch(read(t, page), -1) {
			if !strings.Contains(source, `"`+match[1]+`"`) {
				t.Errorf("%s mentions moonwire_%s, which is no metric", page, match[1])
			}
		}
	}
}
