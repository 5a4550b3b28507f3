package api

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/route"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/host"
)

// A call can begin here: a target is dialled, and when it answers a script
// serves it as if it had dialled a number itself. That is a task like any other
// (see task.detach); the one that originated waits for the answer and no longer.

var originateEntries = []*Entry{
	{Name: "calls", Phase: Running, Summary: "Lists the calls that scripts serve now, oldest first.",
		Results: []Field{{Name: "calls", Summary: "what they were when this was asked", Type: listOf(record(
			Field{Name: "id", Type: text(), Summary: "as on every line of the log"},
			Field{Name: "caller", Type: record(
				Field{Name: "number", Type: text(), Summary: `"" where it is not known`},
				Field{Name: "name", Type: text(), Summary: `"" where it is not known`},
			), Summary: "who calls"},
			Field{Name: "extension", Type: text(), Summary: "the number that was dialled"},
			Field{Name: "context", Type: text(), Summary: "where it was looked up"},
			Field{Name: "peer", Type: text(), Summary: `the phone or trunk, "" for guests`},
			Field{Name: "state", Type: text(), Summary: `"trying", "ringing", "early", "answered" or "ended"`},
			Field{Name: "began", Type: number(), Unit: "s", Summary: "when it came"},
			Field{Name: "duration", Type: number(), Unit: "s", Summary: "since then"},
			Field{Name: "version", Type: number(), Summary: "of the scripts that serve it"},
		))}},
		Example: `context "internal":extension("685", function(call)
  call:answer()
  call:say { number = #calls() }
end)`,
		Func: (*Args).listCalls},
	{Name: "originate", Phase: Running, Summary: "Calls a target and, when it answers, runs a number of the dialplan for it.",
		Detail: "Comes back as soon as it is known whether the target answers; the call then goes on by itself, with the target as its caller. " +
			"Instead of context and extension, app names a method of calls to run: `originate { target = \"sip/1001\", app = \"play\", args = { \"welcome\" } }`. " +
			"If the script that originates ends before the answer, the target stops ringing.",
		Params: []Field{{Name: "options", Required: true, Summary: "whom to call, and what for", Type: record(
			Field{Name: "target", Type: naming(NamesTarget), Required: true, Summary: `whom to call, as for call:dial: "sip/1001"`},
			Field{Name: "context", Type: naming(NamesContext), Summary: "where the extension is looked up"},
			Field{Name: "extension", Type: naming(NamesExtension), Summary: "the number to run when the target answers"},
			Field{Name: "app", Type: text(), Summary: "a method of calls to run instead"},
			Field{Name: "args", Type: listOf(either(text(), number(), truth())), Summary: "its arguments"},
			Field{Name: "timeout", Type: seconds(), Unit: "s", Default: 30, Summary: "how long to let it ring"},
			Field{Name: "caller", Type: either(text(), record(partyFields...)), Summary: "shown to the target, and the caller of the new call: a number, or a table; the extension and the target's own number where left out"},
			Field{Name: "variables", Type: mapOf(either(text(), number(), truth())), Summary: "what call.vars begins with"},
			Field{Name: "headers", Type: mapOf(text()), Summary: "further protocol headers"},
			Field{Name: "codecs", Type: oneOrMore(words(codecNames()...)), Summary: "instead of those of the phone or trunk"},
			Field{Name: "language", Type: naming(NamesLanguage), Default: "en", Summary: "of prompts"},
			Field{Name: "wait", Type: truth(), Default: true, Summary: "false comes back at once, with the status begun; what came of it is told to the functions of on(\"originated\")"},
			Field{Name: "tag", Type: text(), Summary: "given to those functions"},
		)}},
		Results: []Field{{Name: "result", Summary: "whether it answered", Type: record(
			Field{Name: "status", Type: words("answered", "busy", "noanswer", "congestion", "unavailable", "invalid", "begun"), Summary: "the outcome in one word"},
			Field{Name: "id", Type: text(), Summary: "of the new call, where it was answered"},
			Field{Name: "cause", Type: number(), Summary: "why it was not answered (Q.850)"},
			Field{Name: "sip", Type: number(), Summary: "SIP status of a refusal"},
			Field{Name: "reason", Type: text(), Summary: "in words"},
			Field{Name: "duration", Type: number(), Unit: "s", Summary: "until that was known"},
		)}},
		Statuses: []Word{
			{"answered", "the target answered, and the script runs"},
			{"busy", "busy, or rejected"},
			{"noanswer", "nobody answered in time"},
			{"congestion", "the network, or a limit of the site, has no way through"},
			{"unavailable", "there is no such phone, or it is not registered"},
			{"invalid", "there is no such extension in the context"},
			{"begun", "with wait = false: the target is being called"},
		},
		Example: `timer.every(86400, function()
  local result = originate { target = "sip/1001", context = "internal", extension = "600", timeout = 20 }
  log.info("the wake-up call was %s", result.status)
end)

context "internal":extension("600", function(call) call:play "welcome" end)`,
		Func: (*Args).originate},
}

