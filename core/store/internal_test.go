package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/moonwire/moonwire/core/clock"
)

var ctx = context.Background()

func openInternal(t *testing.T, dir string) (*Store, *embedded) {
	t.Helper()
	s, err := Open(Options{Dir: dir, Clock: clock.Real})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, s.backing.(*embedded)
}

func (e *embedded) compactNow(t *testing.T) {
	t.Helper()
	unlock := e.bucket.lockAll()
	defer unlock()
	if err := e.compact(ctx); err != nil {
		t.Fatal(err)
	}
}

func (e *embedded) records(t *testing.T) int {
	t.Helper()
	info, err := e.journal.handle.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.State.Msgs) - 1 // the mark
}

func TestCompacting(t *testing.T) {
	dir := t.TempDir()
	s, e := openInternal(t, dir)
	for i := range 60 {
		key := fmt.Sprint(i)
		if err := s.Put(ctx, "f", key, []byte("old"), PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if i >= 20 {
			if err := s.Delete(ctx, "f", key); err != nil {
				t.Fatal(err)
			}
		}
	}
	before, err := s.Entry(ctx, "f", "3")
	if err != nil {
		t.Fatal(err)
	}
	if n := e.records(t); n != 60 {
		t.Errorf("%d records before, want 60", n)
	}
	e.compactNow(t)
	if n := e.records(t); n != 20 {
		t.Errorf("%d records after compacting, want 20", n)
	}
	if _, err := s.CompareAndPut(ctx, "f", "3", []byte("new"), before.Revision, PutOptions{}); err != nil {
		t.Errorf("revisions changed by compacting: %v", err)
	}
	created, err := s.CompareAndPut(ctx, "f", "59", []byte("new"), 0, PutOptions{})
	if err != nil || created <= before.Revision {
		t.Errorf("revision %d, %v", created, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, e = openInternal(t, dir)
	if e.generation != 2 {
		t.Errorf("opened generation %d", e.generation)
	}
	for key, want := range map[string]string{"3": "new", "19": "old", "20": "", "58": "", "59": "new"} {
		got, err := s.Get(ctx, "f", key)
		if string(got) != want || (want == "") != errors.Is(err, ErrNotFound) {
			t.Errorf("%s is %q, %v; want %q", key, got, err, want)
		}
	}
	again, err := s.CompareAndPut(ctx, "f", "fresh", nil, 0, PutOptions{})
	if err != nil || again <= created {
		t.Errorf("revision %d after %d, %v", again, created, err)
	}
}

// A crash while compacting leaves a generation without its mark, or an old one
// beside a complete new one.
func TestCrashWhileCompacting(t *testing.T) {
	dir := t.TempDir()
	s, e := openInternal(t, dir)
	if err := s.Put(ctx, "f", "k", []byte("v"), PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.open(ctx, 2); err != nil { // begun, never completed
		t.Fatal(err)
	}
	_ = s.Close()

	s, e = openInternal(t, dir)
	if got, err := s.Get(ctx, "f", "k"); err != nil || string(got) != "v" || e.generation != 1 {
		t.Errorf("generation %d holds %q, %v", e.generation, got, err)
	}
	e.compactNow(t)
	old, err := e.open(ctx, 1) // not yet removed
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.publish(ctx, old.message(&change{family: "f", key: "k", value: []byte("stale")}, 1)); err != nil {
		t.Fatal(err)
	}
	if err := e.complete(ctx, old, 1); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()

	s, e = openInternal(t, dir)
	if got, err := s.Get(ctx, "f", "k"); err != nil || string(got) != "v" || e.generation != 2 {
		t.Errorf("generation %d holds %q, %v", e.generation, got, err)
	}
	if _, err := e.js.Stream(ctx, streamName(1)); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the old generation: %v", err)
	}
}

func TestDeletionsLeadToCompacting(t *testing.T) {
	s, e := openInternal(t, t.TempDir())
	for i := range 30 {
		key := fmt.Sprint(i)
		if err := s.Put(ctx, "f", key, nil, PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if i == 29 {
			e.deletions.Store(compactAfter - 1)
		}
		if err := s.Delete(ctx, "f", key); err != nil {
			t.Fatal(err)
		}
	}
	e.working.Wait()
	if n := e.records(t); n != 0 || e.generation != 2 {
		t.Errorf("%d records in generation %d", n, e.generation)
	}
}

func TestEmbeddedServerSyncsAndListensNowhere(t *testing.T) {
	_, e := openInternal(t, t.TempDir())
	if c := e.server.JetStreamConfig(); !c.SyncAlways {
		t.Error("the server does not sync every write")
	}
	if a := e.server.Addr(); a != nil {
		t.Errorf("the server listens on %v", a)
	}
}

func TestFullDiskIsNotWrittenTo(t *testing.T) {
	s, e := openInternal(t, t.TempDir())
	full := fmt.Errorf("%w: make room", ErrFull)
	e.journal.ready = func(Kind) error { return full }
	if err := s.Put(ctx, "f", "k", nil, PutOptions{}); !errors.Is(err, ErrFull) {
		t.Errorf("put: %v", err)
	}
	e.journal.ready = e.writable
	if err := s.Put(ctx, "f", "k", nil, PutOptions{}); err != nil {
		t.Errorf("put after room was made: %v", err)
	}
}

func TestFileSystemErrorsInWords(t *testing.T) {
	for err, want := range map[error]error{
		syscall.EROFS: ErrReadOnly, syscall.EACCES: ErrReadOnly, fs.ErrPermission: ErrReadOnly, syscall.EIO: ErrReadOnly,
		syscall.ENOSPC: ErrFull, syscall.EDQUOT: ErrFull,
	} {
		if got := unwritable(&fs.PathError{Op: "open", Path: "/data", Err: err}); !errors.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// A write whose caller gives up is still carried out, and seen.
func TestWriteGoesOnAfterItsContext(t *testing.T) {
	b := newBucket(Options{Clock: clock.Real}.withDefaults(), &slowJournal{finish: make(chan struct{})}, 0)
	short, cancel := context.WithCancel(ctx)
	cancel()
	j := b.journal.(*slowJournal)
	j.cause = short.Err()
	if err := b.Put(ctx, "f", "k", []byte("late"), PutOptions{}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may still be carried out") {
		t.Fatalf("put: %v", err)
	}
	if _, err := b.Get(ctx, "f", "k"); !errors.Is(err, ErrNotFound) {
		t.Errorf("seen too early: %v", err)
	}
	close(j.finish)
	unlock := b.lockAll() // waits for the write
	unlock()
	if got, err := b.Get(ctx, "f", "k"); err != nil || string(got) != "late" {
		t.Errorf("%q, %v", got, err)
	}
}

type slowJournal struct {
	cause  error
	finish chan struct{}
}

func (j *slowJournal) write(context.Context, *change, bool, uint64) (uint64, error) {
	return 0, &pendingError{cause: j.cause, wait: func() (uint64, error) { <-j.finish; return 1, nil }}
}

func (j *slowJournal) newest(context.Context, string, string) (change, error) { return change{}, nil }

func FuzzSubject(f *testing.F) {
	for _, seed := range [][2]string{{"", ""}, {"f", "k"}, {"a b", "c.d"}, {"größe", "\x00*>=.="}, {"=", "=20"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, family, key string) {
		text := subject("kv1.", family, key)
		gotFamily, gotKey, err := parseSubject("kv1.", text)
		if err != nil || gotFamily != family || gotKey != key {
			t.Errorf("%q/%q became %q, and that %q/%q, %v", family, key, text, gotFamily, gotKey, err)
		}
		if strings.Count(text, ".") != 2 || strings.ContainsAny(text, " *>\t\r\n\x00") {
			t.Errorf("subject %q is not legal", text)
		}
		if a, b, err := parseSubject("", family+"."+key); err == nil && subject("", a, b) != family+"."+key {
			t.Errorf("%q.%q reads as %q/%q, which is written otherwise", family, key, a, b)
		}
	})
}
