package digest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

const (
	nonceBody = 16 // serial number and time in ms since 1970, 8 octets each
	nonceMAC  = 16
)

// nonces makes nonces and tells whether one may be used, once for each count.
//
// A nonce is serial ‖ time ‖ HMAC, so that making one remembers nothing. Only
// those that proved a password get a window. When there are more of these than
// room, the oldest window goes and floor rises to its serial: every nonce up
// to there that has no window is treated as stale, so that a client has to ask
// once more but no used count is ever good again.
type nonces struct {
	key    []byte
	life   time.Duration
	serial atomic.Uint64

	mu      sync.Mutex
	windows map[uint64]*window
	order   []uint64 // serials in order of first use, from head on, round a ring
	head    int
	floor   uint64
}

// window remembers which of the last 64 counts of one nonce were used.
type window struct {
	issued  time.Time
	highest uint32
	seen    uint64 // bit i: highest-i was used
}

func newNonces(key []byte, life time.Duration, room int) *nonces {
	return &nonces{key: key, life: life, windows: make(map[uint64]*window), order: make([]uint64, room)}
}

func (n *nonces) mac(body []byte) []byte {
	h := hmac.New(sha256.New, n.key)
	h.Write(body)
	return h.Sum(nil)[:nonceMAC]
}

// issue makes a nonce.
func (n *nonces) issue(now time.Time) string {
	b := make([]byte, nonceBody, nonceBody+nonceMAC)
	binary.BigEndian.PutUint64(b, n.serial.Add(1))
	binary.BigEndian.PutUint64(b[8:], uint64(now.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(b, n.mac(b)...))
}

// use takes one count of a nonce. It returns why it may not be used, or "".
func (n *nonces) use(nonce string, count uint32, now time.Time) (refusal string) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != nonceBody+nonceMAC || !hmac.Equal(n.mac(b[:nonceBody]), b[nonceBody:]) {
		return "a nonce that is not ours"
	}
	serial := binary.BigEndian.Uint64(b)
	issued := time.UnixMilli(int64(binary.BigEndian.Uint64(b[8:])))
	if age := now.Sub(issued); age > n.life || age < -n.life {
		return "an expired nonce"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.windows[serial]
	if w == nil {
		if serial <= n.floor {
			return "a forgotten nonce"
		}
		w = n.open(serial, issued, now)
	}
	if !w.take(count) {
		return "a replayed nonce count"
	}
	return ""
}

// open makes room for a nonce's window and adds it.
func (n *nonces) open(serial uint64, issued, now time.Time) *window {
	for len(n.windows) > 0 {
		oldest := n.order[n.head]
		expired := now.Sub(n.windows[oldest].issued) > n.life
		if !expired && len(n.windows) < len(n.order) {
			break
		}
		if !expired {
			n.floor = max(n.floor, oldest)
		}
		delete(n.windows, oldest)
		n.head = (n.head + 1) % len(n.order)
	}
	n.order[(n.head+len(n.windows))%len(n.order)] = serial
	w := &window{issued: issued}
	n.windows[serial] = w
	return w
}

// take marks count as used and reports whether it was not used before. Counts
// may come out of order, as UDP delivers them, by up to 63.
func (w *window) take(count uint32) bool {
	if count > w.highest {
		w.seen = w.seen<<min(count-w.highest, 64) | 1
		w.highest = count
		return true
	}
	behind := w.highest - count
	if behind > 63 || w.seen&(1<<behind) != 0 {
		return false
	}
	w.seen |= 1 << behind
	return true
}
