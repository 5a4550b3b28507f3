// Package translate runs the program that turns an Asterisk installation into a
// site.
//
// The program itself is Lua (scripts/translate): this package gives it a state
// with room for large dialplans, and nothing but the files of the installation
// to read and a set of files to write. So those who know only Lua can follow
// and change what is translated how, and a changed program can do no harm.
package translate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// Options says what to translate.
type Options struct {
	Program fs.FS  // scripts/translate, or somebody's own copy
	Input   fs.FS  // the installation's folder: /etc/asterisk
	Folder  string // what the configuration calls that folder; "" means /etc/asterisk
	Main    string // the dialplan's file; "" means extensions.conf
	Era     string // "1.2", "20"; "" or "auto" finds out
	Form    string // "structured": if and while where jumps allow it; "tables": all as tables of steps; "" means structured

	// Exists tells whether the site has a file already; nil: it has none.
	Exists func(path string) bool
	// Exec runs a command for #exec and returns what it printed; nil refuses.
	Exec func(ctx context.Context, command string) ([]byte, error)

	Log *slog.Logger // nil: slog.Default()
}

// Result is a translated installation.
type Result struct {
	Files    map[string][]byte // of the site, by their path in it
	Messages string            // the report for people, with line ends
	Report   []byte            // the report as JSON
	Inexact  int               // lines that are not translated exactly
}

// Translator is the program, loaded. Any goroutine may use it.
type Translator struct{ host *host.Host }

// limits leave room for dialplans of some hundred thousand lines.
var limits = host.Limits{
	Instructions: 100_000_000_000,
	Time:         15 * time.Minute,
	String:       256 << 20,
	Memory:       4 << 30,
	Total:        4 << 30,
	Prepared:     1,
}

// New loads the program.
func New(ctx context.Context, program fs.FS, log *slog.Logger) (*Translator, error) {
	if log == nil {
		log = slog.Default()
	}
	h, err := host.New(host.Options{
		Scripts: program,
		Lib:     lib.FS,
		Library: &library{API: api.New(api.Services{Log: log})},
		Log:     quiet,
		Limits:  limits,
	})
	if err != nil {
		return nil, err
	}
	if err := h.Load(ctx); err != nil {
		return nil, fmt.Errorf("load the translator: %w", err)
	}
	return &Translator{h}, nil
}

var quiet = slog.New(slog.DiscardHandler)

// library adds to the API the one function by which the program says where it
// begins.
type library struct{ *api.API }

type program struct {
	site  any
	begin host.Ref
}

func (l *library) Install(L *lua.LState) error {
	if err := l.API.Install(L); err != nil {
		return err
	}
	L.SetGlobal("translator", L.NewFunction(func(L *lua.LState) int {
		s := host.FromLua(L)
		ref := s.Declare(L, "translator", "", L.CheckFunction(1))
		if p, ok := s.Declarations().(*program); ok && s.Collecting() {
			p.begin = ref
		}
		return 0
	}))
	return nil
}

func (l *library) NewDeclarations() any { return &program{site: l.API.NewDeclarations()} }

func (l *library) Complete(d any, _ *host.Version) error {
	if d.(*program).begin.IsZero() {
		return errors.New("no file of the translator calls translator(function(job) … end)")
	}
	return nil
}

// Run translates one installation. The error says that nothing was translated;
// doubtful lines are no error.
func (t *Translator) Run(ctx context.Context, o Options) (*Result, error) {
	if o.Folder == "" {
		o.Folder = "/etc/asterisk"
	}
	if o.Main == "" {
		o.Main = "extensions.conf"
	}
	s, err := t.host.Begin(nil, nil)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.Interrupt(ctx.Err()) })()
	j := &job{ctx: ctx, options: o, state: s, files: map[string][]byte{}}
	begin := t.host.Current().Declarations().(*program).begin
	results, err := s.Call(begin, j.table(s.Lua()))
	if err != nil {
		var mistake *host.ScriptError
		if errors.As(err, &mistake) && mistake.File == "" {
			return nil, errors.New(mistake.Message)
		}
		return nil, err
	}
	if len(results) < 3 {
		return nil, errors.New("the translator returned no report")
	}
	return &Result{
		Files:    maps.Clone(j.files),
		Messages: lua.LVAsString(results[0]),
		Report:   []byte(lua.LVAsString(results[1])),
		Inexact:  int(lua.LVAsNumber(results[2])),
	}, nil
}

