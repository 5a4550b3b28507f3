package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// world is a server without a network: one site, fake phones, virtual time.
type world struct {
	t        testing.TB
	clock    *clock.Virtual
	sip      *fake.Endpoint
	api      *API
	host     *host.Host
	log      *syncBuffer
	folder   string
	mu       sync.Mutex
	heard    []string // prompts played, in order
	records  []Record
	services Services
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// prompt is a second of sound; playing it is noted.
type prompt struct {
	w    *world
	name string
}

func (p prompt) Duration() time.Duration { return time.Second }

func (p prompt) Source(skip time.Duration) media.Source {
	return media.Encoded(&second{prompt: p, left: max(0, 8000-int(min(skip, time.Second).Seconds()*8000))})
}

type second struct {
	prompt
	left    int
	started bool
}

func (s *second) NextPCM(rate int, dst []int16) (int, error) {
	if !s.started {
		s.started = true
		s.w.mu.Lock()
		s.w.heard = append(s.w.heard, s.name)
		s.w.mu.Unlock()
	}
	n := min(len(dst), s.left)
	s.left -= n
	for i := range n {
		dst[i] = 1000
	}
	if n < len(dst) {
		return n, io.EOF
	}
	return n, nil
}

func (w *world) prompts(_, name string) (Sound, error) {
	if strings.HasPrefix(name, "no-") {
		return nil, fmt.Errorf("prompt %s is missing", name)
	}
	return prompt{w, name}, nil
}

// newWorld loads a site of pairs: file, text.
func newWorld(t testing.TB, pairs ...string) *world {
	t.Helper()
	w, err := tryWorld(t, pairs...)
	if err != nil {
		t.Fatal(host.Report(err))
	}
	return w
}

func tryWorld(t testing.TB, pairs ...string) (*world, error) {
	t.Helper()
	v := clock.NewVirtual(monday)
	engine, err := media.NewEngine(media.Options{Clock: v, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	w := &world{t: t, clock: v, sip: fake.NewEndpoint("sip", v), log: &syncBuffer{}, folder: t.TempDir()}
	recordings, err := os.OpenRoot(w.folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { recordings.Close() })
	kept := store.NewMemory(v)
	t.Cleanup(func() { kept.Close() })
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.services = Services{
		Clock: v, Log: logger, Random: rand.NewPCG(1, 2), Media: engine, Prompts: w.prompts, Store: kept,
		Trace:     trace.NewRecorder(v, trace.Limits{}),
		Endpoints: map[string]Dialer{"sip": w.sip}, Recordings: recordings,
		Env: func(name string) (string, bool) { return "env-" + name, name != "UNSET" },
		Ended: func(r Record) {
			w.mu.Lock()
			w.records = append(w.records, r)
			w.mu.Unlock()
		},
	}
	w.api = New(w.services)
	scripts := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		scripts[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	w.host, err = host.New(host.Options{Scripts: scripts, Lib: lib.FS, Library: w.api, Clock: v, Log: logger, Limits: host.Limits{Prepared: 1, Instructions: 2_000_000}})
	if err != nil {
		t.Fatal(host.Report(err))
	}
	w.api.Attach(w.host)
	if err := w.host.Load(context.Background()); err != nil {
		return nil, err
	}
	w.api.Activate(w.host.Current())
	return w, nil
}

// serving is a site with one extension, 600, whose function has this body.
func serving(t testing.TB, body string) *world {
	t.Helper()
	return newWorld(t, "dialplan.lua", "context 'internal':extension('600', function(call)\n"+body+"\nend)")
}

// calls places a call to 600 whose far end behaves so, and lets time pass.
func (w *world) calls(behaviours ...fake.Behaviour) *fake.Leg { return w.callsTo("600", behaviours...) }

func (w *world) callsTo(extension string, behaviours ...fake.Behaviour) *fake.Leg {
	w.t.Helper()
	leg := w.starts(extension, behaviours...)
	w.clock.Advance(time.Hour)
	if s := leg.Info().State; s != call.Ended {
		w.t.Fatalf("the call is %v after an hour\n%s", s, w.log)
	}
	w.clock.Settle()
	if n := w.api.Stats().Active; n != 0 {
		w.t.Errorf("%d calls are still served", n)
	}
	return leg
}

func (w *world) starts(extension string, behaviours ...fake.Behaviour) *fake.Leg {
	w.t.Helper()
	leg := fake.NewLeg(w.clock, call.Info{
		ID: "c1", Endpoint: "sip", Incoming: true, Context: "internal", Extension: extension,
		Caller: call.Party{Number: "1001", Name: "Front desk"},
	}, behaviours...)
	w.api.Accept(leg)
	w.clock.Settle()
	return leg
}

// logged fails the test unless the log holds every text.
func (w *world) logged(texts ...string) {
	w.t.Helper()
	log := w.log.String()
	for _, text := range texts {
		if !strings.Contains(log, text) {
			w.t.Errorf("the log lacks %q\n%s", text, log)
		}
	}
}

func (w *world) noErrors() {
	w.t.Helper()
	if strings.Contains(w.log.String(), "level=ERROR") {
		w.t.Errorf("errors were logged:\n%s", w.log)
	}
}

func (w *world) played() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.heard, " ")
}

// cause is why the last call ended.
func cause(l *fake.Leg) call.Cause {
	for _, s := range l.Signals() {
		if h, ok := s.Signal.(call.Hangup); ok {
			return h.Cause
		}
	}
	return call.CauseNone
}
