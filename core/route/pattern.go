package route

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// MaxLength is how many positions a pattern or a number of a table may have.
const MaxLength = 255

// Pattern is a set of numbers: one number, or all that fit a pattern that began
// with an underscore. The zero Pattern holds the empty number only.
type Pattern struct {
	text     string
	elements []element // nil for a plain number
	literal  string    // the plain number without dashes
	wild     bool      // written with an underscore
}

// element is one position of a pattern: a set of characters, or a wildcard that
// takes the rest of the number.
type element struct {
	kind elementKind
	set  charset
}

// elementKind is in the order of precedence: what is more specific comes first,
// and at the end of a pattern everything longer has been tried.
type elementKind uint8

const (
	oneOf   elementKind = iota // one character of the set
	restDot                    // "." one or more characters
	restAny                    // "!" none or more characters
)

// charset is a set of bytes.
type charset [4]uint64

func (s *charset) add(c byte)      { s[c>>6] |= 1 << (c & 63) }
func (s *charset) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

func (s *charset) size() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// compare orders by size, then by the members from the lowest on: of two sets of
// one size that one is first which holds the lowest character the other lacks.
func (s *charset) compare(o *charset) int {
	if d := cmp.Compare(s.size(), o.size()); d != 0 {
		return d
	}
	for i := range s {
		if s[i] != o[i] {
			lowest := (s[i] ^ o[i]) & -(s[i] ^ o[i])
			if s[i]&lowest != 0 {
				return -1
			}
			return 1
		}
	}
	return 0
}

// contains reports whether s holds all of o.
func (s *charset) contains(o *charset) bool {
	for i := range s {
		if o[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}

func span(from, to byte) (s charset) {
	for c := int(from); c <= int(to); c++ {
		s.add(byte(c))
	}
	return s
}

// classes are the letters that stand for digits, in either case.
var classes = map[byte]charset{
	'X': span('0', '9'), 'x': span('0', '9'),
	'Z': span('1', '9'), 'z': span('1', '9'),
	'N': span('2', '9'), 'n': span('2', '9'),
}

// ParsePattern reads a number ("600", "s") or, after an underscore, a pattern
// ("_0[1-7]X."). Dashes are for the eye and count nowhere but inside brackets;
// in patterns, so are spaces.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{text: text}
	if !strings.HasPrefix(text, "_") {
		p.literal = strings.ReplaceAll(text, "-", "")
		switch {
		case p.literal == "":
			return Pattern{}, errors.New("an empty number")
		case len(p.literal) > MaxLength:
			return Pattern{}, fmt.Errorf("longer than %d characters", MaxLength)
		}
		return p, nil
	}
	p.wild = true
	if err := p.parse(text[1:]); err != nil {
		return Pattern{}, err
	}
	return p, nil
}

// parse reads what follows the underscore.
func (p *Pattern) parse(rest string) error {
	for i := 0; i < len(rest); i++ {
		var e element
		switch c := rest[i]; c {
		case '-', ' ':
			continue
		case '.':
			e.kind = restDot
		case '!':
			e.kind = restAny
		case '[':
			inside, _, closed := strings.Cut(rest[i+1:], "]")
			if !closed {
				return fmt.Errorf("no ] after [ at character %d", i+2)
			}
			set, err := parseSet(inside)
			if err != nil {
				return err
			}
			e.set = set
			i += len(inside) + 1
		default:
			if class, ok := classes[c]; ok {
				e.set = class
			} else {
				e.set.add(c)
			}
		}
		p.elements = append(p.elements, e)
	}
	switch {
	case len(p.elements) == 0:
		return errors.New("a pattern that fits no number: nothing follows the underscore")
	case len(p.elements) > MaxLength:
		return fmt.Errorf("longer than %d positions", MaxLength)
	}
	return nil
}

// parseSet reads what stands between brackets: characters and ranges a-b. A dash
// that is first or last stands for itself, as in Asterisk, where nobody can dial
// it but it still makes the set larger.
func parseSet(inside string) (set charset, err error) {
	if inside == "" {
		return set, errors.New("[] fits no character")
	}
	for i := 0; i < len(inside); i++ {
		from, to := inside[i], inside[i]
		if i+2 < len(inside) && inside[i+1] == '-' {
			to = inside[i+2]
			if to < from {
				return set, fmt.Errorf("[%s] counts down: write %c-%c", inside, to, from)
			}
			i += 2
		}
		for c := int(from); c <= int(to); c++ {
			set.add(byte(c))
		}
	}
	return set, nil
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Wild reports whether the pattern was written with an underscore.
func (p Pattern) Wild() bool { return p.wild }

// Match reports whether number is in the set.
func (p Pattern) Match(number string) bool {
	var room [64]byte
	return p.match(undashed(room[:0], number))
}

// More reports whether longer numbers that begin with digits may be in the set.
// "!" does not ask for more: it takes what there is at once.
func (p Pattern) More(digits string) bool {
	var room [64]byte
	d := undashed(room[:0], digits)
	if !p.wild {
		return len(p.literal) > len(d) && p.literal[:len(d)] == string(d)
	}
	for i, e := range p.elements {
		switch {
		case e.kind == restDot:
			return true
		case e.kind == restAny:
			return false
		case i == len(d):
			return true
		case !e.set.has(d[i]):
			return false
		}
	}
	return false
}

// match is Match for a number without dashes.
func (p *Pattern) match(number []byte) bool {
	if !p.wild {
		return p.literal == string(number)
	}
	for i := range p.elements {
		e := &p.elements[i]
		switch {
		case e.kind == restAny:
			return true
		case i == len(number):
			return false
		case e.kind == restDot:
			return true
		case !e.set.has(number[i]):
			return false
		}
	}
	return len(number) == len(p.elements)
}

// Compare is the order in which a context tries its extensions: -1 when p comes
// before q. Plain numbers come first. Two patterns are compared position by
// position: the smaller set first, then ".", then "!", then the end. 0 means
// that both hold the same numbers.
func (p Pattern) Compare(q Pattern) int {
	switch {
	case p.wild != q.wild:
		if q.wild {
			return -1
		}
		return 1
	case !p.wild:
		return strings.Compare(p.literal, q.literal)
	}
	for i := range min(len(p.elements), len(q.elements)) {
		if d := p.elements[i].compare(&q.elements[i]); d != 0 {
			return d
		}
	}
	return cmp.Compare(len(q.elements), len(p.elements))
}

func (e *element) compare(o *element) int {
	if d := cmp.Compare(e.kind, o.kind); d != 0 {
		return d
	}
	return e.set.compare(&o.set)
}

// open reports whether a wildcard ends what numbers the pattern holds, and after
// how many positions; what is written behind it counts for the order only.
func (p *Pattern) open() (at int, kind elementKind) {
	for i := range p.elements {
		if k := p.elements[i].kind; k != oneOf {
			return i, k
		}
	}
	return len(p.elements), oneOf
}

// undashed appends number without its dashes.
func undashed(dst []byte, number string) []byte {
	for i := range len(number) {
		if number[i] != '-' {
			dst = append(dst, number[i])
		}
	}
	return dst
}
