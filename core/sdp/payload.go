package sdp

import (
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// Names that are not audio but travel in the same stream.
const (
	telephoneEvent = "telephone-event" // RFC 4733
	comfortNoise   = "CN"              // RFC 3389
)

// payload is one format of an audio line: a payload type and what it stands for.
type payload struct {
	number     uint8
	name       string // encoding name of its rtpmap
	clock      int
	channels   int
	codec      call.Codec // NoCodec where it is none of those we know by name
	parameters string     // value of its fmtp
}

// is reports whether the payload carries the named encoding at that clock rate.
func (p payload) is(name string, clock int) bool {
	return p.clock == clock && strings.EqualFold(p.name, name)
}

// String is the payload as rtpmap writes it: "PCMU/8000", "opus/48000/2".
func (p payload) String() string {
	s := p.name + "/" + strconv.Itoa(p.clock)
	if p.channels > 1 {
		s += "/" + strconv.Itoa(p.channels)
	}
	return s
}

// payloads reads the formats of an audio line in their order. Formats that are
// no payload types, have no meaning or come twice are passed over. Payload types
// without an rtpmap mean what RFC 3551 says or, failing that, what the same
// number means in fallback: some peers leave the rtpmap out of an answer.
func (m *Media) payloads(fallback []payload) []payload {
	var maps, parameters [128]string
	for _, a := range m.Attributes {
		if a.Name != "rtpmap" && a.Name != "fmtp" {
			continue
		}
		format, value, _ := strings.Cut(a.Value, " ")
		n, ok := payloadType(format)
		if !ok {
			continue
		}
		if a.Name == "rtpmap" {
			maps[n] = strings.TrimSpace(value)
		} else {
			parameters[n] = strings.TrimSpace(value)
		}
	}
	var list []payload
	var seen [128]bool
	for _, format := range m.Formats {
		n, ok := payloadType(format)
		if !ok || seen[n] {
			continue
		}
		seen[n] = true
		p, ok := readMap(n, maps[n])
		if !ok {
			p, ok = implied(n, fallback)
		}
		if ok {
			p.parameters = parameters[n]
			list = append(list, p)
		}
	}
	return list
}

func payloadType(s string) (uint8, bool) {
	n, err := strconv.ParseUint(s, 10, 7)
	return uint8(n), err == nil
}

// readMap reads the value of an rtpmap after its payload type:
// name "/" clock ["/" channels].
func readMap(number uint8, value string) (payload, bool) {
	parts := strings.Split(value, "/")
	if len(parts) < 2 || len(parts) > 3 || !isToken(parts[0]) {
		return payload{}, false
	}
	clock, err := strconv.ParseUint(strings.TrimSpace(parts[1]), 10, 31)
	if err != nil || clock == 0 {
		return payload{}, false
	}
	channels := uint64(1)
	if len(parts) == 3 {
		if channels, err = strconv.ParseUint(strings.TrimSpace(parts[2]), 10, 8); err != nil || channels == 0 {
			return payload{}, false
		}
	}
	p := payload{number: number, name: parts[0], clock: int(clock), channels: int(channels)}
	p.codec = p.identify()
	return p, true
}

// identify finds the codec that the payload is, NoCodec for none of ours: the
// same name at another clock rate is another codec.
func (p payload) identify() call.Codec {
	for c := call.PCMU; c <= call.L16; c++ {
		if p.is(c.String(), c.ClockRate()) && p.channels <= channelsOf(c) {
			return c
		}
	}
	return call.NoCodec
}

// channelsOf is what rtpmap says of a codec: opus is always declared with two
// channels, whatever it carries (RFC 7587, 7).
func channelsOf(c call.Codec) int {
	if c == call.Opus {
		return 2
	}
	return 1
}

// implied is the meaning of a payload type that has no rtpmap.
func implied(number uint8, fallback []payload) (payload, bool) {
	if number == comfortType {
		return comfortAt(comfortClock, comfortType), true
	}
	for c := call.PCMU; c <= call.L16; c++ {
		if pt, ok := c.StaticPayloadType(); ok && pt == number {
			return payloadOf(c, number), true
		}
	}
	for _, p := range fallback {
		if p.number == number {
			return p, true
		}
	}
	return payload{}, false
}

// Comfort noise has a static payload type for clocks of 8000 only (RFC 3389, 4).
const (
	comfortType  = 13
	comfortClock = 8000
)

func payloadOf(c call.Codec, number uint8) payload {
	return payload{
		number: number, name: c.String(), clock: c.ClockRate(),
		channels: channelsOf(c), codec: c, parameters: parametersOf(c),
	}
}

func telephoneAt(clock int, number uint8) payload {
	return payload{number: number, name: telephoneEvent, clock: clock, channels: 1, parameters: "0-15"}
}

func comfortAt(clock int, number uint8) payload {
	return payload{number: number, name: comfortNoise, clock: clock, channels: 1}
}

// parametersOf is what we say of a codec in fmtp.
func parametersOf(c call.Codec) string {
	switch c {
	case call.G729:
		return "annexb=no"
	case call.ILBC:
		return "mode=20"
	case call.Opus:
		return "useinbandfec=1"
	}
	return ""
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`{|}~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// findCodec is the first payload of codec c.
func findCodec(list []payload, c call.Codec) (payload, bool) {
	for _, p := range list {
		if p.codec == c {
			return p, true
		}
	}
	return payload{}, false
}

// findEvent is the first payload of a named encoding that is no codec, at the
// clock rate of the audio that it accompanies.
func findEvent(list []payload, name string, clock int) (payload, bool) {
	for _, p := range list {
		if p.is(name, clock) {
			return p, true
		}
	}
	return payload{}, false
}

// Lengths of a frame that we send. They are held to whole tens of milliseconds,
// so that prompts need to be cut in a few ways only, whatever peers ask for.
const (
	shortestPTime = 10 * time.Millisecond
	longestPTime  = 60 * time.Millisecond
)

// frameUnit is what a frame's length must be a multiple of.
func frameUnit(c call.Codec) time.Duration {
	switch c {
	case call.GSM, call.ILBC, call.Speex, call.Opus:
		return 20 * time.Millisecond
	}
	return 10 * time.Millisecond
}

// sendingPTime is the length of the frames that we send: what the peer asks for
// in ptime, else our own wish, within its maxptime and what the codec can do.
func sendingPTime(peer *Media, wish time.Duration, c call.Codec) time.Duration {
	length := call.DefaultPTime
	if wish > 0 {
		length = wish
	}
	if asked, ok := peer.milliseconds("ptime"); ok {
		length = asked
	}
	if most, ok := peer.milliseconds("maxptime"); ok {
		length = min(length, most)
	}
	unit := frameUnit(c)
	return max(min(length, longestPTime).Truncate(unit), unit, shortestPTime)
}

// milliseconds reads ptime or maxptime; nonsense counts as absent.
func (m *Media) milliseconds(name string) (time.Duration, bool) {
	value, ok := m.Attribute(name)
	if !ok {
		return 0, false
	}
	ms, err := strconv.ParseFloat(value, 64)
	if err != nil || !(ms >= 1 && ms <= 1000) {
		return 0, false
	}
	return time.Duration(ms * float64(time.Millisecond)), true
}