func (a *Args) listCalls() int {
	now := a.api.services.Clock.Now()
	infos := a.api.Calls()
	a.State.Reserve(a.L, 2048*len(infos))
	list := a.L.CreateTable(len(infos), 0)
	for i, c := range infos {
		caller, one := a.L.CreateTable(0, 2), a.L.CreateTable(0, 9)
		caller.RawSetString("number", lua.LString(c.Caller))
		caller.RawSetString("name", lua.LString(c.Name))
		for name, v := range map[string]lua.LValue{
			"id": lua.LString(c.ID), "caller": caller, "extension": lua.LString(c.Extension), "context": lua.LString(c.Context),
			"peer": lua.LString(c.Peer), "state": lua.LString(c.State), "began": fromTime(c.Began),
			"duration": lua.LNumber(now.Sub(c.Began).Seconds()), "version": lua.LNumber(c.Version),
		} {
			one.RawSetString(name, v)
		}
		list.RawSetInt(i+1, one)
	}
	return a.Return(list)
}

// origination is one target that is called to be given a script.
type origination struct {
	attempt
	task     *task
	ctx      context.Context
	goal     goal
	to       call.Target
	answered string // id of the new call
}

// goal is what a target is called for: a number of the dialplan, or a method.
type goal struct {
	site      *Site
	version   *host.Version
	found     route.Match
	context   string
	extension string
	app       string
	args      []lua.LValue // plain values
	caller    call.Party
	vars      map[string]lua.LValue // plain values
}

func (a *Args) originate() int {
	t, o := a.working(), a.Options(0)
	began := t.clock.Now()
	g, wrong := a.goal(o)
	if wrong != "" {
		return a.Result("invalid", "reason", wrong)
	}
	og := &origination{attempt: attempt{target: o.String("target")}, task: t, goal: g}
	og.to = a.wanted(o, g)
	og.goal.caller = og.to.Caller
	if !o.Has("caller") {
		og.goal.caller = call.Party{}
	}
	if !o.Bool("wait") {
		og.beside(o.Seconds("timeout"), o.String("tag"))
		return a.Result("begun")
	}
	og.ring(o.Seconds("timeout"), func(done func() bool) { a.wait(t, done) })
	status, fields := og.outcome(t.clock.Now().Sub(began))
	return a.Result(status, fields...)
}

// ring calls the target until something is known of it.
func (og *origination) ring(timeout time.Duration, wait func(done func() bool)) {
	var cancel context.CancelFunc
	og.ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	defer og.giveUp()
	if !og.task.api.calls.room(og.goal.site.Limits) {
		og.refused(call.CauseSwitchCongestion, "this server takes no more calls now")
	} else {
		og.begin()
	}
	over := og.task.alarm(timeout, nil)
	defer over.stop()
	wait(func() bool { return og.answered != "" || og.over || over.fired })
}

