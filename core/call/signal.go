package call

import "time"

// Signal is an instruction to a leg: one of the types of this file.
type Signal interface{ signal() }

type (
	// Ring tells the caller that the called party is alerted (SIP 180).
	Ring struct{}

	// Progress opens media to the caller before the answer (SIP 183 with SDP).
	Progress struct{}

	// Answer connects the call.
	Answer struct{}

	// Hangup ends the call: it refuses one that is not answered, cancels one that
	// is being dialled, ends one that is connected.
	Hangup struct {
		Cause Cause
		// Status, where not 0, is the exact SIP status of a refusal.
		Status int
		// Reason, where not "", replaces the reason phrase.
		Reason string
		// RetryAfter, where not 0, tells when to try again.
		RetryAfter time.Duration
	}

	// SendDigits plays DTMF to the far end by whatever means was agreed.
	SendDigits struct {
		Digits   string        // 0-9 * # A-D, and w for a pause of half a second
		Duration time.Duration // of each digit; 0 means 100 ms
		Gap      time.Duration // between digits; 0 means 100 ms
	}

	// Hold puts the far end on hold, or takes it back.
	Hold struct{ On bool }

	// Transfer asks the far end to call another address instead of us (SIP REFER).
	Transfer struct{ To string }

	// RefuseTransfer tells the far end that the transfer which it asked for will
	// not be done; the call goes on.
	RefuseTransfer struct {
		Status int // why, as a SIP status: 404 for a number that does not exist
	}

	// Redirect answers an incoming call with another address (SIP 302).
	Redirect struct{ To string }

	// Identify changes the identity shown to the far end.
	Identify struct{ Party Party }
)

func (Ring) signal()           {}
func (Progress) signal()       {}
func (Answer) signal()         {}
func (Hangup) signal()         {}
func (SendDigits) signal()     {}
func (Hold) signal()           {}
func (Transfer) signal()       {}
func (RefuseTransfer) signal() {}
func (Redirect) signal()       {}
func (Identify) signal()       {}

// Event is something that happened on a leg: one of the types below.
type Event interface{ event() }

type (
	// Alerting says that the far end rings (SIP 180).
	Alerting struct{}

	// EarlyMedia says that the far end sends sound before the answer (SIP 183).
	EarlyMedia struct{}

	// Connected says that the call was answered.
	Connected struct{}

	// Digit is one key of DTMF.
	Digit struct {
		Key      byte          // '0'-'9' '*' '#' 'A'-'D'
		Duration time.Duration // how long it was held, 0 where not known
		Via      DigitMethod
	}

	// HeldChanged says that the far end put us on hold or took us back.
	HeldChanged struct{ On bool }

	// MediaChanged says that the format or address of media was agreed anew.
	MediaChanged struct{ Format Format }

	// TransferAsked says that the far end wants us to call another address. Where
	// it asks for a transfer to someone whom it talks to already, its own line
	// connects the two, and nothing is told.
	TransferAsked struct {
		To      string
		Context string // where numbers that the far end dials are looked up, "" where it dials none
	}

	// MediaLost says that nothing was received for this long.
	MediaLost struct{ Silence time.Duration }

	// HungUp is the last event of every leg.
	HungUp struct {
		Cause  Cause
		Status int    // SIP status, 0 where there was none
		Reason string // in the far end's words
		ByUs   bool   // our signal ended it
	}
)

func (Alerting) event()      {}
func (EarlyMedia) event()    {}
func (Connected) event()     {}
func (Digit) event()         {}
func (HeldChanged) event()   {}
func (MediaChanged) event()  {}
func (TransferAsked) event() {}
func (MediaLost) event()     {}
func (HungUp) event()        {}

// DigitMethod is how a DTMF digit came.
type DigitMethod uint8

const (
	ViaRTP    DigitMethod = iota // RFC 4733 telephone-event
	ViaInfo                      // SIP INFO
	ViaInband                    // tones in the audio
)

func (m DigitMethod) String() string { return [...]string{"rtp", "info", "inband"}[m] }
