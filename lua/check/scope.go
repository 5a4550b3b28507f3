package check

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"github.com/moonwire/moonwire/lua/api"

	"github.com/moonwire/moonwire/lua/host"
)

// file is one script as it is written: its tree, what each name in it refers to,
// and the places where something can be wrong.
type file struct {
	name     string
	tests    *api.Extension // what it can call beside the API; nil but for test files
	lines    []string
	names    map[*ast.IdentExpr]*variable // nil for globals
	bodies   map[*ast.FunctionExpr]*body
	spans    map[span][]*ast.FunctionExpr
	calls    []*ast.FuncCallExpr
	compares []*ast.RelationalOpExpr
	reads    []*ast.AttrGetExpr
	writes   []write
	modules  []string                       // files that it requires
	classes  map[*ast.FunctionExpr][]string // of the arguments that the library gives it
}

// body is what one function does itself; inner functions have bodies of their own.
type body struct {
	outer *ast.FunctionExpr
	inner []*ast.FunctionExpr
	words []string // constant strings and names of members
	calls []*ast.FuncCallExpr
	uses  []use
}

// use is one appearance of a name; member is that of "name.member".
type use struct {
	name   *ast.IdentExpr
	member string
}

// span is where a function is written: the lines of its first and last word.
type span struct{ first, last int }

// variable is a local name, or a parameter.
type variable struct {
	name    string
	owner   *ast.FunctionExpr // nil at the level of the file
	param   int               // from 1; 0 for locals
	sources []source
	opaque  bool            // a loop gives it its values
	fields  map[string]bool // that are assigned to the table in it

	looked bool // value is known
	busy   bool // value is being found
	value  value
}

// source is what a variable is given: result number nth of an expression.
type source struct {
	expr ast.Expr
	nth  int
}

// write is an assignment to a part of a value.
type write struct {
	target *ast.AttrGetExpr
	from   source
}

// readFile parses a file. It must be one that the host compiled, which bounds
// how deep its parts lie in each other.
func readFile(name, text string) (*file, error) {
	stmts, err := host.Parse(name, text)
	if err != nil {
		return nil, err
	}
	f := &file{
		name: name, lines: strings.Split(text, "\n"),
		names: map[*ast.IdentExpr]*variable{}, classes: map[*ast.FunctionExpr][]string{},
		bodies: map[*ast.FunctionExpr]*body{nil: {}}, spans: map[span][]*ast.FunctionExpr{},
	}
	b := &binder{file: f}
	b.block(stmts)
	return f, nil
}

// line is the text of a line, "" where there is none.
func (f *file) line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	return strings.TrimSuffix(f.lines[n-1], "\r")
}

// binder walks a file once. It follows the scopes of Lua.
type binder struct {
	*file
	scope    *scope
	function *ast.FunctionExpr
}

type scope struct {
	outer *scope
	names map[string]*variable
}

func (b *binder) find(name string) *variable {
	for s := b.scope; s != nil; s = s.outer {
		if v := s.names[name]; v != nil {
			return v
		}
	}
	return nil
}

func (b *binder) declare(name string) *variable {
	v := &variable{name: name, owner: b.function}
	if b.scope.names == nil {
		b.scope.names = map[string]*variable{}
	}
	b.scope.names[name] = v
	return v
}

func (b *binder) open()  { b.scope = &scope{outer: b.scope} }
func (b *binder) close() { b.scope = b.scope.outer }

func (b *binder) block(stmts []ast.Stmt) {
	b.open()
	b.statements(stmts)
	b.close()
}

func (b *binder) statements(stmts []ast.Stmt) {
	for _, s := range stmts {
		b.statement(s)
	}
}

func (b *binder) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		b.expressions(s.Rhs)
		for i, target := range s.Lhs {
			b.assign(target, sourceOf(s.Rhs, i))
		}
	case *ast.LocalAssignStmt:
		b.local(s)
	case *ast.FuncCallStmt:
		b.expression(s.Expr)
	case *ast.DoBlockStmt:
		b.block(s.Stmts)
	case *ast.WhileStmt:
		b.expression(s.Condition)
		b.block(s.Stmts)
	case *ast.RepeatStmt:
		b.open()
		b.statements(s.Stmts)
		b.expression(s.Condition)
		b.close()
	case *ast.IfStmt:
		b.expression(s.Condition)
		b.block(s.Then)
		b.block(s.Else)
	case *ast.NumberForStmt:
		b.expressions([]ast.Expr{s.Init, s.Limit, s.Step})
		b.loop(s.Stmts, s.Name)
	case *ast.GenericForStmt:
		b.expressions(s.Exprs)
		b.loop(s.Stmts, s.Names...)
	case *ast.FuncDefStmt:
		b.definition(s)
	case *ast.ReturnStmt:
		b.expressions(s.Exprs)
	}
}

func (b *binder) loop(body []ast.Stmt, names ...string) {
	b.open()
	for _, name := range names {
		b.declare(name).opaque = true
	}
	b.statements(body)
	b.close()
}

