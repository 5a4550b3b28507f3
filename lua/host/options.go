package host

import (
	"context"
	"io/fs"
	"log/slog"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/clock"
)

// Library is what scripts may call beyond the language itself.
type Library interface {
	// Install puts functions and tables among the globals of the template state,
	// once. Afterwards every table that is reachable from them is read-only and
	// shared by all states; functions must not keep anything of one call.
	Install(L *lua.LState) error

	// NewDeclarations returns an empty collector for one Version. Functions find
	// it by State.Declarations while scripts load.
	NewDeclarations() any

	// Complete is called when all scripts of v have run. It checks and freezes
	// what d collected; an error refuses the Version.
	Complete(d any, v *Version) error
}

// Options says what a Host serves and within which limits.
type Options struct {
	// Scripts holds the site's own Lua files; nil means none.
	Scripts fs.FS
	// Plugins holds one folder per plugin, each with an init.lua; nil means none.
	Plugins fs.FS
	// Lib holds library modules written in Lua. They run once per Host, in the
	// template state, and are shared read-only by all calls.
	Lib fs.FS

	// Tests, where not "", is a file of tests, "scripts/demo_test.lua". It alone is
	// run when a Version loads; the site's files are there to be required.
	Tests string

	// ScriptsDir and PluginsDir, where not "", are the folders behind Scripts and
	// Plugins: they are opened when the matching FS is nil, and Watch watches them.
	ScriptsDir string
	PluginsDir string

	// Globals names the Lib modules that scripts see without require.
	Globals []string

	Library Library
	Clock   clock.Clock  // clock.Real when nil
	Log     *slog.Logger // slog.Default() when nil
	Limits  Limits

	// Compiled, where not nil, is shared with other Hosts of the same files.
	Compiled *Compiled

	// Seed starts the random numbers of a state; nil seeds from the system.
	Seed func() uint64

	// Line, where not nil, follows the site's files statement by statement.
	Line LineFunc

	// Accept, where not nil, is asked before a loaded Version is put in place; an
	// error refuses it.
	Accept func(ctx context.Context, v *Version) error

	// Declared, where not nil, is shown each function that scripts declare while a
	// Version loads, for those who examine scripts. It runs on the loading goroutine.
	Declared func(ref Ref, fn *lua.LFunction)

	// Loaded, where not nil, hears the outcome of every load: the Version now
	// serving, or the error that kept the old one. It runs on the loading
	// goroutine.
	Loaded func(v *Version, err error)
}

// LineFunc is called before a statement, on the goroutine of the state that runs
// it, for tools that follow scripts. It may wait, and may raise an error in L.
type LineFunc func(s *State, L Thread, file string, line int)

// Thread is one of the interpreter's threads that a state runs on.
type Thread = *lua.LState

// Limits bound what one script can use up. Zero fields take the default.
type Limits struct {
	// Instructions is how many Lua instructions may run between two calls of
	// Refuel, which blocking functions make. Default 40 million, about a second.
	Instructions int64
	// Time is how long the same may take. It ends scripts that get little done
	// with each instruction; the time is the wall clock's, so a machine that is
	// loaded needs some room. Default 10 seconds.
	Time time.Duration
	// LoadInstructions stands for Instructions for each file while a Version loads.
	// Default 100 million.
	LoadInstructions int64
	// String is the length of the longest string, in bytes. Default 8 MiB.
	String int
	// Memory is how much a state's reachable values may take, in bytes, by a
	// rough but fair count. Default 64 MiB.
	Memory int
	// Total is the same for all states together. Default 256 MiB.
	Total int
	// Depth is how many calls may be nested. Default 1000.
	Depth int
	// Values is how many values may be on a state's stack at once: arguments,
	// locals and results together. Default 65536.
	Values int
	// FileSize is the size of the largest source file, in bytes. Default 1 MiB.
	FileSize int
	// Files is how many source files a site may have. Default 2000.
	Files int
	// Coroutines is how many unfinished coroutines a state may have. Default 64.
	Coroutines int
	// Prepared is how many states are kept ready ahead of the calls that will
	// need them. Default 64.
	Prepared int
	// History is how many Versions Rollback can go back to. Default 10.
	History int
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	if l.Instructions <= 0 {
		l.Instructions = 40_000_000
	}
	if l.LoadInstructions <= 0 {
		l.LoadInstructions = 100_000_000
	}
	if l.Time <= 0 {
		l.Time = 10 * time.Second
	}
	set(&l.String, 8<<20)
	set(&l.Memory, 64<<20)
	set(&l.Total, 256<<20)
	set(&l.Depth, 1000)
	set(&l.Values, 1<<16)
	set(&l.FileSize, 1<<20)
	set(&l.Files, 2000)
	set(&l.Coroutines, 64)
	set(&l.Prepared, 64)
	set(&l.History, 10)
	return l
}
