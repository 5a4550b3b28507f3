package host

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is something that a look at the source alone shows to be wrong, or
// doubtful where Warning is set.
type Finding = ScriptError

// globals is what the names that scripts may use without declaring them mean:
// for tables the members, otherwise nil.
type globals map[string]map[string]bool

// removed tells those who know plain Lua where things are.
var removed = map[string]string{
	"os":             "use time for clocks and dates, fs for files",
	"io":             "use fs for files within the folders that the configuration grants",
	"debug":          "it is not available to scripts",
	"dofile":         "use require",
	"loadfile":       "use require",
	"load":           "programs cannot be made while scripts run",
	"loadstring":     "programs cannot be made while scripts run",
	"module":         "return a table from the file instead",
	"package":        "require finds modules in the scripts folder",
	"setfenv":        "it is not available to scripts",
	"getfenv":        "it is not available to scripts",
	"collectgarbage": "memory is looked after by itself",
	"newproxy":       "it is not available to scripts",
	"_G":             "keep values in a local table",
	"arg":            "use ... or select",
}

// analyse lists what is wrong with s, given what the library defines.
func (s *script) analyse(known globals) []*Finding {
	a := analysis{script: s, known: known, said: map[string]bool{}}
	for _, p := range s.resolved.problems {
		a.add(p.line, p.name, RuleShared, p.message)
	}
	for name, line := range s.resolved.defined {
		if _, taken := known[name]; taken {
			a.add(line, name, RuleReserved, fmt.Sprintf("%q is a name of the library; make the function local or call it something else", name))
		}
	}
	for _, u := range s.resolved.uses {
		a.use(u)
	}
	slices.SortStableFunc(a.findings, func(x, y *Finding) int {
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	return a.findings
}

type analysis struct {
	*script
	known    globals
	findings []*Finding
	said     map[string]bool
}

func (a *analysis) add(line int, name, rule, message string) *Finding {
	key := fmt.Sprint(line, name, message)
	f := &Finding{File: a.name, Line: line, Message: message, Rule: rule}
	if a.said[key] {
		return f
	}
	a.said[key] = true
	f.Source = a.line(line)
	f.Column = ColumnOf(f.Source, name)
	a.findings = append(a.findings, f)
	return f
}

func (a *analysis) use(u use) {
	members, isKnown := a.known[u.name]
	_, isDefined := a.resolved.defined[u.name]
	switch {
	case u.write && isDefined:
	case u.write && isKnown:
		a.add(u.line, u.name, RuleReserved, fmt.Sprintf("%q is a name of the library and cannot be assigned", u.name))
	case u.write:
		a.add(u.line, u.name, RuleUndeclared, fmt.Sprintf("%q is not declared; write \"local %s\" where it is first set", u.name, u.name))
	case isDefined:
	case !isKnown:
		a.add(u.line, u.name, RuleUndeclared, a.unknown(u.name))
	case u.member != "" && members != nil && !members[u.member]:
		f := a.add(u.line, u.member, RuleName, fmt.Sprintf("%q has no %q%s", u.name, u.member, didYouMean(u.member, keys(members))))
		f.Warning = !u.call
	}
}

func (a *analysis) unknown(name string) string {
	if hint, ok := removed[name]; ok {
		return fmt.Sprintf("%q is not part of this Lua: %s", name, hint)
	}
	names := keys(a.known)
	names = append(names, keys(a.resolved.defined)...)
	return fmt.Sprintf("%q is not declared%s", name, didYouMean(name, names))
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// ColumnOf finds a name on a line, in bytes from 1; 0 where it is not.
func ColumnOf(text, name string) int {
	if name == "" {
		return 0
	}
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return 0
		}
		i += from
		end := i + len(name)
		if (i == 0 || !isNameByte(text[i-1])) && (end == len(text) || !isNameByte(text[end])) {
			return i + 1
		}
		from = end
	}
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// didYouMean is the end of a message that names the most similar of names, or "".
func didYouMean(name string, names []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, candidate := range names {
		if d := Distance(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// Distance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a.
func Distance(a, b string) int {
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
