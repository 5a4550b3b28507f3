package host

import (
	crand "crypto/rand"
	"encoding/binary"
	"math"
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"
)

// random is a state's source of random numbers, made when first asked for.
type random struct{ source *rand.Rand }

// installMath installs the math library, with random numbers of each state's own.
func (t *template) installMath() {
	t.L.Push(t.L.NewFunction(lua.OpenMath))
	t.L.Call(0, 0)
	library := t.L.GetGlobal("math").(*lua.LTable)
	library.RawSetString("huge", lua.LNumber(math.Inf(1)))
	library.RawSetString("random", t.L.NewFunction(mathRandom))
	library.RawSetString("randomseed", t.L.NewFunction(mathRandomSeed))
}

func (s *State) rand() *rand.Rand {
	if s.random.source == nil {
		seed := s.host.options.Seed
		if seed == nil {
			seed = systemSeed
		}
		s.random.source = rand.New(rand.NewPCG(seed(), 0))
	}
	return s.random.source
}

func systemSeed() uint64 {
	var b [8]byte
	crand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}

func mathRandom(L *lua.LState) int {
	source := FromLua(L).rand()
	if L.GetTop() == 0 {
		L.Push(lua.LNumber(source.Float64()))
		return 1
	}
	low, high := int64(1), L.CheckInt64(1)
	if L.GetTop() > 1 {
		low, high = high, L.CheckInt64(2)
	}
	if high < low || high-low < 0 || high-low == math.MaxInt64 {
		L.ArgError(L.GetTop(), "the interval is empty")
	}
	L.Push(lua.LNumber(low + source.Int64N(high-low+1)))
	return 1
}

func mathRandomSeed(L *lua.LState) int {
	FromLua(L).random.source = rand.New(rand.NewPCG(uint64(L.CheckInt64(1)), 0))
	return 0
}
