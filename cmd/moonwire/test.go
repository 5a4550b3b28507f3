package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/moonwire/moonwire/lua/suite"
)

type testCommand struct {
	Site     string   `arg:"" optional:"" default:"." help:"The site's directory."`
	Files    []string `arg:"" optional:"" help:"Test files: scripts/dialplan_test.lua; all where none is given."`
	Only     string   `name:"run" help:"Only tests whose name matches." placeholder:"PATTERN"`
	Verbose  bool     `short:"v" help:"Name the tests that pass, too."`
	Watch    bool     `help:"Run again whenever a file is saved, until Ctrl-C."`
	Shuffle  uint64   `help:"Run in another order, made from this number." placeholder:"NUMBER"`
	JUnit    string   `name:"junit" help:"Write the outcome as JUnit's XML." placeholder:"FILE"`
	TAP      bool     `name:"tap" help:"Print the outcome in the Test Anything Protocol."`
	Coverage string   `help:"Count the lines that run, print a summary and write a page." placeholder:"FILE"`
	Zone     string   `default:"UTC" help:"Time zone of the site." placeholder:"NAME"`
}

// Run runs the tests of a site. It fails where a test does.
func (c testCommand) Run(out io.Writer) error {
	if c.Watch {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return c.watch(ctx, out)
	}
	return c.once(context.Background(), out, c.Files)
}

// once runs the tests of some files, or of all.
func (c testCommand) once(ctx context.Context, out io.Writer, files []string) error {
	o, err := c.options(files)
	if err != nil {
		return err
	}
	report, err := suite.Run(ctx, o)
	if err != nil {
		return err
	}
	if len(report.Files) == 0 {
		return usage("%s has no tests: they are files such as scripts/dialplan_test.lua", c.Site)
	}
	if c.TAP {
		err = report.WriteTAP(out)
	} else {
		err = report.WriteText(out, c.Verbose)
	}
	if c.JUnit != "" {
		err = errors.Join(err, writeFile(c.JUnit, report.WriteJUnit))
	}
	if c.Coverage != "" {
		covered, failed := o.Coverage.Report(o.Scripts, o.Plugins)
		err = errors.Join(err, failed, covered.WriteText(out), writeFile(c.Coverage, covered.WriteHTML))
	}
	if err != nil {
		return err
	}
	if n := report.Failed(); n > 0 {
		return fmt.Errorf("%d of %d tests failed", n, report.Count())
	}
	return nil
}

func (c testCommand) options(files []string) (o suite.Options, err error) {
	if o.Scripts, o.Plugins, err = siteFiles(c.Site); err != nil {
		return o, err
	}
	for _, name := range files {
		inside, err := insideSite(c.Site, name)
		if err != nil {
			return o, err
		}
		o.Files = append(o.Files, inside)
	}
	if c.Only != "" {
		if o.Only, err = regexp.Compile(c.Only); err != nil {
			return o, usage("--run: %w", err)
		}
	}
	if o.Zone, err = time.LoadLocation(c.Zone); err != nil {
		return o, usage("--zone: %w", err)
	}
	if c.Coverage != "" {
		o.Coverage = new(suite.Coverage)
	}
	o.Sounds, o.Shuffle = siteSounds(c.Site), c.Shuffle
	return o, nil
}

// insideSite is a test file's path in its site; it may be given as seen from here.
func insideSite(site, name string) (string, error) {
	for _, candidate := range []string{filepath.Join(site, name), name} {
		if info, err := os.Stat(candidate); err != nil || info.IsDir() {
			continue
		}
		inside, err := filepath.Rel(site, candidate)
		inside = filepath.ToSlash(inside)
		if err == nil && strings.HasSuffix(inside, "_test.lua") && (strings.HasPrefix(inside, "scripts/") || strings.HasPrefix(inside, "plugins/")) {
			return path.Clean(inside), nil
		}
	}
	return "", usage("%s is no test file of %s: write a path such as scripts/dialplan_test.lua", name, site)
}

// writeFile writes a file by a function.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
