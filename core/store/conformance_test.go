package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/store"
)

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// bucketKinds are all the ways in which a bucket is kept. Each must pass the same
// tests.
var bucketKinds = map[string]func(*testing.T, clock.Clock) *store.Bucket{
	"memory durable":  func(t *testing.T, c clock.Clock) *store.Bucket { return inMemory(t, c).Bucket },
	"memory volatile": func(t *testing.T, c clock.Clock) *store.Bucket { return inMemory(t, c).Volatile() },
	"embedded durable": func(t *testing.T, c clock.Clock) *store.Bucket {
		return open(t, store.Options{Dir: t.TempDir(), Clock: c}).Bucket
	},
	"embedded volatile": func(t *testing.T, c clock.Clock) *store.Bucket {
		return open(t, store.Options{Dir: t.TempDir(), Clock: c}).Volatile()
	},
	"external durable": func(t *testing.T, c clock.Clock) *store.Bucket {
		return open(t, store.Options{URL: serve(t), Clock: c}).Bucket
	},
	"external volatile": func(t *testing.T, c clock.Clock) *store.Bucket {
		return open(t, store.Options{URL: serve(t), Clock: c}).Volatile()
	},
}

func inMemory(t *testing.T, c clock.Clock) *store.Store {
	s := store.NewMemory(c)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// each runs a test on every kind of bucket.
func each(t *testing.T, test func(*testing.T, *clock.Virtual, *store.Bucket)) {
	for kind, open := range bucketKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			v := clock.NewVirtual(start)
			test(t, v, open(t, v))
		})
	}
}

var ctx = context.Background()

func put(t testing.TB, b *store.Bucket, family, key, value string, ttl time.Duration) {
	t.Helper()
	if err := b.Put(ctx, family, key, []byte(value), store.PutOptions{TTL: ttl}); err != nil {
		t.Fatal(err)
	}
}

// want checks a value; "" stands for no such key.
func want(t testing.TB, b *store.Bucket, family, key, value string) {
	t.Helper()
	got, err := b.Get(ctx, family, key)
	if value == "" {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q/%q is %q, %v; want none", family, key, got, err)
		}
		return
	}
	if err != nil || string(got) != value {
		t.Errorf("%q/%q is %q, %v; want %q", family, key, got, err, value)
	}
}

func TestPutGetDelete(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		want(t, b, "cidname", "100", "")
		put(t, b, "cidname", "100", "Front desk", 0)
		want(t, b, "cidname", "100", "Front desk")
		want(t, b, "cidname", "10", "")
		want(t, b, "other", "100", "")
		put(t, b, "cidname", "100", "Reception", 0)
		want(t, b, "cidname", "100", "Reception")
		if err := b.Delete(ctx, "cidname", "100"); err != nil {
			t.Fatal(err)
		}
		want(t, b, "cidname", "100", "")
		if err := b.Delete(ctx, "cidname", "100"); err != nil {
			t.Errorf("deleting what is not there: %v", err)
		}
		put(t, b, "cidname", "100", "again", 0)
		want(t, b, "cidname", "100", "again")
	})
}

func TestAnyBytesAreNames(t *testing.T) {
	names := []string{"", " ", "a b", "a.b", "a/b/c", ".", "..", "*", ">", "a.>", "=", "==", "=20", "=2", "größe", "日本", "\x00", "\xff\xfe",
		"\r\n", "\t", "$SYS", "complete", strings.Repeat("é", 120), strings.Repeat("*", 255)}
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		for i, family := range names {
			for j, key := range names {
				if (i+j)%3 == 0 || key == "" || family == "" {
					put(t, b, family, key, fmt.Sprint(i, ".", j), 0)
				}
			}
		}
		for i, family := range names {
			for j, key := range names {
				if (i+j)%3 == 0 || key == "" || family == "" {
					want(t, b, family, key, fmt.Sprint(i, ".", j))
				}
			}
		}
		families, err := b.Families(ctx)
		sorted := slices.Clone(names)
		slices.Sort(sorted)
		if err != nil || !slices.Equal(families, sorted) {
			t.Errorf("families %q, %v", families, err)
		}
	})
}

