package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	lua "github.com/yuin/gopher-lua"
)

// editable is a site whose files tests change between loads.
type editable struct {
	mu    sync.Mutex
	files fstest.MapFS
}

func (e *editable) Open(name string) (fs.File, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.files.Open(name)
}

func (e *editable) set(pairs ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.files = files(pairs...)
}

func editableHost(t testing.TB, o Options, pairs ...string) (*Host, *editable) {
	t.Helper()
	site := &editable{}
	site.set(pairs...)
	o.Scripts, o.Log = site, quiet
	if o.Library == nil {
		o.Library = &testLibrary{}
	}
	h, err := New(o)
	must(t, err)
	return h, site
}

func (h *Host) says(t testing.TB, number string) string {
	t.Helper()
	results, err := dial(t, h, number)
	if err != nil {
		t.Fatal(Report(err))
	}
	return results[0].String()
}

func TestReloadKeepsCallsInTheirVersion(t *testing.T) {
	h, site := editableHost(t, Options{}, "dialplan.lua", `extension("1", function() return require("m.word") end)`, "m/word.lua", `return "one"`)
	ctx := context.Background()
	must(t, h.Load(ctx))
	old, err := h.Begin(nil, nil)
	must(t, err)
	oldRef := ref(t, h.Current(), "1")

	site.set("dialplan.lua", `extension("1", function() return require("m.word") end)`, "m/word.lua", `return "two"`)
	v, err := h.Reload(ctx)
	must(t, err)
	if got := h.says(t, "1"); got != "two" {
		t.Errorf("new calls hear %q", got)
	}
	results, err := old.Call(oldRef)
	must(t, err)
	if got := results[0].String(); got != "one" {
		t.Errorf("the old call hears %q", got)
	}
	infos := h.Versions()
	if len(infos) != 2 || infos[0].Live != 1 || !infos[1].Current || infos[1].Number != v.Number() {
		t.Errorf("versions: %+v", infos)
	}
	old.Close()
	old.Close()
	if n := h.Versions()[0].Live; n != 0 {
		t.Errorf("%d states live after the last was closed", n)
	}

	must(t, h.Rollback(1))
	if got := h.says(t, "1"); got != "one" {
		t.Errorf("after going back calls hear %q", got)
	}
	if err := h.Rollback(99); !errors.Is(err, ErrNoVersion) {
		t.Errorf("going back to a version that never was: %v", err)
	}
}

func TestRefusedVersions(t *testing.T) {
	good := `extension("1", function() return "good" end)`
	for _, test := range []struct{ name, text, file, says string }{
		{"syntax", "local x = = 1", "scripts/dialplan.lua", "unexpected"},
		{"end missing", "if true then\n", "scripts/dialplan.lua", "ends in the middle"},
		{"undeclared", "\nextention('1', function() end)", "scripts/dialplan.lua", `did you mean "extension"?`},
		{"assigned", "\nnumber = 5", "scripts/dialplan.lua", `write "local number"`},
		{"in a function", "local function f()\n count = 1 end", "scripts/dialplan.lua", "not declared"},
		{"library name", "math = 1", "scripts/dialplan.lua", "name of the library"},
		{"member", "local x = string.fromat('x')", "scripts/dialplan.lua", `did you mean "format"?`},
		{"plain Lua", "os.execute('reboot')", "scripts/dialplan.lua", "not part of this Lua"},
		{"runtime", "local x = nil\nx.y = 1", "scripts/dialplan.lua", "index"},
		{"endless", "while true do end", "scripts/dialplan.lua", "too long"},
		{"module", "require 'm.missing'", "scripts/dialplan.lua", `no module "m.missing"`},
		{"exploding", "explode()", "scripts/dialplan.lua", "internal error"},
		{"too deep", "return " + strings.Repeat("{", 4000) + strings.Repeat("}", 4000), "scripts/dialplan.lua", "nested too deeply"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, site := editableHost(t, Options{Limits: Limits{LoadInstructions: 1e6}}, "dialplan.lua", good)
			must(t, h.Load(context.Background()))
			site.set("dialplan.lua", test.text)
			_, err := h.Reload(context.Background())
			var e *ScriptError
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.File != test.file || e.Line == 0 || e.Source == "" || !strings.Contains(e.Message, test.says) {
				t.Errorf("got %+v", e)
			}
			if h.LastError() == nil || h.Current().Number() != 1 || h.says(t, "1") != "good" {
				t.Error("the old version does not serve")
			}
		})
	}
}

