package rtp

import (
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media/codec"
)

// A leg that plays nothing sends nothing, and that does harm: a peer that learns
// our address from our packets cannot send before the first, a NAT on the way
// forgets the path after half a minute (RFC 6263), and some phones end a call in
// which nothing comes. So where we may send, one packet goes out soon after media
// is agreed, and another whenever we have been silent for about 15 seconds: comfort
// noise where that is agreed, else a frame of silence. The first has an alarm of
// its own, the others are seen to when an RTCP report is due, so that they cost
// a call on hold nothing.

const (
	openingWait  = 200 * time.Millisecond // in which something else may open the path
	longestQuiet = 12 * time.Second       // and up to a report's interval more
	noNoise      = 127                    // -dBov: the comfort noise of silence, RFC 3389, 3.1
)

// opening is the alarm that sees to the first packet on a new path.
type opening struct{ timer clock.Timer }

func (o *opening) stop() {
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
}

// openPath sends something soon if nobody else does.
func (s *Session) openPath() {
	sent := s.count.sentPackets.Load()
	s.opening.stop()
	s.opening.timer = s.options.Clock.AfterFunc(openingWait, func() {
		s.worker.Post(func() {
			if sent == s.count.sentPackets.Load() {
				s.keepAlive(s.worker.Now())
			}
		})
	})
}

// keepPath sends something if we have been silent for long.
func (s *Session) keepPath(now time.Time) {
	if now.Sub(s.out.edgeAt) >= longestQuiet {
		s.keepAlive(now)
	}
}

// keepAlive sends one packet without a sound in it. Where the far end is not to
// hear us, and in the middle of a key, it sends nothing.
func (s *Session) keepAlive(now time.Time) {
	if !s.sending || s.digits.muting() {
		return
	}
	if s.agreed.ComfortSend != 0 {
		s.packet = append(s.blank(), noNoise)
		s.transmit(s.packet, s.agreed.ComfortSend, s.out.aside(now))
		return
	}
	packet, ok := codec.AppendSilence(s.blank(), s.format)
	if !ok || len(packet) > headerLength+largestPayload {
		return
	}
	s.packet = packet
	s.transmit(packet, s.sendType, s.out.next(s.format.Ticks(), now))
}
