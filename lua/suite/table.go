package suite

import (
	"slices"

	"github.com/moonwire/moonwire/lua/api"
)

var (
	withinField = api.Field{Name: "within", Type: api.SecondsType(), Unit: "s", Default: 30, Summary: "virtual time to wait for it, at most"}
	afterField  = api.Field{Name: "after", Type: api.SecondsType(), Unit: "s", Default: 0, Summary: "so long after it began to ring"}
	whatField   = api.Field{Name: "what", Type: api.TextType(), Summary: "what was compared, for the message"}
)

var tClass = &api.Class{Name: "t", Summary: "What a test works with: a site of its own, in virtual time."}

// Table is what test files can call beside the API.
var Table = newTable()

func newTable() *api.Extension {
	x := &api.Extension{
		Entries: slices.Concat(testEntries, partyEntries("phone"), partyEntries("trunk"), callEntries, mailboxEntries, webEntries),
		Classes: []*api.Class{tClass, phoneClass, trunkClass, callClass, mailboxClass, webClass},
	}
	return x.Complete()
}

var testEntries = []*api.Entry{
	{Name: "test", Phase: api.Both, Summary: "Declares a test.",
		Detail: "The function runs in a site of its own that nothing has happened to, in virtual time. It fails where it raises an error, where an assertion does, and where a script fails that it did not expect to.",
		Params: []api.Field{
			{Name: "name", Type: api.TextType(), Required: true, Summary: "what must be so, in words"},
			{Name: "fn", Type: api.FunctionType("fun(t: t)"), Required: true, Summary: "the test"},
		},
		Example: `test("600 echoes", function(t)
  local call = t:phone("1001"):dials "600"
  call:is "answered"
  call:hears "demo-echotest"
end)`,
		Func: declareTest},
	{On: "t", Name: "phone", Phase: api.Running, Summary: "The person at a phone of the site.",
		Params:  []api.Field{{Name: "name", Type: api.TextType(), Required: true, Summary: "as in sip.phone"}},
		Results: []api.Field{{Name: "phone", Type: api.ObjectType("phone"), Summary: "dials, and does something when it rings"}},
		Example: example(`t:phone("1002"):busy()
  t:phone("1001"):dials("1002"):hears "busy"`),
		Func: func(a *api.Args) int { return openParty(a, "phone") }},
	{On: "t", Name: "trunk", Phase: api.Running, Summary: "What is at the other end of a trunk.",
		Params:  []api.Field{{Name: "name", Type: api.TextType(), Required: true, Summary: "as in sip.trunk"}},
		Results: []api.Field{{Name: "trunk", Type: api.ObjectType("trunk"), Summary: "calls, and is called"}},
		Example: example(`t:trunk("provider"):calls { to = "0123456789", from = "0611223344" }`),
		Func:    func(a *api.Args) int { return openParty(a, "trunk") }},
	{On: "t", Name: "calls", Phase: api.Running, Summary: "A call from somebody who is neither a phone nor a trunk.",
		Params: []api.Field{{Name: "call", Required: true, Summary: "who calls whom", Type: api.RecordType(
			api.Field{Name: "to", Type: api.TextType(), Required: true, Summary: "the number that is called"},
			api.Field{Name: "context", Type: api.TextType(), Required: true, Summary: "where it is looked up"},
			api.Field{Name: "from", Type: api.TextType(), Summary: "the caller's number"},
			api.Field{Name: "name", Type: api.TextType(), Summary: "the caller's name"},
		)}},
		Results: []api.Field{{Name: "call", Type: api.ObjectType("testcall"), Summary: "the call as the caller sees it"}},
		Example: example(`t:calls({ to = "600", context = "internal" }):hears "demo-echotest"`),
		Func:    guestCalls},
	{On: "t", Name: "advance", Phase: api.Running, Summary: "Lets time pass.",
		Params: []api.Field{{Name: "seconds", Type: api.SecondsType(), Required: true, Unit: "s", Summary: "how much"}},
		Example: example(`local call = t:phone("1001"):dials "1002"
  t:advance(20)`),
		Func: advance},
	{On: "t", Name: "time", Phase: api.Running, Summary: "Sets the time, or tells it.",
		Detail:  "At the beginning of a test any time can be set; later only one to come, and everything happens on the way that is due. A test begins on Monday, 2 March 2026, at ten.",
		Params:  []api.Field{{Name: "time", Type: api.TextType(), Summary: `"2026-03-04 18:30"; left out, nothing is set`}},
		Results: []api.Field{{Name: "now", Type: api.NumberType(), Unit: "s", Summary: "since 1970"}},
		Example: example(`t:time "2026-12-25 09:00"`),
		Func:    setTime},
	{On: "t", Name: "store", Phase: api.Running, Summary: "Reads a value of the store, or puts one there.",
		Params: []api.Field{
			{Name: "family", Type: api.TextType(), Required: true, Summary: "of the key"},
			{Name: "key", Type: api.TextType(), Required: true, Summary: "of the value"},
			{Name: "value", Type: api.AlternativeType(api.TextType(), api.NumberType(), api.TruthType()), Summary: "put where it is given"},
		},
		Results: []api.Field{{Name: "value", Type: api.AlternativeType(api.TextType(), api.NilType()), Summary: "nil where there is none"}},
		Example: example(`t:store("night", "mode", "on")
  t:equal(t:store("night", "mode"), "on")`),
		Func: storeValue},
	{On: "t", Name: "records", Phase: api.Running, Summary: "The records of the calls that have ended, in order.",
		Results: []api.Field{{Name: "records", Type: api.ListType(api.RecordType()), Summary: "as hooks of call.ended get them"}},
		Example: example(`t:phone("1001"):dials("600"):hangs_up()
  t:equal(#t:records(), 1)`),
		Func: records},
	{On: "t", Name: "record", Phase: api.Running, Summary: "The record of a call that has ended; waits for it.",
		Params:  []api.Field{{Name: "number", Type: api.CountType(), Default: 1, Summary: "1 is the first that ended"}, withinField},
		Results: []api.Field{{Name: "record", Type: api.RecordType(), Summary: "as hooks of call.ended get it"}},
		Example: example(`t:phone("1001"):dials("600"):hangs_up()
  t:equal(t:record(1).extension, "600")`),
		Func: oneRecord},
	{On: "t", Name: "recording", Phase: api.Running, Summary: "Looks for what a call recorded.",
		Params: []api.Field{{Name: "path", Type: api.TextType(), Required: true, Summary: "as in call:record"}},
		Results: []api.Field{{Name: "recording", Summary: "nil where there is none", Type: api.AlternativeType(api.RecordType(
			api.Field{Name: "duration", Type: api.NumberType(), Unit: "s", Summary: "of the sound"},
			api.Field{Name: "size", Type: api.NumberType(), Unit: "bytes", Summary: "of the file"},
		), api.NilType())}},
		Example: example(`t:equal(t:recording "demo/1001.wav", nil)`),
		Func:    recording},
	{On: "t", Name: "logged", Phase: api.Running, Summary: "Asserts that a script logs a line with a text in it.",
		Params: []api.Field{{Name: "text", Type: api.TextType(), Required: true, Summary: "part of the line"}, withinField},
		Example: example(`local call = t:phone("1001"):dials "700"
  call:hears "demo-menu"
  call:presses "9"
  t:logged "menu main: 9"`),
		Func: logged},
	{On: "t", Name: "error", Phase: api.Running, Summary: "Asserts that a script fails, which then is no failure of the test.",
		Params: []api.Field{{Name: "text", Type: api.TextType(), Required: true, Summary: "part of the message"}, withinField},
		Example: example(`t:phone("1001"):dials "600"
  -- t:error "attempt to index a nil value"`),
		Func: expectError},
	{On: "t", Name: "equal", Phase: api.Running, Summary: "Asserts that two values are equal; tables by what they hold.",
		Params: []api.Field{
			{Name: "got", Type: api.AnyType(), Summary: "what is"},
			{Name: "want", Type: api.AnyType(), Summary: "what must be"}, whatField},
		Example: example(`t:equal(1 + 1, 2)`),
		Func:    equal},
	{On: "t", Name: "ok", Phase: api.Running, Summary: "Asserts that a value is neither false nor nil.",
		Params:  []api.Field{{Name: "value", Type: api.AnyType(), Summary: "what is"}, whatField},
		Example: example(`t:ok(t:time() > 0, "it is later than 1970")`),
		Func:    ok},
	{On: "t", Name: "http", Phase: api.Running, Summary: "Takes the requests to some addresses and answers them.",
		Detail:  "No request of a test leaves the machine. What no pattern matches fails as if nobody were there. What the site does not grant is denied as ever.",
		Params:  []api.Field{{Name: "pattern", Type: api.TextType(), Required: true, Summary: `the URL, with * for any text; before it a method where only that is meant: "POST https://crm.example.org/*"`}},
		Results: []api.Field{{Name: "web", Type: api.ObjectType("web"), Summary: "says what is answered, and what was asked"}},
		Example: example(`local crm = t:http "https://crm.example.org/*"
  crm:returns { status = 200, body = "Alice" }`),
		Func: openWeb},
}

