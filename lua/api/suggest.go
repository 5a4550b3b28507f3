package api

// Suggest finds the name that was probably meant, "" if none is near. Names
// one or two slips of the finger away count: a letter missing, added, changed,
// or two swapped.
func Suggest(wrong string, names []string) string {
	best, least := "", 3
	if len(wrong) <= 3 {
		least = 2
	}
	for _, n := range names {
		if d := distance(wrong, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// didYouMean is the end of a message about an unknown name.
func didYouMean(wrong string, names []string) string {
	if s := Suggest(wrong, names); s != "" {
		return ", did you mean '" + s + "'?"
	}
	return ""
}

// distance is the Damerau-Levenshtein distance without repeated edits.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
