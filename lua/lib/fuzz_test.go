package lib_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/store"
)

// fuzzPlan evaluates the text that the store holds, in the three ways that there
// are: as a text, as what it compiles to, as an expression.
const fuzzPlan = `
local asterisk = require "asterisk"

context "driver":extension("1", function(call)
  local text = store.get("fuzz", "text", "")
  local ch = asterisk.channel(call)
  ch:set("A", "0123456789")
  local parts, problems = asterisk.compile.parse(text)
  for _, problem in ipairs(problems) do
    assert(problem.at >= 1 and problem.at <= #text + 1 and problem.message ~= "", "a problem without a place")
  end
  store.put("fuzz", "source", "return " .. asterisk.compile.text(text))
  asterisk.compile.run(ch, text)
  local value, problem = asterisk.expr.evaluate(text)
  assert(type(value) == "string")
  if problem then assert(problem.at >= 1 and problem.at <= math.max(#text, 1) + 1, "a problem at " .. problem.at) end
  store.put("fuzz", "done", "yes")
end)
`

// No text makes compiling, evaluating or substituting fail, take long, or give
// Lua that is none.
func FuzzText(f *testing.F) {
	for _, name := range []string{"expr.jsonl", "subst.jsonl"} {
		for i, v := range readVectors(f, name) {
			if i%5 == 0 {
				f.Add(v.Text)
			}
		}
	}
	for _, text := range []string{"${", "$[", "${A:", "$[(((", strings.Repeat("${", 200), strings.Repeat("(", 300), "${A(}", "${A(b):1:2}", "$[1 ? 2 ::", `"a\" b`} {
		f.Add(text)
	}
	w := newWorld(f, monday, map[string]string{"dialplan.lua": fuzzPlan})
	calls := 0
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			return
		}
		ctx := context.Background()
		for key, value := range map[string]string{"text": text, "done": "no"} {
			if err := w.store.Put(ctx, "fuzz", key, []byte(value), store.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		w.mu.Lock()
		w.events = nil
		w.log.Reset()
		w.mu.Unlock()
		calls++
		w.starts(call.Info{ID: "f" + strconv.Itoa(calls), Context: "driver", Extension: "1"})
		w.clock.Settle()
		if done, _ := w.stored("fuzz", "done"); done != "yes" {
			t.Fatalf("%q\n%s", text, w.log.String())
		}
		source, _ := w.stored("fuzz", "source")
		if _, err := parse.Parse(strings.NewReader(source), "text"); err != nil {
			t.Errorf("%q became %s: %v", text, source, err)
		}
	})
}
