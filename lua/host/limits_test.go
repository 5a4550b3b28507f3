package host

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// bombs are scripts that would take a process without limits down.
var bombs = []struct {
	name, body string
	is         error  // that ends the script
	says       string // in the message, where a script may also catch the error
}{
	{name: "endless loop", body: `while true do end`, is: ErrTooLong},
	{name: "endless loop with work", body: `local t = {} while true do t.x = (t.x or 0) + 1 end`, is: ErrTooLong},
	{name: "endless tail calls", body: `local function f() return f() end f()`, is: ErrTooLong},
	{name: "goto", body: `::again:: goto again`, is: ErrTooLong},
	{name: "pcall loop", body: `while true do pcall(function() while true do end end) end`, is: ErrTooLong},
	{name: "nested pcall loops", body: `local function f() while true do pcall(f) end end f()`, is: ErrTooLong},
	{name: "xpcall handler loops", body: `xpcall(error, function() while true do end end)`, is: ErrTooLong},
	{name: "error in handler", body: `xpcall(error, function() error "again" end)`, says: "again"},
	{name: "doubling string", body: `local s = "x" while true do s = s .. s end`, says: "too long"},
	{name: "doubling, caught", body: `local s = "x" while true do pcall(function() s = s .. s end) end`, is: ErrTooLong},
	{name: "many operands", body: `local s = ("x"):rep(4000000) local t = ` + strings.Repeat("s..", 100) + `s`, says: "too long"},
	{name: "string.rep", body: `local s = ("x"):rep(1e15)`, says: "too long"},
	{name: "keeping long strings", body: `local t = {} for i = 1, 1e6 do t[i] = ("x"):rep(1e6) end`, is: ErrMemory},
	{name: "keeping in locals", body: `local function f(s) local mine = s .. ("y"):rep(1e6) return f(mine:sub(1, 10)) .. mine end f("")`, is: ErrMemory},
	{name: "format width", body: `return ("%999999999d"):format(1)`, says: "two digits"},
	{name: "format many", body: `return ("%99s"):rep(80000):format(` + `unpack((function() local t = {} for i = 1, 5000 do t[i] = "x" end return t end)()))`, says: "no value"},
	{name: "gsub", body: `local s = ("x"):rep(100000) return s:gsub(".", s)`, says: "too long"},
	{name: "gsub function", body: `return ("x"):rep(1e6):gsub(".", function() while true do end end)`, is: ErrTooLong},
	{name: "table.concat", body: `local t = {} for i = 1, 1000 do t[i] = ("x"):rep(100000) end return table.concat(t)`, is: nil, says: ""},
	{name: "growing table", body: `local t = {} while true do t[#t + 1] = {} end`, is: ErrMemory},
	{name: "growing hash", body: `local t, i = {}, 0 while true do i = i + 1 t["k" .. i] = i end`, is: ErrMemory},
	{name: "float keys", body: `local t, i = {}, 0.5 while true do i = i + 1 t[i] = true end`, is: ErrMemory},
	{name: "nested tables", body: `local t = {} while true do t = {t} end`, is: ErrMemory},
	{name: "linked by constant names", body: `local head while true do local n = {} n.next = head head = n end`, is: ErrMemory},
	{name: "wide constructors", body: `local k = {} while true do k[#k + 1] = {1,2,3,4,5,6,7,8,9,10,a=1,b=2,c=3,d=4} end`, is: ErrMemory},
	{name: "closures", body: `local k = {} while true do local a, b, c = 1, 2, 3 k[#k + 1] = function() return a, b, c end end`, is: ErrMemory},
	{name: "far index", body: `local k = {} for i = 1, 1e6 do k[i] = {} k[i][1000000] = 1 end`, is: ErrMemory},
	{name: "far index in constructor", body: `local k, n = {}, 1000000 for i = 1, 1e6 do k[i] = {[n] = 1} end`, is: ErrMemory},
	{name: "far index by __newindex", body: `local k = {} for i = 1, 1e6 do k[i] = {} local t = setmetatable({}, {__newindex = k[i]}) t[1000000] = 1 end`, is: ErrMemory},
	{name: "far index by rawset", body: `local k = {} for i = 1, 1e6 do k[i] = {} rawset(k[i], 1000000, 1) end`, is: ErrMemory},
	{name: "far index by insert", body: `local t = {} table.insert(t, 1000000, 1)`, says: "out of range"},
	{name: "recursion", body: `local function f() return 1 + f() end return f()`, says: "nested too deeply"},
	{name: "recursion, caught", body: `local function f() return 1 + f() end while true do pcall(f) end`, is: ErrTooLong},
	{name: "recursion by pcall", body: `local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end f()`, says: "nested too deeply"},
	{name: "recursion by metamethod", body: `local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. "x"] end return t.x`, says: "nested too deeply"},
	{name: "recursion by tostring", body: `local t = setmetatable({}, {__tostring = tostring}) return tostring(t)`, says: "nested too deeply"},
	{name: "recursion by sort", body: `local function f() table.sort({3, 2, 1}, f) end f()`, says: "nested too deeply"},
	{name: "recursion by gsub", body: `local function f() return (("x"):gsub("x", f)) end return f()`, says: "nested too deeply"},
	{name: "unpack", body: `return unpack({}, 1, 1e9)`, says: "too many"},
	{name: "varargs", body: `local function f(...) return f(1, ...) end return f()`, says: "too many values"},
	{name: "select", body: `local function f(...) return select("#", ...) end local t = {} for i = 1, 8000 do t[i] = i end while true do f(unpack(t)) end`, is: ErrTooLong},
	{name: "sort without order", body: `local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end) table.sort(t, function() return math.random() < 0.5 end) while true do end`, is: ErrTooLong},
	{name: "sort that waits", body: `local t = {} for i = 1, 1000 do t[i] = i end while true do pcall(table.sort, t, function() error "x" end) end`, is: ErrTooLong},
	{name: "pattern", body: `return (("a"):rep(100)):match(("a-"):rep(30) .. "b")`, is: ErrTooLong},
	{name: "pattern, long subject", body: `return (("a"):rep(1e6)):find(".-.-.-b")`, is: ErrTooLong},
	{name: "pattern, nested", body: `return (("x"):rep(1000)):match(("x?"):rep(300))`, says: "too complex"},
	{name: "bad pattern", body: `return ("x"):match("[a")`, says: "without its"},
	{name: "long comparison", body: `local a, b = ("x"):rep(8e6), ("x"):rep(8e6) while true do if a < b then return end end`, is: ErrTooLong},
	{name: "long search", body: `local a = ("x"):rep(8e6) while true do a:find("y", 1, true) end`, is: ErrTooLong},
	{name: "long number", body: `local a = ("1"):rep(8e6) while true do pcall(function() return a + 1 end) end`, is: ErrTooLong},
	{name: "length after removal", body: `local t = {} for i = 1, 1e6 do t[i] = i end for i = 1e6, 1, -1 do t[i] = nil end for i = 1, 1e6 do local n = #t end while true do end`, is: ErrTooLong},
	{name: "deleted keys", body: `local t, i = {}, 0 while true do i = i + 1 local k = "k" .. i t[k] = true t[k] = nil end`, is: ErrTooLong},
	{name: "metatable loop", body: `local t = {} setmetatable(t, {__index = t}) return t.x`, says: "refers to itself"},
	{name: "setting shared", body: `string.format = nil`, says: "belongs to the library"},
	{name: "setting shared by key", body: `local k = "format" string[k] = nil`, says: "belongs to the library"},
	{name: "rawset shared", body: `rawset(string, "format", nil)`, says: "belongs to the library"},
	{name: "insert into shared", body: `table.insert(string, 1)`, says: "belongs to the library"},
	{name: "sort shared", body: `table.sort(string)`, says: "belongs to the library"},
	{name: "metatable of shared", body: `setmetatable(string, {})`, says: "protected"},
	{name: "endless coroutine", body: `local co = coroutine.wrap(function() while true do end end) co()`, is: ErrTooLong},
	{name: "coroutine, caught", body: `while true do coroutine.resume(coroutine.create(function() while true do end end)) end`, is: ErrTooLong},
	{name: "coroutines in coroutines", body: `local function f() coroutine.wrap(f)() end f()`, says: "coroutines"},
	{name: "many coroutines", body: `local t = {} for i = 1, 1e6 do t[i] = coroutine.create(function() end) end`, says: "more than 64"},
	{name: "memory in a coroutine", body: `coroutine.wrap(function() local t = {} while true do t[#t + 1] = {} end end)()`, is: ErrMemory},
	{name: "memory in sleeping coroutines", body: `local t = {} for i = 1, 60 do t[i] = coroutine.wrap(function() local s = ("x"):rep(4e6) coroutine.yield() return s end) t[i]() end`, is: ErrMemory},
	{name: "panic in a coroutine", body: `coroutine.wrap(function() explode() end)()`, is: ErrInternal},
	{name: "panic in a function", body: `explode()`, is: ErrInternal},
	{name: "panic, caught", body: `while true do pcall(explode) end`, is: ErrInternal},
	{name: "not a function", body: `local x = 5 x()`, says: "not a function"},
}

