package api

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/mailbox"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/host"
)

// Services is what the API works with. Only Media is needed to serve calls;
// without another service, what scripts ask of it fails with a reason.
type Services struct {
	Clock  clock.Clock    // nil: clock.Real
	Wall   clock.Clock    // what other programs go by, which know no virtual time; nil: clock.Real
	Log    *slog.Logger   // nil: slog.Default()
	Zone   *time.Location // where scripts name none; nil: UTC
	Random rand.Source    // nil: seeded by the system
	Media  *media.Engine  // runs the media of legs that have no worker of their own

	// Endpoints are what can be dialled, by the word before the slash.
	Endpoints map[string]Dialer
	// Prompts finds a recorded prompt; its error says which names were tried.
	Prompts func(language, name string) (Sound, error)
	// Store is state that calls share and that survives a restart.
	Store Store
	// Recordings is the folder of what calls record and play back.
	Recordings *os.Root
	// Site is the folder of the site, absolute, where its programs are; "": none.
	Site string
	// Mailboxes keep voice messages; nil: those of the folder voicemail in Recordings.
	Mailboxes *mailbox.Store
	// Secret finds or makes the password of a name.
	Secret func(name string) (string, error)
	// Env finds a variable of the environment; nil: os.LookupEnv.
	Env func(name string) (string, bool)
	// HTTP carries requests of scripts; nil: a transport of its own.
	HTTP http.RoundTripper
	// Trace keeps the stories of calls; nil: nobody does.
	Trace *trace.Recorder
	// Grants, where not nil, decides what scripts may reach, given what the site
	// declares; nil: just that.
	Grants func(declared Grants) Grants
	// Extension, where not nil, stands beside the table of this package.
	Extension *Extension
	// Registered tells which phones are registered; nil: all that are declared are.
	Registered func() map[string]bool
	// Ended, where not nil, hears the record of each call that ended.
	Ended func(Record)
	// TurnedAway, where not nil, hears the record of each call that was refused
	// before a script served it.
	TurnedAway func(Record)
}

// Dialer makes calls; every call.Endpoint is one.
type Dialer interface {
	Dial(ctx context.Context, to call.Target) (call.Leg, error)
}

// Immediate is a Dialer whose Dial never waits. It is called on the goroutine of
// the script, so that several targets are dialled in their order.
type Immediate interface {
	Dialer
	Immediate()
}

// Sound is a prompt that can be played any number of times at once.
type Sound interface {
	Source(skip time.Duration) media.Source
	Duration() time.Duration
}

// Store keeps values by family and key; *store.Bucket is one.
type Store interface {
	Get(ctx context.Context, family, key string) ([]byte, error)
	Put(ctx context.Context, family, key string, value []byte, o store.PutOptions) error
	Delete(ctx context.Context, family, key string) error
	DeleteTree(ctx context.Context, family, root string) (int, error)
	Keys(ctx context.Context, family, prefix string) ([]string, error)
	Add(ctx context.Context, family, key string, delta int64) (int64, error)
	Watch(ctx context.Context, family string, f func(store.Change)) error
}

// API is the library of functions that scripts call, and what runs scripts for
// calls. It is a host.Library.
type API struct {
	services    Services
	host        *host.Host
	expressions expressions
	random      *rand.Rand
	randomLock  sync.Mutex
	metatables  map[string]*lua.LTable
	posts       posts
	calls       register
	locks       locks
	lines       lines
	background  background
	counters    counters
	activity    activity
	recording   recording
	programs    programs
	streams     media.Streams // of recordings that play
}

var _ host.Library = (*API)(nil)

