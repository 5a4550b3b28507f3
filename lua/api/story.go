package api

import (
	"errors"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/route"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/host"
)

// What scripts do is noted with the flight recorder, under the id of the leg
// that they do it to. Steps are noted in one place, before any function of the
// table runs that acts on the world (see Entry.step); what comes of them is
// noted where it happens.

var traceEntries = []*Entry{
	{On: "trace", Name: "step", Phase: Running, Summary: "Notes a step in the story of the call.",
		Detail: "Functions of this API note themselves. This is for libraries that bring a language of steps of their own, such as a translated dialplan.",
		Params: []Field{{Name: "step", Required: true, Summary: "what is about to be done", Type: record(
			Field{Name: "app", Type: text(), Required: true, Summary: "what is done"},
			Field{Name: "args", Type: text(), Summary: "with what"},
			Field{Name: "context", Type: text(), Summary: "the context that the call is in; the call's where left out"},
			Field{Name: "extension", Type: text(), Summary: "the number; the call's where left out"},
			Field{Name: "priority", Type: count(), Summary: "place in the extension"},
			Field{Name: "pattern", Type: text(), Summary: "the extension as it is written"},
			Field{Name: "found_in", Type: text(), Summary: "the context that it is written in"},
			Field{Name: "file", Type: text(), Summary: "where it is written; the script's place where left out"},
			Field{Name: "line", Type: count(), Summary: "the line there"},
		)}, {Name: "party", Type: either(object("call"), text()), Summary: "who it is done for, or the name of a line that there is not; the call itself where left out"}},
		Example: `context "internal":extension("690", function(call)
  trace.step { app = "NoOp", args = "hello", priority = 1 }
end)`,
		Func: (*Args).traceStep},
	{On: "trace", Name: "variable", Phase: Running, Summary: "Notes in the story of the call that a variable has a new value.",
		Params: []Field{
			{Name: "name", Type: text(), Required: true, Summary: "its name"},
			{Name: "value", Type: anything(), Summary: "its value; nil where it is gone"},
		},
		Example: `context "internal":extension("691", function(call) trace.variable("DIALSTATUS", "BUSY") end)`,
		Func: func(a *Args) int {
			if l := a.story(); l != nil {
				file, line := a.State.Where(a.L)
				l.Note(trace.Variable, file, line, slog.String("name", a.String(0)), slog.String("value", brief(a.Value(1))))
			}
			return 0
		}},
}

func (a *Args) traceStep() int {
	l, o := a.story(), a.Options(0)
	if t := a.task(); t != nil && t.call != nil && o.Has("app") && a.Value(1) == lua.LNil {
		t.call.memo.app, t.call.memo.data, t.call.memo.foreign = o.String("app"), cut(o.String("args"), longestArgs), true
	}
	switch party := a.Value(1).(type) {
	case *lua.LUserData:
		l = party.Value.(*Call).story
	case lua.LString:
		l = a.api.services.Trace.Leg(string(party))
	}
	if l == nil {
		return 0
	}
	file, line := o.String("file"), o.Int("line")
	if file == "" {
		file, line = a.State.Where(a.L)
	}
	attrs := make([]slog.Attr, 0, 7)
	for _, key := range []string{"app", "args", "context", "extension", "pattern"} {
		if o.Has(key) {
			attrs = append(attrs, slog.String(key, o.String(key)))
		}
	}
	if o.Has("found_in") {
		attrs = append(attrs, slog.String("in", o.String("found_in")))
	}
	if o.Has("priority") {
		attrs = append(attrs, slog.Int("priority", o.Int("priority")))
	}
	l.Note(trace.Step, file, line, attrs...)
	return 0
}

// story is the track of the call that the script serves, nil where there is none.
func (a *Args) story() *trace.Track {
	t := a.task()
	if t == nil || t.call == nil {
		return nil
	}
	return t.call.story
}

