package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/store"
)

func TestExpiry(t *testing.T) {
	each(t, func(t *testing.T, v *clock.Virtual, b *store.Bucket) {
		put(t, b, "f", "short", "1", 1500*time.Millisecond)
		put(t, b, "f", "long", "2", time.Hour)
		put(t, b, "f", "ever", "3", 0)
		put(t, b, "f", "renewed", "4", time.Second)
		put(t, b, "f", "renewed", "5", time.Minute)
		put(t, b, "f", "kept", "6", time.Second)
		put(t, b, "f", "kept", "7", 0)
		put(t, b, "f", "number", "1", time.Second)
		if _, err := b.Add(ctx, "f", "number", 1); err != nil {
			t.Fatal(err)
		}
		if e, _ := b.Entry(ctx, "f", "long"); !e.Expires.Equal(start.Add(time.Hour)) {
			t.Errorf("expires at %v", e.Expires)
		}
		v.Advance(time.Second)
		want(t, b, "f", "number", "")
		v.Advance(499 * time.Millisecond)
		want(t, b, "f", "short", "1")
		v.Advance(time.Millisecond)
		want(t, b, "f", "short", "")
		if keys, _ := b.Keys(ctx, "f", ""); !slices.Equal(keys, []string{"ever", "kept", "long", "renewed"}) {
			t.Errorf("keys %q", keys)
		}
		v.Advance(24 * time.Hour)
		if keys, _ := b.Keys(ctx, "f", ""); !slices.Equal(keys, []string{"ever", "kept"}) {
			t.Errorf("keys %q", keys)
		}
		if err := b.Put(ctx, "f", "k", nil, store.PutOptions{TTL: -1}); err == nil {
			t.Error("a negative TTL was accepted")
		}
	})
}

// changes collects what a watch tells.
type changes chan store.Change

func (c changes) next(t *testing.T) store.Change {
	t.Helper()
	select {
	case change := <-c:
		return change
	case <-time.After(20 * time.Second):
		t.Fatal("the watch is silent")
		return store.Change{}
	}
}

func TestWatch(t *testing.T) {
	each(t, func(t *testing.T, v *clock.Virtual, b *store.Bucket) {
		put(t, b, "f", "before", "0", 0)
		seen := make(changes, 100)
		watching, stop := context.WithCancel(ctx)
		if err := b.Watch(watching, "f", func(c store.Change) { seen <- c }); err != nil {
			t.Fatal(err)
		}
		put(t, b, "f", "k", "1", 0)
		put(t, b, "other", "k", "not seen", 0)
		put(t, b, "f", "k", "2", time.Second)
		v.Advance(time.Second)
		put(t, b, "f", "k", "3", 0)
		if err := b.Delete(ctx, "f", "k"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Add(ctx, "f", "n", 5); err != nil {
			t.Fatal(err)
		}
		last := uint64(0)
		for _, want := range []string{"put k=1", "put k=2", "expired k=", "put k=3", "deleted k=", "put n=5"} {
			c := seen.next(t)
			if got := fmt.Sprintf("%v %s=%s", c.Kind, c.Key, c.Value); got != want || c.Family != "f" {
				t.Errorf("change %q, want %q", got, want)
			}
			if c.Revision <= last {
				t.Errorf("revision %d after %d", c.Revision, last)
			}
			last = c.Revision
		}
		stop()
		put(t, b, "f", "k", "4", 0)
		other := make(changes, 1)
		if err := b.Watch(ctx, "f", func(c store.Change) { other <- c }); err != nil {
			t.Fatal(err)
		}
		put(t, b, "f", "k", "5", 0)
		if c := other.next(t); string(c.Value) != "5" {
			t.Errorf("the second watch saw %q first", c.Value)
		}
		v.Settle()
	})
}

func TestWatchMayUseTheBucket(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		done := make(chan error, 1)
		err := b.Watch(ctx, "f", func(c store.Change) {
			if c.Key == "ask" {
				done <- b.Put(ctx, "f", "answer", c.Value, store.PutOptions{})
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		put(t, b, "f", "ask", "42", 0)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want(t, b, "f", "answer", "42")
	})
}

func TestSlowWatchIsToldThatItMissed(t *testing.T) {
	b := inMemory(t, clock.NewVirtual(start)).Bucket
	gate, seen := make(chan struct{}), make(changes, 10000)
	if err := b.Watch(ctx, "f", func(c store.Change) { <-gate; seen <- c }); err != nil {
		t.Fatal(err)
	}
	for i := range 6000 {
		put(t, b, "f", "k", fmt.Sprint(i), 0)
	}
	close(gate)
	n := 0
	for seen.next(t).Kind == store.Put {
		n++
	}
	if n < 4000 || n > 4200 {
		t.Errorf("%d changes before those that were missed", n)
	}
	put(t, b, "f", "k", "after", 0)
	if c := seen.next(t); string(c.Value) != "after" {
		t.Errorf("after the gap came %v %q", c.Kind, c.Value)
	}
}

func TestFamily(t *testing.T) {
	each(t, func(t *testing.T, v *clock.Virtual, b *store.Bucket) {
		f := b.Family("registrations")
		for i, key := range []string{"b", "a", "c", "d"} {
			if err := f.Put(ctx, key, []byte(key), time.Duration(i)*time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Delete(ctx, "c"); err != nil {
			t.Fatal(err)
		}
		v.Advance(time.Minute)
		loaded := ""
		load := func(stop error) error {
			return f.Load(ctx, func(key string, value []byte) error {
				loaded += key + "=" + string(value) + " "
				return stop
			})
		}
		if err := load(nil); err != nil || loaded != "b=b d=d " {
			t.Errorf("loaded %q, %v", loaded, err)
		}
		if err := load(store.ErrClosed); !errors.Is(err, store.ErrClosed) {
			t.Errorf("the error of each was lost: %v", err)
		}
	})
}
