package simulate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/local"
	"github.com/moonwire/moonwire/core/mailbox"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/sip"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// Monday is when a World begins that is not told a time: an ordinary morning.
var Monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// Options says what a World is made of. Only Scripts is needed.
type Options struct {
	Scripts fs.FS
	Plugins fs.FS  // nil: none
	Folder  string // of the site, absolute, for its programs; "": none

	Start  time.Time      // zero: Monday
	Zone   *time.Location // where scripts name none; nil: UTC
	Sounds *Sounds        // which prompts there are; nil: none
	Store  []Entry        // what the store holds at the beginning

	Answers []Answer // what comes of dialling; else telephones ring and nobody answers
	Grant   Grant
	HTTP    http.RoundTripper                // where granted requests go; nil: nowhere
	Env     func(name string) (string, bool) // nil: every variable has some value

	// Compiled, where not nil, is shared by Worlds of the same site, so that it is
	// compiled only once.
	Compiled *host.Compiled
	// Host, where not nil, changes how the scripts are hosted.
	Host func(*host.Options)

	// Patience is how much real time runs may take together; 0: a minute. Wall
	// tells it; nil: clock.Real.
	Patience time.Duration
	Wall     clock.Clock
}

// Entry is one value of the store.
type Entry struct{ Family, Key, Value string }

// Grant gives scripts what their site does not.
type Grant struct {
	Programs bool // to be run
	Files    bool // any, to be read and written
	Network  bool // requests leave the machine
}

// World is one site that serves simulated calls. Its methods are called by one
// goroutine at a time, and none while scripts run but by Run.
type World struct {
	options  Options
	clock    *clock.Virtual
	api      *api.API
	host     *host.Host
	site     *api.Site
	store    *store.Store
	engine   *media.Engine
	folder   string // of recordings
	root     *os.Root
	lines    map[string]*exchange // by technology
	itself   *local.Endpoint      // calls that lead back into the site
	deadline time.Time            // real
	stuck    bool                 // something never came back

	local *local.Endpoint

	mu      sync.Mutex
	parents map[string]string // by leg: the leg that it was dialled for
	events  []trace.Event
	lost    int
	records []api.Record
	legs    []*Leg
}

// mostEvents is how much of its story a World keeps.
const mostEvents = 200_000

// New loads a site. The error is that of its scripts; host.Report shows it. The
// World must be closed.
func New(ctx context.Context, o Options) (_ *World, err error) {
	o = o.withDefaults()
	v := clock.NewVirtual(o.Start)
	w := &World{options: o, clock: v, store: store.NewMemory(v), lines: map[string]*exchange{}, itself: local.New(v), parents: map[string]string{}}
	w.deadline = o.Wall.Now().Add(o.Patience)
	defer func() {
		if err != nil {
			w.release()
		}
	}()
	if w.engine, err = media.NewEngine(media.Options{Clock: v, Workers: 1, Log: quiet}); err != nil {
		return nil, err
	}
	if w.folder, err = os.MkdirTemp("", "moonwire-"); err != nil {
		return nil, fmt.Errorf("a folder for recordings: %w", err)
	}
	if w.root, err = os.OpenRoot(w.folder); err != nil {
		return nil, fmt.Errorf("a folder for recordings: %w", err)
	}
	for _, e := range o.Store {
		if err := w.store.Put(ctx, e.Family, e.Key, []byte(e.Value), store.PutOptions{}); err != nil {
			return nil, err
		}
	}
	w.api = api.New(w.services())
	hosting := host.Options{
		Scripts: o.Scripts, Plugins: o.Plugins, Lib: lib.FS, Library: w.api, Clock: o.Wall, Log: quiet,
		Seed: func() uint64 { return 1 }, Limits: host.Limits{Prepared: 1}, Compiled: o.Compiled,
	}
	if o.Host != nil {
		o.Host(&hosting)
	}
	if w.host, err = host.New(hosting); err != nil {
		return nil, err
	}
	w.api.Attach(w.host)
	w.itself.Attach(w.serveLocal)
	if err := w.host.Load(ctx); err != nil {
		return nil, err
	}
	w.site = w.host.Current().Declarations().(*api.Site)
	w.api.Activate(w.host.Current())
	return w, nil
}

// serveLocal serves a call that a script placed to the site itself. It begins
// when its caller waits, so that both never run at once, and several of them begin
// one after another.
func (w *World) serveLocal(l call.Leg) {
	w.clock.AfterFunc(0, func() { w.api.Accept(l) })
}

var quiet = slog.New(slog.DiscardHandler)

