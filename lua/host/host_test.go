package host

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	lua "github.com/yuin/gopher-lua"
)

// testLibrary offers extension(number, function) and a few functions that misbehave.
type testLibrary struct {
	install func(L *lua.LState)
}

type declarations struct{ refs map[string]Ref }

func (l *testLibrary) Install(L *lua.LState) error {
	L.SetGlobal("extension", L.NewFunction(func(L *lua.LState) int {
		s := FromLua(L)
		number := L.CheckString(1)
		ref := s.Declare(L, "extension", number, L.CheckFunction(2))
		if s.Collecting() {
			s.Declarations().(*declarations).refs[number] = ref
		}
		return 0
	}))
	L.SetGlobal("explode", L.NewFunction(func(L *lua.LState) int {
		var p *int
		return *p
	}))
	if l.install != nil {
		l.install(L)
	}
	return nil
}

func (l *testLibrary) NewDeclarations() any         { return &declarations{refs: map[string]Ref{}} }
func (l *testLibrary) Complete(any, *Version) error { return nil }

// files makes a file system of pairs: name, text.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// newHost makes a host of pairs of files in scripts/, loaded.
func newHost(t testing.TB, pairs ...string) *Host {
	t.Helper()
	h, err := New(Options{Scripts: files(pairs...), Library: &testLibrary{}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Load(context.Background()); err != nil {
		t.Fatal(Report(err))
	}
	return h
}

func ref(t testing.TB, v *Version, number string) Ref {
	t.Helper()
	r := v.Declarations().(*declarations).refs[number]
	if r.IsZero() {
		t.Fatalf("no extension %s", number)
	}
	return r
}

// dial runs an extension in a state of its own.
func dial(t testing.TB, h *Host, number string, arguments ...lua.LValue) ([]lua.LValue, error) {
	t.Helper()
	s, err := h.Begin(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Call(ref(t, h.Current(), number), arguments...)
}

// eval runs the body of a function and returns its results as text.
func eval(t testing.TB, body string) (string, error) {
	t.Helper()
	h := newHost(t, "dialplan.lua", "extension('1', function(...)\n"+body+"\nend)")
	results, err := dial(t, h, "1")
	words := make([]string, len(results))
	for i, v := range results {
		words[i] = v.String()
	}
	return strings.Join(words, " "), err
}

func TestLanguage(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"arithmetic", `return 1 + 2 * 3`, "7"},
		{"concat", `local a = "x" return a .. 1 .. "y" .. 2.5`, "x1y2.5"},
		{"concat metamethod", `local m = setmetatable({}, {__concat = function(a, b) return "joined" end}) return "a" .. m, m .. "b"`, "joined joined"},
		{"many concats", "local a = 'x' return #(a" + strings.Repeat("..a", 150) + ")", "151"},
		{"stores", `local t = {} for i = 1, 1000 do t[i] = i end return #t, t[1000]`, "1000 1000"},
		{"swap of locals", `local a, b, c = 1, 2, 3 a, b = b, a if a == 2 then a, b, c = c, a, b end return a, b, c`, "3 2 1"},
		{"swap of arguments", `local function f(a, b) a, b = b, a return a, b end return f(1, 2)`, "2 1"},
		{"swap with a field", `local a, b = {}, 5 local t = a a.x, b = b, a return t.x, b == t`, "5 true"},
		{"swap", `local t = {1, 2} local i, j = 1, 2 t[i], t[j] = t[j], t[i] return t[1], t[2]`, "2 1"},
		{"mixed assignment", `local t, x = {} local k = "a" t[k], x, t.b = (function() return 1, 2, 3 end)() return t.a, x, t.b`, "1 2 3"},
		{"computed fields", `local k = "a" local t = {1, 2, [k] = 3, [k .. "b"] = 4, 5} return #t, t.a, t.ab`, "3 3 4"},
		{"last field open", `local function f() return 1, 2, 3 end local k = "x" return #{f(), [k] = 1}, #{[k] = 1, f()}`, "1 3"},
		{"last field named", `local function f() return 1, 2, 3 end local t, u = {9, k = f()}, {9, k = {}} return #t, t.k, #u, #{9, k = {7}, 8}`, "1 1 1 2"},
		{"single", `local function f() return 1, 2 end local function g(s) s = (f()) return s end return g(0), (f())`, "1 1"},
		{"pcall keeps closures", `local n = 0 local function inc() n = n + 1 end inc() pcall(error, "x") inc() return n`, "2"},
		{"pcall results", `return pcall(function(a, b) return b, a end, 1, 2)`, "true 2 1"},
		{"pcall error", `return pcall(error, {})`, ""},
		{"xpcall", `return xpcall(function() error("e", 0) end, function(m) return m .. "!" end)`, "false e!"},
		{"shared methods", `return ("abc"):upper(), string.len("xy"), #string`, "ABC 2 0"},
		{"pairs of shared", `local n = 0 for k in pairs(math) do n = n + 1 end return n > 10`, "true"},
		{"tonumber", `return tonumber("1e3"), tonumber("0x10"), tonumber("ff", 16), tonumber("x"), tonumber(" 7 ")`, "1000 16 255 nil 7"},
		{"select", `return select("#", 1, 2), select(-1, 1, 2), select(2, 1, 2)`, "2 2 2"},
		{"generator", `local function count(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end local s = 0 for i in count(4) do s = s + i end return s`, "10"},
		{"yield in pcall", `local co = coroutine.create(function(a) local ok, e = pcall(function() local b = coroutine.yield(a + 1) error("e" .. b, 0) end) return e end) return select(2, coroutine.resume(co, 1)), select(2, coroutine.resume(co, 5)), coroutine.status(co), type(co)`, "2 e5 dead thread"},
		{"yield in sort and gsub", `local co = coroutine.wrap(function() local t = {3, 1, 2} table.sort(t, function(a, b) coroutine.yield() return a < b end) return (("x"):gsub("x", function() return coroutine.yield(t[1]) end)) end) local v repeat v = co("r") until v return v, co("done")`, "1 done"},
		{"coroutine error", `local co = coroutine.create(function() error("e", 0) end) return coroutine.resume(co)`, "false e"},
		{"coroutine ended", `local co = coroutine.wrap(function() end) co() return pcall(co)`, ""},
		{"coroutine status", `local co co = coroutine.create(function() return coroutine.status(co), coroutine.running() == co end) return coroutine.status(co), coroutine.resume(co)`, "suspended true running true"},
		{"compaction", `local t, n = {}, 0 for i = 1, 5000 do t["k" .. i] = i end for k in pairs(t) do t[k] = nil n = n + 1 end for i = 1, 3000 do t["x" .. i] = 1 t["x" .. i] = nil end return n, next(t)`, "5000 nil"},
		{"remove while traversing", `local t = {1, 2, 3, a = 1, b = 2} local n = 0 for k in pairs(t) do t[k] = nil n = n + 1 end return n, next(t)`, "5 nil"},
	} {
		got, err := eval(t, test.body)
		if err != nil {
			t.Errorf("%s: %v", test.name, Report(err))
		} else if test.want != "" && got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
