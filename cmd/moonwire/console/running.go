package console

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/lua/host"
)

var runningCommands = []*Command{
	{Words: "reload", Summary: "read the scripts again", Run: reload},
	{Words: "versions", Summary: "versions of the scripts that can be gone back to", Run: showVersions},
	{Words: "rollback", Args: []Arg{{Name: "VERSION", Complete: (*Session).versionNumbers}}, Summary: "go back to a version", Run: rollback},
	{Words: "set log", Args: []Arg{{Name: "LEVEL", Complete: levels}}, Summary: "log debug, info, warn or error from now on", Run: setLog},
	{Words: "log on", Summary: "show the server's log here", Run: logOn},
	{Words: "log off", Summary: "show it no more", Run: logOff},
	{Words: "stop", Args: []Arg{{Name: "now", Optional: true, Complete: func(*Session) []string { return []string{"now"} }}}, Summary: "stop the server when its calls have ended, or now", Run: stop},
	{Words: "uptime", Summary: "since when the server runs", Run: uptime},
	{Words: "version", Summary: "of this program", Run: showVersion},
	{Words: "quit", Summary: "leave the console; the server goes on", Run: nothing},
	{Words: "exit", Summary: "the same", Run: nothing, Alias: true},
}

func nothing(*Run) (Result, error) { return Result{}, nil }

// plainError is an error of a script in a person's words.
func plainError(err error) error { return errors.New(host.Report(err)) }

func reload(r *Run) (Result, error) {
	version, err := r.Reload(r, 0)
	if err != nil {
		return Result{}, plainError(err)
	}
	return serves(version), nil
}

func serves(version int) Result {
	t := &Table{Columns: columns("version"), One: true}
	t.add(version)
	return Result{Table: t, Text: fmt.Sprintf("version %d serves", version)}
}

func showVersions(r *Run) (Result, error) {
	t := &Table{Columns: columns("version", "serves", "loaded", "calls=IN USE", "files"), Empty: "no versions"}
	for _, v := range r.Host.Versions() {
		t.add(v.Number, v.Current, v.Loaded, v.Live, v.Files)
	}
	if err := r.Host.LastError(); err != nil {
		t.Foot = "the last reload was refused:\n" + host.Report(err)
	}
	return Result{Table: t}, nil
}

func (s *Session) versionNumbers() (list []string) {
	for _, v := range s.Host.Versions() {
		list = append(list, strconv.Itoa(v.Number))
	}
	return list
}

func rollback(r *Run) (Result, error) {
	to, err := strconv.Atoi(r.arg(0))
	if err != nil || to < 1 {
		return Result{}, usage("%q is not the number of a version; see versions", r.arg(0))
	}
	version, err := r.Reload(r, to)
	if err != nil {
		return Result{}, plainError(err)
	}
	return serves(version), nil
}

func levels(*Session) []string { return []string{"debug", "info", "warn", "error"} }

func setLog(r *Run) (Result, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(r.arg(0))); err != nil || strings.ContainsAny(r.arg(0), "+-") {
		return Result{}, usage("%q is not a level: debug, info, warn or error", r.arg(0))
	}
	r.Log.Level.Set(l)
	return Result{Text: "the server logs " + strings.ToLower(l.String()) + " and above"}, nil
}

func logOn(r *Run) (Result, error) {
	out := r.out
	r.replace(&r.log, func() func() {
		return r.Log.lines.subscribe(func(line string) { out.stream(frame{Stream: "log", Text: line}) })
	})
	return Result{Text: "the log is shown here, " + strings.ToLower(r.Log.Level.Level().String()) + " and above; end it with log off"}, nil
}

func logOff(r *Run) (Result, error) {
	r.replace(&r.log, nil)
	return Result{Text: "the log is not shown any more"}, nil
}

func stop(r *Run) (Result, error) {
	switch r.arg(0) {
	case "":
		r.Stop(false)
		return Result{Text: "stopping when the calls in progress have ended; stop now does not wait"}, nil
	case "now":
		r.Stop(true)
		return Result{Text: "stopping now"}, nil
	}
	return Result{}, usage("usage: stop [now]")
}

func uptime(r *Run) (Result, error) {
	t := &Table{Columns: columns("uptime=System uptime", "since=Since", "version=Version of the scripts", "loaded=Last reload"), One: true}
	v := r.Host.Current()
	t.add(seconds(r.Now().Sub(r.Began)), r.Began, v.Number(), v.Loaded())
	return Result{Table: t}, nil
}

func showVersion(r *Run) (Result, error) {
	t := &Table{Columns: columns("version", "go", "system"), One: true}
	t.add(r.Version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return Result{Table: t, Text: fmt.Sprintf("moonwire %s %s/%s %s", r.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())}, nil
}

// callsLine is "2 active calls, 17 calls processed".
func callsLine(r *Run) (Result, error) {
	s := r.API.Stats()
	t := &Table{Columns: columns("active", "processed", "refused", "answered", "errors"), One: true}
	t.add(s.Active, s.Calls, s.Refused, s.Answered, s.Errors)
	return Result{Table: t, Text: fmt.Sprintf("%s\n%s\n", count(s.Active, "active call"), count(int(s.Calls), "call")+" processed")}, nil
}

// since is how long ago t was.
func (s *Session) since(t time.Time) time.Duration { return seconds(s.Now().Sub(t)) }
