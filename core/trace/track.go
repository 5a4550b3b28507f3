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
	first  []Event
	latest []Event // a ring once it is full
	next   int     // where the ring's oldest is
	lost   int     // events let go
	octets int     // of packets
	hidden bool    // bodies of packets are secret for now
	linked []*Track
	tape   *Tape

	// Slabs that events take what they point to from. One that is full is left
	// to those events, and goes when the last of them goes.
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

// Note adds an event. Where file is not "", a script caused it there. attrs is
// copied; values are kept as they are and formatted when somebody looks, so they
// must not change.
func (l *Track) Note(kind Kind, file string, line int, attrs ...slog.Attr) {
	if l == nil {
		return
	}
	e := Event{At: l.recorder.clock.Now(), Kind: kind, File: file, Line: line}
	if kind == Begin {
		l.recorder.begun(l)
	}
	l.mu.Lock()
	if len(attrs) > 0 {
		l.attrs = room(l.attrs, len(attrs), slabAttrs)
		from := len(l.attrs)
		l.attrs = append(l.attrs, attrs...)
		e.Attrs = l.attrs[from:len(l.attrs):len(l.attrs)]
	}
	l.add(&e)
	l.mu.Unlock()
	l.tell(e)
}

// Packet adds a Message that went over the wire at a moment; p.Data is copied.
func (l *Track) Packet(at time.Time, p Packet) {
	if l == nil {
		return
	}
	l.mu.Lock()
	if l.octets+len(p.Data) > l.recorder.limits.Octets {
		p.Cut = true
		p.Data = firstLine(p.Data)
		p.Data = p.Data[:min(len(p.Data), 256)]
	} else {
		l.octets += len(p.Data)
	}
	p.Secret = l.hidden
	l.data = room(l.data, len(p.Data), slabOctets)
	from := len(l.data)
	l.data = append(l.data, p.Data...)
	p.Data = l.data[from:len(l.data):len(l.data)]
	l.packets = append(room(l.packets, 1, slabPackets), p)
	e := Event{At: at, Kind: Message, Packet: &l.packets[len(l.packets)-1]}
	l.add(&e)
	l.mu.Unlock()
	l.tell(e)
}

// room is a slab that takes n more without being moved.
func room[T any](slab []T, n, usual int) []T {
	if cap(slab)-len(slab) < n {
		return make([]T, 0, max(n, usual))
	}
	return slab
}

// add numbers an event and puts it where it belongs; l.mu is held.
func (l *Track) add(e *Event) {
	r := l.recorder
	e.Leg, e.Order = l.id, r.order.Add(1)
	switch {
	case len(l.first) < r.limits.First:
		if l.first == nil {
			l.first = make([]Event, 0, min(slabEvents, r.limits.First))
		}
		l.first = append(l.first, *e)
	case len(l.latest) < r.limits.Latest:
		l.latest = append(l.latest, *e)
	default:
		l.latest[l.next] = *e
		l.next = (l.next + 1) % len(l.latest)
		l.lost++
	}
}

// tell shows an event to those who look on.
func (l *Track) tell(e Event) {
	r := l.recorder
	if watch := r.watch.Load(); watch != nil {
		(*watch)(e)
	}
	if followers := r.followers.Load(); followers != nil {
		for _, f := range *followers {
			f.offer(l, e)
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
	r.claim(other, linked) // of nobody: it is gone
	r.forget(other)
	other.mu.Lock()
	defer other.mu.Unlock()
	l.first, l.latest, l.next, l.lost, l.octets = other.first, other.latest, other.next, other.lost, other.octets
	other.first, other.latest, other.next = nil, nil, 0
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

// collect appends what is kept to events, in no order, and says how many were
// let go.
func (l *Track) collect(events []Event) ([]Event, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events = append(events, l.first...)
	return append(events, l.latest...), l.lost
}
