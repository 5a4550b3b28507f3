package debug

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/go-dap"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/lua/host"
)

// Launcher runs what is debugged until it is over, with line as host.Options.Line
// and its output going to out. arguments are those of the editor's launch
// configuration. root is the folder that holds the scripts' names, such as
// "scripts/dialplan.lua".
type Launcher interface {
	Prepare(arguments json.RawMessage) (root string, err error)
	Run(ctx context.Context, line host.LineFunc, out io.Writer) error
}

// Session serves one editor.
type Session struct {
	launcher Launcher
	clock    clock.Clock
	root     string
	cancel   context.CancelFunc
	ran      sync.WaitGroup

	writing sync.Mutex
	out     io.Writer
	seq     int

	mu          sync.Mutex
	breakpoints map[string]map[int]breakpoint // by file and line
	threads     map[int]*thread
	ids         map[*host.State]int
	pausing     bool
	entry       bool // stop at the first line

	configured chan struct{}
	context    context.Context
}

// Serve talks to the editor at the other end of in and out until the editor
// leaves or what is debugged has ended. c tells how long a script was stopped.
func Serve(ctx context.Context, in io.Reader, out io.Writer, l Launcher, c clock.Clock) error {
	s := &Session{
		launcher: l, clock: c, out: out,
		breakpoints: map[string]map[int]breakpoint{}, threads: map[int]*thread{}, ids: map[*host.State]int{},
		configured: make(chan struct{}),
	}
	s.context, s.cancel = context.WithCancel(ctx)
	defer s.ran.Wait()
	defer s.cancel()
	reader := bufio.NewReader(in)
	for {
		message, err := dap.ReadProtocolMessage(reader)
		var unknown *dap.DecodeProtocolMessageFieldError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &unknown):
			continue // a request of a later protocol, which the editor can do without
		case err != nil:
			return fmt.Errorf("debug adapter protocol: %w", err)
		}
		request, ok := message.(dap.RequestMessage)
		if !ok {
			continue
		}
		if done := s.handle(request); done {
			return nil
		}
	}
}

// handle answers one request and reports whether it was the last.
func (s *Session) handle(message dap.RequestMessage) (done bool) {
	request := message.GetRequest()
	switch m := message.(type) {
	case *dap.InitializeRequest:
		s.send(&dap.InitializeResponse{Response: answer(request), Body: dap.Capabilities{
			SupportsConfigurationDoneRequest: true, SupportsConditionalBreakpoints: true,
			SupportsEvaluateForHovers: true, SupportsLogPoints: true, SupportTerminateDebuggee: true,
		}})
	case *dap.LaunchRequest:
		s.launch(m)
	case *dap.SetBreakpointsRequest:
		s.setBreakpoints(m)
	case *dap.SetExceptionBreakpointsRequest:
		s.send(&dap.SetExceptionBreakpointsResponse{Response: answer(request)})
	case *dap.ConfigurationDoneRequest:
		close(s.configured)
		s.send(&dap.ConfigurationDoneResponse{Response: answer(request)})
	case *dap.ThreadsRequest:
		s.send(&dap.ThreadsResponse{Response: answer(request), Body: dap.ThreadsResponseBody{Threads: s.listThreads()}})
	case *dap.StackTraceRequest:
		s.inspect(request, m.Arguments.ThreadId, func(t *thread) dap.Message {
			frames := t.stack(s.root)
			return &dap.StackTraceResponse{Response: answer(request), Body: dap.StackTraceResponseBody{StackFrames: frames, TotalFrames: len(frames)}}
		})
	case *dap.ScopesRequest:
		s.inspect(request, threadOf(m.Arguments.FrameId), func(t *thread) dap.Message {
			return &dap.ScopesResponse{Response: answer(request), Body: dap.ScopesResponseBody{Scopes: t.scopes(m.Arguments.FrameId)}}
		})
	case *dap.VariablesRequest:
		s.inspect(request, threadOf(m.Arguments.VariablesReference), func(t *thread) dap.Message {
			return &dap.VariablesResponse{Response: answer(request), Body: dap.VariablesResponseBody{Variables: t.variables(m.Arguments.VariablesReference)}}
		})
	case *dap.EvaluateRequest:
		s.evaluate(m)
	case *dap.ContinueRequest:
		s.resume(request, m.Arguments.ThreadId, &dap.ContinueResponse{Response: answer(request)}, run)
	case *dap.NextRequest:
		s.resume(request, m.Arguments.ThreadId, &dap.NextResponse{Response: answer(request)}, next)
	case *dap.StepInRequest:
		s.resume(request, m.Arguments.ThreadId, &dap.StepInResponse{Response: answer(request)}, into)
	case *dap.StepOutRequest:
		s.resume(request, m.Arguments.ThreadId, &dap.StepOutResponse{Response: answer(request)}, outOf)
	case *dap.PauseRequest:
		s.mu.Lock()
		s.pausing = true
		s.mu.Unlock()
		s.send(&dap.PauseResponse{Response: answer(request)})
	case *dap.DisconnectRequest:
		s.send(&dap.DisconnectResponse{Response: answer(request)})
		return true
	default:
		s.refuse(request, request.Command+" is not something that this debugger does")
	}
	return false
}

