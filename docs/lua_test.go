package docs_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/lua/check"
	"github.com/moonwire/moonwire/lua/suite"
	"github.com/moonwire/moonwire/sounds"
)

// example finds blocks of Lua. "```lua" alone begins a whole file of a site,
// "```lua fragment" something that makes sense in the middle of one.
var example = regexp.MustCompile("(?ms)^```lua( fragment)?\n(.*?)^```")

// TestExamplesLoad loads each example as the only script of a site, so that it
// can be copied as it stands.
func TestExamplesLoad(t *testing.T) {
	count := 0
	for _, page := range pages(t) {
		text := read(t, page)
		for _, at := range example.FindAllStringSubmatchIndex(text, -1) {
			count++
			code, fragment := text[at[4]:at[5]], at[2] >= 0
			if named.MatchString(code) {
				continue // TestFilesOfAPageLoad loads it with the others
			}
			name := fmt.Sprintf("%s line %d", page, strings.Count(text[:at[0]], "\n")+2)
			if fragment {
				code = "local call, ivr, t\nlocal function fragment()\n" + code + "\nend\nreturn fragment"
			}
			t.Run(name, func(t *testing.T) { loads(t, code) })
		}
	}
	if count < 20 {
		t.Errorf("found %d examples; is the pattern that finds them right?", count)
	}
}

// loads checks code as a site, beside a module that examples require.
func loads(t *testing.T, code string) {
	t.Helper()
	name := "example.lua"
	if strings.HasPrefix(code, "test(") {
		name = "example_test.lua"
	}
	findNothing(t, fstest.MapFS{
		name:            {Data: []byte(code)},
		"ivr/sales.lua": {Data: []byte("return function(call) call:answer() end")},
	})
}

// named finds the name of a file in an example's first line.
var named = regexp.MustCompile(`^-- scripts/(\S+\.lua)`)

// TestFilesOfAPageLoad loads the files that a page makes one after another.
func TestFilesOfAPageLoad(t *testing.T) {
	for _, page := range pages(t) {
		files := fstest.MapFS{}
		for _, match := range example.FindAllStringSubmatch(read(t, page), -1) {
			if name := named.FindStringSubmatch(match[2]); name != nil {
				files[name[1]] = &fstest.MapFile{Data: []byte(match[2])}
			}
		}
		if len(files) > 0 {
			t.Run(page, func(t *testing.T) { findNothing(t, files) })
		}
	}
}

// findNothing checks the scripts of a site.
func findNothing(t *testing.T, files fstest.MapFS) {
	t.Helper()
	findings, err := check.Site(t.Context(), check.Options{Part: true, Scripts: files, Tests: suite.Table})
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding.Report())
	}
}

// prompt finds the prompts that examples play.
var prompt = regexp.MustCompile(`(?:call:play|prompt =|greeting =|invalid =|silent =|ivr\.say|ivr\.hangup) "([^".]+)"`)

// wrong finds the examples of mistakes, which lua/check tests.
var wrong = regexp.MustCompile("(?ms)^```lua bad\n.*?^```")

// TestMentionedPromptsExist keeps examples from being silent.
func TestMentionedPromptsExist(t *testing.T) {
	own := "opening-hours" // the reader's own
	for _, page := range pages(t) {
		for _, match := range prompt.FindAllStringSubmatch(wrong.ReplaceAllString(read(t, page), ""), -1) {
			if _, err := fs.Stat(sounds.FS, "en/"+match[1]+".wav"); err != nil && match[1] != own {
				t.Errorf("%s plays %s, which does not ship", page, match[1])
			}
		}
	}
}
