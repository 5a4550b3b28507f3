package store

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// memory is everything that a bucket holds, with the watches that are told of
// changes and the alarm of the entry that expires next.
type memory struct {
	bucket *Bucket

	mu       sync.RWMutex
	families map[string]map[string]*record
	bytes    int64
	expiries expiryHeap
	alarm    clock.Timer
	alarmAt  int64
	watches  map[string][]*watch
	closed   bool

	// Where others write too, an own deletion may be known before older records
	// of the same key have arrived: until the stream is past it, it is kept here.
	follows bool
	deleted map[string]uint64
}

// record is one entry in memory. Its value never changes.
type record struct {
	family, key string
	value       []byte
	revision    uint64
	expires     int64 // milliseconds since 1970, 0 = never
	place       int   // in the heap, -1 where it never expires
}

// retryExpiry is when the removal of an expired entry is tried again.
const retryExpiry = 10 * time.Second

func (m *memory) init(b *Bucket) {
	m.bucket = b
	m.families = map[string]map[string]*record{}
	m.watches = map[string][]*watch{}
	m.deleted = map[string]uint64{}
}

// alive is the record of a key that has not expired; m.mu is held.
func (m *memory) alive(family, key string) *record {
	r := m.families[family][key]
	if r == nil || m.over(r) {
		return nil
	}
	return r
}

func (m *memory) over(r *record) bool {
	return r.expires != 0 && m.bucket.clock.Now().UnixMilli() >= r.expires
}

func (m *memory) get(family, key string) (Entry, bool) {
	m.mu.RLock()
	r := m.alive(family, key)
	m.mu.RUnlock()
	if r == nil {
		return Entry{}, false
	}
	return r.entry(), true
}

// present is get together with the revision of the key's last record, which may
// have expired. Both are of one moment, although others may write meanwhile.
func (m *memory) present(family, key string) (e Entry, last uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.families[family][key]
	switch {
	case r == nil:
		return Entry{}, 0
	case m.over(r):
		return Entry{}, r.revision
	}
	return r.entry(), r.revision
}

func (r *record) entry() Entry {
	e := Entry{Family: r.family, Key: r.key, Value: append([]byte{}, r.value...), Revision: r.revision}
	if r.expires != 0 {
		e.Expires = time.UnixMilli(r.expires)
	}
	return e
}

// revision is that of a key as it is seen, and that of its last record.
func (m *memory) revision(family, key string) (visible, last uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.families[family][key]
	switch {
	case r == nil:
		return 0, 0
	case m.over(r):
		return 0, r.revision
	}
	return r.revision, r.revision
}

func (m *memory) records(family, prefix string) []*record {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []*record
	for key, r := range m.families[family] {
		if strings.HasPrefix(key, prefix) && !m.over(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *record) int { return strings.Compare(a.key, b.key) })
	return found
}

func (m *memory) keys(family, prefix string) []string {
	var keys []string
	for _, r := range m.records(family, prefix) {
		keys = append(keys, r.key)
	}
	return keys
}

func (m *memory) list(family, prefix string) []Entry {
	var entries []Entry
	for _, r := range m.records(family, prefix) {
		entries = append(entries, r.entry())
	}
	return entries
}

