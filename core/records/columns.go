package records

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// Kind is what a column holds.
type Kind uint8

// The kinds, and what Column.Value gives for each.
const (
	Text    Kind = iota // string
	Integer             // int64
	Real                // float64
	Time                // time.Time, zero where it did not come
	JSON                // string
)

// Column is one column of a table of records, be it a file's or a database's.
type Column struct {
	Name   string
	Kind   Kind
	Length int // of the longest Text that a table we make takes
	Value  func(*Record) any
}

// Asterisk are the names of the columns of Asterisk's Master.csv, in its order.
var Asterisk = strings.Fields(`accountcode src dst dcontext clid channel dstchannel lastapp lastdata
	start answer end duration billsec disposition amaflags uniqueid userfield`)

// Columns are all columns that there are: Asterisk's, by its names, and then
// those that are ours.
var Columns = []Column{
	{"accountcode", Text, 80, func(r *Record) any { return r.Fields["accountcode"] }},
	{"src", Text, 80, func(r *Record) any { return r.Caller }},
	{"dst", Text, 80, func(r *Record) any { return r.Extension }},
	{"dcontext", Text, 80, func(r *Record) any { return r.Context }},
	{"clid", Text, 255, func(r *Record) any { return callerID(r) }},
	{"channel", Text, 80, func(r *Record) any { return r.ID }},
	{"dstchannel", Text, 80, func(r *Record) any { return r.Party }},
	{"lastapp", Text, 80, func(r *Record) any { return r.LastApp }},
	{"lastdata", Text, 255, func(r *Record) any { return r.Data }},
	{"start", Time, 0, func(r *Record) any { return r.Began }},
	{"answer", Time, 0, func(r *Record) any { return r.Answered }},
	{"end", Time, 0, func(r *Record) any { return r.Ended }},
	{"duration", Integer, 0, func(r *Record) any { return int64(r.Duration() / time.Second) }},
	{"billsec", Integer, 0, func(r *Record) any { return int64(r.Talk() / time.Second) }},
	{"disposition", Text, 45, func(r *Record) any { return r.Status.Disposition() }},
	{"amaflags", Text, 45, func(r *Record) any { return amaFlags(r.Fields["amaflags"]) }},
	{"uniqueid", Text, 150, func(r *Record) any { return r.Unique }},
	{"userfield", Text, 255, func(r *Record) any { return r.Fields["userfield"] }},

	{"linkedid", Text, 80, func(r *Record) any { return r.ID }},
	{"peer", Text, 80, func(r *Record) any { return r.Peer }},
	{"target", Text, 255, func(r *Record) any { return r.Target }},
	{"ring", Time, 0, func(r *Record) any { return r.Rang }},
	{"status", Text, 20, func(r *Record) any { return string(r.Status) }},
	{"talk", Real, 0, func(r *Record) any { return rounded(r.Talk().Seconds()) }},
	{"hangup_by", Text, 20, func(r *Record) any { return r.HungUpBy }},
	{"hangup_how", Text, 20, func(r *Record) any { return r.How }},
	{"cause", Integer, 0, func(r *Record) any { return int64(r.CauseCode) }},
	{"cause_text", Text, 80, func(r *Record) any { return r.Cause }},
	{"version", Integer, 0, func(r *Record) any { return int64(r.Version) }},
	{"codec", Text, 20, func(r *Record) any { return r.Media.Codec }},
	{"far_codec", Text, 20, func(r *Record) any { return r.far().Codec }},
	{"received", Integer, 0, func(r *Record) any { return int64(r.Media.Received) }},
	{"sent", Integer, 0, func(r *Record) any { return int64(r.Media.Sent) }},
	{"lost", Integer, 0, func(r *Record) any { return r.Media.Lost }},
	{"far_lost", Integer, 0, func(r *Record) any { return r.Media.FarLost }},
	{"jitter", Real, 0, func(r *Record) any { return rounded(r.Media.Jitter) }},
	{"far_jitter", Real, 0, func(r *Record) any { return rounded(r.Media.FarJitter) }},
	{"round_trip", Real, 0, func(r *Record) any { return rounded(r.Media.RoundTrip) }},
	{"mos", Real, 0, func(r *Record) any { return rounded(r.Media.MOS) }},
	{"far_mos", Real, 0, func(r *Record) any { return rounded(r.Media.FarMOS) }},
	{"fields", JSON, 0, func(r *Record) any { return fieldsJSON(r) }},
}

// ColumnNamed finds a column; ok is false where there is none of that name.
func ColumnNamed(name string) (c Column, ok bool) {
	if name == "calldate" { // what it is called in Asterisk's older tables
		name = "start"
	}
	for _, c := range Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// FieldColumn is a column that holds a field which scripts set.
func FieldColumn(name string) Column {
	return Column{name, Text, 255, func(r *Record) any { return r.Fields[name] }}
}

func (r *Record) far() Media {
	if r.Far == nil {
		return Media{}
	}
	return *r.Far
}

// callerID is name and number as telephones write them: "Alice" <1001>.
func callerID(r *Record) string {
	if r.Name == "" {
		return r.Caller
	}
	return `"` + r.Name + `" <` + r.Caller + `>`
}

var amaWords = []string{"DEFAULT", "OMIT", "BILLING", "DOCUMENTATION"}

// amaFlags is the flag in words, be it set as one or as a number.
func amaFlags(set string) string {
	if set == "" {
		return amaWords[3]
	}
	if len(set) == 1 && set[0] >= '0' && set[0] <= '3' {
		return amaWords[set[0]-'0']
	}
	return strings.ToUpper(set)
}

// AMANumber is the number of a flag, for tables that hold it as one.
func AMANumber(word string) int64 {
	for i, w := range amaWords {
		if w == word {
			return int64(i)
		}
	}
	return 3
}

func fieldsJSON(r *Record) string {
	if len(r.Fields) == 0 {
		return "{}"
	}
	text, _ := json.Marshal(r.Fields) // of texts, which cannot fail
	return string(text)
}

func rounded(n float64) float64 { return math.Round(n*1000) / 1000 }
