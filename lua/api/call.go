package api

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/trace"
)

const typeAhead = 64 // keys that are kept until something reads them

// Call is one leg as scripts hold it: the call that a script serves, or another
// party that it dialled. It belongs to its task's goroutine.
type Call struct {
	task     *task
	leg      call.Leg
	id       string
	began    time.Time
	answered time.Time // zero until then
	early    bool      // media is open before the answer
	alerting bool
	held     bool
	ended    *call.HungUp
	transfer *call.TransferAsked // where the far end wants the other party to be connected
	talking  bool                // connected with another party, whom it may transfer
	line     *media.Line
	faulty   bool         // a script failed on it
	how      string       // what ended the script; see Record.How
	unheard  bool         // its media stopped
	secret   bool         // keys are not noted now
	story    *trace.Track // what happens to the leg is noted here

	caller    call.Party
	language  string
	context   string
	extension string
	vars      *lua.LTable
	fields    *lua.LTable // of the record
	memo      memo
	given     map[string]lua.LValue // what vars begin with: plain values
	listed    CallInfo              // as it was registered; never changes then
	served    call.Leg              // likewise
	object    *lua.LUserData

	digits    []byte             // pressed and not yet read
	listeners []*listener        // that get each key first, the latest last
	playing   *playback          // the latest sound that was begun
	joined    bool               // connected with another party
	owner     *branch            // that dialled it and has not ended
	watch     func(e call.Event) // where not nil, sees each event after it was dealt with
	cause     call.Cause         // of the last attempt to dial, for the end

	next *destined            // where it goes on when the task lets it go, nil where it ends
	heir atomic.Pointer[Call] // that has the leg now, of a party that was handed over
}

var partyFields = []Field{
	{Name: "number", Type: text(), Settable: true, Summary: `"" where it is not known`},
	{Name: "name", Type: text(), Settable: true, Summary: `"" where it is not known`},
	{Name: "presentation", Type: words("allowed", "withheld", "unavailable"), Settable: true, Summary: "whether the number may be shown"},
}

var callerClass = &Class{Name: "caller", Summary: "A party of a call, as it is shown to the other.", Fields: partyFields}

var callClass = &Class{
	Name:    "call",
	Summary: "A call that a script serves, or another party that it dialled.",
	Fields: []Field{
		{Name: "id", Type: text(), Summary: "unique; on every line of the log"},
		{Name: "caller", Type: object("caller"), Summary: "who calls; what is changed here is shown to those who are dialled"},
		{Name: "called", Type: object("caller"), Summary: "who is called, where the line says so"},
		{Name: "extension", Type: text(), Summary: "the number that was dialled"},
		{Name: "context", Type: text(), Summary: "where it was looked up"},
		{Name: "language", Type: naming(NamesLanguage), Settable: true, Summary: `of prompts: "en"`},
		{Name: "state", Type: words("trying", "ringing", "early", "answered", "ended"), Summary: "how far the call has come"},
		{Name: "vars", Type: mapOf(anything()), Summary: "values of the script's own, which end with the call"},
		{Name: "fields", Type: mapOf(anything()), Summary: "what the script wants to be kept in the record of the call, as text; accountcode, userfield and amaflags have columns of their own in Asterisk's formats"},
		{Name: "peer", Type: text(), Summary: `the phone or trunk, "" for guests`},
		{Name: "endpoint", Type: text(), Summary: `the kind of line: "sip"`},
		{Name: "headers", Type: object("headers"), Summary: `headers of the first message, by name: call.headers["X-Queue"]`},
		{Name: "held", Type: truth(), Summary: "the far end has put us on hold"},
		{Name: "cause", Type: either(number(), Type{Kinds: kindNil}), Summary: "why it ended (Q.850), nil before"},
	},
}

