package api

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/program"
)

const (
	programOutput     = 64 << 10 // bytes, where a script sets no other limit
	mostProgramOutput = 4 << 20  // bytes, that it can set
	shell             = "/bin/sh"
)

var programStatuses = []Word{
	{"done", "it ended by itself, with code 0"},
	{"failed", "it ended with another code or by a signal, or could not be run; reason says more"},
	{"timeout", "it took too long and was killed"},
	{"missing", "there is no such program"},
	{"refused", "it is not granted, or as many run as are granted at once; reason says which"},
}

var programFields = []Field{
	{Name: "stdin", Type: text(), Summary: "what it reads; nothing where left out"},
	{Name: "timeout", Type: seconds(), Unit: "s", Summary: "how long to wait, at most as long as is granted"},
	{Name: "limit", Type: count(), Unit: "bytes", Default: programOutput, Summary: "longest output; a program that writes more is killed. At most 4 MiB"},
	{Name: "shell", Type: truth(), Default: false, Summary: "the first text is a command line for /bin/sh, which must be granted"},
	{Name: "output", Type: truth(), Default: true, Summary: "false drops what it writes, and so does not wait for those that it leaves behind"},
}

var programEntries = []*Entry{
	{On: "program", Name: "run", Phase: Running, Summary: "Runs a program to its end; the call waits, others do not.",
		Detail: "The program must be granted. It runs in the folder that it lies in, as the user and with the environment that the grant says. " +
			"It is killed, with what it started, when the time is over or the call ends. What it writes to its standard error is logged.",
		Params: []Field{{Name: "command", Required: true, Type: either(text(), listAnd(text(), programFields...)),
			Summary: "the program's path and its arguments, and options. One named without a folder is looked for in the site's agi-bin and in granted folders"}},
		Results: []Field{{Name: "result", Summary: "the outcome", Type: record(
			Field{Name: "status", Type: words("done", "failed", "timeout", "missing", "refused"), Summary: "the outcome in one word"},
			Field{Name: "code", Type: number(), Summary: "that it ended with"},
			Field{Name: "signal", Type: text(), Summary: "that ended it"},
			Field{Name: "output", Type: text(), Summary: "what it wrote to its standard output"},
			Field{Name: "reason", Type: text(), Summary: "in words, where it failed"},
		)}},
		Statuses: programStatuses,
		Example: `grant { programs = "/usr/local/bin/*" }
context "internal":extension("720", function(call)
  local result = program.run { "/usr/local/bin/lookup", call.caller.number, timeout = 2 }
  if result.status == "done" then call.caller.name = result.output:match "[^\n]*" end
end)`,
		Func: (*Args).runProgram},
	{On: "program", Name: "words", Summary: "Divides a line into words as AGI programs write them: in quotes, with backslashes.",
		Params:  []Field{{Name: "line", Type: text(), Required: true, Summary: "without its end"}},
		Results: []Field{{Name: "words", Type: listOf(text()), Summary: "at most 128"}},
		Example: `local words = program.words 'STREAM FILE welcome "#"'
log.info("%d words", #words)`,
		Func: func(a *Args) int { return a.Return(toLua(a.L, program.Words(a.String(0)))) }},
}

// command is what a list and its options say to run; empty texts count.
func (a *Args) command(v lua.LValue) (name string, rest []string) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return asString(v, nil), nil
	}
	for i := 1; i <= t.Len(); i++ {
		rest = append(rest, asString(t.RawGetInt(i), nil))
	}
	for _, text := range rest {
		if strings.ContainsRune(text, 0) {
			a.Fail("a program cannot be given a zero byte")
		}
	}
	if len(rest) == 0 || rest[0] == "" {
		a.Fail("the first text must be the program to run")
	}
	return rest[0], a.few(rest[1:], "arguments")
}

func (a *Args) runProgram() int {
	t := a.working()
	o := a.Options(0)
	name, arguments := a.command(a.Value(0))
	c := program.Command{Path: name, Args: arguments, Input: o.Has("stdin"), Output: o.Bool("output")}
	if o.Bool("shell") {
		c.Path, c.Args, c.Dir = shell, append([]string{"-c", name, shell}, arguments...), "/"
	}
	process, granted, status, reason := a.startProgram(c)
	if process == nil {
		return a.Result(status, "reason", reason)
	}
	limit := granted.patience()
	if o.Has("timeout") {
		limit = min(limit, o.Seconds("timeout"))
	}
	r := &programRun{process: process, limit: min(o.Int("limit"), mostProgramOutput), input: o.String("stdin")}
	defer func() {
		process.Kill()
		process.Close()
	}()
	t.clock.Hold()
	defer t.clock.Release()
	done, late := false, false
	defer t.machineAlarm(limit, func() { late = true })()
	go r.carry(func() { t.post(func() { done = true }) })
	a.wait(t, func() bool { return done || late })
	if !done {
		a.noteRun(name, "timeout")
		return a.Result("timeout", "reason", "it took longer than "+limit.String()+" and was killed")
	}
	a.State.Reserve(a.L, len(r.output))
	status, reason = r.outcome()
	code, signal := process.Outcome()
	a.noteRun(name, status)
	return a.Result(status, "code", code, "signal", signal, "output", lua.LString(r.output), "reason", reason)
}

// programRun is one program that runs to its end.
type programRun struct {
	process *program.Process
	limit   int
	input   string
	output  []byte
	tooMuch bool
}

// carry feeds the program, collects what it writes, and calls done when it has
// ended. Processes that it leaves behind are not waited for.
func (r *programRun) carry(done func()) {
	defer done()
	p := r.process
	if p.Input != nil {
		go func() {
			_, _ = p.Input.WriteString(r.input) // a program need not read all
			_ = p.Input.Close()
		}()
	}
	if p.Output == nil {
		<-p.Done()
		return
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		r.collect()
	}()
	<-p.Done()
	_ = p.Output.SetReadDeadline(time.Unix(1, 0)) // wakes collect
	<-read
	_ = p.Output.SetReadDeadline(time.Time{})
	r.rest()
}

// collect reads until the end, or until it is woken.
func (r *programRun) collect() {
	buffer := make([]byte, 4096)
	for {
		n, err := r.process.Output.Read(buffer)
		if r.add(buffer[:n]); err != nil || r.tooMuch {
			return
		}
	}
}

// rest reads what a program left that has ended.
func (r *programRun) rest() {
	buffer := make([]byte, 4096)
	for !r.tooMuch {
		n := program.TryRead(r.process.Output, buffer)
		if n == 0 {
			return
		}
		r.add(buffer[:n])
	}
}

func (r *programRun) add(data []byte) {
	if room := r.limit - len(r.output); len(data) > room {
		data, r.tooMuch = data[:room], true
		r.process.Kill()
	}
	r.output = append(r.output, data...)
}

func (r *programRun) outcome() (status, reason string) {
	code, signal := r.process.Outcome()
	switch {
	case r.tooMuch:
		return "failed", "it wrote more than its limit and was killed"
	case signal != "":
		return "failed", "it was ended by a signal: " + signal
	case code != 0:
		return "failed", "it ended with an error code"
	}
	return "done", ""
}
