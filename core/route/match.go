package route

import "time"

// Match is what was found for a number.
type Match struct {
	Context   string // where the extension stands, which may be an included context
	Extension *Extension
}

// Progress is how far digits have come that are being dialled.
type Progress struct {
	Match Match
	Found bool // the digits are a number: Match says which
	More  bool // further digits could make another number, so it is worth waiting
}

// search is one look-up. It lives on the stack of its caller.
type search struct {
	number []byte
	caller []byte
	plain  bool                // plain numbers only
	visit  func(e *entry) bool // takes every entry that fits until it returns false; nil: the first is wanted
	where  *context            // being searched
	seen   [8]uint64           // contexts searched, by number
	rest   []uint64            // those that seen has no room for
}

// room is how long a number may be before a look-up needs memory.
const room = 64

// start makes room for all contexts.
func (s *search) start(t *Table) {
	if words := (len(t.order) + 63) / 64; words > len(s.seen) {
		s.rest = make([]uint64, words-len(s.seen))
	}
}

// Match finds the extension that serves number, dialled in a context by a caller
// whose number is callerID ("" where there is none). It may be called from any
// goroutine after Freeze; before, it finds nothing.
func (t *Table) Match(contextName, number, callerID string, now time.Time) (Match, bool) {
	var a, b [room]byte
	s := search{number: undashed(a[:0], number), caller: undashed(b[:0], callerID)}
	return t.first(contextName, &s, now)
}

// Special finds an extension by its very name ("i", "t", "h", "fax"), in a
// context or those it includes. Patterns are not asked, so that "_." does not
// stand in for what a dialplan does not have.
func (t *Table) Special(contextName, name, callerID string, now time.Time) (Match, bool) {
	var a, b [room]byte
	s := search{number: undashed(a[:0], name), caller: undashed(b[:0], callerID), plain: true}
	return t.first(contextName, &s, now)
}

func (t *Table) first(contextName string, s *search, now time.Time) (Match, bool) {
	c := t.contexts[contextName]
	if c == nil || !t.frozen {
		return Match{}, false
	}
	s.start(t)
	if e := c.find(s, now); e != nil {
		return Match{Context: s.where.name, Extension: &e.Extension}, true
	}
	return Match{}, false
}

// Each calls f with every extension that fits, in order, until f returns false:
// the first is what Match finds, the others are what it hides.
func (t *Table) Each(contextName, number, callerID string, now time.Time, f func(Match) bool) {
	c := t.contexts[contextName]
	if c == nil || !t.frozen {
		return
	}
	s := &search{number: undashed(nil, number), caller: undashed(nil, callerID)}
	s.visit = func(e *entry) bool {
		return f(Match{Context: s.where.name, Extension: &e.Extension})
	}
	s.start(t)
	c.find(s, now)
}

// Probe says what digits that are being dialled have come to. A pattern that
// ends in "!" takes them as soon as it fits, but where a more specific one, or
// one of a context that is searched earlier, could still fit.
func (t *Table) Probe(contextName, digits, callerID string, now time.Time) Progress {
	var p Progress
	p.Match, p.Found = t.Match(contextName, digits, callerID, now)
	c := t.contexts[contextName]
	if c == nil || !t.frozen {
		return p
	}
	var a, b [room]byte
	s := search{number: undashed(a[:0], digits), caller: undashed(b[:0], callerID)}
	s.start(t)
	p.More = c.more(&s, now)
	return p
}

// enter marks a context as searched and reports whether it was not before.
func (s *search) enter(c *context) bool {
	word, bit := c.number/64, uint64(1)<<(c.number%64)
	seen := s.seen[:]
	if word >= len(seen) {
		seen, word = s.rest, word-len(seen)
	}
	if seen[word]&bit != 0 {
		return false
	}
	seen[word] |= bit
	s.where = c
	return true
}

// choose is the first entry of a group for this caller. All hold the same
// numbers.
func (s *search) choose(group []*entry) *entry {
	for _, e := range group {
		if e.fits(s.caller) && (s.visit == nil || !s.visit(e)) {
			return e
		}
	}
	return nil
}

// find searches a context and those it includes.
func (c *context) find(s *search, now time.Time) *entry {
	if !s.enter(c) {
		return nil
	}
	if e := s.choose(c.index.numbers[string(s.number)]); e != nil {
		return e
	}
	if !s.plain {
		if e := c.index.root.find(s.number, s); e != nil {
			return e
		}
	}
	for i, to := range c.targets {
		if to != nil && c.includes[i].holds(now) {
			if e := to.find(s, now); e != nil {
				return e
			}
		}
	}
	return nil
}

// more is the search of Probe. A "!" settles it for the context that it stands
// in and what that includes; contexts included later elsewhere are still asked,
// as Asterisk does.
func (c *context) more(s *search, now time.Time) bool {
	if !s.enter(c) {
		return false
	}
	if c.index.moreNumbers(s) {
		return true
	}
	switch c.index.root.more(s.number, s) {
	case canGrow:
		return true
	case settled:
		return false
	}
	for i, to := range c.targets {
		if to != nil && c.includes[i].holds(now) && to.more(s, now) {
			return true
		}
	}
	return false
}

// moreNumbers reports whether a plain number begins with the digits and is longer.
func (x *index) moreNumbers(s *search) bool {
	i := x.after(s.number)
	for ; i < len(x.sorted); i++ {
		literal := x.sorted[i][0].pattern.literal
		if len(literal) < len(s.number) || literal[:len(s.number)] != string(s.number) {
			return false
		}
		if s.choose(x.sorted[i]) != nil {
			return true
		}
	}
	return false
}

// after is the place of the first plain number that sorts behind digits.
func (x *index) after(digits []byte) int {
	low, high := 0, len(x.sorted)
	for low < high {
		middle := (low + high) / 2
		if x.sorted[middle][0].pattern.literal > string(digits) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

func (i *Inclusion) holds(now time.Time) bool { return i.When == nil || i.When(now) }
