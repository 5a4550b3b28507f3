package host

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/clock"
)

// Host serves a site's scripts. Its methods may be called from any goroutine.
type Host struct {
	options  Options
	template *template
	current  atomic.Pointer[Version]
	prepared chan *lua.LState
	held     atomic.Int64 // bytes that states told of; see memory

	loading sync.Mutex // one load at a time
	seen    *site      // what was last loaded, or refused
	stamped map[string]stamp
	mu      sync.Mutex // guards what follows
	kept    []*Version // oldest first
	last    int        // number of the newest Version
	failed  error      // outcome of the last load
	scripts map[[32]byte]*script
}

// New returns a Host with its library installed, and no Version yet.
func New(o Options) (*Host, error) {
	o.Limits = o.Limits.withDefaults()
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Scripts == nil && o.ScriptsDir != "" {
		o.Scripts = os.DirFS(o.ScriptsDir)
	}
	if o.Plugins == nil && o.PluginsDir != "" {
		o.Plugins = os.DirFS(o.PluginsDir)
	}
	h := &Host{options: o, prepared: make(chan *lua.LState, o.Limits.Prepared), scripts: map[[32]byte]*script{}}
	if _, err := newTemplate(h); err != nil {
		return nil, err
	}
	for range cap(h.prepared) {
		h.prepare()
	}
	return h, nil
}

// Current is the Version that new calls should begin with, nil before the first
// load.
func (h *Host) Current() *Version { return h.current.Load() }

// LastError is why the last load was refused, nil when it was not.
func (h *Host) LastError() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed
}

// Versions lists the Versions that can be gone back to, oldest first.
func (h *Host) Versions() []VersionInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	current := h.current.Load()
	list := make([]VersionInfo, len(h.kept))
	for i, v := range h.kept {
		list[i] = v.info(v == current)
	}
	return list
}

// Load reads, checks and puts in place the site as it is now.
func (h *Host) Load(ctx context.Context) error {
	_, err := h.Reload(ctx)
	return err
}

// Reload makes a new Version of the site as it is now and puts it in place. On
// any error, the Version that serves goes on serving.
func (h *Host) Reload(ctx context.Context) (*Version, error) {
	h.loading.Lock()
	defer h.loading.Unlock()
	s, err := h.readSettled(ctx)
	if err != nil {
		return nil, h.outcome(nil, err)
	}
	return h.loadSite(ctx, s)
}

// loadSite loads what was read and tells the outcome. h.loading is held.
func (h *Host) loadSite(ctx context.Context, s *site) (*Version, error) {
	h.seen = s
	v, err := h.load(ctx, s)
	return v, h.outcome(v, err)
}

// load makes a Version of s, checks it and puts it in place.
func (h *Host) load(ctx context.Context, s *site) (*Version, error) {
	v, err := h.build(s)
	if err != nil {
		return nil, err
	}
	if err := h.declare(ctx, v); err != nil {
		return nil, err
	}
	if h.options.Accept != nil {
		if err := h.options.Accept(ctx, v); err != nil {
			return nil, fmt.Errorf("version %d of the scripts was not accepted: %w", v.number, err)
		}
	}
	h.install(v)
	return v, nil
}

