package simulate

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strings"
)

// Style is how a timeline is shown.
type Style struct {
	Colour bool   // with escape sequences of terminals
	Margin string // before each line
}

// colours of events, by their names; others have none.
var colours = map[string]string{
	"answer": "32", "dialled": "36", "dial": "36", "digit": "35", "end": "1", "enter": "1", "error": "31", "refused": "31",
	"log": "33", "play": "34", "say": "34", "record": "34", "hangup": "32",
}

// quietEvents are told by others beside them, and left out of the timeline.
var quietEvents = map[string]bool{"begin": true, "media": true}

// WriteText writes events as a timeline for people: the time, what happened, and
// where in the scripts. What happens on legs that were dialled is set in.
func WriteText(out io.Writer, events []Event, s Style) error {
	w := bufio.NewWriter(out)
	for i := range events {
		if e := &events[i]; !quietEvents[e.Name] {
			s.line(w, e)
		}
	}
	return w.Flush()
}

func (s Style) line(w io.Writer, e *Event) {
	name, text := e.Name, e.text()
	indent := ""
	if e.Leg != "" {
		indent = "  "
		text = strings.TrimSpace(e.Target + "  " + text)
	}
	left := fmt.Sprintf("%s%9.3f  %s", s.Margin, seconds(e.At), indent)
	word := fmt.Sprintf("%-*s", 9-len(indent), name)
	if colour := colours[name]; s.Colour && colour != "" {
		word = "\x1b[" + colour + "m" + word + "\x1b[0m"
	}
	place := ""
	if e.File != "" {
		place = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	first, more, _ := strings.Cut(text, "\n")
	if place == "" {
		fmt.Fprintln(w, strings.TrimRight(left+word+" "+first, " "))
	} else {
		if s.Colour {
			place = "\x1b[2m" + place + "\x1b[0m"
		}
		fmt.Fprintf(w, "%s%s %-50s  %s\n", left, word, first, place)
	}
	if more != "" {
		for _, line := range strings.Split(more, "\n") {
			fmt.Fprintf(w, "%s%s%s\n", s.Margin, strings.Repeat(" ", 22), line)
		}
	}
}

// text is what an event is about, in a few words.
func (e *Event) text() string {
	switch e.Name {
	case "enter":
		return e.inContext() + e.written()
	case "step":
		return e.stepText()
	case "play":
		text := e.Text("prompt") + e.Text("recording")
		if tone := e.Text("tone"); tone != "" {
			text = tone + " tone"
		}
		if e.Field("missing") != nil {
			text += "  (there is no such prompt)"
		}
		return text
	case "playend":
		return "broken off by " + e.Text("key")
	case "digit":
		return e.Text("key")
	case "dial":
		return fmt.Sprintf("%s for %v s", e.Text("target"), e.Field("timeout"))
	case "dialled":
		return joined(" ", e.Text("status"), e.Text("target"), bracketed(e.Text("reason")))
	case "say":
		return e.Text("as") + " " + e.Text("value")
	case "record":
		return fmt.Sprintf("%s, %v s, ended by %s", e.Text("path"), e.Field("duration"), e.Text("ended_by"))
	case "variable":
		return e.Text("name") + " = " + e.Text("value")
	case "log":
		return joined(": ", e.Text("hook"), e.Text("level"), e.Text("text"))
	case "refused":
		return e.Text("what")
	case "error":
		return joined(": ", e.Text("hook"), e.Text("message")) + after("\n", tail(e.Text("traceback")))
	case "state":
		return e.Text("state")
	case "answer":
		return "by " + e.Text("by")
	case "bridge":
		if e.Field("on") == false {
			return "parted from " + e.Text("with")
		}
		return "with " + e.Text("with")
	case "hangup":
		return fmt.Sprintf("by %s, cause %v", e.Text("by"), e.Field("cause"))
	case "end":
		return e.endText()
	}
	var list []string
	for _, f := range e.Fields {
		list = append(list, fmt.Sprintf("%s %v", f.Key, f.Value))
	}
	return strings.Join(list, ", ")
}

func (e *Event) inContext() string {
	return e.Text("extension") + " in " + e.Text("context")
}

// written is the extension as it is written, where that is something else.
func (e *Event) written() string {
	var parts []string
	if p := e.Text("pattern"); p != e.Text("extension") {
		parts = append(parts, p)
	}
	if in := e.Text("in"); in != "" && in != e.Text("context") {
		parts = append(parts, "of "+in)
	}
	return bracketed2(strings.Join(parts, " "))
}

func (e *Event) stepText() string {
	if p := e.Field("priority"); p != nil {
		return fmt.Sprintf("%s,%v  %s(%s)", e.inContext(), p, e.Text("app"), e.Text("args"))
	}
	return e.Text("app") + "(" + clipped(e.Text("args"), 70) + ")"
}

// clipped is the beginning of a text that is too long for a line.
func clipped(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

func (e *Event) endText() string {
	text := fmt.Sprintf("%s after %v s: %s (%v)", e.Text("status"), e.Field("duration"), e.Text("reason"), e.Field("cause"))
	switch e.Text("how") {
	case "caller":
		text += ", the caller hung up"
	case "limit":
		text += ", the simulation ended"
	case "refused":
		text += ", no extension serves this number"
	}
	variables, _ := e.Field("variables").(map[string]string)
	names := make([]string, 0, len(variables))
	for name := range variables {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		text += "\n" + name + " = " + variables[name]
	}
	return text
}

func joined(separator string, parts ...string) string {
	var list []string
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return strings.Join(list, separator)
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func bracketed2(s string) string { return after("  ", bracketed(s)) }

func after(separator, s string) string {
	if s == "" {
		return ""
	}
	return separator + s
}

// tail is a report without its first line, which repeats the message.
func tail(report string) string {
	_, rest, _ := strings.Cut(report, "\n")
	return rest
}
