package media

import "time"

// transits measures how evenly packets arrive. The transit of a packet is when
// it arrived less when it was sent, by two clocks that do not agree; only the
// differences between transits mean anything. The quickest of the last 512
// packets (ten seconds of 20 ms) defines zero, and the delay that would have
// been enough for 98 of 100 of them is what a jitter buffer needs. Because old
// packets are forgotten, clocks that drift apart make no difference, and because
// two in a hundred are ignored, neither does one hiccup.
//
// Transits are counted in bins of a millisecond that are used in a circle, so
// that a packet costs two additions, and a look at the bins is needed only now
// and then.
type transits struct {
	bins   [transitBins]uint16
	recent [transitWindow]int32 // milliseconds
	count  int                  // of recent that are in use
	next   int                  // place in recent that is written next
	since  int                  // packets since the last look

	quickest int64         // milliseconds
	spread   time.Duration // that is enough for most
}

const (
	transitBins    = 1024
	transitWindow  = 512
	transitLook    = 16
	transitIgnored = 50 // one packet in so many may come later
)

// add takes note of one transit. Those more than half a second quicker or a
// second slower than usual begin a new measurement.
func (t *transits) add(transit time.Duration) {
	ms := floorDiv(int64(transit), int64(time.Millisecond))
	if t.count > 0 && (ms-t.quickest > transitBins-128 || t.quickest-ms > transitBins/2) {
		t.reset()
	}
	if t.count == 0 {
		t.quickest = ms
	}
	if t.count == transitWindow {
		t.bins[place(int64(t.recent[t.next]))]--
	} else {
		t.count++
	}
	t.recent[t.next] = int32(ms)
	t.bins[place(ms)]++
	t.next = (t.next + 1) % transitWindow
	t.quickest = min(t.quickest, ms)
	if t.since++; t.since >= transitLook || t.count < 2*transitLook {
		t.look()
	}
}

func place(ms int64) int { return int(uint64(ms) % transitBins) }

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// look finds the quickest packet and the delay that is enough for most. Nothing
// in the window is quicker than quickest was, nor a whole circle slower.
func (t *transits) look() {
	t.since = 0
	for t.bins[place(t.quickest)] == 0 {
		t.quickest++
	}
	left := t.count - t.count/transitIgnored
	slowest := t.quickest
	for ms := t.quickest; left > 0 && ms < t.quickest+transitBins; ms++ {
		if n := int(t.bins[place(ms)]); n > 0 {
			left -= n
			slowest = ms
		}
	}
	t.spread = time.Duration(slowest-t.quickest) * time.Millisecond
}

// least is the transit of the quickest packet.
func (t *transits) least() time.Duration { return time.Duration(t.quickest) * time.Millisecond }

func (t *transits) reset() { *t = transits{} }
