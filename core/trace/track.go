package trace

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

// standing is what a track is to the recorder.
type standing uint8

const (
	stray  standing = iota // it belongs to no call
	linked                 // it is part of a call
	call                   // it is a call's own
)

// Track is what is kept of one leg. Its methods may be called from any goroutine.
// A nil Track keeps nothing.
type Track struct {
	recorder *Recorder
	id       string

	// The recorder's lock guards these.
	standing standing
	outcome  Outcome
	owner    *Track // the first that it was linked to

	older, newer *Track // among the strays
	amongStrays  bool

	mu     sync.Mutex
	latest []Event // a ring once it is full
	next   int     // where the ring's oldest is
	lost   int     // events let go
	octets int     // of packets
	hidden bool    // bodies of packets are secret for now
	linked []*Track
	tape   *Tape

	slabs
}

// slabs are what events take what they point to from. One that is full is left
// to those events; the last ones of a track are used again when it is forgotten,
// so whoever reads events gets copies.
type slabs struct {
	first   []Event
	attrs   []slog.Attr
	packets []Packet
	data    []byte
}

const (
	slabEvents  = 24
	slabAttrs   = 32
	slabPackets = 8
	slabOctets  = 4096
)

// emptied is the slabs ready for another track, without those that grew.
func (s slabs) emptied() slabs {
	if cap(s.first) > 4*slabEvents {
		s.first = nil
	}
	if cap(s.attrs) > slabAttrs {
		s.attrs = nil
	}
	if cap(s.data) > slabOctets {
		s.data = nil
	}
	clear(s.first)
	clear(s.attrs)
	clear(s.packets)
	return slabs{s.first[:0], s.attrs[:0], s.packets[:0], s.data[:0]}
}

// room is a slab that takes n more without being moved.
func room[T any](slab []T, n, usual int) []T {
	if cap(slab)-len(slab) < n {
		return make([]T, 0, max(n, usual))
	}
	return slab
}

// Note adds an event. Where file is not "", a script caused it there. attrs is
// copied; values are kept as they are and formatted when somebody looks, so they
// must not change.
func (l *Track) Note(kind Kind, file string, line int, attrs ...slog.Attr) {
	if l == nil {
		return
	}
	at := l.recorder.clock.Now()
	if kind == Begin {
		l.recorder.begun(l)
	}
	l.mu.Lock()
	e := l.slot(at, kind)
	e.File, e.Line = file, line
	if len(attrs) > 0 {
		l.attrs = room(l.attrs, len(attrs), slabAttrs)
		from := len(l.attrs)
		l.attrs = append(l.attrs, attrs...)
		e.Attrs = l.attrs[from:len(l.attrs):len(l.attrs)]
	}
	l.done(e)
}

// Packet adds a Message that went over the wire at a moment; p.Data is copied.
func (l *Track) Packet(at time.Time, p *Packet) {
	if l == nil {
		return
	}
	l.mu.Lock()
	data, cut := p.Data, false
	if l.octets+len(data) > l.recorder.limits.Octets {
		data, cut = firstLine(data), true
		data = data[:min(len(data), longestFirstLine)]
	} else {
		l.octets += len(data)
	}
	l.data = room(l.data, len(data), slabOctets)
	from := len(l.data)
	l.data = append(l.data, data...)
	l.packets = append(room(l.packets, 1, slabPackets), *p)
	kept := &l.packets[len(l.packets)-1]
	kept.Secret, kept.Cut, kept.Data = l.hidden, cut, l.data[from:len(l.data):len(l.data)]
	e := l.slot(at, Message)
	e.Packet = kept
	l.done(e)
}

// longestFirstLine is what is kept of one, in octets.
const longestFirstLine = 256

// slot is where a new event goes; l.mu is held.
func (l *Track) slot(at time.Time, kind Kind) *Event {
	r := l.recorder
	var e *Event
	switch {
	case len(l.first) < r.limits.First:
		if l.first == nil {
			l.first = make([]Event, 0, min(slabEvents, r.limits.First))
		}
		l.first = append(l.first, Event{})
		e = &l.first[len(l.first)-1]
	case len(l.latest) < r.limits.Latest:
		l.latest = append(l.latest, Event{})
		e = &l.latest[len(l.latest)-1]
	default:
		e = &l.latest[l.next]
		*e = Event{}
		l.next = (l.next + 1) % len(l.latest)
		l.lost++
	}
	e.Leg, e.At, e.Kind, e.Order = l.id, at, kind, r.order.Add(1)
	return e
}

// done lets go of l.mu and shows the event to those who look on.
func (l *Track) done(e *Event) {
	watch, followers := l.recorder.watch.Load(), l.recorder.followers.Load()
	if watch == nil && followers == nil {
		l.mu.Unlock()
		return
	}
	shown := e.detached()
	l.mu.Unlock()
	if watch != nil {
		(*watch)(shown)
	}
	if followers != nil {
		for _, f := range *followers {
			f.offer(l, shown)
		}
	}
}

// Hide has bodies of packets kept from view from now on, or no longer: keys that
// come as SIP INFO while a secret is asked for.
func (l *Track) Hide(on bool) {
	if l == nil {
		return
	}
	l.mu.Lock()
	l.hidden = on
	l.mu.Unlock()
}

// Link makes the story of another leg, dialled for this one, part of this one's.
func (l *Track) Link(id string) {
	if l == nil {
		return
	}
	r := l.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	other := r.leg(id)
	if other == l {
		return
	}
	if other.standing == stray {
		r.claim(other, linked)
		other.owner = l
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.linked, other) {
		l.linked = append(l.linked, other)
	}
}

// Absorb takes over what was noted before there was a leg, under another id: a
// call that had to prove a password first. It does nothing once something was
// noted on the leg itself.
func (l *Track) Absorb(id string) {
	if l == nil {
		return
	}
	r := l.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	other := r.tracks[id]
	if other == nil || other == l || other.standing != stray {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.first) > 0 {
		return
	}
	r.strays.remove(other)
	delete(r.tracks, id)
	other.mu.Lock()
	defer other.mu.Unlock()
	l.slabs, other.slabs = other.slabs, slabs{}
	l.latest, l.next, l.lost, l.octets = other.latest, other.next, other.lost, other.octets
	other.latest, other.next = nil, 0
	for _, list := range [][]Event{l.first, l.latest} {
		for i := range list {
			list[i].Leg = l.id
		}
	}
}

// Fresh reports whether nothing was noted yet.
func (l *Track) Fresh() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.first) == 0
}

// links are the tracks that are part of this one's story.
func (l *Track) links() []*Track {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.linked)
}

// End says that the call of this track is over: nothing will be linked to it any
// more, and it is forgotten when its time has come. Only the first End counts.
func (l *Track) End(o Outcome) {
	if l != nil {
		l.recorder.finish(l, o)
	}
}

// Tape is where the leg's media keeps headers of RTP; the same each time.
func (l *Track) Tape() *Tape {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tape == nil {
		l.tape = &Tape{leg: l, most: l.recorder.limits.Headers}
	}
	return l.tape
}

// collect appends copies of what is kept to events, in no order, and says how
// many were let go.
func (l *Track) collect(events []Event) ([]Event, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range [][]Event{l.first, l.latest} {
		for i := range list {
			events = append(events, list[i].detached())
		}
	}
	return events, l.lost
}

// spare takes the slabs from a track that is forgotten; events that are noted on
// it all the same go nowhere.
func (l *Track) spare() slabs {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slabs.emptied()
	l.slabs, l.latest, l.next = slabs{}, nil, 0
	return s
}
