package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// Capabilities is what we can and want to do in one call. It is plain data; the
// zero Direction is send and receive.
type Capabilities struct {
	Address  netip.Addr // that peers are told
	Port     int        // of RTP
	RTCPPort int        // 0 = Port+1

	SessionID uint64 // the same in all descriptions of a dialog; below 1<<62, for peers with signed numbers
	Version   uint64 // of the first description

	// Previous is the last description that we sent in this dialog, offer or
	// answer, nil for the first. From it come the order of media lines, the
	// numbers of payload types and the version, which grows by one where
	// anything changed and else stays (RFC 3264, 8).
	Previous *Description

	Codecs       []call.Codec  // in order of preference
	PreferOurs   bool          // answers follow the order of Codecs rather than the offer's
	PTime        time.Duration // wished; 0 = 20 ms
	MaxPTime     time.Duration // 0 = not said
	Telephone    bool          // telephone-event, RFC 4733
	ComfortNoise bool          // RFC 3389
	RTCPMux      bool          // RFC 5761
	Direction    Direction     // what we want to do: SendOnly holds the peer
}

// Agreement is what offer and answer came to, from our side. It is comparable:
// two equal Agreements need the same media.
type Agreement struct {
	// Remote is where the peer wants its RTP. Its address is not valid where
	// the peer gave none that can be sent to: a name, or 0.0.0.0 for a hold.
	Remote     netip.AddrPort
	RemoteRTCP netip.AddrPort

	// Format is the audio that we send, and what we expect to receive.
	Format     call.Format
	Parameters string // the peer's fmtp for it

	// Payload types: ours to put on what we send, and theirs on what comes.
	SendType, ReceiveType           uint8
	TelephoneSend, TelephoneReceive uint8 // 0 = none
	ComfortSend, ComfortReceive     uint8 // 0 = none
	TelephoneClock                  int   // clock rate of telephone-events
	Also                            [3]Choice
	Direction                       Direction // what we do
	RTCPMux                         bool
	OnHold                          bool // the peer does not want to hear us, though we would send
}

// Choice is a further codec that was agreed: the peer may change to it at any
// moment without asking (RFC 3264, 5.1). Codec is NoCodec in unused places.
type Choice struct {
	Codec                 call.Codec
	SendType, ReceiveType uint8
}

// Errors of Answer and Accept, beside *NoCommonCodec.
var (
	// ErrNoAudio says that a description has no audio line that we could take:
	// none at all, or with a transport profile that we do not speak.
	ErrNoAudio = errors.New("no audio line that we can take")
	// ErrRejected says that the answer refuses the audio that we offered.
	ErrRejected = errors.New("the answer refuses audio")
)

// NoCommonCodec says that two sides have no codec in common. SIP answers it
// with 488 and a Warning.
type NoCommonCodec struct {
	Theirs []string // as their rtpmaps have it
	Ours   []string
}

func (e *NoCommonCodec) Error() string {
	return fmt.Sprintf("no codec in common: they have %s; we have %s", listed(e.Theirs), listed(e.Ours))
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

const mostNames = 16 // of a peer's codecs in an error

func noCommonCodec(theirs []payload, ours []call.Codec) error {
	e := &NoCommonCodec{}
	for _, p := range theirs[:min(len(theirs), mostNames)] {
		if !strings.EqualFold(p.name, telephoneEvent) && !strings.EqualFold(p.name, comfortNoise) {
			e.Theirs = append(e.Theirs, p.String())
		}
	}
	for _, c := range ours {
		e.Ours = append(e.Ours, payloadOf(c, 0).String())
	}
	return e
}

// agree fills in what follows from the peer's media line i: addresses and
// direction, where wanted is what we would like to do.
func (d *Description) agree(i int, wanted Direction) Agreement {
	m := &d.Media[i]
	theirs := d.Direction(i)
	a := Agreement{
		Direction: wanted.And(theirs.Reverse()),
		OnHold:    wanted.Sends() && !theirs.Receives(),
	}
	address, err := netip.ParseAddr(d.host(i))
	address = address.Unmap().WithZone("")
	if err != nil || address.IsUnspecified() {
		return a
	}
	a.Remote = netip.AddrPortFrom(address, uint16(m.Port))
	a.RemoteRTCP = m.rtcp(a.Remote)
	return a
}

// rtcp is where the peer wants its RTCP: the attribute of RFC 3605, else the
// port above that of RTP.
func (m *Media) rtcp(rtp netip.AddrPort) netip.AddrPort {
	if rtp.Port() == 65535 {
		return rtp
	}
	usual := netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1)
	value, ok := m.Attribute("rtcp")
	if !ok {
		return usual
	}
	f := strings.Fields(value)
	if len(f) == 0 {
		return usual
	}
	port, err := strconv.ParseUint(f[0], 10, 16)
	if err != nil || port == 0 {
		return usual
	}
	address := rtp.Addr()
	if len(f) >= 4 {
		if said, err := netip.ParseAddr(f[3]); err == nil && !said.IsUnspecified() {
			address = said.Unmap().WithZone("")
		}
	}
	return netip.AddrPortFrom(address, uint16(port))
}

// match is one codec in both directions: what the peer expects, and what we do.
type match struct{ send, receive payload }

// take puts the codecs that were agreed into a, the first of them as Format.
func (a *Agreement) take(matches []match, format call.Format) {
	a.Format = format
	a.Parameters = matches[0].send.parameters
	a.SendType, a.ReceiveType = matches[0].send.number, matches[0].receive.number
	for i, m := range matches[1:min(len(matches), 1+len(a.Also))] {
		a.Also[i] = Choice{Codec: m.send.codec, SendType: m.send.number, ReceiveType: m.receive.number}
	}
}

func formatOf(c call.Codec, length time.Duration) call.Format {
	f := call.FormatOf(c)
	f.PTime = length
	return f
}
