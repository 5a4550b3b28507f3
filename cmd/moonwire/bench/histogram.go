package bench

import "time"

const (
	binWidth = 10 * time.Microsecond
	bins     = 20000 // up to 200 ms; what is longer counts in the last bin
)

// histogram counts durations in bins of 10 µs: fine enough for pacing, and of
// fixed size however many packets a run takes.
type histogram struct {
	counts []uint32
	n      uint64
	max    time.Duration
}

func newHistogram() *histogram { return &histogram{counts: make([]uint32, bins+1)} }

func (h *histogram) add(d time.Duration) {
	h.counts[min(max(d/binWidth, 0), bins)]++
	h.n++
	h.max = max(h.max, d)
}

func (h *histogram) reset() {
	clear(h.counts)
	h.n, h.max = 0, 0
}

// quantile is the duration that a share q of all stays at or below, to a bin.
func (h *histogram) quantile(q float64) time.Duration {
	rank, seen := uint64(q*float64(h.n)), uint64(0)
	for i, c := range h.counts {
		if seen += uint64(c); seen > rank {
			return min(time.Duration(i)*binWidth, h.max)
		}
	}
	return h.max
}

// Spread is a distribution of durations in milliseconds.
type Spread struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

func (h *histogram) spread() Spread {
	return Spread{h.n, ms(h.quantile(0.5)), ms(h.quantile(0.9)), ms(h.quantile(0.99)), ms(h.max)}
}

// ms is d in milliseconds, to a microsecond.
func ms(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / 1e6 }
