package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// Bucket holds families of entries. Families and keys are any bytes, the empty
// string too. All methods may be called from any goroutine, and end with an
// error when their context does.
type Bucket struct {
	clock   clock.Clock
	log     *slog.Logger
	journal journal
	limit   int64 // bytes of keys and values; 0 where the journal has its own limit

	stripes [64]chan struct{} // a writer holds that of its key
	memory  memory

	closing sync.Once
	closed  chan struct{}

	deletion func() // called after each deletion, where the journal wants to know
}

// Entry is what a key holds.
type Entry struct {
	Family, Key string
	Value       []byte
	Revision    uint64    // grows with each change of the key
	Expires     time.Time // zero: never
}

// PutOptions say more about a Put.
type PutOptions struct {
	// TTL is after which time the entry expires; 0 means never. It ends to a
	// millisecond, and does not begin anew with Add.
	TTL time.Duration
}

func newBucket(o Options, j journal, limit int64) *Bucket {
	b := &Bucket{clock: o.Clock, log: o.Log, journal: j, limit: limit, closed: make(chan struct{})}
	for i := range b.stripes {
		b.stripes[i] = make(chan struct{}, 1)
	}
	b.memory.init(b)
	return b
}

// Get returns the value of a key, or an error that wraps ErrNotFound. It takes
// less than a microsecond and waits for nothing.
func (b *Bucket) Get(ctx context.Context, family, key string) ([]byte, error) {
	e, err := b.Entry(ctx, family, key)
	return e.Value, err
}

// Entry is Get with the entry's revision and time of expiry.
func (b *Bucket) Entry(ctx context.Context, family, key string) (Entry, error) {
	if err := b.usable(ctx); err != nil {
		return Entry{}, fmt.Errorf("get %s: %w", name(family, key), err)
	}
	e, ok := b.memory.get(family, key)
	if !ok {
		return Entry{}, fmt.Errorf("get %s: %w", name(family, key), ErrNotFound)
	}
	return e, nil
}

// Put sets the value of a key. In the durable bucket it is on disk when Put
// returns nil.
func (b *Bucket) Put(ctx context.Context, family, key string, value []byte, o PutOptions) error {
	if err := b.put(ctx, family, key, value, o, nil); err != nil {
		return fmt.Errorf("put %s: %w", name(family, key), err)
	}
	return nil
}

// CompareAndPut sets the value of a key if its revision is still the given one; 0
// says that there must be no such key. The error of another revision wraps
// ErrConflict.
func (b *Bucket) CompareAndPut(ctx context.Context, family, key string, value []byte, revision uint64, o PutOptions) (uint64, error) {
	put := revision
	if err := b.put(ctx, family, key, value, o, &put); err != nil {
		return 0, fmt.Errorf("put %s at revision %d: %w", name(family, key), revision, err)
	}
	return put, nil
}

// put writes a value; revision, where not nil, must be the present one and
// becomes the new one.
func (b *Bucket) put(ctx context.Context, family, key string, value []byte, o PutOptions, revision *uint64) error {
	if err := fits(family, key, value); err != nil {
		return err
	}
	if o.TTL < 0 {
		return fmt.Errorf("a TTL of %v: it must not be negative", o.TTL)
	}
	unlock, err := b.lock(ctx, family, key)
	if err != nil {
		return err
	}
	c := &change{kind: Put, family: family, key: key, value: append([]byte(nil), value...)}
	if o.TTL > 0 {
		c.expires = expiry(b.clock.Now().Add(o.TTL))
	}
	visible, last := b.memory.revision(family, key)
	if revision == nil {
		return b.write(ctx, unlock, c, false, 0)
	}
	if visible != *revision {
		unlock()
		return ErrConflict
	}
	if err := b.write(ctx, unlock, c, true, last); err != nil {
		return err
	}
	*revision = c.revision
	return nil
}

// Delete removes a key. One that is not there is no error.
func (b *Bucket) Delete(ctx context.Context, family, key string) error {
	if _, err := b.remove(ctx, family, key); err != nil {
		return fmt.Errorf("delete %s: %w", name(family, key), err)
	}
	return nil
}

