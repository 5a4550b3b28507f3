package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"github.com/moonwire/moonwire/lua/api"
)

// written holds what a file says against the table of the library.
func (l *list) written(f *file) {
	f.hand()
	for _, b := range f.bodies {
		l.anyContext = l.anyContext || slices.ContainsFunc(b.words, func(w string) bool {
			return strings.HasPrefix(w, "local/") && (w == "local/" || strings.HasSuffix(w, "@")) // of a target put together
		})
	}
	for _, call := range f.calls {
		l.call(f, call)
	}
	for _, read := range f.reads {
		l.member(f, read)
	}
	for _, write := range f.writes {
		l.assignment(f, write)
	}
	for _, compare := range f.compares {
		l.compare(f, compare)
	}
}

// hand notes what the library hands to functions that are written as arguments:
// fun(call: call) gets a call, whatever its parameter is named.
func (f *file) hand() {
	for _, call := range f.calls {
		e, curried, _ := f.callee(call)
		if e == nil || curried {
			continue
		}
		for i, argument := range call.Args {
			if i < len(e.Params) {
				f.handTo(argument, &e.Params[i].Type)
			}
		}
	}
}

func (f *file) handTo(e ast.Expr, t *api.Type) {
	switch e := e.(type) {
	case *ast.FunctionExpr:
		if t.Shape != "" {
			f.classes[e] = shapeClasses(t.Shape)
		}
	case *ast.TableExpr:
		for _, field := range e.Fields {
			if field.Key == nil && t.Elem != nil {
				f.handTo(field.Value, t.Elem)
			}
			if key, ok := field.Key.(*ast.StringExpr); ok {
				if known := t.Field(key.Value); known != nil {
					f.handTo(field.Value, &known.Type)
				}
			}
		}
	}
}

// shapeClasses are the types of the parameters in "fun(peer: call, key: string): any".
func shapeClasses(shape string) []string {
	_, inside, _ := strings.Cut(shape, "(")
	inside, _, _ = strings.Cut(inside, ")")
	var list []string
	for _, parameter := range strings.Split(inside, ",") {
		_, class, _ := strings.Cut(parameter, ":")
		list = append(list, strings.TrimSpace(class))
	}
	return list
}

// call holds one call against the table.
func (l *list) call(f *file, call *ast.FuncCallExpr) {
	if call.Func == nil {
		l.method(f, call)
	}
	e, curried, required := f.callee(call)
	if required != "" {
		l.required(f, call, required)
	} else if call.Func != nil && f.value(call.Func, 0).global == "require" {
		l.anyModule = true
	}
	if e == nil {
		return
	}
	arguments, open := f.arguments(call)
	first := 0
	if curried {
		first = 1
	}
	for _, c := range e.Check(arguments, first, call.Line(), open) {
		rule := ruleArgument
		if c.Option {
			rule = ruleOption
		}
		l.at(f, c.Line, c.Word, rule, "%s", c.Message)
	}
	l.named(f, e, arguments, first)
}

// method looks for a method that the receiver does not have.
func (l *list) method(f *file, call *ast.FuncCallExpr) {
	receiver := f.value(call.Receiver, 0)
	switch {
	case receiver.Class != "" && receiver.Class != "headers":
		if _, ok := f.tests.Lookup(receiver.Class, call.Method); !ok {
			l.at(f, call.Line(), call.Method, ruleName, "a %s has no '%s'%s",
				receiver.Class, call.Method, api.DidYouMean(call.Method, f.tests.Members(receiver.Class)))
		}
	case receiver.record != nil:
		l.at(f, call.Line(), call.Method, ruleName, "what %s gives is a plain table and has no methods", receiver.from.Label())
	}
}

