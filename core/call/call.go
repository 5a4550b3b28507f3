// Package call says what every kind of line has in common.
//
// A SIP dialog, an IAX2 call, a TDM timeslot and a browser are all a Leg: it
// has facts about itself (Info), takes signals (ring, answer, hang up), tells
// events (answered, a digit, hung up) and moves media through a Port. Whatever
// is above an endpoint — bridges, scripts, recordings, faxes — knows only this
// package and never asks what kind of line it holds.
//
// The package does no input or output and imports the standard library only.
package call

import (
	"context"
	"errors"
	"time"
)

// Endpoint is one technology that makes and takes calls: SIP, IAX2, TDM.
type Endpoint interface {
	// Name is the word before the slash in a dialled target: "sip".
	Name() string

	// Serve takes calls until ctx ends and hands each incoming Leg to accept,
	// which must return at once. Existing legs outlive Serve.
	Serve(ctx context.Context, accept func(Leg)) error

	// Dial starts an outgoing call and returns before it is answered; what
	// becomes of it is told by the Leg's events. An error says that no attempt
	// could be made at all, and wraps one of the Err values of this package
	// where one fits. Cancelling ctx abandons an attempt not yet answered.
	Dial(ctx context.Context, to Target) (Leg, error)
}

// Leg is one party's side of a call. Its methods may be called from any goroutine.
type Leg interface {
	// Info is the present state of what is known about the leg.
	Info() Info

	// Send carries out a signal and returns when it is on its way, not when the
	// far end has agreed. ErrHungUp says that the leg is gone, ErrNotSupported
	// that this kind of line cannot do it.
	Send(ctx context.Context, s Signal) error

	// Events delivers what happens on the leg, in order. The last event is
	// always HungUp, after which the channel is closed. There is one reader; it
	// releases the clock once for each event it has dealt with (see EventQueue).
	Events() <-chan Event

	// Media is the leg's audio. It exists from the start, is silent until media
	// is agreed, and ends with the leg.
	Media() Port
}

// Port is where audio enters and leaves a leg. All of its methods are called by
// the one media worker that owns the leg, and none of them blocks.
type Port interface {
	// Format is what ReadFrame delivers and WriteFrame accepts without
	// conversion. It is the zero Format until media is agreed, and may change
	// when it is agreed anew.
	Format() Format

	// ReadFrame fills f with the next frame due, one ptime of audio. It returns
	// ErrNoFrame when there is none now; a Lost frame asks for concealment.
	// f.Payload stays valid until the next call.
	ReadFrame(f *Frame) error

	// WriteFrame sends f. The payload is not kept; where f.Packet has room
	// before the payload it may be overwritten by headers.
	WriteFrame(f *Frame) error

	// Close ends the port. It may be called more than once.
	Close() error
}

// Pusher is a Port that can hand over each frame the moment it arrives, instead
// of keeping it for ReadFrame. The sink runs on the owning worker, must not
// block and must not keep the frame. A nil sink goes back to ReadFrame.
type Pusher interface {
	Push(sink func(*Frame))
}

// Filter changes a frame in passing: gain, a detector, a tap.
type Filter interface {
	Apply(f *Frame) error
}

// Errors that endpoints, legs and ports return.
var (
	// ErrHungUp says that the leg has ended.
	ErrHungUp = errors.New("the call has ended")
	// ErrNotSupported says that this kind of line cannot do what was asked.
	ErrNotSupported = errors.New("not supported by this line")
	// ErrNoFrame says that a port has no frame to deliver now.
	ErrNoFrame = errors.New("no frame now")
	// ErrUnknownTarget says that what was dialled names nothing that exists.
	ErrUnknownTarget = errors.New("no such phone or trunk")
	// ErrUnreachable says that a phone is not registered or a trunk is down.
	ErrUnreachable = errors.New("not reachable now")
	// ErrBusy says that a phone has as many calls as it may have.
	ErrBusy = errors.New("busy")
	// ErrExhausted says that ports, channels or another limit are used up.
	ErrExhausted = errors.New("no capacity left")
)

// Info is what is known about a leg at one moment. It is a value: later changes
// do not show in a copy.
type Info struct {
	ID        string   // unique in the process; on every line of the log
	Endpoint  string   // technology: "sip"
	Peer      string   // the phone or trunk that the leg belongs to, "" for guests
	Incoming  bool     // the far end called us
	State     State    // how far the call has come
	Context   string   // where the dialled number is looked up
	Extension string   // the number that was dialled
	Caller    Party    // who calls
	Called    Party    // who is called, where the far end says so
	Language  string   // of prompts: "en"
	Remote    string   // address of the far end's signalling, for the log
	Format    Format   // of the agreed media
	Held      bool     // the far end has put us on hold
	Cause     Cause    // why it ended, once State is Ended
	Protocol  Protocol // identifiers of the line's own protocol
	Features  Features // what this kind of line can do
	Quality   Quality  // of its media so far
}

// Quality is how the media of a leg fares, as RTCP counts it (RFC 3550, 6.4).
type Quality struct {
	Received, Sent uint64        // packets
	Lost           int64         // packets that should have come
	FarLost        int64         // packets of ours that the far end misses
	Jitter         time.Duration // of what comes
	FarJitter      time.Duration // of what arrives there
	RoundTrip      time.Duration // 0 = not known
	Dropped        uint64        // packets that came and were not used: foreign, late, garbage
}

// Meter is a Port that knows its Quality. Any goroutine.
type Meter interface{ Quality() Quality }

// Protocol holds what a line's own protocol calls things.
type Protocol struct {
	CallID string              // SIP Call-ID
	Header func(string) string // first value of a header of the first message; nil where there are none
}

// Party is one end of a call as it is shown to the other.
type Party struct {
	Number       string
	Name         string
	Presentation Presentation
}

// Presentation says whether a party's number may be shown (Q.931, 4.5.10).
type Presentation uint8

const (
	Allowed Presentation = iota
	Withheld
	Unavailable
)

func (p Presentation) String() string {
	return [...]string{"allowed", "withheld", "unavailable"}[p]
}

// State is how far a leg has come. It only ever grows.
type State uint8

const (
	Trying   State = iota // nothing heard yet
	Ringing               // the called party is alerted
	Early                 // media flows before the answer
	Answered              // talking
	Ended                 // hung up, by either side
)

func (s State) String() string {
	return [...]string{"trying", "ringing", "early", "answered", "ended"}[s]
}

// Features is a set of things that a line can do.
type Features uint16

const (
	CanHold Features = 1 << iota
	CanTransfer
	CanEarlyMedia
	CanSendText
	CanFax // T.38
)

// Has reports whether all of f are in the set.
func (s Features) Has(f Features) bool { return s&f == f }

// Target is what is dialled.
type Target struct {
	// Address is what follows the technology and its slash: "1001",
	// "0123456789@ovh", "sip:bob@example.org".
	Address string
	// Caller is shown to the called party.
	Caller Party
	// Beside is a leg that will probably be bridged to the new one; endpoints
	// prefer its media worker and its codec. It may be nil.
	Beside Leg
	// Codecs, where not empty, replaces the codecs of the peer's configuration.
	Codecs []Codec
	// Headers are extra protocol headers, name and value.
	Headers [][2]string
	// Language and Context are given to the new leg's Info.
	Language string
	Context  string
}
