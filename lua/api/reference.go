package api

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteReference writes the manual of everything in the table, in Markdown.
func WriteReference(w io.Writer) error {
	b := &annotations{w: bufio.NewWriter(w), entries: table, classes: classes, modules: modules}
	b.line("# The Lua API\n")
	b.line("This page is written from the table of bindings in `lua/api` by `moonwire types --reference`; changes are lost.\n")
	b.line("Times are in seconds, levels in dB, sizes in bytes. Prompts are named without extension. A function that can fail returns a result whose `status` says how, or nil and a reason; an error is raised only for a mistake of the script. A hang-up ends the script by itself. Scripts run once when they are loaded, to declare what the site is made of, and again for each call, as far as that call needs them.\n")
	b.contents()
	b.line("## Declaring a site\n")
	b.section("")
	b.section("sip")
	for _, class := range inOrder(classes) {
		b.line("## The object `%s`\n\n%s\n", class, classes[class].Summary)
		b.fields("Field", classes[class].Fields, func(f Field) bool { return f.Settable }, "can be set")
		b.section(class)
	}
	for _, m := range modules[1:] {
		b.line("## Module `%s`\n\n%s\n", m.Name, capitalised(m.Meaning))
		b.section(m.Name)
	}
	return b.w.Flush()
}

// inOrder are the names of classes: those that every script meets, then the rest.
func inOrder(all map[string]*Class) []string {
	order := []string{"context", "call", "caller", "headers"}
	rest := slices.Sorted(maps.Keys(all))
	return append(order, slices.DeleteFunc(rest, func(name string) bool { return slices.Contains(order, name) })...)
}

func anchor(e *Entry) string {
	return strings.ToLower(strings.NewReplacer(":", "", ".", "").Replace(e.Label()))
}

// contents links to every entry, a line for each group.
func (b *annotations) contents() {
	var groups []string
	links := map[string]string{}
	for _, e := range b.entries {
		group := e.On
		if group == "" {
			group = "globals"
		}
		if links[group] == "" {
			groups = append(groups, group)
		}
		links[group] += fmt.Sprintf(" [%s](#%s)", e.Name, anchor(e))
	}
	for _, group := range groups {
		b.line("- **%s**:%s", group, links[group])
	}
	b.line("")
}

func (b *annotations) section(on string) {
	for _, e := range b.entries {
		if e.On == on {
			b.manual(e)
		}
	}
}

// manual is the text of one entry.
func (b *annotations) manual(e *Entry) {
	b.line("### %s\n", e.Label())
	b.line("```text\n%s\n```\n", e.Syntax())
	b.line("%s", e.Summary)
	if e.Detail != "" {
		b.line("\n%s", e.Detail)
	}
	b.line("\nWhen: %s. Since %s.\n", e.Phase, e.Since)
	b.parameters(e)
	for _, r := range e.Results {
		kind := shown(r.Type)
		if len(r.Type.Fields) > 0 {
			kind = strings.ReplaceAll(kind, "a table of options", "a table")
		}
		b.line("Returns `%s` (%s): %s.\n", r.Name, kind, note(r))
		if len(r.Type.Fields) > 0 {
			b.fields("Result", r.Type.Fields, nil, "")
		}
	}
	if len(e.Statuses) > 0 {
		b.line("| Status | Meaning |\n|---|---|")
		for _, s := range e.Statuses {
			b.line("| `%s` | %s |", s.Name, cell(s.Meaning))
		}
		b.line("")
	}
	b.line("```lua\n%s\n```\n", e.Example)
}

func (b *annotations) parameters(e *Entry) {
	if len(e.Params) == 0 {
		return
	}
	b.line("| Parameter | Type | |\n|---|---|---|")
	for _, p := range e.Params {
		name := "`" + p.Name + "`"
		if p.Variadic {
			name += " …"
		}
		b.line("| %s | %s | %s |", name, cell(shown(p.Type)), cell(demand(p)))
	}
	b.line("")
	shownBefore := ""
	for _, p := range e.Params {
		names := fieldNames(p.Type.Fields)
		if len(p.Type.Fields) > 0 && names != shownBefore {
			b.fields("Option", p.Type.Fields, func(f Field) bool { return f.Required }, "required")
			shownBefore = names
		}
	}
}

func fieldNames(list []Field) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(f.Name + " ")
	}
	return b.String()
}

func demand(p Field) string {
	if p.Required {
		return "required; " + note(p)
	}
	return note(p)
}

// fields is a table of named fields; those that marked picks get a mark.
func (b *annotations) fields(title string, list []Field, marked func(Field) bool, mark string) {
	if len(list) == 0 {
		return
	}
	b.line("| %s | Type | |\n|---|---|---|", title)
	for _, f := range list {
		text := note(f)
		if marked != nil && marked(f) {
			text = mark + "; " + text
		}
		b.line("| `%s` | %s | %s |", f.Name, cell(shown(f.Type)), cell(text))
	}
	b.line("")
}

// shown is a type for readers.
func shown(t Type) string {
	if t.Kinds == kindFunction {
		return "`" + t.Shape + "`"
	}
	return t.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
