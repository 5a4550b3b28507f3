// Package clock makes time an argument.
//
// Everything in moonwire that waits, measures or dates takes a Clock. The
// server runs on Real; tests, `moonwire simulate` and `moonwire test` run on
// Virtual, where an hour passes as fast as the code between its events runs.
//
// Virtual time may only move while nothing is left to do at the present
// moment. Work that is under way in some goroutine is made known with Hold and
// Release: whoever hands work to another goroutine holds the clock, and the
// receiver releases it when that work is done. On Real both cost nothing.
package clock

import "time"

// Clock tells and waits for time. All methods may be called from any goroutine.
type Clock interface {
	// Now is the current wall-clock time; on Real it carries a monotonic reading.
	Now() time.Time

	// AfterFunc calls f once, d from now, in a goroutine of its own (Real) or on
	// the goroutine that advances the time (Virtual); f must not block.
	AfterFunc(d time.Duration, f func()) Timer

	// NewTimer returns a Timer whose C receives the time, d from now. On Virtual
	// the clock is held from that moment on until the receiver calls Release.
	NewTimer(d time.Duration) Timer

	// Hold keeps virtual time where it is until the matching Release.
	Hold()

	// Release ends one Hold.
	Release()
}

// Timer is one pending alarm.
type Timer interface {
	// C delivers the time for timers made by NewTimer; it is nil for AfterFunc.
	C() <-chan time.Time

	// Stop reports whether it prevented the alarm.
	Stop() bool
}

// Real is the machine's clock.
var Real Clock = realClock{}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) Timer {
	return realTimer{time.AfterFunc(d, f)}
}

func (realClock) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

func (realClock) Hold()    {}
func (realClock) Release() {}

type realTimer struct{ t *time.Timer }

func (t realTimer) C() <-chan time.Time { return t.t.C }
func (t realTimer) Stop() bool          { return t.t.Stop() }
