package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/program"
)

const (
	longestStreamLine = 64 << 10 // bytes of a line that a stream reads
	connectTimeout    = 10       // seconds
)

var streamClass = &Class{
	Name:    "stream",
	Summary: "A conversation in lines with a program or another machine.",
	Fields: []Field{
		{Name: "name", Type: text(), Summary: "the program or the address at the other end"},
		{Name: "open", Type: truth(), Summary: "false once it was stopped"},
		{Name: "timeout", Type: number(), Unit: "s", Summary: "how long `read` and `write` wait where nothing else is said"},
	},
}

var streamEntries = []*Entry{
	{On: "program", Name: "open", Phase: Running, Summary: "Begins a program to talk with, line by line.",
		Detail: "As `program.run`, but what the program reads is what is written to the stream, and what it writes is read from there. It is killed when the stream is stopped, and with the call.",
		Params: []Field{{Name: "command", Required: true, Type: either(text(), listAnd(text(),
			Field{Name: "audio", Type: truth(), Default: false, Summary: "the program gets what the call says on its descriptor 3: 16-bit samples, the low byte first, 8000 a second"},
			Field{Name: "env", Type: mapOf(text()), Summary: "further variables of its environment"},
		)), Summary: "the program's path and its arguments, and options"}},
		Results: []Field{
			{Name: "stream", Type: either(object("stream"), Type{Kinds: kindNil}), Summary: "nil where it does not run"},
			{Name: "status", Type: words("failed", "missing", "refused"), Summary: "why not, in one word"},
			{Name: "reason", Type: text(), Summary: "why not, in words"},
		},
		Statuses: programStatuses[1:],
		Example: `grant { programs = "/usr/bin/bc" }
context "internal":extension("721", function(call)
  local bc = program.open "/usr/bin/bc"
  if not bc then return end
  bc:write "6*7\n"
  call:say { number = tonumber((bc:read())) }
  bc:stop()
end)`,
		Func: (*Args).openProgram},
	{On: "net", Name: "connect", Phase: Running, Summary: "Connects with another machine by TCP, to talk line by line.",
		Params: []Field{
			{Name: "address", Type: text(), Required: true, Summary: `host and port, granted: "127.0.0.1:4573"`},
			{Name: "options", Summary: "how", Type: record(
				Field{Name: "timeout", Type: seconds(), Unit: "s", Default: connectTimeout, Summary: "for the connection, and later for `read` and `write`"},
				Field{Name: "service", Type: text(), Summary: `the host is a domain whose SRV records for this service are asked, such as "agi"; the port serves where it has none`},
			)},
		},
		Results: []Field{
			{Name: "stream", Type: either(object("stream"), Type{Kinds: kindNil}), Summary: "nil where there is no connection"},
			{Name: "status", Type: words("failed", "timeout", "refused"), Summary: "why not, in one word"},
			{Name: "reason", Type: text(), Summary: "why not, in words"},
		},
		Statuses: []Word{
			{"failed", "nobody answers there; reason says more"},
			{"timeout", "there was no answer in time"},
			{"refused", "the address is not granted; reason says what to add"},
		},
		Example: `grant { tcp = "ncid.example.org:3333" }
context "internal":extension("722", function(call)
  local server = net.connect("ncid.example.org:3333", { timeout = 2 })
  if server then
    server:write("CID: " .. call.caller.number .. "\n")
    server:stop()
  end
end)`,
		Func: (*Args).connect},
	{On: "stream", Name: "read", Phase: Running, Summary: "Waits for the next line.",
		Params: []Field{{Name: "timeout", Type: seconds(), Unit: "s", Summary: "how long; the stream's own where left out"}},
		Results: []Field{
			{Name: "line", Type: either(text(), Type{Kinds: kindNil}), Summary: "without its end; nil where none came"},
			{Name: "status", Type: words("line", "closed", "timeout", "failed"), Summary: "what came of it"},
		},
		Statuses: []Word{
			{"line", "there is one"},
			{"closed", "the other end has closed; no more will come"},
			{"timeout", "none came in time; a later read may get it"},
			{"failed", "the line is longer than 64 KiB"},
		},
		Example: `grant { programs = "agi-bin/*" }
context "internal":extension("723", function(call)
  local oracle = program.open { "oracle", call.caller.number }
  if oracle then log.info("it says %s", oracle:read(2) or "nothing") end
end)`,
		Func: (*Args).streamRead},
	{On: "stream", Name: "write", Phase: Running, Summary: "Writes a text, to which nothing is added.",
		Params:  []Field{{Name: "text", Type: text(), Required: true, Summary: "with the ends of its lines"}},
		Results: doneResults,
		Example: `grant { tcp = "127.0.0.1:7000" }
context "internal":extension("724", function(call)
  local server = net.connect "127.0.0.1:7000"
  if server then server:write(call.caller.number .. "\n") end
end)`,
		Func: (*Args).streamWrite},
	{On: "stream", Name: "hangup", Phase: Running, Summary: "Tells a program by SIGHUP that the call is over.",
		Example: `grant { programs = "agi-bin/*" }
context "internal":extension("725", function(call)
  local oracle = program.open "oracle"
  if oracle then oracle:hangup() end
end)`,
		Func: func(a *Args) int {
			if s := a.stream(); s.process != nil {
				s.process.HangUp()
			}
			return 0
		}},
	{On: "stream", Name: "finish", Phase: Running, Summary: "Ends the conversation: the other end reads no more, and a program is waited for.",
		Params: []Field{{Name: "timeout", Type: seconds(), Unit: "s", Summary: "how long; the stream's own where left out. Then a program is killed"}},
		Results: []Field{{Name: "result", Summary: "the outcome", Type: record(
			Field{Name: "status", Type: words("done", "failed", "timeout"), Summary: "the outcome in one word"},
			Field{Name: "code", Type: number(), Summary: "that a program ended with"},
			Field{Name: "signal", Type: text(), Summary: "that ended it"},
		)}},
		Statuses: programStatuses[:3],
		Example: `grant { programs = "agi-bin/*" }
context "internal":extension("726", function(call)
  local oracle = program.open "oracle"
  if oracle and oracle:finish().status ~= "done" then log.warn "the oracle failed" end
end)`,
		Func: (*Args).streamFinish},
	{On: "stream", Name: "stop", Phase: Running, Summary: "Ends the conversation at once; a program is killed.",
		Example: `grant { tcp = "127.0.0.1:7000" }
context "internal":extension("727", function(call)
  local server = net.connect "127.0.0.1:7000"
  if server then server:stop() end
end)`,
		Func: func(a *Args) int {
			a.stream().stop()
			return 0
		}},
}

