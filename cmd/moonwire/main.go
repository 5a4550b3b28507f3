// Command moonwire is a telephone system whose calls are written in Lua.
//
// Each sub-command is one file of this folder and only wires packages together.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// commands is the command line.
type commands struct {
	Serve     serveCommand     `cmd:"" help:"Run the server on a site."`
	New       newCommand       `cmd:"" help:"Make a site to start from."`
	Reload    reloadCommand    `cmd:"" help:"Let the running server read its scripts again."`
	Console   consoleCommand   `cmd:"" help:"Look into a running server, and tell it what to do."`
	Simulate  simulateCommand  `cmd:"" help:"Show what happens when a number is dialled, without phones."`
	Calls     callsCommand     `cmd:"" help:"List the calls of the running server."`
	Records   recordsCommand   `cmd:"" help:"List the records of calls that have ended."`
	Trace     traceCommand     `cmd:"" help:"Show what happened to a call, message by message and step by step."`
	Debug     debugCommand     `cmd:"" help:"Let an editor step through a simulated call (Debug Adapter Protocol)."`
	Test      testCommand      `cmd:"" help:"Run the tests of a site, without phones."`
	Check     checkCommand     `cmd:"" help:"Find mistakes in scripts without a call."`
	Translate translateCommand `cmd:"" help:"Make a site of an Asterisk installation."`
	Convert   convertCommand   `cmd:"" help:"Convert sound files."`
	Types     typesCommand     `cmd:"" help:"Write the Lua API's types for editors, or its reference."`
	Bench     benchCommand     `cmd:"" help:"Measure any SIP server."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// Exit codes: 0 done, 1 the work failed, 2 the command line or the set-up is wrong.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake that the person at the keyboard can mend; it is shown
// in one line and ends the program with exitUsage.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run parses args, runs the command and returns the exit code.
func run(args []string, out, errOut io.Writer) int {
	var cli commands
	exit := -1
	parser, err := kong.New(&cli,
		kong.Name("moonwire"),
		kong.Description("A telephone system whose calls are written in Lua."),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(out, (*io.Writer)(nil)),
	)
	if err != nil {
		fmt.Fprintf(errOut, "moonwire: %v\n", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help
	}
	if err != nil {
		fmt.Fprintf(errOut, "moonwire: %v (see moonwire --help)\n", err)
		return exitUsage
	}
	err = command.Run()
	switch mistake := (usageError{}); {
	case err == nil:
		return 0
	case errors.As(err, &mistake):
		fmt.Fprintf(errOut, "moonwire: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(errOut, "moonwire: %v\n", err)
		return exitFailed
	}
}
