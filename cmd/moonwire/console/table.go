package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Result is what a command came to.
type Result struct {
	Table  *Table
	Text   string          // for a person, instead of the table, or where there is none
	Value  json.RawMessage // for a program, where there is no table
	Failed string          // why the command did not do what it should, "" where it did
}

// Table is what most commands come to. Cells are strings, numbers, booleans,
// times, durations, or nil where nothing is known.
type Table struct {
	Columns []Column
	Rows    [][]any
	Foot    string // lines below, for a person
	Empty   string // what a person sees instead where there are no rows
	Bare    bool   // a person sees no head
	Between string // "!" where a person wants columns apart by a character, not by place
	One     bool   // there is one row: a person sees a line for each column, a program an object
}

// Column is one of a table's.
type Column struct {
	Name  string // for programs
	Title string // for a person; "" takes Name, "-" is for programs only
	Width int    // at least
	Right bool   // numbers
}

// columns makes columns of "name" and "name=Title" words.
func columns(words ...string) []Column {
	list := make([]Column, len(words))
	for i, w := range words {
		name, title, _ := strings.Cut(w, "=")
		list[i] = Column{Name: name, Title: title}
	}
	return list
}

func (c Column) title() string {
	if c.Title == "" {
		return strings.ToUpper(strings.ReplaceAll(c.Name, "_", " "))
	}
	return c.Title
}

func (t *Table) add(cells ...any) { t.Rows = append(t.Rows, cells) }

// seconds is how long something lasted, for cells: 1m4s for a person, 64 for a
// program.
func seconds(d time.Duration) time.Duration { return d.Truncate(time.Second) }

// JSON is the result for a program.
func (r Result) JSON() []byte {
	var v any
	switch {
	case r.Table != nil && r.Table.One && len(r.Table.Rows) == 1:
		v = r.Table.object(0)
	case r.Table != nil:
		list := make([]object, len(r.Table.Rows))
		for i := range list {
			list[i] = r.Table.object(i)
		}
		v = list
	case r.Value != nil:
		v = r.Value
	case r.Failed != "":
		v = object{{"error", r.Failed}}
	default:
		v = object{{"text", strings.TrimRight(r.Text, "\n")}}
	}
	return encoded(v)
}

func encoded(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte(strconv.Quote(err.Error()) + "\n")
	}
	return b.Bytes()
}

// object keeps the order of its members.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, m.name)
		b = append(append(b, ':'), bytes.TrimSpace(encoded(m.value))...)
	}
	return append(b, '}'), nil
}

func (t *Table) object(row int) object {
	o := make(object, 0, len(t.Columns))
	for i, c := range t.Columns {
		v := t.Rows[row][i]
		switch cell := v.(type) {
		case time.Duration:
			v = cell.Seconds()
		case time.Time:
			if v = cell.UTC().Format(time.RFC3339); cell.IsZero() {
				v = nil
			}
		}
		o = append(o, member{c.Name, v})
	}
	return o
}

// Show is the result for a person.
func (r Result) Show(colour bool) string {
	var text string
	switch {
	case r.Text != "":
		text = r.Text
	case r.Table != nil && (r.Failed == "" || !r.Table.One):
		text = r.Table.show(colour)
	}
	text = strings.TrimRight(text, "\n")
	if text != "" {
		text += "\n"
	}
	return text
}

func (t *Table) show(colour bool) string {
	var b strings.Builder
	switch {
	case len(t.Rows) == 0 && t.Empty != "":
		return t.Empty + "\n"
	case t.One:
		t.showOne(&b, colour)
	case t.Between != "":
		for _, row := range t.Rows {
			cells := make([]string, len(row))
			for i, v := range row {
				cells[i] = cellText(v)
			}
			b.WriteString(strings.Join(cells, t.Between) + "\n")
		}
	default:
		t.showRows(&b, colour)
	}
	if t.Foot != "" {
		b.WriteString(t.Foot + "\n")
	}
	return b.String()
}

// shown are the columns that a person sees.
func (t *Table) shown() (list []int) {
	for i, c := range t.Columns {
		if c.Title != "-" {
			list = append(list, i)
		}
	}
	return list
}

func (t *Table) showOne(b *strings.Builder, colour bool) {
	widest := 0
	for _, i := range t.shown() {
		widest = max(widest, utf8.RuneCountInString(t.Columns[i].title()))
	}
	for _, row := range t.Rows {
		for _, i := range t.shown() {
			text := cellText(row[i])
			fmt.Fprintf(b, "%*s: %s\n", widest+2, t.Columns[i].title(), tinted(text, text, colour))
		}
	}
}

func (t *Table) showRows(b *strings.Builder, colour bool) {
	shown := t.shown()
	widths := make([]int, len(t.Columns))
	texts := make([][]string, len(t.Rows))
	for _, i := range shown {
		widths[i] = max(t.Columns[i].Width, utf8.RuneCountInString(t.Columns[i].title()))
	}
	for r, row := range t.Rows {
		texts[r] = make([]string, len(row))
		for i, v := range row {
			texts[r][i] = cellText(v)
			widths[i] = max(widths[i], utf8.RuneCountInString(texts[r][i]))
		}
	}
	line := func(cell func(int) string, tint func(plain, padded string) string) {
		var out []string
		for n, i := range shown {
			plain := cell(i)
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(plain))
			padded := plain + pad
			if t.Columns[i].Right {
				padded = pad + plain
			} else if n == len(shown)-1 {
				padded = plain
			}
			out = append(out, tint(plain, padded))
		}
		b.WriteString(strings.TrimRight(strings.Join(out, "  "), " ") + "\n")
	}
	if !t.Bare {
		line(func(i int) string { return t.Columns[i].title() }, func(_, padded string) string { return bold(padded, colour) })
	}
	for r := range t.Rows {
		line(func(i int) string { return texts[r][i] }, func(plain, padded string) string { return tinted(plain, padded, colour) })
	}
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.ReplaceAll(printable(v), "\n", " ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case time.Duration:
		return clockText(v)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.Format("2006-01-02 15:04:05")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// clockText is how long something lasts, as on a clock.
func clockText(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Colours of a terminal (ECMA-48, 8.3.117).
const (
	colourOff    = "\x1b[0m"
	colourBold   = "\x1b[1m"
	colourRed    = "\x1b[31m"
	colourGreen  = "\x1b[32m"
	colourYellow = "\x1b[33m"
	colourCyan   = "\x1b[36m"
)

// stateColours are the colours of words that tell how something is.
var stateColours = map[string]string{
	"registered": colourGreen, "reachable": colourGreen, "answered": colourGreen, "Up": colourGreen, "Registered": colourGreen,
	"ringing": colourYellow, "Ringing": colourYellow, "trying": colourYellow, "early": colourYellow, "Ring": colourYellow,
	"unreachable": colourRed, "UNREACHABLE": colourRed, "failed": colourRed, "Rejected": colourRed, "not registered": colourRed,
}

func tinted(plain, padded string, colour bool) string {
	if c := stateColours[plain]; colour && c != "" {
		return c + padded + colourOff
	}
	return padded
}

func bold(text string, colour bool) string {
	if !colour {
		return text
	}
	return colourBold + text + colourOff
}