func TestBombs(t *testing.T) {
	for _, bomb := range bombs {
		t.Run(bomb.name, func(t *testing.T) {
			limits := Limits{Instructions: 10e6, Time: time.Second}
			if bomb.is != ErrTooLong {
				limits = Limits{Time: time.Minute, Values: 1 << 14} // the race detector makes everything slow
			}
			h, _ := editableHost(t, Options{Limits: limits}, "dialplan.lua", "extension('1', function(...)\n"+bomb.body+"\nend)")
			must(t, h.Load(context.Background()))
			started := time.Now()
			_, err := dial(t, h, "1")
			took := time.Since(started)
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			t.Logf("%v, heap at most %d MB: %v", took, stats.HeapSys>>20, err)
			if bomb.is == nil && bomb.says == "" {
				return
			}
			var e *ScriptError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *ScriptError", err)
			}
			if bomb.is != nil && !errors.Is(err, bomb.is) {
				t.Errorf("got %v, want %v", err, bomb.is)
			}
			if !strings.Contains(e.Message, bomb.says) {
				t.Errorf("got %q, want %q in it", e.Message, bomb.says)
			}
			if e.File != "scripts/dialplan.lua" || e.Line == 0 {
				t.Errorf("no place: %+v", e)
			}
			if most := uint64(1 << 30); stats.HeapSys > most {
				t.Errorf("the heap grew to %d MB", stats.HeapSys>>20)
			}
		})
	}
}

