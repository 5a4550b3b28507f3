package debug

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-dap"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/lua/host"
)

const script = `local greeting = "hello"
local function shout(text, times)
  local loud = text:upper()
  for i = 1, times do
    loud = loud .. "!"
  end
  return loud
end
local who = { name = "desk", numbers = { 1101, 1102 } }
local ok, said = pcall(shout, greeting .. " " .. who.name, 2)
print(said)
local last = 1`

// siteLauncher loads a site, which runs its top-level files.
type siteLauncher struct{ text string }

func (siteLauncher) Prepare(json.RawMessage) (string, error) { return "/site", nil }

func (l siteLauncher) Run(ctx context.Context, line host.LineFunc, out io.Writer) error {
	h, err := host.New(host.Options{
		Scripts: fstest.MapFS{"main.lua": {Data: []byte(l.text)}}, Line: line, Log: slog.New(slog.NewTextHandler(out, nil)),
	})
	if err != nil {
		return err
	}
	return h.Load(ctx)
}

// editor is the other end of a session.
type editor struct {
	t        *testing.T
	out      io.WriteCloser
	messages chan dap.Message
	seq      int
	over     chan error
	shown    strings.Builder
}

func edit(t *testing.T, text string) *editor {
	t.Helper()
	toSession, fromEditor := io.Pipe()
	toEditor, fromSession := io.Pipe()
	e := &editor{t: t, out: fromEditor, messages: make(chan dap.Message, 100), over: make(chan error, 1)}
	go func() {
		e.over <- Serve(context.Background(), toSession, fromSession, siteLauncher{text}, clock.NewVirtual(time.Unix(0, 0)))
		fromSession.Close()
	}()
	go func() {
		defer close(e.messages)
		r := bufio.NewReader(toEditor)
		for {
			m, err := dap.ReadProtocolMessage(r)
			if err != nil {
				return
			}
			e.messages <- m
		}
	}()
	t.Cleanup(func() {
		fromEditor.Close()
		for range e.messages {
		}
		if err := <-e.over; err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *editor) send(command string, arguments any) {
	e.t.Helper()
	e.seq++
	b, err := json.Marshal(map[string]any{"seq": e.seq, "type": "request", "command": command, "arguments": arguments})
	if err != nil {
		e.t.Fatal(err)
	}
	if err := dap.WriteBaseMessage(e.out, b); err != nil {
		e.t.Fatal(err)
	}
}

// await reads until a message of type M comes.
func await[M dap.Message](e *editor) M {
	e.t.Helper()
	for m := range e.messages {
		switch m := m.(type) {
		case M:
			return m
		case *dap.OutputEvent:
			e.shown.WriteString(m.Body.Output)
		case *dap.ErrorResponse:
			e.t.Fatalf("refused: %s", m.Message)
		}
	}
	e.t.Fatalf("the session ended before a %T", *new(M))
	panic("unreachable")
}

func (e *editor) launch(breakpoints ...dap.SourceBreakpoint) {
	e.t.Helper()
	e.send("initialize", map[string]any{"adapterID": "moonwire"})
	await[*dap.InitializeResponse](e)
	e.send("launch", map[string]any{})
	await[*dap.LaunchResponse](e)
	await[*dap.InitializedEvent](e)
	e.send("setBreakpoints", dap.SetBreakpointsArguments{Source: dap.Source{Path: "/site/scripts/main.lua"}, Breakpoints: breakpoints})
	await[*dap.SetBreakpointsResponse](e)
	e.send("configurationDone", map[string]any{})
}

// where is the stack as "function:line", innermost first.
func (e *editor) where(thread int) (list []string, frames []dap.StackFrame) {
	e.t.Helper()
	e.send("stackTrace", map[string]any{"threadId": thread})
	frames = await[*dap.StackTraceResponse](e).Body.StackFrames
	for _, f := range frames {
		if f.Source.Path != "/site/scripts/main.lua" {
			e.t.Errorf("a frame in %s", f.Source.Path)
		}
		list = append(list, f.Name+":"+strconv.Itoa(f.Line))
	}
	return list, frames
}

func (e *editor) variables(reference int) map[string]dap.Variable {
	e.t.Helper()
	e.send("variables", map[string]any{"variablesReference": reference})
	all := map[string]dap.Variable{}
	for _, v := range await[*dap.VariablesResponse](e).Body.Variables {
		all[v.Name] = v
	}
	return all
}

func TestStepping(t *testing.T) {
	e := edit(t, script)
	e.launch(dap.SourceBreakpoint{Line: 5, Condition: "i == 2"})
	stopped := await[*dap.StoppedEvent](e)
	if stopped.Body.Reason != "breakpoint" {
		t.Errorf("stopped for %s", stopped.Body.Reason)
	}
	id := stopped.Body.ThreadId
	list, frames := e.where(id)
	if want := []string{"function at line 2:5", "main:10"}; !slices.Equal(list, want) {
		t.Errorf("stack %q, want %q", list, want)
	}
	e.send("scopes", map[string]any{"frameId": frames[0].Id})
	locals := e.variables(await[*dap.ScopesResponse](e).Body.Scopes[0].VariablesReference)
	for name, want := range map[string]string{"loud": `"HELLO DESK!"`, "i": "2", "times": "2", "text": `"hello desk"`} {
		if locals[name].Value != want {
			t.Errorf("%s is %s, want %s", name, locals[name].Value, want)
		}
	}
	e.send("scopes", map[string]any{"frameId": frames[1].Id})
	outer := e.variables(await[*dap.ScopesResponse](e).Body.Scopes[0].VariablesReference)
	who := e.variables(outer["who"].VariablesReference)
	if who["name"].Value != `"desk"` || e.variables(who["numbers"].VariablesReference)["[2]"].Value != "1102" {
		t.Errorf("who is %v", who)
	}
	e.send("evaluate", map[string]any{"frameId": frames[1].Id, "expression": `shout(who.name, 1) .. #who.numbers`})
	if v := await[*dap.EvaluateResponse](e).Body.Result; v != `"DESK!2"` {
		t.Errorf("evaluated to %s", v)
	}
	for _, s := range []struct{ command, want string }{{"next", ":7"}, {"stepOut", "main:11"}, {"next", "main:12"}} {
		e.send(s.command, map[string]any{"threadId": id})
		await[*dap.StoppedEvent](e)
		if list, _ := e.where(id); !strings.HasSuffix(list[0], s.want) {
			t.Errorf("after %s at %q, want %s", s.command, list, s.want)
		}
	}
	e.send("continue", map[string]any{"threadId": id})
	await[*dap.TerminatedEvent](e)
	e.send("disconnect", map[string]any{})
}

func TestLogPoint(t *testing.T) {
	e := edit(t, script)
	e.launch(dap.SourceBreakpoint{Line: 5, LogMessage: "turn {i} of {times}"})
	await[*dap.TerminatedEvent](e)
	if got := e.shown.String(); !strings.Contains(got, "turn 1 of 2\nturn 2 of 2\n") {
		t.Errorf("shown %q", got)
	}
}

func TestPauseEndsALoop(t *testing.T) {
	e := edit(t, "local n = 0\nwhile n < 1e12 do\n  n = n + 1\nend")
	e.launch()
	e.send("pause", map[string]any{"threadId": 1})
	stopped := await[*dap.StoppedEvent](e)
	if stopped.Body.Reason != "pause" {
		t.Errorf("stopped for %s", stopped.Body.Reason)
	}
	e.send("disconnect", map[string]any{}) // ends the script too
}

func TestMistakesOfTheEditor(t *testing.T) {
	e := edit(t, script)
	e.launch(dap.SourceBreakpoint{Line: 12})
	id := await[*dap.StoppedEvent](e).Body.ThreadId
	refused := func(command string, arguments any) {
		t.Helper()
		e.send(command, arguments)
		for m := range e.messages {
			if r, ok := m.(*dap.ErrorResponse); ok && r.Message != "" {
				return
			}
		}
		t.Errorf("%s was not refused", command)
	}
	refused("evaluate", map[string]any{"frameId": perThread * id, "expression": "1 +"})
	refused("evaluate", map[string]any{"frameId": perThread * id, "expression": "nothing.at.all"})
	refused("stackTrace", map[string]any{"threadId": 99})
	refused("restart", map[string]any{})
	refused("variables", map[string]any{"variablesReference": 12345})
	if v := e.variables(perThread*id + 500); len(v) != 0 {
		t.Errorf("variables of nothing: %v", v)
	}
}