// sourceOf is what the variable at place i of an assignment gets; its expr is
// nil for nothing.
func sourceOf(list []ast.Expr, i int) source {
	if i < len(list) {
		return source{list[i], 0}
	}
	if last := len(list) - 1; last >= 0 {
		if call, ok := list[last].(*ast.FuncCallExpr); ok && !call.AdjustRet {
			return source{call, i - last}
		}
		if dots, ok := list[last].(*ast.Comma3Expr); ok && !dots.AdjustRet {
			return source{dots, i - last}
		}
	}
	return source{}
}

func (b *binder) local(s *ast.LocalAssignStmt) {
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if f, ok := s.Exprs[0].(*ast.FunctionExpr); ok { // it sees its own name
			b.declare(s.Names[0]).sources = []source{{f, 0}}
			b.expression(f)
			return
		}
	}
	b.expressions(s.Exprs)
	for i, name := range s.Names {
		v := b.declare(name)
		if from := sourceOf(s.Exprs, i); from.expr != nil {
			v.sources = append(v.sources, from)
		}
	}
}

func (b *binder) definition(s *ast.FuncDefStmt) {
	if s.Name.Func == nil { // function object:method()
		b.expression(s.Name.Receiver)
		b.body(s.Func, true)
		return
	}
	b.assign(s.Name.Func, source{s.Func, 0})
	b.body(s.Func, false)
}

// assign notes what is assigned to.
func (b *binder) assign(target ast.Expr, from source) {
	switch e := target.(type) {
	case *ast.IdentExpr:
		if v := b.find(e.Value); v != nil {
			b.names[e] = v
			if from.expr != nil {
				v.sources = append(v.sources, from)
			}
		}
	case *ast.AttrGetExpr:
		b.expression(e.Object)
		b.expression(e.Key)
		b.writes = append(b.writes, write{e, from})
		object, isName := e.Object.(*ast.IdentExpr)
		key, isConstant := e.Key.(*ast.StringExpr)
		if v := b.names[object]; isName && isConstant && v != nil {
			if v.fields == nil {
				v.fields = map[string]bool{}
			}
			v.fields[key.Value] = true
		}
	}
}

func (b *binder) expressions(list []ast.Expr) {
	for _, e := range list {
		b.expression(e)
	}
}

func (b *binder) expression(e ast.Expr) {
	switch e := e.(type) {
	case *ast.StringExpr:
		b.bodies[b.function].words = append(b.bodies[b.function].words, e.Value)
	case *ast.IdentExpr:
		b.use(e, "")
	case *ast.AttrGetExpr:
		b.object(e.Object, e.Key)
		b.expression(e.Key)
		b.reads = append(b.reads, e)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				b.expression(f.Key)
			}
			b.expression(f.Value)
		}
	case *ast.FuncCallExpr:
		b.calls = append(b.calls, e)
		own := b.bodies[b.function]
		own.calls = append(own.calls, e)
		if e.Func != nil {
			b.expression(e.Func)
		} else {
			own.words = append(own.words, e.Method)
			b.object(e.Receiver, &ast.StringExpr{Value: e.Method})
		}
		b.expressions(e.Args)
	case *ast.LogicalOpExpr:
		b.expression(e.Lhs)
		b.expression(e.Rhs)
	case *ast.RelationalOpExpr:
		b.compares = append(b.compares, e)
		b.expression(e.Lhs)
		b.expression(e.Rhs)
	case *ast.ArithmeticOpExpr:
		b.expression(e.Lhs)
		b.expression(e.Rhs)
	case *ast.StringConcatOpExpr:
		b.expressions(operands(e))
	case *ast.UnaryMinusOpExpr:
		b.expression(e.Expr)
	case *ast.UnaryNotOpExpr:
		b.expression(e.Expr)
	case *ast.UnaryLenOpExpr:
		b.expression(e.Expr)
	case *ast.FunctionExpr:
		b.body(e, false)
	}
}

// use notes a name.
func (b *binder) use(e *ast.IdentExpr, member string) {
	if v := b.find(e.Value); v != nil {
		b.names[e] = v
	}
	own := b.bodies[b.function]
	own.uses = append(own.uses, use{e, member})
}

// object is an expression of which only one part is wanted.
func (b *binder) object(e, key ast.Expr) {
	if name, ok := e.(*ast.IdentExpr); ok {
		if key, ok := key.(*ast.StringExpr); ok {
			b.use(name, key.Value)
			return
		}
	}
	b.expression(e)
}

// operands are the parts of a .. b .. c, which nests to the right.
func operands(e *ast.StringConcatOpExpr) []ast.Expr {
	list := []ast.Expr{e.Lhs}
	for {
		next, ok := e.Rhs.(*ast.StringConcatOpExpr)
		if !ok {
			return append(list, e.Rhs)
		}
		list = append(list, next.Lhs)
		e = next
	}
}

func (b *binder) body(f *ast.FunctionExpr, method bool) {
	outer := b.function
	b.function = f
	b.bodies[outer].inner = append(b.bodies[outer].inner, f)
	b.bodies[f] = &body{outer: outer}
	at := span{f.Line(), f.LastLine()}
	b.spans[at] = append(b.spans[at], f)
	b.open()
	if method {
		b.declare("self").opaque = true
	}
	for i, name := range f.ParList.Names {
		b.declare(name).param = i + 1
	}
	b.statements(f.Stmts)
	b.close()
	b.function = outer
}
