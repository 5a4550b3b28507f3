package media

import (
	"errors"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// virtualLoop runs a worker on a clock that is not the machine's: commands run
// at once on the goroutine that posts them, one after another, and each tick of
// the wheel that has something to do is an alarm of the clock.
type virtualLoop struct {
	w     *Worker
	began time.Time

	mu       sync.Mutex
	commands []func()
	busy     bool
	closed   bool
	alarm    clock.Timer
}

func newVirtualLoop(w *Worker) loop { return &virtualLoop{w: w, began: w.clock.Now()} }

func (l *virtualLoop) post(f func()) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.commands = append(l.commands, f)
	if l.busy {
		l.mu.Unlock()
		return true // the goroutine that is at it takes this one too
	}
	l.busy = true
	for len(l.commands) > 0 {
		next := l.commands[0]
		l.commands = l.commands[1:]
		l.mu.Unlock()
		l.w.now = l.w.clock.Now()
		l.w.guard("command", next)
		l.mu.Lock()
	}
	l.busy = false
	l.mu.Unlock()
	return true
}

func (l *virtualLoop) millisecond() uint64 {
	return uint64(l.w.clock.Now().Sub(l.began) / time.Millisecond)
}

// arm brings the wheel to the present, so that "next" means next from now.
func (l *virtualLoop) arm() {
	if !l.w.wheel.busy {
		l.w.advance(l.millisecond())
	}
}

// scheduled sets the alarm to the earliest slot with something to do.
func (l *virtualLoop) scheduled() {
	if l.w.wheel.busy {
		return // beat does it when the slot is done
	}
	if l.alarm != nil {
		l.alarm.Stop()
		l.alarm = nil
	}
	if l.w.wheel.active > 0 {
		l.alarm = l.w.clock.AfterFunc(time.Duration(l.w.wheel.distance())*time.Millisecond, l.beat)
	}
}

func (l *virtualLoop) beat() {
	l.post(func() {
		l.w.advance(l.millisecond())
		l.scheduled()
	})
}

func (l *virtualLoop) listen(*Socket) error {
	return errors.New("there is no network in virtual time")
}

func (l *virtualLoop) unlisten(*Socket) {}

func (l *virtualLoop) close() {
	l.mu.Lock()
	l.closed = true
	if l.alarm != nil {
		l.alarm.Stop()
	}
	l.mu.Unlock()
}