// handle deals with one event of the leg.
func (c *Call) handle(e call.Event) {
	switch e := e.(type) {
	case call.Digit:
		if !c.heard(e.Key) && len(c.digits) < typeAhead {
			c.digits = append(c.digits, e.Key)
		}
	case call.Alerting:
		c.alerting = true
		c.rings()
	case call.EarlyMedia:
		c.early = true
	case call.Connected:
		if c.answered.IsZero() {
			c.answered = c.task.clock.Now()
		}
	case call.HeldChanged:
		c.held = e.On
	case call.TransferAsked:
		c.wishes(e)
	case call.HungUp:
		c.ended = &e
		if c == c.task.call && c.task.state != nil {
			c.task.state.Interrupt(call.ErrHungUp)
		}
	}
	c.happened(e)
	if c.watch != nil {
		c.watch(e)
	}
}

// follow carries the events of a leg that the task dialled to its inbox, or to
// that of the task that took it over. It runs on a goroutine of its own until
// the leg has ended, even if the task has ended before.
func (c *Call) follow(leg call.Leg, events <-chan call.Event) {
	clk := c.task.clock
	c.task.api.lines.add(leg)
	defer c.task.api.lines.remove(leg)
	for e := range events {
		c.deliver(e)
		clk.Release()
	}
}

// deliver has an event dealt with by whoever has the leg at that moment.
func (c *Call) deliver(e call.Event) {
	if c.inherit(e) {
		return
	}
	if !c.task.post(func() {
		if !c.inherit(e) {
			c.handle(e)
		}
	}) {
		c.inherit(e) // the task ended meanwhile, perhaps after it handed the leg over
	}
}

// inherit gives e to the task that took the leg over, if one did.
func (c *Call) inherit(e call.Event) bool {
	heir := c.heir.Load()
	if heir != nil {
		heir.task.post(func() { heir.handle(e) })
	}
	return heir != nil
}

// Line is the media side of the leg, made when it is first needed.
func (c *Call) Line() *media.Line {
	if c.line == nil {
		port := c.leg.Media()
		c.line = media.NewLine(c.worker(port), port)
	}
	return c.line
}

func (c *Call) worker(port call.Port) *media.Worker {
	if p, ok := port.(interface{ Worker() *media.Worker }); ok {
		return p.Worker()
	}
	if main := c.task.call; main != nil && main != c {
		return main.Line().Worker()
	}
	return c.task.api.services.Media.Worker()
}

// send gives a signal to the leg.
func (c *Call) send(s call.Signal) error {
	err := c.leg.Send(context.Background(), s)
	if err == nil {
		if _, ring := s.(call.Ring); ring {
			c.rings()
		}
		c.signalled(s)
	}
	return err
}

// rings notes when it rang first.
func (c *Call) rings() {
	if c.memo.rang.IsZero() {
		c.memo.rang = c.task.clock.Now()
	}
}

// answer answers an incoming call that is not answered yet.
func (c *Call) answer() error {
	if !c.answered.IsZero() || !c.leg.Info().Incoming {
		return nil
	}
	if err := c.send(call.Answer{}); err != nil {
		return err
	}
	c.answered = c.task.clock.Now()
	c.story.Note(trace.Answer, "", 0, slog.String("by", "us"))
	return nil
}

// open makes the caller hear and be heard: it answers, unless early media is open.
func (c *Call) open() error {
	if c.early {
		return nil
	}
	return c.answer()
}

// hangUp ends the leg, if it has not ended.
func (c *Call) hangUp(s call.Hangup) {
	if c.ended == nil {
		_ = c.send(s) // the only error is that it has ended
	}
}

// drop ends a leg for which nothing waits any more.
func (c *Call) drop(cause call.Cause) {
	if c.leg == nil {
		return
	}
	c.hangUp(call.Hangup{Cause: cause})
	if c.line != nil {
		_ = c.line.Close()
	}
}

func (c *Call) class() string { return "call" }
func (c *Call) title() string { return c.id }

