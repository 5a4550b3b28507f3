package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/lua/api"
)

// The commands of Asterisk's console that have a counterpart here. Where its
// users, or their programs, know a table by its columns, it has those columns.

// alias calls a command of ours by another name.
func alias(words string, args []Arg, stands string, run func(*Run) (Result, error)) *Command {
	return &Command{Words: words, Args: args, Summary: "as " + stands, Alias: true, Run: run}
}

// known is a command of Asterisk's that works as there.
func known(words, summary string, run func(*Run) (Result, error), args ...Arg) *Command {
	return &Command{Words: words, Args: args, Summary: summary, Alias: true, Run: run}
}

func offers(name string, words ...string) Arg {
	return Arg{Name: name, Optional: true, Complete: func(*Session) []string { return words }}
}

var channelArg = Arg{Name: "CHANNEL", Complete: (*Session).callIDsAndAll}

var asteriskCore = []*Command{
	known("core show channels", "the legs of calls; concise separates columns by ! for programs", coreShowChannels, offers("concise|verbose|count", "concise", "verbose", "count")),
	known("core show channel", "all about one leg", coreShowChannel, Arg{Name: "CHANNEL", Complete: (*Session).legIDs}),
	known("show channels", "as core show channels", coreShowChannels, offers("concise|verbose|count", "concise", "verbose", "count")),
	known("show channel", "as core show channel", coreShowChannel, Arg{Name: "CHANNEL", Complete: (*Session).legIDs}),
	known("core show calls", "how many calls there are and were", callsLine),
	alias("core show uptime", nil, "uptime", uptime),
	alias("core show version", nil, "version", showVersion),
	alias("show version", nil, "version", showVersion),
	known("core show applications", "what a script can do with a call: its methods", showApplications),
	alias("show applications", nil, "core show applications", showApplications),
	known("core show application", "what one method of calls does", showApplication, Arg{Name: "METHOD", Complete: func(*Session) []string { return methods() }}),
	alias("show application", []Arg{{Name: "METHOD", Complete: func(*Session) []string { return methods() }}}, "core show application", showApplication),
	known("core show functions", "all other functions of the Lua API", showFunctions),
	alias("show functions", nil, "core show functions", showFunctions),
	known("core show function", "what one function does", showFunction, Arg{Name: "FUNCTION", Complete: (*Session).functionNames}),
	known("core show codecs", "the codecs of media", showCodecs),
	known("core show help", "as help", help, Arg{Name: "COMMAND", Optional: true, Rest: true}),
	alias("core reload", nil, "reload", reload),
	alias("dialplan reload", nil, "reload", reload),
	alias("extensions reload", nil, "reload", reload),
	alias("logger show channels", nil, "set log: the log goes to standard error", loggerShow),
	known("core set verbose", "N above 0 shows the log here, 0 does not", setVerbose, Arg{Name: "N"}),
	known("set verbose", "as core set verbose", setVerbose, Arg{Name: "N"}),
	known("core set debug", "N above 0 logs debug lines, 0 does not", setDebug, Arg{Name: "N"}),
	alias("core stop gracefully", nil, "stop", func(r *Run) (Result, error) { r.Args = nil; return stop(r) }),
	alias("core stop when convenient", nil, "stop", func(r *Run) (Result, error) { r.Args = nil; return stop(r) }),
	alias("core stop now", nil, "stop now", func(r *Run) (Result, error) { r.Args = []string{"now"}; return stop(r) }),
	alias("stop gracefully", nil, "stop", func(r *Run) (Result, error) { r.Args = nil; return stop(r) }),
	alias("stop when convenient", nil, "stop", func(r *Run) (Result, error) { r.Args = nil; return stop(r) }),
	known("channel request hangup", "as hangup", hangUp, channelArg),
	alias("soft hangup", []Arg{channelArg}, "hangup", hangUp),
	known("channel originate", "call TARGET, then run application NAME [DATA] or extension NUMBER@CONTEXT", originate, targetArg, offerWords("application|extension", "application", "extension"), Arg{Name: "NAME|NUMBER@CONTEXT", Complete: (*Session).goals}, Arg{Name: "DATA", Optional: true, Rest: true}),
}

func offerWords(name string, words ...string) Arg {
	a := offers(name, words...)
	a.Optional = false
	return a
}

