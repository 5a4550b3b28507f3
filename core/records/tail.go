package records

import (
	"errors"
	"io/fs"
	"os"
)

// What reads the journal while it grows, and what decides how much of it stays.

// next reads records from a position on, of those that are on disk. after is the
// position behind them; where it is the same there is none, and changed is closed
// when that may have changed.
func (j *Journal) next(from int64) (list []Record, after int64, changed <-chan struct{}, err error) {
	j.mu.Lock()
	changed, synced := j.changed, j.synced
	var in *segment
	for i := range j.segments {
		if s := j.segments[i]; s.end() > from {
			in = &s
			break
		}
	}
	j.mu.Unlock()
	if in == nil || from >= synced {
		return nil, from, changed, nil
	}
	start := max(from, in.base) // what lay before was removed
	list, after, damaged, err := readSegment(j.o.Dir, in.base, start, min(in.end(), synced))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, in.end(), changed, nil // removed meanwhile
	}
	if damaged > 0 {
		j.o.Log.Error("call records are damaged on disk and lost", "path", segmentPath(j.o.Dir, in.base), "records", damaged)
		j.mu.Lock()
		j.stats.Damaged += uint64(damaged)
		j.mu.Unlock()
	}
	return list, after, changed, err
}

// pending is how many octets lie behind a position.
func (j *Journal) pending(from int64) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segments) > 0 {
		from = max(from, j.segments[0].base)
	}
	return max(j.written-from, 0)
}

// clamp is a position within the journal: one behind its end belongs to a journal
// that was here before.
func (j *Journal) clamp(at int64) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if at > j.written || at < 0 {
		return j.written
	}
	return at
}

// hold keeps what lies behind a position for a sink, as far as there is room.
func (j *Journal) hold(sink string, at int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.holds[sink] = at
}

// release gives up what is held for a sink.
func (j *Journal) release(sink string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.holds, sink)
}

// trim removes segments that every sink has and that are old or too much, and,
// where there is no more room, those that some sink has not. Only the keeper
// calls it.
func (j *Journal) trim() {
	for {
		s, sink, lost, ok := j.surplus()
		if !ok {
			return
		}
		path := segmentPath(j.o.Dir, s.base)
		if lost >= 0 {
			j.giveUp(path, sink, lost, s)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			j.o.Log.Error("a segment of call records cannot be removed", "path", path, "error", err)
			return
		}
		j.mu.Lock()
		j.segments = j.segments[1:]
		j.mu.Unlock()
	}
}

// surplus is the oldest segment if it is to go. lost is the position in it from
// which on a sink lacks its records, -1 where all have them.
func (j *Journal) surplus() (s segment, sink string, lost int64, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var total int64
	for _, s := range j.segments {
		total += s.size
	}
	at := j.synced
	for name, position := range j.holds {
		if position < at {
			sink, at = name, position
		}
	}
	j.warn(sink, j.written-at)
	if len(j.segments) < 2 || j.segments[0].end() > j.synced {
		return segment{}, "", 0, false
	}
	s, lost = j.segments[0], -1
	if s.end() > at {
		lost = max(at, s.base)
	}
	old := j.o.Clock.Now().Sub(s.modified) > j.o.Age
	return s, sink, lost, total > j.o.Size || old && lost < 0
}

// warn tells, once, that a sink is far behind; j.mu is held.
func (j *Journal) warn(sink string, behind int64) {
	switch {
	case !j.warned && behind > j.o.Size/2:
		j.warned = true
		j.o.Log.Error("call records pile up because a sink takes none; when the journal is full the oldest are given up",
			"sink", sink, "octets", behind, "room", j.o.Size)
	case j.warned && behind < j.o.Size/4:
		j.warned = false
		j.o.Log.Info("call records are delivered again", "octets", behind)
	}
}

// giveUp counts the records that go away with a segment though a sink has not
// got them.
func (j *Journal) giveUp(path, sink string, from int64, s segment) {
	var lost uint64
	for at := from; at < s.end(); {
		list, next, _, err := readSegment(j.o.Dir, s.base, at, s.end())
		if err != nil || next == at {
			break
		}
		lost, at = lost+uint64(len(list)), next
	}
	j.mu.Lock()
	j.stats.Lost += lost
	j.mu.Unlock()
	j.o.Log.Error("call records are lost: the journal is full and a sink has not taken them", "sink", sink, "records", lost, "path", path)
}
