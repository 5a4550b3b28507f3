package api

import (
	"slices"
	"strings"
)

// Phase is when an entry may be called: scripts first run once to declare what
// a site is made of, and again, in part, for each call.
type Phase uint8

const (
	Both    Phase = iota
	Loading       // declares; does nothing, silently, while a call is served
	Running       // needs something to act on; refuses while scripts are loaded
)

func (p Phase) String() string {
	return [...]string{"loading and running", "loading", "running"}[p]
}

// Entry is one row of the table: a function, or a method of an object.
type Entry struct {
	On       string // "" for a global, a module such as "sip", or a class such as "call"
	Name     string
	Summary  string  // one sentence
	Detail   string  // further contract, for the reference
	Params   []Field // in order; the last may be Variadic
	Results  []Field // in order
	Statuses []Word  // what result.status can be
	Phase    Phase
	Since    string // version that brought it; "" means 0.1
	Example  string // a complete script
	Curried  bool   // sip.phone "1001" { … }: the last parameter comes in a second call
	Func     func(*Args) int

	method bool // of a class of an Extension
}

// Word is one of the fixed words that an entry uses, and what it means.
type Word struct{ Name, Meaning string }

// Label is how messages name the entry: "call:play", "sip.phone", "context".
func (e *Entry) Label() string {
	switch {
	case e.On == "":
		return e.Name
	case e.IsMethod():
		return e.On + ":" + e.Name
	}
	return e.On + "." + e.Name
}

// IsMethod reports whether the entry belongs to an object rather than a module.
func (e *Entry) IsMethod() bool { return e.method || classes[e.On] != nil }

