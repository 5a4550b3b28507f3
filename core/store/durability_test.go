package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/store"
)

const childDir = "MOONWIRE_STORE_TEST_DIR"

// children are processes that use a data directory and then die of kill -9, by
// name. Everything that is acknowledged before must be found afterwards.
var children = map[string]func(*store.Store) error{
	"put": func(s *store.Store) error {
		for i := range 50 {
			if err := s.Put(ctx, "f", fmt.Sprint(i), []byte("value"), store.PutOptions{}); err != nil {
				return err
			}
		}
		_, err := s.Add(ctx, "f", "counter", 7)
		return err
	},
	"overwrite and delete": func(s *store.Store) error {
		for _, value := range []string{"first", "second"} {
			for _, key := range []string{"kept", "deleted", "tree/1", "tree/2"} {
				if err := s.Put(ctx, "f", key, []byte(value), store.PutOptions{}); err != nil {
					return err
				}
			}
		}
		if _, err := s.DeleteTree(ctx, "f", "tree"); err != nil {
			return err
		}
		return s.Delete(ctx, "f", "deleted")
	},
	"expiry": func(s *store.Store) error {
		if err := s.Put(ctx, "f", "short", nil, store.PutOptions{TTL: time.Millisecond}); err != nil {
			return err
		}
		return s.Put(ctx, "f", "long", nil, store.PutOptions{TTL: time.Hour})
	},
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		s, err := store.Open(store.Options{Dir: dir})
		if err == nil {
			err = children[os.Args[len(os.Args)-1]](s)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	os.Exit(m.Run())
}

// killed runs a child in dir to its violent end.
func killed(t *testing.T, dir, child string) {
	t.Helper()
	command := exec.Command(os.Args[0], child)
	command.Env = append(os.Environ(), childDir+"="+dir)
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child %s: %v\n%s", child, err, output)
	}
}

func TestAcknowledgedSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	killed(t, dir, "put")
	s := open(t, store.Options{Dir: dir})
	for i := range 50 {
		want(t, s.Bucket, "f", fmt.Sprint(i), "value")
	}
	want(t, s.Bucket, "f", "counter", "7")
	e, err := s.Entry(ctx, "f", "counter")
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.CompareAndPut(ctx, "f", "counter", []byte("8"), e.Revision, store.PutOptions{})
	if err != nil || next <= e.Revision {
		t.Errorf("revision %d after %d, %v", next, e.Revision, err)
	}
}

func TestDeletedStaysDeletedAfterKill(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		killed(t, dir, "overwrite and delete")
	}
	s := open(t, store.Options{Dir: dir})
	want(t, s.Bucket, "f", "kept", "second")
	for _, key := range []string{"deleted", "tree/1", "tree/2"} {
		want(t, s.Bucket, "f", key, "")
	}
}

func TestExpiryGoesOnAfterKill(t *testing.T) {
	dir := t.TempDir()
	killed(t, dir, "expiry")
	v := clock.NewVirtual(time.Now().Add(time.Minute))
	s := open(t, store.Options{Dir: dir, Clock: v})
	want(t, s.Bucket, "f", "short", "")
	if _, err := s.Get(ctx, "f", "long"); err != nil {
		t.Error(err)
	}
	v.Advance(2 * time.Hour)
	want(t, s.Bucket, "f", "long", "")
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	revision := uint64(0)
	for i := range 3 {
		s, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Add(ctx, "f", "starts", 1); err != nil || n != int64(i+1) {
			t.Errorf("start %d counts %d, %v", i+1, n, err)
		}
		put(t, s.Volatile(), "f", "k", "gone at the next start", 0)
		e, _ := s.Entry(ctx, "f", "starts")
		if e.Revision <= revision {
			t.Errorf("revision %d after %d", e.Revision, revision)
		}
		revision = e.Revision
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want(t, open(t, store.Options{Dir: dir}).Volatile(), "f", "k", "")
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, store.Options{Dir: dir})
	_, err := store.Open(store.Options{Dir: dir})
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("second open: %v", err)
	}
	put(t, s.Bucket, "f", "k", "unharmed", 0)
	want(t, s.Bucket, "f", "k", "unharmed")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, store.Options{Dir: dir}).Bucket, "f", "k", "unharmed")
}

func TestUnusableDirectories(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := store.Open(store.Options{Dir: dir}); !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := store.Open(store.Options{}); err == nil {
		t.Error("a store without a place was opened")
	}
	if _, err := store.Open(store.Options{URL: "nats://127.0.0.1:1"}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("no server: %v", err)
	}
}

func TestFullStoreSaysSo(t *testing.T) {
	tests := map[string]*store.Bucket{
		"embedded": open(t, store.Options{Dir: t.TempDir(), MaxBytes: 1 << 20}).Bucket,
		"external": open(t, store.Options{URL: serve(t), MaxBytes: 1 << 20}).Bucket,
		"volatile": open(t, store.Options{Dir: t.TempDir(), MaxVolatileBytes: 1 << 20}).Volatile(),
	}
	for kind, b := range tests {
		value := make([]byte, 100<<10)
		var err error
		n := 0
		for ; err == nil && n < 100; n++ {
			err = b.Put(ctx, "f", fmt.Sprint(n), value, store.PutOptions{})
		}
		if !errors.Is(err, store.ErrFull) || n < 9 {
			t.Errorf("%s: put %d: %v", kind, n, err)
		}
		for i := range n - 1 {
			if got, err := b.Get(ctx, "f", fmt.Sprint(i)); err != nil || len(got) != len(value) {
				t.Errorf("%s: value %d of the full store: %v", kind, i, err)
			}
		}
		want(t, b, "f", fmt.Sprint(n-1), "")
		for i := range 3 {
			if err := b.Delete(ctx, "f", fmt.Sprint(i)); err != nil {
				t.Errorf("%s: delete from the full store: %v", kind, err)
			}
		}
		if err := b.Put(ctx, "f", "new", value, store.PutOptions{}); err != nil {
			t.Errorf("%s: put after making room: %v", kind, err)
		}
	}
}
