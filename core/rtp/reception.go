package rtp

import "time"

// A receiver has to tell a packet that was lost from one that is late, one that
// came twice, one that somebody replays, and a sender that has begun anew. RFC
// 3550, A.1, does it by the distance of a sequence number from the highest so
// far: a little ahead is progress, a little behind is late, and far away is
// believed only when the next packet follows it. Beside that, a bit for each of
// the last 64 packets finds duplicates.

const (
	mostSkipped = 3000                  // packets that may be missing in a row
	window      = 64                    // packets that may come late
	rivalRun    = 2                     // consecutive packets before a new numbering is believed (MIN_SEQUENTIAL)
	rivalWait   = 50 * time.Millisecond // that the old numbering must have been silent
)

// verdict is what a sequence number says of a packet.
type verdict uint8

const (
	fresh     verdict = iota // the next, or ahead of it
	first                    // the first of a numbering: what came before has no bearing on it
	reordered                // late, but not too late
	duplicate                // seen already
	outdated                 // too far behind to know whether it was seen: late, or replayed
	unproven                 // from an SSRC or a numbering that is not believed yet
)

// reception follows the numbering of one sender and what was lost of it.
type reception struct {
	started bool
	ssrc    uint32
	highest uint16
	cycles  uint32 // times 65536 that the numbers have wrapped
	base    uint32
	seen    uint64 // bit n: highest-n was seen
	heard   time.Time

	received uint64 // of this numbering, without duplicates
	lost     int64  // of earlier numberings

	rival rival

	jittery   bool // transit holds a value
	transit   int64
	jitter    float64 // timestamp units, RFC 3550, A.8
	prior     int64   // expected at the last report
	priorLost int64
}

// rival is a numbering that may come to replace the present one.
type rival struct {
	ssrc  uint32
	next  uint16
	count int
}

// note judges one packet. The first packet ever is believed at once: its sender
// has been checked.
func (r *reception) note(ssrc uint32, sequence uint16, now time.Time) verdict {
	if !r.started {
		r.begin(ssrc, sequence, now)
		return first
	}
	if ssrc != r.ssrc {
		return r.challenge(ssrc, sequence, now)
	}
	ahead := sequence - r.highest
	switch {
	case ahead == 0:
		return duplicate
	case ahead < mostSkipped:
		if sequence < r.highest {
			r.cycles += 1 << 16
		}
		r.highest = sequence
		r.seen = r.seen<<ahead | 1 // a shift by 64 or more leaves nothing
		r.progress(now)
		return fresh
	case -ahead < window:
		bit := uint64(1) << -ahead
		if r.seen&bit != 0 {
			return duplicate
		}
		if int64(r.extended())-int64(-ahead) < int64(r.base) {
			return outdated
		}
		r.seen |= bit
		r.progress(now)
		return reordered
	case -ahead < 2*window:
		return outdated
	}
	return r.challenge(ssrc, sequence, now)
}

func (r *reception) progress(now time.Time) {
	r.received++
	r.heard = now
	r.rival.count = 0
}

// challenge weighs a packet of another numbering. Two of them in a row are
// enough, but not while the present one goes on: so neither a replayed stretch
// nor a second stream mixed into the first can take its place.
func (r *reception) challenge(ssrc uint32, sequence uint16, now time.Time) verdict {
	v := &r.rival
	if v.count == 0 || v.ssrc != ssrc || v.next != sequence {
		*v = rival{ssrc: ssrc}
	}
	v.count++
	v.next = sequence + 1
	if v.count < rivalRun || now.Sub(r.heard) < rivalWait {
		return unproven
	}
	r.begin(ssrc, sequence, now)
	return first
}

func (r *reception) begin(ssrc uint32, sequence uint16, now time.Time) {
	*r = reception{
		started: true, ssrc: ssrc, highest: sequence, base: uint32(sequence), seen: 1, heard: now,
		received: 1, lost: r.totalLost(), jitter: r.jitter,
	}
}

// extended is the highest sequence number with the wraps counted in.
func (r *reception) extended() uint32 { return r.cycles + uint32(r.highest) }

func (r *reception) expected() int64 {
	if !r.started {
		return 0
	}
	return int64(r.extended()) - int64(r.base) + 1
}

// totalLost is how many packets of the whole call never came.
func (r *reception) totalLost() int64 { return r.lost + r.expected() - int64(r.received) }

// measure adds one packet to the jitter: arrival and timestamp, both in units of
// the timestamp's clock (RFC 3550, A.8). Jumps of a second and more are the
// sender's pauses, not the network's doing.
func (r *reception) measure(arrival int64, timestamp uint32, clock int) {
	transit := int64(int32(uint32(arrival) - timestamp))
	if r.jittery {
		d := float64(transit - r.transit)
		if d < 0 {
			d = -d
		}
		if d < float64(clock) {
			r.jitter += (d - r.jitter) / 16
		}
	}
	r.transit, r.jittery = transit, true
}

// report is what RTCP tells of the reception since the last report.
func (r *reception) report() reportBlock {
	expected, lost := r.expected(), r.expected()-int64(r.received)
	interval, missing := expected-r.prior, lost-r.priorLost
	r.prior, r.priorLost = expected, lost
	b := reportBlock{
		ssrc:    r.ssrc,
		lost:    int32(min(max(r.totalLost(), -1<<23), 1<<23-1)),
		highest: r.extended(),
		jitter:  uint32(r.jitter),
	}
	if interval > 0 && missing > 0 {
		b.fraction = uint8(min(missing*256/interval, 255))
	}
	return b
}
