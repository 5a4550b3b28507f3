package lib_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// vector is one line of expr.jsonl or subst.jsonl.
type vector struct {
	ID     string  `json:"id"`
	Cat    string  `json:"cat"`
	Vars   ordered `json:"vars"`
	Expr   string  `json:"expr"`
	Text   string  `json:"text"`
	Result string  `json:"result"`
}

func readVectors(t testing.TB, name string) []vector {
	t.Helper()
	f, err := os.Open("testdata/asterisk/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []vector
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if v.Text == "" {
			v.Text = v.Expr
		}
		list = append(list, v)
	}
	return list
}

// vectorsPlan is the dialplan around the vectors: what they were recorded in.
const vectorsPlan = `
local asterisk = require "asterisk"
local vectors = require "vectors"

grant { read = { "/etc" } }

asterisk.extension("t", "100", function() return { { 1, "NoOp" } } end)

local function outcome(ch, v, evaluate)
  for _, one in ipairs(v.vars) do
    ch:assign(asterisk.compile.run(ch, one[1]), asterisk.compile.run(ch, one[2]))
  end
  return evaluate(ch)
end

context "driver":extension("_X.", function(call)
  local v = vectors[tonumber(call.extension:sub(2))]
  local ch = asterisk.channel(call)
  ch.context, ch.exten = "t", "100"
  ch:set_global("GV", "gval")
  store.put("result", v.id, outcome(ch, v, v.compiled or function() return asterisk.compile.run(ch, v.text) end))
  local source, problems = asterisk.compile.text(v.text)
  store.put("source", v.id, source)
end)
`

// table writes vectors as a Lua module; sources are what compile.text made of
// them, where there is any.
func table(vectors []vector, sources map[string]string) string {
	var b strings.Builder
	b.WriteString("return {\n")
	for _, v := range vectors {
		fmt.Fprintf(&b, "{ id = %s, text = %s, vars = {", luaQuote(v.ID), luaQuote(v.Text))
		for _, p := range v.Vars {
			fmt.Fprintf(&b, "{ %s, %s }, ", luaQuote(p.Key), luaQuote(p.Value))
		}
		b.WriteString("}")
		if source, ok := sources[v.ID]; ok {
			fmt.Fprintf(&b, ", compiled = function(ch) return %s end", source)
		}
		b.WriteString(" },\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func luaQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 32 || c > 126:
			fmt.Fprintf(&b, "\\%03d", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// run evaluates every vector in a call of its own, and returns results and the
// Lua that each text became.
func runVectors(t *testing.T, vectors []vector, sources map[string]string) (w *world, results, compiled map[string]string) {
	w = newWorld(t, monday, map[string]string{"dialplan.lua": vectorsPlan, "vectors/init.lua": table(vectors, sources)})
	results, compiled = map[string]string{}, map[string]string{}
	for i, v := range vectors {
		leg := w.starts(call.Info{
			ID: "c" + strconv.Itoa(i), Context: "driver", Extension: "9" + strconv.Itoa(i+1), Language: "en",
			Caller: call.Party{Number: "5551", Name: "Alice"},
		})
		w.clock.Advance(time.Second)
		leg.HangsUp(call.CauseNormal)
		w.clock.Settle()
		results[v.ID], _ = w.stored("result", v.ID)
		compiled[v.ID], _ = w.stored("source", v.ID)
	}
	return w, results, compiled
}

// intended are vectors whose result differs on purpose, with the reason.
var intended = map[string]string{
	"s0287": "a zone is written with its own short name; the recording has that of the machine",
	"s0310": "a date without month and day is the first of January; the recording has the day before",
	"s0538": "scripts run no programs",
	"s0542": "a backslash before a semicolon is taken away where the file is read",
}

func testVectors(t *testing.T, name string) {
	vectors := readVectors(t, name)
	w, results, sources := runVectors(t, vectors, nil)
	failed := 0
	compare := func(how string, results map[string]string) {
		passed := 0
		for _, v := range vectors {
			got := results[v.ID]
			switch {
			case got == v.Result:
				passed++
			case intended[v.ID] != "":
				t.Logf("%s %s differs on purpose: %s → %q, recorded %q: %s", how, v.ID, v.Text, got, v.Result, intended[v.ID])
			default:
				failed++
				t.Errorf("%s %s %s: %s → %q, want %q", how, v.ID, v.Cat, v.Text, got, v.Result)
			}
		}
		t.Logf("%s: %d of %d as recorded", how, passed, len(vectors))
	}
	compare("run", results)
	_, results, _ = runVectors(t, vectors, sources)
	compare("compiled", results)
	if failed > 0 && testing.Verbose() {
		t.Log(w.log.String()[max(0, w.log.Len()-3000):])
	}
}

func TestExpressions(t *testing.T)   { testVectors(t, "expr.jsonl") }
func TestSubstitutions(t *testing.T) { testVectors(t, "subst.jsonl") }