// New returns an API that works with s.
func New(s Services) *API {
	if s.Clock == nil {
		s.Clock = clock.Real
	}
	if s.Wall == nil {
		s.Wall = clock.Real
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	if s.Random == nil {
		s.Random = rand.NewPCG(rand.Uint64(), rand.Uint64())
	}
	if s.Env == nil {
		s.Env = lookupEnv
	}
	if s.HTTP == nil {
		s.HTTP = newTransport()
	}
	if s.Secret == nil {
		s.Secret = func(name string) (string, error) { return "secret-of-" + name, nil }
	}
	api := &API{services: s, random: rand.New(s.Random), metatables: map[string]*lua.LTable{}}
	if s.Mailboxes == nil && s.Recordings != nil {
		api.services.Mailboxes = mailbox.New(s.Recordings, mailbox.Options{Clock: s.Clock, Log: s.Log, Random: chance{api}})
	}
	if m := api.services.Mailboxes; m != nil {
		m.Watch(api.mailboxChanged)
	}
	api.posts.api = api
	api.streams.Clock, api.streams.Log = s.Clock, s.Log
	api.background.api = api
	api.calls.calls = map[string]*Call{}
	return api
}

// Attach tells the API which host's versions serve calls. It must be called
// before the first Accept.
func (api *API) Attach(h *host.Host) { api.host = h }

// NewDeclarations returns an empty *Site.
func (api *API) NewDeclarations() any { return newSite() }

// Complete checks a *Site and freezes its routes.
func (api *API) Complete(d any, _ *host.Version) error {
	site := d.(*Site)
	if api.services.Grants != nil {
		site.Grants = api.services.Grants(site.Grants)
	}
	return site.complete()
}

// Install puts every entry of the table in its place.
func (api *API) Install(L *lua.LState) error {
	tables := map[string]*lua.LTable{}
	entries, objects := table, maps.Clone(classes)
	if x := api.services.Extension; x != nil {
		entries = slices.Concat(entries, x.Entries)
		maps.Copy(objects, x.classes)
	}
	for name := range objects {
		tables[name] = L.NewTable()
		api.metatables[name] = api.newMetatable(L, name, tables[name])
	}
	L.SetGlobal("reload", api.wrap(L, reloading{}))
	for _, e := range entries {
		f := L.NewFunction(api.bind(e))
		if e.On == "" {
			L.SetGlobal(e.Name, f)
			continue
		}
		if tables[e.On] == nil {
			tables[e.On] = L.NewTable()
			L.SetGlobal(e.On, tables[e.On])
		}
		tables[e.On].RawSetString(e.Name, f)
	}
	return nil
}

// newMetatable makes what all objects of a class share.
func (api *API) newMetatable(L *lua.LState, class string, methods *lua.LTable) *lua.LTable {
	m := L.NewTable()
	m.RawSetString("__metatable", lua.LString(class))
	m.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		key := L.Get(2)
		if name, ok := key.(lua.LString); ok {
			if f := methods.RawGetString(string(name)); f != lua.LNil {
				L.Push(f)
				return 1
			}
			if v, ok := api.field(L, string(name)); ok {
				L.Push(v)
				return 1
			}
		}
		L.RaiseError("a %s has no '%s'%s", class, key.String(), didYouMean(key.String(), api.names(class)))
		return 0
	}))
	m.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		api.setField(L, class, L.Get(2).String(), L.Get(3))
		return 0
	}))
	m.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		L.Push(lua.LString(class + " " + L.Get(1).(*lua.LUserData).Value.(objectValue).title()))
		return 1
	}))
	return m
}

// classOf finds a class, of the extension too.
func (api *API) classOf(name string) *Class {
	if c := classes[name]; c != nil {
		return c
	}
	return api.services.Extension.classes[name]
}

// names lists what exists on a module or class, of the extension too.
func (api *API) names(on string) []string {
	list := names(on)
	if x := api.services.Extension; x != nil {
		list = append(list, x.names(on)...)
	}
	return list
}

// objectValue is what the userdata of scripts hold.
type objectValue interface {
	class() string
	title() string
	// get returns a field's value; set assigns one that the table lets be set.
	get(L *lua.LState, name string) (lua.LValue, bool)
	set(name string, v lua.LValue)
}

func className(v any) string {
	if o, ok := v.(objectValue); ok {
		return o.class()
	}
	return "userdata"
}

// wrap makes the Lua object of o.
func (api *API) wrap(L *lua.LState, o objectValue) *lua.LUserData {
	return &lua.LUserData{Value: o, Env: L.Env, Metatable: api.metatables[o.class()]}
}

func (api *API) field(L *lua.LState, name string) (lua.LValue, bool) {
	ud, ok := L.Get(1).(*lua.LUserData)
	if !ok {
		return nil, false
	}
	o, ok := ud.Value.(objectValue)
	if !ok {
		return nil, false
	}
	return o.get(L, name)
}

func (api *API) setField(L *lua.LState, class, name string, v lua.LValue) {
	for _, f := range api.classOf(class).Fields {
		if f.Name != name {
			continue
		}
		if !f.Settable {
			L.RaiseError("%s.%s cannot be set", class, name)
		}
		if complaint := f.Type.complain(class+"."+name, v); complaint != "" {
			L.RaiseError("%s", complaint)
		}
		object := L.Get(1).(*lua.LUserData).Value.(objectValue)
		if o, ok := object.(interface {
			setFrom(*lua.LState, string, lua.LValue)
		}); ok {
			o.setFrom(L, name, v)
			return
		}
		object.set(name, v)
		return
	}
	hint := didYouMean(name, api.names(class))
	if hint == "" && class == "call" {
		hint = "; keep values of your own in call.vars"
	}
	L.RaiseError("a %s has no '%s'%s", class, name, hint)
}

func (c *dialContext) class() string { return "context" }
func (c *dialContext) title() string { return c.name }
func (c *dialContext) get(_ *lua.LState, name string) (lua.LValue, bool) {
	if name == "name" {
		return lua.LString(c.name), true
	}
	return nil, false
}
func (c *dialContext) set(string, lua.LValue) {}
