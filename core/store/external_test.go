package store_test

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/store"
)

// soon waits until a condition holds that a change elsewhere brings about.
func soon(t *testing.T, b *store.Bucket, family string, holds func() bool) {
	t.Helper()
	seen := make(changes, 10000)
	if err := b.Watch(t.Context(), family, func(c store.Change) { seen <- c }); err != nil {
		t.Fatal(err)
	}
	for !holds() {
		seen.next(t)
	}
}

func is(b *store.Bucket, family, key, value string) func() bool {
	return func() bool {
		got, err := b.Get(ctx, family, key)
		return string(got) == value && (err == nil) == (value != "")
	}
}

func TestTwoProcessesShare(t *testing.T) {
	url := serve(t)
	one, two := open(t, store.Options{URL: url}), open(t, store.Options{URL: url})
	for name, pair := range map[string][2]*store.Bucket{
		"durable": {one.Bucket, two.Bucket}, "volatile": {one.Volatile(), two.Volatile()},
	} {
		a, b := pair[0], pair[1]
		put(t, a, "f", "k", "from one", 0)
		soon(t, b, "f", is(b, "f", "k", "from one"))
		put(t, b, "f", "k", "from two", 0)
		want(t, b, "f", "k", "from two")
		soon(t, a, "f", is(a, "f", "k", "from two"))

		e, err := a.Entry(ctx, "f", "k")
		if err != nil {
			t.Fatal(err)
		}
		put(t, b, "f", "k", "two was faster", 0)
		if _, err := a.CompareAndPut(ctx, "f", "k", nil, e.Revision, store.PutOptions{}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: an old revision: %v", name, err)
		}
		want(t, a, "f", "k", "two was faster") // a conflict brings the news along

		if err := b.Delete(ctx, "f", "k"); err != nil {
			t.Fatal(err)
		}
		soon(t, a, "f", is(a, "f", "k", ""))
		if _, err := a.CompareAndPut(ctx, "f", "k", []byte("anew"), 0, store.PutOptions{}); err != nil {
			t.Errorf("%s: creating what another deleted: %v", name, err)
		}

		var adders sync.WaitGroup
		for _, side := range pair {
			adders.Go(func() {
				for range 50 {
					if _, err := side.Add(ctx, "f", "n", 1); err != nil {
						t.Error(err)
					}
				}
			})
		}
		adders.Wait()
		if n, err := a.Add(ctx, "f", "n", 0); n != 100 || err != nil {
			t.Errorf("%s: both counted to %d, %v", name, n, err)
		}
		put(t, a, "f", "short", "1", time.Millisecond)
		soon(t, b, "f", is(b, "f", "short", ""))
	}
}

func TestOpenReadsWhatIsThere(t *testing.T) {
	url := serve(t)
	one := open(t, store.Options{URL: url})
	for i := range 500 {
		put(t, one.Bucket, "f", fmt.Sprint(i), "v", 0)
		put(t, one.Volatile(), "f", fmt.Sprint(i), "w", 0)
	}
	if _, err := one.DeleteTree(ctx, "f", "7"); err != nil {
		t.Fatal(err)
	}
	two := open(t, store.Options{URL: url})
	for i := range 500 {
		value := "v"
		if i == 7 {
			value = ""
		}
		want(t, two.Bucket, "f", fmt.Sprint(i), value)
		want(t, two.Volatile(), "f", fmt.Sprint(i), "w")
	}
}

func TestServerComesBack(t *testing.T) {
	dir := t.TempDir()
	server := startServer(t, dir, -1)
	port := server.Addr().(*net.TCPAddr).Port
	s := open(t, store.Options{URL: server.ClientURL()})
	put(t, s.Bucket, "f", "k", "kept", 0)
	put(t, s.Volatile(), "f", "k", "lost with the server's memory", 0)
	gone := make(changes, 10)
	if err := s.Volatile().Watch(ctx, "f", func(c store.Change) { gone <- c }); err != nil {
		t.Fatal(err)
	}
	if err := s.Health(); err != nil {
		t.Errorf("health: %v", err)
	}

	server.Shutdown()
	server.WaitForShutdown()
	for s.Health() == nil { // the connection breaks a moment later
		if _, err := s.Add(ctx, "f", "n", 1); err == nil {
			t.Fatal("a server that is down took a write")
		}
	}
	if err := s.Put(ctx, "f", "k", nil, store.PutOptions{}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("put without a server: %v", err)
	}
	want(t, s.Bucket, "f", "k", "kept")

	startServer(t, dir, port)
	if c := gone.next(t); c.Kind != store.Deleted || c.Key != "k" {
		t.Errorf("the volatile bucket told %+v", c)
	}
	want(t, s.Volatile(), "f", "k", "")
	want(t, s.Bucket, "f", "k", "kept")
	put(t, s.Bucket, "f", "k", "goes on", 0)
	want(t, s.Bucket, "f", "k", "goes on")
	put(t, s.Volatile(), "f", "k", "goes on too", 0)
	want(t, s.Volatile(), "f", "k", "goes on too")
}