// stream is a program or a connection that a task talks with. It belongs to the
// task's goroutine; only reading and writing are done by others.
type stream struct {
	task    *task
	owner   *branch // that opened it and has not ended
	name    string
	timeout time.Duration
	process *program.Process // nil for a connection
	in      *bufio.Reader
	out     io.WriteCloser
	close   func()
	deaf    func() // ends the audio; nil where there is none

	reading bool // a goroutine waits for the next line
	ready   bool // line and err are what it got
	line    string
	err     error
	stopped bool
}

func (s *stream) class() string { return "stream" }
func (s *stream) title() string { return s.name }
func (s *stream) get(_ *lua.LState, name string) (lua.LValue, bool) {
	switch name {
	case "name":
		return lua.LString(s.name), true
	case "open":
		return lua.LBool(!s.stopped), true
	case "timeout":
		return lua.LNumber(s.timeout.Seconds()), true
	}
	return nil, false
}
func (s *stream) set(string, lua.LValue) {}

func (a *Args) stream() *stream { return a.L.Get(1).(*lua.LUserData).Value.(*stream) }

const mostStreams = 50 // of one task

// opened makes the script's object of a stream.
func (a *Args) opened(s *stream) int {
	t := s.task
	s.owner = t.branch
	if t.streams == nil {
		t.streams = map[*stream]struct{}{}
	}
	t.streams[s] = struct{}{}
	return a.Return(a.api.wrap(a.L, s))
}

// roomForStream raises an error where a script has opened so many that it must
// be a mistake.
func (a *Args) roomForStream(t *task) {
	if len(t.streams) >= mostStreams {
		a.Fail("more than %d programs and connections are open in one call; stop those that are done with", mostStreams)
	}
}

func (a *Args) openProgram() int {
	t := a.working()
	a.roomForStream(t)
	o := a.Options(0)
	name, arguments := a.command(a.Value(0))
	audio := o.Bool("audio")
	if audio && t.call == nil {
		a.Fail("there is no call whose audio the program could get")
	}
	c := program.Command{Path: name, Args: arguments, Input: true, Output: true, Audio: audio}
	if env, ok := o.Value("env").(*lua.LTable); ok {
		env.ForEach(func(name, value lua.LValue) { c.Env = append(c.Env, name.String()+"="+value.String()) })
	}
	process, granted, status, reason := a.startProgram(c)
	if process == nil {
		return a.Return(lua.LNil, lua.LString(status), lua.LString(reason))
	}
	a.noteRun(name, "begun")
	s := &stream{task: t, name: name, timeout: granted.patience(), process: process,
		in: bufio.NewReader(process.Output), out: process.Input, close: process.Close}
	if audio {
		s.deaf = t.call.feed(process.Audio)
	}
	return a.opened(s)
}