// beside calls the target in a task of its own, for a script that does not wait.
func (og *origination) beside(timeout time.Duration, tag string) {
	g, b := og.goal, &og.task.api.background
	t := newTask(b.api, g.site, g.version, b.api.services.Log.With("originate", og.target))
	og.task = t
	b.mu.Lock()
	defer b.mu.Unlock()
	b.start("originate", func() {
		defer t.close()
		defer t.survive("originating a call", t.release)
		began := t.clock.Now()
		og.ring(timeout, func(done func() bool) {
			for !done() {
				t.next()
			}
		})
		status, fields := og.outcome(t.clock.Now().Sub(began))
		fields = append(fields, "status", status, "target", og.target, "tag", tag, "context", g.context, "extension", g.extension)
		b.run(g.version, g.site, "originated", g.site.hooks["originated"], func(L *lua.LState) lua.LValue { return tableOf(L, fields) })
	})
}

// goal reads what the target is called for; wrong says why that cannot be.
func (a *Args) goal(o Options) (g goal, wrong string) {
	g = goal{
		version: a.api.host.Current(), context: o.String("context"), extension: o.String("extension"), app: o.String("app"),
		vars: plainValues(o.Value("variables")),
	}
	g.site = g.version.Declarations().(*Site)
	if g.app != "" {
		if g.extension != "" {
			a.Fail("takes an extension or an app, not both")
		}
		g.args = a.appArguments(g.app, o.Value("args"))
		return g, ""
	}
	if g.extension == "" || g.context == "" {
		a.Fail("needs a context and an extension, or an app")
	}
	var ok bool
	g.found, ok = g.site.lookup(call.Info{Context: g.context, Extension: g.extension}, a.api.services.Clock.Now())
	if !ok {
		return g, "there is no extension " + strconv.Quote(g.extension) + " in context " + strconv.Quote(g.context)
	}
	return g, ""
}

// appArguments reads the arguments of a method, which may come as words.
func (a *Args) appArguments(app string, given lua.LValue) []lua.LValue {
	e, ok := Lookup("call", app)
	if !ok {
		a.Fail("calls have no method %q%s", app, didYouMean(app, names("call")))
	}
	list, _ := given.(*lua.LTable)
	if list == nil {
		return nil
	}
	var args []lua.LValue
	for i := 1; i <= list.Len(); i++ {
		v := list.RawGetInt(i)
		s, isText := v.(lua.LString)
		if n := i - 1; isText && n < len(e.Params) && e.Params[n].Type.Kinds&(kindString|kindAny) == 0 {
			if number, err := strconv.ParseFloat(string(s), 64); err == nil {
				v = lua.LNumber(number)
			}
		}
		args = append(args, v)
	}
	return args
}

// wanted is what is dialled.
func (a *Args) wanted(o Options, g goal) call.Target {
	_, address, _ := strings.Cut(o.String("target"), "/")
	to := call.Target{Address: address, Codecs: codecList(o), Language: o.String("language"), Context: g.context, Caller: call.Party{Number: g.extension}}
	to.Caller = partyOf(o.Value("caller"), to.Caller)
	to.Headers = headerList(o)
	return to
}

// begin calls the target, on a goroutine that then carries the leg's events.
func (og *origination) begin() {
	t := og.task
	technology, _, ok := strings.Cut(og.target, "/")
	dialer := t.api.services.Endpoints[technology]
	if !ok {
		og.refused(call.CauseNoRoute, `a target looks like "sip/1001", not "`+og.target+`"`)
		return
	}
	if dialer == nil {
		og.refused(call.CauseNoRoute, "no kind of line is called "+technology)
		return
	}
	t.log.Info("originating", "target", og.target, "context", og.goal.context, "extension", og.goal.extension, "app", og.goal.app)
	t.clock.Hold()
	go func() {
		leg, err := t.dial(og.ctx, dialer, og.to)
		if err != nil {
			t.post(func() { og.refused(causeOf(err), err.Error()) })
			t.clock.Release()
			return
		}
		party := &Call{task: t, leg: leg, id: leg.Info().ID, began: t.clock.Now(), language: og.to.Language, context: og.to.Context, extension: og.to.Address}
		party.story = t.api.services.Trace.Leg(party.id)
		party.story.Note(trace.Dial, "", 0, slog.String("target", og.target))
		events := leg.Events()
		if !t.post(func() { og.dialled(party) }) {
			_ = leg.Send(context.Background(), call.Hangup{Cause: call.CauseNormal})
		}
		t.clock.Release()
		party.follow(leg, events)
	}()
}

