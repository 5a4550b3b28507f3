package trace

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/moonwire/moonwire/core/clock"
)

// Limits bound a Recorder's memory. Zero values mean the defaults.
type Limits struct {
	First   int // events of a leg that are kept from its beginning; 200
	Latest  int // events of a leg that are kept from its end; 300
	Octets  int // of packets kept for a leg; 64 KB
	Headers int // of RTP packets kept for a leg, of both directions together; 500
	Ended   int // calls kept after their end; 200
	Failed  int // calls kept after their end that failed; 200
	Refused int // calls kept after their end that no script served; 100
	Strays  int // legs kept that belong to no call; 500
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		value *int
		usual int
	}{
		{&l.First, 200}, {&l.Latest, 300}, {&l.Octets, 64 << 10}, {&l.Headers, 500},
		{&l.Ended, 200}, {&l.Failed, 200}, {&l.Refused, 100}, {&l.Strays, 500},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	return l
}

// Outcome is what became of a call.
type Outcome uint8

const (
	// Open is a call in progress.
	Open Outcome = iota
	// Served is a call that a script served to its end, whether it was answered
	// or not: nobody at home and a caller who gives up are no failures.
	Served
	// Failed is a call that went wrong by our doing or that of our lines: its
	// script failed, its media stopped, or it was not answered because something
	// was congested, out of order or used up (5xx in the words of SIP).
	Failed
	// TurnedAway is a call that was refused before a script served it.
	TurnedAway
	outcomes
)

func (o Outcome) String() string {
	return [outcomes]string{"open", "served", "failed", "refused"}[o]
}

// Recorder keeps the stories of calls. Its methods may be called from any
// goroutine. A nil Recorder keeps nothing.
type Recorder struct {
	clock     clock.Clock
	limits    Limits
	order     atomic.Uint64
	watch     atomic.Pointer[func(Event)]
	followers atomic.Pointer[[]*Follower]

	mu     sync.Mutex
	tracks map[string]*Track
	strays strays
	spare  []slabs // of tracks that were forgotten
	ended  [outcomes][]*Track
}

// NewRecorder returns an empty Recorder.
func NewRecorder(c clock.Clock, l Limits) *Recorder {
	l = l.withDefaults()
	return &Recorder{clock: c, limits: l, tracks: map[string]*Track{}}
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
	return r.leg(id)
}

// leg is Leg; r.mu is held.
func (r *Recorder) leg(id string) *Track {
	l := r.tracks[id]
	if l != nil {
		return l
	}
	l = &Track{recorder: r, id: id}
	if n := len(r.spare); n > 0 {
		l.slabs, r.spare[n-1] = r.spare[n-1], slabs{}
		r.spare = r.spare[:n-1]
	}
	r.tracks[id] = l
	r.strays.add(l)
	if r.strays.n > r.limits.Strays {
		oldest := r.strays.oldest
		r.strays.remove(oldest)
		r.forget(oldest)
	}
	return l
}

// strays is a list of tracks that belong to no call, in the order in which they
// began. Those that are claimed, which most are at once, leave it wherever they are.
type strays struct {
	oldest, newest *Track
	n              int
}

func (s *strays) add(l *Track) {
	l.older, l.amongStrays = s.newest, true
	if s.newest != nil {
		s.newest.newer = l
	} else {
		s.oldest = l
	}
	s.newest = l
	s.n++
}

func (s *strays) remove(l *Track) {
	if !l.amongStrays {
		return
	}
	if l.older != nil {
		l.older.newer = l.newer
	} else {
		s.oldest = l.newer
	}
	if l.newer != nil {
		l.newer.older = l.older
	} else {
		s.newest = l.older
	}
	l.older, l.newer, l.amongStrays = nil, nil, false
	s.n--
}

// claim takes a track from among the strays; r.mu is held.
func (r *Recorder) claim(l *Track, s standing) {
	r.strays.remove(l)
	l.standing = s
	r.tracks[l.id] = l // unless it was a stray for too long, it is there
}

// forget takes a track out, if it is still the one of its leg; r.mu is held.
func (r *Recorder) forget(l *Track) {
	if r.tracks[l.id] != l {
		return
	}
	delete(r.tracks, l.id)
	if len(r.spare) < mostSpare {
		r.spare = append(r.spare, l.spare())
	}
}

// mostSpare is how many slabs wait for a track.
const mostSpare = 32

// begun says that a call began on the track.
func (r *Recorder) begun(l *Track) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.standing != call {
		r.claim(l, call)
	}
}

// finish keeps the track of a call that is over among those of its kind, and
// lets the oldest of them go. Only the first call of it counts.
func (r *Recorder) finish(l *Track, o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.outcome != Open || o == Open || o >= outcomes {
		return
	}
	r.claim(l, call)
	l.outcome = o
	most := [outcomes]int{Served: r.limits.Ended, Failed: r.limits.Failed, TurnedAway: r.limits.Refused}[o]
	list := append(r.ended[o], l)
	for len(list) > most {
		r.drop(list[0])
		list = slices.Delete(list, 0, 1)
	}
	r.ended[o] = list
}

// drop forgets a call and the legs that belong to it alone; r.mu is held.
func (r *Recorder) drop(l *Track) {
	r.forget(l)
	for _, other := range l.links() {
		if other.standing == linked && other.owner == l {
			r.forget(other)
		}
	}
}

// track finds what is kept of a leg; nil where that is nothing.
func (r *Recorder) track(id string) *Track {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tracks[id]
}

// Story is everything that was noted on a call, oldest first, and how many
// events between the first and the latest were let go. ok tells whether the call
// is known.
func (r *Recorder) Story(id string) (events []Event, lost int, ok bool) {
	l := r.track(id)
	if l == nil {
		return nil, 0, false
	}
	for _, one := range append([]*Track{l}, l.links()...) {
		var missing int
		events, missing = one.collect(events)
		lost += missing
	}
	slices.SortFunc(events, earlier)
	return events, lost, true
}

// Find lists the calls and legs that a reference may mean: the one with this
// id, else all those whose id begins or ends with it. Calls come before other
// legs, which are left out where there are calls.
func (r *Recorder) Find(reference string) []string {
	if r == nil || reference == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tracks[reference] != nil {
		return []string{reference}
	}
	var calls, legs []string
	for id, l := range r.tracks {
		if !strings.HasPrefix(id, reference) && !strings.HasSuffix(id, reference) {
			continue
		}
		if l.standing == call {
			calls = append(calls, id)
		} else {
			legs = append(legs, id)
		}
	}
	if len(calls) == 0 {
		calls = legs
	}
	slices.Sort(calls)
	return calls
}

// Size is how many legs are kept, for the metrics.
func (r *Recorder) Size() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tracks)
}