func TestInterrupt(t *testing.T) {
	started := make(chan struct{}, 1)
	library := &testLibrary{install: func(L *lua.LState) {
		L.SetGlobal("begun", L.NewFunction(func(*lua.LState) int { started <- struct{}{}; return 0 }))
	}}
	h, err := New(Options{Library: library, Log: quiet, Scripts: files("dialplan.lua", `
		extension('1', function()
			begun()
			while true do pcall(function() while true do pcall(error) end end) end
		end)`)})
	must(t, err)
	must(t, h.Load(context.Background()))
	s, err := h.Begin(nil, nil)
	must(t, err)
	defer s.Close()
	hungUp := errors.New("hung up")
	go func() { <-started; s.Interrupt(hungUp) }()
	_, err = s.Call(ref(t, h.Current(), "1"))
	if !errors.Is(err, hungUp) {
		t.Fatalf("got %v", err)
	}
	if s.Err() != hungUp {
		t.Errorf("Err is %v", s.Err())
	}
	select {
	case <-s.Interrupted():
	default:
		t.Error("Interrupted is open")
	}
}

func TestCleanup(t *testing.T) {
	library := &testLibrary{install: func(L *lua.LState) {
		L.SetGlobal("on_hangup", L.NewFunction(func(L *lua.LState) int {
			s, f := FromLua(L), L.CheckFunction(1)
			s.Cleanup(func() {
				if _, err := s.Invoke(f); err != nil {
					panic(err)
				}
			})
			return 0
		}))
		L.SetGlobal("hang_up", L.NewFunction(func(L *lua.LState) int {
			FromLua(L).Interrupt(errors.New("hung up while cleaning up"))
			return 0
		}))
		L.SetGlobal("note", L.NewFunction(func(L *lua.LState) int {
			notes := FromLua(L).Data().(*[]string)
			*notes = append(*notes, L.CheckString(1))
			return 0
		}))
	}}
	h, err := New(Options{Library: library, Log: quiet, Limits: Limits{Instructions: 1e6}, Scripts: files("dialplan.lua", `
		extension('1', function()
			local word = "early"
			on_hangup(function() note("last " .. word) end)
			on_hangup(function() while true do end end)
			on_hangup(function() hang_up() for i = 1, 1000 do end note("first " .. word) end)
			word = "late"
			while true do end
		end)`)})
	must(t, err)
	must(t, h.Load(context.Background()))
	var notes []string
	s, err := h.Begin(nil, &notes)
	must(t, err)
	defer s.Close()
	if _, err := s.Call(ref(t, h.Current(), "1")); !errors.Is(err, ErrTooLong) {
		t.Fatalf("got %v", err)
	}
	err = s.RunCleanup(100_000)
	if !errors.Is(err, ErrTooLong) {
		t.Errorf("clean-up returned %v", err)
	}
	if got := strings.Join(notes, ", "); got != "first late, last late" {
		t.Errorf("noted %q", got)
	}
}
