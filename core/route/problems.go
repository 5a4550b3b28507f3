package route

import (
	"fmt"
	"slices"
)

// Problem is something in a table that is allowed but cannot be meant.
type Problem struct {
	Kind      ProblemKind
	Context   string
	Extension *Extension   // nil for MissingContext
	Included  string       // the context included, for MissingContext
	HiddenBy  []*Extension // for Unreachable: what always comes first
	Source    string       // "file:line"
}

// ProblemKind says what is wrong.
type ProblemKind uint8

const (
	Unreachable    ProblemKind = iota // others hold all of its numbers and come first
	IgnoredTail                       // what follows "." or "!" in a pattern means nothing
	UndialableDash                    // a dash inside brackets can never be dialled
	MissingContext                    // an included context does not exist
)

// String is the problem in one line, without its source.
func (p Problem) String() string {
	switch p.Kind {
	case Unreachable:
		text := fmt.Sprintf("extension %q of context %q is never reached: ", p.Extension.name(), p.Context)
		for i, by := range p.HiddenBy {
			if i > 0 {
				text += " and "
			}
			text += fmt.Sprintf("%q", by.name())
			if by.Source != "" {
				text += " (" + by.Source + ")"
			}
		}
		if len(p.HiddenBy) == 1 {
			return text + " holds its numbers and comes first"
		}
		return text + " hold its numbers between them and come first"
	case IgnoredTail:
		return fmt.Sprintf("extension %q of context %q: what follows the wildcard is ignored", p.Extension.name(), p.Context)
	case UndialableDash:
		return fmt.Sprintf("extension %q of context %q: dashes are not part of numbers, so one inside brackets fits nothing",
			p.Extension.name(), p.Context)
	}
	return fmt.Sprintf("context %q includes %q, which does not exist", p.Context, p.Included)
}

// Problems examines every context by itself, after Freeze. What hides an
// extension of an included context is no problem: overriding is what own
// extensions are for.
func (t *Table) Problems() []Problem {
	if !t.frozen {
		return nil
	}
	var all []Problem
	for _, c := range t.order {
		for i, to := range c.targets {
			if to == nil {
				inclusion := c.includes[i]
				all = append(all, Problem{Kind: MissingContext, Context: c.name, Included: inclusion.Context, Source: inclusion.Source})
			}
		}
		all = append(all, c.problems()...)
	}
	return all
}

func (c *context) problems() []Problem {
	var all []Problem
	regions := make([]region, len(c.entries))
	for i, e := range c.entries {
		if e.pattern.wild {
			regions[i] = e.pattern.region()
		}
	}
	report := func(kind ProblemKind, e *entry, by []*Extension) {
		all = append(all, Problem{Kind: kind, Context: c.name, Extension: &e.Extension, HiddenBy: by, Source: e.Source})
	}
	for i, e := range c.entries {
		if !e.pattern.wild {
			continue
		}
		if at, kind := e.pattern.open(); kind != oneOf && at < len(e.pattern.elements)-1 {
			report(IgnoredTail, e, nil)
		}
		for _, position := range e.pattern.elements {
			if position.set.has('-') {
				report(UndialableDash, e, nil)
				break
			}
		}
		if by := c.hiding(i, regions); by != nil {
			report(Unreachable, e, by)
		}
	}
	return all
}

// patience bounds the pieces that one pattern may fall into; beyond it, it is
// taken to be reachable.
const patience = 512

// hiding returns those of the entries before number i that together hold all
// its numbers for all of its callers, or nil.
func (c *context) hiding(i int, regions []region) []*Extension {
	e := c.entries[i]
	left := []region{regions[i]}
	var by []*Extension
	for j, o := range c.entries[:i] {
		if !o.pattern.wild || regions[j].apart(regions[i]) || o.byCaller && !o.sameCaller(e) {
			continue
		}
		var rest []region
		touched := false
		for _, piece := range left {
			pieces, met := piece.without(regions[j])
			rest = append(rest, pieces...)
			touched = touched || met
		}
		if left = rest; touched {
			by = append(by, &o.Extension)
		}
		if len(left) == 0 {
			return by
		}
		if len(left) > patience {
			return nil
		}
	}
	return nil
}

func (e *entry) sameCaller(o *entry) bool {
	return e.byCaller == o.byCaller && e.nobody == o.nobody && e.caller.Compare(o.caller) == 0
}

// region is a set of numbers: a set of characters for each position, and, if
// open, any further characters or none.
type region struct {
	sets []charset
	open bool
}

// dialable is every character but the dash, which numbers are rid of.
var dialable = func() charset {
	all := span(0, 255)
	dash := span('-', '-')
	for i := range all {
		all[i] &^= dash[i]
	}
	return all
}()

func (p *Pattern) region() region {
	at, kind := p.open()
	r := region{open: kind != oneOf}
	for _, e := range p.elements[:at] {
		r.sets = append(r.sets, e.set.intersect(&dialable))
	}
	if kind == restDot {
		r.sets = append(r.sets, dialable)
	}
	return r
}

// apart reports that no number is in both, where that is easily seen.
func (r region) apart(o region) bool {
	n := len(r.sets)
	if n < len(o.sets) && !r.open || len(o.sets) < n && !o.open {
		return true
	}
	for i := range min(n, len(o.sets)) {
		a, b := &r.sets[i], &o.sets[i]
		if a[0]&b[0]|a[1]&b[1]|a[2]&b[2]|a[3]&b[3] == 0 {
			return true
		}
	}
	return false
}

// without is what remains of r when the numbers of o are taken away, in pieces;
// met says whether anything was taken.
func (r region) without(o region) (pieces []region, met bool) {
	if o.open {
		o = o.widened(len(r.sets))
	}
	switch {
	case len(o.sets) < len(r.sets), len(o.sets) > len(r.sets) && !r.open:
		return []region{r}, false
	}
	for len(r.sets) < len(o.sets) { // r is open: its shorter numbers stay
		pieces = append(pieces, region{sets: r.sets})
		r = r.widened(len(r.sets) + 1)
	}
	if r.open && !o.open {
		pieces = append(pieces, r.widened(len(r.sets)+1))
		r.open = false
	}
	// Both are boxes of one length now: what lies outside of o differs from it
	// first at some position.
	inside := r
	var outside []region
	for i := range r.sets {
		var apart charset
		for w := range apart {
			apart[w] = inside.sets[i][w] &^ o.sets[i][w]
		}
		if apart.size() > 0 {
			piece := region{sets: slices.Clone(inside.sets), open: inside.open}
			piece.sets[i] = apart
			outside = append(outside, piece)
		}
		common := inside.sets[i].intersect(&o.sets[i])
		if common.size() == 0 {
			return append(pieces, r), false
		}
		inside.sets = slices.Clone(inside.sets)
		inside.sets[i] = common
	}
	return append(pieces, outside...), true
}

// widened is r with at least n positions spelt out.
func (r region) widened(n int) region {
	sets := slices.Clone(r.sets)
	for len(sets) < n {
		sets = append(sets, dialable)
	}
	return region{sets: sets, open: r.open}
}

func (s *charset) intersect(o *charset) (both charset) {
	for i := range s {
		both[i] = s[i] & o[i]
	}
	return both
}
