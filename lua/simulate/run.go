package simulate

import (
	"errors"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// Why a run was broken off.
var (
	ErrPatience = errors.New("the simulation took too much real time and was broken off")
	ErrStill    = errors.New("the scripts go round and round without time passing; the simulation was broken off")
)

const (
	mostAtOnce = 50_000          // alarms at one instant
	lookAt     = 256             // alarms between two looks at the real time
	lastChance = 2 * time.Second // real time for scripts to end after that
)

// Run lets time pass until done, which is asked whenever no work is left at an
// instant, or until the moment limit. The error says that the run was broken
// off; the calls have been hung up then.
func (w *World) Run(limit time.Time, done func() bool) error {
	if w.stuck {
		return ErrPatience
	}
	finished := make(chan error, 1)
	stop := make(chan struct{})
	go func() { finished <- w.run(limit, done, stop) }()
	wall := w.options.Wall
	late := make(chan struct{})
	left := max(w.deadline.Sub(wall.Now()), 0) + lastChance
	defer wall.AfterFunc(left, func() { close(late) }).Stop()
	select {
	case err := <-finished:
		return err
	case <-late:
		w.stuck = true
		close(stop)
		return ErrPatience
	}
}

// run is Run without the watch on what never comes back.
func (w *World) run(limit time.Time, done func() bool, stop <-chan struct{}) (broken error) {
	p := pace{world: w}
	for {
		next, pending := w.clock.Next()
		if done() {
			return broken
		}
		if !pending || next.After(limit) {
			w.clock.AdvanceTo(limit)
			return broken
		}
		w.clock.Step(limit)
		if err := p.step(); err != nil {
			if broken != nil { // and they did not end when they were hung up
				w.stuck = true
				return broken
			}
			broken, limit, p = err, w.clock.Now(), pace{world: w}
			w.hangUpAll()
		}
		select {
		case <-stop:
			return broken
		default:
		}
	}
}

// pace watches a run for scripts that keep it from going on.
type pace struct {
	world  *World
	alarms int
	atOnce int
	last   time.Time
}

// step is called after each alarm.
func (p *pace) step() error {
	p.alarms++
	p.atOnce++
	if now := p.world.clock.Now(); !now.Equal(p.last) {
		p.atOnce, p.last = 0, now
	}
	switch {
	case p.atOnce > mostAtOnce:
		return ErrStill
	case p.alarms%lookAt == 0 && p.world.options.Wall.Now().After(p.world.deadline):
		return ErrPatience
	}
	return nil
}

// hangUpAll ends every call from the far end.
func (w *World) hangUpAll() {
	for _, l := range w.Legs() {
		l.HangsUp(call.CauseNormal)
	}
}

// Idle reports whether nothing is served and nothing runs beside the calls.
func (w *World) Idle() bool { return w.api.Stats().Busy == 0 }
