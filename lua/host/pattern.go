package host

import lua "github.com/yuin/gopher-lua"

// Lua's patterns, matched by trying each way in turn. Some patterns have more
// ways than anyone can wait for ("(.*)*" and the like), so every step is counted
// as work of the script, and an interruption ends a match like anything else.

const (
	maxCaptures = 32
	// maxPatternDepth bounds how many parts of a pattern may be waiting for the
	// ones after them.
	maxPatternDepth = 200
	// stepsCharged is how many steps pass between two charges.
	stepsCharged = 1024
	// stepsPerInstruction is how many steps take as long as one instruction.
	stepsPerInstruction = 4
)

// A capture's length is one of these, or how many bytes were captured.
const (
	captureOpen     = -1
	capturePosition = -2
)

type capture struct{ start, length int }

// matcher matches one pattern against one subject.
type matcher struct {
	L        *lua.LState
	state    *State
	subject  string
	pattern  string
	captures [maxCaptures]capture
	count    int // captures begun
	depth    int
	steps    int
}

func newMatcher(L *lua.LState, subject, pattern string) *matcher {
	return &matcher{L: L, state: FromLua(L), subject: subject, pattern: pattern}
}

// at tries to match at a place of the subject; end is -1 when it does not match.
func (m *matcher) at(place int) (end int) {
	m.count, m.depth = 0, 0
	from := 0
	if m.anchored() {
		from = 1
	}
	return m.match(place, from)
}

func (m *matcher) anchored() bool { return len(m.pattern) > 0 && m.pattern[0] == '^' }

// finish charges for the steps not charged yet.
func (m *matcher) finish() { m.state.Spend(m.L, m.steps/stepsPerInstruction) }

func (m *matcher) step() {
	if m.steps++; m.steps >= stepsCharged {
		m.steps = 0
		m.state.Spend(m.L, stepsCharged/stepsPerInstruction)
	}
}

func (m *matcher) fail(message string) {
	m.L.RaiseError("in the pattern %q: %s", clip(m.pattern), message)
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// match matches the rest of the pattern, from p, at s.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxPatternDepth {
		m.fail("too complex; the functions of re match without limits like this")
	}
	defer func() { m.depth-- }()
	for p < len(m.pattern) {
		m.step()
		switch c := m.pattern[p]; {
		case c == '(':
			return m.open(s, p+1)
		case c == ')':
			return m.close(s, p+1)
		case c == '$' && p+1 == len(m.pattern):
			if s == len(m.subject) {
				return s
			}
			return -1
		case c == '%' && p+1 < len(m.pattern) && isSpecial(m.pattern[p+1]):
			if s, p = m.special(s, p+1); s < 0 {
				return -1
			}
			continue
		}
		next := m.itemEnd(p)
		if next < len(m.pattern) {
			switch m.pattern[next] {
			case '*':
				return m.most(s, p, next, 0)
			case '+':
				return m.most(s, p, next, 1)
			case '-':
				return m.least(s, p, next)
			case '?':
				if m.one(s, p, next) {
					if end := m.match(s+1, next+1); end >= 0 {
						return end
					}
				}
				p = next + 1
				continue
			}
		}
		if !m.one(s, p, next) {
			return -1
		}
		s, p = s+1, next
	}
	return s
}

// most takes as many of an item as there are, then fewer until the rest matches.
func (m *matcher) most(s, p, next, atLeast int) int {
	n := 0
	for m.one(s+n, p, next) {
		m.step()
		n++
	}
	for ; n >= atLeast; n-- {
		if end := m.match(s+n, next+1); end >= 0 {
			return end
		}
	}
	return -1
}

// least takes as few of an item as the rest allows.
func (m *matcher) least(s, p, next int) int {
	for {
		if end := m.match(s, next+1); end >= 0 {
			return end
		}
		if !m.one(s, p, next) {
			return -1
		}
		m.step()
		s++
	}
}

func (m *matcher) open(s, p int) int {
	if m.count >= maxCaptures {
		m.fail("too many captures")
	}
	m.captures[m.count] = capture{s, captureOpen}
	if p < len(m.pattern) && m.pattern[p] == ')' {
		m.captures[m.count].length = capturePosition
		p++
	}
	m.count++
	end := m.match(s, p)
	if end < 0 {
		m.count--
	}
	return end
}

func (m *matcher) close(s, p int) int {
	i := m.count - 1
	for i >= 0 && m.captures[i].length != captureOpen {
		i--
	}
	if i < 0 {
		m.fail("a \")\" without its \"(\"")
	}
	m.captures[i].length = s - m.captures[i].start
	end := m.match(s, p)
	if end < 0 {
		m.captures[i].length = captureOpen
	}
	return end
}

// isSpecial tells %b, %f and %1 from escaped characters and classes.
func isSpecial(c byte) bool { return c == 'b' || c == 'f' || '0' <= c && c <= '9' }

