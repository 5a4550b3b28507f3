package route_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/route"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// build makes a table of one line for each extension or include:
// "context pattern" or "context > included".
func build(t testing.TB, lines ...string) *route.Table {
	t.Helper()
	table := route.NewTable()
	for i, line := range lines {
		context, rest, _ := strings.Cut(line, " ")
		if included, ok := strings.CutPrefix(rest, "> "); ok {
			table.AddInclude(context, route.Inclusion{Context: included, Source: fmt.Sprintf("dialplan.lua:%d", i+1)})
			continue
		}
		e := route.Extension{Pattern: rest, Target: rest, Source: fmt.Sprintf("dialplan.lua:%d", i+1)}
		if err := table.Add(context, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Freeze(); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestMalformedPatterns(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                             "an empty number",
		"--":                           "an empty number",
		"_":                            "nothing follows the underscore",
		"_-":                           "nothing follows the underscore",
		"_1[23":                        "no ] after [ at character 3",
		"_1[]":                         "[] fits no character",
		"_[5-1]X":                      "[5-1] counts down: write 1-5",
		"_" + strings.Repeat("X", 300): "longer than 255 positions",
		strings.Repeat("1", 300):       "longer than 255 characters",
		"100/_[":                       `caller "_[" of context "internal"`,
	} {
		err := route.NewTable().Add("internal", route.Extension{Pattern: pattern, Source: "dialplan.lua:7"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "dialplan.lua:7: ") ||
			!strings.Contains(err.Error(), `context "internal"`) {
			t.Errorf("%.20q: %v, want %q", pattern, err, want)
		}
	}
}

func TestDuplicates(t *testing.T) {
	tests := []struct{ first, second, want string }{
		{"600", "600", `b.lua:2: extension "600" of context "internal" is there already, from a.lua:1`},
		{"12-34", "1234", `b.lua:2: extension "1234" of context "internal" holds the same numbers as "12-34", which is there already, from a.lua:1`},
		{"_NX", "_[2-9][0-9]", `b.lua:2: extension "_[2-9][0-9]" of context "internal" holds the same numbers as "_NX", which is there already, from a.lua:1`},
		{"_8./201", "_8./201", `b.lua:2: extension "_8./201" of context "internal" is there already, from a.lua:1`},
		{"_1/", "_[1]/-", `b.lua:2: extension "_[1]/" of context "internal" holds the same numbers as "_1/", which is there already, from a.lua:1`},
	}
	for _, test := range tests {
		table := route.NewTable()
		if err := table.Add("internal", route.Extension{Pattern: test.first, Source: "a.lua:1"}); err != nil {
			t.Fatal(err)
		}
		err := table.Add("internal", route.Extension{Pattern: test.second, Source: "b.lua:2"})
		var duplicate *route.DuplicateError
		if !errors.As(err, &duplicate) || err.Error() != test.want {
			t.Errorf("%s after %s:\n got %v\nwant %s", test.second, test.first, err, test.want)
		}
		if err := table.Add("other", route.Extension{Pattern: test.second}); err != nil {
			t.Errorf("%s in another context: %v", test.second, err)
		}
	}
	if err := build(t, "c 1").Add("c", route.Extension{Pattern: "2"}); err == nil {
		t.Error("a frozen table took an extension")
	}
}

func TestNotDuplicates(t *testing.T) {
	build(t, "c 100", "c 100/", "c 100/5", "c 100/_5", "c _100", "c _10[0].", "c _10[0]!", "c _1X", "c _1[0-8]", "c _1[1-9]", "c _1.", "c _1.2")
}

func TestIncludesMayGoRound(t *testing.T) {
	table := build(t, "a > b", "a > a", "b > c", "c > a", "c 3", "b > missing", "b _4X")
	for number, want := range map[string]string{"3": "c", "41": "b", "5": ""} {
		if m, _ := table.Match("a", number, "", noon); m.Context != want {
			t.Errorf("%s found in %q, want %q", number, m.Context, want)
		}
	}
	if _, ok := table.Match("nowhere", "3", "", noon); ok {
		t.Error("a number was found in a context that does not exist")
	}
}

func TestManyContexts(t *testing.T) {
	table := route.NewTable()
	for i := range 2000 {
		table.Include(fmt.Sprint("c", i), fmt.Sprint("c", i+1), nil)
	}
	if err := table.Add("c2000", route.Extension{Pattern: "1"}); err != nil {
		t.Fatal(err)
	}
	if err := table.Freeze(); err != nil {
		t.Fatal(err)
	}
	if m, ok := table.Match("c0", "1", "", noon); !ok || m.Context != "c2000" {
		t.Errorf("found %v, %v", m, ok)
	}
}

func TestIncludeHoldsWhenItsTimeHas(t *testing.T) {
	table := route.NewTable()
	table.Include("in", "day", func(now time.Time) bool { return now.Hour() >= 9 && now.Hour() < 18 })
	table.Include("in", "night", nil)
	for _, context := range []string{"day", "night"} {
		if err := table.Add(context, route.Extension{Pattern: "s"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Freeze(); err != nil {
		t.Fatal(err)
	}
	for hour, want := range map[int]string{8: "night", 12: "day", 18: "night"} {
		m, _ := table.Match("in", "s", "", time.Date(2026, 11, 20, hour, 0, 0, 0, time.UTC))
		if m.Context != want {
			t.Errorf("at %d o'clock found in %q, want %q", hour, m.Context, want)
		}
	}
}

func TestSpecialIsNotAPattern(t *testing.T) {
	table := build(t, "a _.", "a > b", "b h", "b i")
	if m, _ := table.Match("a", "h", "", noon); m.Context != "a" {
		t.Errorf("dialling h leads to %q: the catch-all takes it, as in Asterisk", m.Context)
	}
	if m, ok := table.Special("a", "h", "", noon); !ok || m.Context != "b" {
		t.Errorf("the special extension h was found in %q", m.Context)
	}
	if _, ok := table.Special("a", "t", "", noon); ok {
		t.Error("a special extension was found that does not exist")
	}
}

func TestEachShowsWhatIsHidden(t *testing.T) {
	table := build(t, "a _1XX", "a 123", "a 123/7", "a > b", "b _.", "b _12!")
	all := func(limit int) (found []string) {
		table.Each("a", "1-23", "7", noon, func(m route.Match) bool {
			found = append(found, m.Context+" "+m.Extension.Target.(string))
			return len(found) < limit
		})
		return found
	}
	want := []string{"a 123/7", "a 123", "a _1XX", "b _12!", "b _."}
	if got := all(9); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if got := all(2); !slices.Equal(got, want[:2]) {
		t.Errorf("found %v, want %v", got, want[:2])
	}
}

func TestProbe(t *testing.T) {
	table := build(t,
		"a 100", "a 1005", "a _2XX", "a _2X!", "a _3!", "a _33X", "a _4.", "a 5", "a 56/7", "a **1",
		"b _12X", "b > c", "c _1!", "c _12!",
		"d > e", "d > f", "e _1!", "f 123",
		"g _1!", "g > f")
	tests := []struct {
		context, digits, found string
		more                   bool
	}{
		{"a", "", "", true},
		{"a", "1", "", true},
		{"a", "100", "100", true},
		{"a", "1005", "1005", false},
		{"a", "2", "", true},
		{"a", "21", "_2X!", true},   // _2XX is tried first and could still fit
		{"a", "213", "_2XX", false}, // then "!" takes it at once
		{"a", "2134", "_2X!", false},
		{"a", "3", "_3!", true},
		{"a", "31", "_3!", false},
		{"a", "33", "_3!", true},
		{"a", "4", "", true},
		{"a", "41", "_4.", true}, // "." always asks for more
		{"a", "5", "5", false},   // 56 is for caller 7 only
		{"a", "9", "", false},
		{"a", "*", "", true},
		{"a", "1-0", "", true},
		{"b", "1", "_1!", true},
		{"b", "12", "_12!", true},
		{"b", "123", "_12X", false},
		{"d", "1", "_1!", true}, // a "!" of one include does not stop the next
		{"g", "1", "_1!", false},
		{"nowhere", "1", "", false},
	}
	for _, test := range tests {
		p := table.Probe(test.context, test.digits, "", noon)
		found := ""
		if p.Found {
			found = p.Match.Extension.Pattern
		}
		if found != test.found || p.More != test.more {
			t.Errorf("%q in %s: found %q, more %v; want %q, %v", test.digits, test.context, found, p.More, test.found, test.more)
		}
	}
	if p := table.Probe("a", "5", "7", noon); !p.More {
		t.Error("caller 7 could go on to 56")
	}
}

func TestPatternAlone(t *testing.T) {
	p, err := route.ParsePattern("_0[1-9]XX XX-XX.")
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[string][2]bool{
		"": {false, true}, "0": {false, true}, "00": {false, false}, "01234567": {false, true},
		"012345678": {true, true}, "01-23-45-67-8": {true, true},
	} {
		if got := [2]bool{p.Match(number), p.More(number)}; got != want {
			t.Errorf("%q: match and more %v, want %v", number, got, want)
		}
	}
	if p.String() != "_0[1-9]XX XX-XX." || !p.Wild() {
		t.Errorf("pattern is shown as %q", p)
	}
	plain, _ := route.ParsePattern("18-00")
	if !plain.Match("1800") || !plain.More("18") || plain.More("1800") || plain.Compare(p) >= 0 || p.Compare(plain) <= 0 {
		t.Error("plain numbers must match without dashes and come before patterns")
	}
}

func TestInspection(t *testing.T) {
	table := build(t, "b _X.", "b 9", "b _[12]X", "b 10/5", "b 10", "b > a", "b > gone", "a 1")
	if got := table.Contexts(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("contexts %v", got)
	}
	var order []string
	for _, e := range table.Extensions("b") {
		order = append(order, e.Target.(string))
	}
	if want := []string{"10/5", "10", "9", "_[12]X", "_X."}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if got := table.Includes("b"); len(got) != 2 || got[1].Context != "gone" || got[1].Source != "dialplan.lua:7" {
		t.Errorf("includes %+v", got)
	}
	if table.Has("gone") || !table.Has("a") || table.Extensions("gone") != nil || table.Includes("gone") != nil {
		t.Error("a context that is only included does not exist")
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		lines []string
		want  []string
	}{
		{[]string{"c _1.2", "c _1."}, []string{
			`extension "_1.2" of context "c": what follows the wildcard is ignored`,
			`extension "_1." of context "c" is never reached: "_1.2" (dialplan.lua:1) holds its numbers and comes first`}},
		{[]string{"c _[0-4]X", "c _[5-9]X", "c _XX"}, []string{
			`extension "_XX" of context "c" is never reached: "_[0-4]X" (dialplan.lua:1) and "_[5-9]X" (dialplan.lua:2) hold its numbers between them and come first`}},
		{[]string{"c _[0-4]X/5", "c _[5-9]X/5", "c _XX", "c _XX/6"}, nil},
		{[]string{"c _[0-4]X/5", "c _[5-9]X", "c _XX/5"}, []string{
			`extension "_XX/5" of context "c" is never reached: "_[0-4]X/5" (dialplan.lua:1) and "_[5-9]X" (dialplan.lua:2) hold its numbers between them and come first`}},
		{[]string{"c _[0-4]X", "c _[5-8]X", "c _XX", "c _0[12]X.", "c _0[1-7]XX", "c _.", "c _!"}, nil},
		{[]string{"c _Z!", "c _0!", "c _X.", "c _X!"}, []string{
			`extension "_X!" of context "c" is never reached: "_0!" (dialplan.lua:2) and "_Z!" (dialplan.lua:1) hold its numbers between them and come first`,
			`extension "_X." of context "c" is never reached: "_0!" (dialplan.lua:2) and "_Z!" (dialplan.lua:1) hold its numbers between them and come first`}},
		{[]string{"c _1[1-]", "c > d"}, []string{
			`context "c" includes "d", which does not exist`,
			`extension "_1[1-]" of context "c": dashes are not part of numbers, so one inside brackets fits nothing`}},
	}
	for _, test := range tests {
		var got []string
		for _, p := range build(t, test.lines...).Problems() {
			got = append(got, p.String())
			if !strings.HasPrefix(p.Source, "dialplan.lua:") {
				t.Errorf("%v: no source", p)
			}
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%v:\n got %q\nwant %q", test.lines, got, test.want)
		}
	}
}

func TestSplitCaller(t *testing.T) {
	for text, want := range map[string][2]string{
		"_8./201": {"_8.", "201"}, "600": {"600", ""}, "600/": {"600", route.Anonymous}, "_1/_2X": {"_1", "_2X"},
	} {
		if p, c := route.SplitCaller(text); [2]string{p, c} != want {
			t.Errorf("%q splits into %q and %q", text, p, c)
		}
	}
}
