package api

import "github.com/moonwire/moonwire/lua/host"

// Suggest finds the name that was probably meant, "" if none is near. Names
// one or two slips of the finger away count: a letter missing, added, changed,
// or two swapped.
func Suggest(wrong string, names []string) string {
	best, least := "", 3
	if len(wrong) <= 3 {
		least = 2
	}
	for _, n := range names {
		if d := host.Distance(wrong, n); d < least {
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
