package route_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/route"
)

// This file matches numbers the slow way, from the written rules and with none of
// the package's code, to hold the index against.

// rank gives each position of a pattern a string that sorts in the order of
// precedence: the size of its set, then its members; wildcards and the end later.
func rank(pattern string) []string {
	var ranks []string
	for rest := pattern[1:]; rest != ""; {
		members, n := position(rest)
		switch {
		case members == "":
		case members == ".":
			ranks = append(ranks, "~1")
		case members == "!":
			ranks = append(ranks, "~2")
		default:
			ranks = append(ranks, fmt.Sprintf("%03d%s", len(members), members))
		}
		rest = rest[n:]
	}
	return append(ranks, "~3")
}

// position is the first position of a pattern: what it takes, in order, and how
// long it is written.
func position(rest string) (members string, length int) {
	switch c := rest[0]; c {
	case '-', ' ':
		return "", 1
	case '.', '!':
		return rest[:1], 1
	case 'X':
		return "0123456789", 1
	case 'Z':
		return "123456789", 1
	case 'N':
		return "23456789", 1
	case '[':
		end := strings.IndexByte(rest, ']')
		in := map[byte]bool{}
		for body := rest[1:end]; body != ""; {
			if len(body) > 2 && body[1] == '-' {
				for c := int(body[0]); c <= int(body[2]); c++ {
					in[byte(c)] = true
				}
				body = body[3:]
				continue
			}
			in[body[0]] = true
			body = body[1:]
		}
		for c := range 256 {
			if in[byte(c)] {
				members += string([]byte{byte(c)})
			}
		}
		return members, end + 1
	default:
		return rest[:1], 1
	}
}

func naiveFits(pattern, number string) bool {
	if !strings.HasPrefix(pattern, "_") {
		return strings.ReplaceAll(pattern, "-", "") == number
	}
	for rest := pattern[1:]; rest != ""; {
		members, n := position(rest)
		rest = rest[n:]
		switch {
		case members == "":
		case members == "!" && n == 1:
			return true
		case number == "":
			return false
		case members == "." && n == 1:
			return true
		case !strings.Contains(members, number[:1]):
			return false
		default:
			number = number[1:]
		}
	}
	return number == ""
}

// naiveBefore is the order of one context.
func naiveBefore(a, b naiveExtension) bool {
	wildA, wildB := strings.HasPrefix(a.pattern, "_"), strings.HasPrefix(b.pattern, "_")
	if wildA != wildB {
		return wildB
	}
	if wildA {
		x, y := rank(a.pattern), rank(b.pattern)
		for i := range min(len(x), len(y)) {
			if x[i] != y[i] {
				return x[i] < y[i]
			}
		}
	} else if a.pattern != b.pattern {
		return a.pattern < b.pattern
	}
	return a.caller != "" && b.caller == ""
}

type naiveExtension struct{ pattern, caller string }

func (e naiveExtension) String() string { return e.pattern + "/" + e.caller }

type naiveTable struct {
	extensions map[string][]naiveExtension
	includes   map[string][]string
}

func (n *naiveTable) match(context, number, caller string, seen map[string]bool) string {
	if seen[context] {
		return ""
	}
	seen[context] = true
	for _, e := range n.extensions[context] {
		if naiveFits(e.pattern, number) && (e.caller == "" || naiveFits(e.caller, caller)) {
			return context + " " + e.String()
		}
	}
	for _, included := range n.includes[context] {
		if found := n.match(included, number, caller, seen); found != "" {
			return found
		}
	}
	return ""
}

func randomPattern(r *rand.Rand) string {
	pieces := []string{"X", "Z", "N", "0", "1", "2", "3", "5", "9", "[13]", "[1-3]", "[2-5]", "[0-9]", "[5]", "[15-79]", "*", "#", "-", " "}
	text := "_"
	if r.IntN(3) == 0 {
		text = ""
		pieces = []string{"1", "2", "3", "5", "0"}
	}
	for range 1 + r.IntN(5) {
		text += pieces[r.IntN(len(pieces))]
	}
	if text[0] == '_' {
		text += []string{"", "", "", ".", "!", ".1"}[r.IntN(6)]
	}
	return text
}

