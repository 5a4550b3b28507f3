package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Wanted is a sink that a configuration asks for.
type Wanted struct {
	Name     string
	Settings any // comparable; a sink whose settings are as before goes on
	Make     func() (Sink, error)
}

// Sinks are the deliveries of a journal that are wanted at present.
type Sinks struct {
	journal *Journal

	mu     sync.Mutex
	active []*active
}

type active struct {
	*Delivery
	settings any
}

// NewSinks returns none yet.
func NewSinks(j *Journal) *Sinks { return &Sinks{journal: j} }

// Apply begins and ends deliveries so that there are those that are wanted. The
// error says which could not be begun; the others are. Any goroutine.
func (s *Sinks) Apply(wanted []Wanted) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = slices.DeleteFunc(s.active, func(a *active) bool {
		if slices.ContainsFunc(wanted, func(w Wanted) bool { return w.Name == a.name && w.Settings == a.settings }) {
			return false
		}
		a.Stop()
		return true
	})
	var problems []error
	for _, w := range wanted {
		if slices.ContainsFunc(s.active, func(a *active) bool { return a.name == w.Name }) {
			continue
		}
		sink, err := w.Make()
		if err == nil {
			var d *Delivery
			if d, err = s.journal.Deliver(w.Name, sink); err == nil {
				s.active = append(s.active, &active{d, w.Settings})
				continue
			}
		}
		problems = append(problems, fmt.Errorf("call records cannot go to %s: %w", w.Name, err))
	}
	return errors.Join(problems...)
}

// Status tells how each delivery fares. Any goroutine.
func (s *Sinks) Status() []DeliveryStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []DeliveryStatus
	for _, a := range s.active {
		list = append(list, a.Status())
	}
	return list
}

// Close delivers what it can until ctx ends, and ends all deliveries.
func (s *Sinks) Close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ending sync.WaitGroup
	for _, a := range s.active {
		ending.Go(func() { a.Finish(ctx) })
	}
	ending.Wait()
	s.active = nil
}

// Limit changes how much of the journal is kept; see Options.
func (j *Journal) Limit(size int64, age time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.o.Size, j.o.Age = size, age
	if size <= 0 {
		j.o.Size = usualSize
	}
	if age <= 0 {
		j.o.Age = usualAge
	}
}
