package console

import (
	"errors"
	"strings"
)

// errQuote says that a line ends within quotes.
var errQuote = errors.New("a quote is not closed")

// splitWords takes a line apart at spaces. A word may be in double quotes, in
// which a backslash makes quotes and backslashes part of it; so may parts of
// words. The error is errQuote; the words are then as if the line ended in one.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	within, quoted := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '"':
			within, quoted = true, !quoted
		case quoted && c == '\\' && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\'):
			i++
			word.WriteByte(line[i])
		case !quoted && isSpace(c):
			if within {
				words = append(words, word.String())
				word.Reset()
			}
			within = false
		default:
			within = true
			word.WriteByte(c)
		}
	}
	if within {
		words = append(words, word.String())
	}
	if quoted {
		return words, errQuote
	}
	return words, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// quoteWord writes a word so that splitWords reads it.
func quoteWord(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n\r\"") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

// beingTyped splits what stands before the cursor into finished words and the
// one that is being typed, "" after a space.
func beingTyped(text string) (finished []string, last string) {
	words, err := splitWords(text)
	if err == nil && (text == "" || isSpace(text[len(text)-1])) {
		return words, ""
	}
	if len(words) == 0 {
		return nil, ""
	}
	return words[:len(words)-1], words[len(words)-1]
}

// printable is text without what could change a terminal: control characters
// other than the ends of lines, and bytes that are no UTF-8.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return -1
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}
