package call

import "strconv"

// Cause is why a call ended: a cause value of ITU-T Q.850.
type Cause uint8

const (
	CauseNone               Cause = 0
	CauseUnallocated        Cause = 1
	CauseNoRoute            Cause = 3
	CauseMisdialled         Cause = 5
	CauseNormal             Cause = 16
	CauseBusy               Cause = 17
	CauseNoResponse         Cause = 18
	CauseNoAnswer           Cause = 19
	CauseAbsent             Cause = 20
	CauseRejected           Cause = 21
	CauseNumberChanged      Cause = 22
	CauseRejectedElsewhere  Cause = 26 // "non-selected user clearing": another phone took the call
	CauseDestinationFailed  Cause = 27
	CauseInvalidNumber      Cause = 28
	CauseFacilityRejected   Cause = 29
	CauseUnspecified        Cause = 31
	CauseCongestion         Cause = 34
	CauseNetworkFailure     Cause = 38
	CauseTemporaryFailure   Cause = 41
	CauseSwitchCongestion   Cause = 42
	CauseChannelUnavailable Cause = 44
	CauseNoFacility         Cause = 50
	CauseBarred             Cause = 57
	CauseBearerUnavailable  Cause = 58
	CauseServiceUnavailable Cause = 63
	CauseIncompatible       Cause = 88
	CauseTimer              Cause = 102
	CauseProtocol           Cause = 111
	CauseInterworking       Cause = 127
)

// DialStatus is the outcome of dialling, in the words of Asterisk's DIALSTATUS.
type DialStatus string

const (
	DialAnswer      DialStatus = "ANSWER"
	DialBusy        DialStatus = "BUSY"
	DialNoAnswer    DialStatus = "NOANSWER"
	DialCancel      DialStatus = "CANCEL"
	DialCongestion  DialStatus = "CONGESTION"
	DialUnavailable DialStatus = "CHANUNAVAIL"
)

// causes is the one table between Q.850, SIP and DIALSTATUS. SIP statuses follow
// RFC 3398, 8.2.6.1; words are those of Q.850 in plain spelling.
var causes = []struct {
	cause  Cause
	status int
	dial   DialStatus
	text   string
}{
	{CauseUnallocated, 404, DialUnavailable, "unallocated number"},
	{CauseNoRoute, 404, DialUnavailable, "no route to destination"},
	{CauseMisdialled, 404, DialUnavailable, "misdialled trunk prefix"},
	{CauseNormal, 480, DialNoAnswer, "normal clearing"},
	{CauseBusy, 486, DialBusy, "user busy"},
	{CauseNoResponse, 408, DialNoAnswer, "no user responding"},
	{CauseNoAnswer, 480, DialNoAnswer, "no answer"},
	{CauseAbsent, 480, DialUnavailable, "subscriber absent"},
	{CauseRejected, 603, DialBusy, "call rejected"},
	{CauseNumberChanged, 410, DialUnavailable, "number changed"},
	{CauseRejectedElsewhere, 480, DialNoAnswer, "answered elsewhere"},
	{CauseDestinationFailed, 502, DialUnavailable, "destination out of order"},
	{CauseInvalidNumber, 484, DialUnavailable, "invalid number format"},
	{CauseFacilityRejected, 501, DialCongestion, "facility rejected"},
	{CauseUnspecified, 480, DialNoAnswer, "normal, unspecified"},
	{CauseCongestion, 503, DialCongestion, "no circuit available"},
	{CauseNetworkFailure, 503, DialCongestion, "network out of order"},
	{CauseTemporaryFailure, 503, DialCongestion, "temporary failure"},
	{CauseSwitchCongestion, 503, DialCongestion, "switching equipment congestion"},
	{CauseChannelUnavailable, 503, DialCongestion, "requested channel not available"},
	{CauseNoFacility, 488, DialCongestion, "facility not subscribed"},
	{CauseBarred, 403, DialCongestion, "not authorised"},
	{CauseBearerUnavailable, 503, DialCongestion, "bearer capability not available"},
	{CauseServiceUnavailable, 503, DialCongestion, "service not available"},
	{CauseIncompatible, 488, DialCongestion, "incompatible destination"},
	{CauseTimer, 504, DialNoAnswer, "recovery on timer expiry"},
	{CauseProtocol, 500, DialCongestion, "protocol error"},
	{CauseInterworking, 500, DialCongestion, "interworking"},
}

