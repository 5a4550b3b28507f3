// Package trace is the flight recorder: it keeps, for each call, what happened
// to it, on one clock and in one order.
//
// Whoever does something to a leg notes an Event under the leg's id: the SIP
// endpoint its messages, the Lua API each step of a script. A leg that was
// dialled for a call is linked to it, and the story of a call is everything that
// was noted on it and on the legs linked to it, in order of time. So nobody who
// notes an event has to know what call it will belong to.
//
// Memory is bounded twice. A leg keeps its first events and its latest ones, and
// says how many between them were let go; of calls that have ended the latest
// are kept, and beside them the latest of those that failed, since these are
// asked for when nobody remembers when it was.
package trace

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/moonwire/moonwire/core/clock"
)

// Limits bound a Recorder's memory. Zero values mean the defaults.
type Limits struct {
	First  int // events of a leg that are kept from its beginning; 200
	Latest int // events of a leg that are kept from its end; 300
	Octets int // of packets kept for a leg; 64 KB
	Ended  int // calls kept after their end; 200
	Failed int // calls kept after their end that failed; 200
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		value *int
		usual int
	}{{&l.First, 200}, {&l.Latest, 300}, {&l.Octets, 64 << 10}, {&l.Ended, 200}, {&l.Failed, 200}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	return l
}

// Recorder keeps the stories of calls. Its methods may be called from any
// goroutine. A nil Recorder keeps nothing.
type Recorder struct {
	clock  clock.Clock
	limits Limits
	order  atomic.Uint64
	watch  atomic.Pointer[func(Event)]

	mu     sync.Mutex
	tracks map[string]*Track
	ended  []*Track // calls, oldest first
	failed []*Track
}

// NewRecorder returns an empty Recorder.
func NewRecorder(c clock.Clock, l Limits) *Recorder {
	return &Recorder{clock: c, limits: l.withDefaults(), tracks: map[string]*Track{}}
}

// Watch has f see every event as it is noted, on the goroutine that notes it; f
// must be quick. nil ends it.
func (r *Recorder) Watch(f func(Event)) {
	if f == nil {
		r.watch.Store(nil)
		return
	}
	r.watch.Store(&f)
}

// Leg finds the track of a leg, or begins it.
func (r *Recorder) Leg(id string) *Track {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.tracks[id]
	if l == nil {
		l = &Track{recorder: r, id: id}
		r.tracks[id] = l
	}
	return l
}

// Track is what is kept of one leg. Its methods may be called from any goroutine.
// A nil Track keeps nothing.
type Track struct {
	recorder *Recorder
	id       string

	mu     sync.Mutex
	first  []Event
	latest []Event // a ring once it is full
	next   int     // where the ring's oldest is
	lost   int     // events let go
	octets int     // of packets
	linked []*Track
}

// Note adds an event. Where file is not "", a script caused it there.
func (l *Track) Note(kind Kind, file string, line int, attrs ...slog.Attr) {
	if l == nil {
		return
	}
	l.add(Event{Kind: kind, File: file, Line: line, Attrs: attrs})
}

// Packet adds a Message; p.Data is copied.
func (l *Track) Packet(p Packet, attrs ...slog.Attr) {
	if l == nil {
		return
	}
	l.mu.Lock()
	room := l.octets+len(p.Data) <= l.recorder.limits.Octets
	if room {
		l.octets += len(p.Data)
	}
	l.mu.Unlock()
	if room {
		p.Data = slices.Clone(p.Data)
	} else {
		p.Data = nil
	}
	l.add(Event{Kind: Message, Attrs: attrs, Packet: &p})
}

func (l *Track) add(e Event) {
	r := l.recorder
	e.Leg, e.At, e.Order = l.id, r.clock.Now(), r.order.Add(1)
	l.mu.Lock()
	switch {
	case len(l.first) < r.limits.First:
		l.first = append(l.first, e)
	case len(l.latest) < r.limits.Latest:
		l.latest = append(l.latest, e)
	default:
		l.latest[l.next] = e
		l.next = (l.next + 1) % len(l.latest)
		l.lost++
	}
	l.mu.Unlock()
	if watch := r.watch.Load(); watch != nil {
		(*watch)(e)
	}
}

// Link makes the story of another leg, dialled for this one, part of this one's.
func (l *Track) Link(id string) {
	if l == nil {
		return
	}
	other := l.recorder.Leg(id)
	l.mu.Lock()
	defer l.mu.Unlock()
	if other != l && !slices.Contains(l.linked, other) {
		l.linked = append(l.linked, other)
	}
}

// End says that the call of this track is over, and whether it failed: nothing
// will be linked to it any more, and it is forgotten when its time has come.
func (l *Track) End(failed bool) {
	if l == nil {
		return
	}
	r := l.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if failed {
		r.failed = r.keep(append(r.failed, l), r.limits.Failed)
		return
	}
	r.ended = r.keep(append(r.ended, l), r.limits.Ended)
}

// keep drops the oldest of tracks that are too many. r.mu is held.
func (r *Recorder) keep(tracks []*Track, most int) []*Track {
	for len(tracks) > most {
		r.drop(tracks[0])
		tracks = slices.Delete(tracks, 0, 1)
	}
	return tracks
}

func (r *Recorder) drop(l *Track) {
	delete(r.tracks, l.id)
	for _, linked := range l.linked {
		delete(r.tracks, linked.id)
	}
}

// Story is everything that was noted on a call, oldest first, and how many
// events between the first and the latest were let go. ok tells whether the call
// is known.
func (r *Recorder) Story(id string) (events []Event, lost int, ok bool) {
	if r == nil {
		return nil, 0, false
	}
	r.mu.Lock()
	l := r.tracks[id]
	r.mu.Unlock()
	if l == nil {
		return nil, 0, false
	}
	events, lost = l.collect(nil)
	slices.SortFunc(events, func(a, b Event) int { return int(int64(a.Order - b.Order)) })
	return events, lost, true
}

func (l *Track) collect(events []Event) ([]Event, int) {
	l.mu.Lock()
	events = append(events, l.first...)
	events = append(events, l.latest[l.next:]...)
	events = append(events, l.latest[:l.next]...)
	lost, linked := l.lost, slices.Clone(l.linked)
	l.mu.Unlock()
	for _, other := range linked {
		other.mu.Lock()
		events = append(events, other.first...)
		events = append(events, other.latest[other.next:]...)
		events = append(events, other.latest[:other.next]...)
		lost += other.lost
		other.mu.Unlock()
	}
	return events, lost
}
