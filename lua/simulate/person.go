package simulate

import (
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/trace"
)

// Speak lets the far end speak for so long: a steady hum that is louder than
// silence.
func (l *Leg) Speak(d time.Duration) { speak(l.Leg, d) }

func speak(l *fake.Leg, d time.Duration) {
	if d <= 0 {
		return
	}
	l.Port().Speak(hum)
	l.After(call.DefaultPTime, func() { speak(l, d-call.DefaultPTime) })
}

// hum is a frame of 400 Hz at 8 kHz.
var hum = func() []int16 {
	frame := make([]int16, call.FormatOf(call.PCMU).Samples())
	for i := range frame {
		frame[i] = int16(3000 * math.Sin(2*math.Pi*float64(i)/20))
	}
	return frame
}()

// Listens reports whether keys and speech of the far end arrive.
func (l *Leg) Listens() bool {
	s := l.Info().State
	return s == call.Early || s == call.Answered
}

// Sound is something that a leg was given to hear.
type Sound struct {
	Order   uint64 // tells where to listen on
	Kind    string // "prompt", "recording", "tone", or "say" for what is put together of prompts
	Name    string // of a Say what is said: "42"
	As      string // of a Say: "number", "digits"
	Missing bool   // there is no such prompt, so nothing was heard
}

// Heard lists what a leg was given to hear after the event of that order.
func (w *World) Heard(l *Leg, after uint64) []Sound {
	id := l.Info().ID
	var list []Sound
	w.each(func(e *trace.Event) {
		if e.Leg != id || e.Order <= after {
			return
		}
		switch e.Kind {
		case trace.Say:
			list = append(list, Sound{Order: e.Order, Kind: "say", As: e.Attr("as").String(), Name: e.Attr("value").String()})
		case trace.Play:
			for _, kind := range []string{"prompt", "recording", "tone"} {
				if name := e.Attr(kind); !name.Equal(slog.Value{}) {
					list = append(list, Sound{Order: e.Order, Kind: kind, Name: name.String(), Missing: e.Attr("missing").Any() == true})
				}
			}
		}
	})
	return list
}

// Failure is a script that failed.
type Failure struct {
	Order   uint64
	File    string
	Line    int
	Message string
}

// Failures lists the scripts that failed, in order.
func (w *World) Failures() []Failure {
	var list []Failure
	w.each(func(e *trace.Event) {
		if e.Kind == trace.Error {
			list = append(list, Failure{e.Order, e.File, e.Line, e.Attr("message").String()})
		}
	})
	return list
}

// Logged lists what scripts logged.
func (w *World) Logged() []string {
	var list []string
	w.each(func(e *trace.Event) {
		if e.Kind == trace.Log {
			list = append(list, e.Attr("text").String())
		}
	})
	return list
}

func (w *World) each(f func(*trace.Event)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.events {
		f(&w.events[i])
	}
}

// Plan sets what comes of dialling the targets that match; it comes before what
// was planned earlier for others.
func (w *World) Plan(a Answer) {
	x := w.lines["sip"]
	x.answers = slices.DeleteFunc(x.answers, func(b Answer) bool { return b.Match == a.Match })
	x.answers = append([]Answer{a}, x.answers...)
}

// Phone reports whether the site has a phone of that name, and Trunk a trunk.
func (w *World) Phone(name string) bool { return phone(w.config(), name) != nil }

// Trunk reports whether the site has a trunk of that name.
func (w *World) Trunk(name string) bool { return trunk(w.config(), name) != nil }

// Peers are the names of the site's phones and trunks.
func (w *World) Peers() (phones, trunks []string) {
	for _, p := range w.config().Phones {
		phones = append(phones, p.Name)
	}
	for _, t := range w.config().Trunks {
		trunks = append(trunks, t.Name)
	}
	return phones, trunks
}

// Pass lets so much time pass.
func (w *World) Pass(d time.Duration) error {
	return w.Run(w.Now().Add(d), func() bool { return false })
}