// example is the body of a test as a whole script.
func example(body string) string {
	return "test(\"example\", function(t)\n  " + body + "\nend)"
}

// partyEntries are what a phone and a trunk have in common, and what only one has.
func partyEntries(class string) []*api.Entry {
	name, subject := "1002", "phone"
	if class == "trunk" {
		name, subject = "provider", "far end"
	}
	of := `t:` + class + `("` + name + `")`
	entry := func(e api.Entry) *api.Entry {
		e.On, e.Phase = class, api.Running
		if len(e.Results) == 0 {
			e.Results = []api.Field{{Name: class, Type: api.ObjectType(class), Summary: "the same"}}
		}
		return &e
	}
	list := []*api.Entry{
		entry(api.Entry{Name: "answers", Summary: "When called, the " + subject + " rings and answers.",
			Params: []api.Field{afterField}, Example: example(of + ":answers(3)"), Func: answers}),
		entry(api.Entry{Name: "never_answers", Summary: "When called, the " + subject + " rings and nobody answers, which is so from the beginning.",
			Example: example(of + ":never_answers()"), Func: neverAnswers}),
		entry(api.Entry{Name: "busy", Summary: "When called, the " + subject + " is busy.",
			Example: example(of + ":busy()"), Func: busy}),
		entry(api.Entry{Name: "rejects", Summary: "When called, the " + subject + " refuses.",
			Params: []api.Field{
				{Name: "why", Type: api.AlternativeType(api.TextType(), api.CountType()), Default: "rejected", Summary: `a cause by name, such as "unallocated", or a SIP status from 300`}, afterField},
			Example: example(of + ":rejects(603)"), Func: rejects}),
		entry(api.Entry{Name: "presses", Summary: "When called, the person presses keys after the answer.",
			Params: []api.Field{
				{Name: "keys", Type: api.TextType(), Required: true, Summary: "0-9 * #, four a second"},
				{Name: "at", Type: api.SecondsType(), Unit: "s", Default: 1, Summary: "so long after the answer"}},
			Example: example(of + `:answers():presses("1", 2)`), Func: partyPresses}),
		entry(api.Entry{Name: "speaks", Summary: "When called, the person speaks after the answer.",
			Params: []api.Field{
				{Name: "seconds", Type: api.SecondsType(), Unit: "s", Required: true, Summary: "how long"},
				{Name: "at", Type: api.SecondsType(), Unit: "s", Default: 0, Summary: "so long after the answer"}},
			Example: example(of + `:answers():speaks(4)`), Func: partySpeaks}),
		entry(api.Entry{Name: "hangs_up", Summary: "When called, the person hangs up after the answer.",
			Params:  []api.Field{{Name: "after", Type: api.SecondsType(), Unit: "s", Required: true, Summary: "so long after the answer"}},
			Example: example(of + `:answers():hangs_up(60)`), Func: partyHangsUp}),
		entry(api.Entry{Name: "rings", Summary: "Asserts that the " + subject + " is called; waits for it.",
			Params:  []api.Field{withinField},
			Results: []api.Field{{Name: "call", Type: api.ObjectType("testcall"), Summary: "the call as it is seen there"}},
			Example: example(`t:phone("1001"):dials "1002"
  -- local call = ` + of + `:rings()
  -- call:answers()`), Func: rings}),
		entry(api.Entry{Name: "is_quiet", Summary: "Asserts that the " + subject + " has not been called, but for calls that were looked at.",
			Example: example(of + ":is_quiet()"), Func: isQuiet}),
	}
	if class == "trunk" {
		return append(list,
			entry(api.Entry{Name: "calls", Summary: "Calls the site through the trunk.",
				Params: []api.Field{{Name: "call", Required: true, Summary: "who calls whom", Type: api.RecordType(
					api.Field{Name: "to", Type: api.TextType(), Required: true, Summary: "the number that is called"},
					api.Field{Name: "from", Type: api.TextType(), Summary: "the caller's number"},
					api.Field{Name: "name", Type: api.TextType(), Summary: "the caller's name"},
				)}},
				Results: []api.Field{{Name: "call", Type: api.ObjectType("testcall"), Summary: "the call as it is seen there"}},
				Example: example(`t:trunk("provider"):calls { to = "0123456789", from = "0611223344" }`), Func: trunkCalls}),
			entry(api.Entry{Name: "fails", Summary: "When called, the trunk refuses with a SIP status.",
				Params:  []api.Field{{Name: "status", Type: api.CountType(), Default: 503, Summary: "of SIP"}},
				Example: example(of + ":fails(503)"), Func: trunkFails}))
	}
	return append(list,
		entry(api.Entry{Name: "unregistered", Summary: "The phone is not registered.",
			Example: example(of + ":unregistered()"), Func: unregistered}),
		entry(api.Entry{Name: "dials", Summary: "Dials a number.",
			Params: []api.Field{
				{Name: "number", Type: api.TextType(), Required: true, Summary: "the number"},
				{Name: "options", Summary: "what is not as configured", Type: api.RecordType(
					api.Field{Name: "number", Type: api.TextType(), Summary: "the caller's number"},
					api.Field{Name: "name", Type: api.TextType(), Summary: "the caller's name"},
					api.Field{Name: "context", Type: api.TextType(), Summary: "where the number is looked up"},
				)}},
			Results: []api.Field{{Name: "call", Type: api.ObjectType("testcall"), Summary: "the call as the caller sees it"}},
			Example: example(`local call = t:phone("1001"):dials "600"
  call:hears "demo-echotest"`), Func: phoneDials}))
}

