package records

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// Options say how a journal is kept.
type Options struct {
	Dir   string        // made where it is missing; one process at a time may use it
	Clock clock.Clock   // nil: clock.Real
	Log   *slog.Logger  // nil: slog.Default()
	Size  int64         // largest size of all segments, in octets; 0: 512 MB
	Age   time.Duration // how long what every sink has is kept; 0: 90 days

	// Create opens the file of a new segment, or of the one that is continued;
	// nil: os.OpenFile. It is there for tests of disks that are full.
	Create func(path string) (File, error)
}

// File is what the journal does with a segment's file.
type File interface {
	WriteAt(b []byte, at int64) (int, error)
	Sync() error
	Close() error
}

const (
	usualSize   = 512 << 20
	usualAge    = 90 * 24 * time.Hour
	largestPart = 8 << 20  // of one segment
	mostQueued  = 16 << 20 // octets that wait in memory while the disk takes nothing

	betweenSyncs   = 20 * time.Millisecond
	betweenRetries = time.Second
)

// ErrFull says that a record is lost because the disk takes none and too many
// wait already.
var ErrFull = errors.New("too many call records wait for the disk")

// ErrClosed says that the journal is closed.
var ErrClosed = errors.New("the journal is closed")

// Journal is the file of all records. All methods may be called from any
// goroutine.
type Journal struct {
	o    Options
	wake chan struct{} // for the keeper
	done chan struct{} // closed to end the keeper
	over chan struct{} // closed when it has ended

	mu       sync.Mutex
	queue    []byte // lines that are not written yet
	spare    []byte
	writing  bool // somebody writes lines
	closed   bool
	segments []segment
	file     File   // of the last segment
	full     []File // of those before, not synced yet
	written  int64
	synced   int64
	holds    map[string]int64 // positions that sinks have come to
	changed  chan struct{}    // closed when synced or failed changes

	failed   error // why the disk takes nothing
	unsynced bool  // that is about syncing
	failures time.Time
	warned   bool // that records pile up
	stats    Stats
}

// Stats counts what a journal did.
type Stats struct {
	Appended uint64 // records
	Lost     uint64 // records that were given up, for want of room
	Damaged  uint64 // lines that were not what was written
	Octets   int64  // of all segments
	Waiting  int    // octets in memory that the disk has not taken
	Failing  bool   // the disk takes nothing
}