// special matches %bxy, %f[set] or %1, of which p is the letter. It returns
// where to go on in the subject, -1 for no match, and in the pattern.
func (m *matcher) special(s, p int) (int, int) {
	switch c := m.pattern[p]; c {
	case 'b':
		if p+2 >= len(m.pattern) {
			m.fail("%b needs two characters")
		}
		return m.balance(s, m.pattern[p+1], m.pattern[p+2]), p + 3
	case 'f':
		p++
		if p >= len(m.pattern) || m.pattern[p] != '[' {
			m.fail("%f needs a set in brackets")
		}
		next := m.itemEnd(p)
		before, here := byte(0), byte(0)
		if s > 0 {
			before = m.subject[s-1]
		}
		if s < len(m.subject) {
			here = m.subject[s]
		}
		if m.inSet(before, p, next) || !m.inSet(here, p, next) {
			return -1, next
		}
		return s, next
	default:
		return m.again(s, int(c-'1')), p + 1
	}
}

// balance matches from an opening character to the closing one that belongs to it.
func (m *matcher) balance(s int, opening, closing byte) int {
	if s >= len(m.subject) || m.subject[s] != opening {
		return -1
	}
	for nested := 0; s < len(m.subject); s++ {
		m.step()
		switch m.subject[s] {
		case closing:
			if nested--; nested == 0 {
				return s + 1
			}
		case opening:
			nested++
		}
	}
	return -1
}

// again matches what capture i captured.
func (m *matcher) again(s, i int) int {
	if i < 0 || i >= m.count || m.captures[i].length < 0 {
		m.fail("% and a digit refers to a capture that is not there")
	}
	text := m.subject[m.captures[i].start:][:m.captures[i].length]
	m.steps += len(text) / 16
	if len(m.subject)-s < len(text) || m.subject[s:s+len(text)] != text {
		return -1
	}
	return s + len(text)
}

// itemEnd is where the item at p ends: a character, an escape or a set.
func (m *matcher) itemEnd(p int) int {
	switch m.pattern[p] {
	case '%':
		if p+1 >= len(m.pattern) {
			m.fail("it ends with %")
		}
		return p + 2
	case '[':
		p++
		if p < len(m.pattern) && m.pattern[p] == '^' {
			p++
		}
		for first := true; ; first = false {
			switch {
			case p >= len(m.pattern):
				m.fail("a \"[\" without its \"]\"")
			case m.pattern[p] == ']' && !first:
				return p + 1
			case m.pattern[p] == '%':
				p += 2
			default:
				p++
			}
		}
	}
	return p + 1
}

// one reports whether the item from p to next matches the character at s.
func (m *matcher) one(s, p, next int) bool {
	if s >= len(m.subject) {
		return false
	}
	c := m.subject[s]
	switch m.pattern[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pattern[p+1])
	case '[':
		return m.inSet(c, p, next)
	}
	return m.pattern[p] == c
}

// inSet reports whether c is in the set [...] from p to next.
func (m *matcher) inSet(c byte, p, next int) bool {
	end := next - 1 // the "]"
	p++
	found := true
	if m.pattern[p] == '^' {
		found = false
		p++
	}
	for p < end {
		m.step()
		switch {
		case m.pattern[p] == '%' && p+1 < end:
			if inClass(c, m.pattern[p+1]) {
				return found
			}
			p += 2
		case p+2 < end && m.pattern[p+1] == '-':
			if m.pattern[p] <= c && c <= m.pattern[p+2] {
				return found
			}
			p += 3
		default:
			if m.pattern[p] == c {
				return found
			}
			p++
		}
	}
	return !found
}

// inClass reports whether c is in the class that a letter stands for; any other
// character stands for itself, and a capital letter for the opposite.
func inClass(c, class byte) bool {
	in := false
	switch class | 0x20 {
	case 'a':
		in = isLetter(c)
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = 'a' <= c && c <= 'z'
	case 'p':
		in = ' ' < c && c < 0x7f && !isLetter(c) && !isDigit(c)
	case 's':
		in = c == ' ' || '\t' <= c && c <= '\r'
	case 'u':
		in = 'A' <= c && c <= 'Z'
	case 'w':
		in = isLetter(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return c == class
	}
	if !isLetter(class) {
		return c == class
	}
	return in == (class >= 'a')
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// captured is capture i of a match from start to end; without captures, the
// whole match is the first.
func (m *matcher) captured(i, start, end int) lua.LValue {
	if i >= m.count {
		if i > 0 {
			m.fail("% and a digit refers to a capture that is not there")
		}
		return lua.LString(m.subject[start:end])
	}
	switch c := m.captures[i]; c.length {
	case capturePosition:
		return lua.LNumber(c.start + 1)
	case captureOpen:
		m.fail("a \"(\" without its \")\"")
		return lua.LNil
	default:
		return lua.LString(m.subject[c.start:][:c.length])
	}
}

// push puts the captures of a match on the stack and returns how many there are.
func (m *matcher) push(start, end int) int {
	n := max(m.count, 1)
	for i := range n {
		m.L.Push(m.captured(i, start, end))
	}
	return n
}
