package check

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"github.com/moonwire/moonwire/lua/api"
)

// value is what is known of an expression without running it. The zero value is
// nothing. Where an expression may have several values, only what holds for all
// of them is known: so nothing that is said of a script depends on the way that
// it takes.
type value struct {
	api.Written
	record *api.Type  // a table with just these fields, that a function gave
	words  []string   // what a string can be; nil: anything
	from   *api.Entry // the function that gave record or words

	entry   *api.Entry // a function of the library
	curried bool       // which has its first argument already
	global  string     // a module of the library that needs no require
	module  string     // a module that was required
}

// value finds out what result number nth of e is.
func (f *file) value(e ast.Expr, nth int) value {
	if call, ok := e.(*ast.FuncCallExpr); ok {
		return f.result(call, nth)
	}
	if nth > 0 {
		return value{}
	}
	v := f.single(e)
	if v.Type != "" && v.Line == 0 {
		v.Line = e.Line()
	}
	return v
}

func ofType(t string) value { return value{Written: api.Written{Type: t}} }

func constant(t, text string) value {
	return value{Written: api.Written{Type: t, Text: text, Known: true}}
}

func (f *file) single(e ast.Expr) value {
	switch e := e.(type) {
	case *ast.NilExpr:
		return ofType("nil")
	case *ast.TrueExpr, *ast.FalseExpr, *ast.RelationalOpExpr, *ast.UnaryNotOpExpr:
		return ofType("boolean")
	case *ast.NumberExpr:
		return constant("number", e.Value)
	case *ast.UnaryMinusOpExpr:
		if n := f.value(e.Expr, 0); n.Type == "number" && n.Known && !strings.HasPrefix(n.Text, "-") {
			return constant("number", "-"+n.Text)
		}
	case *ast.StringExpr:
		return constant("string", e.Value)
	case *ast.StringConcatOpExpr:
		return f.joined(operands(e))
	case *ast.FunctionExpr:
		return ofType("function")
	case *ast.TableExpr:
		return f.table(e)
	case *ast.LogicalOpExpr:
		return f.choice(e)
	case *ast.IdentExpr:
		if v := f.names[e]; v != nil {
			return f.variable(v)
		}
		return f.globalName(e.Value)
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			return f.member(f.value(e.Object, 0), key.Value)
		}
	}
	return value{}
}

// longestText is how long a text may become that is put together of others; no
// name is as long.
const longestText = 1024

// joined is the value of a concatenation.
func (f *file) joined(parts []ast.Expr) value {
	var text strings.Builder
	for _, part := range parts {
		v := f.value(part, 0)
		if !v.Known || text.Len()+len(v.Text) > longestText {
			return ofType("string")
		}
		text.WriteString(v.Text)
	}
	return constant("string", text.String())
}

// choice is the value of "a or b" and of "c and a or b"; nothing is said of
// "and" alone, which may be false.
func (f *file) choice(e *ast.LogicalOpExpr) value {
	if e.Operator != "or" {
		return value{}
	}
	first := e.Lhs
	if and, ok := first.(*ast.LogicalOpExpr); ok && and.Operator == "and" {
		first = and.Rhs
	}
	return both(f.value(first, 0), f.value(e.Rhs, 0))
}

// both is what a and b have in common.
func both(a, b value) value {
	switch {
	case a.Type == "nil":
		return loosened(b)
	case b.Type == "nil":
		return loosened(a)
	case a.Type != b.Type, a.Class != b.Class, a.record != b.record, a.entry != b.entry, a.curried != b.curried,
		a.global != b.global, a.module != b.module:
		return value{}
	}
	if a.Known && b.Known && a.Text == b.Text {
		return a
	}
	sum := loosened(a)
	if a.words != nil && b.words != nil {
		sum.words = append(append([]string{}, a.words...), b.words...)
	} else {
		sum.words = nil
	}
	if a.from != b.from && a.record == nil {
		sum.from = nil
	}
	return sum
}

// loosened is v without what may differ from one time to the next.
func loosened(v value) value {
	v.Text, v.Known, v.Items, v.Fields = "", false, nil, nil
	v.Partial = v.Type == "table"
	return v
}

func (f *file) variable(v *variable) value {
	if v.looked || v.busy {
		return v.value // nothing while it is being found: it depends on itself
	}
	v.busy = true
	v.value = f.findVariable(v)
	v.busy, v.looked = false, true
	return v.value
}

