package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Virtual is a clock that stands still until it is told to advance.
//
// Its alarms run one after another, in the order of their time and then of
// their making, so that one program does the same on every run.
type Virtual struct {
	mu     sync.Mutex
	quiet  *sync.Cond // signalled when held falls to zero
	now    time.Time
	held   int
	serial uint64
	alarms alarmHeap
}

// NewVirtual returns a clock that shows start.
func NewVirtual(start time.Time) *Virtual {
	v := &Virtual{now: start}
	v.quiet = sync.NewCond(&v.mu)
	return v
}

// Now is the virtual time.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// AfterFunc runs f on the advancing goroutine when the time has come.
func (v *Virtual) AfterFunc(d time.Duration, f func()) Timer {
	return v.add(&alarm{clock: v, run: f}, d)
}

// NewTimer delivers the time on C and holds the clock until Release.
func (v *Virtual) NewTimer(d time.Duration) Timer {
	return v.add(&alarm{clock: v, c: make(chan time.Time, 1)}, d)
}

func (v *Virtual) add(a *alarm, d time.Duration) Timer {
	v.mu.Lock()
	defer v.mu.Unlock()
	a.at = v.now.Add(max(d, 0))
	v.serial++
	a.serial = v.serial
	heap.Push(&v.alarms, a)
	return a
}

// Hold keeps the time from moving until Release.
func (v *Virtual) Hold() {
	v.mu.Lock()
	v.held++
	v.mu.Unlock()
}

// Release ends one Hold.
func (v *Virtual) Release() {
	v.mu.Lock()
	v.held--
	if v.held < 0 {
		v.mu.Unlock()
		panic("clock: Release without Hold")
	}
	if v.held == 0 {
		v.quiet.Broadcast()
	}
	v.mu.Unlock()
}

// Settle waits until no work is under way at the present moment.
func (v *Virtual) Settle() {
	v.mu.Lock()
	for v.held > 0 {
		v.quiet.Wait()
	}
	v.mu.Unlock()
}

// Advance moves the time by d, running every alarm that falls due on the way
// and letting the work that it starts settle first.
func (v *Virtual) Advance(d time.Duration) { v.AdvanceTo(v.Now().Add(d)) }

// AdvanceTo moves the time to end, as Advance does.
func (v *Virtual) AdvanceTo(end time.Time) {
	for v.Step(end) {
	}
	v.mu.Lock()
	if end.After(v.now) {
		v.now = end
	}
	v.mu.Unlock()
}

// Next is when the earliest alarm is due; ok is false when none is pending.
func (v *Virtual) Next() (at time.Time, ok bool) {
	v.Settle()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.alarms) == 0 {
		return time.Time{}, false
	}
	return v.alarms[0].at, true
}

// Step settles, then moves the time to the earliest alarm and runs it. Where none
// is due by end it does nothing and reports false.
func (v *Virtual) Step(end time.Time) bool {
	v.mu.Lock()
	for v.held > 0 {
		v.quiet.Wait()
	}
	if len(v.alarms) == 0 || v.alarms[0].at.After(end) {
		v.mu.Unlock()
		return false
	}
	a := heap.Pop(&v.alarms).(*alarm)
	if a.at.After(v.now) {
		v.now = a.at
	}
	if a.c != nil {
		v.held++ // until the receiver releases
		a.c <- a.at
		v.mu.Unlock()
		return true
	}
	v.mu.Unlock()
	a.run()
	return true
}

// alarm is a pending Timer; index is its place in the heap, -1 once it left.
type alarm struct {
	clock  *Virtual
	at     time.Time
	serial uint64
	index  int
	c      chan time.Time
	run    func()
}

func (a *alarm) C() <-chan time.Time { return a.c }

// Stop withdraws the alarm. One that already put its time on C, unread, is
// taken back together with its hold, so that the receiver need not drain it.
func (a *alarm) Stop() bool {
	v := a.clock
	v.mu.Lock()
	defer v.mu.Unlock()
	if a.index >= 0 {
		heap.Remove(&v.alarms, a.index)
		return true
	}
	if a.c != nil {
		select {
		case <-a.c:
			v.held--
			if v.held == 0 {
				v.quiet.Broadcast()
			}
			return true
		default:
		}
	}
	return false
}

type alarmHeap []*alarm

func (h alarmHeap) Len() int { return len(h) }
func (h alarmHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].serial < h[j].serial
	}
	return h[i].at.Before(h[j].at)
}
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *alarmHeap) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}
func (h *alarmHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = -1
	return a
}
