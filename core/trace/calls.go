package trace

import (
	"slices"
	"time"
)

// Summary is a call in one line.
type Summary struct {
	ID         string
	Caller     string // number
	Name       string
	Context    string
	Extension  string
	Peer       string // phone or trunk that it came from, "" for guests
	Began      time.Time
	Ended      time.Time // zero while it is in progress
	Answered   time.Time // zero where it was not
	Outcome    Outcome
	Cause      string // why it ended, in words
	Error      string // of its script
	ErrorPlace string // file and line of that
	Legs       int    // with those it dialled
}

// Calls lists the calls that are kept, those in progress too, by the time that
// they began.
func (r *Recorder) Calls() []Summary {
	if r == nil {
		return nil
	}
	type kept struct {
		*Track
		outcome Outcome
	}
	var calls []kept
	r.mu.Lock()
	for _, l := range r.tracks {
		if l.standing == call {
			calls = append(calls, kept{l, l.outcome})
		}
	}
	r.mu.Unlock()
	list := make([]Summary, 0, len(calls))
	for _, l := range calls {
		s := l.summary()
		s.Outcome = l.outcome
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Summary) int {
		if c := a.Began.Compare(b.Began); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return list
}

// summary reads a track's own events.
func (l *Track) summary() Summary {
	events, _ := l.collect(nil)
	slices.SortFunc(events, earlier)
	s := Summary{ID: l.id, Legs: 1 + len(l.links())}
	if len(events) > 0 {
		s.Began = events[0].At
	}
	for i := range events {
		switch e := &events[i]; e.Kind {
		case Begin:
			s.Began = e.At
			s.Caller, s.Name, s.Peer = e.text("caller"), e.text("name"), e.text("peer")
			s.Context, s.Extension = e.text("context"), e.text("extension")
		case Answer:
			if s.Answered.IsZero() {
				s.Answered = e.At
			}
		case Error:
			if s.Error == "" {
				s.Error, s.ErrorPlace = e.text("message"), e.Place()
			}
		case End:
			s.Ended, s.Cause = e.At, e.text("cause")
		}
	}
	return s
}