func (f *file) findVariable(v *variable) value {
	switch {
	case v.opaque:
		return value{}
	case v.param > 0 && len(v.sources) > 0:
		return value{}
	case v.param > 0:
		if classes := f.classes[v.owner]; v.param <= len(classes) && f.tests.ClassNamed(classes[v.param-1]) != nil {
			return object(classes[v.param-1])
		}
		fallthrough
	case len(v.sources) == 0:
		if v.name == "call" { // by custom
			return object("call")
		}
		return value{}
	}
	sum := f.value(v.sources[0].expr, v.sources[0].nth)
	for _, s := range v.sources[1:] {
		sum = both(sum, f.value(s.expr, s.nth))
	}
	if sum.Type == "nil" {
		return value{}
	}
	sum.Line = 0
	if sum.Type == "table" {
		sum.Partial = true // more may be put into it later
	}
	return sum
}

func object(class string) value {
	return value{Written: api.Written{Type: "object", Class: class}}
}

func (f *file) globalName(name string) value {
	if e, ok := f.tests.Lookup("", name); ok {
		return value{entry: e}
	}
	if c := f.tests.ClassNamed(name); c != nil && c.Global {
		return object(c.Name)
	}
	return value{global: name}
}

// member is v.name.
func (f *file) member(v value, name string) value {
	switch {
	case v.global != "":
		if e, ok := f.tests.Lookup(v.global, name); ok {
			return value{entry: e}
		}
	case v.module != "":
		if e, ok := api.InModule(v.module, name); ok {
			return value{entry: e}
		}
	case v.record != nil:
		if field := v.record.Field(name); field != nil {
			made := ofKind(&field.Type, v.from)
			if name == "status" && made.words != nil {
				for _, s := range v.from.Statuses {
					made.words = append(made.words[:len(made.words):len(made.words)], s.Name)
				}
			}
			return made
		}
	case v.Class != "":
		if field := f.classField(v.Class, name); field != nil {
			return ofKind(&field.Type, nil)
		}
	}
	return value{}
}

func (f *file) classField(class, name string) *api.Field {
	c := f.tests.ClassNamed(class)
	if c == nil {
		return nil
	}
	for i := range c.Fields {
		if c.Fields[i].Name == name {
			return &c.Fields[i]
		}
	}
	return nil
}

// ofKind is a value of type t, given by an entry.
func ofKind(t *api.Type, from *api.Entry) value {
	kind := t.Only()
	v := ofType(kind)
	switch kind {
	case "object":
		return object(t.Class)
	case "string":
		v.words, v.from = t.Words, from
	case "table":
		v.Partial = true
		if t.Elem == nil && t.Values == nil && len(t.Fields) > 0 {
			v.record, v.from = t, from
		}
	}
	return v
}

// result is what a call gives.
func (f *file) result(call *ast.FuncCallExpr, nth int) value {
	if call.AdjustRet && nth > 0 {
		return value{}
	}
	e, curried, required := f.callee(call)
	switch {
	case required != "" && nth == 0:
		return value{module: required}
	case e == nil:
		return value{}
	case e.Curried && !curried && len(call.Args) < 2:
		return value{entry: e, curried: true}
	case nth < len(e.Results):
		return ofKind(&e.Results[nth].Type, e)
	}
	return value{}
}

// callee finds which function of the library is called, nil where it is none,
// or the module that is required.
func (f *file) callee(call *ast.FuncCallExpr) (e *api.Entry, curried bool, required string) {
	if call.Func == nil {
		if receiver := f.value(call.Receiver, 0); receiver.Class != "" {
			e, _ = f.tests.Lookup(receiver.Class, call.Method)
		}
		return e, false, ""
	}
	v := f.value(call.Func, 0)
	if v.global == "require" && len(call.Args) == 1 {
		if name := f.value(call.Args[0], 0); name.Type == "string" && name.Known {
			return nil, false, name.Text
		}
	}
	return v.entry, v.curried, ""
}

// table is a table constructor.
func (f *file) table(e *ast.TableExpr) value {
	v := ofType("table")
	v.Line = e.Line()
	for _, field := range e.Fields {
		written := f.value(field.Value, 0).Written
		if written.Line == 0 {
			written.Line = field.Value.Line()
		}
		switch key := field.Key.(type) {
		case nil:
			v.Items = append(v.Items, written)
			if _, open := field.Value.(*ast.FuncCallExpr); open {
				v.Partial = true
			}
		case *ast.StringExpr:
			v.Fields = append(v.Fields, api.WrittenField{Name: key.Value, Line: key.Line(), Value: written})
		default:
			v.Partial = true
		}
	}
	return v
}

// arguments are those of a call; open says that more may follow.
func (f *file) arguments(call *ast.FuncCallExpr) (list []api.Written, open bool) {
	for i, e := range call.Args {
		v := f.value(e, 0)
		if v.Line == 0 {
			v.Line = e.Line()
		}
		list = append(list, v.Written)
		if i == len(call.Args)-1 {
			switch e := e.(type) {
			case *ast.FuncCallExpr:
				open = !e.AdjustRet
			case *ast.Comma3Expr:
				open = !e.AdjustRet
			}
		}
	}
	return list, open
}
