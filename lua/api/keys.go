package api

import (
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// heed is what a listener does with a key.
type heed int

const (
	ignored heed = iota // it is for others, or for the next read
	dropped             // it is for no later read, but other branches may have it
	taken
)

// listener is something that waits for keys of a leg.
type listener struct {
	hear  func(key byte) heed
	owner *branch
}

// keys has c's keys looked at by a function until the one returned is called.
func (c *Call) keys(f func(key byte) heed) (restore func()) {
	l := &listener{f, c.task.branch}
	c.listeners = append(c.listeners, l)
	return func() {
		if i := slices.Index(c.listeners, l); i >= 0 {
			c.listeners = slices.Delete(c.listeners, i, i+1)
		}
	}
}

// heard offers a key to what listens, the latest first, and reports whether it
// is gone. Of each branch only the innermost function is asked.
func (c *Call) heard(key byte) (gone bool) {
	for i := len(c.listeners) - 1; i >= 0; i-- {
		l := c.listeners[i]
		inner := slices.ContainsFunc(c.listeners[i+1:], func(later *listener) bool { return later.owner == l.owner })
		if inner {
			continue
		}
		switch l.hear(key) {
		case taken:
			return true
		case dropped:
			gone = true
		}
	}
	return gone
}

// keySet is a set of keys of the keypad.
type keySet struct {
	all  bool
	keys string
}

func (s keySet) has(key byte) bool {
	if s.all {
		return true
	}
	for i := range len(s.keys) {
		if s.keys[i] == key {
			return true
		}
	}
	return false
}

func (s keySet) empty() bool { return !s.all && s.keys == "" }

// interruptSet reads an option that is true or a string of keys.
func interruptSet(v lua.LValue) keySet {
	if b, ok := v.(lua.LBool); ok {
		return keySet{all: bool(b)}
	}
	return keySet{keys: asString(v, nil)}
}

// first is a listener that waits for one key of a set, and has no use for others.
func (s keySet) first(key *byte) func(byte) heed {
	return func(k byte) heed {
		if *key != 0 || !s.has(k) {
			return dropped
		}
		*key = k
		return taken
	}
}
