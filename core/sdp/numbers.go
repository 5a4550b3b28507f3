package sdp

import (
	"strings"

	"github.com/moonwire/moonwire/core/call"
)

// Dynamic payload types are 96 to 127 (RFC 3551, 3).
const (
	firstDynamic = 96
	lastDynamic  = 127
)

// usual is the dynamic payload type that we choose where nothing speaks against
// it. Being always the same it cannot change in the course of a dialog; 101 for
// telephone-event is what administrators expect to see in a trace.
var usual = map[string]uint8{
	"telephone-event/8000":  101,
	"telephone-event/16000": 102,
	"telephone-event/48000": 103,
	"cn/16000":              104,
	"cn/48000":              105,
	"opus/48000/2":          107,
	"g726-32/8000":          111,
	"ilbc/8000":             97,
	"speex/8000":            110,
	"l16/16000":             118,
}

// numbers gives out payload types. It remembers what each number has stood for
// in this dialog, because that must never change (RFC 3264, 8.3.2).
type numbers struct {
	meaning [128]string // rtpmap in small letters, "" = free
}

func numbersOf(previous *Description) *numbers {
	n := &numbers{}
	if previous == nil {
		return n
	}
	if at := previous.Audio(); at >= 0 {
		for _, p := range previous.Media[at].payloads(nil) {
			n.meaning[p.number] = strings.ToLower(p.String())
		}
	}
	return n
}

// of is the payload type for p: its static one, the one that it had before, the
// usual one, or any that is free.
func (n *numbers) of(p payload) uint8 {
	if p.is(comfortNoise, comfortClock) {
		return comfortType
	}
	if p.codec != call.NoCodec {
		if pt, ok := p.codec.StaticPayloadType(); ok {
			return pt
		}
	}
	key := strings.ToLower(p.String())
	for number := firstDynamic; number <= lastDynamic; number++ {
		if n.meaning[number] == key {
			return uint8(number)
		}
	}
	number := usual[key]
	for free := uint8(firstDynamic); (number == 0 || n.meaning[number] != "") && free <= lastDynamic; free++ {
		number = free
	}
	n.meaning[number] = key
	return number
}
