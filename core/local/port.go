package local

import (
	"sync"

	"github.com/moonwire/moonwire/core/call"
)

const (
	kept       = 8   // frames that wait to be read; more push out the oldest
	mostPCM    = 640 // samples of 20 ms at 32 kHz
	endOfEvent = 0x80
)

// port carries sound to the port of the other side. What is written there is
// copied into a ring, from which this side reads at its own pace.
type port struct {
	leg   *leg
	other *port

	mu      sync.Mutex
	ring    [kept]held
	first   int
	count   int
	closed  bool
	scratch held

	key      uint32 // timestamp of the last telephone-event
	keyKnown bool
}

// held is one frame.
type held struct {
	marker bool
	kind   call.FrameKind
	n      int
	pcm    [mostPCM]int16
}

var _ call.Port = (*port)(nil)

func newPort(l *leg) *port { return &port{leg: l} }

func (p *port) Format() call.Format {
	p.leg.pair.mu.Lock()
	defer p.leg.pair.mu.Unlock()
	return p.leg.info.Format
}

// ReadFrame delivers what the other side wrote.
func (p *port) ReadFrame(f *call.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 0 {
		if p.closed {
			return call.ErrHungUp
		}
		return call.ErrNoFrame
	}
	p.scratch = p.ring[p.first]
	p.first, p.count = (p.first+1)%kept, p.count-1
	*f = call.Frame{Kind: p.scratch.kind, Codec: call.Linear, Marker: p.scratch.marker, PCM: p.scratch.pcm[:p.scratch.n]}
	return nil
}

// WriteFrame gives a frame to the other side. Telephone-events become keys.
func (p *port) WriteFrame(f *call.Frame) error {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return call.ErrHungUp
	}
	switch {
	case f.Kind == call.Telephone:
		p.telephone(f)
	case f.Codec == call.Linear && len(f.PCM) <= mostPCM:
		p.other.take(f)
	}
	return nil
}

func (p *port) take(f *call.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.count == kept {
		p.first, p.count = (p.first+1)%kept, p.count-1
	}
	h := &p.ring[(p.first+p.count)%kept]
	h.marker, h.kind, h.n = f.Marker, f.Kind, copy(h.pcm[:], f.PCM)
	p.count++
}

const keys = "0123456789*#ABCD"

// telephone makes one key of the packets of a telephone-event (RFC 4733), of
// which the last is sent three times.
func (p *port) telephone(f *call.Frame) {
	if len(f.Payload) < 4 || int(f.Payload[0]) >= len(keys) || f.Payload[1]&endOfEvent == 0 {
		return
	}
	p.mu.Lock()
	again := p.keyKnown && p.key == f.Timestamp
	p.key, p.keyKnown = f.Timestamp, true
	p.mu.Unlock()
	if !again {
		p.other.leg.events.Post(call.Digit{Key: keys[f.Payload[0]], Duration: keyLength, Via: call.ViaRTP})
	}
}

// Close ends the port. It may be called more than once.
func (p *port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}
