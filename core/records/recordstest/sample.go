// Package recordstest makes call records for tests.
package recordstest

import (
	"fmt"
	"time"

	"github.com/moonwire/moonwire/core/records"
)

// Sample is the nth of records that differ from each other; every fourth call was
// not answered.
func Sample(n int) records.Record {
	began := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).Add(time.Duration(n) * 1237 * time.Millisecond)
	id := fmt.Sprintf("sip-1-%d", n)
	r := records.Record{
		Unique: records.UniqueOf(began, id), ID: id, Caller: fmt.Sprint(1000 + n%50), Name: "Zoë \"Z\" O'Hara, \\N",
		Extension: "600", Context: "internal", Peer: "desk", Target: "sip/600", Party: id + "b", LastApp: "dial", Data: "sip/600",
		Began: began, Rang: began.Add(time.Second), Answered: began.Add(2 * time.Second), Ended: began.Add(61500 * time.Millisecond),
		Status: records.Answered, CauseCode: 16, Cause: "normal clearing", HungUpBy: "caller", How: "caller", Version: 3,
		Media:  records.Media{Codec: "alaw", Received: 3000, Sent: 2990, Lost: 12, Jitter: 1.25, RoundTrip: 31.5, MOS: 4.3},
		Far:    &records.Media{Codec: "g722"},
		Fields: map[string]string{"userfield": "a;b", "accountcode": "sales", "project": "moon"},
	}
	if n%4 == 3 {
		r.Answered, r.Status, r.CauseCode, r.Cause = time.Time{}, records.NoAnswer, 19, "no answer"
	}
	return r
}
