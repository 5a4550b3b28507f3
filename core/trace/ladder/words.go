package ladder

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/trace"
)

// Describe says in a few words what happened.
func Describe(e *trace.Event) string {
	w := words{e}
	switch e.Kind {
	case trace.Begin:
		return w.join("call from ", w.caller(), " to ", w.text("extension"), w.after(" in ", "context"), w.after(", through ", "peer"))
	case trace.Enter:
		return w.join("enters ", w.text("extension"), " in ", w.text("context"), w.pattern())
	case trace.Step:
		return w.step()
	case trace.Message:
		return w.message()
	case trace.State:
		return w.join(w.text("state"), w.after(" ", "target"))
	case trace.Answer:
		return w.join("answered by ", w.text("by"))
	case trace.Digit:
		return w.join("key ", w.text("key"), w.after(", by ", "via"))
	case trace.SendKeys:
		return w.join("sends keys ", w.text("keys"))
	case trace.Play:
		return w.play()
	case trace.PlayEnd:
		return w.join("ends playing: ", w.text("status"), w.after(" by key ", "key"))
	case trace.Say:
		return w.join("says ", w.text("value"), " as ", w.text("as"))
	case trace.Record:
		return w.join("recorded ", w.text("path"), w.lasting(", ", "duration"), w.after(", ended by ", "ended_by"))
	case trace.Dial:
		return w.join("dials ", w.text("target"), w.lasting(" for ", "timeout"))
	case trace.DialEnd:
		return w.join("dialling ended: ", w.text("status"), w.after(" by ", "target"), w.after(", ", "reason"), w.lasting(", after ", "duration"))
	case trace.Bridge:
		return w.join(w.either("on", "joined with ", "parted from "), w.text("with"))
	case trace.Hold:
		return w.join(w.either("on", "put on hold", "taken back from hold"), w.after(" by ", "by"))
	case trace.Transfer:
		return w.join("asked to be connected with ", w.text("to"), w.after(", by ", "by"))
	case trace.Media:
		return w.media()
	case trace.Store:
		return w.join("store ", w.text("op"), " ", w.text("family"), w.after("/", "key"), w.after(" = ", "value"), w.after(": ", "error"), w.lasting(", took ", "duration"))
	case trace.HTTP:
		return w.join("http ", w.text("method"), " ", w.text("url"), ": ", w.text("status"), w.code(), w.lasting(", took ", "duration"))
	case trace.Variable:
		return w.join(w.text("name"), " = ", w.text("value"))
	case trace.Log:
		return w.join("log, ", w.text("level"), ": ", w.text("text"))
	case trace.Refused:
		return w.join("not granted: ", w.text("what"))
	case trace.HangUp:
		return w.hangUp()
	case trace.Error:
		return w.join("ERROR in ", w.text("where"), ": ", w.text("message"))
	case trace.End:
		return w.join("end, ", w.text("status"), w.after(", ", "cause"), w.lasting(", after ", "duration"))
	}
	return w.other()
}

// words reads an event's attributes.
type words struct{ e *trace.Event }

func (words) join(parts ...string) string { return strings.Join(parts, "") }

func (w words) has(key string) bool { return w.e.Attr(key).Any() != nil }

func (w words) text(key string) string {
	if !w.has(key) {
		return ""
	}
	return w.e.Attr(key).String()
}

// after is an attribute with words before it, "" where there is none.
func (w words) after(before, key string) string {
	if t := w.text(key); t != "" {
		return before + t
	}
	return ""
}

func (w words) either(key, yes, no string) string {
	if w.text(key) == "true" {
		return yes
	}
	return no
}

// duration is an attribute that is a duration, or was one before it went
// through JSON.
func (w words) duration(key string) (time.Duration, bool) {
	switch v := w.e.Attr(key); v.Kind() {
	case slog.KindDuration:
		return v.Duration(), true
	case slog.KindFloat64:
		return time.Duration(v.Float64() * float64(time.Second)), true
	case slog.KindInt64:
		return time.Duration(v.Int64()) * time.Second, true
	}
	return 0, false
}

func (w words) lasting(before, key string) string {
	d, ok := w.duration(key)
	if !ok {
		return ""
	}
	return before + shown(d)
}

// shown is a duration with three digits or so.
func shown(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

func (w words) caller() string {
	name, number := w.text("name"), w.text("caller")
	switch {
	case name != "" && number != "":
		return fmt.Sprintf("%q <%s>", name, number)
	case number == "":
		return "somebody"
	}
	return number
}

func (w words) pattern() string {
	pattern, in := w.text("pattern"), w.text("in")
	switch {
	case in != "" && in != w.text("context"):
		return " (" + pattern + " of " + in + ")"
	case pattern != w.text("extension"):
		return " (" + pattern + ")"
	}
	return ""
}

// step is what a script does: as Lua, or as a step of a translated dialplan.
func (w words) step() string {
	app, args := w.text("app"), w.text("args")
	if w.has("priority") {
		return w.join(w.after("", "extension"), ",", w.text("priority"), " ", app, "(", args, ")")
	}
	return app + "(" + args + ")"
}

func (w words) message() string {
	p := w.e.Packet
	if p == nil {
		return "message"
	}
	text := p.First()
	if status, ok := strings.CutPrefix(text, "SIP/2.0 "); ok {
		text = status
		if _, method, ok := strings.Cut(p.Header("CSeq", ""), " "); ok {
			text += " (" + strings.TrimSpace(method) + ")"
		}
	} else {
		text, _, _ = strings.Cut(text, " ")
	}
	if kind := p.Header("Content-Type", "c"); strings.HasPrefix(strings.ToLower(kind), "application/sdp") {
		text += " SDP"
	}
	if p.Again {
		text += ", again"
	}
	return text
}

func (w words) play() string {
	what := w.after("", "prompt") + w.after("tone ", "tone") + w.after("recording ", "recording")
	if w.text("missing") == "true" {
		return "has no prompt " + what + w.after(" in ", "language")
	}
	if w.has("prompt") {
		what += w.after(" in ", "language")
	}
	return "plays " + what
}

func (w words) media() string {
	if w.has("silence") {
		return "no media came" + w.lasting(" for ", "silence")
	}
	if w.has("format") {
		return "media changed to " + w.text("format")
	}
	return w.join("media: received ", w.text("received"), ", lost ", w.text("lost"), w.lasting(", jitter ", "jitter"),
		"; sent ", w.text("sent"), ", lost ", w.text("far_lost"), w.lasting(", jitter ", "far_jitter"), w.roundTrip())
}

func (w words) roundTrip() string {
	if d, ok := w.duration("roundtrip"); ok && d > 0 {
		return "; round trip " + shown(d)
	}
	return ""
}

func (w words) code() string {
	if code := w.text("code"); code != "" && code != "0" {
		return " " + code
	}
	return ""
}

func (w words) hangUp() string {
	text := w.join("hung up by ", w.text("by"), w.after(", cause ", "cause"))
	if status := w.text("status"); status != "" && status != "0" {
		text += ", status " + status
	}
	return text + w.after(", ", "reason")
}

func (w words) other() string {
	parts := []string{w.e.Kind.String()}
	for _, a := range w.e.Attrs {
		parts = append(parts, a.Key+"="+a.Value.String())
	}
	return strings.Join(parts, " ")
}
