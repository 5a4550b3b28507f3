package host

import lua "github.com/yuin/gopher-lua"

// What values take, in bytes, counted generously.
const (
	slotBytes    = 16   // one value in an array or a stack
	boxBytes     = 16   // a number or a string's header outside of its slot
	entryBytes   = 160  // one entry of a table's hash part, with its place in the order
	tableBytes   = 800  // a table with a small hash part
	listBytes    = 2600 // a table without one, which is made large when first needed
	emptyTable   = 432
	closureBytes = 80
	threadBytes  = 4096
)

// memory bounds what a state's values take.
//
// Everything that a script makes is charged when it is made and never credited.
// When the charges reach an allowance, what is still reachable is measured, and
// that is the truth to start from again. So a script that makes much and keeps
// little is measured rarely, and one that keeps much is found out in time.
//
// All states together are bounded as well, or one mistake in a script that many
// calls run would take the machine's memory in small shares. A state tells the
// host, a mebibyte at a time, what it may hold; most never do. When the sum is
// too much, those that tell are measured, and those that hold much are stopped.
type memory struct {
	state     *State
	limit     int
	charged   int // since the last measurement
	live      int // by the last measurement
	allowance int // of charges until the next measurement
	told      int // to the host
}

const (
	toldStep = 1 << 20 // bytes
	// muchShare is the part of Limits.Total from which a state holds much.
	muchShare = 64
)

func (m *memory) reset(limit int) {
	m.limit, m.charged, m.live, m.allowance = limit, 0, 0, limit
}

// charge counts bytes about to be taken, and stops the script when it holds too
// much.
func (m *memory) charge(bytes int) {
	m.charged += bytes
	if m.charged >= m.allowance || m.live+m.charged-m.told >= toldStep && m.tell(m.live+m.charged) {
		m.measure(bytes)
	}
}

// tell says to the host what the state may hold, and reports whether all states
// together hold too much.
func (m *memory) tell(bytes int) (crowded bool) {
	h := m.state.host
	held := h.held.Add(int64(bytes - m.told))
	m.told = bytes
	return held > int64(h.options.Limits.Total)
}

// maxGenerosity is how many times more than it kept a script may be charged
// before it is measured again, when it has kept little of what it made so far.
const maxGenerosity = 4

// measure finds out what is live; more is what is about to be added to it.
func (m *memory) measure(more int) {
	w := walkers.Get().(*walker)
	live := w.measure(m.state, m.limit+m.limit/4)
	m.state.meter.spend(int64(w.visited) * 2)
	w.reset()
	walkers.Put(w)

	generosity := maxGenerosity
	if kept := live - m.live; kept > 0 {
		generosity = min(max(m.charged/kept, 1), maxGenerosity)
	}
	m.live, m.charged = live, 0
	m.allowance = max(m.limit-live, m.limit/4) * generosity
	crowded := m.tell(live + more)
	switch {
	case live+more > m.limit:
		m.state.meter.stop(ErrMemory)
	case crowded && live+more > m.state.host.options.Limits.Total/muchShare:
		m.state.meter.stop(ErrCrowded)
	}
}

// Reserve counts bytes that a function of the library makes for the script, and
// raises an error when the script holds too much.
func (s *State) Reserve(L *lua.LState, bytes int) {
	s.memory.charge(bytes)
	if s.meter.stopped.Load() {
		s.raiseStopped(L)
	}
}

// Spend counts work that a function of the library does for the script, in
// Lua instructions' worth, and raises an error when the script has had enough.
func (s *State) Spend(L *lua.LState, instructions int) {
	s.meter.spend(int64(instructions))
	if s.meter.stopped.Load() {
		s.raiseStopped(L)
	}
}

func (s *State) raiseStopped(L *lua.LState) {
	L.RaiseError("%s", s.meter.Err().Error())
}
