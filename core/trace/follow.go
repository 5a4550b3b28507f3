package trace

import (
	"slices"
	"sync"
)

// Followed is an event that a Follower delivers.
type Followed struct {
	Event
	Lost int // events before this one that the follower was too slow for
}

// Follower delivers events as they happen. It never makes a call wait: when its
// reader does not keep up, events are dropped and counted.
type Follower struct {
	recorder *Recorder
	id       string // the call, "" for all
	c        chan Followed

	mu   sync.Mutex
	seen map[uint64]bool // in the story that was told at the beginning
	lost int
	over bool
}

// followRoom is how many events may wait for a follower's reader.
const followRoom = 1000

// Follow subscribes to a call, or to all where id is "". The story so far comes
// first, in order; ok is false where there is no such call. Close ends it.
func (r *Recorder) Follow(id string) (f *Follower, past []Event, ok bool) {
	if r == nil {
		return nil, nil, false
	}
	f = &Follower{recorder: r, id: id, c: make(chan Followed, followRoom)}
	f.mu.Lock() // what happens from now on waits until the past is known
	defer f.mu.Unlock()
	r.change(func(list []*Follower) []*Follower { return append(list, f) })
	if id == "" {
		return f, nil, true
	}
	past, _, ok = r.Story(id)
	if !ok {
		r.change(f.without)
		return nil, nil, false
	}
	f.seen = make(map[uint64]bool, len(past))
	for i := range past {
		f.seen[past[i].Order] = true
	}
	return f, past, true
}

// C delivers the events. It is closed by Close.
func (f *Follower) C() <-chan Followed { return f.c }

// Close ends the subscription. It may be called more than once.
func (f *Follower) Close() {
	f.recorder.change(f.without)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.over {
		f.over = true
		close(f.c)
	}
}

func (f *Follower) without(list []*Follower) []*Follower {
	return slices.DeleteFunc(list, func(other *Follower) bool { return other == f })
}

// offer gives the follower an event, if it is for it and there is room.
func (f *Follower) offer(l *Track, e Event) {
	if f.id != "" && l.id != f.id && !l.partOf(f.id) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over || f.seen[e.Order] {
		return
	}
	select {
	case f.c <- Followed{e, f.lost}:
		f.lost = 0
	default:
		f.lost++
	}
}

// partOf reports whether the track belongs to the story of a call.
func (l *Track) partOf(id string) bool {
	r := l.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	owner := r.tracks[id]
	return owner != nil && slices.Contains(owner.links(), l)
}

// change replaces the list of followers.
func (r *Recorder) change(f func([]*Follower) []*Follower) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*Follower
	if old := r.followers.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = f(list)
	if len(list) == 0 {
		r.followers.Store(nil)
		return
	}
	r.followers.Store(&list)
}
