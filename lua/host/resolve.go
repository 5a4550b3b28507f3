package host

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// maxNesting bounds how deep the parts of a program may lie in each other: the
// compiler recurses as deep as that.
const maxNesting = 3000

// resolver walks a parsed file once. It finds out what each name refers to,
// notes the uses of globals, and replaces expressions as guard.go says.
type resolver struct {
	scope    *scope
	function int  // how many functions are around, 0 at the level of the file
	loops    int  // how many loops are around in this function
	shared   bool // the file will be shared between states
	nesting  int

	uses     []use
	defined  map[string]int // globals declared by "function name()" at the level of the file, with their lines
	problems []problem
}

// scope is one block's local names.
type scope struct {
	outer    *scope
	names    map[string]bool
	function int
}

// use is one appearance of a global name.
type use struct {
	name   string
	member string // "format" of string.format, where that is how it is used
	line   int
	write  bool
	call   bool
}

// problem is something wrong whatever the globals are.
type problem struct {
	line    int
	name    string
	message string
}

type tooDeep struct{ line int }

// resolve walks stmts and replaces guarded operations in place.
func resolve(stmts []ast.Stmt, shared bool) (r *resolver, err error) {
	r = &resolver{shared: shared, defined: map[string]int{}}
	defer func() {
		if deep, ok := recover().(tooDeep); ok {
			err = &ScriptError{Line: deep.line, Message: "the program is nested too deeply here", Rule: RuleSyntax}
		}
	}()
	r.findDefined(stmts)
	r.block(stmts)
	return r, nil
}

// findDefined notes the global functions of the file, which may be called above
// the place of their definition.
func (r *resolver) findDefined(stmts []ast.Stmt) {
	for _, s := range stmts {
		switch s := s.(type) {
		case *ast.FuncDefStmt:
			if name, ok := s.Name.Func.(*ast.IdentExpr); ok {
				if _, again := r.defined[name.Value]; !again {
					r.defined[name.Value] = s.Line()
				}
			}
		case *ast.DoBlockStmt:
			r.findDefined(s.Stmts)
		case *ast.IfStmt:
			r.findDefined(s.Then)
			r.findDefined(s.Else)
		}
	}
}

func (r *resolver) open() {
	r.scope = &scope{outer: r.scope, function: r.function}
}

func (r *resolver) close() { r.scope = r.scope.outer }

func (r *resolver) declare(names ...string) {
	if r.scope.names == nil {
		r.scope.names = map[string]bool{}
	}
	for _, name := range names {
		r.scope.names[name] = true
	}
}

// local finds the block that declares name, nil when it is a global.
func (r *resolver) local(name string) *scope {
	for s := r.scope; s != nil; s = s.outer {
		if s.names[name] {
			return s
		}
	}
	return nil
}

// enter counts one more level of nesting.
func (r *resolver) enter(at ast.PositionHolder) {
	if r.nesting++; r.nesting > maxNesting {
		panic(tooDeep{at.Line()})
	}
}

func (r *resolver) leave() { r.nesting-- }

func (r *resolver) block(stmts []ast.Stmt) {
	r.open()
	r.statements(stmts)
	r.close()
}

func (r *resolver) statements(stmts []ast.Stmt) {
	for i := range stmts {
		r.enter(stmts[i])
		stmts[i] = r.statement(stmts[i])
		r.leave()
	}
}

// statement resolves one statement and returns what stands in its place.
func (r *resolver) statement(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		r.expressions(s.Rhs)
		for i := range s.Lhs {
			s.Lhs[i] = r.target(s.Lhs[i])
		}
		return guardAssignment(s)
	case *ast.LocalAssignStmt:
		r.localAssign(s)
	case *ast.FuncCallStmt:
		s.Expr = r.expression(s.Expr)
	case *ast.DoBlockStmt:
		r.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = r.expression(s.Condition)
		r.loop(s.Stmts, nil)
	case *ast.RepeatStmt:
		r.loops++
		r.open()
		r.statements(s.Stmts)
		s.Condition = r.expression(s.Condition) // sees the block's locals
		r.close()
		r.loops--
	case *ast.IfStmt:
		s.Condition = r.expression(s.Condition)
		r.block(s.Then)
		r.block(s.Else)
	case *ast.NumberForStmt:
		s.Init, s.Limit = r.expression(s.Init), r.expression(s.Limit)
		if s.Step != nil {
			s.Step = r.expression(s.Step)
		}
		r.loop(s.Stmts, []string{s.Name})
	case *ast.GenericForStmt:
		r.expressions(s.Exprs)
		r.loop(s.Stmts, s.Names)
	case *ast.FuncDefStmt:
		r.functionDefinition(s)
	case *ast.ReturnStmt:
		r.expressions(s.Exprs)
	}
	return s
}