// steps reports whether calls of the entry are steps in a call's story: those
// that do something, rather than look something up or compute.
func (e *Entry) steps() bool {
	if e.Phase != Running || e.On == "trace" {
		return false
	}
	switch e.On {
	case "call", "store", "http", "mail", "files":
		return true
	}
	return false
}

// step notes that an entry is about to run.
func (a *Args) step() {
	l := a.story()
	if l == nil {
		return
	}
	if a.base == 2 {
		if c, ok := a.L.Get(1).(*lua.LUserData).Value.(*Call); ok && c.story != nil {
			l = c.story
		}
	}
	file, line := a.State.Where(a.L)
	l.Note(trace.Step, file, line, slog.String("app", a.entry.Label()), slog.String("args", a.written()))
}

// longestArgs is how much of the arguments a step keeps, in bytes.
const longestArgs = 200

// written is the arguments as a script would write them, cut where they are long.
func (a *Args) written() string {
	top := a.L.GetTop()
	if top < a.base {
		return ""
	}
	if s, ok := a.L.Get(a.base).(lua.LString); ok && top == a.base && len(s) <= longestArgs {
		return strconv.Quote(string(s))
	}
	var b strings.Builder
	for i := a.base; i <= top && b.Len() < longestArgs; i++ {
		if i > a.base {
			b.WriteString(", ")
		}
		write(&b, a.L.Get(i), true)
	}
	return cut(b.String(), longestArgs)
}

// write writes a value as a script would; tables only where deep.
func write(b *strings.Builder, v lua.LValue, deep bool) {
	switch v := v.(type) {
	case lua.LString:
		b.WriteString(strconv.Quote(cut(string(v), longestArgs)))
	case *lua.LFunction:
		b.WriteString("function")
	case *lua.LUserData:
		if o, ok := v.Value.(objectValue); ok {
			b.WriteString(o.class() + " " + o.title())
		}
	case *lua.LTable:
		if !deep {
			b.WriteString("{…}")
			return
		}
		b.WriteString("{ ")
		comma := ""
		for k, value := v.Next(lua.LNil); k != lua.LNil && b.Len() < longestArgs; k, value = v.Next(k) {
			b.WriteString(comma)
			comma = ", "
			if _, listed := k.(lua.LNumber); !listed {
				b.WriteString(k.String() + " = ")
			}
			write(b, value, false)
		}
		b.WriteString(" }")
	default:
		b.WriteString(v.String())
	}
}

// brief is a value for a note: texts as they are.
func brief(v lua.LValue) string {
	if s, ok := v.(lua.LString); ok {
		return cut(string(s), longestArgs)
	}
	var b strings.Builder
	write(&b, v, true)
	return cut(b.String(), longestArgs)
}

// note adds an event to the leg's story, with the place of the script.
func (a *Args) note(c *Call, kind trace.Kind, attrs ...slog.Attr) {
	if c.story == nil {
		return
	}
	file, line := a.State.Where(a.L)
	c.story.Note(kind, file, line, attrs...)
}

// begun notes that a call came.
func (c *Call) begun(info call.Info, version int) {
	c.story.Note(trace.Begin, "", 0, slog.String("caller", c.caller.Number), slog.String("name", c.caller.Name),
		slog.String("context", c.context), slog.String("extension", c.extension), slog.String("peer", info.Peer), slog.Int("version", version))
}

// entered notes that a script is about to serve the call, and by which extension.
func (c *Call) entered(found route.Match, number, context string) {
	if c.story == nil {
		return
	}
	file, line := placeOf(found.Extension.Source)
	c.story.Note(trace.Enter, file, line, slog.String("context", context), slog.String("extension", number),
		slog.String("pattern", found.Extension.Pattern), slog.String("in", found.Context))
}

// placeOf takes "scripts/dialplan.lua:12" apart.
func placeOf(source string) (string, int) {
	i := strings.LastIndexByte(source, ':')
	line, err := strconv.Atoi(source[i+1:])
	if i < 0 || err != nil {
		return source, 0
	}
	return source[:i], line
}