// build compiles and checks all files of s.
func (h *Host) build(s *site) (*Version, error) {
	h.mu.Lock()
	v := newVersion(h, h.last+1)
	h.mu.Unlock()
	v.loaded = h.options.Clock.Now()
	var wrong ScriptErrors
	for _, name := range keys(s.files) {
		file, err := h.compile(s.files[name])
		if err != nil {
			wrong = appendErrors(wrong, err)
			continue
		}
		v.files[name] = file
		findings := file.analyse(h.template.known)
		v.findings = append(v.findings, findings...)
		wrong = append(wrong, faults(findings)...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	for _, src := range s.entries {
		v.entries = append(v.entries, v.files[src.name])
	}
	for name, src := range s.modules {
		v.modules[name] = v.files[src.name]
	}
	return v, nil
}

// compile compiles src, or finds what an earlier Version compiled from the same.
func (h *Host) compile(src *source) (*script, error) {
	h.mu.Lock()
	file := h.scripts[src.hash]
	h.mu.Unlock()
	if file != nil {
		return file, nil
	}
	file, err := h.options.Compiled.compile(src, src.isShared(), h.options.Line != nil)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.scripts[src.hash] = file
	h.mu.Unlock()
	return file, nil
}

// declare runs every entry file of v in a scratch state and completes what they
// declare.
func (h *Host) declare(ctx context.Context, v *Version) error {
	library := h.options.Library
	if library != nil {
		v.declarations = library.NewDeclarations()
	}
	var wrong ScriptErrors
	for _, file := range v.entries {
		if err := h.declareEntry(ctx, v, file); err != nil {
			wrong = appendErrors(wrong, err)
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	v.required = nil
	if library == nil {
		return nil
	}
	if err := library.Complete(v.declarations, v); err != nil {
		return fmt.Errorf("complete version %d of the scripts: %w", v.number, err)
	}
	return nil
}

func (h *Host) declareEntry(ctx context.Context, v *Version, file *script) error {
	s := h.newState(h.take(), v, Loading)
	defer s.Close()
	v.live.Add(1)
	defer context.AfterFunc(ctx, func() { s.Interrupt(ctx.Err()) })()
	s.Refuel()
	if _, err := s.runEntry(file); err != nil {
		return err
	}
	v.share(s)
	return nil
}

// install puts v in place and forgets what cannot be gone back to any more.
func (h *Host) install(v *Version) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = v.number
	h.kept = append(h.kept, v)
	if extra := len(h.kept) - h.options.Limits.History; extra > 0 {
		h.kept = slices.Delete(h.kept, 0, extra)
	}
	h.current.Store(v)
	h.forget()
}

// forget drops compiled files that no kept Version uses.
func (h *Host) forget() {
	used := map[*script]bool{}
	for _, v := range h.kept {
		for _, file := range v.files {
			used[file] = true
		}
	}
	for hash, file := range h.scripts {
		if !used[file] {
			delete(h.scripts, hash)
		}
	}
}

// outcome keeps, logs and tells the result of a load.
func (h *Host) outcome(v *Version, err error) error {
	h.mu.Lock()
	h.failed = err
	h.mu.Unlock()
	h.log(v, err)
	if h.options.Loaded != nil {
		h.options.Loaded(v, err)
	}
	return err
}

// log tells the outcome of a load, one line for each thing that is wrong.
func (h *Host) log(v *Version, err error) {
	log := h.options.Log
	if err == nil {
		log.Info("scripts loaded", "version", v.number, "files", len(v.files))
		for _, f := range v.findings {
			log.Warn(f.Message, "script", f.place(), "source", f.Source)
		}
		return
	}
	if current := h.current.Load(); current != nil {
		log.Error("scripts not loaded; an earlier version goes on serving", "serving", current.number)
	} else {
		log.Error("scripts not loaded")
	}
	for _, e := range appendErrors(nil, err) {
		log.Error(e.Message, "script", e.place(), "source", e.Source)
	}
}

// Rollback puts the kept Version of that number in place again.
func (h *Host) Rollback(number int) error {
	h.loading.Lock()
	defer h.loading.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.kept {
		if v.number == number {
			h.current.Store(v)
			h.options.Log.Info("went back to an earlier version of the scripts", "version", number)
			return nil
		}
	}
	return fmt.Errorf("version %d: %w", number, ErrNoVersion)
}

// Begin makes a state for one call that will run v, or the current Version when
// v is nil. data is the call's own, for State.Data. The state must be closed.
func (h *Host) Begin(v *Version, data any) (*State, error) {
	if v == nil {
		v = h.Current()
	}
	if v == nil {
		return nil, ErrNoVersion
	}
	v.live.Add(1)
	s := h.newState(h.take(), v, Running)
	s.data = data
	s.Refuel()
	return s, nil
}

// Look is what the source of a site shows without being run.
type Look struct {
	Files    map[string]string // their texts, by name
	Entries  []string          // the files that run at load, in this order
	Modules  map[string]string // what require finds: the file, "" for modules of the library
	Findings []*Finding        // by file and line; a syntax error is the one finding of its file
}

// Look reads, compiles and analyses the site as it is now, without running it.
func (h *Host) Look() (*Look, error) {
	s, err := readSite(&h.options)
	if err != nil {
		return nil, err
	}
	l := &Look{Files: map[string]string{}, Modules: map[string]string{}}
	for name := range h.template.modules {
		l.Modules[name] = ""
	}
	for name, src := range s.modules {
		l.Modules[name] = src.name
	}
	for _, src := range s.entries {
		l.Entries = append(l.Entries, src.name)
	}
	for _, name := range keys(s.files) {
		l.Files[name] = s.files[name].text
		file, err := h.compile(s.files[name])
		if err != nil {
			l.Findings = appendErrors(l.Findings, err)
			continue
		}
		l.Findings = append(l.Findings, file.analyse(h.template.known)...)
	}
	return l, nil
}

// Members are the named parts of a module of the library, nil where it is no table.
func (h *Host) Members(module string) []string {
	table, ok := h.template.modules[module].(*lua.LTable)
	if !ok {
		return nil
	}
	var list []string
	h.template.real(table).ForEach(func(key, _ lua.LValue) { list = append(list, key.String()) })
	slices.Sort(list)
	return list
}

// Analyse lists what is wrong or doubtful in one file's text. name is only
// shown. A syntax error is the one finding of a file that has one.
func (h *Host) Analyse(name, text string) []*Finding {
	src := newSource(name, text)
	file, err := compile(src, src.isShared(), false)
	if err != nil {
		return appendErrors(nil, err)
	}
	return file.analyse(h.template.known)
}

// Names are the globals that scripts may use: for tables with their members.
func (h *Host) Names() map[string][]string {
	names := map[string][]string{}
	for name, members := range h.template.known {
		names[name] = keys(members)
	}
	return names
}

// newInterpreter makes a small interpreter's state without any globals.
func (h *Host) newInterpreter() *lua.LState {
	limits := &h.options.Limits
	return lua.NewState(lua.Options{
		SkipOpenLibs:        true,
		MinimizeStackMemory: true,
		CallStackSize:       limits.Depth + slice, // see checkDepth
		RegistrySize:        128,
		RegistryGrowStep:    256,
		RegistryMaxSize:     limits.Values,
	})
}

// prepare puts one more interpreter aside, unless there are enough.
func (h *Host) prepare() {
	if h.template == nil || len(h.prepared) == cap(h.prepared) {
		return
	}
	select {
	case h.prepared <- h.newCallInterpreter():
	default:
	}
}

func (h *Host) take() *lua.LState {
	select {
	case L := <-h.prepared:
		return L
	default:
		return h.newCallInterpreter()
	}
}

// newCallInterpreter makes an interpreter's state that shares the template's
// registry and string methods. It has no globals of its own: each file does.
func (h *Host) newCallInterpreter() *lua.LState {
	t := h.template
	L := h.newInterpreter()
	L.G.Registry = t.L.G.Registry
	L.G.Global = t.environment()
	L.Env = L.G.Global
	L.G.MainThread, L.G.CurrentThread = L, L
	L.SetMetatable(lua.LString(""), t.strings)
	return L
}

// newState wraps an interpreter.
func (h *Host) newState(L *lua.LState, v *Version, phase Phase) *State {
	s := &State{host: h, version: v, phase: phase, main: L}
	s.meter.state, s.memory.state, s.threads.state = s, s, s
	s.memory.reset(h.options.Limits.Memory)
	s.threads.adopt(L)
	s.threads.spare = append(s.threads.spare, L)
	return s
}
