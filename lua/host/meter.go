package host

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// slice is how many instructions run between two looks at everything but
// interruptions. Some single instructions take milliseconds (comparing two long
// strings), so it must be small.
const slice = 256

// instructionBytes is charged for each instruction, for the small things that
// are made without a guard: closures, and strings and numbers in boxes.
const instructionBytes = 24

// meter is the context of a state. The interpreter calls Done before every
// instruction: that is where instructions are counted and where interruptions
// arrive. A nil channel tells the interpreter to go on, a closed one to raise
// Err as an error.
type meter struct {
	state   *State
	left    int32 // instructions until the slice ends
	stopped atomic.Bool

	// Of the goroutine that runs the state.
	spent    int64 // instructions since the last refuel, whole slices only
	limit    int64
	allotted time.Duration // from the start until the script must wait for something
	started  time.Time     // of the time allotted; zero until the first slice ends

	mu        sync.Mutex
	cause     error
	passing   bool          // cause holds only until lift
	later     error         // what stopped the state while cause was passing
	cleaning  bool          // interruptions from outside have no effect
	interrupt chan struct{} // made when somebody asks for it
}

var (
	_      context.Context = (*meter)(nil)
	closed                 = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
)

// Done is called before every instruction.
func (m *meter) Done() <-chan struct{} {
	m.left--
	if m.left < 0 || m.stopped.Load() {
		return m.pause()
	}
	return nil
}

// pause deals with the end of a slice and with interruptions.
func (m *meter) pause() <-chan struct{} {
	if m.stopped.Load() {
		m.left = slice
		return closed
	}
	m.left = slice
	m.spend(slice)
	m.state.memory.charge(slice * instructionBytes)
	m.state.checkDepth()
	if m.stopped.Load() {
		return closed
	}
	return nil
}

// spend counts work that functions of the library do on behalf of the script,
// in instructions' worth, and stops the script when it has done too much.
func (m *meter) spend(instructions int64) {
	m.spent += instructions
	now := m.state.host.options.Clock.Now()
	if m.started.IsZero() {
		m.started = now
	}
	if m.spent > m.limit || now.Sub(m.started) > m.allotted {
		m.stop(ErrTooLong)
	}
}

// refuel starts counting anew.
func (m *meter) refuel(limit int64, allotted time.Duration) {
	m.left, m.spent, m.limit = slice, 0, limit
	m.started, m.allotted = time.Time{}, allotted
}

// stop makes the next instruction fail, and all that follow. The first cause
// stays. Any goroutine.
func (m *meter) stop(cause error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause != nil {
		if m.passing && m.later == nil {
			m.later = cause
		}
		return
	}
	m.halt(cause)
}

// halt puts a cause in force; m.mu is held.
func (m *meter) halt(cause error) {
	m.cause = cause
	m.stopped.Store(true)
	if m.interrupt != nil {
		close(m.interrupt)
	}
}

// suspend makes instructions fail until lift is called; the rest of the script
// goes on then. It reports false, and has no effect, when the state is stopped.
func (m *meter) suspend(cause error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause != nil {
		return false
	}
	m.cause, m.passing = cause, true
	m.stopped.Store(true)
	return true
}

// lift ends a suspension. What stopped the state meanwhile is in force now.
func (m *meter) lift() {
	m.mu.Lock()
	defer m.mu.Unlock()
	cause := m.later
	m.cause, m.passing, m.later = nil, false, nil
	m.stopped.Store(false)
	if cause != nil {
		m.halt(cause)
	}
}

// stopFromOutside is stop, but lets clean-up go on. Any goroutine.
func (m *meter) stopFromOutside(cause error) {
	m.mu.Lock()
	cleaning := m.cleaning
	m.mu.Unlock()
	if !cleaning {
		m.stop(cause)
	}
}

// clean takes a stop back, so that clean-up can run.
func (m *meter) clean() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cause = nil
	m.cleaning = true
	m.stopped.Store(false)
	m.interrupt = nil
}

// resume takes a stop back.
func (m *meter) resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cause = nil
	m.stopped.Store(false)
	m.interrupt = nil
}

// interrupted is closed when the script is stopped. Any goroutine.
func (m *meter) interrupted() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause != nil {
		return closed
	}
	if m.interrupt == nil {
		m.interrupt = make(chan struct{})
	}
	return m.interrupt
}

// Err is why the script is stopped, nil while it is not.
func (m *meter) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cause
}

// Deadline and Value complete context.Context.
func (m *meter) Deadline() (time.Time, bool) { return time.Time{}, false }
func (m *meter) Value(any) any               { return nil }
