package trace

import (
	"cmp"
	"slices"
	"strings"
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
	State      string // how far it has come: trying, ringing, early, answered, ended
	Cause      string // why it ended, in words
	Error      string // of its script
	ErrorPlace string // file and line of that
	Legs       int    // with those it dialled
}

// Calls lists the calls that are kept by the time that they began: those in
// progress, those that have ended, and those that were refused before they were
// handed to anybody.
func (r *Recorder) Calls() []Summary {
	if r == nil {
		return nil
	}
	type kept struct {
		*Track
		outcome Outcome
	}
	var calls, others []kept
	r.mu.Lock()
	for _, l := range r.tracks {
		switch l.standing {
		case call:
			calls = append(calls, kept{l, l.outcome})
		case stray:
			others = append(others, kept{l, Open})
		}
	}
	r.mu.Unlock()
	list := make([]Summary, 0, len(calls))
	for _, l := range calls {
		s := l.summary()
		s.Outcome = l.outcome
		list = append(list, s)
	}
	for _, l := range others {
		if s, ok := l.refusal(); ok {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b Summary) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// summary reads a track's own events.
func (l *Track) summary() Summary {
	events, _ := l.collect(nil)
	slices.SortFunc(events, earlier)
	s := Summary{ID: l.id, Legs: 1 + len(l.links()), State: "trying"}
	if len(events) > 0 {
		s.Began = events[0].At
	}
	for i := range events {
		switch e := &events[i]; e.Kind {
		case Begin:
			s.Began = e.At
			s.Caller, s.Name, s.Peer = e.text("caller"), e.text("name"), e.text("peer")
			s.Context, s.Extension = e.text("context"), e.text("extension")
		case State:
			s.State = e.text("state")
		case Answer:
			s.State = "answered"
			if s.Answered.IsZero() {
				s.Answered = e.At
			}
		case Error:
			if s.Error == "" {
				s.Error, s.ErrorPlace = e.text("message"), e.Place()
			}
		case End:
			s.Ended, s.Cause, s.State = e.At, e.text("cause"), "ended"
		}
	}
	return s
}

// refusal is the summary of a leg that belongs to no call, if that is because
// its INVITE was refused: by what was said over the wire, which is all there is.
func (l *Track) refusal() (s Summary, ok bool) {
	events, _ := l.collect(nil)
	slices.SortFunc(events, earlier)
	for i := range events {
		p := events[i].Packet
		switch {
		case p == nil:
		case !p.Out && s.ID == "" && strings.HasPrefix(p.First(), "INVITE "):
			s = Summary{ID: l.id, Legs: 1, Began: events[i].At, Outcome: TurnedAway, State: "ended",
				Extension: UserIn(p.First()), Caller: UserIn(p.Header("From", "f"))}
		case p.Out && s.ID != "":
			status, _ := strings.CutPrefix(p.First(), "SIP/2.0 ")
			if status > "2" && status[0] <= '6' && !strings.HasPrefix(status, "2") {
				s.Cause, s.Ended, ok = status, events[i].At, true
				if status[0] == '5' {
					s.Outcome = Failed
				}
			}
		}
	}
	return s, ok
}

// UserIn is the user of the first SIP address in a text, "" where there is none.
func UserIn(text string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		_, rest, found := strings.Cut(text, scheme)
		if !found {
			continue
		}
		end := strings.IndexAny(rest, "@;> ")
		if end < 0 || rest[end] != '@' && scheme != "tel:" {
			return ""
		}
		return rest[:end]
	}
	return ""
}
