package route_test

import (
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/route"
)

// FuzzPattern checks that any text is read or refused, that a pattern agrees with
// the tree built from it, with the naive matcher and with itself.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"_NXXNXXXXXX", "2125551212"}, {"_0[1-7]X.", "0123"}, {"_[a-dx-]!", "x"}, {"600", "6-00"}, {"_1.2", "133"},
		{"_[", "1"}, {"_]", "]"}, {"_.", ""}, {"_!", ""}, {"müller", "müller"}, {"_\xff[\x00-\xff]", "\xff1"}, {"s-BUSY", "sBUSY"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, number string) {
		p, err := route.ParsePattern(pattern)
		if err != nil {
			return
		}
		if p.Compare(p) != 0 {
			t.Errorf("%q does not compare equal to itself", pattern)
		}
		if strings.Contains(pattern, "/") {
			return // to the table a caller begins there
		}
		table := route.NewTable()
		if err := table.Add("c", route.Extension{Pattern: pattern}); err != nil {
			t.Fatalf("%q parses, but the table says %v", pattern, err)
		}
		if err := table.Freeze(); err != nil {
			t.Fatal(err)
		}
		_, found := table.Match("c", number, "", noon)
		if found != p.Match(number) {
			t.Errorf("%q and %q: the table says %v, the pattern %v", pattern, number, found, p.Match(number))
		}
		if progress := table.Probe("c", number, "", noon); progress.Found != found || progress.More != p.More(number) {
			t.Errorf("%q and %q: the table says %+v, the pattern %v", pattern, number, progress, p.More(number))
		}
		table.Problems()
		plain := strings.ReplaceAll(number, "-", "")
		if !strings.ContainsAny(pattern, "xzn") && naiveFits(pattern, plain) != p.Match(number) {
			t.Errorf("%q and %q: the naive matcher disagrees with %v", pattern, number, p.Match(number))
		}
	})
}
