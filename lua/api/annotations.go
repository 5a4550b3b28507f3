package api

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
)

// WriteTypes writes the annotations of LuaLS, the language server that editors
// use, for everything in the table: completion, help and type errors.
func WriteTypes(w io.Writer) error {
	b := &annotations{w: bufio.NewWriter(w), entries: table, classes: classes, modules: modules}
	return b.write()
}

func (b *annotations) write() error {
	b.line("---@meta")
	b.line("-- The Lua API of moonwire, for editors. Written by `moonwire types`; changes are lost.")
	b.line("-- luacheck: ignore")
	b.objects()
	for _, e := range b.entries {
		b.entry(e)
	}
	return b.w.Flush()
}

type annotations struct {
	w       *bufio.Writer
	entries []*Entry
	classes map[string]*Class
	modules []Word
}

func (b *annotations) line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	_, _ = b.w.WriteString(format + "\n") // Flush tells of errors
}

// objects declares the objects and modules.
func (b *annotations) objects() {
	var list []string
	for name := range b.classes {
		list = append(list, name)
	}
	sort.Strings(list)
	for _, name := range list {
		c := b.classes[name]
		b.line("\n---%s", c.Summary)
		b.line("---@class %s", name)
		for _, f := range c.Fields {
			b.line("---@field %s %s %s", f.Name, annotate(f.Type, name+"."+f.Name), note(f))
		}
		if name == "headers" {
			b.line("---@field [string] string?")
		}
		b.line("local %s = {}", luaName(name))
		if c.Global {
			b.line("---@type %s\n%s = %s", name, name, luaName(name))
		}
	}
	for _, m := range b.modules {
		b.line("\n---%s", capitalised(m.Meaning))
		b.line("---@class %slib", m.Name)
		b.line("%s = {}", m.Name)
	}
}

// luaName is what the table of a class is called in the annotations; "context"
// is a global function too.
func luaName(class string) string { return class + "_methods" }

func (b *annotations) entry(e *Entry) {
	for _, p := range append(append([]Field{}, e.Params...), e.Results...) {
		b.record(e, p)
	}
	b.line("\n---%s", e.Summary)
	if e.Detail != "" {
		b.line("---\n---%s", e.Detail)
	}
	if e.Phase == Loading {
		b.line("---\n---Only while scripts are loaded.")
	}
	b.line("---\n---```lua\n---%s\n---```", strings.ReplaceAll(e.Example, "\n", "\n---"))
	if e.Curried {
		b.curried(e)
		return
	}
	var params []string
	for _, p := range e.Params {
		name, mark := p.Name, ""
		if p.Variadic {
			name = "..."
		} else if !p.Required {
			mark = "?"
		}
		params = append(params, name)
		b.line("---@param %s%s %s %s", name, mark, annotate(p.Type, recordName(e, p)), note(p))
	}
	for i, r := range e.Results {
		mark := ""
		if i > 0 {
			mark = "?"
		}
		b.line("---@return %s%s %s %s", parenthesised(annotate(r.Type, recordName(e, r))), mark, r.Name, note(r))
	}
	name := e.Label()
	if e.IsMethod() {
		name = luaName(e.On) + ":" + e.Name
	}
	b.line("function %s(%s) end", name, strings.Join(params, ", "))
}

// curried declares sip.phone "name" { … }.
func (b *annotations) curried(e *Entry) {
	settings := annotate(e.Params[1].Type, recordName(e, e.Params[1]))
	b.line("---@param %s string %s", e.Params[0].Name, note(e.Params[0]))
	b.line("---@param %s? %s %s", e.Params[1].Name, settings, note(e.Params[1]))
	b.line("---@return fun(%s: %s)", e.Params[1].Name, settings)
	b.line("function %s(%s, %s) end", e.Label(), e.Params[0].Name, e.Params[1].Name)
}

// record declares the classes of a table of options or of a result.
func (b *annotations) record(e *Entry, p Field) {
	result := false
	for i := range e.Results {
		result = result || e.Results[i].Name == p.Name
	}
	b.class(recordName(e, p), p.Type, result)
}

// class declares the class of a table with named fields, those of the tables in
// it first.
func (b *annotations) class(name string, t Type, result bool) {
	if t.Elem != nil {
		b.class(name+".item", *t.Elem, result)
	}
	for _, f := range t.Fields {
		b.class(name+"."+f.Name, f.Type, result)
	}
	if len(t.Fields) == 0 {
		return
	}
	b.line("\n---@class %s", name)
	if t.Elem != nil {
		b.line("---@field [integer] %s", annotate(*t.Elem, name+".item"))
	}
	if t.Values != nil {
		b.line("---@field [string] %s", annotate(*t.Values, name+".value"))
	}
	for _, f := range t.Fields {
		mark := "?"
		if f.Required || result && f.Name == "status" {
			mark = ""
		}
		b.line("---@field %s%s %s %s", f.Name, mark, annotate(f.Type, name+"."+f.Name), note(f))
	}
}

func recordName(e *Entry, p Field) string {
	return strings.ReplaceAll(e.Label(), ":", ".") + "." + p.Name
}

// annotate is a type in the notation of LuaLS; name is that of its record.
func annotate(t Type, name string) string {
	if t.Kinds&kindAny != 0 {
		return "any"
	}
	var parts []string
	if t.Kinds&kindString != 0 {
		if len(t.Words) > 0 {
			for _, w := range t.Words {
				parts = append(parts, strconv.Quote(w))
			}
		} else {
			parts = append(parts, "string")
		}
	}
	if t.Kinds&kindNumber != 0 {
		if t.Whole {
			parts = append(parts, "integer")
		} else {
			parts = append(parts, "number")
		}
	}
	if t.Kinds&kindBool != 0 {
		parts = append(parts, "boolean")
	}
	if t.Kinds&kindFunction != 0 {
		shape := t.Shape
		if t.Kinds != kindFunction && strings.Contains(shape, "):") {
			shape = "(" + shape + ")" // or what follows would be another of its results
		}
		parts = append(parts, shape)
	}
	if t.Kinds&kindTable != 0 {
		parts = append(parts, annotateTable(t, name))
	}
	if t.Kinds&kindObject != 0 {
		parts = append(parts, t.Class)
	}
	if t.Kinds&kindNil != 0 {
		parts = append(parts, "nil")
	}
	return strings.Join(parts, "|")
}

func annotateTable(t Type, name string) string {
	switch {
	case len(t.Fields) > 0:
		return name
	case t.Elem != nil:
		return parenthesised(annotate(*t.Elem, name+".item")) + "[]"
	case t.Values != nil:
		return "table<string, " + annotate(*t.Values, name+".value") + ">"
	}
	return "table"
}

func parenthesised(s string) string {
	if strings.Contains(s, "|") || strings.HasPrefix(s, "fun(") {
		return "(" + s + ")"
	}
	return s
}

// note is a field's summary with its unit and default.
func note(f Field) string {
	var facts []string
	if f.Unit != "" {
		facts = append(facts, "in "+f.Unit)
	}
	if d := defaultText(f.Default); d != "" {
		facts = append(facts, "default "+d)
	}
	s := strings.ReplaceAll(f.Summary, "\n", " ")
	if len(facts) > 0 {
		s += " (" + strings.Join(facts, ", ") + ")"
	}
	return s
}

func defaultText(d any) string {
	switch d := d.(type) {
	case nil:
		return ""
	case string:
		return strconv.Quote(d)
	}
	return fmt.Sprint(d)
}

func capitalised(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
