package api

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/route"
)

// dialContext is the object that context returns.
type dialContext struct{ name string }

var contextClass = &Class{
	Name:    "context",
	Summary: "A set of numbers that some callers may dial.",
	Fields: []Field{
		{Name: "name", Type: text(), Summary: "its name"},
	},
}

var dialplanEntries = []*Entry{
	{
		Name: "context", Phase: Both,
		Summary: "Opens a context: a named set of extensions.",
		Detail:  "The same context may be opened in several files. Phones and trunks name the context where the numbers that they dial are looked up; what is in no context that they can reach does not exist for them.",
		Params:  []Field{{Name: "name", Type: text(), Required: true, Summary: "its name"}},
		Results: []Field{{Name: "context", Type: object("context"), Summary: "takes extensions and includes"}},
		Example: `local internal = context "internal"

internal:extension("600", function(call)
  call:answer()
  call:echo()
end)`,
		Func: (*Args).openContext,
	},
	{
		On: "context", Name: "extension", Phase: Both,
		Summary: "Says what happens when a number of this context is dialled.",
		Detail: "A pattern begins with `_`; in it `X` is a digit, `Z` a digit from 1, `N` a digit from 2, `[15-7]` one of these, `.` one or more characters and `!` none or more. " +
			"Where several match, the most specific wins, whatever the order in the files. Special extensions are `s` (no number), `i` (a number that matches nothing).",
		Params: []Field{
			{Name: "pattern", Type: text(), Required: true, Summary: "the number, or a pattern of numbers"},
			{Name: "options", Type: either(record(
				Field{Name: "caller", Type: text(), Summary: "only for callers whose number is this or matches this pattern"},
				Field{Name: "name", Type: text(), Summary: "shown in logs and traces"},
			), function("fun(call: call)")), Summary: "may be left out"},
			{Name: "fn", Type: function("fun(call: call)"), Summary: "serves the call; the call ends when it returns"},
		},
		Results: []Field{{Name: "context", Type: object("context"), Summary: "the same context"}},
		Example: `local inbound = context "from-trunk"

inbound:extension("_0[1-7]XXXXXXXX", { name = "main number" }, function(call)
  call:dial("sip/1001", { timeout = 25 })
end)

inbound:extension("_X.", { caller = "0900123456" }, function(call)
  call:hangup "rejected"
end)`,
		Func: (*Args).extension,
	},
	{
		On: "context", Name: "include", Phase: Both,
		Summary: "Makes the extensions of another context reachable from this one.",
		Detail:  "Included contexts are looked through in order, after the context's own extensions, and only where those match nothing.",
		Params: []Field{
			{Name: "name", Type: text(), Required: true, Summary: "the other context"},
			{Name: "options", Type: record(
				Field{Name: "when", Type: oneOrMore(text()), Summary: `when the include applies: "09:00-17:59,mon-fri,*,*", times, days of the week, days of the month and months, "*" or nothing for any; several are alternatives`},
				Field{Name: "zone", Type: text(), Summary: `time zone of when, such as "Europe/Paris"; the machine's where it is left out`},
			), Summary: "when it applies"},
		},
		Results: []Field{{Name: "context", Type: object("context"), Summary: "the same context"}},
		Example: `local day = context "day"
day:extension("100", function(call) call:dial "sip/1001" end)

local inbound = context "inbound"
inbound:include("day", { when = "09:00-17:59,mon-fri" })
inbound:extension("i", function(call) call:play "vm-goodbye" end)`,
		Func: (*Args).include,
	},
	{
		Name: "on", Phase: Both,
		Summary: "Runs a function at an event.",
		Detail:  "Several functions may wait for one event; they run in the order of their declaration, and one that fails is reported and skipped. Those of `call.incoming` run before the dialled number is looked up, on the call itself; all others run beside the calls and delay none.",
		Params: []Field{
			{Name: "event", Type: words("start", "call.incoming", "call.ended", "registration", "voicemail.changed", "originated"), Required: true,
				Summary: "`start`: this version of the scripts begins to serve; `call.incoming`: a call came in, fn gets it; `call.ended`: fn gets the record of the call; `registration`: a phone or trunk came or went, fn gets `phone`, `state`, `contact`; `voicemail.changed`: messages came or went, fn gets `mailbox`, `new`, `urgent`, `old`; `originated`: it is known what came of an `originate` with wait = false, fn gets what that would have returned, and its `target`, `tag`, `context` and `extension`"},
			{Name: "fn", Type: function("fun(subject: any)"), Required: true, Summary: "runs at the event"},
		},
		Example: `on("call.ended", function(record)
  log.info("call from %s lasted %d s: %s", record.caller.number, record.duration, record.cause)
end)

on("registration", function(event)
  log.info("phone %s is %s", event.phone, event.state)
end)`,
		Func: (*Args).on,
	},
}

