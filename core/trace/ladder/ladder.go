// Package ladder draws the story of a call for people: a column for each party
// with moonwire between the caller and those who were called, an arrow for each
// message, and what the script did beside it.
package ladder

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/moonwire/moonwire/core/trace"
)

// Ladder writes events as rows. It is used by one goroutine.
type Ladder struct {
	out     io.Writer
	began   time.Time
	parties []party // the caller first
	told    int     // of the parties, in the heading that was written last
	row     strings.Builder
}

// party is the far end of a leg.
type party struct {
	leg, name, address string
}

const (
	margin = 11 // columns of the time
	wide   = 26 // columns from one party to the next
	narrow = 24 // the same where there are many
	many   = 4
)

// New returns a Ladder that begins with what is known of the call by now; more
// parties may turn up later.
func New(out io.Writer, known []trace.Event) *Ladder {
	l := &Ladder{out: out}
	if len(known) > 0 {
		l.began = known[0].At
	}
	for i := range known {
		l.meet(&known[i])
	}
	return l
}

// meet learns of the party that an event is about.
func (l *Ladder) meet(e *trace.Event) {
	at := -1
	for i := range l.parties {
		if l.parties[i].leg == e.Leg {
			at = i
		}
	}
	if at < 0 {
		l.parties = append(l.parties, party{leg: e.Leg})
		at = len(l.parties) - 1
	}
	p := &l.parties[at]
	switch {
	case e.Kind == trace.Begin:
		if number := (words{e}).text("caller"); number != "" {
			p.name = number
		}
	case e.Kind == trace.State && p.name == "":
		p.name = words{e}.text("target")
	case e.Packet != nil && e.Packet.Remote.IsValid():
		if p.address == "" {
			p.address = e.Packet.Transport + ":" + e.Packet.Remote.String()
		}
		if p.name == "" && strings.HasPrefix(e.Packet.First(), "INVITE ") {
			p.name = user(e.Packet)
		}
	}
}

// user is the number of the far end, from its first INVITE.
func user(p *trace.Packet) string {
	if p.Out {
		return trace.UserIn(p.First())
	}
	return trace.UserIn(p.Header("From", "f"))
}

// Print writes an event.
func (l *Ladder) Print(e *trace.Event) error {
	if l.began.IsZero() {
		l.began = e.At
	}
	l.meet(e)
	if l.told < len(l.parties) {
		l.told = len(l.parties)
		l.heading()
	}
	l.row.Reset()
	fmt.Fprintf(&l.row, "%*.1f  ", margin-2, float64(e.At.Sub(l.began).Microseconds())/1000)
	if e.Kind == trace.Message {
		l.arrow(e)
	} else {
		l.remark(e)
	}
	return l.flush()
}

// Gap says that events are missing here.
func (l *Ladder) Gap(lost int) error {
	l.row.Reset()
	fmt.Fprintf(&l.row, "%*s… %d events were not kept", margin, "", lost)
	return l.flush()
}

func (l *Ladder) flush() error {
	_, err := fmt.Fprintln(l.out, strings.TrimRight(l.row.String(), " "))
	return err
}

func (l *Ladder) width() int {
	if len(l.parties) > many {
		return narrow
	}
	return wide
}

// column is where a party's line is: the caller's first, then ours, then the others.
func (l *Ladder) column(leg string) int {
	for i, p := range l.parties {
		if p.leg == leg && i > 0 {
			return i + 1
		}
	}
	return 0
}

const ours = 1 // our column

// heading names the columns.
func (l *Ladder) heading() {
	names, addresses := []string{l.parties[0].title(), "moonwire"}, []string{l.parties[0].address, ""}
	for _, p := range l.parties[1:] {
		names, addresses = append(names, p.title()), append(addresses, p.address)
	}
	for i, list := range [][]string{names, addresses} {
		l.row.Reset()
		fmt.Fprintf(&l.row, "%*s", -margin, []string{"       ms", ""}[i])
		for _, text := range list {
			fmt.Fprintf(&l.row, "%*s", -l.width(), clip(text, l.width()-1))
		}
		_ = l.flush()
	}
}

func (p party) title() string {
	if p.name != "" {
		return p.name
	}
	return p.leg
}

// arrow draws a message between us and a party.
func (l *Ladder) arrow(e *trace.Event) {
	at, width := l.column(e.Leg), l.width()
	from, to := min(at, ours), max(at, ours)
	right := e.Packet != nil && e.Packet.Out == (at > ours)
	span := (to-from)*width - 1
	for i := range len(l.parties) + 1 {
		switch {
		case i == from:
			l.row.WriteString("│" + line(Describe(e), span, right))
		case i > from && i < to:
		case i == len(l.parties):
			l.row.WriteString("│")
		default:
			l.row.WriteString("│" + strings.Repeat(" ", width-1))
		}
	}
}

// line is text on an arrow of so many columns.
func line(text string, span int, right bool) string {
	text = clip(text, span-3)
	rest := span - 3 - utf8.RuneCountInString(text)
	left := rest / 2
	before, after := strings.Repeat("─", left), strings.Repeat("─", rest-left)
	if right {
		return before + " " + text + " " + after + "▶"
	}
	return "◀" + before + " " + text + " " + after
}

// remark writes what is no message beside our line.
func (l *Ladder) remark(e *trace.Event) {
	l.row.WriteString("│" + strings.Repeat(" ", l.width()-1) + "│ ")
	if l.column(e.Leg) > ours {
		for _, p := range l.parties {
			if p.leg == e.Leg {
				l.row.WriteString(p.title() + ": ")
			}
		}
	}
	l.row.WriteString(oneLine(Describe(e)))
	if place := e.Place(); place != "" {
		l.row.WriteString("   [" + place + "]")
	}
}

// oneLine takes line ends and control characters out of what may come from
// anybody: a terminal obeys them.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

func clip(text string, most int) string {
	text = oneLine(text)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:max(most-1, 0)]) + "…"
}