func (m *memory) familyNames() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var names []string
	for family, records := range m.families {
		for _, r := range records {
			if !m.over(r) {
				names = append(names, family)
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

// all is every record, those that have expired too.
func (m *memory) all() []*record {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []*record
	for _, records := range m.families {
		for _, r := range records {
			found = append(found, r)
		}
	}
	return found
}

// record is what is held of a key, which may have expired.
func (m *memory) record(family, key string) *record {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.families[family][key]
}

// sizeWith is how many bytes the bucket would hold with c.
func (m *memory) sizeWith(c *change) int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	size := m.bytes + int64(len(c.family)+len(c.key)+len(c.value))
	if r := m.families[c.family][c.key]; r != nil {
		size -= r.size()
	}
	return size
}

func (r *record) size() int64 { return int64(len(r.family) + len(r.key) + len(r.value)) }

// apply takes over a record of the journal and tells the watches. One that is
// older than what is known changes nothing. own says that this bucket wrote it.
func (m *memory) apply(c *change, own bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	old := m.families[c.family][c.key]
	id := c.family + "\x00" + c.key
	if old != nil && c.revision <= old.revision {
		return
	}
	if deleted, ok := m.deleted[id]; ok {
		if c.revision >= deleted {
			delete(m.deleted, id)
		}
		if c.revision <= deleted {
			return
		}
	}
	if c.kind != Put && own && m.follows {
		m.deleted[id] = c.revision
	}
	m.replace(old, c)
}

// forget removes a key of which the journal holds no record any more.
func (m *memory) forget(family, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.families[family][key]; old != nil {
		m.replace(old, &change{kind: Deleted, family: family, key: key, revision: old.revision})
	}
}

// replace puts c into the place of old, which may be nil; m.mu is held.
func (m *memory) replace(old *record, c *change) {
	if old != nil {
		m.drop(old)
	}
	if c.kind == Put {
		m.add(&record{family: c.family, key: c.key, value: c.value, revision: c.revision, expires: c.expires, place: -1})
	} else if old == nil {
		return
	}
	m.schedule()
	for _, w := range m.watches[c.family] {
		w.add(Change{Kind: c.kind, Family: c.family, Key: c.key, Value: c.value, Revision: c.revision})
	}
}

// add and drop keep the maps, the heap and the size in step; m.mu is held.
func (m *memory) add(r *record) {
	family := m.families[r.family]
	if family == nil {
		family = map[string]*record{}
		m.families[r.family] = family
	}
	family[r.key] = r
	m.bytes += r.size()
	if r.expires != 0 {
		heap.Push(&m.expiries, r)
	}
}

func (m *memory) drop(r *record) {
	family := m.families[r.family]
	delete(family, r.key)
	if len(family) == 0 {
		delete(m.families, r.family)
	}
	m.bytes -= r.size()
	if r.place >= 0 {
		heap.Remove(&m.expiries, r.place)
	}
}

// schedule sets the alarm to the next expiry; m.mu is held.
func (m *memory) schedule() {
	next := int64(0)
	if len(m.expiries) > 0 {
		next = m.expiries[0].expires
	}
	if next != m.alarmAt {
		m.wake(next)
	}
}

// wake sets the alarm; 0 means none.
func (m *memory) wake(at int64) {
	if m.alarm != nil {
		m.alarm.Stop()
		m.alarm = nil
	}
	m.alarmAt = at
	if at == 0 || m.closed {
		return
	}
	c := m.bucket.clock
	m.alarm = c.AfterFunc(time.UnixMilli(at).Sub(c.Now()), func() {
		c.Hold()
		go func() {
			defer c.Release()
			m.expire()
		}()
	})
}

// expire removes what is over from the journal, which tells the watches here and
// elsewhere. Readers see the entries as gone already.
func (m *memory) expire() {
	m.mu.Lock()
	var due []*record
	due = m.due(0, due)
	m.mu.Unlock()
	slices.SortFunc(due, (*record).before)

	failed := false
	for _, r := range due {
		if err := m.bucket.expire(r); err != nil {
			failed = true
			if !errors.Is(err, ErrClosed) {
				m.bucket.log.Warn("an expired entry cannot be removed yet", "family", r.family, "key", r.key, "error", err)
				break
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alarmAt = -1
	if failed {
		m.wake(m.bucket.clock.Now().Add(retryExpiry).UnixMilli())
		return
	}
	m.schedule()
}

// due collects from the heap what is over, from place on downwards; m.mu is held.
func (m *memory) due(place int, found []*record) []*record {
	if place >= len(m.expiries) || !m.over(m.expiries[place]) {
		return found
	}
	found = append(found, m.expiries[place])
	return m.due(2*place+2, m.due(2*place+1, found))
}

// expire removes one entry if it is still the one that expired.
func (b *Bucket) expire(r *record) error {
	ctx := context.Background()
	unlock, err := b.lock(ctx, r.family, r.key)
	if err != nil {
		return err
	}
	if _, last := b.memory.revision(r.family, r.key); last != r.revision {
		unlock()
		return nil
	}
	err = b.write(ctx, unlock, &change{kind: Expired, family: r.family, key: r.key}, true, r.revision)
	if errors.Is(err, ErrConflict) {
		return nil // another moonwire was faster, or the entry lives on
	}
	return err
}

func (m *memory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.wake(0)
	for _, watches := range m.watches {
		for _, w := range watches {
			w.end()
		}
	}
	m.watches = nil
}

// before orders records by their time of expiry, then by name.
func (r *record) before(o *record) int {
	switch {
	case r.expires != o.expires:
		if r.expires < o.expires {
			return -1
		}
		return 1
	case r.family != o.family:
		return strings.Compare(r.family, o.family)
	}
	return strings.Compare(r.key, o.key)
}

type expiryHeap []*record

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires < h[j].expires }
func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *expiryHeap) Push(x any) {
	r := x.(*record)
	r.place = len(*h)
	*h = append(*h, r)
}
func (h *expiryHeap) Pop() any {
	old := *h
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	r.place = -1
	return r
}
