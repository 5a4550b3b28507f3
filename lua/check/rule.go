package check

import (
	"fmt"
	"strings"

	"github.com/moonwire/moonwire/lua/host"
)

// Level is how much a finding matters.
type Level uint8

const (
	Note    Level = iota // worth knowing
	Warning              // works, but hardly as it was meant
	Error                // does not work, or lets strangers do what costs money
)

func (l Level) String() string { return [...]string{"note", "warning", "error"}[l] }

// MarshalText writes the level as String does.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// ParseLevel reads what String writes.
func ParseLevel(s string) (Level, error) {
	for l := Note; l <= Error; l++ {
		if l.String() == s {
			return l, nil
		}
	}
	return 0, fmt.Errorf("%q is not a level: write error, warning or note", s)
}

// Rule is one kind of mistake. docs/guide/check.md explains each.
type Rule struct {
	ID      string
	Level   Level  // the usual one
	Summary string // one sentence
	// Refused says that the server does not take such scripts, so that a comment
	// cannot silence the rule.
	Refused bool
}

// Rules are all of them, in the order of the guide.
var Rules = []Rule{
	{ruleSyntax, Error, "The file is not Lua.", true},
	{ruleUndeclared, Error, "A global name that nothing declares.", true},
	{ruleReserved, Error, "A name of the library is given another meaning.", true},
	{ruleLoad, Error, "The scripts fail while they are loaded.", true},
	{ruleModule, Error, "A module is required that does not exist.", false},
	{ruleContext, Error, "A context is named that does not exist.", false},
	{ruleName, Error, "The library has no such function or field.", false},
	{ruleArgument, Error, "An argument that a function does not take.", false},
	{ruleOption, Error, "An option that a function does not have.", false},
	{ruleReadOnly, Error, "A field is set that scripts cannot set.", false},
	{ruleNeverEqual, Error, "A comparison with a word that never comes.", false},
	{ruleExtension, Error, "A number is entered that its context does not have.", false},
	{ruleTarget, Error, "A phone or trunk is dialled that does not exist.", false},
	{rulePrompt, Error, "A prompt is played that does not exist.", false},
	{ruleTollFraud, Error, "Callers from outside can dial a trunk.", false},
	{ruleUnreachable, Warning, "An extension that others always beat.", false},
	{rulePattern, Warning, "A part of a pattern that has no effect.", false},
	{ruleNoEnd, Warning, "Calls that cannot come to anything.", false},
	{ruleIgnore, Warning, "A comment silences a rule that does not exist or cannot be silenced.", false},
	{ruleUnused, Note, "A context that nothing leads to.", false},
}

const (
	ruleSyntax      = host.RuleSyntax
	ruleUndeclared  = host.RuleUndeclared
	ruleReserved    = host.RuleReserved
	ruleName        = host.RuleName
	ruleLoad        = "load"
	ruleModule      = "module"
	ruleContext     = "context"
	ruleArgument    = "argument"
	ruleOption      = "option"
	ruleReadOnly    = "read-only"
	ruleNeverEqual  = "never-equal"
	ruleExtension   = "extension"
	ruleTarget      = "target"
	rulePrompt      = "prompt"
	ruleTollFraud   = "toll-fraud"
	ruleUnreachable = "unreachable"
	rulePattern     = "pattern"
	ruleNoEnd       = "no-end"
	ruleIgnore      = "ignore"
	ruleUnused      = "unused-context"
)

// ruleNamed finds a rule; nil where there is none.
func ruleNamed(id string) *Rule {
	for i := range Rules {
		if Rules[i].ID == id {
			return &Rules[i]
		}
	}
	return nil
}

// Finding is one mistake, or something doubtful, in a site.
type Finding struct {
	Rule    string `json:"rule"`
	Level   Level  `json:"level"`
	File    string `json:"file,omitempty"`   // relative to the site: "scripts/dialplan.lua"
	Line    int    `json:"line,omitempty"`   // from 1; 0 where not known
	Column  int    `json:"column,omitempty"` // in bytes, from 1; 0 where not known
	Message string `json:"message"`
	Source  string `json:"source,omitempty"` // text of the line

	refused bool // by the server, whatever the rule says
}

// String is the finding in one line.
func (f *Finding) String() string {
	return fmt.Sprintf("%s%s: %s [%s]", f.place(), f.Level, f.Message, f.Rule)
}

// place is "scripts/dialplan.lua:12: ", as far as it is known.
func (f *Finding) place() string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return f.File + ": "
	}
	return fmt.Sprintf("%s:%d: ", f.File, f.Line)
}

// Report is the finding with its line, and a caret where the column is known;
// several lines without a final newline.
func (f *Finding) Report() string {
	var b strings.Builder
	b.WriteString(f.String())
	if f.Source == "" {
		return b.String()
	}
	margin := fmt.Sprintf("%5d | ", f.Line)
	fmt.Fprintf(&b, "\n%s%s", margin, strings.ReplaceAll(f.Source, "\t", " "))
	if f.Column > 0 && f.Column <= len(f.Source)+1 {
		fmt.Fprintf(&b, "\n%s^", strings.Repeat(" ", len(margin)+len([]rune(f.Source[:f.Column-1]))))
	}
	return b.String()
}
