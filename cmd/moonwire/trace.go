package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/core/trace/ladder"
)

type traceCommand struct {
	Call   string    `arg:"" optional:"" help:"The call: its id, the beginning or the end of that, or last."`
	Site   string    `default:"." help:"The site's directory." placeholder:"DIR"`
	Data   string    `help:"The server's data directory, where it is not the site's." placeholder:"DIR"`
	Last   callCount `help:"List the calls that began last: so many, or 20." placeholder:"[N]"`
	Failed bool      `help:"Only calls that failed."`
	Follow bool      `short:"f" help:"Go on as it happens, until the call ends; of all calls where none is named."`
	JSON   bool      `name:"json" help:"One JSON object a line."`
	Pcap   string    `help:"Write the call's packets to this file instead, for Wireshark; - is the standard output." placeholder:"FILE"`
}

// callCount is a number that may be left out: --last, --last 5, --last=5.
type callCount int

const usualCount = 20

// IsBool tells kong that no value is needed.
func (callCount) IsBool() bool { return true }

// Decode takes the number that follows, if one does.
func (n *callCount) Decode(ctx *kong.DecodeContext) error {
	*n = usualCount
	next := ctx.Scan.Peek()
	value, err := strconv.Atoi(fmt.Sprint(next.Value))
	switch {
	case err == nil && value > 0:
		ctx.Scan.Pop()
		*n = callCount(value)
	case next.Type == kong.FlagValueToken:
		return fmt.Errorf("%v is no number of calls", next.Value)
	}
	return nil
}

// Run shows one call, or lists some.
func (c traceCommand) Run(out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	data := dataDirectory(c.Site, c.Data)
	if c.Call == "last" {
		list, err := askCalls(ctx, data, c.which(), 1)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errors.New("no such call is kept")
		}
		c.Call = list[0].ID
	}
	switch {
	case c.Call == "" && c.Pcap != "":
		return usage("--pcap needs a call: its id, or last")
	case c.Call == "" && !c.Follow:
		list, err := askCalls(ctx, data, c.which(), max(int(c.Last), 0))
		if err != nil {
			return err
		}
		return writeCalls(out, list, c.JSON)
	case c.Pcap != "":
		return c.capture(ctx, data, out)
	}
	return c.story(ctx, data, out)
}

func (c traceCommand) which() string {
	if c.Failed {
		return "failed"
	}
	return "all"
}

// askTrace asks the server's /trace for something. The caller closes the answer.
func askTrace(ctx context.Context, data, what string, parameters url.Values) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://moonwire/trace/"+what+"?"+parameters.Encode(), nil)
	if err != nil {
		return nil, err
	}
	response, err := sendControl(data, request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	return response, nil
}

// askCalls gets the calls that began last, at most so many of them; 0 = 20.
func askCalls(ctx context.Context, data, which string, most int) ([]callSummary, error) {
	response, err := askTrace(ctx, data, "calls", url.Values{"which": {which}})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var list []callSummary
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("calls: %w", err)
	}
	if most == 0 {
		most = usualCount
	}
	return list[max(len(list)-most, 0):], nil
}