func (b *Bucket) remove(ctx context.Context, family, key string) (bool, error) {
	unlock, err := b.lock(ctx, family, key)
	if err != nil {
		return false, err
	}
	visible, last := b.memory.revision(family, key)
	if last == 0 && !b.memory.follows {
		unlock()
		return false, nil
	}
	err = b.write(ctx, unlock, &change{kind: Deleted, family: family, key: key}, false, 0)
	return err == nil && visible != 0, err
}

// DeleteTree removes the key root and all keys below it, that is those that begin
// with root and a slash; with root "" the whole family. It returns how many keys
// it removed; after an error some may be left.
func (b *Bucket) DeleteTree(ctx context.Context, family, root string) (int, error) {
	keys, err := b.Keys(ctx, family, root)
	n := 0
	for _, key := range keys {
		if root != "" && key != root && !strings.HasPrefix(key[len(root):], "/") {
			continue
		}
		var removed bool
		if removed, err = b.remove(ctx, family, key); err != nil {
			break
		}
		if removed {
			n++
		}
	}
	if err != nil {
		return n, fmt.Errorf("delete tree %s: %w", name(family, root), err)
	}
	return n, nil
}

// Keys are the keys of a family that begin with prefix, sorted.
func (b *Bucket) Keys(ctx context.Context, family, prefix string) ([]string, error) {
	if err := b.usable(ctx); err != nil {
		return nil, fmt.Errorf("list keys of %q: %w", family, err)
	}
	return b.memory.keys(family, prefix), nil
}

// List are the entries of a family whose keys begin with prefix, sorted by key.
func (b *Bucket) List(ctx context.Context, family, prefix string) ([]Entry, error) {
	if err := b.usable(ctx); err != nil {
		return nil, fmt.Errorf("list %q: %w", family, err)
	}
	return b.memory.list(family, prefix), nil
}

// Families are the names of all families that hold a key, sorted.
func (b *Bucket) Families(ctx context.Context) ([]string, error) {
	if err := b.usable(ctx); err != nil {
		return nil, fmt.Errorf("list families: %w", err)
	}
	return b.memory.familyNames(), nil
}

// Add adds delta to the whole number that a key holds in decimal, 0 where there is
// no such key, and returns the sum. No other Add or Put comes in between. The
// error of a value that is no number wraps ErrNotNumber.
func (b *Bucket) Add(ctx context.Context, family, key string, delta int64) (int64, error) {
	for {
		sum, err := b.add(ctx, family, key, delta)
		if errors.Is(err, ErrConflict) {
			continue // the memory was brought up to date
		}
		if err != nil {
			return 0, fmt.Errorf("add to %s: %w", name(family, key), err)
		}
		return sum, nil
	}
}

func (b *Bucket) add(ctx context.Context, family, key string, delta int64) (int64, error) {
	if err := fits(family, key, nil); err != nil {
		return 0, err
	}
	unlock, err := b.lock(ctx, family, key)
	if err != nil {
		return 0, err
	}
	present, last := b.memory.present(family, key)
	sum, err := sumOf(present.Value, delta)
	if err != nil {
		unlock()
		return 0, err
	}
	c := &change{kind: Put, family: family, key: key, value: strconv.AppendInt(nil, sum, 10), expires: expiry(present.Expires)}
	return sum, b.write(ctx, unlock, c, true, last)
}

func sumOf(value []byte, delta int64) (int64, error) {
	if len(value) == 0 {
		return delta, nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is %w", value, ErrNotNumber)
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, fmt.Errorf("the sum of %d and %d does not fit: %w", n, delta, ErrNotNumber)
	}
	return n + delta, nil
}

