package records

import (
	"strconv"
	"strings"
	"time"
)

// Record is what is kept of one call. Times that did not come are zero.
type Record struct {
	Unique    string `json:"unique"` // differs from that of every other record, of other starts of the server too
	ID        string `json:"id"`     // of the call, as in the log
	Caller    string `json:"caller,omitempty"`
	Name      string `json:"name,omitempty"`
	Extension string `json:"extension,omitempty"` // that was dialled
	Context   string `json:"context,omitempty"`
	Peer      string `json:"peer,omitempty"` // phone or trunk that called

	Target  string `json:"target,omitempty"`  // that the script dialled: the one that answered, or the last
	Party   string `json:"party,omitempty"`   // id of the leg that answered there
	LastApp string `json:"lastapp,omitempty"` // the last thing that the script did
	Data    string `json:"lastdata,omitempty"`

	Began    time.Time `json:"began"`
	Rang     time.Time `json:"rang,omitzero"` // the caller was told that it rings
	Answered time.Time `json:"answered,omitzero"`
	Ended    time.Time `json:"ended"`

	Status    Status `json:"status"`
	CauseCode int    `json:"cause_code"`        // Q.850
	Cause     string `json:"cause,omitempty"`   // the same in words
	HungUpBy  string `json:"hung_up_by"`        // "caller" or "us"
	How       string `json:"how,omitempty"`     // what ended the script: "returned", "hangup", "caller" or "error"
	Version   int    `json:"version,omitempty"` // of the scripts

	Media Media  `json:"media"`           // of the caller's leg
	Far   *Media `json:"far,omitempty"`   // of the leg that answered
	Peers int    `json:"peers,omitempty"` // legs that were dialled

	Fields map[string]string `json:"fields,omitempty"` // set by scripts
}

// Status is how a call came out, in one word.
type Status string

// The words of Status.
const (
	Answered    Status = "answered"
	NoAnswer    Status = "noanswer"
	Busy        Status = "busy"
	Congestion  Status = "congestion"
	Unavailable Status = "unavailable"
	Refused     Status = "refused" // no script served it: no such number, or a limit
	Failed      Status = "failed"  // its script had an error
)

// Statuses are all words of Status.
var Statuses = []Status{Answered, NoAnswer, Busy, Congestion, Unavailable, Refused, Failed}

// Disposition is the status in the words of Asterisk's call records.
func (s Status) Disposition() string {
	switch s {
	case Answered:
		return "ANSWERED"
	case NoAnswer:
		return "NO ANSWER"
	case Busy:
		return "BUSY"
	case Congestion:
		return "CONGESTION"
	}
	return "FAILED"
}

// Media is how the sound of one leg fared, as RTCP counts it (RFC 3550, 6.4).
type Media struct {
	Codec     string  `json:"codec,omitempty"`
	Received  uint64  `json:"received"` // packets
	Sent      uint64  `json:"sent"`
	Lost      int64   `json:"lost"`              // packets that should have come
	FarLost   int64   `json:"far_lost"`          // packets of ours that did not arrive
	Jitter    float64 `json:"jitter_ms"`         // of what came
	FarJitter float64 `json:"far_jitter_ms"`     // of what arrived there
	RoundTrip float64 `json:"round_trip_ms"`     // 0 = not known
	MOS       float64 `json:"mos,omitempty"`     // of what we heard, by MOS; 0 where nothing was heard
	FarMOS    float64 `json:"far_mos,omitempty"` // of what the far end heard
}

// Duration is from the beginning to the end.
func (r *Record) Duration() time.Duration { return max(r.Ended.Sub(r.Began), 0) }

// Talk is from the answer to the end; 0 where nobody answered.
func (r *Record) Talk() time.Duration {
	if r.Answered.IsZero() {
		return 0
	}
	return max(r.Ended.Sub(r.Answered), 0)
}

// UniqueOf makes what Unique is of a call: the ids of calls differ from each
// other while a server runs, and no two runs are in the same microsecond.
func UniqueOf(began time.Time, id string) string {
	micro := strconv.FormatInt(began.UnixMicro(), 10)
	if n := len(micro) - 6; n > 0 {
		micro = micro[:n] + "." + micro[n:]
	}
	return micro + "-" + id
}

const (
	longestText   = 4 << 10 // of any text, in bytes
	mostFields    = 100
	longestRecord = 64 << 10 // as it is written, in bytes
)

// tidy makes of texts that came from outside what every sink can take: valid
// UTF-8 without NUL, of bounded length.
func (r *Record) tidy() {
	for _, text := range []*string{
		&r.Unique, &r.ID, &r.Caller, &r.Name, &r.Extension, &r.Context, &r.Peer, &r.Target, &r.Party, &r.LastApp, &r.Data, &r.Cause, &r.HungUpBy, &r.How,
	} {
		*text = tidied(*text)
	}
	if len(r.Fields) == 0 {
		return
	}
	fields := make(map[string]string, min(len(r.Fields), mostFields))
	room := longestRecord / 2
	for _, name := range sortedNames(r.Fields) {
		value := tidied(r.Fields[name])
		if room -= len(name) + len(value); room < 0 || len(fields) == mostFields {
			break
		}
		fields[tidied(name)] = value
	}
	r.Fields = fields
}

func tidied(text string) string {
	if len(text) > longestText {
		text = text[:longestText]
	}
	for i := range len(text) {
		if text[i] == 0 || text[i] >= 0x80 {
			return strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "")
		}
	}
	return text
}
