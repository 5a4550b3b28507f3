package api

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/lua/host"
)

// task is one run of scripts: for a call, or beside the calls for a hook or a
// timer. Everything but post belongs to its goroutine.
//
// While its scripts run, a task holds the clock once. It gives that hold up to
// wait, and takes over the one that comes with whatever wakes it.
type task struct {
	api      *API
	site     *Site
	version  *host.Version
	state    *host.State
	clock    clock.Clock
	log      *slog.Logger
	inbox    inbox
	call     *Call             // that the task serves, nil beside the calls
	events   <-chan call.Event // of that call's leg
	peers    []*Call           // legs that the task dialled and must hang up
	streams  map[*stream]struct{}
	alarms   map[*alarm]struct{}
	branch   *branch      // that runs, of those that go on at once; nil outside of any
	followed bool         // the events of the call's leg come to the inbox
	program  func() error // where not nil, serves the call instead of an extension
	entered  int          // extensions entered from one another
	endings  int          // functions of on_hangup
}

// inbox takes closures from any goroutine to the task's own, in order.
type inbox struct {
	mu     sync.Mutex
	queue  []func()
	ready  chan struct{} // holds one token while the queue may not be empty
	closed bool
}

func newTask(api *API, site *Site, v *host.Version, log *slog.Logger) *task {
	return &task{
		api: api, site: site, version: v, clock: api.services.Clock, log: log,
		inbox: inbox{ready: make(chan struct{}, 1)},
	}
}

// post has f run on the task's goroutine when it waits next. It never blocks.
// false says that the task is over and f will not run. Any goroutine.
func (t *task) post(f func()) bool {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	if t.inbox.closed {
		return false
	}
	t.clock.Hold()
	t.inbox.queue = append(t.inbox.queue, f)
	select {
	case t.inbox.ready <- struct{}{}:
	default:
	}
	return true
}

func (b *inbox) take() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.queue = nil
		return nil
	}
	f := b.queue[0]
	b.queue = b.queue[1:]
	return f
}

// end reports whether nothing is left to take; then the inbox is closed.
func (b *inbox) end() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = b.closed || len(b.queue) == 0
	return b.closed
}

// close ends the inbox. What was posted before still runs, so that nothing that
// was handed over, such as a leg that was being dialled, is forgotten.
func (t *task) close() {
	for !t.inbox.end() {
		if f := t.inbox.take(); f != nil {
			f()
			t.clock.Release()
		}
	}
	t.api.locks.releaseAll(t)
}

// next waits for one thing to happen and deals with it.
func (t *task) next() {
	t.clock.Release()
	for {
		if f := t.inbox.take(); f != nil {
			f()
			return
		}
		select {
		case e, ok := <-t.events:
			if ok {
				t.call.handle(e)
				return
			}
			t.events = nil
		case <-t.inbox.ready:
		}
	}
}

// wait deals with what happens until done; in a branch, it lets the others go on
// until then. It reports false when the script, or the branch, has been
// interrupted before, which a hang-up of the task's call does. done may only
// look at Go's values.
func (t *task) wait(done func() bool) bool {
	for !done() {
		if t.state.Err() != nil {
			return false
		}
		if t.branch != nil {
			t.branch.await(done)
		} else {
			t.next()
		}
	}
	t.state.Refuel()
	return true
}

// wait is task.wait; if the call ends before done, so does the script, and a
// branch when it is cancelled.
func (a *Args) wait(t *task, done func() bool) {
	if !t.wait(done) {
		a.L.RaiseError("%s", t.state.Err())
	}
}

// blockingWork is what a wait for the disk costs, in instructions' worth: enough
// to end a loop that does nothing else.
const blockingWork = 2000

// blocking runs f, which makes the script wait for something short, such as the
// disk. A hang-up that came meanwhile is noticed afterwards.
func (a *Args) blocking(f func()) {
	clk := a.api.services.Clock
	began := clk.Now()
	f()
	a.State.Waited(clk.Now().Sub(began))
	if t := a.task(); t != nil {
		t.peek()
	}
	a.State.Spend(a.L, blockingWork)
}

// peek deals with the events of the call that are there, without waiting.
func (t *task) peek() {
	for {
		select {
		case e, ok := <-t.events:
			if !ok {
				t.events = nil
				return
			}
			t.call.handle(e)
			t.clock.Release()
		default:
			return
		}
	}
}

// alarm is a moment that a task waits for.
type alarm struct {
	task  *task
	owner *branch // that set it and has not ended
	timer clock.Timer
	fired bool
	run   func() // where not nil, runs on the task's goroutine
}

// alarm sets one, d from now.
func (t *task) alarm(d time.Duration, run func()) *alarm {
	al := &alarm{task: t, owner: t.branch, run: run}
	if t.alarms == nil {
		t.alarms = map[*alarm]struct{}{}
	}
	t.alarms[al] = struct{}{}
	al.timer = t.clock.AfterFunc(d, func() { t.post(al.ring) })
	return al
}

func (al *alarm) ring() {
	if _, set := al.task.alarms[al]; !set {
		return
	}
	delete(al.task.alarms, al)
	al.fired = true
	if al.run != nil {
		al.run()
	}
}

// stop withdraws the alarm, if it has not fired. nil is an alarm never set.
func (al *alarm) stop() {
	if al == nil {
		return
	}
	delete(al.task.alarms, al)
	al.timer.Stop()
}

// invoke runs a function of the script in the middle of another that waits.
// What it raises is raised in that one.
func (a *Args) invoke(f *lua.LFunction, args ...lua.LValue) []lua.LValue {
	results, err := a.State.Invoke(f, args...)
	if err != nil {
		a.rethrow(err)
	}
	return results
}

// rethrow raises an error that a function of the script raised, with the place
// where it was raised first.
func (a *Args) rethrow(err error) {
	a.L.Error(lua.LString(err.Error()), 0)
}

// abandon reads the events of the call's leg to their end, for a task that
// cannot deal with them any more.
func (t *task) abandon() {
	if t.call.ended != nil || t.events == nil { // or followed, and read there
		return
	}
	go func() {
		for range t.events {
			t.clock.Release()
		}
	}()
}

// release ends all that a task started and that is still under way.
func (t *task) release() {
	for al := range t.alarms {
		al.stop()
	}
	for _, p := range slices.Clone(t.peers) {
		if p.next != nil && p.ended == nil {
			t.handOver(p, p.next)
			continue
		}
		p.drop(call.CauseNormal)
	}
}

// cleanUp releases everything, runs what the script left to be done at its end,
// and releases what that started.
func (t *task) cleanUp() {
	t.release()
	defer t.endStreams() // programs may go on until the script is done with them
	if t.state == nil {
		return
	}
	if err := t.state.RunCleanup(0); err != nil {
		t.report("clean-up", err)
	}
	t.release()
}

// survive is deferred where Go of ours runs outside of any script, for which
// the host answers: a mistake there ends one task and not the server. It says
// what happened; after, where not nil, mends what is left.
func (t *task) survive(what string, after func()) {
	p := recover()
	if p == nil {
		return
	}
	t.api.counters.errors.Add(1)
	t.log.Error("panic in "+what+"; please report it", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if after != nil {
		after()
	}
}

// working gets the task that a function works for. Functions that need one
// cannot be used while scripts load, which the table says.
func (a *Args) working() *task {
	t := a.task()
	if t == nil {
		a.Fail("cannot be used while scripts are loaded")
	}
	return t
}
