package simulate

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/trace"
)

// Event is one thing that happened, as it is shown and printed.
type Event struct {
	At     time.Duration // since the call began
	Name   string        // "step", "play", "digit", …, "end"
	Leg    string        // the leg, "" for the caller's own and for what runs beside calls
	Target string        // what was dialled on that leg
	File   string
	Line   int
	Fields []Field
}

// Field is one fact about an event. The value is a string, number, bool or map.
type Field struct {
	Key   string
	Value any
}

// Field finds a fact; nil where there is none.
func (e *Event) Field(key string) any {
	for _, f := range e.Fields {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// Text finds a fact that is text.
func (e *Event) Text(key string) string {
	s, _ := e.Field(key).(string)
	return s
}

// names are what events are called here where it is not the word of their kind.
var names = map[trace.Kind]string{trace.DialEnd: "dialled"}

// Story is everything that happened since a call began, oldest first, with how
// the call ended. lost is how many events were too many to be kept.
func (c *Call) Story() (events []Event, lost int) {
	w := c.world
	w.mu.Lock()
	noted, lost := slices.Clone(w.events), w.lost
	w.arrange(noted)
	targets := map[string]string{}
	for _, l := range w.legs {
		targets[l.Info().ID] = l.Target
	}
	w.mu.Unlock()
	s := teller{own: c.Info().ID, began: c.Began, targets: targets, places: map[string]trace.Event{}}
	if !slices.ContainsFunc(noted, func(e trace.Event) bool { return e.Kind == trace.Begin && e.Leg == s.own }) {
		s.events = append(s.events, c.refused())
	}
	for i := range noted {
		if e := &noted[i]; !e.At.Before(c.Began) {
			s.tell(e)
		}
	}
	return s.events, lost
}

// arrange puts events in an order that is always the same: scripts of different
// calls run at once, and at one instant it is chance which of them notes first.
// What one script does stays in its order. w.mu is held.
func (w *World) arrange(events []trace.Event) {
	served := map[string]int{"": 0} // calls with a script of their own
	for i := range events {
		if e := &events[i]; e.Kind == trace.Begin {
			served[e.Leg] = len(w.legs) + 1
		}
	}
	for i, l := range w.legs { // callers come before calls of the server to itself
		if id := l.Info().ID; served[id] != 0 {
			served[id] = i + 1
		}
	}
	for i, name := range slices.Sorted(maps.Keys(served)) {
		if served[name] > len(w.legs) {
			served[name] += i
		}
	}
	call := func(leg string) int {
		for range len(w.parents) + 1 {
			if n, yes := served[leg]; yes {
				return n
			}
			leg = w.parents[leg]
		}
		return -1
	}
	slices.SortStableFunc(events, func(a, b trace.Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(call(a.Leg), call(b.Leg)), cmp.Compare(a.Order, b.Order))
	})
}

// Own are the events of a call without those of scripts that served other calls
// at the same time.
func Own(events []Event) []Event {
	others := map[string]bool{}
	for _, e := range events {
		if e.Name == "begin" && e.Leg != "" {
			others[e.Leg] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return others[e.Leg] })
}

// refused is the beginning of a call that no script serves.
func (c *Call) refused() Event {
	info := c.Info()
	return Event{Name: "begin", Fields: []Field{
		{"caller", info.Caller.Number}, {"name", info.Caller.Name}, {"context", info.Context}, {"extension", info.Extension}, {"peer", info.Peer},
	}}
}

// teller turns what was noted into a story.
type teller struct {
	own     string // the caller's leg
	began   time.Time
	targets map[string]string
	places  map[string]trace.Event // by leg: the extension that it is in
	events  []Event
}

// steps of a translated dialplan are told by the library that carries them out,
// each with its priority. What that library does to carry one out is left out.
const dialplanLibrary = "lib/asterisk/"

func prioritised(e *trace.Event) bool { return e.Attr("priority").Kind() == slog.KindInt64 }

func (s *teller) tell(e *trace.Event) {
	switch e.Kind {
	case trace.Enter:
		s.places[e.Leg] = *e
	case trace.Step:
		if strings.HasPrefix(e.File, dialplanLibrary) && !prioritised(e) {
			return
		}
	case trace.PlayEnd:
		if e.Attr("key").Equal(slog.Value{}) {
			return
		}
	case trace.End:
		if e.Leg == s.own {
			return // told with its record
		}
	}
	shown := Event{At: e.At.Sub(s.began), Name: e.Kind.String(), File: e.File, Line: e.Line}
	if name, ok := names[e.Kind]; ok {
		shown.Name = name
	}
	if e.Leg != s.own && e.Leg != "" {
		shown.Leg, shown.Target = e.Leg, s.targets[e.Leg]
	}
	if e.Kind == trace.Step {
		shown.Fields = s.step(e)
	} else {
		for _, a := range e.Attrs {
			v := plain(a.Value)
			if target := s.targets[a.Value.String()]; a.Key == "with" && target != "" {
				v = target
			}
			if v != "" {
				shown.Fields = append(shown.Fields, Field{a.Key, v})
			}
		}
	}
	s.events = append(s.events, shown)
}

// step is the facts of a step in a fixed order. What it does not say itself is
// that of the extension that the call is in.
func (s *teller) step(e *trace.Event) []Field {
	var list []Field
	place := s.places[e.Leg]
	for _, key := range []string{"context", "extension", "priority", "app", "args", "pattern", "in"} {
		v := e.Attr(key)
		if v.Equal(slog.Value{}) {
			v = place.Attr(key)
		}
		if v.Equal(slog.Value{}) && key != "args" {
			continue
		}
		list = append(list, Field{key, plain(v)})
	}
	return list
}

// plain is a value as JSON shows it; durations become seconds.
func plain(v slog.Value) any {
	switch v.Kind() {
	case slog.KindDuration:
		return seconds(v.Duration())
	case slog.KindString:
		return v.String()
	case slog.KindInt64:
		return v.Int64()
	case slog.KindUint64:
		return v.Uint64()
	case slog.KindFloat64:
		return v.Float64()
	case slog.KindBool:
		return v.Bool()
	}
	if v.Any() == nil {
		return ""
	}
	return v.String()
}

// seconds is a duration to the millisecond.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}

// variables are the last values that were noted on a leg.
func (w *World) variables(leg string) map[string]string {
	list := map[string]string{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.events {
		e := &w.events[i]
		if e.Kind == trace.Variable && e.Leg == leg {
			name, value := e.Attr("name").String(), e.Attr("value").String()
			list[name] = value
			if value == "" {
				delete(list, name)
			}
		}
	}
	return list
}

// End is the last event of a story.
func (c *Call) End(r Result) Event {
	by := "us"
	if r.How == "caller" || r.How == "limit" {
		by = "caller"
	}
	return Event{At: r.Duration, Name: "end", Fields: []Field{
		{"status", r.Status}, {"how", r.How}, {"cause", int64(r.Cause)}, {"reason", r.Cause.String()}, {"answered", r.Answered},
		{"by", by}, {"duration", seconds(r.Duration)}, {"talk", seconds(r.Talk)}, {"variables", r.Variables},
	}}
}