func (o Options) withDefaults() Options {
	if o.Start.IsZero() {
		o.Start = Monday
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Wall == nil {
		o.Wall = clock.Real
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Env == nil {
		o.Env = func(name string) (string, bool) { return "value-of-" + name, true }
	}
	if o.HTTP == nil {
		o.HTTP = nowhere{}
	}
	return o
}

// nowhere is a network on which nobody answers.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("there is no network in a simulation")
}

func (w *World) services() api.Services {
	recorder := trace.NewRecorder(w.clock, trace.Limits{First: 1, Latest: 1, Octets: 1, Ended: 1, Failed: 1})
	recorder.Watch(w.note)
	dialers := map[string]api.Dialer{w.itself.Name(): inside{w}}
	technologies := []string{"sip"}
	for _, a := range w.options.Answers {
		technologies = append(technologies, technology(a.Match))
	}
	for _, name := range technologies {
		if name != "*" && name != w.itself.Name() && w.lines[name] == nil {
			w.lines[name] = &exchange{world: w, name: name}
			dialers[name] = w.lines[name]
		}
	}
	return api.Services{
		Clock: w.clock, Log: slog.New(&diary{world: w}), Zone: w.options.Zone, Random: rand.NewPCG(1, 2), Media: w.engine,
		Endpoints: dialers, Prompts: w.options.Sounds.find, Store: w.store, Recordings: w.root,
		Env: w.options.Env, HTTP: w.options.HTTP, Wall: w.options.Wall, Site: w.options.Folder, Trace: recorder, Grants: w.grants,
		Ended: func(r api.Record) {
			w.mu.Lock()
			w.records = append(w.records, r)
			w.mu.Unlock()
		},
	}
}

// grants are what the site declares and what this run gives. Nothing is written
// outside and no request leaves unless the run says so.
func (w *World) grants(declared api.Grants) api.Grants {
	g := w.options.Grant
	if g.Files {
		declared.Read, declared.Write = []string{"/"}, []string{"/"}
	} else {
		declared.Write = nil
	}
	if g.Network {
		declared.HTTP = []string{"*"}
	} else if _, none := w.options.HTTP.(nowhere); none {
		declared.HTTP = nil
	}
	declared.Programs, declared.TCP = nil, nil
	if g.Programs {
		declared.Programs = []api.Programs{{Allowed: []string{"*"}, User: strconv.Itoa(os.Geteuid())}}
	}
	if g.Network {
		declared.TCP = []string{"*"}
	}
	declared.Withheld = "this is a simulation, which reaches outside only where it is told to"
	return declared
}

// Now is the virtual time.
func (w *World) Now() time.Time { return w.clock.Now() }

// Site is what the scripts declared.
func (w *World) Site() *api.Site { return w.site }

// Store is what calls share.
func (w *World) Store() *store.Store { return w.store }

// Recordings is the folder of what calls record.
func (w *World) Recordings() fs.FS { return w.root.FS() }

// Mailboxes keep what callers leave.
func (w *World) Mailboxes() *mailbox.Store { return w.api.Mailboxes() }

// Records are those of the calls that ended, in order.
func (w *World) Records() []api.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]api.Record(nil), w.records...)
}

// note keeps an event. Any goroutine.
func (w *World) note(e trace.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) >= mostEvents {
		w.lost++
		return
	}
	w.events = append(w.events, e)
}

// Legs are all legs so far, in the order of their making.
func (w *World) Legs() []*Leg {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*Leg(nil), w.legs...)
}

// farewell is how much virtual time scripts have to clean up at the end.
const farewell = 10 * time.Minute

// Close ends all calls and releases everything.
func (w *World) Close() {
	if !w.stuck {
		w.api.Deactivate()
		for _, l := range w.Legs() {
			l.HangsUp(call.CauseNormal)
		}
		_ = w.Run(w.clock.Now().Add(farewell), func() bool { return w.api.Stats().Busy == 0 })
	}
	w.release()
}

func (w *World) release() {
	if w.api != nil {
		w.api.EndPrograms()
	}
	_ = w.store.Close()
	if w.engine != nil {
		w.engine.Close()
	}
	if w.root != nil {
		_ = w.root.Close()
	}
	if w.folder != "" {
		_ = os.RemoveAll(w.folder)
	}
}

// config is SIP as the site declares it.
func (w *World) config() *sip.Config { return &w.site.SIP }

// Entries are what the store holds, in order.
func (w *World) Entries() []Entry {
	var list []Entry
	families, _ := w.store.Families(context.Background()) // memory does not fail
	for _, family := range families {
		entries, _ := w.store.List(context.Background(), family, "")
		for _, e := range entries {
			list = append(list, Entry{family, e.Key, string(e.Value)})
		}
	}
	return list
}
