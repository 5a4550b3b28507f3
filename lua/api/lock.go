package api

import (
	"slices"
	"sync"
)

// A lock is a name that one script at a time holds: all scripts of this server
// share the names. It ends with the script that holds it, so that none is held
// for ever; who waits gets it in the order of asking.

var lockEntries = []*Entry{
	{On: "lock", Name: "take", Phase: Running, Summary: "Waits until no other script holds a name, and holds it.",
		Detail: "What the script holds already it holds once more, and must let go of as often. All is let go when the script ends. Locks are of this server, and of no other that shares its store.",
		Params: []Field{
			{Name: "name", Type: text(), Required: true, Summary: "any name"},
			{Name: "options", Type: record(
				Field{Name: "timeout", Type: seconds(), Unit: "s", Default: 3, Summary: "longest wait; 0 does not wait"},
			), Summary: "how long to wait"},
		},
		Results: []Field{{Name: "taken", Type: truth(), Summary: "false where another script holds it still"}},
		Example: `context "internal":extension("664", function(call)
  if lock.take("door", { timeout = 10 }) then
    call:dial "sip/1001"
    lock.release "door"
  end
end)`,
		Func: (*Args).lockTake},
	{On: "lock", Name: "release", Phase: Running, Summary: "Lets go of a name.",
		Params:  []Field{{Name: "name", Type: text(), Required: true, Summary: "as it was taken"}},
		Results: []Field{{Name: "held", Type: truth(), Summary: "false where this script did not hold it"}},
		Example: `context "internal":extension("665", function()
  if lock.take "counter" then
    store.put("counters", "visits", (tonumber(store.get("counters", "visits")) or 0) + 1)
    lock.release "counter"
  end
end)`,
		Func: (*Args).lockRelease},
}

// locks are the names that are held. Any goroutine.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	owner   *task
	times   int
	waiting []*lockWaiter
}

// lockWaiter is a task that waits; granted belongs to its goroutine.
type lockWaiter struct {
	task    *task
	granted bool
}

// take has t hold a name, if it is free or t's already; otherwise, where wait is
// not nil, it stands in line.
func (l *locks) take(name string, t *task, wait *lockWaiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.held[name]
	switch {
	case one == nil:
		if l.held == nil {
			l.held = map[string]*lock{}
		}
		l.held[name] = &lock{owner: t, times: 1}
	case one.owner == t:
		one.times++
	default:
		if wait != nil {
			one.waiting = append(one.waiting, wait)
		}
		return false
	}
	return true
}

// leave takes w out of the line, and reports whether the name is its task's by now.
func (l *locks) leave(name string, w *lockWaiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.held[name]
	if one == nil {
		return false
	}
	if i := slices.Index(one.waiting, w); i >= 0 {
		one.waiting = slices.Delete(one.waiting, i, i+1)
		return false
	}
	return one.owner == w.task
}

// release lets go of a name once, and reports whether t held it.
func (l *locks) release(name string, t *task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.held[name]
	if one == nil || one.owner != t {
		return false
	}
	if one.times--; one.times == 0 {
		l.pass(name, one)
	}
	return true
}

// pass gives a name to who has waited longest; l.mu is held.
func (l *locks) pass(name string, one *lock) {
	for len(one.waiting) > 0 {
		w := one.waiting[0]
		one.waiting = one.waiting[1:]
		if w.task.post(func() { w.granted = true }) {
			one.owner, one.times = w.task, 1
			return
		}
	}
	delete(l.held, name)
}

// releaseAll lets go of all that t holds.
func (l *locks) releaseAll(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, one := range l.held {
		if one.owner == t {
			l.pass(name, one)
		}
	}
}

func (a *Args) lockTake() int {
	t, name := a.working(), a.String(0)
	timeout := a.Options(1).Seconds("timeout")
	w := &lockWaiter{task: t}
	l := &a.api.locks
	if timeout <= 0 {
		return a.Return(toLua(a.L, l.take(name, t, nil)))
	}
	if l.take(name, t, w) {
		return a.Return(toLua(a.L, true))
	}
	left := false
	defer func() {
		if !left { // the script was interrupted: what is its own is let go at its end
			l.leave(name, w)
		}
	}()
	over := t.alarm(timeout, nil)
	defer over.stop()
	a.wait(t, func() bool { return w.granted || over.fired })
	left = true
	return a.Return(toLua(a.L, w.granted || l.leave(name, w)))
}

func (a *Args) lockRelease() int {
	return a.Return(toLua(a.L, a.api.locks.release(a.String(0), a.working())))
}
