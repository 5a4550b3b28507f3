package rtp

import (
	"log/slog"
	"math"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/trace"
)

// Stats is what a session has met so far.
type Stats struct {
	Sent     Flow // Lost and Jitter as the far end reports them
	Received Flow

	RoundTrip  time.Duration  // by RTCP; 0 = not known
	Remote     netip.AddrPort // where we send
	Learned    bool           // Remote is not the address that was signalled
	Changes    uint64         // times that the far end began a new numbering or SSRC
	SendErrors uint64         // packets that the system did not take

	Dropped Dropped
}

// Flow is one direction of a stream. Lost and Jitter are brought up to date with
// each RTCP report, about every five seconds, and at the end.
type Flow struct {
	Packets uint64
	Octets  uint64 // of payload
	Lost    int64  // packets that never came
	Jitter  time.Duration
}

// Dropped counts packets that came and were not used, by what was wrong.
type Dropped struct {
	Garbage   uint64 // not RTP or RTCP, or truncated
	Foreign   uint64 // from an address that is not believed
	Early     uint64 // before media was agreed
	Unknown   uint64 // of a payload type that was not agreed
	Held      uint64 // while we do not receive
	Duplicate uint64 // that came twice
	Outdated  uint64 // too late to be told from replayed ones
	Unproven  uint64 // of another SSRC or numbering, before it was believed
	Mismatch  uint64 // frames to be sent that are not in the agreed format
}

// counters are written by the worker alone and read by anybody.
type counters struct {
	sentPackets, sentOctets         atomic.Uint64
	receivedPackets, receivedOctets atomic.Uint64
	lost, farLost                   atomic.Int64
	jitter, farJitter, roundTrip    atomic.Int64 // nanoseconds
	changes, sendErrors             atomic.Uint64

	garbage, foreign, early, unknown, held  atomic.Uint64
	duplicate, outdated, unproven, mismatch atomic.Uint64

	remote  atomic.Pointer[netip.AddrPort]
	learned atomic.Bool
}

// Stats is the present state of the session's counters. Any goroutine.
func (s *Session) Stats() Stats {
	c := &s.count
	t := Stats{
		Sent: Flow{
			Packets: c.sentPackets.Load(), Octets: c.sentOctets.Load(),
			Lost: c.farLost.Load(), Jitter: time.Duration(c.farJitter.Load()),
		},
		Received: Flow{
			Packets: c.receivedPackets.Load(), Octets: c.receivedOctets.Load(),
			Lost: c.lost.Load(), Jitter: time.Duration(c.jitter.Load()),
		},
		RoundTrip: time.Duration(c.roundTrip.Load()), Learned: c.learned.Load(),
		Changes: c.changes.Load(), SendErrors: c.sendErrors.Load(),
		Dropped: Dropped{
			Garbage: c.garbage.Load(), Foreign: c.foreign.Load(), Early: c.early.Load(),
			Unknown: c.unknown.Load(), Held: c.held.Load(), Duplicate: c.duplicate.Load(),
			Outdated: c.outdated.Load(), Unproven: c.unproven.Load(), Mismatch: c.mismatch.Load(),
		},
	}
	if remote := c.remote.Load(); remote != nil {
		t.Remote = *remote
	}
	return t
}

// publish copies what the worker alone may read into the counters. It is called
// with each RTCP report, about every five seconds, and at the end.
func (s *Session) publish() {
	s.count.lost.Store(s.reception.totalLost())
	s.count.jitter.Store(s.units(s.reception.jitter))
}

// units turns timestamp units into nanoseconds.
func (s *Session) units(n float64) int64 {
	return int64(math.Round(n * float64(time.Second) / float64(max(s.out.clock, 1))))
}

// story notes at the end how the media fared, if there was any.
func (s *Session) story() {
	q := s.Quality()
	if q.Received+q.Sent == 0 {
		return
	}
	s.options.Tape.Leg().Note(trace.Media, "", 0, slog.Uint64("received", q.Received), slog.Uint64("sent", q.Sent),
		slog.Int64("lost", q.Lost), slog.Int64("far_lost", q.FarLost), slog.Duration("jitter", q.Jitter),
		slog.Duration("far_jitter", q.FarJitter), slog.Duration("roundtrip", q.RoundTrip), slog.Uint64("dropped", q.Dropped))
}

var _ call.Meter = (*Session)(nil)

// Quality is the part of Stats that every kind of line has. Any goroutine.
func (s *Session) Quality() call.Quality {
	t := s.Stats()
	d := t.Dropped
	return call.Quality{
		Received: t.Received.Packets, Sent: t.Sent.Packets,
		Lost: t.Received.Lost, FarLost: t.Sent.Lost, Jitter: t.Received.Jitter, FarJitter: t.Sent.Jitter,
		RoundTrip: t.RoundTrip,
		Dropped:   d.Garbage + d.Foreign + d.Unknown + d.Duplicate + d.Outdated + d.Unproven,
	}
}
