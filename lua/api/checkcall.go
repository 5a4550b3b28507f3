package api

import (
	"strconv"
	"strings"
)

// Written is what the source of a script tells of a value without running it.
// The zero value tells nothing.
type Written struct {
	// Type is "string", "number", "boolean", "nil", "table", "function" or
	// "object"; "" where only running tells.
	Type  string
	Text  string // of strings and numbers, where Known
	Known bool   // the value is constant
	Class string // of objects
	Line  int

	Items   []Written      // of a table's list part
	Fields  []WrittenField // of a table, by constant names
	Partial bool           // the table may have more than that
}

// WrittenField is one named part of a table constructor.
type WrittenField struct {
	Name  string
	Line  int
	Value Written
}

// Complaint is one thing wrong with a call as it is written.
type Complaint struct {
	Line    int
	Word    string // what to look for on that line, "" for nothing
	Message string
	Option  bool // it is about the name of an option
}

// Check compares the arguments of a call of e, from parameter first on, with the
// table. open says that more of them may follow. What cannot be told without
// running is taken to be right.
func (e *Entry) Check(args []Written, first, line int, open bool) []Complaint {
	c := complaints{label: e.Label(), line: line}
	for i := first; i < len(e.Params); i++ {
		p, at := &e.Params[i], i-first
		switch {
		case p.Variadic:
			for ; at < len(args); at++ {
				c.value(p.Name, &p.Type, args[at])
			}
			return c.list
		case at < len(args):
			if args[at].Type == "nil" && !p.Required {
				continue
			}
			c.value(p.Name, &p.Type, args[at])
		case p.Required && !open && !(e.Curried && i == 1 && first == 0):
			c.add(line, "", false, p.Name+" is required ("+p.Type.String()+")")
		}
	}
	if extra := first + len(args) - len(e.Params); extra > 0 && len(e.Params) == 0 && args[0].Type != "nil" {
		c.add(line, "", false, "takes no arguments")
	}
	return c.list
}

// Check compares a value that is assigned to a field of an object with the table.
func (f *Field) Check(class string, w Written) []Complaint {
	c := complaints{label: "a " + class, line: w.Line}
	c.value(f.Name, &f.Type, w)
	return c.list
}

// Visit shows f every value among the arguments whose place in the table is
// known, with the type that it should have.
func (e *Entry) Visit(args []Written, first int, f func(t *Type, w Written)) {
	for i := first; i < len(e.Params) && i-first < len(args); i++ {
		visit(&e.Params[i].Type, args[i-first], f)
	}
}

func visit(t *Type, w Written, f func(*Type, Written)) {
	f(t, w)
	if w.Type != "table" {
		return
	}
	if t.Elem != nil {
		for _, item := range w.Items {
			visit(t.Elem, item, f)
		}
	}
	for _, field := range w.Fields {
		if known := t.field(field.Name); known != nil {
			visit(&known.Type, field.Value, f)
		}
	}
}

// complaints collects what is wrong with one call.
type complaints struct {
	label string
	line  int
	list  []Complaint
}

func (c *complaints) add(line int, word string, option bool, message string) {
	if line == 0 {
		line = c.line
	}
	c.list = append(c.list, Complaint{Line: line, Word: word, Option: option, Message: c.label + ": " + message})
}

// value holds w against t.
func (c *complaints) value(name string, t *Type, w Written) {
	if t.Kinds&kindAny != 0 || w.Type == "" {
		return
	}
	if w.Type == "table" && t.Kinds&kindTable != 0 {
		c.table(name, t, w)
		return
	}
	if complaint := t.complainWritten(name, w); complaint != "" {
		c.add(w.Line, w.Text, false, complaint)
	}
}

func (t *Type) complainWritten(name string, w Written) string {
	got := "a " + w.Type
	ok := true
	switch w.Type {
	case "nil":
		ok, got = t.Kinds&kindNil != 0, "nothing"
	case "boolean":
		ok = t.Kinds&kindBool != 0
	case "function":
		ok = t.Kinds&kindFunction != 0
	case "object":
		ok, got = t.Kinds&kindObject != 0 && strings.Contains(t.Class, w.Class), "a "+w.Class
	case "table":
		ok = false
	case "number":
		if t.Kinds&kindNumber == 0 {
			ok = t.Kinds&kindString != 0
		} else if n, err := strconv.ParseFloat(w.Text, 64); w.Known && err == nil {
			return t.complainNumber(name, n)
		}
	case "string":
		switch {
		case t.Kinds&kindString != 0 && w.Known:
			return t.complainWord(name, w.Text)
		case t.Kinds&kindString != 0:
		case t.Kinds&kindNumber == 0:
			ok = false
		case w.Known:
			_, err := strconv.ParseFloat(strings.TrimSpace(w.Text), 64)
			ok = err == nil
		}
	}
	if ok {
		return ""
	}
	return name + " must be " + t.String() + ", got " + got
}

// table holds a table constructor against t, item by item.
func (c *complaints) table(name string, t *Type, w Written) {
	for i, item := range w.Items {
		switch {
		case t.Elem != nil:
			c.value(name+"["+strconv.Itoa(i+1)+"]", t.Elem, item)
		case t.Values == nil && len(t.Fields) > 0:
			c.add(item.Line, item.Text, false, name+" takes named options, not a list")
			return
		}
	}
	unknown := w.Partial
	for _, f := range w.Fields {
		switch known := t.field(f.Name); {
		case known != nil && f.Value.Type != "nil":
			c.value(f.Name, &known.Type, f.Value)
		case known != nil:
		case t.Values != nil:
			c.value(name+"."+f.Name, t.Values, f.Value)
		case len(t.Fields) > 0:
			unknown = true // perhaps a required one, misspelt
			c.add(f.Line, f.Name, true, "option '"+f.Name+"' unknown"+didYouMean(f.Name, t.fieldNames()))
		case t.Elem != nil:
			c.add(f.Line, f.Name, false, name+" must be a list, got a table with the name '"+f.Name+"'")
		}
	}
	if unknown {
		return
	}
	for _, f := range t.Fields {
		if f.Required && !w.has(f.Name) {
			c.add(w.Line, "", false, f.Name+" is required ("+f.Type.String()+")")
		}
	}
}

func (t *Type) fieldNames() []string {
	list := make([]string, len(t.Fields))
	for i := range t.Fields {
		list[i] = t.Fields[i].Name
	}
	return list
}

// Field finds a named field of the type, nil where it has none of that name.
func (t *Type) Field(name string) *Field { return t.field(name) }

// DidYouMean is the end of a message about an unknown name, "" where none of
// names is near.
func DidYouMean(wrong string, names []string) string { return didYouMean(wrong, names) }

func (w *Written) has(name string) bool {
	for _, f := range w.Fields {
		if f.Name == name && f.Value.Type != "nil" {
			return true
		}
	}
	return false
}