// get returns a field; see callClass.
func (c *Call) get(L *lua.LState, name string) (lua.LValue, bool) {
	switch name {
	case "vars":
		if c.vars == nil {
			c.vars = L.NewTable()
			for name, value := range c.given {
				c.vars.RawSetString(name, value)
			}
		}
		return c.vars, true
	case "fields":
		if c.fields == nil {
			c.fields = L.NewTable()
		}
		return c.fields, true
	case "extension":
		return lua.LString(c.extension), true
	case "context":
		return lua.LString(c.context), true
	case "caller":
		return c.task.api.wrap(L, &party{&c.caller, true}), true
	case "language":
		return lua.LString(c.language), true
	case "id":
		return lua.LString(c.id), true
	case "held":
		return lua.LBool(c.held), true
	case "cause":
		if c.ended == nil {
			return lua.LNil, true
		}
		return lua.LNumber(c.ended.Cause), true
	}
	return c.fact(L, name)
}

// fact returns a field that the leg knows.
func (c *Call) fact(L *lua.LState, name string) (lua.LValue, bool) {
	info := c.leg.Info()
	switch name {
	case "state":
		return lua.LString(info.State.String()), true
	case "called":
		return c.task.api.wrap(L, &party{&info.Called, false}), true
	case "peer":
		return lua.LString(info.Peer), true
	case "endpoint":
		return lua.LString(info.Endpoint), true
	case "headers":
		return c.task.api.wrap(L, headers{info.Protocol.Header}), true
	}
	return nil, false
}

func (c *Call) set(name string, v lua.LValue) {
	if name == "language" {
		c.language = asString(v, nil)
	}
}

// party is the caller object.
type party struct {
	*call.Party
	settable bool
}

func (p *party) class() string { return "caller" }
func (p *party) title() string { return strings.TrimSpace(p.Name + " <" + p.Number + ">") }
func (p *party) get(_ *lua.LState, name string) (lua.LValue, bool) {
	switch name {
	case "number":
		return lua.LString(p.Number), true
	case "name":
		return lua.LString(p.Name), true
	case "presentation":
		return lua.LString(p.Presentation.String()), true
	}
	return nil, false
}

func (p *party) set(name string, v lua.LValue) {
	switch name {
	case "number":
		p.Number = asString(v, nil)
	case "name":
		p.Name = asString(v, nil)
	case "presentation":
		for _, one := range []call.Presentation{call.Allowed, call.Withheld, call.Unavailable} {
			if one.String() == asString(v, nil) {
				p.Presentation = one
			}
		}
	}
}

// headers is the headers object: any name may be asked for.
type headers struct{ find func(string) string }

var headersClass = &Class{Name: "headers", Summary: "Headers of a protocol message, by name; nil for those that are not there."}

func (h headers) class() string { return "headers" }
func (h headers) title() string { return "" }
func (h headers) get(_ *lua.LState, name string) (lua.LValue, bool) {
	if h.find == nil {
		return lua.LNil, true
	}
	if v := h.find(name); v != "" {
		return lua.LString(v), true
	}
	return lua.LNil, true
}
func (h headers) set(string, lua.LValue) {}

// Call is the call that a method was called on. A script goes on only as long
// as its own call, but a party that it dialled may have ended.
func (a *Args) Call() *Call {
	c := a.L.Get(1).(*lua.LUserData).Value.(*Call)
	if c.ended != nil && c == c.task.call {
		a.State.Fail(a.L, call.ErrHungUp)
	}
	return c
}

// Wrapped is c as an object of Lua.
func (a *Args) wrapped(c *Call) *lua.LUserData {
	if c.object == nil {
		c.object = a.api.wrap(a.L, c)
	}
	return c.object
}

// done is the result of a signal: "done", "hungup" or "failed".
func (a *Args) done(err error) int {
	switch {
	case err == nil:
		return a.Result("done")
	case errors.Is(err, call.ErrHungUp):
		return a.Result("hungup")
	case errors.Is(err, call.ErrNotSupported):
		return a.Result("unsupported", "reason", err.Error())
	}
	return a.Result("failed", "reason", err.Error())
}
