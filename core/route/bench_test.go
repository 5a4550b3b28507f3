package route_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/route"
)

// busy is a table of n patterns as large sites have them: prefixes of carriers,
// ranges of extensions, catch-alls.
func busy(t testing.TB, n int) (*route.Table, []string) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	table := route.NewTable()
	added := 0
	for added < n {
		prefix := strconv.Itoa(r.IntN(100000))
		tail := []string{"X.", "XXXX", "[1-5]XXX", "NXXXXXX", "ZX!", "."}[r.IntN(6)]
		if table.Add("out", route.Extension{Pattern: "_" + prefix + tail, Target: added}) == nil {
			added++
		}
	}
	for _, wide := range []string{"_X.", "_NXXNXXXXXX", "_[2-9]XX", "_00."} {
		if err := table.Add("out", route.Extension{Pattern: wide}); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Freeze(); err != nil {
		t.Fatal(err)
	}
	numbers := make([]string, 1024)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("%d%07d", r.IntN(10000), r.IntN(10000000))
	}
	return table, numbers
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1000, 30000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			table, numbers := busy(b, n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.Match("out", numbers[i%len(numbers)], "0123456789", noon)
			}
		})
	}
}

func BenchmarkProbe(b *testing.B) {
	table, numbers := busy(b, 1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Probe("out", numbers[i%len(numbers)][:4], "", noon)
	}
}

// BenchmarkMatchSimilar has a thousand patterns that all begin alike, where no
// early digit tells them apart.
func BenchmarkMatchSimilar(b *testing.B) {
	table := route.NewTable()
	for i := range 1000 {
		if err := table.Add("c", route.Extension{Pattern: fmt.Sprintf("_XXXXXX%03d", i)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := table.Freeze(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		table.Match("c", "123456999", "", noon)
	}
}

// BenchmarkMatchSets has a thousand patterns whose first positions are all
// different sets, the worst case of the index.
func BenchmarkMatchSets(b *testing.B) {
	table := sets(b)
	b.ReportAllocs()
	for b.Loop() {
		table.Match("c", "9999", "", noon)
	}
}

func sets(t testing.TB) *route.Table {
	t.Helper()
	table := route.NewTable()
	for i := range 1000 {
		set := ""
		for bit := range 10 {
			if i+1 >= 0 && (i+1)>>bit&1 == 1 {
				set += strconv.Itoa(bit)
			}
		}
		if err := table.Add("c", route.Extension{Pattern: "_[" + set + "]XX0"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Freeze(); err != nil {
		t.Fatal(err)
	}
	return table
}

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		busy(b, 30000)
	}
}

func BenchmarkProblems(b *testing.B) {
	table, _ := busy(b, 1000)
	for b.Loop() {
		table.Problems()
	}
}

func TestLookupsNeedNoMemory(t *testing.T) {
	table, numbers := busy(t, 1000)
	i := 0
	allocated := testing.AllocsPerRun(1000, func() {
		number := numbers[i%len(numbers)]
		table.Match("out", number, "0123-456", noon)
		table.Probe("out", number[:3], "", noon)
		table.Special("out", "i", "", noon)
		i++
	})
	if allocated != 0 {
		t.Errorf("%v allocations a look-up", allocated)
	}
}

// The bounds are far above what is measured (see the benchmarks), so that a busy
// machine passes and a change of complexity does not.
func TestSpeed(t *testing.T) {
	result := testing.Benchmark(func(b *testing.B) {
		table, numbers := busy(b, 1000)
		b.ResetTimer()
		for i := range b.N {
			table.Match("out", numbers[i%len(numbers)], "", noon)
		}
	})
	if d := time.Duration(result.NsPerOp()); d > 5*time.Microsecond {
		t.Errorf("a look-up among 1000 patterns takes %v", d)
	}
}
