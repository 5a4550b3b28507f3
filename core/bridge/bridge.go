// Package bridge connects the media of two legs.
//
// A frame of one leg is sent to the other at the moment it arrives: there is no
// tick, no buffer and no mixing between them, so a bridge adds no delay of its
// own. Where both legs use the same coding the payload goes through untouched,
// and an RTP port rewrites the header in the buffer that it received; where
// they differ, a route with the codecs' decoder, a resampler and an encoder is
// built once and kept until a format changes. What the network lost stays lost,
// so that the far end conceals it with its own ears' knowledge.
//
// A bridge knows ports only. It runs on the goroutines that own them, which is
// one and the same when the legs were made for each other; otherwise frames are
// copied and handed over.
package bridge

import (
	"sync"
	"sync/atomic"

	"github.com/moonwire/moonwire/core/call"
)

// Party is one side of a bridge: a port that pushes, and the goroutine that
// owns it. *media.Line is one.
type Party interface {
	call.Port
	call.Pusher
	// Post runs f on the owning goroutine; false says that it has ended.
	Post(f func()) bool
	// Home identifies the owning goroutine.
	Home() any
}

// Pair is a bridge of two parties.
type Pair struct {
	a, b  Party
	ab    route // what a says, to b
	ba    route
	split sync.Once
	stats counters
}

// Stats counts what a bridge did.
type Stats struct {
	Forwarded  uint64 // frames sent on as they came
	Transcoded uint64 // frames coded anew
	Dropped    uint64 // frames for which there was no way
}

type counters struct{ forwarded, transcoded, dropped atomic.Uint64 }

// Join bridges a and b until Split. Any goroutine.
func Join(a, b Party) *Pair {
	p := &Pair{a: a, b: b}
	p.ab = route{to: b, stats: &p.stats}
	p.ba = route{to: a, stats: &p.stats}
	p.connect(a, b, &p.ab)
	p.connect(b, a, &p.ba)
	return p
}

// connect lets from push its frames into r, which ends at to.
func (p *Pair) connect(from, to Party, r *route) {
	if from.Home() == to.Home() {
		from.Post(func() { from.Push(func(f *call.Frame) { r.send(from.Format(), f) }) })
		return
	}
	from.Post(func() {
		from.Push(func(f *call.Frame) {
			format, parcel := from.Format(), pack(f)
			to.Post(func() {
				r.send(format, &parcel.frame)
				parcel.free()
			})
		})
	})
}

// Split ends the bridge: each leg keeps to itself again. Any goroutine, more
// than once.
func (p *Pair) Split() {
	p.split.Do(func() {
		for _, side := range []Party{p.a, p.b} {
			side.Post(func() { side.Push(nil) })
		}
	})
}

// Stats tells what the bridge did so far. Any goroutine.
func (p *Pair) Stats() Stats {
	return Stats{p.stats.forwarded.Load(), p.stats.transcoded.Load(), p.stats.dropped.Load()}
}

// parcel is a copy of a frame on its way to another worker.
type parcel struct {
	frame  call.Frame
	buffer [parcelRoom + 1500]byte
}

const parcelRoom = 64 // kept free before the payload, for headers

var parcels = sync.Pool{New: func() any { return new(parcel) }}

func pack(f *call.Frame) *parcel {
	p := parcels.Get().(*parcel)
	p.frame = *f
	n := copy(p.buffer[parcelRoom:], f.Payload)
	p.frame.Packet = p.buffer[:parcelRoom+n]
	p.frame.Payload = p.buffer[parcelRoom : parcelRoom+n]
	if f.PCM != nil {
		p.frame.PCM = append([]int16(nil), f.PCM...)
	}
	return p
}

func (p *parcel) free() {
	p.frame = call.Frame{}
	parcels.Put(p)
}
