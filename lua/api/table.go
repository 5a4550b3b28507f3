package api

import "slices"

var (
	table   []*Entry
	byLabel map[string]*Entry
	classes = map[string]*Class{
		"context": contextClass, "call": callClass, "caller": callerClass, "headers": headersClass, "stream": streamClass, "reload": reloadClass,
		"mailbox": mailboxClass,
	}
)

var modules = []Word{
	{"sip", "phones, trunks, and where to listen"},
	{"dialplan", "which extensions there are"},
	{"store", "values that calls share and that survive a restart"},
	{"mailboxes", "where voice messages are kept; see also `mailbox`"},
	{"log", "lines for the operator"},
	{"trace", "the story of the call, as `moonwire trace` shows it"},
	{"lock", "names that one script at a time may hold"},
	{"timer", "functions that run later"},
	{"time", "clocks, dates and their text; times are seconds since 1970 in UTC"},
	{"records", "where the records of calls go"},
	{"json", "JSON"},
	{"http", "requests to other machines, within what is granted"},
	{"re", "regular expressions"},
	{"precise", "numbers with more digits than Lua's"},
	{"fs", "files, within what is granted"},
	{"program", "other programs, within what is granted"},
	{"net", "connections to other machines, within what is granted"},
	{"random", "chance"},
	{"base64", "base64"},
	{"hash", "sums and signatures"},
	{"url", "parts of URLs"},
}

// The table is put together when the program starts rather than by the
// variables themselves, because the functions in it refer to it.
func init() {
	table = slices.Concat(
		dialplanEntries, lookupEntries, settingEntries, recordsEntries, sipEntries,
		signalEntries, playEntries, sayEntries, readEntries, recordEntries, dialEntries, togetherEntries, originateEntries, agiEntries, transferEntries, lockEntries, phoneEntries,
		storeEntries, logEntries, traceEntries, timerEntries, timeEntries, jsonEntries, httpEntries, reEntries, preciseEntries, fsEntries, programEntries, streamEntries, helperEntries,
		mailboxEntries,
	)
	byLabel = make(map[string]*Entry, len(table))
	for _, e := range table {
		if e.Since == "" {
			e.Since = "0.1"
		}
		byLabel[e.On+"\x00"+e.Name] = e
	}
}