// stateWords are what Asterisk calls the states of a channel.
var stateWords = map[call.State]string{call.Trying: "Ring", call.Ringing: "Ringing", call.Early: "Ringing", call.Answered: "Up", call.Ended: "Down"}

// legView is a leg as Asterisk describes channels.
type legView struct {
	call.Info
	location    string
	state       string
	application string
	data        string
	duration    time.Duration
}

func (s *Session) views() (list []legView) {
	began := map[string]time.Time{}
	for _, c := range s.API.Calls() {
		began[c.ID] = c.Began
	}
	for _, l := range s.legs() {
		v := legView{Info: l, location: "(None)", state: stateWords[l.State], application: "AppDial", data: "(Outgoing Line)"}
		if at, served := began[l.ID]; served {
			_, step := s.step(l.ID)
			v.application, v.data, _ = strings.Cut(strings.TrimSuffix(step, ")"), "(")
			v.duration = s.since(at)
		}
		if l.Extension != "" && l.Context != "" {
			v.location = l.Extension + "@" + l.Context + ":1"
		}
		list = append(list, v)
	}
	return list
}

func coreShowChannels(r *Run) (Result, error) {
	views := r.views()
	switch kind := r.arg(0); kind {
	case "", "count":
	case "concise":
		t := &Table{Columns: columns("channel", "context", "extension", "priority", "state", "application", "data", "caller", "account", "peer_account", "ama_flags", "duration", "bridged", "unique"), Between: "!"}
		for _, v := range views {
			t.add(v.ID, v.Context, v.Extension, 1, v.state, v.application, v.data, v.Caller.Number, "", "", 3, int(v.duration/time.Second), "(None)", v.ID)
		}
		return Result{Table: t}, nil
	case "verbose":
		t := &Table{Columns: columns("channel=Channel", "context=Context", "extension=Extension", "priority=Prio", "state=State", "application=Application", "data=Data", "caller=CallerID", "duration=Duration", "codec=Codec", "peer=Peer")}
		for _, v := range views {
			t.add(v.ID, v.Context, v.Extension, 1, v.state, v.application, v.data, v.Caller.Number, v.duration, codecOf(v.Info), v.Peer)
		}
		t.Foot = r.channelsFoot(len(views))
		return Result{Table: t}, nil
	default:
		return Result{}, usage("usage: core show channels [concise|verbose|count]")
	}
	t := &Table{Columns: columns("channel=Channel", "location=Location", "state=State", "application=Application(Data)", "caller=-", "peer=-", "duration=-")}
	t.Columns[0].Width, t.Columns[1].Width, t.Columns[2].Width = 20, 20, 7
	for _, v := range views {
		t.add(v.ID, v.location, v.state, v.application+"("+v.data+")", v.Caller.Number, v.Peer, v.duration)
	}
	t.Foot = r.channelsFoot(len(views))
	if r.arg(0) == "count" {
		return Result{Table: t, Text: t.Foot}, nil
	}
	return Result{Table: t}, nil
}

func (s *Session) channelsFoot(channels int) string {
	stats := s.API.Stats()
	return fmt.Sprintf("%s\n%s\n%s processed", count(channels, "active channel"), count(stats.Active, "active call"), count(int(stats.Calls), "call"))
}

func coreShowChannel(r *Run) (Result, error) {
	for _, v := range r.views() {
		if v.ID != r.arg(0) {
			continue
		}
		at, _ := r.step(v.ID)
		t := &Table{Columns: columns("channel=Name", "type=Type", "unique=UniqueID", "caller=Caller ID", "caller_name=Caller ID Name", "dialled=DNID Digits", "state=State",
			"codec=NativeFormats", "context=Context", "extension=Extension", "application=Application", "data=Data", "at=Script", "peer=Peer", "direction=Direction",
			"address=Address", "call_id=Call-ID", "language=Language", "duration=Elapsed Time", "received=Packets in", "sent=Packets out", "lost=Lost", "jitter_ms=Jitter ms"), One: true}
		t.add(v.ID, strings.ToUpper(v.Endpoint), v.ID, v.Caller.Number, v.Caller.Name, v.Called.Number, v.state, codecOf(v.Info), v.Context, v.Extension, v.application, v.data, at,
			v.Peer, direction(v.Info), v.Remote, v.Protocol.CallID, v.Language, v.duration, v.Quality.Received, v.Quality.Sent, v.Quality.Lost, v.Quality.Jitter.Milliseconds())
		return Result{Table: t}, nil
	}
	return Result{}, fmt.Errorf("%s is not a known channel; see channels", r.arg(0))
}

