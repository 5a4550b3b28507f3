package trace

import (
	"log/slog"
	"slices"
	"time"
)

// Kind is what an event is about. The words of Kind.String are what timelines
// and their JSON show, and stay as they are.
type Kind uint8

// The attributes that events of each kind carry are named beside it; File and
// Line are set wherever a script caused the event.
const (
	Begin    Kind = iota // a call came: caller, name, context, extension, peer, version
	Enter                // an extension begins to serve it: context, extension, pattern, in; File and Line say where it is declared
	Step                 // a script does something: app, args; of a translated dialplan also priority; context, extension, pattern, in
	Message              // signalling went out or came in: see Event.Packet
	State                // the leg came further: state; of one that was dialled also target
	Answer               // the leg was answered: by
	Digit                // a key came: key, via
	SendKeys             // keys were sent: keys
	Play                 // a prompt, tone or recording begins: prompt or tone or recording; language; missing
	PlayEnd              // it ended: status, key where one broke it off
	Say                  // a number, date or the like is said: as, value
	Record               // a recording ended: path, duration, status
	Dial                 // targets are called: target, timeout
	DialEnd              // how that came out: target, status, cause, reason, duration
	Bridge               // two legs were joined or parted: with, on
	Hold                 // one end put the other on hold or took it back: on, by
	Transfer             // one end wants the other to talk to another party: to, replaces, by
	Media                // how the media of the leg fared: received, sent, lost, far_lost, jitter, far_jitter, roundtrip, dropped; or format, or silence
	Store                // the shared store was used: op, family, key, value, duration, error
	HTTP                 // a request came back: method, url, status, code, duration
	Mail                 // a message was sent: to, subject
	Run                  // a program was run: command, status
	Log                  // a script logged: level, text
	Variable             // a variable of the call changed: name, value
	Refused              // what the site's capabilities do not grant was asked for: what
	HangUp               // a leg ended: cause, status, reason, by
	Error                // a script or a primitive failed: where, message, traceback
	End                  // the call is over: status, cause, duration, talk
	kinds
)

var kindWords = [kinds]string{
	"begin", "enter", "step", "message", "state", "answer", "digit", "sendkeys", "play", "playend", "say", "record",
	"dial", "dialend", "bridge", "hold", "transfer", "media", "store", "http", "mail", "run", "log",
	"variable", "refused", "hangup", "error", "end",
}

func (k Kind) String() string {
	if k < kinds {
		return kindWords[k]
	}
	return "unknown"
}

// kindNamed is the reverse of Kind.String.
func kindNamed(word string) (Kind, bool) {
	for k, w := range kindWords {
		if w == word {
			return Kind(k), true
		}
	}
	return 0, false
}

// Event is one thing that happened to a leg. It is a value; what its slices hold
// is never changed after it was noted.
type Event struct {
	At    time.Time
	Order uint64 // grows with each event of a Recorder, tells apart what happened at the same time
	Leg   string // the leg that it happened to
	Kind  Kind
	Line  int    // in File
	File  string // of the script, "" where none was involved
	Attrs []slog.Attr
	// Packet is what a Message looked like on the wire.
	Packet *Packet
}

// Attr returns an attribute's value; the zero Value where the event has none.
func (e *Event) Attr(key string) slog.Value {
	for _, a := range e.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return slog.Value{}
}

// detached is the event with what it points to copied.
func (e *Event) detached() Event {
	d := *e
	d.Attrs = slices.Clone(e.Attrs)
	if e.Packet != nil {
		p := *e.Packet
		p.Data = slices.Clone(p.Data)
		d.Packet = &p
	}
	return d
}

// text is an attribute as it is shown, "" where there is none.
func (e *Event) text(key string) string {
	v := e.Attr(key)
	if v.Kind() == slog.KindAny && v.Any() == nil {
		return ""
	}
	return v.String()
}

// earlier orders events: by time, and in one moment as they were noted.
func earlier(a, b Event) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	if a.Order < b.Order {
		return -1
	}
	return 1
}