func TestEmptyAndLargeValues(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		put(t, b, "f", "empty", "", 0)
		if v, err := b.Get(ctx, "f", "empty"); err != nil || len(v) != 0 {
			t.Errorf("empty value is %q, %v", v, err)
		}
		large := strings.Repeat("x", store.MaxValue)
		key := strings.Repeat("*", store.MaxKey)
		put(t, b, strings.Repeat("*", store.MaxFamily), key, large, 0)
		want(t, b, strings.Repeat("*", store.MaxFamily), key, large)
		for _, err := range []error{
			b.Put(ctx, "f", "k", make([]byte, store.MaxValue+1), store.PutOptions{}),
			b.Put(ctx, "f", strings.Repeat("k", store.MaxKey+1), nil, store.PutOptions{}),
			b.Put(ctx, strings.Repeat("f", store.MaxFamily+1), "k", nil, store.PutOptions{}),
		} {
			if !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("error %v, want ErrTooLarge", err)
			}
		}
	})
}

func TestValuesAreCopies(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		value := []byte("before")
		if err := b.Put(ctx, "f", "k", value, store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		copy(value, "XXXXXX")
		got, _ := b.Get(ctx, "f", "k")
		copy(got, "YYYYYY")
		want(t, b, "f", "k", "before")
	})
}

func TestKeysListAndTree(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		for _, key := range []string{"b", "a/2", "a/1/x", "a", "ab", "a.c"} {
			put(t, b, "f", key, "v "+key, 0)
		}
		put(t, b, "g", "a/9", "other family", 0)
		keys, err := b.Keys(ctx, "f", "a")
		if err != nil || !slices.Equal(keys, []string{"a", "a.c", "a/1/x", "a/2", "ab"}) {
			t.Errorf("keys %q, %v", keys, err)
		}
		list, err := b.List(ctx, "f", "a/")
		if err != nil || len(list) != 2 || list[0].Key != "a/1/x" || string(list[1].Value) != "v a/2" || list[1].Revision == 0 {
			t.Errorf("list %+v, %v", list, err)
		}
		if n, err := b.DeleteTree(ctx, "f", "a"); n != 3 || err != nil {
			t.Errorf("%d keys deleted, %v; want a, a/1/x and a/2", n, err)
		}
		if keys, _ := b.Keys(ctx, "f", ""); !slices.Equal(keys, []string{"a.c", "ab", "b"}) {
			t.Errorf("left are %q", keys)
		}
		if n, err := b.DeleteTree(ctx, "f", ""); n != 3 || err != nil {
			t.Errorf("%d keys deleted, %v", n, err)
		}
		if n, err := b.DeleteTree(ctx, "f", "nothing"); n != 0 || err != nil {
			t.Errorf("%d keys deleted, %v", n, err)
		}
		if families, _ := b.Families(ctx); !slices.Equal(families, []string{"g"}) {
			t.Errorf("families %q", families)
		}
	})
}

func TestCompareAndPut(t *testing.T) {
	each(t, func(t *testing.T, v *clock.Virtual, b *store.Bucket) {
		cas := func(value string, revision uint64) (uint64, error) {
			return b.CompareAndPut(ctx, "f", "k", []byte(value), revision, store.PutOptions{})
		}
		first, err := cas("1", 0)
		if err != nil || first == 0 {
			t.Fatalf("revision %d, %v", first, err)
		}
		if _, err := cas("2", 0); !errors.Is(err, store.ErrConflict) {
			t.Errorf("creating what exists: %v", err)
		}
		second, err := cas("2", first)
		if err != nil || second <= first {
			t.Fatalf("revision %d after %d, %v", second, first, err)
		}
		if _, err := cas("3", first); !errors.Is(err, store.ErrConflict) {
			t.Errorf("an old revision: %v", err)
		}
		if e, err := b.Entry(ctx, "f", "k"); err != nil || e.Revision != second || string(e.Value) != "2" {
			t.Errorf("entry %+v, %v", e, err)
		}
		if err := b.Delete(ctx, "f", "k"); err != nil {
			t.Fatal(err)
		}
		if _, err := cas("3", second); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a deleted key: %v", err)
		}
		third, err := cas("3", 0)
		if err != nil || third <= second {
			t.Errorf("revision %d after %d, %v", third, second, err)
		}
		put(t, b, "f", "k", "short", time.Second)
		v.Advance(time.Second)
		if _, err := cas("4", 0); err != nil {
			t.Errorf("creating what has expired: %v", err)
		}
		want(t, b, "f", "k", "4")
	})
}

