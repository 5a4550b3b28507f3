package registrar

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

// alive is bindings without those that have expired and wait to be swept.
func alive(bindings []Binding, now time.Time) []Binding {
	expired := func(b Binding) bool { return !now.Before(b.Expires) }
	if !slices.ContainsFunc(bindings, expired) {
		return bindings
	}
	return slices.DeleteFunc(slices.Clone(bindings), expired)
}

func earliest(bindings []Binding) time.Time {
	first := bindings[0].Expires
	for _, b := range bindings[1:] {
		if b.Expires.Before(first) {
			first = b.Expires
		}
	}
	return first
}

// arm sets the timer for the head of the queue; r.mu is held. A timer that
// rings too early is left alone: refreshing, the common case, then costs no
// timer at all, and sweep arms it anew.
func (r *Registrar) arm() {
	if r.closed || len(r.queue) == 0 {
		return
	}
	first := r.queue[0].due
	if !r.armed.IsZero() && !first.Before(r.armed) {
		return
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	r.armed = first
	r.timer = r.clock.AfterFunc(first.Sub(r.clock.Now()), r.sweep)
}

// sweep removes what has expired. It runs on the timer's goroutine.
func (r *Registrar) sweep() {
	now := r.clock.Now()
	var due []*record
	r.mu.Lock()
	r.armed = time.Time{}
	for len(r.queue) > 0 && !now.Before(r.queue[0].due) {
		due = append(due, heap.Pop(&r.queue).(*record))
	}
	r.arm()
	r.mu.Unlock()
	for _, rec := range due {
		r.expire(rec, now)
	}
}

func (r *Registrar) expire(rec *record, now time.Time) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.gone {
		return
	}
	c := newChange(rec.aor, *rec.bindings.Load(), now, r.nextID)
	r.install(rec, c)
	if len(c.next) > 0 {
		return // the stored twin carries its times, and is passed over when loaded
	}
	if err := r.store.Delete(context.Background(), rec.aor); err != nil {
		r.log.Warn("an expired registration stays in the store until its time to live ends", "aor", rec.aor, "error", err)
	}
}

// expiryQueue is a heap of records, the first to expire in front.
type expiryQueue []*record

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q expiryQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *expiryQueue) Push(x any) {
	rec := x.(*record)
	rec.index = len(*q)
	*q = append(*q, rec)
}

func (q *expiryQueue) Pop() any {
	old := *q
	rec := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	rec.index = -1
	return rec
}

// put enters a record or moves it to its new place.
func (q *expiryQueue) put(rec *record, due time.Time) {
	rec.due = due
	if rec.index < 0 {
		heap.Push(q, rec)
	} else {
		heap.Fix(q, rec.index)
	}
}

func (q *expiryQueue) drop(rec *record) {
	if rec.index >= 0 {
		heap.Remove(q, rec.index)
	}
}
