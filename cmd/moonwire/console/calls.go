package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
)

var (
	callArg   = Arg{Name: "CALL", Complete: (*Session).callIDs}
	targetArg = Arg{Name: "TARGET", Complete: (*Session).targets}
)

var callCommands = []*Command{
	{Words: "calls", Summary: "the calls that scripts serve", Run: showCalls},
	{Words: "channels", Summary: "every leg of every call, with its media", Run: showChannels},
	{Words: "hangup", Args: []Arg{{Name: "CALL|all", Complete: (*Session).callIDsAndAll}}, Summary: "end a call, a leg of one, or all", Run: hangUp},
	{Words: "originate", Args: []Arg{targetArg, {Name: "CONTEXT|app", Complete: (*Session).contextsAndApp}, {Name: "EXTENSION|APP", Complete: (*Session).goals}, {Name: "ARGUMENT", Optional: true, Rest: true}},
		Summary: "call a target and, when it answers, run an extension or one method of calls for it", Run: originate},
}

func (s *Session) callIDs() (ids []string) {
	for _, c := range s.API.Calls() {
		ids = append(ids, c.ID)
	}
	return ids
}

func (s *Session) legIDs() (ids []string) {
	for _, l := range s.SIP.Calls() {
		ids = append(ids, l.ID)
	}
	return ids
}

func (s *Session) callIDsAndAll() []string { return append(s.legIDs(), "all") }

// targets is whom originate could call.
func (s *Session) targets() (list []string) {
	for _, p := range s.site().SIP.Phones {
		list = append(list, "sip/"+p.Name)
	}
	return list
}

func (s *Session) contexts() []string       { return s.site().Routes.Contexts() }
func (s *Session) contextsAndApp() []string { return append(s.contexts(), "app") }

// goals is what can follow "originate TARGET CONTEXT".
func (s *Session) goals() (list []string) {
	last := ""
	if n := len(s.completing); n > 0 {
		last = s.completing[n-1]
	}
	if last == "app" || last == "application" {
		return methods()
	}
	return s.numbersOf(last)
}

func methods() (list []string) {
	for _, e := range api.Table() {
		if e.On == "call" {
			list = append(list, e.Name)
		}
	}
	return list
}

// numbersOf are the plain extensions of a context.
func (s *Session) numbersOf(context string) (list []string) {
	for _, e := range s.site().Routes.Extensions(context) {
		if !strings.HasPrefix(e.Pattern, "_") {
			list = append(list, e.Pattern)
		}
	}
	return list
}

func showCalls(r *Run) (Result, error) {
	t := &Table{Columns: columns("id", "caller", "name=-", "extension", "context", "peer", "state", "duration", "version", "at"), Empty: "no calls"}
	for _, c := range r.API.Calls() {
		at, _ := r.step(c.ID)
		t.add(c.ID, c.Caller, c.Name, c.Extension, c.Context, c.Peer, c.State, seconds(r.Now().Sub(c.Began)), c.Version, at)
	}
	t.Foot = count(len(t.Rows), "call")
	return Result{Table: t}, nil
}

// step is the last thing that a script did to a leg: where, and what.
func (s *Session) step(leg string) (at, what string) {
	events, _, _ := s.Trace.Story(leg)
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		if e.Leg != leg || e.Kind != trace.Step {
			continue
		}
		if e.File != "" {
			at = fmt.Sprintf("%s:%d", e.File, e.Line)
		}
		return at, strings.TrimPrefix(text(e.Attr("app")), "call:") + "(" + text(e.Attr("args")) + ")"
	}
	return "", ""
}

