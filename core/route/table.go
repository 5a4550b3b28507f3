// Package route is the index of dialled numbers: it says which extension of
// which context serves a number.
//
// A context holds extensions: plain numbers ("600"), named entries ("s", "i")
// and patterns ("_NXXXXXX"). Several may fit one number; the most specific wins,
// by the rules that Asterisk's users rely on: plain numbers first, then patterns
// compared position by position, the smaller set of characters first. What a
// context does not hold itself is looked for in the contexts it includes, in
// their order, each of them searched in depth and at most once.
//
// The order of precedence is the order of a tree walked from left to right: each
// position of a pattern is an edge, and the edges of a node are sorted. Freeze
// builds that tree, so a look-up follows the digits down and meets patterns in
// their order without looking at those that have failed; it needs no memory and
// less than a microsecond among thousands of patterns.
//
// The package is pure data. The time, which conditions of includes ask for, is
// an argument.
package route

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Anonymous as CallerID fits callers without a number only.
const Anonymous = "-"

// Extension is what a number leads to.
type Extension struct {
	// Pattern is a number or, after an underscore, a pattern. A slash divides it
	// from a CallerID, as in "_8./201".
	Pattern string
	// CallerID is the number or the pattern that the caller must fit: "" for any.
	CallerID string
	// Target is what the table's user wants to find; the table never looks at it.
	Target any
	// Source is where the extension is written, as "file:line".
	Source string
}

// name is the extension as users write it.
func (e *Extension) name() string {
	switch e.CallerID {
	case "":
		return e.Pattern
	case Anonymous:
		return e.Pattern + "/"
	}
	return e.Pattern + "/" + e.CallerID
}

// Inclusion makes the extensions of another context reachable.
type Inclusion struct {
	Context string
	When    func(time.Time) bool // nil: always
	Hours   string               // When in words, to be shown
	Source  string               // "file:line"
}

// Table holds contexts. It is filled by one goroutine; after Freeze it never
// changes, and any number of goroutines may use it.
type Table struct {
	contexts map[string]*context
	order    []*context // as they were first named
	frozen   bool
}

// context is one context; after Freeze its entries are in the order of matching.
type context struct {
	name     string
	number   int // place in Table.order
	declared bool
	entries  []*entry
	same     map[string]*entry // by canonical form, to find duplicates
	includes []Inclusion
	targets  []*context // of includes, nil where there is none
	index    index
}

// entry is an Extension with its patterns read.
type entry struct {
	Extension
	pattern  Pattern
	caller   Pattern
	byCaller bool
	nobody   bool // fits callers without a number
}

// NewTable returns an empty table.
func NewTable() *Table { return &Table{contexts: map[string]*context{}} }

// DuplicateError says that an extension holds the same numbers for the same
// callers as one that the context has already.
type DuplicateError struct {
	Context   string
	Extension Extension
	First     Extension
}

func (e *DuplicateError) Error() string {
	text := fmt.Sprintf("%sextension %q of context %q", place(e.Extension.Source), e.Extension.name(), e.Context)
	if e.First.name() != e.Extension.name() {
		text += fmt.Sprintf(" holds the same numbers as %q, which", e.First.name())
	}
	if e.First.Source == "" {
		return text + " is there already"
	}
	return text + " is there already, from " + e.First.Source
}

// place is a source as it begins a message.
func place(source string) string {
	if source == "" {
		return ""
	}
	return source + ": "
}

// Context makes sure that a context of this name exists, even if it stays empty.
func (t *Table) Context(name string) { t.context(name).declared = true }

// context finds or makes a context.
func (t *Table) context(name string) *context {
	c := t.contexts[name]
	if c == nil {
		c = &context{name: name, number: len(t.order), same: map[string]*entry{}}
		t.contexts[name] = c
		t.order = append(t.order, c)
	}
	return c
}

// Add puts an extension into a context. The error, which begins with the source,
// says that a pattern is malformed, or is a *DuplicateError.
func (t *Table) Add(contextName string, e Extension) error {
	if t.frozen {
		return fmt.Errorf("%sextension %q: the table is frozen", place(e.Source), e.name())
	}
	if e.CallerID == "" {
		e.Pattern, e.CallerID = SplitCaller(e.Pattern)
	}
	wrap := func(what, text string, err error) error {
		return fmt.Errorf("%s%s %q of context %q: %w", place(e.Source), what, text, contextName, err)
	}
	pattern, err := ParsePattern(e.Pattern)
	if err != nil {
		return wrap("extension", e.Pattern, err)
	}
	n := &entry{Extension: e, pattern: pattern, byCaller: e.CallerID != ""}
	if n.byCaller {
		if strings.Trim(e.CallerID, "-") == "" {
			n.nobody, n.CallerID = true, Anonymous
		} else if n.caller, err = ParsePattern(e.CallerID); err != nil {
			return wrap("caller", e.CallerID, err)
		}
	}
	c := t.context(contextName)
	key := n.canonical()
	if first := c.same[key]; first != nil {
		return &DuplicateError{Context: contextName, Extension: n.Extension, First: first.Extension}
	}
	c.same[key] = n
	c.entries = append(c.entries, n)
	return nil
}

