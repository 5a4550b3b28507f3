package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/moonwire/moonwire/lua/check"
)

type checkCommand struct {
	Site string `arg:"" optional:"" default:"." help:"The site's directory."`
}

// Run prints every mistake that can be found without a call.
func (c checkCommand) Run(out io.Writer) error {
	scripts := filepath.Join(c.Site, "scripts")
	if !isDirectory(scripts) {
		return usage("%s is not a site: it has no scripts/", c.Site)
	}
	options := check.Options{Scripts: os.DirFS(scripts)}
	if plugins := filepath.Join(c.Site, "plugins"); isDirectory(plugins) {
		options.Plugins = os.DirFS(plugins)
	}
	findings, err := check.Site(context.Background(), options)
	if err != nil {
		return err
	}
	mistakes := 0
	for _, f := range findings {
		fmt.Fprintln(out, f.Report())
		if !f.Warning {
			mistakes++
		}
	}
	if mistakes > 0 {
		return fmt.Errorf("%d to mend", mistakes)
	}
	_, err = fmt.Fprintln(out, "no mistakes found")
	return err
}
