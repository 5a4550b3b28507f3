package rtp

import (
	"net/netip"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// RTCP tells each side how the other hears it. A report goes out about every
// five seconds, at irregular intervals so that the reports of many calls do not
// fall into step (RFC 3550, 6.2).

const (
	reportInterval = 5 * time.Second
	// compensation for the way in which intervals are drawn, e-3/2 (RFC 3550,
	// 6.3.1).
	reportCompensation = 1.21828
)

// reports is the RTCP state of a session.
type reports struct {
	name    string // CNAME
	timer   clock.Timer
	learned netip.AddrPort // where RTCP of the far end comes from
	buffer  []byte

	theirs     uint32 // SSRC that the sender report was about
	last       uint32 // middle of its NTP time, 0 = none yet
	lastAt     time.Time
	sentBefore uint64 // packets sent at the report before
	quiet      int    // reports since something was sent
}

func (r *reports) stop() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// startReports begins to report; the first report comes early (RFC 3550, 6.2).
func (s *Session) startReports() {
	if s.reports.timer == nil {
		s.scheduleReport(reportInterval / 2)
	}
}

func (s *Session) scheduleReport(mean time.Duration) {
	interval := time.Duration(float64(mean) * (0.5 + s.random.Float64()) / reportCompensation)
	s.reports.timer = s.options.Clock.AfterFunc(interval, func() {
		s.worker.Post(func() {
			if s.closed {
				return
			}
			now := s.worker.Now()
			s.publish()
			s.keepPath(now)
			s.sendReport(now, false)
			s.scheduleReport(reportInterval)
		})
	})
}

// sendReport sends one compound packet.
func (s *Session) sendReport(now time.Time, bye bool) {
	target := s.controlTarget()
	if !target.IsValid() || s.format.IsZero() {
		return
	}
	var info *senderInfo
	if s.speaking() {
		info = &senderInfo{
			ntp: ntpTime(now), timestamp: s.out.at(now),
			packets: uint32(s.count.sentPackets.Load()), octets: uint32(s.count.sentOctets.Load()),
		}
	}
	var about *reportBlock
	if s.reception.started {
		b := s.reception.report()
		if r := &s.reports; r.last != 0 && r.theirs == b.ssrc {
			b.last = r.last
			b.delay = uint32(int64(now.Sub(r.lastAt)) << 16 / int64(time.Second))
		}
		about = &b
	}
	p := appendReport(s.reports.buffer[:0], s.out.ssrc, info, about)
	p = appendName(p, s.out.ssrc, s.reports.name)
	if bye {
		p = appendBye(p, s.out.ssrc)
	}
	s.reports.buffer = p
	from := s.rtcp
	if s.agreed.RTCPMux {
		from = s.rtp
	}
	if from.Send(p, target) != nil {
		s.count.sendErrors.Add(1)
	}
}

// speaking reports whether something was sent since the report before the last
// one: then a sender report is due, else a receiver report (RFC 3550, 6.4).
func (s *Session) speaking() bool {
	sent := s.count.sentPackets.Load()
	if sent == s.reports.sentBefore {
		s.reports.quiet++
	} else {
		s.reports.quiet = 0
	}
	s.reports.sentBefore = sent
	return sent > 0 && s.reports.quiet < 2
}

// bye ends the stream, if there was one.
func (s *Session) bye(now time.Time) {
	if s.count.sentPackets.Load() > 0 || s.reception.started {
		s.sendReport(now, true)
	}
}

// controlTarget is where RTCP goes: to the address that was agreed, unless RTP
// comes from elsewhere; then to where RTCP comes from, or else next to RTP.
func (s *Session) controlTarget() netip.AddrPort {
	if s.agreed.RTCPMux {
		return s.target
	}
	if s.target == s.sources.signalled || !s.target.IsValid() {
		return s.agreed.RemoteRTCP
	}
	if s.reports.learned.Addr() == s.target.Addr() {
		return s.reports.learned
	}
	if s.target.Port() == 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(s.target.Addr(), s.target.Port()+1)
}

// receiveControl takes one datagram from the RTCP socket.
func (s *Session) receiveControl(packet []byte, from netip.AddrPort) {
	if !s.closed {
		s.control(packet, plain(from))
	}
}

// control takes in RTCP. Only the host that RTP is exchanged with is believed;
// what it says changes statistics and nothing else.
func (s *Session) control(packet []byte, from netip.AddrPort) {
	if from.Addr() != s.target.Addr() && from != s.agreed.RemoteRTCP {
		s.count.foreign.Add(1)
		return
	}
	c, err := parseRTCP(packet, s.out.ssrc)
	if err != nil {
		s.count.garbage.Add(1)
		return
	}
	now := s.worker.Now()
	if !s.reception.started || c.ssrc == s.reception.ssrc {
		s.reports.learned = from
	}
	if c.sender {
		s.reports.theirs, s.reports.last, s.reports.lastAt = c.ssrc, middle(c.info.ntp), now
	}
	if c.onUs {
		s.count.farLost.Store(int64(c.about.lost))
		s.count.farJitter.Store(s.units(float64(c.about.jitter)))
		if trip, ok := c.about.roundTrip(now); ok {
			s.count.roundTrip.Store(int64(trip))
		}
	}
}
