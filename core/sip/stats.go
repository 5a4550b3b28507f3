package sip

import "sync/atomic"

// Stats are counts since the start, and what there is now.
type Stats struct {
	Calls         int // now
	Registrations int // contacts now

	Incoming uint64 // calls offered to us and taken
	Outgoing uint64 // calls dialled
	Answered uint64
	Refused  uint64 // calls that were refused before they became one

	Received     uint64 // messages
	Sent         uint64 // messages, with retransmissions
	Garbage      uint64 // dropped in silence: not SIP, or not parseable
	Malformed    uint64 // refused before parsing
	Stray        uint64 // answers to nothing that we asked
	Panics       uint64 // survived; each is a mistake in this program
	AuthFailures uint64
	Throttled    uint64 // requests dropped because their source guesses passwords
	NeverAcked   uint64 // calls whose answer was never acknowledged
	Transactions int    // kept now
}

// counters are updated from any goroutine.
type counters struct {
	incoming, outgoing, answered, rejected          atomic.Uint64
	received, sent, garbage, refused, stray, panics atomic.Uint64
	authFailures, throttled, neverAcked             atomic.Uint64
}

// Stats counts. Any goroutine.
func (e *Endpoint) Stats() Stats {
	c := &e.stats
	e.mu.Lock()
	calls := len(e.legs)
	e.mu.Unlock()
	t := e.transactions
	t.mu.Lock()
	kept := len(t.server) + len(t.client)
	t.mu.Unlock()
	return Stats{
		Calls: calls, Registrations: len(e.registrar.All()), Transactions: kept,
		Incoming: c.incoming.Load(), Outgoing: c.outgoing.Load(), Answered: c.answered.Load(), Refused: c.rejected.Load(),
		Received: c.received.Load(), Sent: c.sent.Load(), Garbage: c.garbage.Load(), Malformed: c.refused.Load(),
		Stray: c.stray.Load(), Panics: c.panics.Load(), AuthFailures: c.authFailures.Load(),
		Throttled: c.throttled.Load(), NeverAcked: c.neverAcked.Load(),
	}
}
