package docs_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
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
			name := fmt.Sprintf("%s line %d", page, strings.Count(text[:at[0]], "\n")+2)
			if fragment {
				code = "local call, ivr\nlocal function fragment()\n" + code + "\nend\nreturn fragment"
			}
			t.Run(name, func(t *testing.T) { loads(t, code) })
		}
	}
	if count < 20 {
		t.Errorf("found %d examples; is the pattern that finds them right?", count)
	}
}

// loads serves code, and a module that examples require.
func loads(t *testing.T, code string) {
	t.Helper()
	h, err := host.New(host.Options{
		Scripts: fstest.MapFS{
			"example.lua":   {Data: []byte(code)},
			"ivr/sales.lua": {Data: []byte("return function(call) call:answer() end")},
		},
		Lib:     lib.FS,
		Library: api.New(api.Services{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Load(context.Background()); err != nil {
		t.Error(host.Report(err))
	}
	findings, err := h.Check()
	if err != nil {
		t.Error(host.Report(err))
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}
