package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/moonwire/moonwire/cmd/moonwire/console"
)

type consoleCommand struct {
	Site    string `arg:"" optional:"" default:"." help:"The site's directory."`
	Data    string `help:"The server's data directory, where it is not the site's." placeholder:"DIR"`
	Execute string `short:"x" help:"Run one command and leave: 0 done, 1 it failed, 2 not understood or no server." placeholder:"COMMAND"`
	Follow  bool   `help:"With -x: stay, and print what the command turned on, such as sip trace on, until Ctrl-C."`
	JSON    bool   `name:"json" help:"Results for programs."`
}

// Run attaches to the server: for one command, for those that come from
// standard input, or for a person at a terminal.
func (c consoleCommand) Run(out io.Writer) error {
	keyboard := c.Execute == "" && term.IsTerminal(int(os.Stdin.Fd()))
	var person *console.Terminal
	var stream func(kind, text string)
	if c.Follow {
		stream = func(_, text string) { _, _ = io.WriteString(out, text) }
	}
	if keyboard {
		person = &console.Terminal{In: os.Stdin, Out: os.Stdout, History: historyFile(), Prompt: c.prompt(), Colour: coloured(os.Stdout)}
		stream = person.Stream
	}
	client, err := c.attach(stream)
	if err != nil {
		return err
	}
	defer client.Close()
	switch {
	case keyboard:
		fmt.Fprintln(out, "moonwire", version(), "- help lists the commands, Ctrl-C leaves the console and not the server")
		return person.Attend(client)
	case c.Execute != "":
		if err := c.run(client, c.Execute, out); err != nil || !c.Follow {
			return err
		}
		return follow(client)
	}
	return c.runAll(client, os.Stdin, out)
}

// follow waits for Ctrl-C, or for the server to end.
func follow(client *console.Client) error {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	select {
	case <-interrupted:
		return nil
	case <-client.Ended():
		return console.ErrGone
	}
}

// attach opens the control socket.
func (c consoleCommand) attach(stream func(kind, text string)) (*console.Client, error) {
	data := dataDirectory(c.Site, c.Data)
	path, done, err := controlPath(data)
	if err != nil {
		return nil, usage("no moonwire runs on %s: %w", data, err)
	}
	defer done()
	conn, err := net.Dial("unix", path)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			return nil, usage("the server on %s is another user's", data)
		}
		return nil, usage("no moonwire runs on %s", data)
	}
	return console.Attach(conn, stream)
}

// run runs one line; Ctrl-C breaks it off.
func (c consoleCommand) run(client *console.Client, line string, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	a, err := client.Run(ctx, line, c.JSON, coloured(out))
	if err != nil {
		return err
	}
	if c.JSON {
		_, err = fmt.Fprintf(out, "%s\n", a.Value)
	} else {
		_, err = io.WriteString(out, a.Text)
	}
	switch {
	case a.Code == exitUsage:
		return usage("%s", a.Error)
	case a.Code != 0:
		return errors.New(a.Error)
	}
	return err
}

// runAll runs the lines of a file; the first that fails ends it.
func (c consoleCommand) runAll(client *console.Client, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if line == "quit" || line == "exit" {
			return nil
		}
		if err := c.run(client, line, out); err != nil {
			return err
		}
	}
	return lines.Err()
}

// prompt names the site, for those who have several.
func (c consoleCommand) prompt() string {
	name := "moonwire"
	if path, err := filepath.Abs(c.Site); err == nil && len(filepath.Base(path)) > 1 {
		name = filepath.Base(path)
	}
	return name + "> "
}

// historyFile is where a user's lines are kept.
func historyFile() string {
	if path, ok := os.LookupEnv("MOONWIRE_HISTORY"); ok {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".moonwire_history")
}

// coloured reports whether out is a terminal whose user wants colours.
func coloured(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// consoleRoutes lets consoles attach to the control socket until ctx ends.
func (s *server) consoleRoutes(ctx context.Context) func(*http.ServeMux) {
	return func(mux *http.ServeMux) { mux.Handle("POST "+console.Path, s.consoles().Handler(ctx)) }
}

// consoles is what the console's commands work with.
func (s *server) consoles() *console.Server {
	return &console.Server{
		API: s.api, Host: s.host, SIP: s.sip, Store: s.store, Trace: s.trace, Log: s.console, Wire: &s.wire,
		Private: allowed,
		Reload: func(ctx context.Context, to int) (int, error) {
			reply, err := s.reload(ctx, to)
			return reply.Version, err
		},
		Stop:    s.ask,
		Version: version(), Began: s.began, Now: time.Now,
	}
}
