package main

import (
	"errors"
	"fmt"
	"io"
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
	_, err := fmt.Fprintf(out, "version %d serves\n", reply.Version)
	return err
}