func randomNumber(r *rand.Rand) string {
	number := make([]byte, 1+r.IntN(6))
	for i := range number {
		number[i] = "0123455599*#"[r.IntN(12)]
	}
	return string(number)
}

// randomTables builds the same contexts twice.
func randomTables(r *rand.Rand) (*route.Table, *naiveTable) {
	table := route.NewTable()
	naive := &naiveTable{map[string][]naiveExtension{}, map[string][]string{}}
	names := []string{"a", "b", "c", "d"}
	for _, context := range names {
		table.Context(context)
		for range r.IntN(30) {
			e := naiveExtension{pattern: randomPattern(r)}
			if r.IntN(4) == 0 {
				e.caller = []string{"1", "12", "_1X", "_[12]."}[r.IntN(4)]
			}
			if table.Add(context, route.Extension{Pattern: e.pattern, CallerID: e.caller, Target: e.String()}) == nil {
				naive.extensions[context] = append(naive.extensions[context], e)
			}
		}
		sort.SliceStable(naive.extensions[context], func(i, j int) bool {
			l := naive.extensions[context]
			return naiveBefore(l[i], l[j])
		})
		for range r.IntN(3) {
			included := names[r.IntN(len(names))]
			table.Include(context, included, nil)
			naive.includes[context] = append(naive.includes[context], included)
		}
	}
	if err := table.Freeze(); err != nil {
		panic(err)
	}
	return table, naive
}

func TestIndexAgreesWithTheRules(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 200 {
		table, naive := randomTables(r)
		for range 200 {
			number := randomNumber(r)
			// Callers that several patterns fit would need the naive order of
			// callers too; these fit one at most of each kind.
			caller := []string{"", "1", "3"}[r.IntN(3)]
			want := naive.match("a", number, caller, map[string]bool{})
			got := ""
			if m, ok := table.Match("a", number, caller, time.Time{}); ok {
				got = m.Context + " " + m.Extension.Target.(string)
				found++
			}
			if got != want {
				t.Fatalf("%q for caller %q found %q, want %q in\n%v\nincludes %v", number, caller, got, want, naive.extensions, naive.includes)
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d numbers found: the test has lost its point", found)
	}
}

// More is true exactly if a longer number leads somewhere that is not settled by
// a "!"; without any "!" that can be told by trying.
func TestProbeAgreesWithTrying(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	digits := "0123456789*#"
	for range 150 {
		table, naive := randomTables(r)
		bang := false
		for _, list := range naive.extensions {
			for _, e := range list {
				bang = bang || strings.Contains(e.pattern, "!")
			}
		}
		if bang {
			continue
		}
		var grows func(prefix string, depth int) bool
		grows = func(prefix string, depth int) bool {
			for i := range len(digits) {
				longer := prefix + digits[i:i+1]
				if _, ok := table.Match("a", longer, "", time.Time{}); ok {
					return true
				}
				if depth > 1 && grows(longer, depth-1) {
					return true
				}
			}
			return false
		}
		for range 10 {
			prefix := randomNumber(r)[:1]
			if r.IntN(2) == 0 {
				prefix += randomNumber(r)[:1]
			}
			more := table.Probe("a", prefix, "", time.Time{}).More
			if short := grows(prefix, 2); short && !more {
				t.Fatalf("%q can grow, but Probe denies it: %v", prefix, naive.extensions)
			}
			if more && !canReach(table, naive, prefix) {
				t.Fatalf("%q cannot grow, but Probe says so: %v", prefix, naive.extensions)
			}
		}
	}
}

// canReach completes a prefix with the help of each pattern.
func canReach(table *route.Table, naive *naiveTable, prefix string) bool {
	for _, list := range naive.extensions {
		for _, e := range list {
			if number := complete(e.pattern, prefix); len(number) > len(prefix) {
				if _, ok := table.Match("a", number, "", time.Time{}); ok {
					return true
				}
			}
		}
	}
	return false
}

func complete(pattern, prefix string) string {
	if pattern[0] != '_' {
		return strings.ReplaceAll(pattern, "-", "")
	}
	number := prefix
	for rest, at := pattern[1:], 0; rest != ""; {
		members, n := position(rest)
		rest = rest[n:]
		switch {
		case members == "":
			continue
		case members == "." && n == 1:
			return number + "0"
		case at >= len(number):
			number += members[:1]
		}
		at++
	}
	return number
}
