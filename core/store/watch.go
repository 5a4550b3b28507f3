package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Kind says what a Change is.
type Kind uint8

const (
	Put     Kind = iota // the key has a new value
	Deleted             // the key was deleted
	Expired             // the key's time has come
	// Missed says that changes came faster than the watch took them: some are
	// lost, and the family should be listed anew. Key and Value are empty.
	Missed
)

func (k Kind) String() string { return [...]string{"put", "deleted", "expired", "missed"}[k] }

// Change is told to watches.
type Change struct {
	Kind     Kind
	Family   string
	Key      string
	Value    []byte // of Put; it must not be changed
	Revision uint64
}

// watchRoom is how many changes may wait for one watch.
const watchRoom = 4096

// watch delivers the changes of one family to a function.
type watch struct {
	bucket *Bucket

	mu      sync.Mutex
	waiting []Change
	missed  bool
	ended   bool
	more    chan struct{} // has room for one: something waits, or it has ended
}

// Watch calls f for every change of a family that is made after Watch has
// returned, by anybody, until ctx ends or the bucket is closed. Changes of one
// key come in their order. f is called by one goroutine, one change at a time,
// and may use the bucket.
func (b *Bucket) Watch(ctx context.Context, family string, f func(Change)) error {
	if err := b.usable(ctx); err != nil {
		return fmt.Errorf("watch %q: %w", family, err)
	}
	w := &watch{bucket: b, more: make(chan struct{}, 1)}
	if !b.memory.attach(family, w) {
		return fmt.Errorf("watch %q: %w", family, ErrClosed)
	}
	stop := context.AfterFunc(ctx, func() {
		b.memory.detach(family, w)
		w.end()
	})
	go func() {
		defer stop()
		for w.deliver(f) {
		}
	}()
	return nil
}

func (m *memory) attach(family string, w *watch) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.watches[family] = append(m.watches[family], w)
	return true
}

func (m *memory) detach(family string, w *watch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.Index(m.watches[family], w); i >= 0 {
		m.watches[family] = slices.Delete(m.watches[family], i, i+1)
	}
}

// add queues a change. The clock is held until f has returned from it.
func (w *watch) add(c Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended || w.missed:
		return
	case len(w.waiting) >= watchRoom:
		w.missed = true
		c = Change{Kind: Missed, Family: c.Family}
	}
	w.bucket.clock.Hold()
	w.waiting = append(w.waiting, c)
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// end lets go of what waits.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.ended = true
	for range w.waiting {
		w.bucket.clock.Release()
	}
	w.waiting = nil
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// deliver waits for changes and hands over one batch; false at the end.
func (w *watch) deliver(f func(Change)) bool {
	<-w.more
	for {
		w.mu.Lock()
		if w.ended {
			w.mu.Unlock()
			return false
		}
		if len(w.waiting) == 0 {
			w.mu.Unlock()
			return true
		}
		c := w.waiting[0]
		w.waiting = w.waiting[1:]
		if c.Kind == Missed {
			w.missed = false
		}
		w.mu.Unlock()
		f(c)
		w.bucket.clock.Release()
	}
}