// happened notes what the far end of a leg did.
func (c *Call) happened(e call.Event) {
	if c.story == nil {
		return
	}
	switch e := e.(type) {
	case call.Alerting:
		c.story.Note(trace.State, "", 0, slog.String("state", call.Ringing.String()))
	case call.EarlyMedia:
		c.story.Note(trace.State, "", 0, slog.String("state", call.Early.String()))
	case call.Connected:
		c.story.Note(trace.Answer, "", 0, slog.String("by", "far end"))
	case call.Digit:
		c.story.Note(trace.Digit, "", 0, slog.String("key", c.shown(e.Key)), slog.String("via", e.Via.String()))
	case call.HeldChanged:
		c.story.Note(trace.Hold, "", 0, slog.Bool("on", e.On), slog.String("by", "far end"))
	case call.TransferAsked:
		c.story.Note(trace.Transfer, "", 0, slog.String("to", e.To), slog.String("by", "far end"))
	case call.MediaLost:
		c.unheard = true
		c.story.Note(trace.Media, "", 0, slog.Duration("silence", e.Silence))
	case call.MediaChanged:
		c.story.Note(trace.Media, "", 0, slog.String("format", e.Format.String()))
	case call.HungUp:
		by := "far end"
		if e.ByUs {
			by = "us"
		}
		c.story.Note(trace.HangUp, "", 0, slog.Int("cause", int(e.Cause)), slog.Int("status", e.Status), slog.String("reason", e.Reason), slog.String("by", by))
	}
}

// failed notes an error of a script.
func (c *Call) failed(where string, err error) {
	if c.story == nil {
		return
	}
	c.faulty = true
	file, line := "", 0
	if e := (*host.ScriptError)(nil); errors.As(err, &e) {
		file, line = e.File, e.Line
	}
	c.story.Note(trace.Error, file, line, slog.String("where", where), slog.String("message", err.Error()), slog.String("traceback", host.Report(err)))
}

// over notes the end of the call that a script served. Nothing follows.
func (c *Call) over(r Record) {
	if c.story == nil {
		return
	}
	status := "unanswered"
	if !r.Answered.IsZero() {
		status = "answered"
	}
	c.story.Note(trace.End, "", 0, slog.String("status", status), slog.String("cause", r.Cause),
		slog.Duration("duration", r.Duration()), slog.Duration("talk", r.Talk()))
	c.story.End(c.outcome())
}

// conceal has keys left out of the story until the function returned is called.
func (c *Call) conceal() (reveal func()) {
	before := c.secret
	c.secret = true
	c.story.Hide(true)
	return func() {
		c.secret = before
		c.story.Hide(before)
	}
}

// shown is a key as the story tells it.
func (c *Call) shown(key byte) string {
	if c.secret {
		return "•"
	}
	return string(key)
}

// outcome is what became of the call, as trace.Outcome defines it.
func (c *Call) outcome() trace.Outcome {
	switch {
	case c.faulty, c.unheard:
		return trace.Failed
	case !c.answered.IsZero():
		return trace.Served
	case c.ended != nil && c.ended.ByUs && c.ended.Status >= 500 && c.ended.Status < 600:
		return trace.Failed
	case c.ended != nil && c.ended.ByUs && c.ended.Status == 0 && c.ended.Cause.SIPStatus() >= 500 && c.ended.Cause.SIPStatus() < 600:
		return trace.Failed
	}
	return trace.Served
}

// broke notes that the program made a mistake while it served the call.
func (c *Call) broke() {
	c.story.Note(trace.Error, "", 0, slog.String("where", "moonwire"), slog.String("message", "panic; see the log"))
	c.story.Note(trace.End, "", 0, slog.String("status", "failed"))
	c.story.End(trace.Failed)
}

