package dsp

import (
	"slices"
	"strings"
	"time"
)

// ToneName says what a tone tells the caller (ITU-T E.180, Q.35).
type ToneName string

const (
	DialTone           ToneName = "dial"        // go ahead and dial
	RingingTone        ToneName = "ringing"     // the called party is alerted
	BusyTone           ToneName = "busy"        // the called party is engaged
	CongestionTone     ToneName = "congestion"  // the network has no way through
	CallWaitingTone    ToneName = "waiting"     // someone else calls you
	SpecialInformation ToneName = "information" // an announcement follows: the number cannot be reached
	RecordTone         ToneName = "record"      // this call is being recorded
)

// aliases are other names that users know the tones by.
var aliases = map[string]ToneName{
	"ring": RingingTone, "ringback": RingingTone, "callwaiting": CallWaitingTone,
	"info": SpecialInformation, "sit": SpecialInformation, "recording": RecordTone,
	"reorder": CongestionTone, "dialtone": DialTone,
}

// Three rising tones of a third of a second (E.180, 6): once, or again and again.
const (
	threeTonesOnce = "!950/330,!1400/330,!1800/330,0"
	threeTones     = "950/330,1400/330,1800/330,0/1000"
)

// tones are the national tones of the supplement to E.180 and of the countries'
// own interface descriptions, in the notation of ParseTone. "eu" is the set that
// ETSI recommends to all of Europe (TR 101 041).
var tones = map[string]map[ToneName]string{
	"us": {
		DialTone: "350+440", RingingTone: "440+480/2000,0/4000", BusyTone: "480+620/500,0/500",
		CongestionTone: "480+620/250,0/250", CallWaitingTone: "440/300,0/10000",
		SpecialInformation: threeTonesOnce, RecordTone: "1400/500,0/15000",
	},
	"uk": {
		DialTone: "350+440", RingingTone: "400+450/400,0/200,400+450/400,0/2000", BusyTone: "400/375,0/375",
		CongestionTone: "400/400,0/350,400/225,0/525", CallWaitingTone: "400/100,0/4000",
		SpecialInformation: "950/330,0/15,1400/330,0/15,1800/330,0/1000", RecordTone: "1400/500,0/60000",
	},
	"fr": {
		DialTone: "440", RingingTone: "440/1500,0/3500", BusyTone: "440/500,0/500",
		CongestionTone: "440/250,0/250", CallWaitingTone: "440/300,0/10000",
		SpecialInformation: "950/330,0/30,1400/330,0/30,1800/330,0/1000", RecordTone: "1400/500,0/15000",
	},
	"de": {
		DialTone: "425", RingingTone: "425/1000,0/4000", BusyTone: "425/480,0/480",
		CongestionTone: "425/240,0/240", CallWaitingTone: "425/200,0/200,425/200,0/5000",
		SpecialInformation: threeTones, RecordTone: "1400/80,0/15000",
	},
	"es": {
		DialTone: "425", RingingTone: "425/1500,0/3000", BusyTone: "425/200,0/200",
		CongestionTone: "425/200,0/200,425/200,0/200,425/200,0/600", CallWaitingTone: "425/175,0/175,425/175,0/3500",
		SpecialInformation: threeTones, RecordTone: "1400/500,0/15000",
	},
	"it": {
		DialTone: "425/200,0/200,425/600,0/1000", RingingTone: "425/1000,0/4000", BusyTone: "425/500,0/500",
		CongestionTone: "425/200,0/200", CallWaitingTone: "425/400,0/100,425/250,0/100,425/150,0/14000",
		SpecialInformation: threeTones, RecordTone: "1400/400,0/15000",
	},
	"ru": {
		DialTone: "425", RingingTone: "425/800,0/3200", BusyTone: "425/350,0/350",
		CongestionTone: "425/175,0/175", CallWaitingTone: "425/200,0/5000",
		SpecialInformation: threeTones, RecordTone: "1400/400,0/15000",
	},
	"eu": {
		DialTone: "425", RingingTone: "425/1000,0/4000", BusyTone: "425/500,0/500",
		CongestionTone: "425/200,0/200", CallWaitingTone: "425/200,0/600,425/200,0/3000",
		SpecialInformation: threeTones, RecordTone: "1400/400,0/15000",
	},
	"jp": {
		DialTone: "400", RingingTone: "400*16/1000,0/2000", BusyTone: "400/500,0/500",
		CongestionTone: "400/500,0/500", CallWaitingTone: "400*16/500,0/8000",
		SpecialInformation: threeTonesOnce, RecordTone: "1400/500,0/15000",
	},
	"au": {
		DialTone: "425*25", RingingTone: "425*25/400,0/200,425*25/400,0/2000", BusyTone: "425/375,0/375",
		CongestionTone: "425/375,0/375", CallWaitingTone: "425/200,0/200,425/200,0/4400",
		SpecialInformation: "425/2500,0/500", RecordTone: "!425/1000,!0/15000,425/360,0/15000",
	},
	"in": {
		DialTone: "400*25", RingingTone: "400*25/400,0/200,400*25/400,0/2000", BusyTone: "400/750,0/750",
		CongestionTone: "400/250,0/250", CallWaitingTone: "400/200,0/100,400/200,0/7500",
		SpecialInformation: threeTonesOnce, RecordTone: "1400/500,0/15000",
	},
	"br": {
		DialTone: "425", RingingTone: "425/1000,0/4000", BusyTone: "425/250,0/250",
		CongestionTone: "425/250,0/250,425/750,0/250", CallWaitingTone: "425/50,0/1000",
		SpecialInformation: threeTones, RecordTone: "425/250,0/15000",
	},
	"cn": {
		DialTone: "450", RingingTone: "450/1000,0/4000", BusyTone: "450/350,0/350",
		CongestionTone: "450/700,0/700", CallWaitingTone: "450/400,0/4000",
		SpecialInformation: "450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400", RecordTone: "950/400,0/10000",
	},
}

// countryAliases are other codes for the same tones.
var countryAliases = map[string]string{"gb": "uk", "ca": "us", "etsi": "eu"}

// FindTone is a country's tone, by an ISO 3166 code in any letter case and one
// of the ToneNames or what else users call it ("ringback"). It reports false
// for what it does not know.
func FindTone(country, name string) (Tone, bool) {
	country, name = strings.ToLower(country), strings.ToLower(name)
	if same, ok := countryAliases[country]; ok {
		country = same
	}
	if same, ok := aliases[name]; ok {
		name = string(same)
	}
	text, ok := tones[country][ToneName(name)]
	if !ok {
		return Tone{}, false
	}
	tone, err := ParseTone(text)
	return tone, err == nil
}

// ToneCountries lists the countries whose tones are known, sorted.
func ToneCountries() []string {
	list := make([]string, 0, len(tones))
	for country := range tones {
		list = append(list, country)
	}
	slices.Sort(list)
	return list
}

// Beep is the tone before a recording: 1 kHz, a third of a second.
func Beep() Tone {
	return Tone{
		Steps:  []ToneStep{{Frequencies: [maxFrequencies]float64{1000}, Duration: 330 * time.Millisecond}},
		Repeat: 1,
		Level:  DefaultToneLevel,
	}
}