var callEntries = []*api.Entry{
	callEntry(api.Entry{Name: "hears", Summary: "Asserts that something is played to this end; waits for it.",
		Detail: "What was heard before counts too, but only once: the next assertion looks for what came later. What is played need not come to its end.",
		Params: []api.Field{
			{Name: "what", Type: api.TextType(), Required: true, Summary: `the name of a prompt, the path of a recording, or a tone: "beep", "busy", "ringback"`}, withinField},
		Example: example(`t:phone("1001"):dials("600"):hears "demo-echotest"`), Func: hears}),
	callEntry(api.Entry{Name: "hears_said", Summary: "Asserts that a number, a date or the like is said; waits for it.",
		Params: []api.Field{
			{Name: "what", Type: api.MapType(api.AnyType()), Required: true, Summary: "as in call:say: { number = 42 }, { digits = \"1001\" }"}, withinField},
		Example: example(`local call = t:phone("1001"):dials "700"
  call:hears "demo-menu"
  call:presses "2"
  call:hears "demo-enter-number"
  call:presses "42#"
  call:hears_said { number = 42 }`), Func: hearsSaid}),
	callEntry(api.Entry{Name: "never_hears", Summary: "Asserts that something has not been played so far.",
		Params:  []api.Field{{Name: "what", Type: api.TextType(), Required: true, Summary: "as in hears"}},
		Example: example(`t:phone("1001"):dials("600"):never_hears "vm-goodbye"`), Func: neverHears}),
	callEntry(api.Entry{Name: "presses", Summary: "Presses keys, four a second.",
		Detail:  "Waits until the call is answered or has early media, since keys are lost before.",
		Params:  []api.Field{{Name: "keys", Type: api.TextType(), Required: true, Summary: "0-9 * # A-D"}},
		Example: example(`t:phone("1001"):dials("700"):presses "9"`), Func: callPresses}),
	callEntry(api.Entry{Name: "speaks", Summary: "Speaks, and lets as much time pass.",
		Params:  []api.Field{{Name: "seconds", Type: api.SecondsType(), Unit: "s", Required: true, Summary: "how long"}},
		Example: example(`t:phone("1001"):dials("600"):speaks(2)`), Func: callSpeaks}),
	callEntry(api.Entry{Name: "waits", Summary: "Lets time pass.",
		Params:  []api.Field{{Name: "seconds", Type: api.SecondsType(), Unit: "s", Required: true, Summary: "how long"}},
		Example: example(`t:phone("1001"):dials("600"):waits(2)`), Func: callWaits}),
	callEntry(api.Entry{Name: "answers", Summary: "Picks up a phone that rings.",
		Example: example(`t:phone("1001"):dials "1002"
  t:phone("1002"):rings():answers()`), Func: callAnswers}),
	callEntry(api.Entry{Name: "rejects", Summary: "Refuses a call that rings.",
		Params: []api.Field{{Name: "status", Type: api.CountType(), Default: 603, Summary: "of SIP"}},
		Example: example(`t:phone("1001"):dials "1002"
  t:phone("1002"):rings():rejects(486)`), Func: callRejects}),
	callEntry(api.Entry{Name: "hangs_up", Summary: "Hangs up.",
		Example: example(`t:phone("1001"):dials("600"):hangs_up()`), Func: callHangsUp}),
	callEntry(api.Entry{Name: "is", Summary: "Asserts how far the call has come; waits for it.",
		Params: []api.Field{
			{Name: "state", Type: api.WordsType("trying", "ringing", "early", "answered", "ended"), Required: true, Summary: "how far"}, withinField},
		Example: example(`t:phone("1001"):dials("600"):is "answered"`), Func: callIs}),
	callEntry(api.Entry{Name: "ended", Summary: "Asserts that the call ends, and why; waits for it.",
		Params: []api.Field{
			{Name: "cause", Type: api.AlternativeType(api.TextType(), api.CountType()), Summary: `a cause of Q.850 by name or number: "normal", "busy", 17; any where left out`}, withinField},
		Example: example(`local call = t:phone("1001"):dials "600"
  call:hangs_up()
  call:ended "normal"`), Func: callEnded}),
}