func answer(r *dap.Request) dap.Response {
	return dap.Response{ProtocolMessage: dap.ProtocolMessage{Type: "response"}, RequestSeq: r.Seq, Success: true, Command: r.Command}
}

func event(name string) dap.Event {
	return dap.Event{ProtocolMessage: dap.ProtocolMessage{Type: "event"}, Event: name}
}

func (s *Session) refuse(r *dap.Request, why string) {
	response := answer(r)
	response.Success, response.Message = false, why
	s.send(&dap.ErrorResponse{Response: response, Body: dap.ErrorResponseBody{Error: &dap.ErrorMessage{Id: 1, Format: why, ShowUser: true}}})
}

// send writes a message. Any goroutine.
func (s *Session) send(m dap.Message) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.seq++
	switch m := m.(type) {
	case dap.ResponseMessage:
		m.GetResponse().Seq = s.seq
	case dap.EventMessage:
		m.GetEvent().Seq = s.seq
	}
	if dap.WriteProtocolMessage(s.out, m) != nil {
		s.cancel() // the editor is gone
	}
}

// launch prepares what is debugged and runs it when the editor has told its
// breakpoints.
func (s *Session) launch(m *dap.LaunchRequest) {
	request := m.GetRequest()
	var common struct {
		StopOnEntry bool `json:"stopOnEntry"`
	}
	_ = json.Unmarshal(m.Arguments, &common)
	root, err := s.launcher.Prepare(m.Arguments)
	if err != nil {
		s.refuse(request, err.Error())
		return
	}
	s.root, s.entry = root, common.StopOnEntry
	s.send(&dap.LaunchResponse{Response: answer(request)})
	s.send(&dap.InitializedEvent{Event: event("initialized")})
	s.ran.Go(func() {
		select {
		case <-s.configured:
		case <-s.context.Done():
			return
		}
		code := 0
		if err := s.launcher.Run(s.context, s.Line, outputs{s, "stdout"}); err != nil && s.context.Err() == nil {
			code = 1
			fmt.Fprintln(outputs{s, "stderr"}, err)
		}
		s.send(&dap.ExitedEvent{Event: event("exited"), Body: dap.ExitedEventBody{ExitCode: code}})
		s.send(&dap.TerminatedEvent{Event: event("terminated")})
	})
}

// outputs shows text in the editor's console.
type outputs struct {
	session  *Session
	category string
}

func (o outputs) Write(p []byte) (int, error) {
	o.session.send(&dap.OutputEvent{Event: event("output"), Body: dap.OutputEventBody{Category: o.category, Output: string(p)}})
	return len(p), nil
}

// name is how the host names the file at a path of the editor.
func (s *Session) name(path string) string {
	if relative, err := filepath.Rel(s.root, path); err == nil && !strings.HasPrefix(relative, "..") {
		return filepath.ToSlash(relative)
	}
	return path
}
