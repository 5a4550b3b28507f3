package fake

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// Port is a call.Port that keeps account of what is written and delivers what it
// is given. Unlike a real one it may be used from any goroutine, so that a test
// can look while a worker writes.
type Port struct {
	clock clock.Clock

	mu      sync.Mutex
	format  call.Format
	closed  bool
	waiting []call.Frame
	sink    func(*call.Frame)
	written Written
	digest  hash.Hash
	record  bool
	pcm     []int16
	payload []byte
	scratch []byte
}

var (
	_ call.Port   = (*Port)(nil)
	_ call.Pusher = (*Port)(nil)
)

// Written is what a port was given to send so far.
type Written struct {
	Frames       int         // of audio
	Telephone    int         // frames of telephone-events
	ComfortNoise int         // frames of comfort noise
	Lost         int         // frames that ask for concealment
	Bytes        int         // of coded audio, or twice the number of samples
	Digest       string      // SHA-256 of that audio, in hexadecimal; "" when none
	Format       call.Format // of the port when the last frame was written
	First, Last  time.Time   // when the first and the last frame were written
	LongestGap   time.Duration
}

// NewPort returns an open port on which no format is agreed.
func NewPort(c clock.Clock) *Port { return &Port{clock: c, digest: sha256.New()} }

// SetFormat agrees on a format.
func (p *Port) SetFormat(f call.Format) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.format = f
}

// Record has the port keep all audio from now on, for PCM and Payload.
func (p *Port) Record() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record = true
}

// Format is what SetFormat said last.
func (p *Port) Format() call.Format {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.format
}

// ReadFrame delivers the next frame of Deliver; the payload is the port's own.
func (p *Port) ReadFrame(f *call.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.waiting) > 0:
		*f = p.waiting[0]
		p.waiting = p.waiting[1:]
		return nil
	case p.closed:
		return call.ErrHungUp
	}
	return call.ErrNoFrame
}

// WriteFrame counts f, and keeps its audio after Record.
func (p *Port) WriteFrame(f *call.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return call.ErrHungUp
	}
	w := &p.written
	now := p.clock.Now()
	if w.First.IsZero() {
		w.First = now
	} else {
		w.LongestGap = max(w.LongestGap, now.Sub(w.Last))
	}
	w.Last, w.Format = now, p.format
	switch f.Kind {
	case call.Telephone:
		w.Telephone++
	case call.ComfortNoise:
		w.ComfortNoise++
	case call.Lost:
		w.Lost++
	default:
		p.keep(f)
	}
	return nil
}

// keep digests one frame of audio, and stores it if it is to be recorded.
func (p *Port) keep(f *call.Frame) {
	p.written.Frames++
	audio := f.Payload
	if f.Codec == call.Linear {
		p.scratch = p.scratch[:0]
		for _, s := range f.PCM {
			p.scratch = binary.LittleEndian.AppendUint16(p.scratch, uint16(s))
		}
		audio = p.scratch
	}
	p.digest.Write(audio)
	p.written.Bytes += len(audio)
	if !p.record {
		return
	}
	if f.Codec == call.Linear {
		p.pcm = append(p.pcm, f.PCM...)
	} else {
		p.payload = append(p.payload, f.Payload...)
	}
}

// Push has frames given to sink by Deliver instead of being kept for ReadFrame.
func (p *Port) Push(sink func(*call.Frame)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sink = sink
}

// Close ends the port. Frames that wait can still be read.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// Closed reports whether Close was called.
func (p *Port) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Deliver lets the far end send f; its contents are copied. With a sink set it
// must be called on the worker that owns the port, because the sink runs here.
func (p *Port) Deliver(f call.Frame) {
	f.Payload = append([]byte(nil), f.Payload...)
	f.PCM = append([]int16(nil), f.PCM...)
	f.Packet = nil
	p.mu.Lock()
	sink := p.sink
	if sink == nil && !p.closed {
		p.waiting = append(p.waiting, f)
	}
	p.mu.Unlock()
	if sink != nil {
		sink(&f)
	}
}

// Speak lets the far end say pcm: it is cut into linear frames of the port's
// ptime, numbered and stamped; the last one is filled up with silence.
func (p *Port) Speak(pcm []int16) {
	f := p.Format()
	n := f.Samples() * max(f.Channels, 1)
	if n == 0 {
		f = call.LinearAt(8000)
		n = f.Samples()
	}
	for seq := 0; len(pcm) > 0; seq++ {
		frame := call.Frame{
			Codec: call.Linear, Marker: seq == 0, Seq: uint16(seq), Timestamp: uint32(seq * f.Samples()),
			PCM: make([]int16, n),
		}
		pcm = pcm[copy(frame.PCM, pcm):]
		p.Deliver(frame)
	}
}

// Written is the account of what was sent so far.
func (p *Port) Written() Written {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.written
	if w.Frames > 0 {
		w.Digest = hex.EncodeToString(p.digest.Sum(nil))
	}
	return w
}

// PCM is the linear audio written since Record.
func (p *Port) PCM() []int16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int16(nil), p.pcm...)
}

// Payload is the coded audio written since Record, frame after frame.
func (p *Port) Payload() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]byte(nil), p.payload...)
}
