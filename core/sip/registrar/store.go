package registrar

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Store keeps the bindings of each address-of-record over a restart. It may be
// called from any goroutine; calls for one address-of-record follow each other.
type Store interface {
	// Put replaces the value of aor; life is when it may be forgotten.
	Put(ctx context.Context, aor string, value []byte, life time.Duration) error
	// Delete forgets aor; one that is not there is no error.
	Delete(ctx context.Context, aor string) error
	// Load calls each for every value kept and returns its first error.
	Load(ctx context.Context, each func(aor string, value []byte) error) error
}

type noStore struct{}

func (noStore) Put(context.Context, string, []byte, time.Duration) error { return nil }
func (noStore) Delete(context.Context, string) error                     { return nil }
func (noStore) Load(context.Context, func(string, []byte) error) error   { return nil }

// persist makes a change durable before it is shown.
func (r *Registrar) persist(ctx context.Context, aor string, bindings []Binding, now time.Time) error {
	if len(bindings) == 0 {
		if err := r.store.Delete(ctx, aor); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrStorage, aor, err)
		}
		return nil
	}
	value, err := json.Marshal(bindings)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrStorage, aor, err)
	}
	var life time.Duration
	for _, b := range bindings {
		life = max(life, b.Expires.Sub(now))
	}
	if err := r.store.Put(ctx, aor, value, life); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrStorage, aor, err)
	}
	return nil
}

// load takes up what the store has kept and is still alive. A value that
// cannot be read is passed over: that phone registers again in time.
func (r *Registrar) load(ctx context.Context) error {
	now := r.clock.Now()
	err := r.store.Load(ctx, func(aor string, value []byte) error {
		var bindings []Binding
		if err := json.Unmarshal(value, &bindings); err != nil {
			r.log.Warn("a stored registration is not readable", "aor", aor, "error", err)
			return nil
		}
		for i := range bindings {
			bindings[i].ID = r.nextID()
		}
		if bindings = alive(bindings, now); len(bindings) == 0 {
			return nil
		}
		rec := r.lock(aor)
		defer rec.mu.Unlock()
		r.install(rec, &change{next: bindings})
		return nil
	})
	if err != nil {
		return fmt.Errorf("loading registrations: %w", err)
	}
	return nil
}