// job is what the program works on.
type job struct {
	ctx     context.Context
	options Options
	state   *host.State
	files   map[string][]byte
}

func (j *job) table(L *lua.LState) *lua.LTable {
	t := L.NewTable()
	set := func(name string, f lua.LGFunction) { t.RawSetString(name, L.NewFunction(f)) }
	set("read", j.read)
	set("list", j.list)
	set("path", j.path)
	set("exists", j.exists)
	set("exists_input", j.existsInput)
	set("has", has)
	set("write", j.write)
	if j.options.Exec != nil {
		set("exec", j.exec)
	}
	options := L.NewTable()
	options.RawSetString("main", lua.LString(j.options.Main))
	if j.options.Era != "" {
		options.RawSetString("era", lua.LString(j.options.Era))
	}
	if j.options.Form != "" {
		options.RawSetString("form", lua.LString(j.options.Form))
	}
	t.RawSetString("options", options)
	return t
}

// refuse returns nil and why.
func refuse(L *lua.LState, err error) int {
	var where *fs.PathError
	if errors.As(err, &where) {
		err = where.Err
	}
	L.Push(lua.LNil)
	L.Push(lua.LString(err.Error()))
	return 2
}

func (j *job) read(L *lua.LState) int {
	content, err := fs.ReadFile(j.options.Input, L.CheckString(1))
	if err != nil {
		return refuse(L, err)
	}
	j.state.Reserve(L, len(content))
	L.Push(lua.LString(content))
	return 1
}

func (j *job) list(L *lua.LState) int {
	entries, err := fs.ReadDir(j.options.Input, path.Clean(L.CheckString(1)))
	if err != nil {
		return refuse(L, err)
	}
	names := L.NewTable()
	for _, entry := range entries {
		names.Append(lua.LString(entry.Name()))
	}
	L.Push(names)
	return 1
}

// path finds where a file is that the configuration names: relative to its
// folder, or absolute within it. What lies outside keeps a name that cannot be
// read, and so is reported.
func (j *job) path(L *lua.LState) int {
	name := path.Clean(L.CheckString(1))
	if inside, ok := strings.CutPrefix(name, path.Clean(j.options.Folder)+"/"); ok {
		name = inside
	}
	L.Push(lua.LString(name))
	return 1
}

func (j *job) exec(L *lua.LState) int {
	output, err := j.options.Exec(j.ctx, L.CheckString(1))
	if err != nil {
		return refuse(L, err)
	}
	j.state.Reserve(L, len(output))
	L.Push(lua.LString(output))
	return 1
}

func (j *job) exists(L *lua.LState) int {
	name := L.CheckString(1)
	L.Push(lua.LBool(j.options.Exists != nil && j.options.Exists(name)))
	return 1
}

func (j *job) existsInput(L *lua.LState) int {
	_, err := fs.Stat(j.options.Input, L.CheckString(1))
	L.Push(lua.LBool(err == nil))
	return 1
}

// has tells whether there is a global function of that name.
func has(L *lua.LState) int {
	_, found := api.Lookup("", L.CheckString(1))
	L.Push(lua.LBool(found))
	return 1
}

func (j *job) write(L *lua.LState) int {
	name := L.CheckString(1)
	if !fs.ValidPath(name) {
		L.ArgError(1, "not a path within the site: "+name)
	}
	j.files[name] = []byte(L.CheckString(2))
	return 0
}
