package call

import (
	"strconv"
	"time"
)

// Codec names a way to code media.
type Codec uint8

const (
	NoCodec Codec = iota
	Linear        // signed 16-bit samples in Frame.PCM; never on a wire
	PCMU          // ITU-T G.711 µ-law
	PCMA          // ITU-T G.711 A-law
	G722          // ITU-T G.722, 16 kHz
	GSM           // GSM 06.10 full rate
	G726          // ITU-T G.726-32
	G729
	ILBC
	Speex
	Opus
	L16 // linear in network byte order
	T38 // ITU-T T.38 fax
	numCodecs
)

// codecs describes each codec once: the name in SDP, the name that Asterisk's
// users write, the sample rate, the RTP clock rate and the static payload type.
var codecs = [numCodecs]struct {
	name, alias string
	rate, clock int
	payloadType int // -1: dynamic
}{
	NoCodec: {"none", "none", 0, 0, -1},
	Linear:  {"linear", "slin", 8000, 8000, -1},
	PCMU:    {"PCMU", "ulaw", 8000, 8000, 0},
	PCMA:    {"PCMA", "alaw", 8000, 8000, 8},
	G722:    {"G722", "g722", 16000, 8000, 9}, // RFC 3551, 4.5.2: the clock is 8000 by an old mistake
	GSM:     {"GSM", "gsm", 8000, 8000, 3},
	G726:    {"G726-32", "g726", 8000, 8000, -1},
	G729:    {"G729", "g729", 8000, 8000, 18},
	ILBC:    {"iLBC", "ilbc", 8000, 8000, -1},
	Speex:   {"speex", "speex", 8000, 8000, -1},
	Opus:    {"opus", "opus", 48000, 48000, -1},
	L16:     {"L16", "l16", 16000, 16000, -1},
	T38:     {"t38", "t38", 0, 0, -1},
}

// String is the encoding name of SDP (RFC 4566, a=rtpmap).
func (c Codec) String() string {
	if c >= numCodecs {
		return "codec " + strconv.Itoa(int(c))
	}
	return codecs[c].name
}

// Alias is the name in configuration, as Asterisk's users write it: "ulaw".
func (c Codec) Alias() string {
	if c >= numCodecs {
		return c.String()
	}
	return codecs[c].alias
}

// SampleRate is how many samples a second the codec codes, at its usual rate.
func (c Codec) SampleRate() int { return codecs[c].rate }

// ClockRate is how fast the RTP timestamp runs, in units a second.
func (c Codec) ClockRate() int { return codecs[c].clock }

// StaticPayloadType is the RTP payload type of RFC 3551; ok is false for codecs
// whose type is agreed in SDP.
func (c Codec) StaticPayloadType() (pt uint8, ok bool) {
	t := codecs[c].payloadType
	return uint8(max(t, 0)), t >= 0
}

// CodecByName finds a codec by its SDP name or its alias, in any letter case.
func CodecByName(name string) (Codec, bool) {
	for c := Linear; c < numCodecs; c++ {
		if equalFold(name, codecs[c].name) || equalFold(name, codecs[c].alias) {
			return c, true
		}
	}
	return NoCodec, false
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// Format is how audio is coded and cut into frames. It is comparable.
type Format struct {
	Codec    Codec
	Rate     int           // samples a second of the decoded audio
	Channels int           // 1 or 2
	PTime    time.Duration // length of one frame
}

// DefaultPTime is the length of a frame where nothing else is agreed.
const DefaultPTime = 20 * time.Millisecond

// FormatOf is the usual format of a codec: its own rate, mono, 20 ms.
func FormatOf(c Codec) Format {
	return Format{Codec: c, Rate: c.SampleRate(), Channels: 1, PTime: DefaultPTime}
}

// LinearAt is uncompressed mono audio at rate samples a second, 20 ms a frame.
func LinearAt(rate int) Format {
	return Format{Codec: Linear, Rate: rate, Channels: 1, PTime: DefaultPTime}
}

// IsZero reports whether no format was agreed.
func (f Format) IsZero() bool { return f.Codec == NoCodec }

// Samples is the number of samples of one channel in one frame.
func (f Format) Samples() int { return int(int64(f.Rate) * int64(f.PTime) / int64(time.Second)) }

// Ticks is by how much the RTP timestamp grows in one frame.
func (f Format) Ticks() uint32 {
	return uint32(int64(f.Codec.ClockRate()) * int64(f.PTime) / int64(time.Second))
}

// SameCoding reports whether a frame of one format can be sent as the other:
// all but the length of a frame is alike.
func (f Format) SameCoding(g Format) bool {
	return f.Codec == g.Codec && f.Rate == g.Rate && f.Channels == g.Channels
}

func (f Format) String() string {
	if f.IsZero() {
		return "none"
	}
	return f.Codec.Alias() + "/" + strconv.Itoa(f.Rate)
}

// FrameKind says what a frame carries.
type FrameKind uint8

const (
	Audio        FrameKind = iota
	Lost                   // a frame that should be here and is not
	ComfortNoise           // RFC 3389: Payload[0] is the level in -dBov
	Telephone              // RFC 4733 telephone-event: Payload is its 4 octets
)

// Frame is one packet's worth of media. It belongs to whoever passed it in.
type Frame struct {
	Kind      FrameKind
	Codec     Codec
	Marker    bool   // first after a silence, or first of a telephone-event
	Seq       uint16 // as received; senders number their own
	Timestamp uint32 // as received, in the codec's clock

	// Payload is the coded media, for every codec but Linear.
	Payload []byte
	// Packet is the buffer that Payload lies in, where it was received with
	// headers before it; a sender may reuse that room. nil where there is none.
	Packet []byte
	// PCM holds the samples when Codec is Linear; channels interleaved.
	PCM []int16
}
