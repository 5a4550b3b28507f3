package store

import (
	"context"
	"sync/atomic"
)

// memoryJournal gives out revisions and keeps nothing: the bucket's own memory is
// all there is.
type memoryJournal struct{ last atomic.Uint64 }

func (j *memoryJournal) write(context.Context, *change, bool, uint64) (uint64, error) {
	return j.last.Add(1), nil
}

func (j *memoryJournal) newest(context.Context, string, string) (change, error) {
	return change{}, nil
}
