package clock_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func TestAlarmsRunInOrderOfTimeThenOfMaking(t *testing.T) {
	v := clock.NewVirtual(start)
	var order []string
	at := func(d time.Duration, name string) {
		v.AfterFunc(d, func() {
			if got := v.Now().Sub(start); got != max(d, 0) {
				t.Errorf("%s ran at %v, want %v", name, got, d)
			}
			order = append(order, name)
		})
	}
	at(2*time.Second, "c")
	at(time.Second, "a")
	at(time.Second, "b")
	at(-time.Second, "past")
	at(3*time.Second, "later")
	v.Advance(2 * time.Second)
	if want := []string{"past", "a", "b", "c"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if at, ok := v.Next(); !ok || !at.Equal(start.Add(3*time.Second)) {
		t.Errorf("next alarm %v, %v", at, ok)
	}
	if now := v.Now(); !now.Equal(start.Add(2 * time.Second)) {
		t.Errorf("time %v after advancing", now)
	}
}

func TestAlarmsMadeByAlarmsRunInTheSameAdvance(t *testing.T) {
	v := clock.NewVirtual(start)
	ticks := 0
	var tick func()
	tick = func() {
		ticks++
		v.AfterFunc(20*time.Millisecond, tick)
	}
	v.AfterFunc(0, tick)
	v.Advance(time.Second)
	if ticks != 51 {
		t.Errorf("%d ticks in a second of 20 ms, want 51", ticks)
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	v := clock.NewVirtual(start)
	v.Advance(time.Hour)
	v.AdvanceTo(start)
	if now := v.Now(); !now.Equal(start.Add(time.Hour)) {
		t.Errorf("time %v", now)
	}
}

func TestStopWithdrawsAnAlarm(t *testing.T) {
	v := clock.NewVirtual(start)
	ran := false
	alarm := v.AfterFunc(time.Second, func() { ran = true })
	if !alarm.Stop() || alarm.Stop() {
		t.Error("Stop must prevent the alarm once")
	}
	v.Advance(time.Minute)
	if ran {
		t.Error("a stopped alarm ran")
	}
	late := v.AfterFunc(time.Second, func() {})
	v.Advance(time.Second)
	if late.Stop() {
		t.Error("Stop claims to have prevented an alarm that ran")
	}
}

func TestStopInTheMiddleKeepsTheOthers(t *testing.T) {
	v := clock.NewVirtual(start)
	var ran []int
	var alarms []clock.Timer
	for i := range 100 {
		alarms = append(alarms, v.AfterFunc(time.Duration(i*7%100)*time.Second, func() { ran = append(ran, i*7%100) }))
	}
	for i := 0; i < 100; i += 3 {
		alarms[i].Stop()
	}
	v.Advance(time.Hour)
	if len(ran) != 66 || !slices.IsSorted(ran) {
		t.Errorf("%d alarms ran: %v", len(ran), ran)
	}
}

func TestTimerHoldsUntilReleased(t *testing.T) {
	v := clock.NewVirtual(start)
	timer := v.NewTimer(time.Second)
	var seen atomic.Int64
	go func() {
		at := <-timer.C()
		seen.Store(int64(v.Now().Sub(start)))
		if !at.Equal(start.Add(time.Second)) {
			t.Errorf("timer delivered %v", at)
		}
		v.Release()
	}()
	v.Advance(time.Hour)
	if got := time.Duration(seen.Load()); got != time.Second {
		t.Errorf("the receiver saw %v: time moved before it was done", got)
	}
}

func TestStopTakesBackAnUnreadTimeAndItsHold(t *testing.T) {
	v := clock.NewVirtual(start)
	timer := v.NewTimer(time.Second)
	advanced := make(chan struct{})
	go func() {
		v.Advance(2 * time.Second)
		close(advanced)
	}()
	for len(timer.C()) == 0 { // until its time lies unread and holds the clock
		runtime.Gosched()
	}
	if !timer.Stop() {
		t.Error("Stop must take back a time that nobody read")
	}
	<-advanced
	if now := v.Now(); !now.Equal(start.Add(2 * time.Second)) {
		t.Errorf("time %v", now)
	}
	if timer.Stop() {
		t.Error("Stop took the same time back twice")
	}
}

func TestHeldClockStandsStill(t *testing.T) {
	v := clock.NewVirtual(start)
	v.Hold()
	advanced := make(chan time.Time)
	go func() {
		v.Advance(time.Second)
		advanced <- v.Now()
	}()
	if now := v.Now(); !now.Equal(start) {
		t.Errorf("time %v while held", now)
	}
	v.AfterFunc(time.Millisecond, func() {})
	v.Release()
	if now := <-advanced; now.Before(start.Add(time.Second)) {
		t.Errorf("time %v after the release", now)
	}
	v.Settle()
}

func TestReleaseWithoutHoldIsAMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	clock.NewVirtual(start).Release()
}

// A chain of goroutines that hand work on, each holding the clock for the next,
// finishes before time moves.
func TestWorkHandedOnKeepsTimeStill(t *testing.T) {
	v := clock.NewVirtual(start)
	var last time.Time
	stages := make([]chan int, 6)
	for i := range stages {
		stages[i] = make(chan int, 1)
	}
	for i := range len(stages) - 1 {
		go func() {
			for n := range stages[i] {
				v.Hold()
				stages[i+1] <- n
				v.Release()
			}
			close(stages[i+1])
		}()
	}
	end := stages[len(stages)-1]
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for range end {
			last = v.Now()
			v.Release()
		}
	}()
	for i := range 50 {
		v.AfterFunc(time.Duration(i)*time.Second, func() {
			v.Hold()
			stages[0] <- i
		})
	}
	for i := range 50 {
		v.Advance(time.Second)
		v.Settle()
		if i == 49 {
			close(stages[0])
		}
	}
	<-finished
	if !last.Equal(start.Add(49 * time.Second)) {
		t.Errorf("the last piece of work was seen at %v", last.Sub(start))
	}
}

func TestVirtualUnderRaces(t *testing.T) {
	v := clock.NewVirtual(start)
	var ran, stopped atomic.Int64
	var makers sync.WaitGroup
	for range 8 {
		makers.Go(func() {
			for i := range 200 {
				v.Hold()
				alarm := v.AfterFunc(time.Duration(i)*time.Millisecond, func() { ran.Add(1) })
				if i%2 == 0 && alarm.Stop() {
					stopped.Add(1)
				}
				v.Release()
			}
		})
	}
	for range 50 {
		v.Advance(time.Millisecond)
	}
	makers.Wait()
	v.Advance(time.Hour)
	if ran.Load()+stopped.Load() != 1600 {
		t.Errorf("%d ran and %d were stopped, of 1600", ran.Load(), stopped.Load())
	}
}

func TestRealClock(t *testing.T) {
	before := time.Now()
	timer := clock.Real.NewTimer(time.Microsecond)
	if at := <-timer.C(); at.Before(before) {
		t.Errorf("timer delivered %v, started at %v", at, before)
	}
	fired := make(chan struct{})
	clock.Real.Hold()
	clock.Real.AfterFunc(0, func() { close(fired) })
	<-fired
	clock.Real.Release()
	if !clock.Real.AfterFunc(time.Hour, func() {}).Stop() {
		t.Error("Stop must prevent an alarm of the real clock")
	}
	if clock.Real.AfterFunc(time.Hour, func() {}).C() != nil {
		t.Error("an AfterFunc has no channel")
	}
}
