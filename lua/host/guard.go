package host

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// The compiled program calls a guard where plain Lua would use an instruction
// that allocates without bound. Guards are upvalues of the file's function, so
// reaching one costs no look-up, and their names cannot be written in Lua.
const (
	nameConcat = "(concat)" // a .. b
	nameTable  = "(table)"  // {…} where it can run more than once, or with computed keys
	nameStore  = "(store)"  // t[k] = v with a computed key
	nameSingle = "(single)" // (f()): one value of several
)

// maxOperands is how many values one guard is given; the compiler has room for
// some two hundred.
const maxOperands = 40

// nearIndex is the largest constant index that needs no guard: a table's array
// is filled up to the index, and that much is harmless.
const nearIndex = 256

func guardCall(line int, name string, arguments ...ast.Expr) *ast.FuncCallExpr {
	guard := &ast.IdentExpr{Value: name}
	guard.SetLine(line)
	call := &ast.FuncCallExpr{Func: guard, Args: arguments}
	call.SetLine(line)
	call.SetLastLine(line)
	return call
}

// guardConcat joins the operands. The last one must be cut to one value.
func guardConcat(line int, operands []ast.Expr) ast.Expr {
	for len(operands) > maxOperands {
		from := len(operands) - maxOperands
		joined := guardCall(line, nameConcat, truncated(operands[from:])...)
		operands = append(operands[:from:from], joined)
	}
	return guardCall(line, nameConcat, truncated(operands)...)
}

// truncated makes the last of the arguments yield exactly one value.
func truncated(arguments []ast.Expr) []ast.Expr {
	last := len(arguments) - 1
	arguments[last] = oneValue(arguments[last])
	return arguments
}

// oneValue cuts a call or ... to its first value.
func oneValue(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.Comma3Expr:
		e.AdjustRet = true
	case *ast.FuncCallExpr:
		if !isGuard(e) {
			return guardCall(e.Line(), nameSingle, e)
		}
	}
	return e
}

func isGuard(e *ast.FuncCallExpr) bool {
	name, ok := e.Func.(*ast.IdentExpr)
	return ok && len(name.Value) > 0 && name.Value[0] == '('
}

// guardSingle stands for a call in parentheses, for which the compiler emits
// code that can return too many values.
func guardSingle(e *ast.FuncCallExpr) ast.Expr {
	if !e.AdjustRet {
		return e
	}
	e.AdjustRet = false
	return guardCall(e.Line(), nameSingle, e)
}

// guardTable charges for a table that may be made many times, and takes out
// fields with computed keys.
func guardTable(e *ast.TableExpr, repeated bool) ast.Expr {
	computed := takeComputedFields(e)
	closeFields(e)
	var made ast.Expr = e
	if len(computed) == 0 && repeated {
		return guardCall(e.Line(), nameTable, e)
	}
	for len(computed) > 0 {
		n := min(len(computed), maxOperands)
		arguments := append([]ast.Expr{made}, truncated(computed[:n])...)
		made = guardCall(e.Line(), nameTable, arguments...)
		computed = computed[n:]
	}
	return made
}

// closeFields adds a field that sets nothing behind a last one such as k = f(),
// for which the compiler takes what f returns into the table's list.
func closeFields(e *ast.TableExpr) {
	if n := len(e.Fields); n > 1 && e.Fields[n-1].Key != nil {
		switch e.Fields[n-1].Value.(type) {
		case *ast.FuncCallExpr, *ast.Comma3Expr:
			nothing, key := &ast.NilExpr{}, &ast.StringExpr{Value: ""}
			nothing.SetLine(e.Line())
			key.SetLine(e.Line())
			e.Fields = append(e.Fields, &ast.Field{Key: key, Value: nothing})
		}
	}
}

// takeComputedFields removes the fields [key] = value whose key is not a
// harmless constant from e and returns their keys and values in turn.
func takeComputedFields(e *ast.TableExpr) []ast.Expr {
	var fixed []*ast.Field
	var computed []ast.Expr
	for _, f := range e.Fields {
		if f.Key != nil && !harmlessKey(f.Key) {
			computed = append(computed, f.Key, f.Value)
			continue
		}
		fixed = append(fixed, f)
	}
	if len(computed) == 0 {
		return nil
	}
	if n := len(fixed); n > 0 && fixed[n-1].Key == nil && fixed[n-1] != e.Fields[len(e.Fields)-1] {
		// {f(), [k] = v}: f() has become the last field and must stay one value.
		fixed[n-1].Value = oneValue(fixed[n-1].Value)
	}
	e.Fields = fixed
	return computed
}

// harmlessKey tells keys that cannot make a table's array grow far.
func harmlessKey(key ast.Expr) bool {
	switch key := key.(type) {
	case *ast.StringExpr, *ast.TrueExpr, *ast.FalseExpr:
		return true
	case *ast.NumberExpr:
		n, err := strconv.ParseFloat(key.Value, 64)
		return err == nil && n <= nearIndex
	}
	return false
}

// guardAssignment replaces stores under computed keys, and assignments of
// several values at once, of which the compiler makes one after another:
// a, b = b, a would make both the same.
func guardAssignment(s *ast.AssignStmt) ast.Stmt {
	guarded := len(s.Lhs) > 1 && len(s.Rhs) > 1
	for _, target := range s.Lhs {
		guarded = guarded || needsStore(target)
	}
	if !guarded {
		return s
	}
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		target := s.Lhs[0].(*ast.AttrGetExpr)
		return storeStatement(s.Line(), target.Object, target.Key, oneValue(s.Rhs[0]))
	}
	return spreadAssignment(s)
}

func needsStore(target ast.Expr) bool {
	index, ok := target.(*ast.AttrGetExpr)
	return ok && !harmlessKey(index.Key)
}

func storeStatement(line int, object, key, value ast.Expr) ast.Stmt {
	call := &ast.FuncCallStmt{Expr: guardCall(line, nameStore, object, key, value)}
	call.SetLine(line)
	return call
}

// spreadAssignment turns a[i], b = f() into a block that first computes all
// objects and keys, then all values, and then assigns one by one.
func spreadAssignment(s *ast.AssignStmt) ast.Stmt {
	line := s.Line()
	places := &ast.LocalAssignStmt{}
	values := &ast.LocalAssignStmt{Exprs: s.Rhs}
	block := &ast.DoBlockStmt{}
	named := func(kind string, i int) *ast.IdentExpr {
		e := &ast.IdentExpr{Value: "(" + kind + strconv.Itoa(i) + ")"}
		e.SetLine(line)
		return e
	}
	var assignments []ast.Stmt
	for i, target := range s.Lhs {
		value := named("value", i)
		values.Names = append(values.Names, value.Value)
		index, ok := target.(*ast.AttrGetExpr)
		if !ok {
			one := &ast.AssignStmt{Lhs: []ast.Expr{target}, Rhs: []ast.Expr{value}}
			one.SetLine(line)
			assignments = append(assignments, one)
			continue
		}
		object, key := named("object", i), named("key", i)
		places.Names = append(places.Names, object.Value, key.Value)
		places.Exprs = append(places.Exprs, index.Object, oneValue(index.Key))
		assignments = append(assignments, storeStatement(line, object, key, value))
	}
	block.Stmts = append([]ast.Stmt{places, values}, assignments...)
	for _, part := range []ast.Stmt{places, values, block} {
		part.SetLine(line)
		part.SetLastLine(line)
	}
	return block
}
