package lib_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/local"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// compiled spares each world the work of compiling the library.
var compiled = &host.Compiled{}

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// world is a server without a network in virtual time: one site, whose calls
// come from fake lines.
type world struct {
	t      testing.TB
	clock  *clock.Virtual
	store  *store.Store
	sip    *fake.Endpoint
	api    *api.API
	host   *host.Host
	log    bytes.Buffer
	mu     sync.Mutex
	events []trace.Event
}

// tone is a prompt of some length.
type tone time.Duration

func (t tone) Duration() time.Duration { return time.Duration(t) }

func (t tone) Source(skip time.Duration) media.Source {
	return media.Encoded(&silence{left: int((time.Duration(t) - skip).Seconds() * 8000)})
}

type silence struct{ left int }

func (s *silence) NextPCM(_ int, dst []int16) (int, error) {
	n := min(len(dst), s.left)
	s.left -= n
	clear(dst[:n])
	if n < len(dst) {
		return n, io.EOF
	}
	return n, nil
}

var errNoPrompt = errors.New("there is no such prompt")

// prompts are those that the golden traces were recorded with.
func prompts(_, name string) (api.Sound, error) {
	switch name {
	case "tone1":
		return tone(time.Second), nil
	case "tone3":
		return tone(3 * time.Second), nil
	}
	return nil, errNoPrompt
}

// Write is the log's.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// newWorld loads a site at a moment. Changes are made to its services before.
func newWorld(t testing.TB, start time.Time, scripts map[string]string, changes ...func(*api.Services)) *world {
	t.Helper()
	return newWorldWith(t, start, scripts, "", changes...)
}

// newWorldWith loads a site whose folder holds programs, all of which it may run.
func newWorldWith(t testing.TB, start time.Time, scripts map[string]string, site string, changes ...func(*api.Services)) *world {
	t.Helper()
	v := clock.NewVirtual(start)
	engine, err := media.NewEngine(media.Options{Clock: v, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	w := &world{t: t, clock: v, store: store.NewMemory(v), sip: fake.NewEndpoint("sip", v)}
	t.Cleanup(func() { w.store.Close() })
	recorder := trace.NewRecorder(v, trace.Limits{})
	recorder.Watch(func(e trace.Event) {
		w.mu.Lock()
		w.events = append(w.events, e)
		w.mu.Unlock()
	})
	recordings, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { recordings.Close() })
	logger := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	itself := local.New(v)
	services := api.Services{
		Clock: v, Log: logger, Random: rand.NewPCG(1, 2), Media: engine, Prompts: prompts, Store: w.store, Trace: recorder,
		Endpoints: map[string]api.Dialer{"local": itself, "sip": w.sip}, Recordings: recordings, Site: site,
		Grants: func(declared api.Grants) api.Grants {
			if site != "" {
				declared.Programs = []api.Programs{{Allowed: []string{"*"}, User: strconv.Itoa(os.Geteuid())}}
			}
			return declared
		},
		Env: func(name string) (string, bool) { return map[string]string{"TZ": "UTC"}[name], name == "TZ" },
	}
	for _, change := range changes {
		change(&services)
	}
	w.api = api.New(services)
	files := fstest.MapFS{}
	for name, text := range scripts {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	w.host, err = host.New(host.Options{Scripts: files, Lib: lib.FS, Library: w.api, Clock: v, Log: logger, Limits: host.Limits{Prepared: 1}, Compiled: compiled})
	if err != nil {
		t.Fatal(host.Report(err))
	}
	w.api.Attach(w.host)
	itself.Attach(w.api.Accept)
	if err := w.host.Load(context.Background()); err != nil {
		t.Fatal(host.Report(err))
	}
	w.api.Activate(w.host.Current())
	v.Settle()
	return w
}

// starts places a call.
func (w *world) starts(info call.Info, behaviours ...fake.Behaviour) *fake.Leg {
	if info.ID == "" {
		info.ID = "c1"
	}
	if info.Endpoint == "" {
		info.Endpoint = "sip"
	}
	info.Incoming = true
	leg := fake.NewLeg(w.clock, info, behaviours...)
	w.api.Accept(leg)
	w.clock.Settle()
	return leg
}

// stored is a value that scripts put into the store.
func (w *world) stored(family, key string) (string, bool) {
	value, err := w.store.Get(context.Background(), family, key)
	return string(value), err == nil
}

// pair is one entry of a JSON object.
type pair struct{ Key, Value string }

// ordered is a JSON object of strings that keeps its order.
type ordered []pair

func (o *ordered) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return err
		}
		*o = append(*o, pair{key.(string), value})
	}
	return nil
}