// writeCalls writes a table, or one JSON object a line.
func writeCalls(out io.Writer, list []callSummary, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		for _, c := range list {
			if err := encoder.Encode(c); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no calls")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CALL\tBEGAN\tCALLER\tEXTENSION\tCONTEXT\tPEER\tSTATE\tSECONDS\tOUTCOME\tCAUSE")
	for _, c := range list {
		cause := c.Cause
		if c.Error != "" {
			cause = c.Error
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f\t%s\t%s\n", c.ID, c.Began.Local().Format("15:04:05"), dash(c.Caller),
			dash(c.Extension), dash(c.Context), dash(c.Peer), c.State, c.Seconds, c.Outcome, firstLine(cause))
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return firstLine(text)
}

// firstLine is what fits into a table, without what a terminal would obey.
func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// capture writes the call's packets to the file.
func (c traceCommand) capture(ctx context.Context, data string, out io.Writer) error {
	response, err := askTrace(ctx, data, "capture", url.Values{"call": {c.Call}})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if c.Pcap == "-" {
		_, err := io.Copy(out, response.Body)
		return err
	}
	f, err := os.OpenFile(c.Pcap, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return usage("--pcap: %w", err)
	}
	_, err = io.Copy(f, response.Body)
	return errors.Join(err, f.Close())
}

// story shows a call, to its end where it is followed.
func (c traceCommand) story(ctx context.Context, data string, out io.Writer) error {
	parameters := url.Values{"call": {c.Call}}
	if c.Follow {
		parameters.Set("follow", "1")
	}
	response, err := askTrace(ctx, data, "story", parameters)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if c.JSON {
		_, err = io.Copy(out, response.Body)
	} else {
		err = draw(response.Body, out, c.Follow, c.Call == "")
	}
	if ctx.Err() != nil {
		return nil // interrupted
	}
	return err
}

// draw writes events as people read them: a ladder, or where they are of many
// calls one line each.
func draw(in io.Reader, out io.Writer, follow, many bool) error {
	var known []trace.Event
	var steps *ladder.Ladder
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // its end, or the server's
		}
		var e trace.Event
		if n, ok := lostIn(line); ok {
			if err := gap(out, steps, known, n); err != nil {
				return err
			}
			continue
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		switch {
		case many:
			_, err = fmt.Fprintf(out, "%s %-16s %s\n", e.At.Local().Format("15:04:05.000"), e.Leg, oneLineOf(&e))
		case follow:
			if steps == nil {
				steps = ladder.New(out, nil)
			}
			err = steps.Print(&e)
		default:
			known = append(known, e)
		}
		if err != nil {
			return err
		}
	}
	if len(known) == 0 {
		return nil
	}
	return drawAll(out, known)
}

func drawAll(out io.Writer, known []trace.Event) error {
	fmt.Fprintf(out, "%s  %s\n\n", known[0].Leg, known[0].At.Local().Format("2006-01-02 15:04:05.000 -0700"))
	steps := ladder.New(out, known)
	for i := range known {
		if err := steps.Print(&known[i]); err != nil {
			return err
		}
	}
	return nil
}

func oneLineOf(e *trace.Event) string {
	text := ladder.Describe(e)
	if p := e.Packet; p != nil && p.Out {
		text = "-> " + p.Remote.String() + " " + text
	} else if p != nil {
		text = "<- " + p.Remote.String() + " " + text
	}
	if place := e.Place(); place != "" {
		text += "   [" + place + "]"
	}
	return firstLine(text)
}

// lostIn reads a line that says how many events are missing.
func lostIn(line []byte) (int, bool) {
	if !bytes.HasPrefix(line, []byte(`{"lost":`)) {
		return 0, false
	}
	var missing struct{ Lost int }
	err := json.Unmarshal(line, &missing)
	return missing.Lost, err == nil
}

func gap(out io.Writer, steps *ladder.Ladder, known []trace.Event, n int) error {
	if steps != nil {
		return steps.Gap(n)
	}
	when := ""
	if len(known) > 0 {
		when = " between its first and its latest ones"
	}
	_, err := fmt.Fprintf(out, "%d events were not kept%s\n", n, when)
	return err
}

type callsCommand struct {
	Site  string `arg:"" optional:"" default:"." help:"The site's directory."`
	Data  string `help:"The server's data directory, where it is not the site's." placeholder:"DIR"`
	Ended bool   `help:"Those that have ended, as many as the server keeps."`
	JSON  bool   `name:"json" help:"One JSON object a line."`
}

// Run lists calls.
func (c callsCommand) Run(out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	which := "open"
	if c.Ended {
		which = "ended"
	}
	const all = 1 << 30
	list, err := askCalls(ctx, dataDirectory(c.Site, c.Data), which, all)
	if err != nil {
		return err
	}
	return writeCalls(out, list, c.JSON)
}
