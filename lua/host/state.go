package host

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Phase is what a state is for.
type Phase uint8

const (
	// Loading: scripts run to declare things. Blocking functions must refuse.
	Loading Phase = iota
	// Running: a call's script runs. Declarations are silent.
	Running
)

func (p Phase) String() string {
	if p == Loading {
		return "loading"
	}
	return "running"
}

// State is the Lua state of one call, or of loading one file. One goroutine at a
// time may use it; Interrupt, Interrupted and Err may be called from any.
type State struct {
	host    *Host
	version *Version
	data    any
	phase   Phase
	closed  atomic.Bool

	main    *lua.LState
	threads threads
	meter   meter
	memory  memory
	random  random

	entry   *script // whose run the present declarations belong to
	unit    *script // whose body is running
	muted   int     // modules being run whose declarations belong to another entry
	entries map[*script]*run
	modules map[*script]*module

	coroutine  *coroutine                 // that runs
	coroutines map[*lua.LState]*coroutine // that have not ended
	branches   map[*Branch]struct{}       // that are not forgotten
	removed    map[*lua.LTable]int        // keys removed from a table since it was compacted
	cleanups   []func()
	shared     []*declaration // made by shared files while loading
	failure    failure
	typed      *lua.LTable // globals of a Prompt
}

// failure remembers the Go error behind the message last raised.
type failure struct {
	message string
	err     error
	trace   []Frame
}

// FromLua is the State that L belongs to, in any function called by a script.
func FromLua(L *lua.LState) *State {
	if m, ok := L.Context().(*meter); ok {
		return m.state
	}
	return nil
}

// Phase tells what the state is for.
func (s *State) Phase() Phase { return s.phase }

// Collecting reports whether a declaration made now belongs to the Version: the
// state is loading, and what runs is not a module whose declarations have been,
// or will be, collected elsewhere.
func (s *State) Collecting() bool { return s.phase == Loading && s.muted == 0 && s.entry != nil }

// Declarations is the Version's collector, which the Library made.
func (s *State) Declarations() any { return s.version.declarations }

// Version is what the state runs.
func (s *State) Version() *Version { return s.version }

// Data is what Begin was given.
func (s *State) Data() any { return s.data }

// SetData replaces what Begin was given.
func (s *State) SetData(data any) { s.data = data }

// Host is the host of the state.
func (s *State) Host() *Host { return s.host }

// Lua is the interpreter's state, for making values.
func (s *State) Lua() *lua.LState { return s.main }

// Refuel says that the script has waited for something: it may compute for as
// long again. Every blocking function calls it when it is done waiting.
func (s *State) Refuel() {
	limits := &s.host.options.Limits
	if s.phase == Loading {
		s.meter.refuel(limits.LoadInstructions, limits.Time)
		return
	}
	s.meter.refuel(limits.Instructions, limits.Time)
}

// Waited says that a function of the library kept the script waiting for d, for
// the disk for example: that is not time that the script has used.
func (s *State) Waited(d time.Duration) {
	if !s.meter.started.IsZero() {
		s.meter.started = s.meter.started.Add(d)
	}
}

// Interrupt ends the running script with err: its next instruction fails, and
// the script cannot catch that. Blocking functions learn of it by Interrupted.
// errors.Is finds err in what Call returns. It has no effect once RunCleanup has
// been called. Any goroutine.
func (s *State) Interrupt(err error) { s.meter.stopFromOutside(err) }

// Interrupted is closed when the script has been interrupted. Any goroutine. A
// channel obtained before RunCleanup says nothing about what follows it.
func (s *State) Interrupted() <-chan struct{} { return s.meter.interrupted() }

// Err is why the script has been interrupted, nil when it has not. Any goroutine.
func (s *State) Err() error { return s.meter.Err() }

// Fail raises err in the script, as a message that the script may catch. If it
// does not, errors.Is finds err in what Call returns. It does not return.
func (s *State) Fail(L *lua.LState, err error) int {
	s.failure = failure{message: err.Error(), err: err}
	L.RaiseError("%s", err.Error())
	return 0
}

