package api

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The annotations are read back here as an editor would read them, and held
// against the table: the notation, the optional marks, and every word. (The Lua
// language server itself is in no package of Debian or npm.)

// annotated is what the annotations declare.
type annotated struct {
	functions map[string]*annotatedFunction
	classes   map[string]map[string]annotatedField
}

type annotatedFunction struct {
	parameters []string // in the brackets of the declaration
	params     []annotatedField
	returns    []annotatedField
	text       string
}

type annotatedField struct {
	name     string
	optional bool
	kind     string // the type as it is written
	rest     string
}

func readAnnotations(t *testing.T) *annotated {
	t.Helper()
	text, err := os.ReadFile("../types/moonwire.lua")
	if err != nil {
		t.Fatal(err)
	}
	a := &annotated{functions: map[string]*annotatedFunction{}, classes: map[string]map[string]annotatedField{}}
	declaration := regexp.MustCompile(`^function ([\w.:]+)\((.*)\) end$`)
	var class map[string]annotatedField
	next := &annotatedFunction{}
	for _, line := range strings.Split(string(text), "\n") {
		switch tag, rest, _ := strings.Cut(strings.TrimPrefix(line, "---"), " "); {
		case !strings.HasPrefix(line, "---"):
			if m := declaration.FindStringSubmatch(line); m != nil {
				if m[2] != "" {
					next.parameters = strings.Split(m[2], ", ")
				}
				a.functions[m[1]] = next
			}
			next, class = &annotatedFunction{}, nil
		case tag == "@class":
			class = map[string]annotatedField{}
			if a.classes[rest] != nil {
				t.Errorf("class %s is declared twice", rest)
			}
			a.classes[rest] = class
		case tag == "@field":
			f := readField(rest)
			class[f.name] = f
		case tag == "@param":
			next.params = append(next.params, readField(rest))
		case tag == "@return":
			kind, rest := cutType(rest)
			name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			next.returns = append(next.returns, annotatedField{name: name, kind: kind, optional: strings.HasSuffix(kind, "?")})
		default:
			next.text += strings.TrimPrefix(line, "---") + "\n"
		}
	}
	return a
}

func readField(text string) annotatedField {
	name, rest, _ := strings.Cut(text, " ")
	if strings.HasPrefix(name, "[") {
		name = strings.Trim(name, "[]")
	}
	f := annotatedField{optional: strings.HasSuffix(name, "?")}
	f.name = strings.TrimSuffix(name, "?")
	f.kind, f.rest = cutType(rest)
	return f
}

// cutType takes the type at the beginning of a text, which ends with the first
// space that is in no brackets or quotes and follows no comma or colon.
func cutType(text string) (kind, rest string) {
	depth, quoted := 0, false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("(<[{", c):
			depth++
		case strings.ContainsRune(")>]}", c):
			depth--
		case c == ' ' && depth == 0 && text[i-1] != ':' && text[i-1] != ',':
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// alternatives divides a type at the bars that are in no brackets or quotes.
func alternatives(kind string) []string {
	kind = strings.TrimSuffix(kind, "?")
	if strings.HasPrefix(kind, "(") && strings.HasSuffix(kind, ")") {
		kind = kind[1 : len(kind)-1]
	}
	var list []string
	depth, quoted, from := 0, false, 0
	for i, c := range kind {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("(<[{", c):
			depth++
		case strings.ContainsRune(")>]}", c):
			depth--
		case c == '|' && depth == 0:
			list = append(list, kind[from:i])
			from = i + 1
		}
	}
	return append(list, kind[from:])
}

// TestAnnotationsSayWhatTheTableSays goes through every function, parameter,
// option, result and field.
func TestAnnotationsSayWhatTheTableSays(t *testing.T) {
	a := readAnnotations(t)
	c := &annotationChecker{t: t, annotated: a, used: map[string]bool{}}
	for _, e := range Table() {
		c.entry(e)
	}
	for name, class := range classes {
		c.used[name] = true
		for _, f := range class.Fields {
			written, ok := a.classes[name][f.Name]
			if !ok || written.optional {
				t.Errorf("class %s: field %s is %+v", name, f.Name, written)
			}
			c.kind(name+"."+f.Name, f.Type, written.kind)
		}
	}
	for _, m := range modules {
		c.used[m.Name+"lib"] = true
	}
	for name := range a.classes {
		if !c.used[name] {
			t.Errorf("class %s is of nothing in the table", name)
		}
	}
	if len(a.functions) != len(Table()) {
		t.Errorf("%d functions are annotated, the table has %d", len(a.functions), len(Table()))
	}
}

type annotationChecker struct {
	*annotated
	t    *testing.T
	used map[string]bool // classes that something in the table has
}

