package route

import "bytes"

// index finds the entries of one context.
type index struct {
	numbers map[string][]*entry // plain numbers, without dashes
	sorted  [][]*entry          // the same, in order
	root    *node               // patterns
}

// node is a place in the tree of patterns, reached after some positions. Its
// edges are in the order of precedence: single characters, larger sets, then the
// wildcards, then the end.
type node struct {
	chars  []byte  // sets of one character, sorted
	single []*node // where they lead
	sets   []edge
	dot    *node // "." and what is written behind it
	bang   *node // "!"
	end    []*entry
}

type edge struct {
	set charset
	to  *node
}

// newIndex builds an index of entries, which are in order.
func newIndex(entries []*entry) index {
	var x index
	plain := 0
	for plain < len(entries) && !entries[plain].pattern.wild {
		plain++
	}
	x.numbers = make(map[string][]*entry, plain)
	for i := 0; i < plain; {
		j := i + 1
		for j < plain && entries[j].pattern.literal == entries[i].pattern.literal {
			j++
		}
		group := entries[i:j:j]
		x.numbers[entries[i].pattern.literal] = group
		x.sorted = append(x.sorted, group)
		i = j
	}
	x.root = newNode(entries[plain:], 0)
	return x
}

// newNode builds the tree of entries that have the first depth positions alike.
func newNode(entries []*entry, depth int) *node {
	n := &node{}
	for i := 0; i < len(entries); {
		if len(entries[i].pattern.elements) == depth {
			n.end = entries[i:]
			break
		}
		first := &entries[i].pattern.elements[depth]
		j := i + 1
		for j < len(entries) && len(entries[j].pattern.elements) > depth &&
			entries[j].pattern.elements[depth] == *first {
			j++
		}
		n.grow(first, newNode(entries[i:j:j], depth+1))
		i = j
	}
	return n
}

func (n *node) grow(e *element, to *node) {
	switch {
	case e.kind == restDot:
		n.dot = to
	case e.kind == restAny:
		n.bang = to
	case e.set.size() == 1:
		n.chars = append(n.chars, e.set.lowest())
		n.single = append(n.single, to)
	default:
		n.sets = append(n.sets, edge{e.set, to})
	}
}

func (s *charset) lowest() byte {
	for c := range 256 {
		if s.has(byte(c)) {
			return byte(c)
		}
	}
	return 0
}

// find is the first entry in order that holds number for the caller of s; nil
// where there is none, or where s.visit took all.
func (n *node) find(number []byte, s *search) *entry {
	if len(number) > 0 {
		if i := bytes.IndexByte(n.chars, number[0]); i >= 0 {
			if e := n.single[i].find(number[1:], s); e != nil {
				return e
			}
		}
		for i := range n.sets {
			if edge := &n.sets[i]; edge.set.has(number[0]) {
				if e := edge.to.find(number[1:], s); e != nil {
					return e
				}
			}
		}
		if n.dot != nil {
			if e := n.dot.any(s); e != nil {
				return e
			}
		}
	}
	if n.bang != nil {
		if e := n.bang.any(s); e != nil {
			return e
		}
	}
	if len(number) == 0 {
		return s.choose(n.end)
	}
	return nil
}

// any is the first entry below n, whatever the number: n lies behind a wildcard.
func (n *node) any(s *search) *entry {
	for _, to := range n.single {
		if e := to.any(s); e != nil {
			return e
		}
	}
	for i := range n.sets {
		if e := n.sets[i].to.any(s); e != nil {
			return e
		}
	}
	for _, to := range [...]*node{n.dot, n.bang} {
		if to != nil {
			if e := to.any(s); e != nil {
				return e
			}
		}
	}
	return s.choose(n.end)
}

// growth is what a search for longer numbers came to.
type growth uint8

const (
	noGrowth growth = iota
	canGrow
	settled // a "!" takes the number as it is: nothing behind it counts
)

// more says whether a number that begins with digits may be held below n.
func (n *node) more(digits []byte, s *search) growth {
	if len(digits) == 0 {
		return n.moreBelow(s)
	}
	if i := bytes.IndexByte(n.chars, digits[0]); i >= 0 {
		if g := n.single[i].more(digits[1:], s); g != noGrowth {
			return g
		}
	}
	for i := range n.sets {
		if edge := &n.sets[i]; edge.set.has(digits[0]) {
			if g := edge.to.more(digits[1:], s); g != noGrowth {
				return g
			}
		}
	}
	return n.moreRest(s)
}

// moreBelow is more when all digits are used: any longer entry below n will do.
func (n *node) moreBelow(s *search) growth {
	for _, to := range n.single {
		if to.any(s) != nil {
			return canGrow
		}
	}
	for i := range n.sets {
		if n.sets[i].to.any(s) != nil {
			return canGrow
		}
	}
	return n.moreRest(s)
}

func (n *node) moreRest(s *search) growth {
	if n.dot != nil && n.dot.any(s) != nil {
		return canGrow
	}
	if n.bang != nil && n.bang.any(s) != nil {
		return settled
	}
	return noGrowth
}