func TestReportShowsThePlace(t *testing.T) {
	h, _ := editableHost(t, Options{}, "dialplan.lua", "local t = 1\n\n  extention('1', t)\n")
	err := h.Load(context.Background())
	want := `scripts/dialplan.lua:3: "extention" is not declared; did you mean "extension"?
    3 |   extention('1', t)
          ^`
	if got := Report(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTraceback(t *testing.T) {
	h := newHost(t, "dialplan.lua", `
local function inner(x)
  return x.field.deeper
end
local function outer() local r = inner({}) return r end
extension("1", function()
  local ok = outer()
  return ok
end)`)
	_, err := dial(t, h, "1")
	var e *ScriptError
	if !errors.As(err, &e) || e.Line != 3 || len(e.Traceback) != 3 {
		t.Fatalf("got %v\n%s", err, Report(err))
	}
	for i, line := range []int{3, 5, 7} {
		if f := e.Traceback[i]; f.Line != line || f.File != "scripts/dialplan.lua" {
			t.Errorf("frame %d: %+v", i, f)
		}
	}
}

func TestRequire(t *testing.T) {
	h := newHost(t,
		"config.lua", `extension("0", function() return "config" end)`,
		"dialplan.lua", `
			local a, again = require "lib.a", require "lib.a"
			extension("1", function() a.count = a.count + 1 return a.count, a == again end)
			extension("2", function() return pcall(require, "loop.a") end)
			extension("3", function() return require "folder" end)
			extension("4", function() return require "config" end)`,
		"lib/a.lua", `return {count = 0}`,
		"loop/a.lua", `return require "loop.b"`, "loop/b.lua", `return require "loop.a"`,
		"folder/init.lua", `return "folder's"`,
		"dialplan_test.lua", `this is no Lua`, ".hidden.lua", `nor is this`)
	for range 2 { // nothing is kept from call to call
		if results, err := dial(t, h, "1"); err != nil || results[0] != lua.LNumber(1) || results[1] != lua.LTrue {
			t.Errorf("got %v, %v", results, err)
		}
	}
	results, err := dial(t, h, "2")
	if err != nil || !strings.Contains(results[1].String(), "require each other") {
		t.Errorf("got %v, %v", results, err)
	}
	if got := h.says(t, "3"); got != "folder's" {
		t.Errorf("got %q", got)
	}
	if results, err := dial(t, h, "4"); err != nil || results[0] != lua.LTrue {
		t.Errorf("got %v, %v", results, err)
	}
}

// TestModuleDeclaresOnce: a module that declares something is collected once,
// however many files require it, and its functions are found from any of them.
func TestModuleDeclaresOnce(t *testing.T) {
	count := 0
	library := &testLibrary{install: func(L *lua.LState) {
		L.SetGlobal("hook", L.NewFunction(func(L *lua.LState) int {
			s := FromLua(L)
			ref := s.Declare(L, "hook", "", L.CheckFunction(1))
			if s.Collecting() {
				count++
				s.Declarations().(*declarations).refs[fmt.Sprint("hook", count)] = ref
			}
			return 0
		}))
	}}
	h, _ := editableHost(t, Options{Library: library, Plugins: files("p/init.lua", `hook(function() return "plugin" end) return {name = "p"}`)},
		"a.lua", `require "m.routes" require "p" hook(function() return "a1" end) hook(function() return "a2" end)`,
		"b.lua", `require "m.routes" hook(function() return "b" end)`,
		"m/routes.lua", `hook(function() return "routes" end)`)
	must(t, h.Load(context.Background()))
	var got []string
	for i := 1; i <= count; i++ {
		got = append(got, h.says(t, fmt.Sprint("hook", i)))
	}
	if want := "routes a1 a2 b plugin"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDeclaredOnlySometimes(t *testing.T) {
	library := &testLibrary{install: func(L *lua.LState) {
		L.SetGlobal("loading", L.NewFunction(func(L *lua.LState) int {
			L.Push(lua.LBool(FromLua(L).Phase() == Loading))
			return 1
		}))
	}}
	h, _ := editableHost(t, Options{Library: library}, "dialplan.lua", "if loading() then\n extension('1', function() end)\nend")
	must(t, h.Load(context.Background()))
	_, err := dial(t, h, "1")
	var e *ScriptError
	if !errors.As(err, &e) || e.Line != 2 || !strings.Contains(e.Message, "declare it always") {
		t.Errorf("got %v", err)
	}
}

func TestLibraryModules(t *testing.T) {
	h, _ := editableHost(t, Options{Globals: []string{"greet"}, Lib: files(
		"greet.lua", `
			local Greeter = {}
			Greeter.__index = Greeter
			function Greeter:say() return self.word end
			local words = {"hello", "bye", nested = {"deep"}}
			local M = {words = words}
			function M.new(i) return setmetatable({word = words[i]}, Greeter) end
			function M.spoil() words[1] = "spoilt" end
			return M`,
		"deep/other.lua", `local greet = require "greet" return {twice = function(i) return greet.new(i):say() .. greet.new(i):say() end}`)},
		"dialplan.lua", `
			extension("1", function()
				local n = 0
				for _ in ipairs(greet.words) do n = n + 1 end
				return require("deep.other").twice(2), #greet.words, n, table.concat(greet.words, "+"), greet.words.nested[1], greet == require "greet"
			end)
			extension("2", function() greet.spoil() end)
			extension("3", function() greet.words[1] = "x" end)
			extension("4", function() greet.new = nil end)`)
	must(t, h.Load(context.Background()))
	results, err := dial(t, h, "1")
	if err != nil {
		t.Fatal(Report(err))
	}
	if got, want := fmt.Sprint(results), "[byebye 2 2 hello+bye deep true]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, number := range []string{"2", "3", "4"} {
		if _, err := dial(t, h, number); err == nil || !strings.Contains(err.Error(), "belongs to the library") {
			t.Errorf("extension %s: %v", number, err)
		}
	}
	_, err = New(Options{Log: quiet, Lib: files("bad.lua", `local n = 0 return {next = function() n = n + 1 return n end}`)})
	if err == nil || !strings.Contains(err.Error(), "shared by all calls") {
		t.Errorf("a library module that changes its variables: %v", err)
	}
}

func TestMissingFolder(t *testing.T) {
	dir := siteFolder(t, "dialplan.lua", says("x"))
	h, err := New(Options{ScriptsDir: dir, Library: &testLibrary{}, Log: quiet})
	must(t, err)
	must(t, h.Load(context.Background()))
	must(t, os.Rename(dir, dir+".gone"))
	if err := h.Load(context.Background()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if got := h.says(t, "1"); got != "x" {
		t.Errorf("the old version answers %q", got)
	}
}

func TestAccept(t *testing.T) {
	refuse := errors.New("a test failed")
	var answer error
	h, _ := editableHost(t, Options{Accept: func(context.Context, *Version) error { return answer }}, "dialplan.lua", says("x"))
	must(t, h.Load(context.Background()))
	answer = refuse
	if err := h.Load(context.Background()); !errors.Is(err, refuse) {
		t.Errorf("got %v", err)
	}
	if h.Current().Number() != 1 {
		t.Error("a version that was not accepted serves")
	}
}

// TestConcurrentCalls runs scripts that touch everything shared, in many states
// at once, while versions change. It is for the race detector.
func TestConcurrentCalls(t *testing.T) {
	text := func(n int) string {
		return fmt.Sprintf(`
			local version = %d
			extension("1", function()
				local keys = 0
				for k in pairs(string) do keys = keys + 1 end
				for k, v in next, math do keys = keys + 1 end
				local s = ("a,b,c"):gsub(",", {[","] = ";"}):upper()
				local t = setmetatable({}, {__index = table})
				for i = 1, 50 do t[#t + 1] = math.random(100) .. s end
				table.sort(t)
				pcall(error, "x") pcall(function() string.x = 1 end)
				local co = coroutine.wrap(function() while true do coroutine.yield(string.rep("x", 3)) end end)
				co() co()
				for w in s:gmatch("%%a") do t[w] = shared.list[1] .. tostring(#shared.list) end
				return version
			end)`, n)
	}
	h, site := editableHost(t, Options{Globals: []string{"shared"}, Lib: files("shared.lua", `return {list = {"one", "two"}}`)}, "dialplan.lua", text(1))
	ctx := context.Background()
	must(t, h.Load(ctx))
	goroutines := runtime.NumGoroutine()
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 50 {
				v := h.Current()
				s, err := h.Begin(v, nil)
				if err != nil {
					t.Error(err)
					return
				}
				results, err := s.Call(ref(t, v, "1"))
				if err != nil {
					t.Error(Report(err))
				} else if results[0] != lua.LNumber(v.Number()) {
					t.Errorf("version %d ran in version %d", int(results[0].(lua.LNumber)), v.Number())
				}
				s.Close()
			}
		})
	}
	for n := 2; n <= 20; n++ {
		if n%2 == 0 {
			site.set("dialplan.lua", "broken(")
			if h.Load(ctx) == nil {
				t.Error("a broken file was loaded")
			}
		}
		site.set("dialplan.lua", text(n))
		must(t, h.Load(ctx))
	}
	calls.Wait()
	left := func() int { return runtime.NumGoroutine() - goroutines }
	for turns := 0; left() > 0 && turns < 100_000; turns++ {
		runtime.Gosched() // they may be on their last instructions
	}
	if left() > 0 {
		t.Errorf("%d goroutines are left of coroutines", left())
	}
}

