package api

import (
	"context"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/lua/host"
)

const (
	backgroundAtOnce  = 64    // runs beside the calls; more wait in line
	backgroundWaiting = 10000 // in that line; more are dropped, which is logged
)

// background runs hooks, timers and watchers beside the calls.
type background struct {
	api     *API
	mu      sync.Mutex
	running int
	waiting []func()
	active  *activation
}

// activation is what the version that serves has running beside the calls.
type activation struct {
	version *host.Version
	timers  []clock.Timer
	cancel  context.CancelFunc
	over    bool
}

// Activate makes v the version whose timers and watches run, and runs its
// hooks of "start". It is called after each load that succeeded; what the
// version before had running ends.
func (api *API) Activate(v *host.Version) {
	b := &api.background
	site := v.Declarations().(*Site)
	ctx, cancel := context.WithCancel(context.Background())
	next := &activation{version: v, cancel: cancel}
	b.mu.Lock()
	last := b.active
	b.active = next
	for _, p := range site.timers {
		b.tick(next, site, p)
	}
	b.mu.Unlock()
	b.retire(last)
	for _, w := range site.watches {
		b.watch(ctx, v, site, w)
	}
	b.run(v, site, "start", site.hooks["start"], func(*lua.LState) lua.LValue { return lua.LNil })
}

// Deactivate ends what runs beside the calls.
func (api *API) Deactivate() {
	b := &api.background
	b.mu.Lock()
	last := b.active
	b.active = nil
	b.mu.Unlock()
	b.retire(last)
}

func (b *background) retire(a *activation) {
	if a == nil {
		return
	}
	b.mu.Lock()
	a.over = true
	for _, t := range a.timers {
		t.Stop()
	}
	b.mu.Unlock()
	a.cancel()
}

// tick sets the next alarm of a timer; b.mu is held.
func (b *background) tick(a *activation, site *Site, p periodic) {
	i := len(a.timers)
	a.timers = append(a.timers, nil)
	busy := false
	var arm func()
	arm = func() {
		a.timers[i] = b.api.services.Clock.AfterFunc(p.every, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			if a.over {
				return
			}
			arm()
			if busy {
				return
			}
			busy = b.start("timer", func() {
				b.perform(a.version, site, "timer", []hook{{p.ref, p.source}}, nothing)
				b.mu.Lock()
				busy = false
				b.mu.Unlock()
			})
		})
	}
	arm()
}

func nothing(*lua.LState) lua.LValue { return lua.LNil }

// watch runs a function at each change of a family.
func (b *background) watch(ctx context.Context, v *host.Version, site *Site, w watch) {
	kept := b.api.services.Store
	if kept == nil {
		b.api.services.Log.Warn("store.watch: this server has no store", "script", w.source)
		return
	}
	err := kept.Watch(ctx, w.family, func(c store.Change) {
		if c.Kind == store.Missed {
			b.api.services.Log.Warn("store.watch: some changes came too fast to be seen", "family", w.family, "script", w.source)
			return
		}
		b.run(v, site, "store.watch", []hook{{w.ref, w.source}}, func(L *lua.LState) lua.LValue {
			t := L.CreateTable(0, 3)
			t.RawSetString("family", lua.LString(w.family))
			t.RawSetString("key", lua.LString(c.Key))
			if c.Kind == store.Put {
				t.RawSetString("value", lua.LString(c.Value))
			}
			return t
		})
	})
	if err != nil {
		b.api.services.Log.Error("store.watch", "family", w.family, "script", w.source, "error", err)
	}
}

// Registration is a phone or trunk that came or went.
type Registration struct {
	Phone   string // or trunk
	State   string // "registered", "refreshed", "expired", "unregistered", "reachable", "unreachable"
	Contact string
}

// Registered runs the hooks of "registration". Any goroutine.
func (api *API) Registered(r Registration) {
	v := api.host.Current()
	if v == nil {
		return
	}
	site := v.Declarations().(*Site)
	api.background.run(v, site, "registration", site.hooks["registration"], func(L *lua.LState) lua.LValue {
		t := L.CreateTable(0, 3)
		t.RawSetString("phone", lua.LString(r.Phone))
		t.RawSetString("state", lua.LString(r.State))
		t.RawSetString("contact", lua.LString(r.Contact))
		return t
	})
}

// run has hooks run soon, beside the calls. Any goroutine.
func (b *background) run(v *host.Version, site *Site, what string, hooks []hook, argument func(*lua.LState) lua.LValue) {
	if len(hooks) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.start(what, func() { b.perform(v, site, what, hooks, argument) })
}

// start runs f on a goroutine, now or when others are done; b.mu is held. The
// clock is held until f is done. It reports false when the line is too long.
func (b *background) start(what string, f func()) bool {
	if len(b.waiting) >= backgroundWaiting {
		b.api.services.Log.Error("a hook is left out: too many wait for others that are slow", "hook", what, "waiting", len(b.waiting))
		return false
	}
	b.api.services.Clock.Hold()
	b.api.activity.begin()
	if b.running >= backgroundAtOnce {
		b.waiting = append(b.waiting, f)
		return true
	}
	b.running++
	go b.work(f)
	return true
}

func (b *background) work(f func()) {
	for f != nil {
		f()
		b.mu.Lock()
		b.api.activity.end()
		b.api.services.Clock.Release()
		f = nil
		if len(b.waiting) > 0 {
			f, b.waiting = b.waiting[0], b.waiting[1:]
		} else {
			b.running--
		}
		b.mu.Unlock()
	}
}

// perform runs hooks one after another in a state of their own; one that fails
// is reported and skipped.
func (b *background) perform(v *host.Version, site *Site, what string, hooks []hook, argument func(*lua.LState) lua.LValue) {
	t := newTask(b.api, site, v, b.api.services.Log.With("hook", what))
	state, err := b.api.host.Begin(v, t)
	if err != nil {
		t.log.Error("hook cannot run", "error", err)
		return
	}
	t.state = state
	defer state.Close()
	defer t.close()
	defer t.endStreams()
	defer t.survive("running a hook", t.release)
	value := argument(state.Lua())
	for _, h := range hooks {
		if _, err := state.Call(h.ref, value); err != nil {
			b.api.counters.errors.Add(1)
			t.report(what, err)
		}
	}
	t.cleanUp()
}
