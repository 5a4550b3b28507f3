package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/simulate"
)

type simulateCommand struct {
	Site      string   `arg:"" optional:"" default:"." help:"The site's directory."`
	Context   string   `help:"Where the number is looked up (default: the context of the phone or trunk that calls)." placeholder:"NAME"`
	Extension []string `required:"" help:"The number that is dialled; several are dialled one after another." placeholder:"NUMBER" sep:"none"`
	Caller    string   `help:"Who calls: '\"Front desk\" <1102>'." placeholder:"ID"`
	From      string   `help:"The phone or trunk that calls (default: the phone whose number the caller has)." placeholder:"NAME"`
	Dtmf      string   `help:"Keys that the caller presses: '3s:1 2s:42#', each pause since the key before; '@3s:1' since the beginning." placeholder:"KEYS"`
	At        string   `help:"When the call comes (default: Monday 2026-03-02, ten o'clock)." placeholder:"RFC3339"`
	Zone      string   `default:"UTC" help:"Time zone of the site." placeholder:"NAME"`
	Answer    string   `help:"What comes of dialling: 'sip/1101=busy,sip/*=after 4s for 10s'; else phones ring and nobody answers." placeholder:"LIST"`
	Hangup    string   `help:"The caller hangs up after so long." placeholder:"TIME"`
	Limit     string   `default:"1h" help:"Longest call; then the simulation ends." placeholder:"TIME"`
	Grant     []string `help:"What scripts may reach beyond what the site grants: programs, files, network or all." placeholder:"WHAT"`
	Store     []string `help:"A value of the store: family/key=value." placeholder:"ENTRY" sep:"none"`
	Prompt    []string `help:"A prompt that exists in the simulation only: name=2s." placeholder:"PROMPT"`
	JSON      bool     `name:"json" help:"Print one object a line for each thing that happens."`
	Legs      bool     `help:"With --json: also what scripts do that serve further calls, such as local ones."`
}

// Run prints what happens when a number is dialled. It fails where a script did.
func (c simulateCommand) Run(out io.Writer) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	caller, most, err := c.caller()
	if err != nil {
		return err
	}
	failed := 0
	for i, extension := range c.Extension {
		caller.Extension = extension
		if i > 0 && !c.JSON {
			fmt.Fprintln(out)
		}
		result, err := c.one(out, &o, caller, most)
		if err != nil {
			return err
		}
		if result.Failed() {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d calls ended with an error of a script", failed, len(c.Extension))
	}
	return nil
}

// one serves one call and prints its story. What it left in the store is there
// for the next.
func (c simulateCommand) one(out io.Writer, o *simulate.Options, caller simulate.Caller, most time.Duration) (r simulate.Result, err error) {
	ctx := context.Background()
	w, err := simulate.New(ctx, *o)
	if err != nil {
		return r, errors.New(host.Report(err))
	}
	defer w.Close()
	if !c.JSON {
		fmt.Fprintf(out, "%s dials %s, %s\n\n", nameOf(caller), caller.Extension, w.Now().In(o.Zone).Format("Monday 2006-01-02 15:04:05 MST"))
	}
	leg, r, broken := w.Serve(ctx, caller, most)
	events, lost := leg.Story()
	events = append(events, leg.End(r))
	if c.JSON {
		if !c.Legs {
			events = simulate.Own(events)
		}
		err = simulate.WriteJSON(out, events)
	} else {
		err = simulate.WriteText(out, events, simulate.Style{Colour: isTerminal(out)})
	}
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d more events are not shown", lost)
	}
	if broken != nil {
		return r, broken
	}
	o.Store = w.Entries()
	return r, err
}

func nameOf(c simulate.Caller) string {
	switch {
	case c.Party.Name != "":
		return fmt.Sprintf("%q <%s>", c.Party.Name, c.Party.Number)
	case c.Party.Number != "":
		return c.Party.Number
	case c.From != "":
		return c.From
	}
	return "somebody"
}

func (c simulateCommand) options() (o simulate.Options, err error) {
	if o.Scripts, o.Plugins, err = siteFiles(c.Site); err != nil {
		return o, err
	}
	o.Folder = absolute(c.Site)
	if c.At != "" {
		if o.Start, err = time.Parse(time.RFC3339, c.At); err != nil {
			return o, usage("--at %s: write a time such as 2026-03-04T18:30:00Z", c.At)
		}
	}
	if o.Zone, err = time.LoadLocation(c.Zone); err != nil {
		return o, usage("--zone: %w", err)
	}
	if o.Answers, err = simulate.ParseAnswers(c.Answer); err != nil {
		return o, usage("--answer: %w", err)
	}
	if o.Grant, err = grants(c.Grant); err != nil {
		return o, err
	}
	if o.Grant.Network {
		o.HTTP = http.DefaultTransport
	}
	o.Env = func(name string) (string, bool) {
		if value, ok := os.LookupEnv(name); ok {
			return value, true
		}
		return "value-of-" + name, true
	}
	for _, text := range c.Store {
		place, value, ok := strings.Cut(text, "=")
		family, key, both := strings.Cut(place, "/")
		if !ok || !both || family == "" || key == "" {
			return o, usage("--store %s: write family/key=value", text)
		}
		o.Store = append(o.Store, simulate.Entry{Family: family, Key: key, Value: value})
	}
	o.Sounds, err = c.sounds()
	o.Compiled = new(host.Compiled)
	return o, err
}

func (c simulateCommand) sounds() (*simulate.Sounds, error) {
	s := siteSounds(c.Site)
	for _, text := range c.Prompt {
		name, length, _ := strings.Cut(text, "=")
		d, err := simulate.Duration(length)
		if err != nil {
			return nil, usage("--prompt %s: %w", text, err)
		}
		s.Further[name] = d
	}
	return s, nil
}

func (c simulateCommand) caller() (caller simulate.Caller, most time.Duration, err error) {
	caller = simulate.Caller{From: c.From, Context: c.Context, Party: parseParty(c.Caller)}
	if caller.Keys, err = simulate.ParseKeys(c.Dtmf); err != nil {
		return caller, 0, usage("--dtmf: %w", err)
	}
	if c.Hangup != "" {
		if caller.HangUp, err = simulate.Duration(c.Hangup); err != nil {
			return caller, 0, usage("--hangup: %w", err)
		}
	}
	if most, err = simulate.Duration(c.Limit); err != nil {
		return caller, 0, usage("--limit: %w", err)
	}
	if c.Context == "" && c.From == "" && c.Caller == "" {
		return caller, 0, usage("say where the number is looked up (--context) or who calls (--from PHONE)")
	}
	return caller, most, nil
}

// parseParty reads '"Name" <number>', a number or a name.
func parseParty(text string) call.Party {
	name, rest, ok := strings.Cut(text, "<")
	if !ok {
		if strings.Trim(text, "+0123456789*#") == "" {
			return call.Party{Number: text}
		}
		return call.Party{Name: text}
	}
	number, _, _ := strings.Cut(rest, ">")
	return call.Party{Name: strings.Trim(strings.TrimSpace(name), `"`), Number: strings.TrimSpace(number)}
}

func grants(list []string) (g simulate.Grant, err error) {
	for _, word := range list {
		switch word {
		case "all":
			g = simulate.Grant{Programs: true, Files: true, Network: true}
		case "programs":
			g.Programs = true
		case "files":
			g.Files = true
		case "network":
			g.Network = true
		default:
			return g, usage("--grant %s: write programs, files, network or all", word)
		}
	}
	return g, nil
}

// isTerminal reports whether out shows colours to somebody.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