// member looks for a field that an object or a result does not have.
func (l *list) member(f *file, read *ast.AttrGetExpr) {
	key, ok := read.Key.(*ast.StringExpr)
	if !ok {
		return
	}
	object := f.value(read.Object, 0)
	name := key.Value
	switch {
	case object.Class != "" && object.Class != "headers":
		if _, ok := f.tests.Lookup(object.Class, name); !ok && f.classField(object.Class, name) == nil {
			l.at(f, key.Line(), name, ruleName, "a %s has no '%s'%s", object.Class, name, api.DidYouMean(name, f.tests.Members(object.Class)))
		}
	case object.record != nil:
		if object.record.Field(name) == nil && !f.given(read.Object, name) {
			l.at(f, key.Line(), name, ruleName, "what %s gives has no '%s'%s",
				object.from.Label(), name, api.DidYouMean(name, fieldNames(object.record)))
		}
	case object.module != "":
		if members := l.host.Members(object.module); members != nil && l.look.Modules[object.module] == "" && !slices.Contains(members, name) {
			l.at(f, key.Line(), name, ruleName, "module %q has no '%s'%s", object.module, name, api.DidYouMean(name, members))
		}
	}
}

// given reports whether the script itself puts a field into the table that a
// variable holds.
func (f *file) given(e ast.Expr, field string) bool {
	name, ok := e.(*ast.IdentExpr)
	return ok && f.names[name] != nil && f.names[name].fields[field]
}

func fieldNames(t *api.Type) []string {
	var list []string
	for _, f := range t.Fields {
		list = append(list, f.Name)
	}
	return list
}

// assignment looks for fields of objects that cannot be set, or not to that.
func (l *list) assignment(f *file, w write) {
	key, ok := w.target.Key.(*ast.StringExpr)
	class := f.value(w.target.Object, 0).Class
	if !ok || class == "" {
		return
	}
	name := key.Value
	field := f.classField(class, name)
	switch {
	case field == nil:
		l.at(f, key.Line(), name, ruleReadOnly, "a %s has no field '%s' to set%s; values of your own belong into call.vars",
			class, name, api.DidYouMean(name, f.tests.Members(class)))
		return
	case !field.Settable:
		l.at(f, key.Line(), name, ruleReadOnly, "'%s' of a %s cannot be set", name, class)
		return
	case w.from.expr == nil:
		return
	}
	value := f.value(w.from.expr, w.from.nth)
	if field.Type.Names == api.NamesLanguage && value.Known {
		l.languages[value.Text] = true
	}
	if value.Line == 0 {
		value.Line = key.Line()
	}
	for _, c := range field.Check(class, value.Written) {
		l.at(f, c.Line, c.Word, ruleArgument, "%s", c.Message)
	}
}

// compare looks for comparisons with a word that the other side never is.
func (l *list) compare(f *file, e *ast.RelationalOpExpr) {
	if e.Operator != "==" && e.Operator != "~=" {
		return
	}
	a, b := f.value(e.Lhs, 0), f.value(e.Rhs, 0)
	if a.Known {
		a, b = b, a
	}
	if a.words == nil || !b.Known || b.Type != "string" || slices.Contains(a.words, b.Text) {
		return
	}
	outcome, whose := "false", "this is never"
	if e.Operator == "~=" {
		outcome = "true"
	}
	if a.from != nil {
		whose = a.from.Label() + " never gives"
	}
	instead := api.DidYouMean(b.Text, a.words)
	if instead == "" {
		instead = "; it can be " + quotedList(a.words)
	}
	l.at(f, b.Line, b.Text, ruleNeverEqual, "%s %q, so the comparison is always %s%s", whose, b.Text, outcome, instead)
}

// quotedList is a list of words for a message, each once.
func quotedList(words []string) string {
	var list []string
	for _, w := range words {
		if q := fmt.Sprintf("%q", w); !slices.Contains(list, q) {
			list = append(list, q)
		}
	}
	return strings.Join(list, ", ")
}

// required notes a module that is required.
func (l *list) required(f *file, call *ast.FuncCallExpr, module string) {
	if at, ok := l.look.Modules[module]; ok {
		if module == "asterisk" {
			l.anyContext = true // applications name contexts in their own ways
		}
		f.modules = append(f.modules, at)
		return
	}
	l.missing = append(l.missing, name{file: f, text: module, line: call.Line()})
}

// module tells of a module that does not exist.
func (l *list) module(n name) {
	l.at(n.file, n.line, n.text, ruleModule, "there is no module %q: neither scripts/%s.lua nor a plugin or library module of that name%s",
		n.text, strings.ReplaceAll(n.text, ".", "/"), api.DidYouMean(n.text, sortedKeys(l.look.Modules)))
}
