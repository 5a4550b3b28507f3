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
		Detail:  "Expressions are RE2: their time is linear in the text, so none can hang; all functions here take texts of up to 1 MiB. `[0]` is all that matched, `[1]` and on are the groups, and groups with a name `(?P<name>…)` are there by name too.",
		Params: []Field{
			{Name: "text", Type: text(), Required: true, Summary: "where to look"},
			{Name: "pattern", Type: text(), Required: true, Summary: "what to look for"},
			{Name: "options", Summary: "how", Type: record(
				Field{Name: "longest", Type: truth(), Default: false, Summary: "of what begins at the same place take the longest, as POSIX does, instead of the first alternative"},
			)},
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
	cache map[expressionKey]*regexp.Regexp
}

type expressionKey struct {
	pattern string
	longest bool
}

const expressionsKept = 500

func (x *expressions) get(pattern string, longest bool) (*regexp.Regexp, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := expressionKey{pattern, longest}
	if e, ok := x.cache[key]; ok {
		return e, nil
	}
	e, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	if longest {
		e.Longest()
	}
	if x.cache == nil || len(x.cache) >= expressionsKept {
		x.cache = map[expressionKey]*regexp.Regexp{}
	}
	x.cache[key] = e
	return e, nil
}

// What expressions are given and give at most: one look through a text cannot
// be interrupted.
const (
	longestSubject = 1 << 20 // bytes
	longestResult  = 8 << 20 // bytes
	mostMatches    = 1 << 16
	mostGroups     = 50
)

// expression is the pattern and the text of all functions here.
func (a *Args) expression(longest bool) (*regexp.Regexp, string) {
	s := a.String(0)
	if len(s) > longestSubject {
		a.Fail("the text is longer than 1 MiB")
	}
	e, err := a.api.expressions.get(a.String(1), longest)
	if err != nil {
		a.Fail("%s", err)
	}
	if e.NumSubexp() > mostGroups {
		a.Fail("the pattern has more than %d groups", mostGroups)
	}
	a.State.Spend(a.L, len(s))
	return e, s
}

// enough raises an error where more was found than may be.
func (a *Args) enough(found int) {
	if found > mostMatches {
		a.Fail("more than %d matches", mostMatches)
	}
}

func (a *Args) reMatch() int {
	e, s := a.expression(a.Options(2).Bool("longest"))
	m := e.FindStringSubmatch(s)
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
	e, s := a.expression(false)
	limit := a.Int(2)
	if limit < 0 || limit > mostMatches {
		limit = mostMatches + 1
	}
	found := e.FindAllString(s, limit)
	a.enough(len(found))
	a.State.Reserve(a.L, len(s)+32*len(found))
	return a.Return(toLua(a.L, found))
}

func (a *Args) reReplace() int {
	e, s := a.expression(false)
	with := a.String(2)
	found := e.FindAllStringSubmatchIndex(s, mostMatches+1)
	a.enough(len(found))
	var out []byte
	end := 0
	for _, m := range found {
		out = append(out, s[end:m[0]]...)
		out = e.ExpandString(out, with, s, m)
		end = m[1]
		if len(out) > longestResult {
			a.Fail("the result is longer than 8 MiB")
		}
	}
	return a.Return(lua.LString(append(out, s[end:]...)))
}

func (a *Args) reSplit() int {
	e, s := a.expression(false)
	parts := e.Split(s, mostMatches+1)
	a.enough(len(parts))
	a.State.Reserve(a.L, len(s)+32*len(parts))
	return a.Return(toLua(a.L, parts))
}
