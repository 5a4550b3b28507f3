package bench

import (
	"runtime"
	"sync/atomic"
	"time"
)

// pace calls tick every millisecond with the slot of the 20 ms frame that has
// come, on a thread of its own, until stop. Ticks keep to absolute times, so
// that one that is late delays none after it; lateness hears of each.
func pace(stop *atomic.Bool, tick func(slot int), lateness func(time.Duration)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	at := time.Now()
	for n := 0; !stop.Load(); n++ {
		at = at.Add(time.Millisecond)
		sleepUntil(at)
		lateness(max(time.Since(at), 0))
		tick(n % phases)
	}
}
