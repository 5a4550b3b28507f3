package digest

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// Defaults of LimiterOptions.
const (
	DefaultBurst   = 10
	DefaultForgive = 6 * time.Second
	DefaultSources = 8192
)

// LimiterOptions of a Limiter; the zero value is ready for use.
type LimiterOptions struct {
	Clock   clock.Clock   // nil means clock.Real
	Burst   int           // failures in a row before a source has to wait; 0 means DefaultBurst
	Forgive time.Duration // after which one failure is forgotten; 0 means DefaultForgive
	Sources int           // sources remembered at once; 0 means DefaultSources
}

// Limiter slows down whoever guesses passwords: each source address has a
// bucket of failures that leaks slowly, and while it is full the source is not
// to be served. It may be used from any goroutine.
//
// Memory is bounded: the source that failed longest ago makes room for a new
// one. An IPv6 source is its /64, because that is what one host can roam.
// Over UDP a source can be forged, so keep trunks that are known by their
// address out of the Limiter's reach.
type Limiter struct {
	clock   clock.Clock
	burst   time.Duration // as time: Burst × Forgive
	forgive time.Duration
	room    int

	mu      sync.Mutex
	sources map[netip.Prefix]*list.Element
	recent  *list.List // of *bucket, the latest failure in front
}

// bucket holds its failures as the time at which the last is forgotten: each
// pushes it Forgive further away.
type bucket struct {
	source    netip.Prefix
	forgotten time.Time
}

// NewLimiter returns a Limiter in which nobody has failed yet.
func NewLimiter(o LimiterOptions) *Limiter {
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Burst <= 0 {
		o.Burst = DefaultBurst
	}
	if o.Forgive <= 0 {
		o.Forgive = DefaultForgive
	}
	if o.Sources <= 0 {
		o.Sources = DefaultSources
	}
	return &Limiter{
		clock: o.Clock, forgive: o.Forgive, room: o.Sources,
		burst:   time.Duration(o.Burst) * o.Forgive,
		sources: make(map[netip.Prefix]*list.Element), recent: list.New(),
	}
}

// Allowed reports whether credentials from source may be looked at. Where it
// is false, silence is the best answer: it costs the guesser its time-out.
func (l *Limiter) Allowed(source netip.Addr) bool {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.sources[network(source)]
	return e == nil || e.Value.(*bucket).forgotten.Sub(now) <= l.burst-l.forgive
}

// Failed counts one Refused or Malformed attempt of source.
func (l *Limiter) Failed(source netip.Addr) {
	now, n := l.clock.Now(), network(source)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.sources[n]
	if e == nil {
		if len(l.sources) >= l.room {
			oldest := l.recent.Back()
			delete(l.sources, l.recent.Remove(oldest).(*bucket).source)
		}
		e = l.recent.PushFront(&bucket{source: n, forgotten: now})
		l.sources[n] = e
	}
	l.recent.MoveToFront(e)
	b := e.Value.(*bucket)
	if b.forgotten.Before(now) {
		b.forgotten = now
	}
	if b.forgotten = b.forgotten.Add(l.forgive); b.forgotten.Sub(now) > l.burst {
		b.forgotten = now.Add(l.burst)
	}
}

// network is the prefix that counts as one source.
func network(source netip.Addr) netip.Prefix {
	source = source.Unmap().WithZone("")
	bits := 64
	if source.Is4() {
		bits = 32
	}
	p, _ := source.Prefix(bits)
	return p
}