// statuses maps SIP statuses to causes where the reverse of the table above is
// not enough (RFC 3398, 7.2.4.1 and 8.2.6.1).
var statuses = map[int]Cause{
	400: CauseTemporaryFailure, 401: CauseRejected, 402: CauseRejected, 403: CauseRejected,
	404: CauseUnallocated, 405: CauseServiceUnavailable, 406: CauseIncompatible, 407: CauseRejected,
	408: CauseTimer, 410: CauseNumberChanged, 413: CauseInterworking, 414: CauseInterworking,
	415: CauseIncompatible, 416: CauseInterworking, 420: CauseInterworking, 421: CauseInterworking,
	422: CauseInterworking, 423: CauseInterworking, 480: CauseNoResponse, 481: CauseTemporaryFailure,
	482: CauseInterworking, 483: CauseInterworking, 484: CauseInvalidNumber, 485: CauseUnallocated,
	486: CauseBusy, 487: CauseNormal, 488: CauseIncompatible, 491: CauseTemporaryFailure,
	493: CauseInterworking, 500: CauseTemporaryFailure, 501: CauseFacilityRejected, 502: CauseNetworkFailure,
	503: CauseTemporaryFailure, 504: CauseTimer, 505: CauseInterworking, 513: CauseInterworking,
	580: CauseIncompatible, 600: CauseBusy, 603: CauseRejected, 604: CauseUnallocated, 606: CauseIncompatible,
	607: CauseRejected, 608: CauseRejected,
}

// SIPStatus is the status that refuses a call for this cause.
func (c Cause) SIPStatus() int {
	for _, e := range causes {
		if e.cause == c {
			return e.status
		}
	}
	return 480
}

// DialStatus is what dialling came to when the far end gave this cause.
func (c Cause) DialStatus() DialStatus {
	for _, e := range causes {
		if e.cause == c {
			return e.dial
		}
	}
	return DialCongestion
}

// String is the cause in words.
func (c Cause) String() string {
	for _, e := range causes {
		if e.cause == c {
			return e.text
		}
	}
	if c == CauseNone {
		return "none"
	}
	return "cause " + strconv.Itoa(int(c))
}

// CauseOf is the cause that a final SIP status of 300 or more stands for.
func CauseOf(status int) Cause {
	if c, ok := statuses[status]; ok {
		return c
	}
	switch {
	case status >= 600:
		return CauseRejected
	case status >= 500:
		return CauseTemporaryFailure
	case status >= 400:
		return CauseInterworking
	}
	return CauseNormal
}

// CauseByName finds a cause by its number, its words, or a word that scripts
// use for the common ones: "busy", "congestion", "rejected", "unallocated".
func CauseByName(name string) (Cause, bool) {
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n < 128 {
		return Cause(n), true
	}
	switch name {
	case "normal":
		return CauseNormal, true
	case "busy":
		return CauseBusy, true
	case "congestion":
		return CauseCongestion, true
	case "noanswer", "no_answer":
		return CauseNoAnswer, true
	case "rejected", "declined":
		return CauseRejected, true
	case "unallocated", "not_found":
		return CauseUnallocated, true
	case "unavailable":
		return CauseAbsent, true
	case "invalid":
		return CauseInvalidNumber, true
	}
	for _, e := range causes {
		if e.text == name {
			return e.cause, true
		}
	}
	return CauseNone, false
}