// callEntry completes an entry of the class testcall, whose methods return the
// call, so that they can be strung together.
func callEntry(e api.Entry) *api.Entry {
	e.On, e.Phase = "testcall", api.Running
	e.Results = []api.Field{{Name: "call", Type: api.ObjectType("testcall"), Summary: "the same"}}
	return &e
}

var webEntries = []*api.Entry{
	{On: "web", Name: "returns", Phase: api.Running, Summary: "Says what is answered.",
		Params: []api.Field{{Name: "answer", Required: true, Summary: "the answer", Type: api.RecordType(
			api.Field{Name: "status", Type: api.CountType(), Default: 200, Summary: "of HTTP"},
			api.Field{Name: "body", Type: api.TextType(), Summary: "of the answer"},
			api.Field{Name: "headers", Type: api.MapType(api.TextType()), Summary: "of the answer"},
			api.Field{Name: "fails", Type: api.TextType(), Summary: "there is no answer, for this reason"},
		)}},
		Results: []api.Field{{Name: "web", Type: api.ObjectType("web"), Summary: "the same"}},
		Example: example(`t:http("https://crm.example.org/*"):returns { status = 404 }`), Func: webReturns},
	{On: "web", Name: "requests", Phase: api.Running, Summary: "The requests that came, in order.",
		Results: []api.Field{{Name: "requests", Summary: "each with method, url and body", Type: api.ListType(api.RecordType(
			api.Field{Name: "method", Type: api.TextType(), Summary: "GET, POST, …"},
			api.Field{Name: "url", Type: api.TextType(), Summary: "what was asked for"},
			api.Field{Name: "body", Type: api.TextType(), Summary: "what was sent"},
		))}},
		Example: example(`t:equal(#t:http("https://crm.example.org/*"):requests(), 0)`), Func: webRequests},
}
