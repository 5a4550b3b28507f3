package program

// mostWords is how many words a line may have; what follows is left out.
const mostWords = 128

// Words divides a line into words as AGI does. Spaces and tabs divide, except
// within quotes or behind a backslash; a backslash takes its meaning from the
// character behind it. A quote at the beginning of a word makes it one even where
// nothing is between the quotes; within a word, quotes only keep spaces together.
func Words(line string) []string {
	var words []string
	var word []byte
	inside, quoted, escaped := false, false, false
	finish := func() {
		if inside && len(words) < mostWords {
			words = append(words, string(word))
		}
		word, inside = word[:0], false
	}
	for i := range len(line) {
		c := line[i]
		switch {
		case escaped:
			word, inside, escaped = append(word, c), true, false
		case c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
			inside = inside || quoted
		case (c == ' ' || c == '\t') && !quoted:
			finish()
		default:
			word, inside = append(word, c), true
		}
	}
	finish()
	return words
}