// Syntax is one line that shows how the entry is written.
func (e *Entry) Syntax() string {
	if e.Curried {
		return e.Label() + ` "` + e.Params[0].Name + `" { ` + e.Params[1].Name + ` }`
	}
	var b strings.Builder
	b.WriteString(e.Label())
	b.WriteByte('(')
	closing := ""
	for i, p := range e.Params {
		if !p.Required && !p.Variadic {
			b.WriteByte('[')
			closing += "]"
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Name)
		if p.Variadic {
			b.WriteString("…")
		}
	}
	b.WriteString(closing + ")")
	for i, r := range e.Results {
		if i == 0 {
			b.WriteString(" → ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(r.Name)
	}
	return b.String()
}

// Class describes an object: its fields, and through the table its methods.
type Class struct {
	Name    string
	Summary string
	Fields  []Field
	Global  bool // there is one object of it, a global of the same name
}

// Field is a parameter, an option, a result, or a field of an object.
type Field struct {
	Name     string
	Type     Type
	Unit     string // "s", "dB", "bytes", "Hz"
	Default  any    // string, float64, bool; nil where there is none
	Required bool
	Variadic bool // the last parameter takes any number of values
	Settable bool // a field of an object that scripts may assign
	Summary  string
}

// Kind is a set of Lua types.
type Kind uint16

const (
	kindNil Kind = 1 << iota
	kindBool
	kindNumber
	kindString
	kindFunction
	kindTable
	kindObject
	kindAny
)

// Type says what a value may be. Its Kinds are alternatives; what else it says
// applies to the alternative concerned.
type Type struct {
	Kinds  Kind
	Words  []string // the strings that are allowed; none means all
	Whole  bool     // numbers without fraction
	Above  bool     // numbers of zero or more
	Elem   *Type    // of a table's list part
	Values *Type    // of a table used as a map
	Fields []Field  // named fields of a table
	Class  string   // of an object
	Shape  string   // of a function, in the notation of LuaLS: "fun(call: call)"
	Names  Named    // what a string names, for those who look it up
	Apart  []string // strings that name nothing but stand for themselves
}

// Named is a kind of thing that a string can name.
type Named uint8

const (
	NamesNothing    Named = iota
	NamesPrompt           // a prompt, unless it has an extension
	NamesTarget           // whom to dial: "sip/1001"
	NamesContext          // a context
	NamesAnyContext       // a context, which need not exist
	NamesExtension        // a number, dialled in the context that is named beside it
	NamesLanguage         // a language of prompts
)

func text() Type                 { return Type{Kinds: kindString} }
func naming(n Named) Type        { return Type{Kinds: kindString, Names: n} }
func number() Type               { return Type{Kinds: kindNumber} }
func seconds() Type              { return Type{Kinds: kindNumber, Above: true} }
func count() Type                { return Type{Kinds: kindNumber, Whole: true, Above: true} }
func whole() Type                { return Type{Kinds: kindNumber, Whole: true} }
func truth() Type                { return Type{Kinds: kindBool} }
func anything() Type             { return Type{Kinds: kindAny} }
func words(w ...string) Type     { return Type{Kinds: kindString, Words: w} }
func listOf(t Type) Type         { return Type{Kinds: kindTable, Elem: &t} }
func mapOf(t Type) Type          { return Type{Kinds: kindTable, Values: &t} }
func record(f ...Field) Type     { return Type{Kinds: kindTable, Fields: f} }
func function(shape string) Type { return Type{Kinds: kindFunction, Shape: shape} }
func object(class string) Type   { return Type{Kinds: kindObject, Class: class} }
func oneOrMore(t Type) Type      { return either(t, listOf(t)) }
func listAnd(t Type, f ...Field) Type {
	return Type{Kinds: kindTable, Elem: &t, Fields: f}
}

// either is a type with the alternatives of all of ts.
func either(ts ...Type) Type {
	sum := ts[0]
	for _, t := range ts[1:] {
		sum.Kinds |= t.Kinds
		sum.Words = append(slices.Clip(sum.Words), t.Words...)
		sum.Fields = append(slices.Clip(sum.Fields), t.Fields...)
		sum.Whole = sum.Whole || t.Whole
		sum.Above = sum.Above || t.Above
		if t.Elem != nil {
			sum.Elem = t.Elem
		}
		if t.Values != nil {
			sum.Values = t.Values
		}
		sum.Names = max(sum.Names, t.Names)
		sum.Apart = append(slices.Clip(sum.Apart), t.Apart...)
		sum.Class += t.Class
		sum.Shape += t.Shape
	}
	return sum
}

// Only is the one Lua type, other than nil, that a value of type t has: "string",
// "number", "boolean", "function", "table" or "object"; "" where there are several.
func (t Type) Only() string {
	switch t.Kinds &^ kindNil {
	case kindString:
		return "string"
	case kindNumber:
		return "number"
	case kindBool:
		return "boolean"
	case kindFunction:
		return "function"
	case kindTable:
		return "table"
	case kindObject:
		return "object"
	}
	return ""
}

// String is the type in the words of a message: "a string or a list".
func (t Type) String() string {
	if t.Kinds&kindAny != 0 {
		return "any value"
	}
	var parts []string
	add := func(k Kind, word string) {
		if t.Kinds&k != 0 {
			parts = append(parts, word)
		}
	}
	if len(t.Words) > 0 && t.Kinds&kindString != 0 {
		parts = append(parts, `"`+strings.Join(t.Words, `", "`)+`"`)
	} else {
		add(kindString, "a string")
	}
	if t.Whole {
		add(kindNumber, "a whole number")
	} else {
		add(kindNumber, "a number")
	}
	add(kindBool, "true or false")
	add(kindFunction, "a function")
	switch {
	case t.Kinds&kindTable == 0:
	case len(t.Fields) > 0 && t.Elem != nil:
		parts = append(parts, "a list, which may hold options")
	case len(t.Fields) > 0:
		parts = append(parts, "a table of options")
	case t.Elem != nil:
		parts = append(parts, "a list")
	default:
		parts = append(parts, "a table")
	}
	add(kindObject, "a "+t.Class)
	add(kindNil, "nil")
	return strings.Join(parts, " or ")
}

// field finds a named field of the type.
func (t Type) field(name string) *Field {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return &t.Fields[i]
		}
	}
	return nil
}

// Table returns every entry, in the order of the reference.
func Table() []*Entry { return table }

// Lookup finds an entry; on is as in Entry.On.
func Lookup(on, name string) (*Entry, bool) {
	e, ok := byLabel[on+"\x00"+name]
	return e, ok
}

// ClassNamed finds the description of an object's class, nil where there is none.
func ClassNamed(name string) *Class { return classes[name] }

// Members lists what exists on a module or class: functions and fields.
func Members(on string) []string { return names(on) }

// names lists what exists on a module or class: functions and fields.
func names(on string) []string {
	var list []string
	for _, e := range table {
		if e.On == on {
			list = append(list, e.Name)
		}
	}
	if c := classes[on]; c != nil {
		for _, f := range c.Fields {
			list = append(list, f.Name)
		}
	}
	return list
}
