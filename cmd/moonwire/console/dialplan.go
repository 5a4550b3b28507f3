package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moonwire/moonwire/core/route"
)

var dialplanCommands = []*Command{
	{Words: "dialplan show", Args: []Arg{{Name: "CONTEXT", Optional: true, Complete: (*Session).contexts}, {Name: "NUMBER", Optional: true, Complete: (*Session).numbersOfLast}},
		Summary: "contexts, or what a number leads to and where that is written", Run: dialplanShow},
}

func (s *Session) numbersOfLast() []string {
	if n := len(s.completing); n > 0 {
		return s.numbersOf(s.completing[n-1])
	}
	return nil
}

// dialplanShow takes "CONTEXT", "CONTEXT NUMBER", "NUMBER@CONTEXT", or nothing.
func dialplanShow(r *Run) (Result, error) {
	context, number := r.arg(0), r.arg(1)
	if before, after, ok := strings.Cut(context, "@"); ok && number == "" {
		number, context = before, after
	}
	routes := r.site().Routes
	if context != "" && !routes.Has(context) {
		return Result{}, fmt.Errorf("there is no context %q; there are: %s", context, strings.Join(routes.Contexts(), ", "))
	}
	if number != "" {
		return r.leadsTo(routes, context, number)
	}
	names := routes.Contexts()
	slices.Sort(names)
	if context != "" {
		names = []string{context}
	}
	return r.contextsShown(routes, names), nil
}

// leadsTo shows what a number leads to, and what that hides.
func (s *Session) leadsTo(routes *route.Table, context, number string) (Result, error) {
	t := &Table{Columns: columns("serves", "pattern", "found_in", "at", "caller=-", "number=-", "context=-")}
	routes.Each(context, number, "", s.Now(), func(m route.Match) bool {
		t.add(len(t.Rows) == 0, m.Extension.Pattern, m.Context, m.Extension.Source, m.Extension.CallerID, number, context)
		return true
	})
	if len(t.Rows) == 0 {
		if m, ok := routes.Special(context, "i", "", s.Now()); ok {
			t.add(true, m.Extension.Pattern, m.Context, m.Extension.Source, m.Extension.CallerID, number, context)
			t.Foot = fmt.Sprintf("no extension of context %s holds %s, so its extension i serves", context, number)
			return Result{Table: t}, nil
		}
		return Result{Table: t, Failed: fmt.Sprintf("no extension of context %s or of those it includes holds %s", context, number)}, nil
	}
	t.Foot = fmt.Sprintf("%s dialled in context %s is served by %s of context %s, at %s", number, context, t.Rows[0][1], t.Rows[0][2], t.Rows[0][3])
	return Result{Table: t}, nil
}

// contextsShown shows contexts with their extensions in the order of matching.
func (s *Session) contextsShown(routes *route.Table, names []string) Result {
	t := &Table{Columns: columns("context", "kind", "pattern", "caller", "at"), Empty: "no contexts"}
	var b strings.Builder
	extensions := 0
	for _, name := range names {
		fmt.Fprintf(&b, "[ Context '%s' ]\n", name)
		for _, e := range routes.Extensions(name) {
			extensions++
			t.add(name, "extension", e.Pattern, e.CallerID, e.Source)
			pattern := e.Pattern
			if e.CallerID != "" {
				pattern += "/" + e.CallerID
			}
			fmt.Fprintf(&b, "  %-20s %s\n", "'"+pattern+"' =>", e.Source)
		}
		for _, i := range routes.Includes(name) {
			t.add(name, "include", i.Context, i.Hours, i.Source)
			hours := ""
			if i.Hours != "" {
				hours = " while " + i.Hours
			}
			fmt.Fprintf(&b, "  %-20s %s%s\n", "Include =>", "'"+i.Context+"' "+i.Source, hours)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s in %s\n", count(extensions, "extension"), count(len(names), "context"))
	return Result{Table: t, Text: b.String()}
}
