package api

import (
	"regexp"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

var reEntries = []*Entry{
	{
		On: "re", Name: "match", Phase: Both,
		Summary: "Looks for a regular expression in a text.",
		Detail:  "Expressions are RE2: their time is linear in the text, so none can hang. `[0]` is all that matched, `[1]` and on are the groups, and groups with a name `(?P<name>…)` are there by name too.",
		Params: []Field{
			{Name: "text", Type: text(), Required: true, Summary: "where to look"},
			{Name: "pattern", Type: text(), Required: true, Summary: "what to look for"},
		},
		Results: []Field{{Name: "groups", Type: either(mapOf(anything()), Type{Kinds: kindNil}), Summary: "nil where it is not there"}},
		Example: `local m = re.match("0033612345678", "^(?:00|\\+)(33)(\\d+)$")
if m then log.info("country %s, number %s", m[1], m[2]) end`,
		Func: (*Args).reMatch,
	},
	{
		On: "re", Name: "find_all", Phase: Both,
		Summary: "Lists all that matches a regular expression.",
		Params: []Field{
			{Name: "text", Type: text(), Required: true, Summary: "where to look"},
			{Name: "pattern", Type: text(), Required: true, Summary: "what to look for"},
			{Name: "limit", Type: count(), Default: 1000, Summary: "stop after so many"},
		},
		Results: []Field{{Name: "matches", Type: listOf(text()), Summary: "in order"}},
		Example: `for _, number in ipairs(re.find_all("call 1001 or 1002", "\\d+")) do log.info(number) end`,
		Func:    (*Args).reFindAll,
	},
	{
		On: "re", Name: "replace", Phase: Both,
		Summary: "Replaces all that matches a regular expression.",
		Params: []Field{
			{Name: "text", Type: text(), Required: true, Summary: "where to look"},
			{Name: "pattern", Type: text(), Required: true, Summary: "what to look for"},
			{Name: "replacement", Type: text(), Required: true, Summary: "`$1` or `${name}` stand for groups"},
		},
		Results: []Field{{Name: "text", Type: text(), Summary: "the new text"}},
		Example: `local national = re.replace("+33612345678", "^\\+33", "0")`,
		Func:    (*Args).reReplace,
	},
	{
		On: "re", Name: "split", Phase: Both,
		Summary: "Cuts a text wherever a regular expression matches.",
		Params: []Field{
			{Name: "text", Type: text(), Required: true, Summary: "what to cut"},
			{Name: "pattern", Type: text(), Required: true, Summary: "where to cut"},
		},
		Results: []Field{{Name: "parts", Type: listOf(text()), Summary: "in order; empty ones are kept"}},
		Example: `local fields = re.split("1001;Front desk;finance", ";")`,
		Func:    (*Args).reSplit,
	},
}

// expressions keeps compiled regular expressions. Scripts use few; when they
// make them up as they go, the cache starts over.
type expressions struct {
	mu    sync.Mutex
	cache map[string]*regexp.Regexp
}

const expressionsKept = 500

func (x *expressions) get(pattern string) (*regexp.Regexp, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e, ok := x.cache[pattern]; ok {
		return e, nil
	}
	e, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	if x.cache == nil || len(x.cache) >= expressionsKept {
		x.cache = map[string]*regexp.Regexp{}
	}
	x.cache[pattern] = e
	return e, nil
}

func (a *Args) expression() *regexp.Regexp {
	e, err := a.api.expressions.get(a.String(1))
	if err != nil {
		a.Fail("%s", err)
	}
	return e
}

func (a *Args) reMatch() int {
	e := a.expression()
	m := e.FindStringSubmatch(a.String(0))
	if m == nil {
		return a.Return(lua.LNil)
	}
	t := a.L.CreateTable(len(m), 1)
	names := e.SubexpNames()
	for i, s := range m {
		t.RawSetInt(i, lua.LString(s))
		if names[i] != "" {
			t.RawSetString(names[i], lua.LString(s))
		}
	}
	return a.Return(t)
}

func (a *Args) reFindAll() int {
	a.State.Reserve(a.L, len(a.String(0)))
	return a.Return(toLua(a.L, a.expression().FindAllString(a.String(0), a.Int(2))))
}

func (a *Args) reReplace() int {
	return a.Return(lua.LString(a.expression().ReplaceAllString(a.String(0), a.String(2))))
}

func (a *Args) reSplit() int {
	a.State.Reserve(a.L, 4*len(a.String(0)))
	return a.Return(toLua(a.L, a.expression().Split(a.String(0), -1)))
}
