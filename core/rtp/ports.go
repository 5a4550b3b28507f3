package rtp

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/netip"
	"sync"
	"syscall"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
)

// Ports gives out pairs of UDP ports: RTP on an even one, RTCP on the odd one
// above (RFC 3550, 11). They are given out in a random order, which strangers
// cannot guess, and a pair that comes back goes to the end of the queue: it rests
// for as long as others are free, so that late packets of one call do not reach
// the next, but it never rests while a call needs it. Its methods may be called
// from any goroutine.
type Ports struct {
	address netip.Addr
	total   int

	mu       sync.Mutex
	free     []uint16 // RTP ports, the next one first
	shuffled bool
}

// NewPorts makes a pool of the pairs that lie wholly within low and high, bound
// to address (which may be unspecified: all interfaces).
func NewPorts(address netip.Addr, low, high int) (*Ports, error) {
	if !address.IsValid() {
		return nil, errors.New("rtp ports: no address to bind to")
	}
	if low < 1 || high > 65535 || low > high {
		return nil, fmt.Errorf("rtp ports: %d-%d is not a range of ports", low, high)
	}
	p := &Ports{address: address}
	for port := low + low%2; port+1 <= high; port += 2 {
		p.free = append(p.free, uint16(port))
	}
	p.total = len(p.free)
	if p.total == 0 {
		return nil, fmt.Errorf("rtp ports: %d-%d holds no even port with the odd one above it", low, high)
	}
	return p, nil
}

// Open binds a free pair and returns a session on it that w serves. The error
// wraps call.ErrExhausted when no pair is left, or when the system has no
// socket left.
func (p *Ports) Open(w *media.Worker, o Options) (*Session, error) {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	var seed seed
	if _, err := io.ReadFull(o.Rand, seed[:]); err != nil {
		return nil, fmt.Errorf("random numbers for rtp: %w", err)
	}
	p.shuffle(binary.BigEndian.Uint64(seed[:]))
	s := newSession(w, o, seed)
	var busy error
	for range p.total {
		port, ok := p.take()
		if !ok {
			break
		}
		err := s.listen(netip.AddrPortFrom(p.address, port))
		if err == nil {
			s.release = func() { p.give(port) }
			return s, nil
		}
		p.give(port)
		if busy = err; !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			break
		}
	}
	if busy == nil {
		return nil, fmt.Errorf("rtp ports: all %d pairs are in use: %w", p.total, call.ErrExhausted)
	}
	return nil, fmt.Errorf("rtp ports: %w: %w", call.ErrExhausted, busy)
}

// shuffle puts the pairs into a random order, once.
func (p *Ports) shuffle(seed uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shuffled {
		return
	}
	p.shuffled = true
	mathrand.New(mathrand.NewPCG(seed, 1)).Shuffle(len(p.free), func(i, j int) {
		p.free[i], p.free[j] = p.free[j], p.free[i]
	})
}

func (p *Ports) take() (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return 0, false
	}
	port := p.free[0]
	p.free = p.free[1:]
	return port, true
}

func (p *Ports) give(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, port)
}

// InUse is how many pairs are given out, of how many there are.
func (p *Ports) InUse() (used, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total - len(p.free), p.total
}
