package lib_test

import (
	"testing"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// The library is loaded once by a server, and by each test that has one.
func BenchmarkLibrary(b *testing.B) {
	for b.Loop() {
		v := clock.NewVirtual(monday)
		if _, err := host.New(host.Options{Lib: lib.FS, Library: api.New(api.Services{Clock: v}), Clock: v, Limits: host.Limits{Prepared: 1}}); err != nil {
			b.Fatal(err)
		}
	}
}
