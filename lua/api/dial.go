package api

import "github.com/moonwire/moonwire/core/call"

var dialStatuses = []Word{
	{"answered", "someone answered, and the two parties were connected"},
	{"busy", "busy, or rejected"},
	{"noanswer", "nobody answered in time"},
	{"cancelled", "the caller pressed the cancel key"},
	{"congestion", "the network has no way through"},
	{"unavailable", "there is no such phone, or it is not registered"},
	{"failed", "one of the two was connected with somebody else already; reason says so"},
}

// bridgeStatuses are those of parties that answered before.
var bridgeStatuses = []Word{dialStatuses[0], dialStatuses[len(dialStatuses)-1]}

var dialWords = map[call.DialStatus]string{
	call.DialAnswer: "answered", call.DialBusy: "busy", call.DialNoAnswer: "noanswer", call.DialCancel: "cancelled",
	call.DialCongestion: "congestion", call.DialUnavailable: "unavailable",
}

var bridgeFields = []Field{
	{Name: "on_digit", Type: function("fun(key: string, from: string): any"), Summary: `runs for each key while the parties talk; from is "caller" or "called"; return "hangup" to part them, see keep`},
	{Name: "hangup_on", Type: text(), Summary: "keys with which the caller parts from the other party"},
	{Name: "limit", Type: seconds(), Unit: "s", Default: 0, Summary: "longest time to talk; 0 is no limit"},
	{Name: "keep", Type: truth(), Default: false, Summary: "do not hang the other party up where a key or the limit parts the two: it may be connected again"},
	{Name: "transfer_context", Type: either(truth(), naming(NamesContext)), Default: true, Summary: "where the number of a blind transfer is looked up: a context; true for the one that the party who asks dials in; false forbids transfers. When the called party asks for one, the extension is run for the caller; when the caller asks, he leaves, and the extension is run for the called party, as a call of its own. A number that does not exist is refused, and the two talk on. Where true says nothing, of a dialled address that is no phone and no trunk, the wish ends the talk and is told in result.transfer"},
}

var dialFields = append([]Field{
	{Name: "timeout", Type: seconds(), Unit: "s", Default: 60, Summary: "how long to let it ring; with hunt, each"},
	{Name: "hunt", Type: truth(), Default: false, Summary: "call the targets one after the other instead of all at once"},
	{Name: "ringback", Type: either(truth(), Type{Kinds: kindString, Names: NamesPrompt, Apart: []string{"tone"}}), Default: true, Summary: `what the caller hears meanwhile: true for the ringing of his own phone, "tone" for a tone from here, false for nothing, or the name of a prompt`},
	{Name: "country", Type: text(), Default: "us", Summary: "of the ringing tone"},
	{Name: "early_media", Type: truth(), Default: true, Summary: "let the caller hear what a single target sends before it answers"},
	{Name: "caller", Type: either(text(), record(partyFields...)), Summary: "shown to the target instead of the caller: a number, or a table"},
	{Name: "headers", Type: mapOf(text()), Summary: "further protocol headers"},
	{Name: "codecs", Type: oneOrMore(words(codecNames()...)), Summary: "instead of those of the phone or trunk"},
	{Name: "language", Type: naming(NamesLanguage), Summary: "given to the other leg; the call's where left out"},
	{Name: "digits", Type: text(), Summary: "keys to press as soon as it answers"},
	{Name: "cancel_on", Type: text(), Summary: "keys with which the caller stops the ringing"},
	{Name: "each", Type: function("fun(target: string): any"), Summary: "runs before a target is called; may return what is different for it, in a table: headers, caller, codecs"},
	{Name: "on_called", Type: function("fun(peer: call, target: string)"), Summary: "runs on each party that is being called, as soon as there is one"},
	{Name: "cancel_cause", Type: either(text(), whole()), Summary: `told to those who are not answered any more: a cause of Q.850 by number or name; normal, or "answered elsewhere" (26), where left out`},
	{Name: "on_answer", Type: function("fun(peer: call): any"), Summary: "runs on the party that answered before the two are connected; return false to let it go"},
	{Name: "bridge", Type: truth(), Default: true, Summary: "false does not connect the two: result.peer is the party, for call:bridge"},
	{Name: "answer", Type: truth(), Default: true, Summary: "with bridge = false: whether the caller is answered when the other party is"},
}, bridgeFields...)

var dialResultFields = []Field{
	{Name: "status", Type: words("answered", "busy", "noanswer", "cancelled", "congestion", "unavailable", "failed"), Summary: "the outcome in one word, as Asterisk's DIALSTATUS"},
	{Name: "cause", Type: number(), Summary: "why the last attempt or the talk ended (Q.850)"},
	{Name: "sip", Type: number(), Summary: "SIP status of a refusal"},
	{Name: "reason", Type: text(), Summary: "in words"},
	{Name: "answered_by", Type: text(), Summary: "the target that answered"},
	{Name: "duration", Type: number(), Unit: "s", Summary: "from dialling to the end"},
	{Name: "talk_time", Type: number(), Unit: "s", Summary: "from the answer to the end"},
	{Name: "ended_by", Type: words("called", "caller", "limit"), Summary: "who ended the talk"},
	{Name: "key", Type: text(), Summary: "that cancelled the ringing"},
	{Name: "transfer", Type: text(), Summary: "where the other party asked to be transferred to, when it did"},
	{Name: "peer", Type: object("call"), Summary: "the party that answered, with bridge = false"},
}

var dialEntries = []*Entry{
	{On: "call", Name: "dial", Phase: Running, Summary: "Calls one or more targets and connects the caller with the one that answers first.",
		Detail: "A target is the kind of line, a slash and an address: \"sip/1001\" for a phone, \"sip/0123456789@ovh\" for a number through a trunk. " +
			"Comes back when the other party has hung up or nobody answered; if the caller hangs up, the script ends and all that rings is cancelled.",
		Params: []Field{
			{Name: "targets", Type: either(naming(NamesTarget), listAnd(naming(NamesTarget), dialFields...)), Required: true, Summary: "a target, a list of targets, or a list with options in it"},
			{Name: "options", Type: record(dialFields...), Summary: "the same options, apart"},
		},
		Results:  []Field{{Name: "result", Summary: "the outcome", Type: record(dialResultFields...)}},
		Statuses: dialStatuses,
		Example: `context "internal":extension("_1XXX", function(call)
  local result = call:dial("sip/" .. call.extension, { timeout = 20 })
  if result.status == "busy" then
    call:busy()
  elseif result.status ~= "answered" then
    call:play "vm-goodbye"
  end
end)

context "internal":extension("group", function(call)
  call:dial { "sip/1001", "sip/1002", timeout = 15, hunt = true }
end)`,
		Func: (*Args).dial},
	{On: "call", Name: "bridge", Phase: Running, Summary: "Connects the caller with another party until one of them leaves.",
		Params: []Field{
			{Name: "peer", Type: object("call"), Required: true, Summary: "from call:dial with bridge = false"},
			{Name: "options", Type: record(bridgeFields...), Summary: "while they talk"},
		},
		Results:  []Field{{Name: "result", Summary: "the outcome", Type: record(dialResultFields...)}},
		Statuses: bridgeStatuses,
		Example: `context "internal":extension("660", function(call)
  local result = call:dial("sip/1001", { bridge = false })
  if result.status == "answered" then
    result.peer:play "beep"
    call:bridge(result.peer)
  end
end)`,
		Func: (*Args).bridgeWith},
}
