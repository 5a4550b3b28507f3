package rtp

import (
	"encoding/binary"
	"errors"
	"time"
)

// RTCP packets (RFC 3550, 6). Every datagram is a compound: a sender or receiver
// report first, then the name of the source, and BYE at the end of the call.

const (
	typeSenderReport   = 200
	typeReceiverReport = 201
	typeDescription    = 202
	typeBye            = 203
	lastRTCPType       = 223 // with RTP on the same port, RFC 5761, 4
	firstRTCPType      = 192

	itemName = 1 // CNAME, RFC 3550, 6.5.1
)

// isRTCP tells RTCP from RTP where both come in on one port (RFC 5761, 4).
func isRTCP(packet []byte) bool {
	return len(packet) >= 8 && packet[1] >= firstRTCPType && packet[1] <= lastRTCPType
}

// senderInfo is the part of a sender report that is about the sender.
type senderInfo struct {
	ntp       uint64 // seconds since 1900 with 32 bits of fraction
	timestamp uint32 // the same moment in RTP
	packets   uint32
	octets    uint32
}

// reportBlock is what a receiver says of one sender.
type reportBlock struct {
	ssrc     uint32 // of the sender
	fraction uint8  // lost since the report before, in 256ths
	lost     int32  // lost in all, 24 bits
	highest  uint32 // sequence number, with wraps
	jitter   uint32 // timestamp units
	last     uint32 // middle of the ntp of the last sender report, 0 = none
	delay    uint32 // since it was received, in 65536ths of a second
}

// compound is what interests us of one datagram.
type compound struct {
	ssrc   uint32 // of whoever sent it
	sender bool   // info is valid
	info   senderInfo
	about  reportBlock // on the stream asked for
	onUs   bool        // about is valid
	bye    bool        // ssrc says good-bye
}

var errRTCP = errors.New("malformed rtcp")

// parseRTCP reads a compound packet; about is the SSRC whose reports interest.
func parseRTCP(b []byte, about uint32) (c compound, err error) {
	if len(b) < 8 || b[0]>>6 != 2 || b[1] < typeSenderReport || b[1] > typeSenderReport+7 {
		return c, errRTCP
	}
	c.ssrc = binary.BigEndian.Uint32(b[4:])
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 {
			return c, errRTCP
		}
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			return c, errRTCP
		}
		if err := c.take(b[0]&0x1f, b[1], b[4:size], about); err != nil {
			return c, err
		}
		b = b[size:]
	}
	return c, nil
}

// take reads one packet of the compound; body follows its first four octets.
func (c *compound) take(count, kind uint8, body []byte, about uint32) error {
	switch kind {
	case typeSenderReport:
		if len(body) < 24 {
			return errRTCP
		}
		c.sender = true
		c.info = senderInfo{
			ntp:       binary.BigEndian.Uint64(body[4:]),
			timestamp: binary.BigEndian.Uint32(body[12:]),
			packets:   binary.BigEndian.Uint32(body[16:]),
			octets:    binary.BigEndian.Uint32(body[20:]),
		}
		return c.blocks(count, body[24:], about)
	case typeReceiverReport:
		if len(body) < 4 {
			return errRTCP
		}
		return c.blocks(count, body[4:], about)
	case typeBye:
		if len(body) < 4*int(count) {
			return errRTCP
		}
		for i := range int(count) {
			c.bye = c.bye || binary.BigEndian.Uint32(body[4*i:]) == c.ssrc
		}
	}
	return nil
}

func (c *compound) blocks(count uint8, b []byte, about uint32) error {
	if len(b) < 24*int(count) {
		return errRTCP
	}
	for range count {
		if binary.BigEndian.Uint32(b) == about {
			c.onUs = true
			c.about = reportBlock{
				ssrc:     about,
				fraction: b[4],
				lost:     int32(binary.BigEndian.Uint32(b[4:])<<8) >> 8,
				highest:  binary.BigEndian.Uint32(b[8:]),
				jitter:   binary.BigEndian.Uint32(b[12:]),
				last:     binary.BigEndian.Uint32(b[16:]),
				delay:    binary.BigEndian.Uint32(b[20:]),
			}
		}
		b = b[24:]
	}
	return nil
}

// appendReport appends a sender report, or a receiver report where info is nil,
// with one block, or none where about is nil.
func appendReport(dst []byte, ssrc uint32, info *senderInfo, about *reportBlock) []byte {
	kind, words := byte(typeReceiverReport), 1
	if info != nil {
		kind, words = typeSenderReport, 6
	}
	count := 0
	if about != nil {
		count, words = 1, words+6
	}
	dst = append(dst, 2<<6|byte(count), kind, 0, byte(words))
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	if info != nil {
		dst = binary.BigEndian.AppendUint64(dst, info.ntp)
		dst = binary.BigEndian.AppendUint32(dst, info.timestamp)
		dst = binary.BigEndian.AppendUint32(dst, info.packets)
		dst = binary.BigEndian.AppendUint32(dst, info.octets)
	}
	if about != nil {
		dst = binary.BigEndian.AppendUint32(dst, about.ssrc)
		dst = binary.BigEndian.AppendUint32(dst, uint32(about.fraction)<<24|uint32(about.lost)&0xffffff)
		dst = binary.BigEndian.AppendUint32(dst, about.highest)
		dst = binary.BigEndian.AppendUint32(dst, about.jitter)
		dst = binary.BigEndian.AppendUint32(dst, about.last)
		dst = binary.BigEndian.AppendUint32(dst, about.delay)
	}
	return dst
}

// appendName appends a source description with the canonical name alone.
func appendName(dst []byte, ssrc uint32, name string) []byte {
	begin := len(dst)
	dst = append(dst, 2<<6|1, typeDescription, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	dst = append(dst, itemName, byte(len(name)))
	dst = append(dst, name...)
	dst = append(dst, 0) // ends the list of items
	for (len(dst)-begin)%4 != 0 {
		dst = append(dst, 0)
	}
	dst[begin+3] = byte((len(dst)-begin)/4 - 1)
	return dst
}

func appendBye(dst []byte, ssrc uint32) []byte {
	dst = append(dst, 2<<6|1, typeBye, 0, 1)
	return binary.BigEndian.AppendUint32(dst, ssrc)
}

// ntpTime is a moment as RTCP writes it (RFC 3550, 4).
func ntpTime(t time.Time) uint64 {
	const sinceUnix = 2208988800 // seconds from 1900 to 1970
	seconds := uint64(t.Unix() + sinceUnix)
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return seconds<<32 | fraction
}

// middle is the part of an NTP time that report blocks repeat.
func middle(ntp uint64) uint32 { return uint32(ntp >> 16) }

// shortDuration turns 65536ths of a second into a duration.
func shortDuration(n uint32) time.Duration {
	return time.Duration(n) * time.Second >> 16
}

// roundTrip is how long it took from our sender report to the answer and back,
// without the time that it lay at the far end (RFC 3550, 6.4.1).
func (b *reportBlock) roundTrip(now time.Time) (time.Duration, bool) {
	if b.last == 0 {
		return 0, false
	}
	passed := middle(ntpTime(now)) - b.last - b.delay
	if int32(passed) < 0 {
		return 0, true // clocks of different grain: less than they can tell
	}
	return shortDuration(passed), passed < 60<<16
}
