package api

import (
	"bufio"
	"io"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/host"
)

// Extension is a second table of entries and classes, of another package, which
// stands beside this one in the Lua states of some hosts: what test files can call
// and scripts cannot. It must be completed once, by Complete, before it is used.
type Extension struct {
	Entries []*Entry
	Classes []*Class

	classes map[string]*Class
}

// Complete makes the extension ready for use.
func (x *Extension) Complete() *Extension {
	x.classes = map[string]*Class{}
	for _, c := range x.Classes {
		x.classes[c.Name] = c
	}
	for _, e := range x.Entries {
		e.method = x.classes[e.On] != nil
		if e.Since == "" {
			e.Since = "0.1"
		}
	}
	return x
}

// Lookup finds an entry of the extension or else of the API's own table. x may be
// nil.
func (x *Extension) Lookup(on, name string) (*Entry, bool) {
	if x != nil {
		for _, e := range x.Entries {
			if e.On == on && e.Name == name {
				return e, true
			}
		}
	}
	return Lookup(on, name)
}

// ClassNamed finds a class of the extension or of the API. x may be nil.
func (x *Extension) ClassNamed(name string) *Class {
	if x != nil && x.classes[name] != nil {
		return x.classes[name]
	}
	return ClassNamed(name)
}

// Members lists what exists on a module or class, of either. x may be nil.
func (x *Extension) Members(on string) []string {
	list := Members(on)
	if x != nil {
		list = append(list, x.names(on)...)
	}
	return list
}

// names lists what exists on a module or class.
func (x *Extension) names(on string) []string {
	var list []string
	for _, e := range x.Entries {
		if e.On == on {
			list = append(list, e.Name)
		}
	}
	if c := x.classes[on]; c != nil {
		for _, f := range c.Fields {
			list = append(list, f.Name)
		}
	}
	return list
}

// WriteTypes is the function of that name for the extension.
func (x *Extension) WriteTypes(w io.Writer) error {
	b := &annotations{w: bufio.NewWriter(w), entries: x.Entries, classes: x.classes}
	return b.write()
}

// WriteReference is the function of that name for the extension, without title.
func (x *Extension) WriteReference(w io.Writer) error {
	b := &annotations{w: bufio.NewWriter(w), entries: x.Entries, classes: x.classes}
	b.contents()
	b.section("")
	for _, c := range x.Classes {
		b.line("## The object `%s`\n\n%s\n", c.Name, c.Summary)
		b.fields("Field", c.Fields, func(f Field) bool { return f.Settable }, "can be set")
		b.section(c.Name)
	}
	return b.w.Flush()
}

// Object is what the objects of an extension's classes hold.
type Object interface {
	Class() string
	Title() string // for tostring
	// Get finds a field, as the table declares it.
	Get(L *lua.LState, name string) (lua.LValue, bool)
}

// foreign is an Object among the API's own.
type foreign struct{ Object }

func (f foreign) class() string { return f.Class() }
func (f foreign) title() string { return f.Title() }
func (f foreign) get(L *lua.LState, name string) (lua.LValue, bool) {
	return f.Get(L, name)
}
func (f foreign) set(string, lua.LValue) {}

// Wrap makes the Lua object of o, whose class belongs to the extension.
func (api *API) Wrap(L *lua.LState, o Object) lua.LValue { return api.wrap(L, foreign{o}) }

// Wrap makes the Lua object of o, whose class belongs to the extension.
func (a *Args) Wrap(o Object) lua.LValue { return a.api.Wrap(a.L, o) }

// Self is the object that a method of the extension was called on.
func (a *Args) Self() Object {
	return a.L.Get(1).(*lua.LUserData).Value.(foreign).Object
}

// Site is what the scripts being loaded declare into; nil otherwise.
func (a *Args) Site() *Site { return a.site() }

// Make turns a plain Go value into one of Lua: nil, texts, numbers, durations (in
// seconds), lists and maps of texts, and values of Lua. "" becomes nil.
func (a *Args) Make(v any) lua.LValue { return toLua(a.L, v) }

// Show is a value as a script would write it, cut where it is long.
func Show(v lua.LValue) string {
	var b strings.Builder
	write(&b, v, true)
	return cut(b.String(), longestNote)
}

// Table is the record as hooks see it.
func (r Record) Table(L *lua.LState) lua.LValue { return r.table(L) }

// Test is a test that a test file declares.
type Test struct {
	Name   string
	Ref    host.Ref
	Source string // file:line
}

// ReadTime reads a date and time such as "2026-03-04 18:30" in a time zone.
func ReadTime(s string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// The types that an extension's table is written with.
func TextType() Type                     { return text() }
func NumberType() Type                   { return number() }
func SecondsType() Type                  { return seconds() }
func CountType() Type                    { return count() }
func TruthType() Type                    { return truth() }
func AnyType() Type                      { return anything() }
func WordsType(w ...string) Type         { return words(w...) }
func ListType(t Type) Type               { return listOf(t) }
func MapType(t Type) Type                { return mapOf(t) }
func RecordType(f ...Field) Type         { return record(f...) }
func FunctionType(shape string) Type     { return function(shape) }
func ObjectType(class string) Type       { return object(class) }
func NilType() Type                      { return Type{Kinds: kindNil} }
func AlternativeType(types ...Type) Type { return either(types...) }
