package host

import (
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Where Options.Line is set, the compiler puts a call of it before every
// statement of the site's files: that is how tools see which lines run, and stop
// at one. Where it is not set nothing is added, and following costs nothing.

const nameLine = "(line)" // before a statement: file, line

// liner puts calls before statements and remembers the lines that have one.
type liner struct {
	file  string
	lines []int
}

// follow returns the block with its calls. It changes the blocks inside.
func (l *liner) follow(block []ast.Stmt) []ast.Stmt {
	followed := make([]ast.Stmt, 0, 2*len(block))
	for _, s := range block {
		if _, label := s.(*ast.LabelStmt); !label {
			followed = append(followed, l.mark(s.Line()))
		}
		l.statement(s)
		followed = append(followed, s)
	}
	return followed
}

func (l *liner) mark(line int) ast.Stmt {
	l.lines = append(l.lines, line)
	file, number := &ast.StringExpr{Value: l.file}, &ast.NumberExpr{Value: strconv.Itoa(line)}
	file.SetLine(line)
	number.SetLine(line)
	s := &ast.FuncCallStmt{Expr: guardCall(line, nameLine, file, number)}
	s.SetLine(line)
	s.SetLastLine(line)
	return s
}

func (l *liner) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		l.expressions(s.Lhs...)
		l.expressions(s.Rhs...)
	case *ast.LocalAssignStmt:
		l.expressions(s.Exprs...)
	case *ast.FuncCallStmt:
		l.expressions(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = l.follow(s.Stmts)
	case *ast.WhileStmt:
		l.expressions(s.Condition)
		s.Stmts = l.follow(s.Stmts)
	case *ast.RepeatStmt:
		s.Stmts = l.follow(s.Stmts)
		l.expressions(s.Condition)
	case *ast.IfStmt:
		l.expressions(s.Condition)
		s.Then = l.follow(s.Then)
		s.Else = l.follow(s.Else)
	case *ast.NumberForStmt:
		l.expressions(s.Init, s.Limit, s.Step)
		s.Stmts = l.follow(s.Stmts)
	case *ast.GenericForStmt:
		l.expressions(s.Exprs...)
		s.Stmts = l.follow(s.Stmts)
	case *ast.FuncDefStmt:
		l.expressions(s.Func)
	case *ast.ReturnStmt:
		l.expressions(s.Exprs...)
	}
}

// expressions finds the functions in expressions.
func (l *liner) expressions(list ...ast.Expr) {
	for _, e := range list {
		switch e := e.(type) {
		case *ast.AttrGetExpr:
			l.expressions(e.Object, e.Key)
		case *ast.TableExpr:
			for _, f := range e.Fields {
				l.expressions(f.Key, f.Value)
			}
		case *ast.FuncCallExpr:
			l.expressions(e.Func, e.Receiver)
			l.expressions(e.Args...)
		case *ast.LogicalOpExpr:
			l.expressions(e.Lhs, e.Rhs)
		case *ast.RelationalOpExpr:
			l.expressions(e.Lhs, e.Rhs)
		case *ast.StringConcatOpExpr:
			l.expressions(e.Lhs, e.Rhs)
		case *ast.ArithmeticOpExpr:
			l.expressions(e.Lhs, e.Rhs)
		case *ast.UnaryMinusOpExpr:
			l.expressions(e.Expr)
		case *ast.UnaryNotOpExpr:
			l.expressions(e.Expr)
		case *ast.UnaryLenOpExpr:
			l.expressions(e.Expr)
		case *ast.FunctionExpr:
			e.Stmts = l.follow(e.Stmts)
		}
	}
}

// guardedLine is what the calls run.
func guardedLine(L *lua.LState) int {
	s := FromLua(L)
	if f := s.host.options.Line; f != nil {
		f(s, L, string(L.Get(1).(lua.LString)), int(L.Get(2).(lua.LNumber)))
	}
	return 0
}

// Lines lists the lines of a file on which a statement begins, in order. It is
// empty where Options.Line is not set.
func (v *Version) Lines(file string) []int {
	script := v.file(file)
	if script == nil {
		return nil
	}
	lines := slices.Clone(script.lines)
	slices.Sort(lines)
	return slices.Compact(lines)
}

// Statements lists the files of the site with the lines on which statements
// begin, without running them. It needs Options.Line.
func (h *Host) Statements() ([]FileLines, error) {
	s, err := readSite(&h.options)
	if err != nil {
		return nil, err
	}
	var list []FileLines
	for _, name := range keys(s.files) {
		file, err := h.compile(s.files[name])
		if err != nil {
			return nil, err
		}
		lines := slices.Clone(file.lines)
		slices.Sort(lines)
		list = append(list, FileLines{Name: name, Text: file.text, Lines: slices.Compact(lines)})
	}
	return list, nil
}

// FileLines is a file with the lines on which its statements begin.
type FileLines struct {
	Name  string
	Text  string
	Lines []int
}
