package records_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/csv"
	"github.com/moonwire/moonwire/core/records/recordstest"
	"github.com/moonwire/moonwire/core/records/sqlite"
)

// BenchmarkDelivery is a record on its whole way: from many calls at once to the
// journal, on disk, and from there into a sink.
func BenchmarkDelivery(b *testing.B) {
	for name, sink := range map[string]func(dir string) records.Sink{
		"csv": func(dir string) records.Sink { return csv.New(csv.Options{Path: filepath.Join(dir, "Master.csv")}) },
		"sqlite": func(dir string) records.Sink {
			return sqlite.New(sqlite.Options{Path: filepath.Join(dir, "cdr.sqlite")})
		},
	} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			j, err := records.Open(records.Options{Dir: dir, Log: silent})
			if err != nil {
				b.Fatal(err)
			}
			d, err := j.Deliver(name, sink(dir))
			if err != nil {
				b.Fatal(err)
			}
			const calls = 8
			var under sync.WaitGroup
			for c := range calls {
				under.Go(func() {
					for n := c; n < b.N; n += calls {
						r := recordstest.Sample(n)
						if err := j.Append(&r); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			under.Wait()
			if err := j.Flush(); err != nil {
				b.Fatal(err)
			}
			d.Finish(b.Context())
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			if s := d.Status(); s.Delivered != uint64(b.N) {
				b.Errorf("%+v", s)
			}
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