func (og *origination) refused(cause call.Cause, reason string) {
	og.over, og.cause, og.reason = true, cause, reason
}

func (og *origination) dialled(party *Call) {
	og.party = party
	og.task.peers = append(og.task.peers, party)
	if og.ctx.Err() != nil {
		party.drop(call.CauseNormal)
		return
	}
	party.watch = func(e call.Event) {
		switch e := e.(type) {
		case call.Connected:
			og.serve()
		case call.HungUp:
			og.over, og.cause, og.status, og.reason = true, e.Cause, e.Status, e.Reason
		}
	}
}

// serve gives the party that answered its script.
func (og *origination) serve() {
	g, party := og.goal, og.party
	if og.answered != "" || og.over {
		return
	}
	c := og.task.detach(party, g.site, g.version)
	c.context, c.extension, c.given = g.context, g.extension, g.vars
	if g.caller != (call.Party{}) {
		c.caller = g.caller
	}
	if g.app != "" {
		c.task.program = func() error { return c.task.method(g.app, g.args) }
	}
	og.answered = c.id
	og.task.api.counters.calls.Add(1)
	og.task.launch(party, c, g.found)
}

// method runs one method of the task's call.
func (t *task) method(name string, args []lua.LValue) error {
	prompt := t.state.Prompt("originate")
	_, err := prompt.Run("local call = ... return call:"+name+"(select(2, ...))", append([]lua.LValue{t.object()}, args...)...)
	return err
}

// giveUp ends what still rings when nobody waits for it any more.
func (og *origination) giveUp() {
	if og.party != nil && og.answered == "" {
		og.party.watch = nil
		og.party.drop(call.CauseNormal)
	}
}

// outcome is what there is to tell after so long: a status and further fields.
func (og *origination) outcome(duration time.Duration) (status string, fields []any) {
	if og.answered != "" {
		return "answered", []any{"id", og.answered, "duration", duration}
	}
	if !og.over {
		og.cause = call.CauseNoAnswer
	}
	reason := og.reason
	if reason == "" {
		reason = og.cause.String()
	}
	var sip any
	if og.status != 0 {
		sip = og.status
	}
	return dialWords[og.cause.DialStatus()], []any{"cause", int(og.cause), "sip", sip, "reason", reason, "duration", duration}
}

// causeOf is why no attempt could be made to dial.
func causeOf(err error) call.Cause {
	switch {
	case errors.Is(err, call.ErrUnknownTarget):
		return call.CauseUnallocated
	case errors.Is(err, call.ErrUnreachable):
		return call.CauseAbsent
	case errors.Is(err, call.ErrBusy):
		return call.CauseBusy
	case errors.Is(err, call.ErrExhausted):
		return call.CauseCongestion
	}
	return call.CauseNetworkFailure
}

// partyOf is usual changed by what a script gave: a number, or a table.
func partyOf(v lua.LValue, usual call.Party) call.Party {
	switch v := v.(type) {
	case lua.LString, lua.LNumber:
		return call.Party{Number: asString(v, nil), Name: usual.Name}
	case *lua.LTable:
		p := &party{&usual, true}
		for _, f := range partyFields {
			if value := v.RawGetString(f.Name); value != lua.LNil {
				p.set(f.Name, value)
			}
		}
	}
	return usual
}

// headerList reads option headers.
func headerList(o Options) (list [][2]string) {
	if h, ok := o.Value("headers").(*lua.LTable); ok {
		h.ForEach(func(k, v lua.LValue) { list = append(list, [2]string{k.String(), v.String()}) })
	}
	return list
}
