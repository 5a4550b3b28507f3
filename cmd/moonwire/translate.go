package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"time"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/translate"
	"github.com/moonwire/moonwire/scripts"
)

type translateCommand struct {
	From   string `arg:"" help:"The installation's configuration: a folder such as /etc/asterisk, or a dialplan's file."`
	Output string `short:"o" required:"" help:"The site to write to; made where there is none." placeholder:"SITE"`
	Report string `help:"Write the report as JSON." placeholder:"FILE"`
	Era    string `default:"auto" help:"The Asterisk that the dialplan was written for: 1.0, 1.2, 1.4, 1.6 … 23." placeholder:"VERSION"`
	Form   string `default:"structured" enum:"structured,tables" help:"How extensions are written: as if and while where their jumps allow it (structured), or all as tables of steps (tables)." placeholder:"FORM"`
	Strict bool   `help:"Fail unless every line is translated exactly; then nothing is written but the report."`
	Exec   bool   `help:"Run the commands of #exec lines."`
	With   string `help:"A changed copy of scripts/translate to use." placeholder:"DIR"`
}

// execTime is how long a command of an #exec line may take.
const execTime = 30 * time.Second

// Run translates, writes the site and prints the report.
func (c translateCommand) Run(out io.Writer) error {
	folder, dialplan := c.From, ""
	info, err := os.Stat(c.From)
	if err != nil {
		return usageError{err}
	}
	if !info.IsDir() {
		folder, dialplan = filepath.Split(filepath.Clean(c.From))
	}
	input, err := os.OpenRoot(filepath.Clean(folder))
	if err != nil {
		return usageError{err}
	}
	defer input.Close()
	program := scripts.Translator()
	if c.With != "" {
		program = os.DirFS(c.With)
	}
	translator, err := translate.New(context.Background(), program, nil)
	if err != nil {
		return err
	}
	options := translate.Options{
		Input: input.FS(), Main: dialplan, Era: c.Era, Form: c.Form,
		Exists: func(name string) bool {
			_, err := os.Stat(filepath.Join(c.Output, filepath.FromSlash(name)))
			return err == nil
		},
	}
	if c.Exec {
		options.Exec = runCommand
	}
	result, err := translator.Run(context.Background(), options)
	if err != nil {
		return fmt.Errorf("translate %s: %w", c.From, err)
	}
	if c.Report != "" {
		if err := os.WriteFile(c.Report, append(result.Report, '\n'), 0o644); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(out, result.Messages); err != nil {
		return err
	}
	if c.Strict && result.Inexact > 0 {
		return fmt.Errorf("%d lines are not translated exactly; nothing was written", result.Inexact)
	}
	if err := c.write(result.Files); err != nil {
		return err
	}
	if err := c.copyPrograms(input.FS()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "wrote %s; look it over with: moonwire check %s\n", c.Output, c.Output)
	return err
}

// write puts the files of the site in place, with what an editor needs.
func (c translateCommand) write(files map[string][]byte) error {
	var types bytes.Buffer
	if err := api.WriteTypes(&types); err != nil {
		return err
	}
	files["types/moonwire.lua"] = types.Bytes()
	files[".luarc.json"] = []byte(editorSettings)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		path := filepath.Join(c.Output, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// copyPrograms takes over the AGI programs that lie beside the configuration.
// Those that the site has already stay as they are.
func (c translateCommand) copyPrograms(input fs.FS) error {
	if info, err := fs.Stat(input, "agi-bin"); err != nil || !info.IsDir() {
		return nil
	}
	return fs.WalkDir(input, "agi-bin", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		path := filepath.Join(c.Output, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		info, err := fs.Stat(input, name)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(input, name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, content, info.Mode().Perm()|0o600)
	})
}

// runCommand runs a command of an #exec line.
func runCommand(ctx context.Context, command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, execTime)
	defer cancel()
	output, err := exec.CommandContext(ctx, "/bin/sh", "-c", command).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) && len(failed.Stderr) > 0 {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(failed.Stderr))
	}
	return output, err
}
