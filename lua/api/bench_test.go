package api

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
	"testing/fstest"
)

// benchmarkCalls places calls to an extension, one after another.
func benchmarkCalls(b *testing.B, body string) {
	engine, err := media.NewEngine(media.Options{Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	ended := make(chan Record)
	log := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a := New(Services{Log: log, Media: engine, Ended: func(r Record) { ended <- r }})
	script := "context 'internal':extension('600', function(call)\n" + body + "\nend)"
	h, err := host.New(host.Options{
		Scripts: fstest.MapFS{"dialplan.lua": {Data: []byte(script)}}, Lib: lib.FS, Library: a, Log: log,
	})
	if err != nil {
		b.Fatal(err)
	}
	a.Attach(h)
	if err := h.Load(context.Background()); err != nil {
		b.Fatal(host.Report(err))
	}
	info := call.Info{ID: "c", Incoming: true, Context: "internal", Extension: "600"}
	b.ReportAllocs()
	for b.Loop() {
		a.Accept(fake.NewLeg(clock.Real, info))
		<-ended
	}
	if s := a.Stats(); s.Errors > 0 {
		b.Fatal("scripts failed")
	}
}

func BenchmarkAnswerAndHangup(b *testing.B) { benchmarkCalls(b, "call:answer()") }

func BenchmarkHundredLoopsOfTwoVariables(b *testing.B) {
	benchmarkCalls(b, `
call:answer()
for i = 1, 100 do
  call.vars.i = i
  call.vars.v = "foo-" .. call.extension .. "-" .. i
end`)
}