func TestOneOfManyWins(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		var wins sync.Map
		var racers sync.WaitGroup
		for i := range 16 {
			racers.Go(func() {
				if _, err := b.CompareAndPut(ctx, "f", "leader", []byte{byte(i)}, 0, store.PutOptions{}); err == nil {
					wins.Store(i, true)
				} else if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
		}
		racers.Wait()
		n := 0
		wins.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d winners", n)
		}
	})
}

func TestAdd(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		var adders sync.WaitGroup
		for range 8 {
			adders.Go(func() {
				for range 25 {
					if _, err := b.Add(ctx, "count", "calls", 2); err != nil {
						t.Error(err)
					}
				}
			})
		}
		adders.Wait()
		want(t, b, "count", "calls", "400")
		if n, err := b.Add(ctx, "count", "calls", -500); n != -100 || err != nil {
			t.Errorf("sum %d, %v", n, err)
		}
		put(t, b, "count", "word", "many", 0)
		put(t, b, "count", "large", fmt.Sprint(int64(math.MaxInt64)), 0)
		put(t, b, "count", "small", fmt.Sprint(int64(math.MinInt64)), 0)
		for key, delta := range map[string]int64{"word": 1, "large": 1, "small": -1} {
			if _, err := b.Add(ctx, "count", key, delta); !errors.Is(err, store.ErrNotNumber) {
				t.Errorf("adding to %s: %v", key, err)
			}
		}
		want(t, b, "count", "word", "many")
	})
}

func TestContexts(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		put(t, b, "f", "k", "1", 0)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		calls := map[string]func(context.Context) error{
			"get":    func(c context.Context) error { _, err := b.Get(c, "f", "k"); return err },
			"put":    func(c context.Context) error { return b.Put(c, "f", "k", nil, store.PutOptions{}) },
			"delete": func(c context.Context) error { return b.Delete(c, "f", "k") },
			"tree":   func(c context.Context) error { _, err := b.DeleteTree(c, "f", ""); return err },
			"keys":   func(c context.Context) error { _, err := b.Keys(c, "f", ""); return err },
			"list":   func(c context.Context) error { _, err := b.List(c, "f", ""); return err },
			"add":    func(c context.Context) error { _, err := b.Add(c, "f", "n", 1); return err },
			"watch":  func(c context.Context) error { return b.Watch(c, "f", func(store.Change) {}) },
			"cas": func(c context.Context) error {
				_, err := b.CompareAndPut(c, "f", "k", nil, 1, store.PutOptions{})
				return err
			},
		}
		for name, f := range calls {
			if err := f(ended); !errors.Is(err, context.Canceled) {
				t.Errorf("%s with an ended context: %v", name, err)
			}
		}
		want(t, b, "f", "k", "1")
	})
}

func TestUseAfterClose(t *testing.T) {
	for kind, s := range map[string]*store.Store{
		"memory":   store.NewMemory(clock.Real),
		"embedded": open(t, store.Options{Dir: t.TempDir()}),
		"external": open(t, store.Options{URL: serve(t)}),
	} {
		for range 2 {
			if err := s.Close(); err != nil {
				t.Errorf("%s: close: %v", kind, err)
			}
		}
		for _, b := range []*store.Bucket{s.Bucket, s.Volatile()} {
			if err := b.Put(ctx, "f", "k", nil, store.PutOptions{}); !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s: put: %v", kind, err)
			}
			if _, err := b.Get(ctx, "f", "k"); !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s: get: %v", kind, err)
			}
		}
	}
}

// What readers see never goes back while many write.
func TestReadersSeeGrowingValues(t *testing.T) {
	each(t, func(t *testing.T, _ *clock.Virtual, b *store.Bucket) {
		written := make(chan struct{}, 256)
		var readers, writers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				last := uint64(0)
				for range written {
					for range 10 {
						e, err := b.Entry(ctx, "f", "k")
						if err != nil || e.Revision < last {
							t.Errorf("revision %d after %d, %v", e.Revision, last, err)
						}
						last = e.Revision
					}
				}
			})
		}
		for i := range 4 {
			writers.Go(func() {
				for j := range 50 {
					value := bytes.Repeat([]byte{byte(i)}, j+1)
					if err := b.Put(ctx, "f", "k", value, store.PutOptions{}); err != nil {
						t.Error(err)
					}
					written <- struct{}{}
				}
			})
		}
		writers.Wait()
		close(written)
		readers.Wait()
	})
}