func (a *Args) connect() int {
	t := a.working()
	a.roomForStream(t)
	address, o := a.String(0), a.Options(1)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		a.Fail("%q is no host and port such as \"127.0.0.1:4573\"", address)
	}
	if !allowsHost(a.grants().TCP, host, port) {
		a.refused("connect " + address)
		reason := a.grants().refusal("tcp to "+address+" is not granted", "tcp = \""+address+"\"")
		return a.Return(lua.LNil, lua.LString("refused"), lua.LString(reason))
	}
	ctx, cancel := context.WithCancel(context.Background())
	var conn net.Conn
	done, late, taken := false, false, false
	defer func() {
		cancel()
		if conn != nil && !taken {
			_ = conn.Close()
		}
	}()
	t.clock.Hold()
	defer t.clock.Release()
	defer t.machineAlarm(o.Seconds("timeout"), func() { late = true })()
	go func() {
		c, failure := dialTCP(ctx, o.String("service"), host, port)
		if !t.post(func() { done, conn, err = true, c, failure }) && c != nil {
			_ = c.Close()
		}
	}()
	a.wait(t, func() bool { return done || late })
	switch {
	case !done:
		return a.Return(lua.LNil, lua.LString("timeout"), lua.LString("no answer from "+address+" within "+o.Seconds("timeout").String()))
	case err != nil:
		return a.Return(lua.LNil, lua.LString("failed"), lua.LString(err.Error()))
	}
	taken = true
	return a.opened(&stream{task: t, name: address, timeout: o.Seconds("timeout"), in: bufio.NewReader(conn), out: conn, close: func() { _ = conn.Close() }})
}

// dialTCP connects with a host, or with the first that answers of those that
// serve a domain.
func dialTCP(ctx context.Context, service, host, port string) (net.Conn, error) {
	var d net.Dialer
	if service != "" {
		_, records, err := net.DefaultResolver.LookupSRV(ctx, service, "tcp", host)
		if err == nil {
			for _, r := range records {
				conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
				if err == nil {
					return conn, nil
				}
			}
		}
	}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
}

var errLineTooLong = errors.New("the line is too long")

// next reads a line.
func (s *stream) next() (string, error) {
	var line []byte
	for {
		part, err := s.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > longestStreamLine:
			return "", errLineTooLong
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil && len(line) == 0:
			return "", err
		default:
			return strings.TrimRight(string(line), "\r\n"), nil
		}
	}
}

// begin has the next line read, if nobody reads it already.
func (s *stream) begin() {
	if s.reading || s.ready || s.err != nil {
		return
	}
	s.reading = true
	go func() {
		line, err := s.next()
		s.task.post(func() { s.reading, s.ready, s.line, s.err = false, err == nil, line, err })
	}()
}

func (a *Args) streamRead() int {
	s, t := a.stream(), a.working()
	limit := s.patience(a)
	s.begin()
	late := false
	t.clock.Hold()
	defer t.clock.Release()
	defer t.machineAlarm(limit, func() { late = true })()
	a.wait(t, func() bool { return s.ready || s.err != nil || s.stopped || late })
	switch {
	case s.ready:
		s.ready = false
		return a.Return(lua.LString(s.line), lua.LString("line"))
	case errors.Is(s.err, errLineTooLong):
		return a.Return(lua.LNil, lua.LString("failed"))
	case s.err != nil, s.stopped:
		return a.Return(lua.LNil, lua.LString("closed"))
	}
	return a.Return(lua.LNil, lua.LString("timeout"))
}

// patience is how long argument 0 says to wait; for a program, at most as long
// as is granted.
func (s *stream) patience(a *Args) time.Duration {
	switch {
	case !a.Has(0):
		return s.timeout
	case s.process != nil:
		return min(s.timeout, a.Seconds(0))
	}
	return a.Seconds(0)
}

func (a *Args) streamWrite() int {
	s, t, data := a.stream(), a.working(), a.String(0)
	if s.stopped {
		return a.outcome(os.ErrClosed)
	}
	var err error
	done, late := false, false
	t.clock.Hold()
	defer t.clock.Release()
	defer t.machineAlarm(s.timeout, func() { late = true })()
	go func() {
		_, failure := io.WriteString(s.out, data)
		t.post(func() { done, err = true, failure })
	}()
	a.wait(t, func() bool { return done || late })
	if !done {
		s.stop() // part of it may be on its way: nothing more would make sense
		err = errors.New("the other end does not read")
	}
	return a.outcome(err)
}

func (a *Args) streamFinish() int {
	s, t := a.stream(), a.working()
	limit := s.patience(a)
	defer s.stop()
	if s.process == nil {
		return a.Result("done")
	}
	_ = s.out.Close()
	ended, late := false, false
	t.clock.Hold()
	defer t.clock.Release()
	defer t.machineAlarm(limit, func() { late = true })()
	go func() {
		<-s.process.Done()
		t.post(func() { ended = true })
	}()
	a.wait(t, func() bool { return ended || late })
	if !ended {
		return a.Result("timeout")
	}
	code, signal := s.process.Outcome()
	status := "done"
	if code != 0 {
		status = "failed"
	}
	return a.Result(status, "code", code, "signal", signal)
}

// stop ends the stream, if it has not ended.
func (s *stream) stop() {
	if s.stopped {
		return
	}
	s.stopped = true
	delete(s.task.streams, s)
	if s.deaf != nil {
		s.deaf()
	}
	if s.process != nil {
		s.process.Kill()
	}
	s.close()
}

// endStreams stops what a task left open.
func (t *task) endStreams() {
	for s := range t.streams {
		s.stop()
	}
}
