package check

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/sounds"
)

// whole checks a script as all there is of a site, beside a module.
func whole(t *testing.T, text string) []*Finding {
	t.Helper()
	list, err := Site(t.Context(), Options{
		Scripts: fstest.MapFS{
			"dialplan.lua":  {Data: []byte(text)},
			"ivr/sales.lua": {Data: []byte("return function(call) call:answer() end")},
		},
		Prompts: media.NewPrompts(nil, sounds.FS),
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var (
	section = regexp.MustCompile(`(?m)^## (\S+)$`)
	block   = regexp.MustCompile("(?ms)^```lua( bad)?\n(.*?)^```")
)

// TestGuide holds the guide against the rules: each has a section, whose bad
// example gives just its finding and whose other example gives none.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/guide/check.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\n# The rules\n")
	var names []string
	for _, at := range section.FindAllStringSubmatchIndex(text, -1) {
		names = append(names, text[at[2]:at[3]])
	}
	if want := ruleIDs(); strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("the guide explains\n%v, the rules are\n%v", names, want)
	}
	sections := section.Split(text, -1)[1:]
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			bad, good := 0, 0
			for _, match := range block.FindAllStringSubmatch(sections[i], -1) {
				list := whole(t, match[2])
				if match[1] == "" {
					good++
					for _, f := range list {
						t.Errorf("the mended script has: %s", f)
					}
					continue
				}
				bad++
				if len(list) != 1 || list[0].Rule != name || list[0].Level != ruleNamed(name).Level {
					t.Errorf("%d findings, want one of %s %s: %v", len(list), ruleNamed(name).Level, name, list)
				}
			}
			if bad != 1 || good != 1 {
				t.Errorf("%d bad and %d good examples, want one of each", bad, good)
			}
		})
	}
}
