package host

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// script is one compiled file. It is immutable and shared by all Versions whose
// file has the same content.
type script struct {
	*source
	proto    *lua.FunctionProto // of the file's own function, taking ...
	resolved *resolver
	lines    []int // where Options.Line is called
}

// compile parses src, resolves its names, puts guards in and compiles it.
// Errors are *ScriptError. shared says that the result will be run once and
// used by all states. lines says to call Options.Line.
func compile(src *source, shared, lines bool) (*script, error) {
	stmts, err := Parse(src.name, src.text)
	if err != nil {
		return nil, syntaxError(src, err)
	}
	resolved, err := resolve(stmts, shared)
	if err != nil {
		return nil, locate(src, err)
	}
	l := liner{file: src.name}
	if lines {
		stmts = l.follow(stmts)
	}
	proto, err := compileGuarded(src, stmts)
	if err != nil {
		return nil, err
	}
	return &script{source: src, proto: proto, resolved: resolved, lines: l.lines}, nil
}

// Parse reads a file's text as the host does. The error is one of the parser.
func Parse(name, text string) ([]ast.Stmt, error) {
	return parse.Parse(strings.NewReader(skipShebang(text)), name)
}

// skipShebang blanks a first line "#!…" and a byte order mark.
func skipShebang(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	if strings.HasPrefix(text, "#") {
		return "--" + text
	}
	return text
}

// compileGuarded compiles
//
//	local (concat), (table), (store), (single), (line)
//	return function(...) <the file> end
//
// and keeps the inner function, whose upvalues are the guards that it uses.
func compileGuarded(src *source, stmts []ast.Stmt) (proto *lua.FunctionProto, err error) {
	defer func() {
		// The compiler panics where it meets something it did not expect.
		if p := recover(); p != nil {
			err = &ScriptError{File: src.name, Message: fmt.Sprintf("the file cannot be compiled: %v", p), cause: ErrInternal}
		}
	}()
	last := 1
	if len(stmts) > 0 {
		last = max(stmts[len(stmts)-1].LastLine(), stmts[len(stmts)-1].Line())
	}
	body := &ast.FunctionExpr{ParList: &ast.ParList{HasVargs: true, Names: []string{}}, Stmts: stmts}
	body.SetLastLine(last)
	result := &ast.ReturnStmt{Exprs: []ast.Expr{body}}
	result.SetLastLine(last)
	guards := &ast.LocalAssignStmt{Names: []string{nameConcat, nameTable, nameStore, nameSingle, nameLine}}

	outer, err := lua.Compile([]ast.Stmt{guards, result}, src.name)
	if err != nil {
		return nil, compileError(src, err)
	}
	return outer.FunctionPrototypes[0], nil
}

// function makes the file's function in L, with env as its globals.
func (s *script) function(L *lua.LState, env *lua.LTable, guards map[string]*lua.Upvalue) *lua.LFunction {
	f := L.NewFunctionFromProto(s.proto)
	f.Env = env
	for i, name := range s.proto.DbgUpvalues {
		f.Upvalues[i] = guards[name]
	}
	return f
}

// locate completes an error of which only the line is known.
func locate(src *source, err error) error {
	var e *ScriptError
	if errors.As(err, &e) {
		e.File = src.name
		e.Source = src.line(e.Line)
	}
	return err
}

// syntaxError puts what the parser says in plain words.
func syntaxError(src *source, err error) *ScriptError {
	e := &ScriptError{File: src.name, Message: err.Error(), Rule: RuleSyntax}
	var at *parse.Error
	if !errors.As(err, &at) {
		return e
	}
	e.Line, e.Column = at.Pos.Line, at.Pos.Column
	token := strings.TrimSpace(at.Token)
	switch {
	case at.Pos.Line < 0:
		e.Line = strings.Count(strings.TrimRight(src.text, "\n"), "\n") + 1
		e.Column = len(src.line(e.Line)) + 1
		e.Message = "the file ends in the middle of something: an \"end\", a bracket or a quote is missing"
	case at.Message == "syntax error" && token != "":
		e.Message = fmt.Sprintf("unexpected %q here", token)
	default:
		e.Message = strings.ToLower(at.Message[:1]) + at.Message[1:]
	}
	e.Source = src.line(e.Line)
	return e
}

func compileError(src *source, err error) *ScriptError {
	e := &ScriptError{File: src.name, Message: err.Error(), Rule: RuleSyntax}
	var at *lua.CompileError
	if errors.As(err, &at) {
		e.Line, e.Message = at.Line, at.Message
		e.Source = src.line(at.Line)
	}
	return e
}
