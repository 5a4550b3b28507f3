package main

import (
	"context"
	"io"
	"os"
	"os/signal"

	"github.com/moonwire/moonwire/cmd/moonwire/bench"
)

type benchCommand struct{ bench.Options }

// Run measures until it is done or interrupted.
func (c benchCommand) Run(out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return bench.Run(ctx, c.Options, out)
}