// write hands c to the journal and then to the memory. The stripe of its key is
// held, and given back by unlock when the outcome is known, which may be after
// ctx has ended and write has returned. After ErrConflict the memory knows what
// the journal holds.
func (b *Bucket) write(ctx context.Context, unlock func(), c *change, check bool, expected uint64) error {
	if err := b.room(c); err != nil {
		unlock()
		return err
	}
	revision, err := b.journal.write(ctx, c, check, expected)
	var pending *pendingError
	if errors.As(err, &pending) {
		go func() {
			defer unlock()
			revision, err := pending.wait()
			b.settle(context.Background(), c, revision, err)
		}()
		return err
	}
	defer unlock()
	return b.settle(ctx, c, revision, err)
}

// settle takes the outcome of a write over into the memory.
func (b *Bucket) settle(ctx context.Context, c *change, revision uint64, err error) error {
	if err == nil {
		c.revision = revision
		b.memory.apply(c, true)
		if c.kind != Put && b.deletion != nil {
			b.deletion()
		}
		return nil
	}
	if errors.Is(err, ErrConflict) || errors.Is(err, errUnknown) {
		if err := b.refresh(ctx, c.family, c.key); err != nil {
			b.log.Warn("it is not known whether a value was stored", "family", c.family, "key", c.key, "error", err)
			return err
		}
	}
	return err
}

// refresh takes over what the journal holds of a key, whose stripe is held.
func (b *Bucket) refresh(ctx context.Context, family, key string) error {
	c, err := b.journal.newest(ctx, family, key)
	switch {
	case err != nil:
		return err
	case c.revision == 0:
		b.memory.forget(family, key)
	default:
		b.memory.apply(&c, false)
	}
	return ctx.Err()
}

// room refuses what would exceed the bucket's limit.
func (b *Bucket) room(c *change) error {
	if b.limit == 0 || c.kind != Put {
		return nil
	}
	if size := b.memory.sizeWith(c); size > b.limit {
		return fmt.Errorf("%w: the bucket is limited to %d bytes; delete what is not needed or raise the limit", ErrFull, b.limit)
	}
	return nil
}

// lock takes the stripe of a key.
func (b *Bucket) lock(ctx context.Context, family, key string) (unlock func(), err error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	stripe := b.stripes[hash(family, key)%uint32(len(b.stripes))]
	select {
	case stripe <- struct{}{}:
		if err := b.usable(ctx); err != nil {
			<-stripe
			return nil, err
		}
		return func() { <-stripe }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.closed:
		return nil, ErrClosed
	}
}

// lockAll waits for all writes under way and keeps new ones out.
func (b *Bucket) lockAll() (unlock func()) {
	for _, stripe := range b.stripes {
		stripe <- struct{}{}
	}
	return func() {
		for _, stripe := range b.stripes {
			<-stripe
		}
	}
}

// usable says why the bucket cannot be used by a call with ctx.
func (b *Bucket) usable(ctx context.Context) error {
	select {
	case <-b.closed:
		return ErrClosed
	default:
		return ctx.Err()
	}
}

// close ends the bucket and reports whether it was open.
func (b *Bucket) close() (first bool) {
	b.closing.Do(func() {
		first = true
		close(b.closed)
		unlock := b.lockAll()
		defer unlock()
		b.memory.close()
	})
	return first
}

func fits(family, key string, value []byte) error {
	switch {
	case len(family) > MaxFamily:
		return fmt.Errorf("%w: a family of %d bytes, at most %d", ErrTooLarge, len(family), MaxFamily)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: a key of %d bytes, at most %d", ErrTooLarge, len(key), MaxKey)
	case len(value) > MaxValue:
		return fmt.Errorf("%w: a value of %d bytes, at most %d", ErrTooLarge, len(value), MaxValue)
	}
	return nil
}

// hash is FNV-1a over both names.
func hash(family, key string) uint32 {
	h := uint32(2166136261)
	for _, s := range [...]string{family, "\x00", key} {
		for i := range len(s) {
			h = (h ^ uint32(s[i])) * 16777619
		}
	}
	return h
}

// expiry is a time as journals keep it, rounded up.
func expiry(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(time.Millisecond - 1).UnixMilli()
}