// SplitCaller divides "_8./201" into pattern and caller. "600/" is for callers
// without a number: its caller is Anonymous. Without a slash the caller is "".
func SplitCaller(text string) (pattern, caller string) {
	pattern, caller, found := strings.Cut(text, "/")
	if found && caller == "" {
		caller = Anonymous
	}
	return pattern, caller
}

// Include makes the extensions of included reachable from a context, after its
// own and those of earlier includes, while when holds; nil means always.
func (t *Table) Include(contextName, included string, when func(time.Time) bool) {
	t.AddInclude(contextName, Inclusion{Context: included, When: when})
}

// AddInclude is Include with what there is to be shown about it. It has no
// effect after Freeze. Including a context that does not exist is allowed, and
// reported by Problems.
func (t *Table) AddInclude(contextName string, i Inclusion) {
	if !t.frozen {
		c := t.context(contextName)
		c.includes = append(c.includes, i)
	}
}

// Freeze ends the building and makes the table ready for look-ups.
func (t *Table) Freeze() error {
	if t.frozen {
		return nil
	}
	for _, c := range t.order {
		slices.SortStableFunc(c.entries, (*entry).compare)
		c.targets = make([]*context, len(c.includes))
		for i, inclusion := range c.includes {
			c.targets[i] = t.contexts[inclusion.Context]
		}
		c.index = newIndex(c.entries)
		c.same = nil
	}
	t.frozen = true
	return nil
}

// compare orders by pattern; among equal ones those for certain callers come
// first, exact callers before patterns.
func (e *entry) compare(o *entry) int {
	if d := e.pattern.Compare(o.pattern); d != 0 {
		return d
	}
	switch {
	case e.byCaller && o.byCaller:
		return e.caller.Compare(o.caller)
	case e.byCaller:
		return -1
	case o.byCaller:
		return 1
	}
	return 0
}

// canonical is alike for entries that Compare calls equal.
func (e *entry) canonical() string {
	key := e.pattern.appendCanonical(nil)
	if e.byCaller {
		key = append(key, 0)
		key = e.caller.appendCanonical(key)
	}
	return string(key)
}

// appendCanonical appends a form that no other set of numbers has.
func (p *Pattern) appendCanonical(dst []byte) []byte {
	if !p.wild {
		return append(append(dst, 'n'), p.literal...)
	}
	dst = append(dst, 'p')
	for i := range p.elements {
		e := &p.elements[i]
		dst = append(dst, byte(e.kind), byte(e.set.size()))
		if e.set.size() == 1 {
			dst = append(dst, e.set.lowest())
			continue
		}
		for _, word := range e.set {
			dst = binary.LittleEndian.AppendUint64(dst, word)
		}
	}
	return dst
}

// fits reports whether the entry is for this caller, whose dashes are gone.
func (e *entry) fits(caller []byte) bool {
	switch {
	case !e.byCaller:
		return true
	case e.nobody:
		return len(caller) == 0
	}
	return e.caller.match(caller)
}

// Contexts are the names of all contexts, in the order of their first mention.
func (t *Table) Contexts() []string {
	names := make([]string, len(t.order))
	for i, c := range t.order {
		names[i] = c.name
	}
	return names
}

// Has reports whether there is a context of this name.
func (t *Table) Has(contextName string) bool { return t.contexts[contextName] != nil }

// Extensions are those of one context itself; after Freeze in the order in which
// they are tried.
func (t *Table) Extensions(contextName string) []Extension {
	c := t.contexts[contextName]
	if c == nil {
		return nil
	}
	list := make([]Extension, len(c.entries))
	for i, e := range c.entries {
		list[i] = e.Extension
	}
	return list
}

// Includes are the inclusions of one context, in order.
func (t *Table) Includes(contextName string) []Inclusion {
	if c := t.contexts[contextName]; c != nil {
		return slices.Clone(c.includes)
	}
	return nil
}
