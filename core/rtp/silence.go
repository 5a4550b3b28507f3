package rtp

import (
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// silence watches for the far end's going quiet.
type silence struct {
	since    time.Time // of the latest packet, or of the moment it could begin
	reported bool
	timer    clock.Timer
}

func (w *silence) heard(now time.Time) { w.since, w.reported = now, false }

func (w *silence) stop() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// watchSilence looks again when silence could have lasted long enough.
func (s *Session) watchSilence(now time.Time) {
	w := &s.silence
	limit := s.options.Silence
	if limit <= 0 || s.options.OnSilence == nil || w.timer != nil {
		return
	}
	wait := limit
	if !w.reported {
		wait = max(limit-now.Sub(w.since), time.Millisecond)
	}
	w.timer = s.options.Clock.AfterFunc(wait, func() {
		s.worker.Post(func() {
			if !s.closed {
				w.timer = nil
				s.checkSilence(s.worker.Now())
				s.watchSilence(s.worker.Now())
			}
		})
	})
}

// checkSilence reports silence once. While we are on hold, or hold the far end,
// nothing has to come.
func (s *Session) checkSilence(now time.Time) {
	w := &s.silence
	if s.agreed.OnHold || !s.agreed.Direction.Receives() || s.format.IsZero() {
		w.since = now
		return
	}
	if quiet := now.Sub(w.since); quiet >= s.options.Silence && !w.reported {
		w.reported = true
		s.options.OnSilence(quiet)
	}
}
