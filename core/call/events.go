package call

import "sync"

// Holder keeps virtual time still while an event waits to be dealt with; a
// clock.Clock is one.
type Holder interface {
	Hold()
	Release()
}

const (
	eventRoom    = 32 // events that may wait for the reader
	eventReserve = 8  // of these, kept for changes of state
)

// EventQueue is the sending side of Leg.Events for endpoints.
//
// Post never blocks. A reader that does not keep up loses digits and notices,
// which are counted, but no change of state: for these some room is kept, and
// for HungUp one place always. For each event posted the clock is held once,
// and the reader releases it when it has dealt with the event.
type EventQueue struct {
	mu      sync.Mutex
	c       chan Event
	clock   Holder
	closed  bool
	dropped int
}

// NewEventQueue returns an open queue. clock may be nil where time is real.
func NewEventQueue(clock Holder) *EventQueue {
	return &EventQueue{c: make(chan Event, eventRoom), clock: clock}
}

// C is what Leg.Events returns.
func (q *EventQueue) C() <-chan Event { return q.c }

// Post delivers e; after HungUp the queue is closed and takes nothing more. It
// reports whether the event was taken.
func (q *EventQueue) Post(e Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	room := eventRoom - len(q.c)
	switch e.(type) {
	case HungUp:
		// The last place is never given to anything else.
	case Connected, Alerting, EarlyMedia, HeldChanged, MediaChanged, TransferAsked:
		room--
	default:
		room -= eventReserve
	}
	if room <= 0 {
		q.dropped++
		return false
	}
	if q.clock != nil {
		q.clock.Hold()
	}
	q.c <- e
	if _, last := e.(HungUp); last {
		q.closed = true
		close(q.c)
	}
	return true
}

// Dropped is how many events found no room.
func (q *EventQueue) Dropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