// Open opens the journal of a directory and mends what a crash left of its end.
func Open(o Options) (*Journal, error) {
	o.Clock = cmp.Or(o.Clock, clock.Clock(clock.Real))
	o.Log = cmp.Or(o.Log, slog.Default())
	o.Size = cmp.Or(o.Size, usualSize)
	o.Age = cmp.Or(o.Age, usualAge)
	if o.Create == nil {
		o.Create = func(path string) (File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("call records: %w", err)
	}
	j := &Journal{
		o: o, wake: make(chan struct{}, 1), done: make(chan struct{}), over: make(chan struct{}),
		holds: map[string]int64{}, changed: make(chan struct{}),
	}
	if err := j.recover(); err != nil {
		return nil, fmt.Errorf("call records: %w", err)
	}
	go j.keep()
	return j, nil
}

// recover reads which segments there are and cuts off what was being written
// last.
func (j *Journal) recover() error {
	segments, err := listSegments(j.o.Dir)
	if err != nil {
		return err
	}
	j.segments = segments
	if len(segments) == 0 {
		return nil
	}
	last := &j.segments[len(segments)-1]
	path := segmentPath(j.o.Dir, last.base)
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	sound, err := soundLength(f)
	if err == nil && sound < last.size {
		j.o.Log.Warn("the end of the journal of call records was not written completely, and is cut off", "path", path, "octets", last.size-sound)
		last.size = sound
		err = f.Truncate(sound)
	}
	if err == nil {
		err = f.Sync() // what the process before had written
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	j.written, j.synced = last.end(), last.end()
	return nil
}

// Append adds a record. It never waits for the disk to sync: when it returns the
// operating system has the record, or, while another is being written or the disk
// is full, it waits in memory to be written soon. An error says that the record
// is lost.
func (j *Journal) Append(r *Record) error {
	r.tidy()
	line, err := appendLine(make([]byte, 0, 1024), r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	switch {
	case j.closed:
		j.mu.Unlock()
		return ErrClosed
	case len(j.queue)+len(line) > mostQueued:
		j.stats.Lost++
		j.mu.Unlock()
		return ErrFull
	}
	j.stats.Appended++
	j.queue = append(j.queue, line...)
	if j.writing || j.failed != nil {
		j.mu.Unlock()
		return nil
	}
	j.writing = true
	j.mu.Unlock()
	j.write()
	return nil
}

// write writes what is queued, once. The caller has set j.writing; where more was
// queued meanwhile the keeper goes on.
func (j *Journal) write() {
	j.mu.Lock()
	batch := j.queue
	j.queue = j.spare[:0]
	j.mu.Unlock()
	f, at, err := j.end(int64(len(batch)))
	if err == nil {
		_, err = f.WriteAt(batch, at) // at the same place again after an error
	}
	j.mu.Lock()
	j.writing = false
	if err != nil {
		j.queue = append(batch, j.queue...)
		j.spare = nil
		j.fail(err)
	} else {
		j.spare = batch[:0]
		if cap(batch) > 1<<20 {
			j.spare = nil
		}
		last := &j.segments[len(j.segments)-1]
		last.size += int64(len(batch))
		last.modified = j.o.Clock.Now()
		j.written = last.end()
		if !j.unsynced {
			j.works()
		}
	}
	j.mu.Unlock()
	j.poke()
}

// end is the file to write the next octets to, and where in it. Only who writes
// calls it.
func (j *Journal) end(octets int64) (File, int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	part := min(largestPart, j.o.Size/8)
	if n := len(j.segments); n > 0 {
		last := j.segments[n-1]
		switch {
		case last.size == 0 || last.size+octets <= part:
			if j.file == nil {
				f, err := j.o.Create(segmentPath(j.o.Dir, last.base))
				if err != nil {
					return nil, 0, err
				}
				j.file = f
			}
			return j.file, last.size, nil
		case j.file != nil:
			j.full, j.file = append(j.full, j.file), nil
		}
	}
	f, err := j.o.Create(segmentPath(j.o.Dir, j.written))
	if err != nil {
		return nil, 0, err
	}
	j.file = f
	j.segments = append(j.segments, segment{base: j.written, modified: j.o.Clock.Now()})
	if err := syncDir(j.o.Dir); err != nil {
		return nil, 0, err
	}
	return f, 0, nil
}

// fail notes that the disk takes nothing; j.mu is held.
func (j *Journal) fail(err error) {
	if j.failed == nil {
		j.o.Log.Error("call records cannot be written; they wait in memory, and are lost if the server ends", "path", j.o.Dir, "error", err)
	}
	j.failed, j.failures = err, j.o.Clock.Now()
	j.tell()
}

// works notes that the disk takes records; j.mu is held.
func (j *Journal) works() {
	if j.failed != nil {
		j.o.Log.Info("call records are written again", "path", j.o.Dir, "lost", j.stats.Lost)
		j.failed = nil
	}
}

// tell wakes those who wait for a change; j.mu is held.
func (j *Journal) tell() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// poke wakes the keeper.
func (j *Journal) poke() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// keep is the journal's own goroutine: it syncs what was written, writes what
// found another writing or the disk full, and removes what is not kept.
func (j *Journal) keep() {
	defer close(j.over)
	for {
		select {
		case <-j.done:
			j.drain(true)
			j.sync()
			return
		case <-j.wake:
		}
		j.drain(false)
		j.sync()
		j.trim()
		if !j.rest(betweenSyncs) {
			continue // to the end
		}
	}
}

// rest waits, and reports false where the journal is closed meanwhile.
func (j *Journal) rest(d time.Duration) bool {
	over := make(chan struct{})
	alarm := j.o.Clock.AfterFunc(d, func() { close(over) })
	defer alarm.Stop()
	select {
	case <-over:
		return true
	case <-j.done:
		return false
	}
}

// drain writes what is queued. While the disk takes nothing it tries from time to
// time, or where now is set at once.
func (j *Journal) drain(now bool) {
	for {
		j.mu.Lock()
		if len(j.queue) == 0 || j.writing {
			j.mu.Unlock()
			return
		}
		if wait := betweenRetries - j.o.Clock.Now().Sub(j.failures); j.failed != nil && !now && wait > 0 {
			j.o.Clock.AfterFunc(wait, j.poke)
			j.mu.Unlock()
			return
		}
		j.writing = true
		j.mu.Unlock()
		j.write()
		j.mu.Lock()
		failed := j.failed != nil
		j.mu.Unlock()
		if failed && now {
			return
		}
	}
}

// sync has the disk keep what was written.
func (j *Journal) sync() {
	j.mu.Lock()
	full, file, written := j.full, j.file, j.written
	j.full = nil
	pending := written > j.synced
	j.mu.Unlock()
	if !pending {
		return
	}
	var err error
	var left []File
	for _, f := range full {
		if e := f.Sync(); e != nil {
			err, left = e, append(left, f)
			continue
		}
		_ = f.Close()
	}
	if err == nil && file != nil {
		err = file.Sync()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.full = append(left, j.full...)
		j.unsynced = true
		j.fail(fmt.Errorf("sync: %w", err))
		j.o.Clock.AfterFunc(betweenRetries, j.poke)
		return
	}
	j.synced, j.unsynced = written, false
	j.works()
	j.tell()
}

// Flush waits until all that was appended so far is on disk. It returns an error
// where the disk takes nothing now.
func (j *Journal) Flush() error {
	for {
		j.mu.Lock()
		changed, failed := j.changed, j.failed
		over := len(j.queue) == 0 && !j.writing && j.synced == j.written
		j.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case over:
			return nil
		}
		j.poke()
		select {
		case <-changed:
		case <-j.over:
			return ErrClosed
		}
	}
}

// Close writes and syncs what there is, and ends. The error says that records
// were lost by it.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	close(j.done)
	<-j.over
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range append(j.full, j.file) {
		if f != nil {
			_ = f.Close()
		}
	}
	j.full, j.file = nil, nil
	if len(j.queue) > 0 {
		return fmt.Errorf("call records: %d octets could not be written: %w", len(j.queue), j.failed)
	}
	return nil
}

// Stats tells how the journal fares.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Waiting, s.Failing = len(j.queue), j.failed != nil
	for _, one := range j.segments {
		s.Octets += one.size
	}
	return s
}

// syncDir has the disk keep the names in a directory.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
