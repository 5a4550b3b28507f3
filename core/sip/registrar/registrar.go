// Package registrar keeps where phones can be reached: the bindings between an
// address-of-record and contacts of RFC 3261, section 10.3.
//
// Reading is far more frequent than changing, so each address-of-record holds
// an immutable, sorted slice of bindings behind an atomic pointer: Lookup takes
// no lock beyond that of the map and copies nothing. A change is worked out on
// a copy, made durable, and only then shown: what a phone was told is never
// lost, and what could not be stored never happened. Changes of one
// address-of-record follow each other; those of different ones do not wait for
// each other's storage.
//
// One timer serves all expiries, over a heap with one entry for each
// address-of-record. Nothing here knows sockets or SIP messages.
package registrar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// Errors of Register; the status that answers the phone is in the comment.
var (
	// ErrOutOfOrder: a REGISTER older than one already obeyed (500).
	ErrOutOfOrder = errors.New("an older REGISTER of the same Call-ID")
	// ErrMalformed: the request contradicts itself (400).
	ErrMalformed = errors.New("malformed registration")
	// ErrTooMany: one request brings more contacts than the phone may have (403).
	ErrTooMany = errors.New("more contacts than allowed")
	// ErrStorage: the change could not be made durable and was not made (500).
	ErrStorage = errors.New("registration could not be stored")
)

// TooBrief refuses an expiry that is too short: 423 with Min-Expires.
type TooBrief struct{ Min time.Duration }

func (e *TooBrief) Error() string { return fmt.Sprintf("expires is below %v", e.Min) }

// Options of a Registrar.
type Options struct {
	Clock clock.Clock  // nil means clock.Real
	Log   *slog.Logger // nil means slog.Default
	Store Store        // nil keeps bindings in memory only

	// Notify hears of every change, in order for each address-of-record. It may
	// be called from any goroutine and keeps that address-of-record waiting; it
	// may Lookup, but must not change the same address-of-record. It may be nil.
	Notify func(Event)
}

// Registrar holds all bindings. Its methods may be called from any goroutine.
type Registrar struct {
	clock  clock.Clock
	log    *slog.Logger
	store  Store
	notify func(Event)
	serial atomic.Uint64

	mu      sync.RWMutex // of what follows; taken after a record's mu, never before
	records map[string]*record
	queue   expiryQueue
	timer   clock.Timer
	armed   time.Time // when timer rings; zero when none does
	closed  bool
}

// record is one address-of-record that has bindings.
type record struct {
	aor      string
	bindings atomic.Pointer[[]Binding] // sorted, immutable

	mu   sync.Mutex // held while a change is worked out, stored and told
	gone bool       // no longer in the Registrar; look for its successor

	due   time.Time // under Registrar.mu: when the first binding expires
	index int       // under Registrar.mu: place in the queue, -1 outside
}

// New returns a Registrar with the bindings that the store has kept.
func New(ctx context.Context, o Options) (*Registrar, error) {
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Store == nil {
		o.Store = noStore{}
	}
	if o.Notify == nil {
		o.Notify = func(Event) {}
	}
	r := &Registrar{clock: o.Clock, log: o.Log, store: o.Store, notify: o.Notify, records: make(map[string]*record)}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Close stops the expiry timer. Stored bindings stay stored.
func (r *Registrar) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
}

// Lookup returns the bindings of an address-of-record in the order in which
// they should be tried: by q, then the freshest first. Those that do not
// answer are among them, marked Down. The slice is shared: do not change it.
func (r *Registrar) Lookup(aor string) []Binding {
	r.mu.RLock()
	rec := r.records[aor]
	r.mu.RUnlock()
	if rec == nil {
		return nil
	}
	return alive(*rec.bindings.Load(), r.clock.Now())
}

// All returns every binding, those of one address-of-record together.
func (r *Registrar) All() []Binding {
	now := r.clock.Now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Binding, 0, len(r.records))
	for _, rec := range r.records {
		all = append(all, alive(*rec.bindings.Load(), now)...)
	}
	return all
}

// Register obeys one REGISTER, all of it or nothing, and returns the bindings
// to be listed in the 200 (shared: do not change the slice). A request without
// contacts only asks. ctx bounds the storing.
func (r *Registrar) Register(ctx context.Context, q Request) ([]Binding, error) {
	now := r.clock.Now()
	return r.change(ctx, q.AOR, func(c *change) error { return c.register(q, now) })
}

// Remove unregisters bindings by their ID, or all of them where no ID is
// given: by hand, or because their connection broke.
func (r *Registrar) Remove(ctx context.Context, aor string, ids ...uint64) error {
	_, err := r.change(ctx, aor, func(c *change) error {
		c.remove(Unregistered, func(b Binding) bool { return len(ids) == 0 || slices.Contains(ids, b.ID) })
		return nil
	})
	return err
}

// SetReachable keeps what qualifying a binding found; a binding that is gone is
// passed over.
func (r *Registrar) SetReachable(aor string, id uint64, up bool, roundTrip time.Duration) {
	r.mu.RLock()
	rec := r.records[aor]
	r.mu.RUnlock()
	if rec == nil {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.gone {
		return
	}
	c := &change{aor: aor, now: r.clock.Now(), next: slices.Clone(*rec.bindings.Load())}
	c.reachable(id, up, roundTrip)
	r.install(rec, c)
}

func (r *Registrar) nextID() uint64 { return r.serial.Add(1) }

// change works out, stores, shows and tells one change of an address-of-record.
func (r *Registrar) change(ctx context.Context, aor string, work func(*change) error) ([]Binding, error) {
	rec := r.lock(aor)
	defer rec.mu.Unlock()
	old := *rec.bindings.Load()
	c := newChange(aor, old, r.clock.Now(), r.nextID)
	err := work(c)
	if err == nil && c.durable {
		err = r.persist(ctx, aor, c.next, c.now)
	}
	if err != nil {
		r.show(rec, old)
		return nil, err
	}
	r.install(rec, c)
	return c.next, nil
}

// lock finds or makes the record of aor and returns it locked.
func (r *Registrar) lock(aor string) *record {
	for {
		r.mu.RLock()
		rec := r.records[aor]
		r.mu.RUnlock()
		if rec == nil {
			rec = r.add(aor)
		}
		rec.mu.Lock()
		if !rec.gone {
			return rec
		}
		rec.mu.Unlock()
	}
}

func (r *Registrar) add(aor string) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.records[aor]; rec != nil {
		return rec
	}
	rec := &record{aor: aor, index: -1}
	rec.bindings.Store(new([]Binding))
	r.records[aor] = rec
	return rec
}

// install shows a change and tells of it. rec.mu is held.
func (r *Registrar) install(rec *record, c *change) {
	order(c.next)
	r.show(rec, c.next)
	for _, e := range c.events {
		r.notify(e)
	}
}

// show publishes sorted bindings; a record without any is given up. rec.mu is held.
func (r *Registrar) show(rec *record, bindings []Binding) {
	rec.bindings.Store(&bindings)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(bindings) == 0 {
		rec.gone = true
		delete(r.records, rec.aor)
		r.queue.drop(rec)
	} else {
		r.queue.put(rec, earliest(bindings))
	}
	r.arm()
}