func text(v slog.Value) string {
	if v.Kind() != slog.KindString {
		return ""
	}
	return v.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func showChannels(r *Run) (Result, error) {
	t := &Table{Columns: columns("id", "peer", "direction", "state", "caller", "extension", "context", "codec", "held=-", "lost", "jitter_ms", "round_trip_ms", "remote"), Empty: "no channels"}
	for _, l := range r.legs() {
		t.add(l.ID, l.Peer, direction(l), l.State.String(), l.Caller.Number, l.Extension, l.Context, codecOf(l), l.Held,
			l.Quality.Lost, l.Quality.Jitter.Milliseconds(), l.Quality.RoundTrip.Milliseconds(), l.Remote)
	}
	t.Foot = count(len(t.Rows), "channel")
	return Result{Table: t}, nil
}

// legs are all legs, in the order of their ids.
func (s *Session) legs() []call.Info {
	list := s.SIP.Calls()
	slices.SortFunc(list, func(a, b call.Info) int {
		if len(a.ID) != len(b.ID) {
			return len(a.ID) - len(b.ID)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func direction(l call.Info) string {
	if l.Incoming {
		return "in"
	}
	return "out"
}

func codecOf(l call.Info) string {
	if l.Format.Rate == 0 {
		return ""
	}
	return l.Format.Codec.Alias()
}

func hangUp(r *Run) (Result, error) {
	id := r.arg(0)
	if id != "all" {
		if !r.API.Hangup(id, call.CauseNormal) && !r.SIP.Hangup(r, id, call.CauseNormal) {
			return Result{}, fmt.Errorf("there is no call %q; see calls and channels", id)
		}
		return Result{Text: "hung up " + id}, nil
	}
	n := 0
	for _, c := range r.API.Calls() {
		if r.API.Hangup(c.ID, call.CauseNormal) {
			n++
		}
	}
	for _, l := range r.SIP.Calls() { // those that ring, or that no script serves
		r.SIP.Hangup(r, l.ID, call.CauseNormal)
	}
	return Result{Text: "hung up " + count(n, "call")}, nil
}

// originate runs the Lua function of that name, for both ways of saying what for.
func originate(r *Run) (Result, error) {
	options := "target = " + luaString(dialled(r.arg(0)))
	switch kind := r.arg(1); kind {
	case "app", "application":
		args := make([]string, 0, len(r.Args))
		for _, a := range r.Args[3:] {
			args = append(args, luaString(a))
		}
		options += ", app = " + luaString(method(r.arg(2))) + ", args = { " + strings.Join(args, ", ") + " }"
	case "extension":
		number, context, ok := strings.Cut(r.arg(2), "@")
		if !ok {
			return Result{}, usage("write the extension as NUMBER@CONTEXT")
		}
		options += ", context = " + luaString(context) + ", extension = " + luaString(number)
	default:
		if len(r.Args) > 3 {
			return Result{}, usage("usage: originate TARGET CONTEXT EXTENSION, or originate TARGET app METHOD [ARGUMENT…]")
		}
		options += ", context = " + luaString(kind) + ", extension = " + luaString(r.arg(2))
	}
	return r.originated(r, options)
}

func (s *Session) originated(ctx context.Context, options string) (Result, error) {
	prompt, err := s.API.NewPrompt()
	if err != nil {
		return Result{}, err
	}
	defer prompt.Close()
	v, err := prompt.Run(ctx, "local r = originate { "+options+" } return r.status, r.id, r.reason, r.cause, r.sip, r.duration")
	var script *host.ScriptError
	switch {
	case errors.Is(err, api.ErrBroken):
		return Result{}, errors.New("interrupted")
	case errors.As(err, &script): // the place would be in the line above
		return Result{}, errors.New(strings.TrimPrefix(script.Message, "originate: "))
	case err != nil:
		return Result{}, err
	}
	cells, err := v.Cells()
	if err != nil || len(cells) != 6 {
		return Result{}, fmt.Errorf("originate: %s", v.Text)
	}
	t := &Table{Columns: columns("status", "call", "reason", "cause", "sip", "duration"), One: true, Rows: [][]any{cells}}
	result := Result{Table: t, Text: fmt.Sprintf("answered: call %v", cells[1])}
	if cells[0] != "answered" {
		result.Text = ""
		result.Failed = fmt.Sprintf("%v: %v", cells[0], cells[2])
	}
	return result, nil
}

// dialled is a target as this server writes it, whatever Asterisk's users type:
// SIP/1001, PJSIP/1001, SIP/ovh/0123456789, 1001.
func dialled(target string) string {
	technology, rest, ok := strings.Cut(target, "/")
	if !ok {
		return "sip/" + target
	}
	technology = strings.ToLower(technology)
	if technology == "pjsip" {
		technology = "sip"
	}
	if trunk, number, ok := strings.Cut(rest, "/"); ok {
		rest = number + "@" + trunk
	}
	return technology + "/" + rest
}

// method is what an application of Asterisk is called here, where that differs
// in more than capitals.
func method(application string) string {
	name := strings.ToLower(application)
	switch name {
	case "playback", "background":
		return "play"
	case "ringing":
		return "ring"
	case "saydigits", "saynumber", "sayalpha":
		return "say"
	}
	return name
}
