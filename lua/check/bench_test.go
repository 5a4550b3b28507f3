package check

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/sounds"
)

// large is a site of about 30,000 lines: 60 files with 60 extensions each, every
// one of which reads, plays, dials and looks at what came of it.
func large() fstest.MapFS {
	tree := fstest.MapFS{"config.lua": {Data: []byte(`sip.phone "1001" { password = "secret", context = "internal" }`)}}
	for file := range 60 {
		var b strings.Builder
		b.WriteString("local internal = context \"internal\"\n\n")
		for i := range 60 {
			fmt.Fprintf(&b, `internal:extension("%d", function(call)
  local digits, status = call:read { prompt = "enter-ext-of-person", max = 4, timeout = 5 }
  if not digits or status == "timeout" then return call:hangup() end
  local result = call:dial("sip/" .. digits, { timeout = 20, ringback = true })
  call.vars.outcome = result.status
  if result.status == "answered" then return end
  call:play(result.status == "busy" and "busy" or "not-reachable")
end)

`, 100000+file*100+i)
		}
		tree[fmt.Sprintf("part%02d.lua", file)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return tree
}

// BenchmarkSite checks a large site; "lines/s" says how fast.
func BenchmarkSite(b *testing.B) {
	tree := large()
	lines := 0
	for _, f := range tree {
		lines += strings.Count(string(f.Data), "\n")
	}
	b.ResetTimer()
	for b.Loop() {
		list, err := Site(b.Context(), Options{Scripts: tree, Prompts: media.NewPrompts(nil, sounds.FS)})
		if err != nil || len(list) > 0 {
			b.Fatal(list, err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