func TestMemoryComesBack(t *testing.T) {
	h, site := editableHost(t, Options{}, "dialplan.lua", says("x"))
	ctx := context.Background()
	big := func(n int) string {
		return says(fmt.Sprint(n)) + strings.Repeat(fmt.Sprintf("local function f() return {%d, 'some text', function() end} end\n", n), 150)
	}
	turn := func(n int) {
		site.set("dialplan.lua", big(n), "m/a.lua", "return "+strings.Repeat("{", 20)+strings.Repeat("}", 20))
		must(t, h.Load(ctx))
		for range 20 {
			h.says(t, "1")
		}
	}
	for n := range 30 {
		turn(n)
	}
	before := heap()
	for n := range 100 {
		turn(1000 + n)
	}
	if after := heap(); after > before+before/4+1<<20 {
		t.Errorf("the heap grew from %d to %d KB over 100 loads", before>>10, after>>10)
	}
	runtime.KeepAlive(h)
}

func TestAnalyse(t *testing.T) {
	h := newHost(t)
	for _, test := range []struct{ text, want string }{
		{"local x = 1 return x", ""},
		{"function helper() return later() end function later() end", ""},
		{"local function f() return f end", ""},
		{"for i = 1, 2 do local j = i end\nreturn i", "2:8 "},
		{"repeat local done = true until done", ""},
		{"local t = {} function t.a.b:c() return self end", ""},
		{"return self", "1:8 "},
		{"goto x ::x::", ""},
		{"if string.pack then end", "1:11 warning "},
		{"string.pack()", "1:8 "},
		{"local string = {} string.pack()", ""},
		{"x, y = 1, 2", "1:1 1:4 "},
		{"return ...", ""},
	} {
		var got strings.Builder
		for _, f := range h.Analyse("x.lua", test.text) {
			fmt.Fprintf(&got, "%d:%d ", f.Line, f.Column)
			if f.Warning {
				got.WriteString("warning ")
			}
		}
		if got.String() != test.want {
			t.Errorf("%s: got %q, want %q: %v", test.text, got.String(), test.want, h.Analyse("x.lua", test.text))
		}
	}
}
