package lib_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// perContext is how many lines of a large dialplan are in one context, which is a
// file.
const perContext = 6000

// largeDialplan is a dialplan of so many lines, six to an extension.
func largeDialplan(lines int) map[string]string {
	files := map[string]string{}
	for i := 0; lines > 0; i++ {
		name := "internal"
		if i > 0 {
			name = fmt.Sprint("c", i)
		}
		files[name+".lua"] = largeContext(name, min(lines, perContext))
		lines -= perContext
	}
	return files
}

func largeContext(name string, lines int) string {
	var b strings.Builder
	b.WriteString("---@shared\nlocal asterisk = require \"asterisk\"\n")
	for i := range lines / 6 {
		fmt.Fprintf(&b, `asterisk.extension("%s", "%d", function() return {
  { 1, "Answer", line = 1 },
  { 2, "Set", function(ch) return "X=" .. ch:get "EXTEN" end, line = 2 },
  { 3, "GotoIf", function(ch) return ch:expression("\"" .. ch:get "X" .. "\" = \"1\"") .. "?6" end, line = 3 },
  { 4, "NoOp", function(ch) return ch:slice(ch:get "EXTEN", "1") end, line = 4 },
  { 5, "Hangup", line = 5 },
  { 6, "NoOp", line = 6 },
} end, { file = "extensions.conf" })
`, name, 100000+i)
	}
	return b.String()
}

// BenchmarkCall is what a call costs that uses five lines: of a small dialplan,
// and of one of 30,000 lines. cpu-µs/op is to stay below 1000.
func BenchmarkCall(b *testing.B) {
	for _, lines := range []int{60, 30000} {
		b.Run(fmt.Sprint(lines), func(b *testing.B) {
			w := newWorld(b, monday, largeDialplan(lines))
			b.ResetTimer()
			before := cpuTime(b)
			for i := 0; b.Loop(); i++ {
				w.starts(call.Info{ID: fmt.Sprint("c", i), Context: "internal", Extension: "100003"})
				w.clock.Advance(time.Second)
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkForms is what a call costs that uses five lines of a translated dialplan
// of 30,000, in both of its forms.
func BenchmarkForms(b *testing.B) {
	var text strings.Builder
	for i := range 5000 {
		if i%1000 == 0 {
			fmt.Fprintf(&text, "[c%d]\n", i/1000)
		}
		fmt.Fprintf(&text, "exten => %d,1,Answer\n same => n,Set(X=${EXTEN})\n same => n,GotoIf($[\"${X}\" = \"1\"]?end)\n", 100000+i)
		text.WriteString(" same => n,NoOp(${EXTEN:1})\n same => n,Hangup\n same => n(end),NoOp\n")
	}
	for _, form := range []string{"structured", "tables"} {
		b.Run(form, func(b *testing.B) {
			site, err := translatedAs(b, map[string]string{"extensions.conf": text.String()}, form)
			if err != nil {
				b.Fatal(err)
			}
			loading := time.Now()
			w := newWorld(b, monday, site)
			loaded := time.Since(loading)
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				w.starts(call.Info{ID: fmt.Sprint("c", i), Context: "c0", Extension: "100003"})
				w.clock.Advance(time.Second)
			}
			b.ReportMetric(loaded.Seconds(), "s/load")
		})
	}
}

// BenchmarkLoad is how long a dialplan of 30,000 lines takes to be loaded.
func BenchmarkLoad(b *testing.B) {
	text := largeDialplan(30000)
	for b.Loop() {
		newWorld(b, monday, text)
	}
}

// A call holds no more memory where the dialplan is large.
func TestMemoryOfLargeDialplan(t *testing.T) {
	held := func(lines int) uint64 {
		files := largeDialplan(lines)
		files["internal.lua"] = strings.ReplaceAll(files["internal.lua"], `"Hangup"`, `"Wait", "60"`)
		w := newWorld(t, monday, files)
		const calls = 20
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range calls {
			w.starts(call.Info{ID: fmt.Sprint("c", i), Context: "internal", Extension: "100003"})
		}
		w.clock.Settle()
		runtime.GC()
		runtime.ReadMemStats(&after)
		w.clock.Advance(time.Hour)
		return (after.HeapAlloc - before.HeapAlloc) / calls
	}
	small, large := held(60), held(30000)
	t.Logf("a call holds %d bytes beside a small dialplan, %d beside a large one", small, large)
	if large > small+small/2 {
		t.Errorf("a call holds %d bytes beside a large dialplan, %d beside a small one", large, small)
	}
}
