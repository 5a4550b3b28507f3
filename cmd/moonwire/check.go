package main

import (
	"fmt"
	"io"
)

type checkCommand struct {
	Site string `arg:"" optional:"" default:"." help:"The site's directory."`
}

func (c checkCommand) Run(out io.Writer) error {
	_, err := fmt.Fprintln(out, "pending")
	return err
}
