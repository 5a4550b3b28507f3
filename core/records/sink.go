package records

import (
	"context"
	"errors"
)

// Sink is a place that records are delivered to. One goroutine at a time calls
// its methods.
type Sink interface {
	// Open reaches the place and makes or checks what it needs there, such as a
	// table. mark is what Write returned last, also in a run before, or "". It is
	// called until it succeeds, and again after Write failed.
	Open(ctx context.Context, mark string) error

	// Write stores records, in order, and returns when they are there for good.
	// Those that the place has already, as their Unique tells, are not stored
	// again. An error says that some may not be stored; it wraps ErrRefused where
	// the place is well and does not take what is in one of them.
	Write(ctx context.Context, list []Record) (mark string, err error)

	// Close leaves the place. It may be called at any time, and more than once.
	Close() error
}

// ErrRefused says that a sink does not take a record for what is in it, so that
// trying again does not help.
var ErrRefused = errors.New("the record is refused")

// SetupError is a mistake in the set-up of a sink, such as a table that lacks a
// column, which its operator can mend. It is tried again all the same.
type SetupError struct{ Err error }

func (e *SetupError) Error() string { return e.Err.Error() }
func (e *SetupError) Unwrap() error { return e.Err }
