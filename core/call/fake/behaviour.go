package fake

import (
	"time"

	"github.com/moonwire/moonwire/core/call"
)

const (
	keyLength = 100 * time.Millisecond // how long a key is held
	keyPeriod = 250 * time.Millisecond // from one key to the next
)

// Behaviour plans something that the far end of a leg will do. It is called once,
// when the leg is made.
type Behaviour func(*Leg)

// Follow plans behaviours from now on.
func (l *Leg) Follow(behaviours ...Behaviour) {
	for _, b := range behaviours {
		b(l)
	}
}

// RingsAfter alerts the far end d after the leg was made.
func RingsAfter(d time.Duration) Behaviour {
	return func(l *Leg) { l.after(d, l.Rings) }
}

// EarlyMediaAfter opens media before the answer, d after the leg was made.
func EarlyMediaAfter(d time.Duration) Behaviour {
	return func(l *Leg) { l.after(d, l.SendsEarlyMedia) }
}

// AnswersAfter rings at once and answers d after the leg was made.
func AnswersAfter(d time.Duration) Behaviour {
	return func(l *Leg) {
		l.after(0, l.Rings)
		l.after(d, l.Answers)
	}
}

// NeverAnswers rings until it is cancelled.
func NeverAnswers() Behaviour { return RingsAfter(0) }

// Silent neither rings nor answers: what a phone does whose packets are lost.
func Silent() Behaviour { return func(*Leg) {} }

// Busy refuses at once: SIP 486.
func Busy() Behaviour { return RejectsWith(call.CauseBusy) }

// RejectsWith refuses at once for a reason.
func RejectsWith(cause call.Cause) Behaviour { return RejectsAfter(0, cause) }

// RejectsAfter refuses d after the leg was made, for a reason.
func RejectsAfter(d time.Duration, cause call.Cause) Behaviour {
	return func(l *Leg) {
		l.after(d, func() { l.end(call.HungUp{Cause: cause, Status: cause.SIPStatus()}) })
	}
}

// HangsUpAfter hangs up d after the answer.
func HangsUpAfter(d time.Duration) Behaviour {
	return func(l *Leg) {
		l.whenAnswered(func() { l.after(d, func() { l.HangsUp(call.CauseNormal) }) })
	}
}

// GivesUpAfter hangs up d after the leg was made, if it was not answered: a
// caller who does not wait.
func GivesUpAfter(d time.Duration) Behaviour {
	return func(l *Leg) {
		l.after(d, func() {
			if l.Info().State < call.Answered {
				l.HangsUp(call.CauseNormal)
			}
		})
	}
}

// Presses presses keys one after another, four a second, the first one at after
// the answer.
func Presses(keys string, at time.Duration) Behaviour {
	return func(l *Leg) {
		l.whenAnswered(func() {
			for i := range len(keys) {
				key := keys[i : i+1]
				l.after(at+time.Duration(i)*keyPeriod, func() { l.Presses(key) })
			}
		})
	}
}

// HoldsBetween puts moonwire on hold from one moment to another, both counted
// from the answer.
func HoldsBetween(from, to time.Duration) Behaviour {
	return func(l *Leg) {
		l.whenAnswered(func() {
			l.after(from, func() { l.Holds(true) })
			l.after(to, func() { l.Holds(false) })
		})
	}
}

// Speaks sets the format that will be agreed when media opens.
func Speaks(f call.Format) Behaviour {
	return func(l *Leg) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.format = f
	}
}