func (a *Args) openContext() int {
	name := a.String(0)
	if site := a.site(); site != nil {
		if !site.contexts[name] {
			site.contexts[name], site.opened[name] = true, a.Source()
		}
		site.Routes.Context(name)
	}
	a.L.Push(a.api.wrap(a.L, &dialContext{name}))
	return 1
}

func (a *Args) context() *dialContext { return a.L.Get(1).(*lua.LUserData).Value.(*dialContext) }

// extensionKey names an extension for host.State.Declare: alike in both phases.
func extensionKey(context, pattern, caller string) string {
	return context + "\x00" + pattern + "\x00" + caller
}

func (a *Args) extension() int {
	c, pattern, options := a.context(), a.String(0), a.Options(1)
	fn := a.Function(2)
	if fn == nil {
		fn = a.Function(1)
	}
	if fn == nil {
		a.Fail("a function that serves the call is required")
	}
	caller := options.String("caller")
	ref := a.State.Declare(a.L, "extension", extensionKey(c.name, pattern, caller), fn)
	if site := a.site(); site != nil {
		if err := site.once("extension "+pattern+callerSuffix(caller)+" of context "+c.name, a.Source()); err != nil {
			a.Fail("%s", err)
		}
		err := site.Routes.Add(c.name, route.Extension{
			Pattern:  pattern,
			CallerID: caller,
			Source:   a.Source(),
			Target:   &destination{ref: ref, name: options.String("name"), context: c.name, pattern: pattern, source: a.Source()},
		})
		if err != nil {
			a.Fail("%s", err)
		}
	}
	return a.Return(a.L.Get(1))
}

func callerSuffix(caller string) string {
	if caller == "" {
		return ""
	}
	return " for caller " + caller
}

func (a *Args) include() int {
	site := a.site()
	if site == nil {
		return a.Return(a.L.Get(1))
	}
	options := a.Options(1)
	zone, err := a.api.zone(options.String("zone"))
	if err != nil {
		a.Fail("%s", err)
	}
	var when func(time.Time) bool
	if specs := options.Strings("when"); len(specs) > 0 {
		hours, err := parseHours(specs, zone)
		if err != nil {
			a.Fail("when: %s", err)
		}
		when = hours.contains
	}
	site.mention(a.String(0), a.Source())
	site.Routes.AddInclude(a.context().name, route.Inclusion{
		Context: a.String(0), When: when, Hours: strings.Join(options.Strings("when"), "; "), Source: a.Source(),
	})
	return a.Return(a.L.Get(1))
}

func (a *Args) on() int {
	ref := a.State.Declare(a.L, "on", a.String(0), a.Function(1))
	if site := a.site(); site != nil {
		site.hooks[a.String(0)] = append(site.hooks[a.String(0)], hook{ref, a.Source()})
	}
	return 0
}

// site is what the scripts being loaded declare into; nil while a call is
// served, and in modules whose declarations were collected before.
func (a *Args) site() *Site {
	if !a.State.Collecting() {
		return nil
	}
	site, _ := a.State.Declarations().(*Site)
	return site
}
