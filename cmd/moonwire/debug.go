package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/lua/debug"
	"github.com/moonwire/moonwire/lua/host"
)

type debugCommand struct {
	Site string `arg:"" optional:"" default:"." help:"The site's directory, where the editor names none."`
}

// Run lets an editor at the other end of standard input and output step through
// a simulated call.
func (c debugCommand) Run(out io.Writer) error {
	return debug.Serve(context.Background(), os.Stdin, out, &debuggedCall{site: c.Site}, clock.Real)
}

// debuggedCall is a simulated call as an editor's launch configuration
// describes it: in the words of moonwire simulate's flags.
type debuggedCall struct {
	site    string
	command simulateCommand
}

// longestSession is how long a person may look at one call.
const longestSession = 24 * time.Hour

func (d *debuggedCall) Prepare(arguments json.RawMessage) (root string, err error) {
	words := struct {
		Site, Context, Caller, From, DTMF, At, Zone, Answer, Hangup, Limit string
		Extension                                                          string
		Grant, Store                                                       []string
	}{Site: d.site, Zone: "UTC", Limit: "1h"}
	if err := json.Unmarshal(arguments, &words); err != nil {
		return "", fmt.Errorf("the launch configuration: %w", err)
	}
	if words.Extension == "" {
		return "", fmt.Errorf(`the launch configuration needs an "extension", the number to be dialled`)
	}
	d.command = simulateCommand{
		Site: words.Site, Context: words.Context, Extension: []string{words.Extension}, Caller: words.Caller, From: words.From,
		Dtmf: words.DTMF, At: words.At, Zone: words.Zone, Answer: words.Answer, Hangup: words.Hangup, Limit: words.Limit,
		Grant: words.Grant, Store: words.Store,
	}
	if _, _, err := siteFiles(words.Site); err != nil {
		return "", err
	}
	return filepath.Abs(words.Site)
}

func (d *debuggedCall) Run(ctx context.Context, line host.LineFunc, out io.Writer) error {
	o, err := d.command.options()
	if err != nil {
		return err
	}
	o.Patience = longestSession
	o.Host = func(h *host.Options) { h.Line = line }
	caller, most, err := d.command.caller()
	if err != nil {
		return err
	}
	caller.Extension = d.command.Extension[0]
	_, err = d.command.one(out, &o, caller, most)
	return err
}
