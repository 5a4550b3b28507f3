package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/csv"
)

type recordsCommand struct {
	Site   string `arg:"" optional:"" default:"." help:"The site's directory." placeholder:"DIR"`
	Data   string `help:"The server's data directory, where it is not the site's." placeholder:"DIR"`
	Since  string `help:"Calls that began then or later: 2026-11-21, \"2026-11-21 08:30\", today, 2h or 7d ago." placeholder:"TIME"`
	Until  string `help:"Calls that began before." placeholder:"TIME"`
	Caller string `help:"Calls of this number (0033* for all that begin so), or with this in the name." placeholder:"NUMBER"`
	To     string `help:"Calls to this number, or that a script led to this target." placeholder:"NUMBER"`
	Status string `help:"Calls that came out so: answered, noanswer, busy, congestion, unavailable, refused or failed." placeholder:"STATUS"`
	Last   int    `short:"n" help:"Only so many, the latest; 0 for all." placeholder:"N"`
	JSON   bool   `name:"json" help:"One JSON object a line."`
	CSV    bool   `name:"csv" help:"All columns, separated by commas."`
}

// Run lists the records that the journal has. It reads the files themselves, so
// it needs no server, and one that runs is not disturbed.
func (c recordsCommand) Run(out io.Writer) error {
	filter, err := c.filter(time.Now())
	if err != nil {
		return err
	}
	if c.JSON && c.CSV {
		return usage("--json or --csv, not both")
	}
	buffered := bufio.NewWriter(out)
	show, finish := c.table(buffered)
	switch {
	case c.JSON:
		encoder := json.NewEncoder(buffered)
		show, finish = func(r *records.Record) error { return encoder.Encode(r) }, buffered.Flush
	case c.CSV:
		w := csv.NewWriter(buffered, csv.Options{Columns: allColumns(), Zone: time.Local})
		if err := w.Header(); err != nil {
			return err
		}
		show, finish = w.Write, buffered.Flush
	}
	dir := filepath.Join(dataDirectory(c.Site, c.Data), journalFolder)
	if !isDirectory(dir) {
		return usage("there are no call records in %s", dir)
	}
	var last []records.Record
	var failed error
	err = records.Walk(dir, func(r *records.Record) bool {
		switch {
		case !filter.Match(r):
		case c.Last > 0:
			if last = append(last, *r); len(last) > 2*c.Last {
				last = slices.Clone(last[len(last)-c.Last:])
			}
		default:
			failed = show(r)
		}
		return failed == nil
	})
	for i := max(len(last)-c.Last, 0); i < len(last) && failed == nil; i++ {
		failed = show(&last[i])
	}
	for _, e := range []error{err, failed} {
		if e != nil {
			return e
		}
	}
	return finish()
}

func (c recordsCommand) filter(now time.Time) (f records.Filter, err error) {
	f = records.Filter{Caller: c.Caller, To: c.To, Status: records.Status(c.Status)}
	if c.Status != "" && !slices.Contains(records.Statuses, f.Status) {
		return f, usage("--status %s: there are answered, noanswer, busy, congestion, unavailable, refused and failed", c.Status)
	}
	if f.Since, err = momentOf("--since", c.Since, now); err == nil {
		f.Until, err = momentOf("--until", c.Until, now)
	}
	return f, err
}

// momentOf reads a time as people write it; the zero time where there is none.
func momentOf(flag, text string, now time.Time) (time.Time, error) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch text {
	case "":
		return time.Time{}, nil
	case "today":
		return today, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100000 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, usage("%s %s: write a day as 2026-11-21, a time as \"2026-11-21 08:30\", or how long ago: 2h, 7d", flag, text)
}

func allColumns() []string {
	var names []string
	for _, c := range records.Columns {
		names = append(names, c.Name)
	}
	return names
}

// table shows records for people.
func (c recordsCommand) table(out *bufio.Writer) (show func(*records.Record) error, finish func() error) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	count := 0
	show = func(r *records.Record) error {
		if count++; count == 1 {
			fmt.Fprintln(t, "BEGAN\tCALLER\tTO\tTARGET\tSTATUS\tSECONDS\tTALK\tBY\tCAUSE\tMOS\tCALL")
		}
		mos := "-"
		if r.Media.MOS > 0 {
			mos = strconv.FormatFloat(r.Media.MOS, 'f', 1, 64)
		}
		_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.1f\t%.1f\t%s\t%s\t%s\t%s\n", r.Began.Local().Format(time.DateTime), dash(r.Caller),
			dash(r.Extension), dash(r.Target), r.Status, r.Duration().Seconds(), r.Talk().Seconds(), r.HungUpBy, dash(r.Cause), mos, r.ID)
		return err
	}
	return show, func() error {
		if count == 0 {
			fmt.Fprintln(t, "no calls")
		}
		if err := t.Flush(); err != nil {
			return err
		}
		return out.Flush()
	}
}