// Where is the place in the scripts that L is at: "" and 0 outside of them.
func (s *State) Where(L *lua.LState) (file string, line int) {
	if file, line = place(L); file != "" {
		return file, line
	}
	for i := len(s.threads.active) - 1; i >= 0; i-- { // around a protected call
		if file, line = place(s.threads.active[i]); file != "" {
			return file, line
		}
	}
	return "", 0
}

// Traceback lists the calls under way in L, innermost first.
func (s *State) Traceback(L *lua.LState) []Frame { return traceback(L, maxFrames) }

// Instructions is about how many instructions ran since the last Refuel.
func (s *State) Instructions() int64 { return s.meter.spent + slice - int64(s.meter.left) }

// Cleanup has f run by RunCleanup, after the script has ended for any reason.
// The last one added runs first.
func (s *State) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

// RunCleanup runs what Cleanup was given, each under a budget of its own, even
// when the script has been interrupted. budget counts instructions; 0 takes
// Limits.Instructions. What the clean-ups panicked with is returned as errors,
// joined.
func (s *State) RunCleanup(budget int64) error {
	limits := &s.host.options.Limits
	if budget <= 0 {
		budget = limits.Instructions
	}
	var failures []error
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		f := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		s.meter.clean()
		s.meter.refuel(budget, limits.Time)
		if err := s.protect(f); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// protect runs f and makes an error of a panic.
func (s *State) protect(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.scriptError(s.threads.running(), p)
		}
	}()
	f()
	return nil
}

// Close ends the state. It must not be used afterwards; closing again does
// nothing.
func (s *State) Close() {
	if s.closed.Swap(true) {
		return
	}
	s.meter.stop(ErrClosed)
	s.endCoroutines()
	s.threads.close()
	s.memory.tell(0)
	s.version.live.Add(-1)
	s.host.prepare()
}

// Call runs the function that ref stands for. If the file that declared it has
// not run in this state yet, it runs first, so that the function's upvalues are
// the state's own. Errors are *ScriptError. It may be called again by a function
// that the script has called.
func (s *State) Call(ref Ref, args ...lua.LValue) ([]lua.LValue, error) {
	f, err := s.Resolve(ref)
	if err != nil {
		return nil, err
	}
	return s.Invoke(f, args...)
}

// Resolve finds, in this state, the function that ref stands for.
func (s *State) Resolve(ref Ref) (*lua.LFunction, error) {
	if ref.d == nil {
		return nil, errors.New("nothing was declared here")
	}
	d := ref.d
	if d.shared != nil {
		return d.shared, nil
	}
	ran, ok := s.entries[d.entry]
	if !ok {
		var err error
		if ran, err = s.runEntry(d.entry); err != nil {
			return nil, err
		}
	}
	if f, ok := ran.find(d.key, d.occurrence); ok {
		return f, nil
	}
	return nil, &ScriptError{
		File: d.file, Line: d.line, Source: s.version.line(d.file, d.line),
		Message: fmt.Sprintf("%s %q was declared when the scripts were loaded, but not when the file ran again for this call; declare it always, and decide inside its function", d.key.kind, d.key.name),
	}
}

// runEntry runs a top-level file and keeps what it declares.
func (s *State) runEntry(file *script) (*run, error) {
	ran := &run{}
	if s.entries == nil {
		s.entries = map[*script]*run{}
	}
	s.entries[file] = ran
	entry, unit := s.entry, s.unit
	s.entry, s.unit = file, file
	defer func() { s.entry, s.unit = entry, unit }()

	result, err := s.Invoke(s.fileFunction(file))
	if err != nil {
		delete(s.entries, file)
		return nil, err
	}
	s.keepModule(file, result)
	return ran, nil
}

func (s *State) fileFunction(file *script) *lua.LFunction {
	t := s.host.template
	return file.function(s.main, t.environment(), t.guards)
}
