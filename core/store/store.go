// Package store keeps what calls share and what must outlive them: families of
// keys and values, as Asterisk's users know them from its database.
//
// There are two buckets. What is put into the durable one is on disk when Put
// returns; the volatile one lives in memory and is for what the network tells
// anew by itself, such as presence. Both are kept as a log of changes in a
// journal. On one machine the durable journal is a JetStream stream of a NATS
// server inside this process, which opens no port and writes through to the disk;
// with Options.URL both journals are streams of an external NATS, and every
// moonwire connected to it sees the same.
//
// Asking a journal for a value takes 15 µs, too long for scripts that ask in the
// middle of every call. So each bucket holds all of its entries in memory as
// well, and reading is a look-up in a map. A write changes that memory when the
// journal has taken it: who has written, reads what was written. Changes made by
// others reach the memory, and all watchers, through the stream.
//
// A deletion is a record in the log, too. JetStream forgets on a crash that a
// message was removed, and an older value of the same key would come back; a
// record that stays prevents that. When such records outnumber what is alive,
// the log is written anew (see compact).
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/moonwire/moonwire/core/clock"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound says that there is no such key, or no longer.
	ErrNotFound = errors.New("no such key")
	// ErrConflict says that somebody else has changed the key meanwhile.
	ErrConflict = errors.New("changed by somebody else meanwhile")
	// ErrTooLarge says that a value, key or family is longer than the limits.
	ErrTooLarge = errors.New("too large")
	// ErrFull says that the disk or the limit of a bucket leaves no room. Nothing
	// was changed.
	ErrFull = errors.New("no room left")
	// ErrReadOnly says that the data directory cannot be written.
	ErrReadOnly = errors.New("cannot be written")
	// ErrLocked says that another process uses the data directory.
	ErrLocked = errors.New("in use by another process")
	// ErrNotNumber says that a value to be counted up is not a whole number, or
	// that the sum would not fit.
	ErrNotNumber = errors.New("not a whole number")
	// ErrUnavailable says that the journal cannot be reached now.
	ErrUnavailable = errors.New("not reachable now")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// errUnknown says that the journal took a write and did not tell its outcome.
var errUnknown = errors.New("the outcome is not known")

// Limits of what one entry may hold, in bytes.
const (
	MaxFamily = 255
	MaxKey    = 800
	MaxValue  = 512 << 10
)

// Options say where a store keeps its data. Either Dir or URL is needed.
type Options struct {
	// Dir is the data directory, made if it is missing. One process uses it at a
	// time.
	Dir string
	// URL is that of an external NATS with JetStream, "nats://host:4222"; several
	// are separated by commas. Such a server decides itself when it syncs: set
	// sync_interval to "always" there, or have three replicas.
	URL string
	// Credentials is a NATS credentials file for URL; "" where none is needed.
	Credentials string
	// Replicas is how many servers of a NATS cluster hold each value; 0 means 1.
	Replicas int
	// MaxBytes limits the durable journal on disk; 0 means 1 GiB.
	MaxBytes int64
	// MaxVolatileBytes limits keys and values of the volatile bucket; 0 means
	// 256 MiB.
	MaxVolatileBytes int64
	// Clock tells when entries expire; nil means clock.Real.
	Clock clock.Clock
	// Log is told what goes wrong beside the calls of the store; nil means nobody.
	Log *slog.Logger
}

// Store is an open store. Its own methods, those of Bucket, work on the durable
// bucket. All may be called from any goroutine.
type Store struct {
	*Bucket
	volatile *Bucket
	backing  io.Closer // server, connection, lock; closed after the buckets
	health   func() error
}

// Volatile is the bucket that lives in memory. With Options.URL it is shared by
// all that use the same NATS; otherwise it is empty after each start.
func (s *Store) Volatile() *Bucket { return s.volatile }

// Open opens the store. The error says what to do about it, and wraps
// ErrReadOnly, ErrFull, ErrLocked or ErrUnavailable where one fits.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	switch {
	case o.URL != "":
		return openExternal(o)
	case o.Dir != "":
		return openEmbedded(o)
	}
	return nil, errors.New("open store: neither a data directory nor the URL of a NATS server is given")
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MaxVolatileBytes == 0 {
		o.MaxVolatileBytes = 256 << 20
	}
	o.Replicas = max(o.Replicas, 1)
	return o
}

// NewMemory returns a store that keeps both buckets in memory and behaves like an
// open one in everything else: for tests and simulations.
func NewMemory(c clock.Clock) *Store {
	o := Options{Clock: c}.withDefaults()
	return &Store{
		Bucket:   newBucket(o, new(memoryJournal), o.MaxBytes),
		volatile: newBucket(o, new(memoryJournal), o.MaxVolatileBytes),
	}
}

// Health is nil while writes can be expected to succeed.
func (s *Store) Health() error {
	if s.health == nil {
		return nil
	}
	return s.health()
}

// Close waits for writes under way, ends all watches and gives the data directory
// free. It may be called more than once.
func (s *Store) Close() error {
	if !s.Bucket.close() {
		return nil
	}
	s.volatile.close()
	if s.backing == nil {
		return nil
	}
	if err := s.backing.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// change is one record of a journal.
type change struct {
	kind     Kind
	family   string
	key      string
	value    []byte
	expires  int64 // milliseconds since 1970, 0 = never
	revision uint64
}

// journal is the log of a bucket. It may be used from any goroutine; writes to
// one key follow each other.
type journal interface {
	// write appends c and returns its revision once it is safe. If check is set
	// and the last record of the key has not the revision expected (0: there is
	// none alive), the error wraps ErrConflict. When ctx ends before the outcome
	// is known, the error is a *pendingError.
	write(ctx context.Context, c *change, check bool, expected uint64) (uint64, error)

	// newest reads the last record of a key; its revision is 0 where there is none.
	newest(ctx context.Context, family, key string) (change, error)
}

// pendingError says that a write goes on although nobody waits for it.
type pendingError struct {
	cause error
	wait  func() (uint64, error) // until the outcome is known
}

func (e *pendingError) Error() string {
	return e.cause.Error() + " (the write may still be carried out)"
}
func (e *pendingError) Unwrap() error { return e.cause }

// name is a key as messages show it.
func name(family, key string) string { return strconv.Quote(family) + "/" + strconv.Quote(key) }
