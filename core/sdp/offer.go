package sdp

import (
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

const plainProfile = "RTP/AVP"

// plays reports whether we speak a transport profile. AVPF differs from AVP in
// when RTCP may be sent, which binds only who wants to send more of it (RFC
// 4585, 3.6), so it is taken and answered in kind.
func plays(profile string) bool {
	return strings.EqualFold(profile, plainProfile) || strings.EqualFold(profile, "RTP/AVPF")
}

// Offer describes what we propose: one audio line with all our codecs. After an
// earlier exchange (Capabilities.Previous) its other media lines stay where
// they were, rejected.
func Offer(c Capabilities) *Description {
	numbers := numbersOf(c.Previous)
	audio := c.media(plainProfile, c.payloads(numbers), c.Direction)
	d := c.description()
	at := -1
	if c.Previous != nil {
		for i := range c.Previous.Media {
			d.Media = append(d.Media, rejected(&c.Previous.Media[i]))
		}
		at = c.Previous.Audio()
	}
	if at < 0 {
		d.Media = append(d.Media, audio)
	} else {
		audio.Profile = c.Previous.Media[at].Profile
		d.Media[at] = audio
	}
	c.number(d)
	return d
}

// Accept reads the answer to our offer.
//
// The audio line is the one at the place of ours; where a peer lost the order of
// lines, its first audio line is taken. The answer's first codec counts. The
// error is ErrRejected, ErrNoAudio or a *NoCommonCodec.
func Accept(offer, answer *Description, c Capabilities) (Agreement, error) {
	at := offer.Audio()
	if at < 0 {
		return Agreement{}, ErrNoAudio
	}
	ours := &offer.Media[at]
	if at >= len(answer.Media) || answer.Media[at].Kind != "audio" {
		if at = answer.Audio(); at < 0 {
			return Agreement{}, ErrNoAudio
		}
	}
	theirs := &answer.Media[at]
	if theirs.Port == 0 {
		return Agreement{}, ErrRejected
	}
	offered := ours.payloads(nil)
	answered := theirs.payloads(offered)
	var matches []match
	for _, p := range answered {
		if p.codec == call.NoCodec || matched(matches, p.codec) {
			continue
		}
		if o, ok := findCodec(offered, p.codec); ok {
			matches = append(matches, match{send: p, receive: o})
		}
	}
	if len(matches) == 0 {
		return Agreement{}, noCommonCodec(answered, c.Codecs)
	}

	a := answer.agree(at, offer.Direction(offer.Audio()))
	codec := matches[0].send.codec
	a.take(matches, formatOf(codec, sendingPTime(theirs, c.PTime, codec)))
	clock := codec.ClockRate()
	if event, own, ok := inBoth(answered, offered, telephoneEvent, clock); ok {
		a.TelephoneSend, a.TelephoneReceive, a.TelephoneClock = event.number, own.number, event.clock
	}
	if noise, own, ok := inBoth(answered, offered, comfortNoise, clock); ok {
		a.ComfortSend, a.ComfortReceive = noise.number, own.number
	}
	_, muxOffered := ours.Attribute("rtcp-mux")
	_, muxAnswered := theirs.Attribute("rtcp-mux")
	a.setMux(muxOffered && muxAnswered)
	return a, nil
}

func matched(list []match, c call.Codec) bool {
	for _, m := range list {
		if m.send.codec == c {
			return true
		}
	}
	return false
}

// inBoth finds an event encoding in both lists: at the clock of the codec, as
// RFC 4733, 2.1, wants it, else at 8000, as many devices have it beside any codec.
func inBoth(theirs, ours []payload, name string, clock int) (their, our payload, ok bool) {
	for _, rate := range [...]int{clock, 8000} {
		their, found := findEvent(theirs, name, rate)
		our, have := findEvent(ours, name, rate)
		if found && have {
			return their, our, true
		}
	}
	return payload{}, payload{}, false
}

func (a *Agreement) setMux(on bool) {
	if a.RTCPMux = on; on {
		a.RemoteRTCP = a.Remote
	}
}

// description is the part above the media lines.
func (c *Capabilities) description() *Description {
	address := c.Address.Unmap().WithZone("").String()
	return &Description{
		Origin: Origin{
			SessionID: strconv.FormatUint(c.SessionID, 10),
			Version:   strconv.FormatUint(c.Version, 10),
			Address:   address,
		},
		Name:       "moonwire",
		Connection: address,
	}
}

// number sets the version of d: that of the previous description, plus one if
// anything else differs (RFC 3264, 8).
func (c *Capabilities) number(d *Description) {
	if c.Previous == nil {
		return
	}
	d.Origin.Version = c.Previous.Origin.Version
	if d.Equal(c.Previous) {
		return
	}
	last, err := strconv.ParseUint(c.Previous.Origin.Version, 10, 64)
	if err != nil {
		last = c.Version
	}
	d.Origin.Version = strconv.FormatUint(last+1, 10)
}

// media is an audio line of ours with the given payloads.
func (c *Capabilities) media(profile string, list []payload, direction Direction) Media {
	m := Media{Kind: "audio", Port: c.Port, Profile: profile}
	add := func(name, value string) {
		m.Attributes = append(m.Attributes, Attribute{Name: name, Value: value})
	}
	for _, p := range list {
		number := strconv.Itoa(int(p.number))
		m.Formats = append(m.Formats, number)
		add("rtpmap", number+" "+p.String())
		if p.parameters != "" {
			add("fmtp", number+" "+p.parameters)
		}
	}
	wish := c.PTime
	if wish <= 0 {
		wish = call.DefaultPTime
	}
	add("ptime", milliseconds(wish))
	if c.MaxPTime > 0 {
		add("maxptime", milliseconds(c.MaxPTime))
	}
	if c.RTCPPort != 0 && c.RTCPPort != c.Port+1 {
		add("rtcp", strconv.Itoa(c.RTCPPort))
	}
	if c.RTCPMux {
		add("rtcp-mux", "")
	}
	add(direction.String(), "")
	return m
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// rejected answers a media line with a refusal: port 0, and a format because
// the grammar wants one (RFC 3264, 6).
func rejected(m *Media) Media {
	return Media{Kind: m.Kind, Profile: m.Profile, Formats: m.Formats[:min(len(m.Formats), 1)]}
}

// payloads is everything that we offer: codecs in order of preference, then for
// each clock rate among them comfort noise and telephone-event.
func (c *Capabilities) payloads(n *numbers) []payload {
	var list []payload
	var clocks []int
	for _, codec := range c.Codecs {
		if _, twice := findCodec(list, codec); twice || codec < call.PCMU || codec > call.L16 {
			continue
		}
		p := payloadOf(codec, 0)
		p.number = n.of(p)
		list = append(list, p)
		if !contains(clocks, p.clock) {
			clocks = append(clocks, p.clock)
		}
	}
	for _, clock := range clocks {
		if c.ComfortNoise {
			p := comfortAt(clock, 0)
			p.number = n.of(p)
			list = append(list, p)
		}
	}
	for _, clock := range clocks {
		if c.Telephone {
			p := telephoneAt(clock, 0)
			p.number = n.of(p)
			list = append(list, p)
		}
	}
	return list
}

func contains(list []int, n int) bool {
	for _, have := range list {
		if have == n {
			return true
		}
	}
	return false
}
