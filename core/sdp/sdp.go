// Package sdp reads and writes session descriptions (RFC 8866) and works out
// what two of them come to (offer and answer, RFC 3264).
//
// A Description keeps what a telephone switch needs of the text: whose session
// it is, where media goes, and the media lines with their attributes in order.
// Everything else that the format knows (times, bandwidth, e-mail addresses)
// has no meaning in a call and is passed over. Offer, Answer and Accept are the
// three things that a caller does with it; each takes our Capabilities and the
// last two give an Agreement, which is all that the media side needs to know.
//
// The package is pure: no sockets, no clock, no state between calls. What lasts
// over a dialog, our previous description, is an argument.
package sdp

import (
	"strings"
)

// ContentType is the media type of a description in a SIP body.
const ContentType = "application/sdp"

// Description is one session description.
type Description struct {
	Origin     Origin
	Name       string // s=
	Connection string // address of the session's c= line; "" where there is none
	Attributes []Attribute
	Media      []Media
}

// Origin is the o= line. Peers' numbers may be longer than 64 bits, so they are
// kept as text; they are compared and never computed with.
type Origin struct {
	User      string
	SessionID string
	Version   string
	Address   string
}

// Media is one m= line and the lines that belong to it.
type Media struct {
	Kind       string // "audio", "video", "image", "application"
	Port       int    // 0 = rejected or ended
	Profile    string // "RTP/AVP", in the letter case it came in
	Formats    []string
	Connection string // address of its own c= line; "" = the session's
	Attributes []Attribute
}

// Attribute is one a= line; Value is empty for property attributes.
type Attribute struct {
	Name  string
	Value string
}

// Attribute is the value of the first attribute of that name.
func (m *Media) Attribute(name string) (value string, ok bool) {
	return find(m.Attributes, name)
}

// Attribute is the value of the first session-level attribute of that name.
func (d *Description) Attribute(name string) (value string, ok bool) {
	return find(d.Attributes, name)
}

func find(list []Attribute, name string) (string, bool) {
	for i := range list {
		if list[i].Name == name {
			return list[i].Value, true
		}
	}
	return "", false
}

// Audio is the index of the first audio line that is not rejected, -1 where
// there is none.
func (d *Description) Audio() int {
	for i := range d.Media {
		if d.Media[i].Kind == "audio" && d.Media[i].Port != 0 {
			return i
		}
	}
	return -1
}

// Direction is what the author of the description wants to do on media line i:
// its own attribute, else the session's, else send and receive. A connection
// address of zero is the hold of RFC 2543: the author does not want to hear us
// (RFC 3264, 8.4).
func (d *Description) Direction(i int) Direction {
	direction, ok := directionIn(d.Media[i].Attributes)
	if !ok {
		direction, _ = directionIn(d.Attributes)
	}
	if isZeroAddress(d.host(i)) {
		direction = direction.And(SendOnly)
	}
	return direction
}

func directionIn(list []Attribute) (Direction, bool) {
	for i := range list {
		if d, ok := directionNamed(list[i].Name); ok {
			return d, true
		}
	}
	return SendReceive, false
}

func (d *Description) host(i int) string {
	if c := d.Media[i].Connection; c != "" {
		return c
	}
	return d.Connection
}

func isZeroAddress(host string) bool {
	return host == "0.0.0.0" || strings.Trim(host, "0:") == "" && strings.Contains(host, "::")
}

// Direction says who sends on a stream, seen from one side.
type Direction uint8

const (
	SendReceive Direction = iota
	SendOnly
	ReceiveOnly
	Inactive
)

var directionNames = [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}

// String is the attribute of RFC 8866, 6.7.
func (d Direction) String() string { return directionNames[d] }

func directionNamed(name string) (Direction, bool) {
	for d, n := range directionNames {
		if n == name {
			return Direction(d), true
		}
	}
	return SendReceive, false
}

// Sends reports whether the side sends.
func (d Direction) Sends() bool { return d == SendReceive || d == SendOnly }

// Receives reports whether the side receives.
func (d Direction) Receives() bool { return d == SendReceive || d == ReceiveOnly }

// Reverse is the same stream seen from the other side.
func (d Direction) Reverse() Direction { return directionOf(d.Receives(), d.Sends()) }

// And is what remains when both d and e restrict the same side.
func (d Direction) And(e Direction) Direction {
	return directionOf(d.Sends() && e.Sends(), d.Receives() && e.Receives())
}

func directionOf(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendReceive
	case sends:
		return SendOnly
	case receives:
		return ReceiveOnly
	}
	return Inactive
}
