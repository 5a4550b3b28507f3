package debug

import (
	"fmt"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/google/go-dap"
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// Frames and values are known to the editor by numbers that name the thread too:
// a number is the thread's id times perThread, plus its place.
const perThread = 1 << 20

func threadOf(number int) int { return number / perThread }
func frameOf(number int) int  { return number % perThread }

// references are the values that the editor may ask to see the inside of, while
// the script is stopped.
type references struct {
	thread int
	values []any // frameValues or lua.LValue
}

func (r *references) add(v any) int {
	r.values = append(r.values, v)
	return r.thread*perThread + len(r.values)
}

// frame is one call of a function of the scripts.
type frame struct {
	L     *lua.LState
	debug *lua.Debug
	fn    *lua.LFunction
}

// named is a local variable or an upvalue.
type named struct {
	name  string
	value lua.LValue
}

// mostFrames bounds what is shown of a runaway recursion.
const mostFrames = 100

// frames lists the calls under way, innermost first.
func (t *thread) frames() []frame {
	var list []frame
	for _, L := range t.state.Threads(t.at) {
		for level := 0; len(list) < mostFrames; level++ {
			at, ok := L.GetStack(level)
			if !ok {
				break
			}
			f, err := L.GetInfo("Slnf", at, nil)
			fn, ok := f.(*lua.LFunction)
			if err != nil || !ok || fn.IsG || !strings.HasSuffix(at.Source, ".lua") {
				continue
			}
			list = append(list, frame{L, at, fn})
		}
	}
	return list
}

func (t *thread) stack(root string) []dap.StackFrame {
	list := []dap.StackFrame{}
	for i, f := range t.frames() {
		name := f.debug.Name
		switch {
		case f.debug.LineDefined == 0:
			name = "main"
		case name == "" || strings.ContainsAny(name, "?<( "):
			name = "function at line " + strconv.Itoa(f.debug.LineDefined)
		}
		list = append(list, dap.StackFrame{Id: t.id*perThread + i, Name: name, Line: f.debug.CurrentLine, Column: 1, Source: source(root, f.debug.Source)})
	}
	return list
}

// source is a file as the editor opens it. The library is inside the program, and
// has no file.
func source(root, name string) *dap.Source {
	if strings.HasPrefix(name, "lib/") {
		return &dap.Source{Name: name, PresentationHint: "deemphasize", Origin: "library"}
	}
	return &dap.Source{Name: filepath.Base(name), Path: filepath.Join(root, filepath.FromSlash(name))}
}

func (t *thread) scopes(number int) []dap.Scope {
	frames := t.frames()
	if frameOf(number) >= len(frames) {
		return []dap.Scope{}
	}
	f := frames[frameOf(number)]
	scopes := []dap.Scope{{Name: "Locals", PresentationHint: "locals", VariablesReference: t.values.add(f.locals())}}
	if up := f.upvalues(); len(up) > 0 {
		scopes = append(scopes, dap.Scope{Name: "Upvalues", VariablesReference: t.values.add(up)})
	}
	return scopes
}

// locals are the variables in sight, in order; an inner one hides an outer one
// of its name.
func (f frame) locals() []named {
	var list []named
	for i := 1; ; i++ {
		name, v := f.L.GetLocal(f.debug, i)
		if name == "" {
			return list
		}
		if name[0] == '(' {
			continue
		}
		for j := range list {
			if list[j].name == name {
				list = append(list[:j], list[j+1:]...)
				break
			}
		}
		list = append(list, named{name, v})
	}
}

func (f frame) upvalues() []named {
	var list []named
	for i, up := range f.fn.Upvalues {
		if name := f.fn.Proto.DbgUpvalues[i]; up != nil && name != "" && name[0] != '(' {
			list = append(list, named{name, up.Value()})
		}
	}
	return list
}

// variables is what a value consists of.
func (t *thread) variables(number int) []dap.Variable {
	list := []dap.Variable{}
	i := frameOf(number) - 1
	if i < 0 || i >= len(t.values.values) {
		return list
	}
	switch v := t.values.values[i].(type) {
	case []named:
		for _, n := range v {
			list = append(list, t.variable(n.name, n.value))
		}
	case *lua.LTable:
		v.ForEach(func(key, value lua.LValue) {
			name := key.String()
			if _, text := key.(lua.LString); !text {
				name = "[" + name + "]"
			}
			list = append(list, t.variable(name, value))
		})
		sort.SliceStable(list, func(a, b int) bool {
			return len(list[a].Name) > 0 && list[a].Name[0] == '[' && len(list[b].Name) > 0 && list[b].Name[0] != '['
		})
	}
	return list
}

func (t *thread) variable(name string, v lua.LValue) dap.Variable {
	one := dap.Variable{Name: name, Value: show(v), Type: v.Type().String()}
	if table, ok := v.(*lua.LTable); ok {
		one.VariablesReference = t.values.add(table)
	}
	return one
}

// show is a value in one line.
func show(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return strconv.Quote(string(v))
	case *lua.LTable:
		n := 0
		v.ForEach(func(lua.LValue, lua.LValue) { n++ })
		return fmt.Sprintf("table of %d", n)
	case *lua.LUserData:
		if meta, ok := v.Metatable.(*lua.LTable); ok {
			if class, ok := meta.RawGetString("__metatable").(lua.LString); ok {
				return string(class)
			}
		}
	case *lua.LFunction:
		if v.Proto != nil {
			return fmt.Sprintf("function at %s:%d", v.Proto.SourceName, v.Proto.LineDefined)
		}
	}
	return v.String()
}

// value computes an expression as it would be at the given frame. It can see the
// frame's variables and call functions, but not assign.
func (t *thread) value(number int, expression string) (lua.LValue, error) {
	frames := t.frames()
	if number >= len(frames) {
		return nil, fmt.Errorf("there is no frame %d", number)
	}
	f := frames[number]
	variables := append(f.upvalues(), f.locals()...)
	names := make([]string, 0, len(variables))
	var values []lua.LValue
	for _, v := range variables {
		names = append(names, v.name)
		values = append(values, v.value)
	}
	text := "return (" + expression + ")"
	if len(names) > 0 {
		text = "local " + strings.Join(names, ",") + " = ... " + text
	}
	block, err := parse.Parse(strings.NewReader(text), "expression")
	if err != nil {
		return nil, fmt.Errorf("%q is not an expression", expression)
	}
	proto, err := lua.Compile(block, "expression")
	if err != nil {
		return nil, err
	}
	fn := t.at.NewFunctionFromProto(proto)
	fn.Env = f.fn.Env
	t.asking = true
	defer func() { t.asking = false }()
	results, err := t.state.Invoke(fn, values...)
	if err != nil {
		return nil, err
	}
	if len(results) == 0 {
		return lua.LNil, nil
	}
	return results[0], nil
}
