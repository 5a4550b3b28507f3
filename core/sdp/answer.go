package sdp

import "github.com/moonwire/moonwire/core/call"

// Answer answers an offer, and says what the two come to.
//
// Each media line of the offer is answered in its place (RFC 3264, 6): the first
// audio line that we can take is taken, everything else is rejected. One codec
// is chosen and no more, so that the peer cannot change codecs on its own; with
// it go comfort noise and telephone-event where both sides have them. Payload
// types are those of the offer. The error is ErrNoAudio or a *NoCommonCodec.
func Answer(offer *Description, c Capabilities) (*Description, Agreement, error) {
	at, list, err := choose(offer, &c)
	if err != nil {
		return nil, Agreement{}, err
	}
	m := &offer.Media[at]
	a := offer.agree(at, c.Direction)
	chosen := list[0].codec
	a.take([]match{{send: list[0], receive: list[0]}}, formatOf(chosen, sendingPTime(m, c.PTime, chosen)))
	for i := range list {
		p := &list[i]
		switch {
		case p.codec != call.NoCodec:
			*p = payloadOf(p.codec, p.number)
		case p.is(comfortNoise, p.clock):
			a.ComfortSend, a.ComfortReceive = p.number, p.number
		default:
			a.TelephoneSend, a.TelephoneReceive, a.TelephoneClock = p.number, p.number, p.clock
			*p = telephoneAt(p.clock, p.number)
		}
	}
	_, mux := m.Attribute("rtcp-mux")
	c.RTCPMux = mux && c.RTCPMux
	a.setMux(c.RTCPMux)
	c.PTime = a.Format.PTime

	d := c.description()
	for i := range offer.Media {
		if i == at {
			d.Media = append(d.Media, c.media(m.Profile, list, a.Direction))
		} else {
			d.Media = append(d.Media, rejected(&offer.Media[i]))
		}
	}
	c.number(d)
	return d, a, nil
}

// choose finds the audio line to take, and its payloads to answer with: the
// codec first.
func choose(offer *Description, c *Capabilities) (at int, list []payload, err error) {
	err = ErrNoAudio
	for i := range offer.Media {
		m := &offer.Media[i]
		if m.Kind != "audio" || m.Port == 0 || !plays(m.Profile) {
			continue
		}
		offered := m.payloads(nil)
		chosen, ok := c.common(offered)
		if !ok {
			if err == ErrNoAudio {
				err = noCommonCodec(offered, c.Codecs)
			}
			continue
		}
		return i, c.accompany(chosen, offered), nil
	}
	return 0, nil, err
}

// common is the first codec that both sides have, in the order of the offer or
// of ours.
func (c *Capabilities) common(offered []payload) (payload, bool) {
	if c.PreferOurs {
		for _, codec := range c.Codecs {
			if p, ok := findCodec(offered, codec); ok && codec != call.NoCodec {
				return p, true
			}
		}
		return payload{}, false
	}
	for _, p := range offered {
		for _, codec := range c.Codecs {
			if p.codec == codec && codec != call.NoCodec {
				return p, true
			}
		}
	}
	return payload{}, false
}

// accompany adds comfort noise and telephone-event to the chosen codec where
// both sides have them.
func (c *Capabilities) accompany(chosen payload, offered []payload) []payload {
	list := []payload{chosen}
	if c.ComfortNoise {
		if p, ok := findEvent(offered, comfortNoise, chosen.clock); ok {
			list = append(list, p)
		}
	}
	if c.Telephone {
		p, ok := findEvent(offered, telephoneEvent, chosen.clock)
		if !ok {
			p, ok = findEvent(offered, telephoneEvent, 8000)
		}
		if ok {
			list = append(list, p)
		}
	}
	return list
}
