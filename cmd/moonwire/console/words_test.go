package console

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                           nil,
		"  calls \t":                 {"calls"},
		"store put f k v":            {"store", "put", "f", "k", "v"},
		`store put f "a key" "x\"y"`: {"store", "put", "f", "a key", `x"y`},
		`say ""`:                     {"say", ""},
		`a"b c"d`:                    {"ab cd"},
		`back\slash`:                 {`back\slash`},
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	if _, err := splitWords(`say "hello`); err != errQuote {
		t.Errorf("an open quote: %v", err)
	}
}

func TestBeingTyped(t *testing.T) {
	for text, want := range map[string]string{
		"": "|", "ca": "|ca", "calls ": "calls|", "store get f": "store,get|f", `store get "a b`: "store,get|a b", `store get "a b" `: "store,get,a b|",
	} {
		finished, last := beingTyped(text)
		if got := strings.Join(finished, ",") + "|" + last; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range []string{"calls", `store put f "a key" v`, "core show channels concise", `"`, `\"`, "> calls()", "dialplan show 600@internal", "\x1b[31m", "sip set debug ip 10.0.0.1"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line)
		if err == nil {
			quoted := make([]string, len(words))
			for i, w := range words {
				quoted[i] = quoteWord(w)
			}
			again, err := splitWords(strings.Join(quoted, " "))
			if err != nil || !slices.Equal(again, words) {
				t.Errorf("%q is %q, and quoted %q", line, words, again)
			}
			if c, named, err := commandTable.find(words); err == nil && (c == nil || named > len(words)) {
				t.Errorf("%q finds %v with %d words", line, c, named)
			}
		}
		beingTyped(line)
		if p := printable(line); !utf8.ValidString(p) || strings.ContainsAny(p, "\x1b\x07\r\x00") {
			t.Errorf("%q is printed as %q", line, p)
		}
		newPacketFilter(line)
	})
}
