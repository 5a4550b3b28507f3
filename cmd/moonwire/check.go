package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/check"
	"github.com/moonwire/moonwire/lua/suite"
)

type checkCommand struct {
	Site   string `arg:"" optional:"" default:"." help:"The site's directory."`
	Format string `default:"text" enum:"text,json,github,sarif" help:"text, json, github (annotations) or sarif (code scanning)." placeholder:"FORMAT"`
	FailOn string `default:"error" enum:"error,warning,note" help:"The least level that makes the exit code 1: error, warning or note." placeholder:"LEVEL"`
}

// Run prints every mistake that can be found without a call.
func (c checkCommand) Run(out io.Writer) error {
	findings, err := checkSite(c.Site)
	if err != nil {
		return err
	}
	if err := check.Write(out, c.Format, findings, filepath.ToSlash(c.Site), release); err != nil {
		return err
	}
	least, err := check.ParseLevel(c.FailOn)
	if err != nil {
		return usageError{err}
	}
	toMend := 0
	for _, f := range findings {
		if f.Level >= least {
			toMend++
		}
	}
	if toMend > 0 {
		return fmt.Errorf("%d to mend", toMend)
	}
	if c.Format == "text" && len(findings) == 0 {
		_, err = fmt.Fprintln(out, "no mistakes found")
	}
	return err
}

// checkSite looks at the site in a directory.
func checkSite(site string) ([]*check.Finding, error) {
	scripts, plugins, err := siteFiles(site)
	if err != nil {
		return nil, err
	}
	return check.Site(context.Background(), check.Options{
		Scripts: scripts, Plugins: plugins, Prompts: media.NewPrompts(nil, soundFolders(site)...), Tests: suite.Table,
	})
}
