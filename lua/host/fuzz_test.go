package host

import (
	"context"
	"errors"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// FuzzScript loads and runs any text as a script: it may be refused or fail, and
// must neither panic nor run on. An internal error would be a panic that was
// caught, so it fails too.
func FuzzScript(f *testing.F) {
	for _, bomb := range bombs {
		if bomb.is != ErrInternal {
			f.Add(bomb.body)
		}
	}
	for _, seed := range []string{
		`extension("1", function(...) return ... end)`,
		`local a <const> = 1`, "#!shebang\nreturn 1", "\ufeffreturn 2", "return 0x, 1e, 'a\\999'",
		`local t = {f(), [1] = 2, ["x"] = 3, 4; n = nil} t[1], t.x, t[t] = 1, 2, 3`,
		`for k, v in pairs({1, 2, a = 3}) do print(k, v) end for i = 10, 1, -3 do goto on ::on:: end`,
		`return select(-1, pcall(string.format, "%5.2f|%-5s|%q|%x|%c|%g|%%", 1, "a", "b\0", 255, 65, 1e100))`,
		`return ("key = value"):gsub("(%w+) = (%w+)", "%2 = %1"), ("abc"):find("b", 1, true), ("f(a(b)c)"):match("%b()"), ("THE (quick) fox"):find("%f[%a]%a+")`,
		`local mt = {__index = function(t, k) return k end, __newindex = rawset, __call = function(self, x) return x end, __eq = rawequal, __lt = function() return true end, __concat = function() return "c" end, __len = function() return 3 end, __unm = function() return 1 end, __tostring = function() return "t" end} local t = setmetatable({}, mt) return t.x .. t .. t(5), -t, t < t, tostring(t), #t`,
		`return tonumber("0b1"), tonumber("1_000"), tonumber("inf"), tonumber("0x1p4"), tonumber("z", 36), tonumber(" 1 ")`,
		`return table.concat({1, 2, 3}, ", ", 2, 3), table.remove({1, 2, 3}, 1), unpack({1, 2, 3}, -1, 1), table.maxn({[1.5] = 1})`,
	} {
		f.Add(seed)
	}
	h, err := New(Options{Library: &fuzzLibrary{}, Log: quiet, Limits: Limits{
		Instructions: 50_000, LoadInstructions: 50_000, Time: 500 * time.Millisecond,
		String: 1 << 16, Memory: 4 << 20, Depth: 150, Values: 5000, Prepared: 1,
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := compile(newSource("scripts/fuzz.lua", text), false, len(text)%2 == 0)
		if err != nil {
			var e *ScriptError
			if !errors.As(err, &e) || errors.Is(err, ErrInternal) {
				t.Fatalf("%v", err)
			}
			return
		}
		file.analyse(h.template.known)
		v := newVersion(h, 1)
		v.files["scripts/fuzz.lua"] = file
		v.entries = []*script{file}
		v.declarations = h.options.Library.NewDeclarations()
		s := h.newState(h.take(), v, Loading)
		defer s.Close()
		v.live.Add(1)
		s.Refuel()
		_, err = s.runEntry(file)
		if errors.Is(err, ErrInternal) {
			t.Fatalf("%s\n%v", text, Report(err))
		}
		for _, r := range v.declarations.(*declarations).refs {
			s.Refuel()
			if _, err := s.Call(r, lua.LNumber(1), lua.LString("x")); errors.Is(err, ErrInternal) {
				t.Fatalf("%s\n%v", text, Report(err))
			}
		}
	})
}

type fuzzLibrary struct{}

func (*fuzzLibrary) Install(L *lua.LState) error {
	L.SetGlobal("extension", L.NewFunction(func(L *lua.LState) int {
		s := FromLua(L)
		number := L.CheckString(1)
		ref := s.Declare(L, "extension", number, L.CheckFunction(2))
		if s.Collecting() {
			s.Declarations().(*declarations).refs[number] = ref
		}
		return 0
	}))
	return nil
}

func (*fuzzLibrary) NewDeclarations() any         { return &declarations{refs: map[string]Ref{}} }
func (*fuzzLibrary) Complete(any, *Version) error { return nil }

// FuzzPattern matches any pattern against any subject.
func FuzzPattern(f *testing.F) {
	f.Add("hello world", "(%w+) (%w+)", "%2 %1")
	f.Add("x = [[y]]", "%b[]", "")
	f.Add("aaa", "a-b?[^a-c%d%]]*()$", "%0")
	f.Add("", "^", "%1")
	h := newHost(f, "dialplan.lua", `extension("1", function(s, p, r)
		local ok, e = pcall(string.find, s, p)
		pcall(string.gsub, s, p, r)
		pcall(function() for a, b in s:gmatch(p) do if a == b then return end end end)
		return s:match(p)
	end)`)
	h.options.Limits.Instructions = 100_000
	must(f, h.Load(context.Background()))
	f.Fuzz(func(t *testing.T, subject, pattern, replacement string) {
		_, err := dial(t, h, "1", lua.LString(subject), lua.LString(pattern), lua.LString(replacement))
		if errors.Is(err, ErrInternal) {
			t.Fatal(Report(err))
		}
	})
}
