package check

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"github.com/moonwire/moonwire/lua/api"
)

// A function that serves an extension is looked at as it is after loading: the
// tree says what it does, and the closure that loading made says what the names
// in it stand for. So it makes no difference how it came about, be it by a
// module, a menu, or a function that makes functions.

// Marks in the text of a target, for what only a call tells.
const (
	anything  = "\x00"
	extension = "\x01" // the number that was dialled
)

const (
	mostChoices = 16    // that one expression is taken to have
	mostSteps   = 10000 // to find the choices in one function
)

// deeds are what one function may do itself.
type deeds struct {
	dials  []dial
	enters []entering
	next   []*lua.LFunction // that it may call, or hand on to be called
}

type dial struct {
	target string // with marks
	place  string
}

type entering struct{ extension, context string } // with marks

// closure is a function that loading made, and how it is written.
type closure struct {
	fn    *lua.LFunction
	file  *file
	exprs []*ast.FunctionExpr // several, where functions share their lines
	steps int                 // that choices has made
}

// closure finds where fn is written; ok is false for functions that are not Lua.
func (l *list) closure(fn *lua.LFunction) (c closure, ok bool) {
	if fn == nil || fn.IsG || fn.Proto == nil {
		return c, false
	}
	f := l.file(fn.Proto.SourceName)
	if f == nil {
		return c, false
	}
	exprs := f.written(fn.Proto)
	return closure{fn: fn, file: f, exprs: exprs}, len(exprs) > 0
}

// written finds the function that was compiled to a prototype, by its lines; of
// those that share their lines, the one whose words are among its constants.
func (f *file) written(proto *lua.FunctionProto) []*ast.FunctionExpr {
	candidates := f.spans[span{proto.LineDefined, proto.LastLineDefined}]
	if len(candidates) < 2 {
		return candidates
	}
	constants := map[string]bool{}
	for _, c := range proto.Constants {
		if text, ok := c.(lua.LString); ok {
			constants[string(text)] = true
		}
	}
	var best []*ast.FunctionExpr
	most := 0
	for _, e := range candidates {
		words := f.bodies[e].words
		if slices.ContainsFunc(words, func(w string) bool { return !constants[w] }) {
			continue
		}
		if len(words) > most {
			best, most = nil, len(words)
		}
		if len(words) == most {
			best = append(best, e)
		}
	}
	return best
}

// deeds looks at fn, once.
func (l *list) deeds(fn *lua.LFunction) *deeds {
	if d := l.done[fn]; d != nil {
		return d
	}
	d := &deeds{}
	l.done[fn] = d
	c, ok := l.closure(fn)
	if !ok {
		return d
	}
	for _, e := range c.exprs {
		c.body(d, e)
	}
	return d
}

// body adds what a function and those inside of it do.
func (c *closure) body(d *deeds, fn *ast.FunctionExpr) {
	own := c.file.bodies[fn]
	for _, call := range own.calls {
		c.call(d, call)
	}
	for _, u := range own.uses {
		c.follow(d, u)
	}
	for _, inner := range own.inner {
		c.body(d, inner)
	}
}

// call adds what a call of the library does.
func (c *closure) call(d *deeds, call *ast.FuncCallExpr) {
	e, _, _ := c.file.callee(call)
	if e == nil {
		return
	}
	for i := range e.Params {
		if i >= len(call.Args) {
			break
		}
		switch t := &e.Params[i].Type; {
		case t.Names == api.NamesTarget:
			c.dial(d, call.Args[i])
		case t.Names == api.NamesExtension && i+1 < len(call.Args):
			for _, context := range c.choices(call.Args[i+1], 0) {
				for _, number := range c.choices(call.Args[i], 0) {
					d.enters = append(d.enters, entering{number, context})
				}
			}
		case len(t.Fields) > 0:
			c.fields(d, t, call.Args[i])
		}
	}
}

// fields adds what the options of a call dial.
func (c *closure) fields(d *deeds, t *api.Type, e ast.Expr) {
	table, ok := e.(*ast.TableExpr)
	if !ok {
		return
	}
	for _, field := range table.Fields {
		if key, ok := field.Key.(*ast.StringExpr); ok {
			if known := t.Field(key.Value); known != nil && known.Type.Names == api.NamesTarget {
				c.dial(d, field.Value)
			}
		}
	}
}

func (c *closure) dial(d *deeds, target ast.Expr) {
	for _, text := range c.choices(target, 0) {
		d.dials = append(d.dials, dial{text, place(c.file, target.Line())})
	}
}

// follow adds the functions that a name from outside may stand for.
func (c *closure) follow(d *deeds, u use) {
	for _, v := range c.held(u.name) {
		if table, ok := v.(*lua.LTable); ok && u.member != "" {
			v = table.RawGetString(u.member)
		}
		collect(v, map[*lua.LTable]bool{}, &d.next)
	}
}

// collect adds the functions in v.
func collect(v lua.LValue, seen map[*lua.LTable]bool, list *[]*lua.LFunction) {
	switch v := v.(type) {
	case *lua.LFunction:
		if !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	case *lua.LTable:
		if seen[v] {
			return
		}
		seen[v] = true
		v.ForEach(func(_, item lua.LValue) { collect(item, seen, list) })
	}
}