// signalled notes what was asked of the leg.
func (c *Call) signalled(s call.Signal) {
	if c.story == nil {
		return
	}
	switch s := s.(type) {
	case call.Ring:
		c.story.Note(trace.State, "", 0, slog.String("state", call.Ringing.String()))
	case call.Progress:
		c.story.Note(trace.State, "", 0, slog.String("state", call.Early.String()))
	case call.SendDigits:
		c.story.Note(trace.SendKeys, "", 0, slog.String("keys", s.Digits))
	case call.Hold:
		c.story.Note(trace.Hold, "", 0, slog.Bool("on", s.On), slog.String("by", "us"))
	case call.Transfer:
		c.story.Note(trace.Transfer, "", 0, slog.String("to", s.To), slog.String("by", "us"))
	}
}

// noteStore notes what a function did with the store; value is what it found.
func (a *Args) noteStore(took time.Duration, value string, err error) {
	l := a.story()
	if l == nil {
		return
	}
	file, line := a.State.Where(a.L)
	attrs := append(make([]slog.Attr, 0, 6), slog.String("op", a.entry.Name), slog.String("family", a.String(0)),
		slog.String("key", a.String(1)), slog.Duration("duration", took))
	switch {
	case err != nil:
		attrs = append(attrs, slog.String("error", err.Error()))
	case value != "":
		attrs = append(attrs, slog.String("value", cut(value, longestArgs)))
	}
	l.Note(trace.Store, file, line, attrs...)
}

// noteHTTP notes what came of a request.
func (a *Args) noteHTTP(method, address, status string, code int, took time.Duration) {
	l := a.story()
	if l == nil {
		return
	}
	if u, err := url.Parse(address); err == nil {
		address = u.Redacted()
	}
	file, line := a.State.Where(a.L)
	l.Note(trace.HTTP, file, line, slog.String("method", method), slog.String("url", cut(address, longestArgs)),
		slog.String("status", status), slog.Int("code", code), slog.Duration("duration", took))
}

// turnedAway notes a call that no script served.
func (api *API) turnedAway(info *call.Info, s call.Hangup, version int) {
	if api.services.TurnedAway != nil {
		api.services.TurnedAway(api.refusedRecord(info, s, version))
	}
	l := api.services.Trace.Leg(info.ID)
	if l == nil {
		return
	}
	l.Note(trace.Begin, "", 0, slog.String("caller", info.Caller.Number), slog.String("name", info.Caller.Name),
		slog.String("context", info.Context), slog.String("extension", info.Extension), slog.String("peer", info.Peer), slog.Int("version", version))
	l.Note(trace.End, "", 0, slog.String("status", "refused"), slog.String("cause", s.Cause.String()))
	outcome := trace.TurnedAway
	if status := s.Cause.SIPStatus(); status >= 500 && status < 600 {
		outcome = trace.Failed
	}
	l.End(outcome)
}

// announced is a sound that is noted when it begins: one of several that follow
// each other begins when those before it have ended. Next runs on the worker.
type announced struct {
	media.Source
	call  *Call
	what  string // prompt, tone or file
	name  string
	begun bool
}

func (s *announced) Next(format call.Format, f *call.Frame) error {
	if !s.begun {
		s.begun = true
		s.call.story.Note(trace.Play, "", 0, slog.String(s.what, s.name), slog.String("language", s.call.language))
	}
	return s.Source.Next(format, f)
}

// Close closes the sound.
func (s *announced) Close() error {
	media.CloseSource(s.Source)
	return nil
}

// announce has a sound noted in the story when it begins.
func (c *Call) announce(what, name string, s media.Source) media.Source {
	if c.story == nil || s == nil {
		return s
	}
	return &announced{Source: s, call: c, what: what, name: name}
}

// linked makes the leg of a party that is dialled part of the call's story.
func (c *Call) linked(party *Call) {
	if c.story == nil {
		return
	}
	c.story.Link(party.id)
	party.story = c.task.api.services.Trace.Leg(party.id)
}
