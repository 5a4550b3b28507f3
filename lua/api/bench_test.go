package api

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// realServer runs a script for extension 600 on the machine's own clock; the
// records of calls come through the channel.
func realServer(b testing.TB, body string, recorder *trace.Recorder) (*API, <-chan Record) {
	engine, err := media.NewEngine(media.Options{Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(engine.Close)
	ended := make(chan Record)
	log := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a := New(Services{Log: log, Media: engine, Trace: recorder, Ended: func(r Record) { ended <- r }})
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
	return a, ended
}

// Many calls at once, on real workers; the race detector looks on.
func TestManyCallsAtOnce(t *testing.T) {
	a, ended := realServer(t, `
call:on_hangup(function() call.vars.gone = true end)
call:silence(0.06)
call:read { timeout = 0.02 }
call:tone("busy", { seconds = 0.05 })`, trace.NewRecorder(clock.Real, trace.Limits{}))
	const calls = 200
	for i := range calls {
		a.Accept(fake.NewLeg(clock.Real, call.Info{ID: strconv.Itoa(i), Incoming: true, Context: "internal", Extension: "600"}))
	}
	for range calls {
		if r := <-ended; r.Answered.IsZero() || r.HungUpBy != "us" {
			t.Errorf("record %+v", r)
		}
	}
	if s := a.Stats(); s.Errors != 0 || s.Answered != calls {
		t.Errorf("stats %+v", s)
	}
}

// benchmarkCalls places calls to an extension, one after another: without a
// flight recorder, and with one.
func benchmarkCalls(b *testing.B, body string) {
	for name, recorder := range map[string]*trace.Recorder{"untraced": nil, "traced": trace.NewRecorder(clock.Real, trace.Limits{})} {
		b.Run(name, func(b *testing.B) {
			a, ended := realServer(b, body, recorder)
			info := call.Info{Incoming: true, Context: "internal", Extension: "600"}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				info.ID = "sip-1234-" + strconv.Itoa(n)
				a.Accept(fake.NewLeg(clock.Real, info))
				<-ended
			}
			if s := a.Stats(); s.Errors > 0 {
				b.Fatal("scripts failed")
			}
		})
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

// BenchmarkHundredSteps is the worst that the recorder can cost: a script that
// does nothing but what is noted.
func BenchmarkHundredSteps(b *testing.B) {
	benchmarkCalls(b, `
call:answer()
for i = 1, 100 do
  log.debug("step %d", i)
end`)
}

// BenchmarkHeldCall reports what a call costs in memory while its script waits.
func BenchmarkHeldCall(b *testing.B) {
	const held = 2000
	for b.Loop() {
		w := serving(b, "call:answer() call:wait(600)")
		legs := make([]*fake.Leg, held)
		for i := range legs {
			legs[i] = fake.NewLeg(w.clock, call.Info{ID: strconv.Itoa(i), Incoming: true, Context: "internal", Extension: "600"})
		}
		before := memory()
		for _, l := range legs {
			w.api.Accept(l)
		}
		w.clock.Settle()
		b.ReportMetric(float64(memory()-before)/held, "B/call")
		w.clock.Advance(time.Hour)
	}
}

// memory is what the heap and the stacks take.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
