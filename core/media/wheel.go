package media

import "time"

// Ticker is something that repeats. Tick runs on the worker and must not block.
type Ticker interface{ Tick(now time.Time) }

// TickerFunc lets a function be a Ticker.
type TickerFunc func(now time.Time)

// Tick calls f.
func (f TickerFunc) Tick(now time.Time) { f(now) }

const (
	slots  = 128 // milliseconds that the wheel reaches ahead
	phases = 20  // of the usual frame, among which new schedules are spread
)

// wheel holds schedules by the millisecond at which they are next due.
type wheel struct {
	slot   [slots]*Schedule // heads of doubly linked lists
	phase  [phases]int      // schedules of each phase
	at     uint64           // the millisecond that was last run, since the loop began
	active int
	busy   bool // a slot is being run
}

// Schedule is one thing that repeats on a worker.
type Schedule struct {
	worker     *Worker
	ticker     Ticker
	period     uint64 // ms
	due        uint64 // ms since the loop began
	prev, next *Schedule
	linked     bool
	stopped    bool
}

// Every calls t.Tick once each period, which is rounded to whole milliseconds
// between 1 and 100. The first tick comes within one period. Worker only.
func (w *Worker) Every(period time.Duration, t Ticker) *Schedule {
	ms := uint64(min(max(period.Round(time.Millisecond)/time.Millisecond, 1), 100))
	s := &Schedule{worker: w, ticker: t, period: ms}
	w.loop.arm()
	s.due = w.wheel.place(ms)
	w.wheel.phase[s.due%phases]++
	w.wheel.active++
	w.wheel.link(s)
	w.loop.scheduled()
	return s
}

// Stop ends the schedule; no tick comes after it. Worker only.
func (s *Schedule) Stop() {
	if s == nil || s.stopped {
		return
	}
	s.stopped = true
	w := &s.worker.wheel
	w.phase[s.due%phases]--
	w.active--
	if s.linked {
		w.unlink(s)
	}
}

// place picks the emptiest phase among the milliseconds of the coming period.
func (w *wheel) place(period uint64) uint64 {
	best := w.at + 1
	for d := uint64(1); d <= min(period, phases); d++ {
		if w.phase[(w.at+d)%phases] < w.phase[best%phases] {
			best = w.at + d
		}
	}
	return best
}

func (w *wheel) link(s *Schedule) {
	head := &w.slot[s.due%slots]
	s.prev, s.next = nil, *head
	if *head != nil {
		(*head).prev = s
	}
	*head = s
	s.linked = true
}

func (w *wheel) unlink(s *Schedule) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		w.slot[s.due%slots] = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next, s.linked = nil, nil, false
}

// advance runs every millisecond up to now, in order. A worker that was kept
// from running for longer than the wheel reaches skips what it cannot make up.
func (w *Worker) advance(ms uint64) {
	h := &w.wheel
	h.busy = true
	defer func() { h.busy = false }()
	if ms > h.at+slots/2 {
		w.lateTicks.Add(ms - h.at)
		w.skip(ms - 1)
	}
	if ms > h.at+5 {
		w.lateTicks.Add(ms - h.at - 5)
	}
	for h.at < ms {
		h.at++
		w.runSlot()
	}
}

// runSlot ticks all that is due at the wheel's present millisecond.
func (w *Worker) runSlot() {
	h := &w.wheel
	list := h.slot[h.at%slots]
	if list == nil {
		return
	}
	for s := list; s != nil; s = h.slot[h.at%slots] {
		h.unlink(s)
		h.phase[s.due%phases]--
		s.due += s.period
		h.phase[s.due%phases]++
		w.tick(s)
		if !s.stopped {
			h.link(s)
		}
	}
}

func (w *Worker) tick(s *Schedule) {
	defer func() {
		if r := recover(); r != nil {
			s.Stop()
			w.guard("tick", func() { panic(r) })
		}
	}()
	s.ticker.Tick(w.now)
}

// skip moves the wheel to ms without ticking and takes every schedule along.
func (w *Worker) skip(ms uint64) {
	h := &w.wheel
	var all []*Schedule
	for i := range h.slot {
		for s := h.slot[i]; s != nil; s = h.slot[i] {
			h.unlink(s)
			all = append(all, s)
		}
	}
	late := ms - h.at
	h.at = ms
	for _, s := range all {
		h.phase[s.due%phases]--
		s.due += late
		h.phase[s.due%phases]++
		h.link(s)
	}
}

// distance is how many milliseconds ahead the next schedule is due.
func (h *wheel) distance() uint64 {
	for d := uint64(1); d < slots; d++ {
		if h.slot[(h.at+d)%slots] != nil {
			return d
		}
	}
	return 1
}