func (c *annotationChecker) entry(e *Entry) {
	name := e.Label()
	if e.IsMethod() {
		name = luaName(e.On) + ":" + e.Name
	}
	f := c.functions[name]
	if f == nil {
		c.t.Errorf("%s is not annotated", e.Label())
		return
	}
	if !strings.HasPrefix(f.text, e.Summary+"\n") || !strings.Contains(f.text, e.Example) {
		c.t.Errorf("%s: the help lacks the summary or the example", e.Label())
	}
	if len(f.params) != len(e.Params) || len(f.parameters) != len(e.Params) {
		c.t.Errorf("%s has %d parameters, %d are annotated and %d declared", e.Label(), len(e.Params), len(f.params), len(f.parameters))
		return
	}
	for i, p := range e.Params {
		written, wanted := f.params[i], p.Name
		if p.Variadic {
			wanted = "..."
		}
		optional := !p.Required && !p.Variadic || e.Curried && i == 1
		if written.name != wanted || f.parameters[i] != wanted || written.optional != optional {
			c.t.Errorf("%s: parameter %s is annotated as %+v and declared as %s", e.Label(), p.Name, written, f.parameters[i])
		}
		c.kind(e.Label()+"."+p.Name, p.Type, written.kind)
		if !strings.Contains(written.rest, p.Summary) {
			c.t.Errorf("%s: the help of %s is %q", e.Label(), p.Name, written.rest)
		}
	}
	c.results(e, f)
}

func (c *annotationChecker) results(e *Entry, f *annotatedFunction) {
	if e.Curried {
		settings := f.params[1].kind
		if len(f.returns) != 1 || f.returns[0].kind != "fun("+e.Params[1].Name+": "+settings+")" {
			c.t.Errorf("%s: the second call is not annotated: %+v", e.Label(), f.returns)
		}
		return
	}
	if len(f.returns) != len(e.Results) {
		c.t.Errorf("%s has %d results, %d are annotated", e.Label(), len(e.Results), len(f.returns))
		return
	}
	for i, r := range e.Results {
		if f.returns[i].name != r.Name || i > 0 && !f.returns[i].optional {
			c.t.Errorf("%s: result %s is annotated as %+v", e.Label(), r.Name, f.returns[i])
		}
		c.kind(e.Label()+"."+r.Name, r.Type, f.returns[i].kind)
	}
}

// kind holds a type as it is written against one of the table.
func (c *annotationChecker) kind(where string, t Type, written string) {
	var kinds Kind
	var words []string
	for _, one := range alternatives(written) {
		if strings.HasPrefix(one, "(fun(") && strings.HasSuffix(one, ")") {
			one = one[1 : len(one)-1]
		}
		switch {
		case one == "any":
			kinds |= kindAny
		case one == "nil":
			kinds |= kindNil
		case one == "string":
			kinds |= kindString
		case strings.HasPrefix(one, `"`):
			kinds |= kindString
			words = append(words, strings.Trim(one, `"`))
		case one == "number" && !t.Whole, one == "integer" && t.Whole:
			kinds |= kindNumber
		case one == "boolean":
			kinds |= kindBool
		case strings.HasPrefix(one, "fun("):
			kinds |= kindFunction
			if one != t.Shape {
				c.t.Errorf("%s: the function is %s, want %s", where, one, t.Shape)
			}
		case classes[one] != nil:
			kinds |= kindObject
			if one != t.Class {
				c.t.Errorf("%s is a %s, want a %s", where, one, t.Class)
			}
		default:
			kinds |= kindTable
			c.table(where, t, one)
		}
	}
	if t.Kinds&kindAny != 0 {
		t.Kinds, t.Words = kindAny, nil
	}
	if kinds != t.Kinds || len(t.Words) > 0 && !slices.Equal(words, t.Words) {
		c.t.Errorf("%s is annotated as %s, want %s", where, written, t)
	}
}

func (c *annotationChecker) table(where string, t Type, written string) {
	if fields := c.classes[written]; fields != nil {
		c.used[written] = true
		extra := 0
		if t.Elem != nil {
			extra++
			c.kind(where+"[]", *t.Elem, fields["integer"].kind)
		}
		if t.Values != nil {
			extra++
			c.kind(where+"[…]", *t.Values, fields["string"].kind)
		}
		if len(fields) != len(t.Fields)+extra {
			c.t.Errorf("%s has %d fields, class %s %d", where, len(t.Fields), written, len(fields)-extra)
		}
		for _, f := range t.Fields {
			field, ok := fields[f.Name]
			if !ok || field.optional == f.Required && (f.Name != "status" || f.Required) {
				c.t.Errorf("%s: field %s is %+v", where, f.Name, field)
			}
			c.kind(where+"."+f.Name, f.Type, field.kind)
			if !strings.Contains(field.rest, strings.ReplaceAll(f.Summary, "\n", " ")) {
				c.t.Errorf("%s: the help of %s is %q", where, f.Name, field.rest)
			}
		}
		return
	}
	switch element, isList := strings.CutSuffix(written, "[]"); {
	case len(t.Fields) > 0:
		c.t.Errorf("%s has fields but no class: %s", where, written)
	case isList && t.Elem != nil:
		c.kind(where+"[]", *t.Elem, element)
	case t.Values != nil && strings.HasPrefix(written, "table<string, "):
		c.kind(where+"[…]", *t.Values, strings.TrimSuffix(strings.TrimPrefix(written, "table<string, "), ">"))
	case written != "table" || t.Elem != nil || t.Values != nil:
		c.t.Errorf("%s is annotated as %s, want %s", where, written, t)
	}
}