func (r *resolver) loop(body []ast.Stmt, names []string) {
	r.loops++
	r.open()
	r.declare(names...)
	r.statements(body)
	r.close()
	r.loops--
}

// localAssign follows the compiler: a single function sees its own name.
func (r *resolver) localAssign(s *ast.LocalAssignStmt) {
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			r.declare(s.Names[0])
		}
	}
	r.expressions(s.Exprs)
	r.declare(s.Names...)
}

func (r *resolver) functionDefinition(s *ast.FuncDefStmt) {
	switch {
	case s.Name.Func == nil: // function object:method()
		s.Name.Receiver = r.expression(s.Name.Receiver)
		r.functionBody(s.Func, true)
	default:
		s.Name.Func = r.target(s.Name.Func)
		r.functionBody(s.Func, false)
	}
}

// target resolves what is assigned to.
func (r *resolver) target(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.IdentExpr:
		at := r.local(e.Value)
		if at == nil {
			r.uses = append(r.uses, use{name: e.Value, line: e.Line(), write: true})
		}
		if r.shared && r.function > 0 && (at == nil || at.function == 0) {
			r.problems = append(r.problems, problem{e.Line(), e.Value,
				fmt.Sprintf("this file is shared by all calls, so its functions cannot change its variable %q", e.Value)})
		}
	case *ast.AttrGetExpr:
		e.Object, e.Key = r.expression(e.Object), r.expression(e.Key)
	}
	return e
}

func (r *resolver) expressions(list []ast.Expr) {
	for i := range list {
		list[i] = r.expression(list[i])
	}
}

// expression resolves e and returns what stands in its place.
func (r *resolver) expression(e ast.Expr) ast.Expr {
	r.enter(e)
	defer r.leave()
	switch e := e.(type) {
	case *ast.IdentExpr:
		if r.local(e.Value) == nil {
			r.uses = append(r.uses, use{name: e.Value, line: e.Line()})
		}
	case *ast.AttrGetExpr:
		return r.index(e, false)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				f.Key = r.expression(f.Key)
			}
			f.Value = r.expression(f.Value)
		}
		return guardTable(e, r.function > 0 || r.loops > 0)
	case *ast.FuncCallExpr:
		return r.call(e)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = r.expression(e.Lhs), r.expression(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = r.expression(e.Lhs), r.expression(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = r.expression(e.Lhs), r.expression(e.Rhs)
	case *ast.StringConcatOpExpr:
		return r.concat(e)
	case *ast.UnaryMinusOpExpr:
		e.Expr = r.expression(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = r.expression(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = r.expression(e.Expr)
	case *ast.FunctionExpr:
		r.functionBody(e, false)
	}
	return e
}

// index resolves object[key] and notes members of globals: string.format.
func (r *resolver) index(e *ast.AttrGetExpr, called bool) ast.Expr {
	object, isName := e.Object.(*ast.IdentExpr)
	key, isConstant := e.Key.(*ast.StringExpr)
	if isName && isConstant && r.local(object.Value) == nil {
		r.uses = append(r.uses, use{name: object.Value, member: key.Value, line: e.Line(), call: called})
		return e
	}
	e.Object, e.Key = r.expression(e.Object), r.expression(e.Key)
	return e
}

func (r *resolver) call(e *ast.FuncCallExpr) ast.Expr {
	if e.Func != nil {
		if member, ok := e.Func.(*ast.AttrGetExpr); ok {
			e.Func = r.index(member, true)
		} else {
			e.Func = r.expression(e.Func)
		}
	} else {
		e.Receiver = r.expression(e.Receiver)
	}
	r.expressions(e.Args)
	return guardSingle(e)
}

// concat flattens a .. b .. c, which nests to the right, into one call.
func (r *resolver) concat(e *ast.StringConcatOpExpr) ast.Expr {
	var operands []ast.Expr
	var rest ast.Expr = e
	for {
		joined, ok := rest.(*ast.StringConcatOpExpr)
		if !ok {
			break
		}
		operands = append(operands, r.expression(joined.Lhs))
		rest = joined.Rhs
	}
	operands = append(operands, r.expression(rest))
	return guardConcat(e.Line(), operands)
}

func (r *resolver) functionBody(f *ast.FunctionExpr, method bool) {
	loops := r.loops
	r.function, r.loops = r.function+1, 0
	r.open()
	if method {
		r.declare("self")
	}
	r.declare(f.ParList.Names...)
	r.statements(f.Stmts)
	r.close()
	r.function, r.loops = r.function-1, loops
}