func showApplications(*Run) (Result, error) {
	t := &Table{Columns: columns("name", "summary"), Bare: true}
	for _, e := range api.Table() {
		if e.On == "call" {
			t.add(e.Name, e.Summary)
		}
	}
	t.Columns[0].Width = 20
	t.Foot = fmt.Sprintf("    -= %d methods of calls =-", len(t.Rows))
	return Result{Table: t}, nil
}

func showFunctions(*Run) (Result, error) {
	t := &Table{Columns: columns("name=Name", "syntax=Syntax", "summary=Synopsis")}
	for _, e := range api.Table() {
		if e.On != "call" {
			t.add(e.Label(), e.Syntax(), e.Summary)
		}
	}
	t.Foot = fmt.Sprintf("%d functions; all are in the Lua reference", len(t.Rows))
	return Result{Table: t}, nil
}

func (s *Session) functionNames() (list []string) {
	for _, e := range api.Table() {
		list = append(list, e.Label())
	}
	return list
}

func showApplication(r *Run) (Result, error) {
	e, ok := api.Lookup("call", method(r.arg(0)))
	if !ok {
		hint := ""
		if near := api.Suggest(method(r.arg(0)), methods()); near != "" {
			hint = fmt.Sprintf(", did you mean %q?", near)
		}
		return Result{}, fmt.Errorf("calls have no method %q%s", r.arg(0), hint)
	}
	return entryResult(e), nil
}

func showFunction(r *Run) (Result, error) {
	for _, e := range api.Table() {
		if strings.EqualFold(e.Label(), r.arg(0)) {
			return entryResult(e), nil
		}
	}
	hint := ""
	if near := api.Suggest(r.arg(0), r.functionNames()); near != "" {
		hint = fmt.Sprintf(", did you mean %q?", near)
	}
	return Result{}, fmt.Errorf("there is no function %q%s", r.arg(0), hint)
}

func entryResult(e *api.Entry) Result {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", e.Syntax(), e.Summary)
	if e.Detail != "" {
		fmt.Fprintf(&b, "%s\n", e.Detail)
	}
	for _, list := range [][]api.Field{e.Params, e.Results} {
		for _, f := range list {
			fmt.Fprintf(&b, "  %-12s %s\n", f.Name, f.Summary)
			for _, inner := range f.Type.Fields {
				fmt.Fprintf(&b, "    .%-14s %s\n", inner.Name, inner.Summary)
			}
		}
	}
	if e.Example != "" {
		fmt.Fprintf(&b, "\n%s\n", e.Example)
	}
	t := &Table{Columns: columns("name", "syntax", "summary", "detail", "example"), One: true}
	t.add(e.Label(), e.Syntax(), e.Summary, e.Detail, e.Example)
	return Result{Table: t, Text: b.String()}
}

func showCodecs(*Run) (Result, error) {
	t := &Table{Columns: columns("name=Name", "rate=Rate")}
	for _, c := range []call.Codec{call.PCMU, call.PCMA, call.G722, call.GSM, call.G726, call.G729, call.ILBC, call.Speex, call.Opus, call.L16} {
		t.add(c.Alias(), c.SampleRate())
	}
	return Result{Table: t}, nil
}

func loggerShow(r *Run) (Result, error) {
	t := &Table{Columns: columns("channel=Channel", "level=Level")}
	t.add("standard error", strings.ToLower(r.Log.Level.Level().String()))
	return Result{Table: t}, nil
}

func setVerbose(r *Run) (Result, error) {
	n, err := strconv.Atoi(r.arg(0))
	if err != nil || n < 0 {
		return Result{}, usage("%q is not a level of verbosity", r.arg(0))
	}
	if n == 0 {
		return logOff(r)
	}
	return logOn(r)
}

func setDebug(r *Run) (Result, error) {
	switch n, err := strconv.Atoi(r.arg(0)); {
	case r.arg(0) == "off" || err == nil && n == 0:
		r.Args = []string{"info"}
	case err == nil && n > 0:
		r.Args = []string{"debug"}
	default:
		return Result{}, usage("%q is not a level of debugging", r.arg(0))
	}
	return setLog(r)
}