// held are the values that a name from outside of the function has; none for
// names of its own.
func (c *closure) held(e *ast.IdentExpr) []lua.LValue {
	v := c.file.names[e]
	if v == nil {
		if c.fn.Env == nil {
			return nil
		}
		return []lua.LValue{c.fn.Env.RawGetString(e.Value)}
	}
	if c.inside(v.owner) {
		return nil
	}
	var list []lua.LValue
	for i, name := range c.fn.Proto.DbgUpvalues {
		if name == e.Value && i < len(c.fn.Upvalues) && c.fn.Upvalues[i] != nil {
			list = append(list, c.fn.Upvalues[i].Value())
		}
	}
	return list
}

// inside reports whether a function is the closure's or lies in it.
func (c *closure) inside(owner *ast.FunctionExpr) bool {
	for ; owner != nil; owner = c.file.bodies[owner].outer {
		if slices.Contains(c.exprs, owner) {
			return true
		}
	}
	return false
}

// choices are the texts that an expression may have, with marks for what only a
// call tells.
func (c *closure) choices(e ast.Expr, depth int) []string {
	if c.steps++; depth > 20 || c.steps > mostSteps {
		return []string{anything}
	}
	depth++
	switch e := e.(type) {
	case *ast.StringExpr:
		return []string{e.Value}
	case *ast.NumberExpr:
		return []string{e.Value}
	case *ast.NilExpr, *ast.FalseExpr:
		return nil
	case *ast.StringConcatOpExpr:
		return c.concatenations(operands(e), depth)
	case *ast.LogicalOpExpr:
		if e.Operator == "and" {
			return c.choices(e.Rhs, depth)
		}
		return some(append(c.choices(e.Lhs, depth), c.choices(e.Rhs, depth)...))
	case *ast.TableExpr:
		var all []string
		for _, field := range e.Fields {
			if field.Key == nil {
				all = append(all, c.choices(field.Value, depth)...)
			}
		}
		return some(all)
	case *ast.IdentExpr:
		return c.name(e, depth)
	case *ast.AttrGetExpr:
		return c.part(e)
	case *ast.FuncCallExpr:
		if name, ok := e.Func.(*ast.IdentExpr); ok && name.Value == "tostring" && c.file.names[name] == nil && len(e.Args) == 1 {
			return c.choices(e.Args[0], depth)
		}
	}
	return []string{anything}
}

// some bounds a list of choices.
func some(list []string) []string {
	if len(list) > mostChoices {
		return append(list[:mostChoices:mostChoices], anything)
	}
	return list
}

func (c *closure) concatenations(parts []ast.Expr, depth int) []string {
	all := []string{""}
	for _, part := range parts {
		choices := c.choices(part, depth)
		var longer []string
		for _, begin := range all {
			for _, end := range choices {
				if len(begin)+len(end) > longestText {
					return []string{anything}
				}
				longer = append(longer, begin+end)
			}
		}
		all = some(longer)
	}
	return all
}

// name are the choices of a variable.
func (c *closure) name(e *ast.IdentExpr, depth int) []string {
	v := c.file.names[e]
	if held := c.held(e); len(held) > 0 {
		var all []string
		for _, value := range held {
			all = append(all, texts(value)...)
		}
		return some(all)
	}
	if v == nil || v.opaque || v.param > 0 || len(v.sources) == 0 {
		return []string{anything}
	}
	var all []string
	for _, s := range v.sources {
		if s.nth > 0 {
			return []string{anything}
		}
		all = append(all, c.choices(s.expr, depth)...)
	}
	return some(all)
}

// part are the choices of object.key and object[key].
func (c *closure) part(e *ast.AttrGetExpr) []string {
	key, constant := e.Key.(*ast.StringExpr)
	if constant && key.Value == "extension" && c.file.value(e.Object, 0).Class == "call" {
		return []string{extension}
	}
	object, ok := e.Object.(*ast.IdentExpr)
	if !ok {
		return []string{anything}
	}
	var all []string
	for _, held := range c.held(object) {
		table, ok := held.(*lua.LTable)
		switch {
		case !ok:
			all = append(all, anything)
		case constant:
			all = append(all, texts(table.RawGetString(key.Value))...)
		default:
			table.ForEach(func(_, item lua.LValue) { all = append(all, texts(item)...) })
		}
	}
	if len(all) == 0 {
		return []string{anything}
	}
	return some(all)
}

// texts are the texts in a value: its own, or those of a list.
func texts(v lua.LValue) []string {
	switch v := v.(type) {
	case lua.LString:
		return []string{string(v)}
	case lua.LNumber:
		return []string{v.String()}
	case *lua.LTable:
		var all []string
		for i := 1; i <= v.Len(); i++ {
			if text := lua.LVAsString(v.RawGetInt(i)); text != "" {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

// known reports whether a text has no marks.
func known(text string) bool { return !strings.ContainsAny(text, anything+extension) }
