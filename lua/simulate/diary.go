package simulate

import (
	"context"
	"log/slog"

	"github.com/moonwire/moonwire/core/trace"
)

// diary takes what is logged beside the calls, by hooks and timers, into the
// story. What a call logs is there already.
type diary struct {
	world *World
	hook  string
}

// Enabled implements slog.Handler.
func (d *diary) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle implements slog.Handler.
func (d *diary) Handle(_ context.Context, r slog.Record) error {
	if d.hook == "" {
		return nil
	}
	kind, level := trace.Log, "info"
	switch {
	case r.Level >= slog.LevelError:
		kind, level = trace.Error, "error"
	case r.Level >= slog.LevelWarn:
		level = "warn"
	}
	text := "text"
	if kind == trace.Error {
		text = "message"
	}
	d.world.note(trace.Event{At: d.world.clock.Now(), Kind: kind, Attrs: []slog.Attr{
		slog.String("hook", d.hook), slog.String("level", level), slog.String(text, r.Message),
	}})
	return nil
}

// WithAttrs implements slog.Handler.
func (d *diary) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *d
	for _, a := range attrs {
		if a.Key == "hook" {
			n.hook = a.Value.String()
		}
	}
	return &n
}

// WithGroup implements slog.Handler.
func (d *diary) WithGroup(string) slog.Handler { return d }
