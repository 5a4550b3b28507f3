package host

import "github.com/yuin/gopher-lua/ast"

// noteCall keeps a call for Analyse's callers, before it is rewritten.
func (r *resolver) noteCall(e *ast.FuncCallExpr) {
	site := CallSite{Line: e.Line()}
	if e.Func != nil {
		site.Path, site.Global = r.path(e.Func)
	} else {
		site.Path, site.Global = r.path(e.Receiver)
		if site.Path != "" {
			site.Path += ":" + e.Method
		}
	}
	if site.Path == "" {
		return
	}
	for i, argument := range e.Args {
		site.Arguments = append(site.Arguments, describe(argument))
		site.Open = i == len(e.Args)-1 && isOpen(argument)
	}
	r.calls = append(r.calls, site)
}

// path is a chain of names as it is written, "" for anything else.
func (r *resolver) path(e ast.Expr) (path string, global bool) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return e.Value, r.local(e.Value) == nil
	case *ast.AttrGetExpr:
		key, ok := e.Key.(*ast.StringExpr)
		if !ok {
			return "", false
		}
		if path, global = r.path(e.Object); path == "" {
			return "", false
		}
		return path + "." + key.Value, global
	}
	return "", false
}

func isOpen(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

func describe(e ast.Expr) Argument {
	switch e := e.(type) {
	case *ast.StringExpr:
		return Argument{Type: "string", Value: e.Value}
	case *ast.NumberExpr:
		return Argument{Type: "number", Value: e.Value}
	case *ast.TrueExpr, *ast.FalseExpr:
		return Argument{Type: "boolean"}
	case *ast.NilExpr:
		return Argument{Type: "nil"}
	case *ast.StringConcatOpExpr:
		return Argument{Type: "string"}
	case *ast.FunctionExpr:
		return Argument{Type: "function"}
	case *ast.TableExpr:
		table := Argument{Type: "table"}
		for _, f := range e.Fields {
			if key, ok := f.Key.(*ast.StringExpr); ok {
				table.Keys = append(table.Keys, key.Value)
			}
		}
		return table
	}
	return Argument{}
}
