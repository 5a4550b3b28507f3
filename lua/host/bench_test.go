package host

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

const smallDialplan = `
local greeting = "hello"
local function greet(name) return greeting .. ", " .. name end
extension("100", function(call) return greet("100") end)
extension("101", function(call) return greet("101") end)
extension("_1XXX", function(call)
  local t = {}
  for i = 1, 5 do t[#t + 1] = i end
  return greet(#t)
end)
`

// BenchmarkCall is a whole call without telephony: begin, run the dialplan file,
// run the extension, close.
func BenchmarkCall(b *testing.B) {
	h := newHost(b, "dialplan.lua", smallDialplan)
	r := ref(b, h.Current(), "_1XXX")
	b.ReportAllocs()
	for b.Loop() {
		s, _ := h.Begin(nil, nil)
		if _, err := s.Call(r); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

// BenchmarkCallOfLargeDialplan is a call where the file declares a thousand
// extensions.
func BenchmarkCallOfLargeDialplan(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "extension('%d', function(call) return %d end)\n", i, i)
	}
	h := newHost(b, "dialplan.lua", text.String())
	r := ref(b, h.Current(), "999")
	b.ReportAllocs()
	for b.Loop() {
		s, _ := h.Begin(nil, nil)
		if _, err := s.Call(r); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

// BenchmarkBegin is making and closing a state.
func BenchmarkBegin(b *testing.B) {
	h := newHost(b, "dialplan.lua", smallDialplan)
	b.ReportAllocs()
	for b.Loop() {
		s, _ := h.Begin(nil, nil)
		s.Close()
	}
}

// benchmarkBody runs body, in which N is the number of turns, as one call.
func benchmarkBody(b *testing.B, body string) {
	h, err := New(Options{Library: &testLibrary{}, Log: quiet, Limits: Limits{Instructions: 1 << 60, Time: 1 << 60},
		Scripts: files("dialplan.lua", "extension('1', function(N) "+body+" end)")})
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Load(b.Context()); err != nil {
		b.Fatal(Report(err))
	}
	s, _ := h.Begin(nil, nil)
	defer s.Close()
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := s.Call(ref(b, h.Current(), "1"), lua.LNumber(b.N)); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkEmptyLoop(b *testing.B) { benchmarkBody(b, `for i = 1, N do end`) }
func BenchmarkArithmetic(b *testing.B) {
	benchmarkBody(b, `local x = 0 for i = 1, N do x = x * 3 + i % 7 end`)
}
func BenchmarkConcat(b *testing.B) {
	benchmarkBody(b, `local s for i = 1, N do s = "call " .. i .. "!" end`)
}
func BenchmarkStore(b *testing.B) {
	benchmarkBody(b, `local t = {} for i = 1, N do t[i % 100 + 1] = i end`)
}
func BenchmarkTable(b *testing.B) { benchmarkBody(b, `local t for i = 1, N do t = {a = i} end`) }
func BenchmarkLibrary(b *testing.B) {
	benchmarkBody(b, `local x for i = 1, N do x = math.floor(i) end`)
}
func BenchmarkMatch(b *testing.B) {
	benchmarkBody(b, `local x for i = 1, N do x = ("sip:1001@example.org"):match("^sip:(%d+)@(.+)$") end`)
}
func BenchmarkPCall(b *testing.B) {
	benchmarkBody(b, `local f = function() end for i = 1, N do pcall(f) end`)
}
func BenchmarkPCallError(b *testing.B) { benchmarkBody(b, `for i = 1, N do pcall(error, "x") end`) }

// plainLoop is what the interpreter alone takes, to compare with.
func plainLoop(b *testing.B, body string) {
	L := lua.NewState()
	defer L.Close()
	f, err := L.LoadString("local N = ... " + body)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	L.Push(f)
	L.Push(lua.LNumber(b.N))
	L.Call(1, 0)
}

func BenchmarkPlainArithmetic(b *testing.B) {
	plainLoop(b, `local x = 0 for i = 1, N do x = x * 3 + i % 7 end`)
}
func BenchmarkPlainConcat(b *testing.B) {
	plainLoop(b, `local s for i = 1, N do s = "call " .. i .. "!" end`)
}
func BenchmarkPlainStore(b *testing.B) {
	plainLoop(b, `local t = {} for i = 1, N do t[i % 100 + 1] = i end`)
}
func BenchmarkPlainTable(b *testing.B) { plainLoop(b, `local t for i = 1, N do t = {a = i} end`) }
func BenchmarkPlainMatch(b *testing.B) {
	plainLoop(b, `local x for i = 1, N do x = ("sip:1001@example.org"):match("^sip:(%d+)@(.+)$") end`)
}

// BenchmarkHeldState reports what a state takes between two events of its call.
func BenchmarkHeldState(b *testing.B) {
	h := newHost(b, "dialplan.lua", smallDialplan)
	r := ref(b, h.Current(), "100")
	const held = 2000
	for b.Loop() {
		before := heap()
		states := make([]*State, held)
		for i := range states {
			states[i], _ = h.Begin(nil, nil)
			if _, err := states[i].Call(r); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/held, "B/state")
		for _, s := range states {
			s.Close()
		}
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
