package call_test

import (
	"sync"
	"testing"

	"github.com/moonwire/moonwire/core/call"
)

type holder struct {
	mu   sync.Mutex
	held int
}

func (h *holder) Hold()    { h.mu.Lock(); h.held++; h.mu.Unlock() }
func (h *holder) Release() { h.mu.Lock(); h.held--; h.mu.Unlock() }

const (
	room    = 32
	reserve = 8
)

func TestEventQueueKeepsRoomForStates(t *testing.T) {
	clock := &holder{}
	q := call.NewEventQueue(clock)
	post := func(e call.Event) (taken int) {
		for range 2 * room {
			if q.Post(e) {
				taken++
			}
		}
		return taken
	}
	if n := post(call.Digit{Key: '1'}); n != room-reserve {
		t.Errorf("%d digits taken, want %d", n, room-reserve)
	}
	if n := post(call.HeldChanged{On: true}); n != reserve-1 {
		t.Errorf("%d changes of state taken, want %d", n, reserve-1)
	}
	if !q.Post(call.HungUp{Cause: call.CauseNormal}) {
		t.Error("no place was left for the last event")
	}
	if q.Post(call.HungUp{}) || q.Post(call.Connected{}) {
		t.Error("an event was taken after the last one")
	}
	if want := 2*2*room - (room - 1); q.Dropped() != want {
		t.Errorf("%d dropped, want %d: events after the end are not counted", q.Dropped(), want)
	}
	if clock.held != room {
		t.Errorf("clock held %d times for %d events", clock.held, room)
	}
	n := 0
	var last call.Event
	for last = range q.C() {
		n++
	}
	if _, ok := last.(call.HungUp); !ok || n != room {
		t.Errorf("%d events read, the last one %#v", n, last)
	}
}

func TestEventQueueTakesAgainOnceRead(t *testing.T) {
	q := call.NewEventQueue(nil)
	for q.Post(call.Digit{Key: '1'}) {
	}
	<-q.C()
	if !q.Post(call.Digit{Key: '2'}) || q.Post(call.Digit{Key: '3'}) {
		t.Error("reading one event must make room for one")
	}
}

func TestEventQueueUnderRaces(t *testing.T) {
	clock := &holder{}
	q := call.NewEventQueue(clock)
	var posters sync.WaitGroup
	for range 8 {
		posters.Go(func() {
			for range 100 {
				q.Post(call.Digit{Key: '1'})
				q.Post(call.Alerting{})
			}
			q.Post(call.HungUp{})
		})
	}
	last := 0
	for e := range q.C() {
		if _, ok := e.(call.HungUp); ok {
			last++
		}
		clock.Release()
	}
	posters.Wait()
	if last != 1 || clock.held != 0 {
		t.Errorf("%d last events, clock still held %d times", last, clock.held)
	}
}
