package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/media/dsp"
)

// signalStatuses are what sending a signal can come to.
var signalStatuses = []Word{
	{"done", "it is on its way"},
	{"hungup", "the other party has ended"},
	{"unsupported", "this kind of line cannot do it; reason says more"},
	{"failed", "reason says why"},
}

var signalResult = []Field{{Name: "result", Summary: "the outcome", Type: record(
	Field{Name: "status", Type: words("done", "hungup", "unsupported", "failed"), Summary: "the outcome in one word"},
	Field{Name: "reason", Type: text(), Summary: "in words, where it failed"},
)}}

var hangupFields = []Field{
	{Name: "cause", Type: either(text(), whole()), Default: "normal", Summary: `a cause of Q.850 by number or name: 17, "busy", "rejected", "unallocated", "congestion"`},
	{Name: "status", Type: whole(), Summary: "exact SIP status of a refusal, such as 603"},
	{Name: "reason", Type: text(), Summary: "in words, for the far end"},
	{Name: "retry_after", Type: seconds(), Unit: "s", Summary: "tells the far end when to try again"},
}

var signalEntries = []*Entry{
	{On: "call", Name: "ring", Phase: Running, Summary: "Tells the caller that it rings.",
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("601", function(call)
  call:ring()
  call:wait(2)
  call:answer()
end)`,
		Func: func(a *Args) int { return a.done(a.Call().send(call.Ring{})) }},
	{On: "call", Name: "progress", Phase: Running, Summary: "Lets the caller hear before the call is answered.",
		Detail:  "What is played afterwards is heard without the call being charged. Not every line can do it.",
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("602", function(call)
  call:progress()
  call:play "ss-noservice"
  call:hangup "unallocated"
end)`,
		Func: (*Args).progress},
	{On: "call", Name: "answer", Phase: Running, Summary: "Answers the call.",
		Detail:  "Answering twice does nothing. Playing, reading and recording answer by themselves.",
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("600", function(call)
  call:answer()
  call:echo()
end)`,
		Func: func(a *Args) int { return a.done(a.Call().answer()) }},
	{On: "call", Name: "hangup", Phase: Running, Summary: "Ends the call, and with it the script.",
		Detail: "A call that is not answered is refused with the cause. On a party that was dialled only that party's leg ends, and the script goes on.",
		Params: []Field{{Name: "cause", Type: either(text(), whole(), record(hangupFields...)), Default: "normal",
			Summary: "a cause of Q.850 by number or name, or a table"}},
		Example: `context "internal":extension("_09XX", function(call) call:hangup "rejected" end)
context "internal":extension("_08XX", function(call) call:hangup { status = 603, reason = "Not today" } end)`,
		Func: (*Args).hangup},
	{On: "call", Name: "busy", Phase: Running, Summary: "Refuses the call as busy, and ends the script.",
		Detail:  "To a caller that was answered already the busy tone is played first.",
		Params:  []Field{{Name: "seconds", Type: seconds(), Unit: "s", Default: 10, Summary: "how long the tone is played"}},
		Example: `context "internal":extension("603", function(call) call:busy() end)`,
		Func:    func(a *Args) int { return a.refuse(call.CauseBusy, dsp.BusyTone) }},
	{On: "call", Name: "congestion", Phase: Running, Summary: "Refuses the call as congested, and ends the script.",
		Detail:  "To a caller that was answered already the congestion tone is played first.",
		Params:  []Field{{Name: "seconds", Type: seconds(), Unit: "s", Default: 10, Summary: "how long the tone is played"}},
		Example: `context "internal":extension("604", function(call) call:congestion() end)`,
		Func:    func(a *Args) int { return a.refuse(call.CauseCongestion, dsp.CongestionTone) }},
	{On: "call", Name: "wait", Phase: Running, Summary: "Waits; keys that are pressed meanwhile are kept for the next read.",
		Params:  []Field{{Name: "seconds", Type: seconds(), Unit: "s", Required: true, Summary: "how long"}},
		Example: `context "internal":extension("605", function(call) call:wait(1.5) end)`,
		Func:    (*Args).pause},
	{On: "call", Name: "echo", Phase: Running, Summary: "Sends back to the caller what he says.",
		Params: []Field{{Name: "options", Summary: "when to stop", Type: record(
			Field{Name: "seconds", Type: seconds(), Unit: "s", Summary: "for so long; until the caller hangs up where left out"},
			Field{Name: "terminators", Type: text(), Default: "#", Summary: "keys that end it"},
		)}},
		Results: []Field{{Name: "result", Summary: "what ended it", Type: record(
			Field{Name: "status", Type: words("timeout", "interrupted"), Summary: "the time is over, or a key was pressed"},
			Field{Name: "key", Type: text(), Summary: "the key"},
		)}},
		Statuses: []Word{{"timeout", "the time is over"}, {"interrupted", "a key ended it"}},
		Example: `context "internal":extension("600", function(call)
  call:play "demo-echotest"
  call:echo()
  call:play "demo-echodone"
end)`,
		Func: (*Args).echo},
	{On: "call", Name: "tone", Phase: Running, Summary: "Plays a tone.",
		Params: []Field{
			{Name: "tone", Type: text(), Required: true, Summary: `"dial", "ringing", "busy", "congestion", "waiting", "information", "record", "beep", or steps such as "440+480/2000,0/4000"`},
			{Name: "options", Summary: "how", Type: record(
				Field{Name: "seconds", Type: seconds(), Unit: "s", Default: 5, Summary: "how long, at most"},
				Field{Name: "country", Type: text(), Default: "us", Summary: `whose tone: "fr", "de", "uk", "us"`},
				Field{Name: "interrupt", Type: either(text(), truth()), Default: false, Summary: "true, or the keys that end it"},
			)},
		},
		Results: playResult, Statuses: playStatuses,
		Example: `context "internal":extension("606", function(call)
  call:answer()
  call:tone("busy", { seconds = 3, country = "fr" })
end)`,
		Func: (*Args).tone},
	{On: "call", Name: "send_dtmf", Phase: Running, Summary: "Presses keys towards the far end.",
		Params: []Field{
			{Name: "digits", Type: text(), Required: true, Summary: "0-9 * # A-D, and w for half a second of pause"},
			{Name: "options", Summary: "how", Type: record(
				Field{Name: "duration", Type: seconds(), Unit: "s", Default: 0.1, Summary: "of each key"},
				Field{Name: "gap", Type: seconds(), Unit: "s", Default: 0.1, Summary: "between keys"},
			)},
		},
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("607", function(call)
  call:answer()
  call:send_dtmf "1w42#"
end)`,
		Func: func(a *Args) int {
			o := a.Options(1)
			if len(a.String(0)) > mostNames {
				a.Fail("more than %d keys at once", mostNames)
			}
			return a.done(a.Call().send(call.SendDigits{Digits: a.String(0), Duration: o.Seconds("duration"), Gap: o.Seconds("gap")}))
		}},
	{On: "call", Name: "hold", Phase: Running, Summary: "Puts the far end on hold, or takes it back.",
		Params:  []Field{{Name: "on", Type: truth(), Default: true, Summary: "false takes it back"}},
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("608", function(call)
  call:answer()
  call:hold()
  call:wait(5)
  call:hold(false)
end)`,
		Func: func(a *Args) int { return a.done(a.Call().send(call.Hold{On: a.Bool(0)})) }},
	{On: "call", Name: "identify", Phase: Running, Summary: "Changes who is shown to the far end.",
		Params:  []Field{{Name: "party", Type: either(text(), record(partyFields...)), Required: true, Summary: "a number, or a table"}},
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("613", function(call)
  call:identify { number = "1002", name = "Reception" }
  call:answer()
end)`,
		Func: func(a *Args) int {
			return a.done(a.Call().send(call.Identify{Party: partyOf(a.Value(0), call.Party{})}))
		}},
	{On: "call", Name: "transfer", Phase: Running, Summary: "Asks the far end to call another address instead of us.",
		Params:  []Field{{Name: "to", Type: text(), Required: true, Summary: "the address"}},
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("609", function(call)
  call:answer()
  call:transfer "sip:1002@pbx.example.org"
end)`,
		Func: func(a *Args) int { return a.done(a.Call().send(call.Transfer{To: a.String(0)})) }},
	{On: "call", Name: "redirect", Phase: Running, Summary: "Answers a call that is not answered yet with another address.",
		Params:  []Field{{Name: "to", Type: text(), Required: true, Summary: "the address"}},
		Results: signalResult, Statuses: signalStatuses,
		Example: `context "internal":extension("610", function(call) call:redirect "sip:1002@pbx.example.org" end)`,
		Func:    func(a *Args) int { return a.done(a.Call().send(call.Redirect{To: a.String(0)})) }},
	{On: "call", Name: "on_hangup", Phase: Running, Summary: "Runs a function after the call has ended, however it ends.",
		Detail: "Functions run in the reverse order of their adding. The line is gone by then: what plays or dials cannot be used, all else can.",
		Params: []Field{{Name: "fn", Type: function("fun(call: call)"), Required: true, Summary: "cleans up"}},
		Example: `context "internal":extension("611", function(call)
  call:on_hangup(function() log.info("%s is gone", call.caller.number) end)
  call:echo()
end)`,
		Func: (*Args).onHangup},
	{On: "call", Name: "enter", Phase: Running, Summary: "Runs what another extension does, then comes back.",
		Params: []Field{
			{Name: "extension", Type: naming(NamesExtension), Required: true, Summary: "the number"},
			{Name: "context", Type: naming(NamesContext), Summary: "where it is looked up; the call's own where left out"},
		},
		Results: []Field{{Name: "result", Summary: "the outcome", Type: record(
			Field{Name: "status", Type: words("done", "unallocated"), Summary: "whether there is such an extension"},
		)}},
		Statuses: []Word{{"done", "it ran to its end"}, {"unallocated", "there is no such extension"}},
		Example: `local internal = context "internal"
internal:extension("612", function(call) call:enter "600" end)`,
		Func: (*Args).enter},
}

func (a *Args) progress() int {
	c := a.Call()
	if !c.answered.IsZero() {
		return a.Result("done")
	}
	err := c.send(call.Progress{})
	c.early = c.early || err == nil
	return a.done(err)
}

func (a *Args) hangup() int {
	c := a.Call()
	s := call.Hangup{Cause: call.CauseNormal}
	o := a.Options(0)
	name := a.String(0)
	if o.t != nil {
		name = o.String("cause")
		s.Status, s.Reason, s.RetryAfter = o.Int("status"), o.String("reason"), o.Seconds("retry_after")
		if s.Status != 0 && (s.Status < 300 || s.Status > 699) {
			a.Fail("status must be from 300 to 699, got %d", s.Status)
		}
		if s.Status != 0 && !o.Has("cause") {
			name = call.CauseOf(s.Status).String()
		}
	}
	s.Cause = a.cause(name)
	return a.end(c, s)
}

// cause reads a cause that a script named.
func (a *Args) cause(name string) call.Cause {
	cause, ok := call.CauseByName(name)
	if !ok {
		a.Fail("there is no cause %q%s", name, didYouMean(name, []string{"normal", "busy", "congestion", "noanswer", "rejected", "unallocated", "unavailable", "invalid"}))
	}
	return cause
}

// end hangs up. If that is the script's own call, the script ends here.
func (a *Args) end(c *Call, s call.Hangup) int {
	c.hangUp(s)
	if c == c.task.call {
		a.State.Interrupt(call.ErrHungUp)
		a.State.Fail(a.L, call.ErrHungUp)
	}
	return 0
}

// refuse ends the call with a cause, after its tone where the caller can hear it.
func (a *Args) refuse(cause call.Cause, name dsp.ToneName) int {
	c := a.Call()
	if !c.answered.IsZero() || c.early {
		if tone, ok := dsp.FindTone("us", string(name)); ok {
			p := c.start(c.announce("tone", string(name), media.Encoded(tone.Source())))
			over := c.task.alarm(a.Seconds(0), nil)
			a.wait(c.task, func() bool { return p.ended || over.fired || c.ended != nil })
			over.stop()
			p.stop()
		}
	}
	return a.end(c, call.Hangup{Cause: cause})
}

func (a *Args) pause() int {
	c := a.Call()
	over := c.task.alarm(a.Seconds(0), nil)
	defer over.stop()
	a.wait(c.task, func() bool { return over.fired || c.ended != nil })
	return 0
}

func (a *Args) echo() int {
	c := a.Call()
	if err := c.open(); err != nil {
		return a.done(err)
	}
	o := a.Options(0)
	var over *alarm
	if o.Has("seconds") {
		over = c.task.alarm(o.Seconds("seconds"), nil)
		defer over.stop()
	}
	key, stops := byte(0), interruptSet(lua.LString(o.String("terminators")))
	defer c.keys(stops.first(&key))()
	c.Line().Echo(true)
	defer func() { c.Line().Echo(false) }()
	a.wait(c.task, func() bool { return key != 0 || over != nil && over.fired || c.ended != nil })
	if key != 0 {
		return a.Result("interrupted", "key", string(key))
	}
	return a.Result("timeout")
}

func (a *Args) tone() int {
	c := a.Call()
	o := a.Options(1)
	tone, ok := dsp.FindTone(o.String("country"), a.String(0))
	switch {
	case ok:
	case a.String(0) == "beep":
		tone = dsp.Beep()
	default:
		var err error
		if tone, err = dsp.ParseTone(a.String(0)); err != nil {
			a.Fail("%s", err)
		}
	}
	return a.playSource(c, c.announce("tone", a.String(0), media.Encoded(tone.Source())), interruptSet(o.Value("interrupt")), o.Seconds("seconds"), nil)
}

const mostEndings = 100 // functions of on_hangup

func (a *Args) onHangup() int {
	c, f, s := a.Call(), a.Function(0), a.State
	object := a.wrapped(c)
	if c.task.endings++; c.task.endings > mostEndings {
		a.Fail("more than %d functions wait for the end of one call; is this in a loop?", mostEndings)
	}
	s.Cleanup(func() {
		if _, err := s.Invoke(f, object); err != nil {
			c.task.report("on_hangup", err)
		}
	})
	return 0
}

const deepestEntry = 32 // extensions that enter one another

func (a *Args) enter() int {
	c := a.Call()
	context := a.String(1)
	if context == "" {
		context = c.context
	}
	if !a.enterExtension(c, a.String(0), context) {
		return a.Result("unallocated")
	}
	return a.Result("done")
}

// enterExtension runs an extension and reports whether there is one.
func (a *Args) enterExtension(c *Call, number, context string) bool {
	t := c.task
	m, ok := t.site.Routes.Match(context, number, c.caller.Number, t.clock.Now())
	if !ok {
		return false
	}
	if t.entered >= deepestEntry {
		a.Fail("%d extensions enter one another; is this an endless loop?", deepestEntry)
	}
	c.entered(m, number, context)
	extension, from := c.extension, c.context
	c.extension, c.context = number, context
	t.entered++
	defer func() {
		t.entered--
		c.extension, c.context = extension, from
	}()
	if _, err := a.State.Call(m.Extension.Target.(*destination).ref, a.wrapped(c)); err != nil {
		a.rethrow(err)
	}
	return true
}
