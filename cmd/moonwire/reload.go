package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/moonwire/moonwire/lua/check"
)

type reloadCommand struct {
	Site string `arg:"" optional:"" default:"." help:"The site's directory."`
	Data string `help:"The server's data directory, where it is not the site's."`
	To   int    `help:"Go back to this version instead of reading the scripts again." placeholder:"N"`
}

func (c reloadCommand) Run(out io.Writer) error {
	var reply reloadReply
	if err := askControl(dataDirectory(c.Site, c.Data), "reload", reloadRequest{To: c.To}, &reply); err != nil {
		return err
	}
	if reply.Error != "" {
		return errors.New(reply.Error)
	}
	if _, err := fmt.Fprintf(out, "version %d serves\n", reply.Version); err != nil || c.To > 0 || !isDirectory(c.Site) {
		return err
	}
	return c.warn(out)
}

// warn tells what is doubtful in scripts that serve nevertheless.
func (c reloadCommand) warn(out io.Writer) error {
	findings, err := checkSite(c.Site)
	if err != nil {
		return nil // the server has the scripts from elsewhere
	}
	for _, f := range findings {
		if f.Level < check.Warning {
			continue
		}
		if _, err := fmt.Fprintln(out, f.Report()); err != nil {
			return err
		}
	}
	return nil
}
