// Package check finds the mistakes in a site that can be seen without a call.
//
// It looks from four sides: at the source (does it compile, are its names
// declared, are the library's functions called as the table of lua/api says), at
// what loading declares (are phones and contexts complete and consistent), at the
// numbers (is there an extension that can never be reached), and at the functions
// behind the numbers (whom can they dial).
//
// What is said must be true: where a value depends on what happens in a call,
// nothing is said. So the source is read without regard to the order in which it
// runs (see value), while the functions behind the numbers are those that loading
// really made, with what they hold (see reach).
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// Options says what to check.
type Options struct {
	Scripts fs.FS // the site's scripts
	Plugins fs.FS // nil: none
	// Prompts finds the site's sounds; nil: prompts are not looked up.
	Prompts Prompts
	// Part says that the scripts are a part of a site only, so that what is missing
	// may be elsewhere.
	Part bool
	// Tests is what test files can call beside the API; nil: they are left out.
	Tests *api.Extension
	// Env finds variables of the environment; nil: each has some value, so that a
	// site can be checked where it does not run.
	Env func(name string) (string, bool)
}

// Prompts tells where a prompt would be found for a caller of a language: a path
// that begins with the language that it is in, "" for nowhere. *media.Prompts is
// one.
type Prompts interface {
	Locate(language, name string) string
}

// Site lists what is wrong with a site, by file, line and rule. The error says
// that it could not be read at all.
func Site(ctx context.Context, o Options) ([]*Finding, error) {
	if o.Env == nil {
		o.Env = func(name string) (string, bool) { return "value-of-" + name, true }
	}
	l := newList(o)
	library := api.New(api.Services{Log: quiet, Env: o.Env})
	h, err := host.New(host.Options{
		Scripts: o.Scripts, Plugins: o.Plugins, Lib: lib.FS, Library: library, Log: quiet,
		Limits:   host.Limits{Prepared: 1}, // no calls come
		Declared: func(ref host.Ref, fn *lua.LFunction) { l.handlers[ref] = fn },
	})
	if err != nil {
		return nil, err
	}
	l.host = h
	if l.look, err = h.Look(); err != nil {
		return nil, err
	}
	sound := l.fromSource(l.look.Findings)
	for _, name := range sortedKeys(l.look.Files) {
		if f := l.file(name); f != nil {
			l.written(f)
		}
	}
	l.used = l.inUse()
	for _, n := range l.missing {
		if l.used[n.file.name] {
			l.module(n)
		}
	}
	if sound {
		if err := h.Load(ctx); err != nil {
			l.fromLoading(err)
		} else {
			l.declared(h.Current().Declarations().(*api.Site))
		}
	}
	l.lookUp()
	if l.site != nil {
		l.routes()
		l.handling()
		l.tollFraud()
	}
	if o.Tests != nil {
		if err := l.testFiles(); err != nil {
			return nil, err
		}
	}
	return l.finished(), nil
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// list collects findings, and what is known of the site.
type list struct {
	options Options
	host    *host.Host
	look    *host.Look
	files   map[string]*file
	broken  map[string]bool // files that do not compile

	names      []name
	used       map[string]bool // files that take part
	missing    []name          // modules that do not exist
	languages  map[string]bool // that scripts and peers ask for
	speak      []string        // the same as a list, once all are known
	entered    map[string]bool // contexts that scripts name
	anyContext bool            // a script computes the name of a context

	anyModule bool // a script computes the name of a module

	site     *api.Site // nil where the scripts do not load
	phones   map[string]bool
	trunks   map[string]bool
	handlers map[host.Ref]*lua.LFunction

	done map[*lua.LFunction]*deeds

	findings []*Finding
	said     map[string]*Finding
}

func newList(o Options) *list {
	return &list{
		options: o, files: map[string]*file{}, broken: map[string]bool{},
		languages: map[string]bool{}, entered: map[string]bool{}, phones: map[string]bool{}, trunks: map[string]bool{},
		handlers: map[host.Ref]*lua.LFunction{}, done: map[*lua.LFunction]*deeds{}, said: map[string]*Finding{},
	}
}

// declared takes over what loading has declared.
func (l *list) declared(site *api.Site) {
	l.site = site
	for _, p := range site.SIP.Phones {
		l.phones[p.Name] = true
	}
	for _, t := range site.SIP.Trunks {
		l.trunks[t.Name] = true
	}
}

// whole reports whether the scripts are a site that somebody can call, so that
// what is not in it does not exist.
func (l *list) whole() bool {
	if l.site == nil || l.options.Part {
		return false
	}
	c := &l.site.SIP
	return len(c.Phones)+len(c.Trunks)+len(c.Guests) > 0
}

// file is a file of the site or of the library, nil where it does not compile.
func (l *list) file(name string) *file {
	if f, ok := l.files[name]; ok {
		return f
	}
	text, ok := l.look.Files[name]
	if !ok {
		if inside, found := strings.CutPrefix(name, "lib/"); found {
			bytes, err := fs.ReadFile(lib.FS, inside)
			text, ok = string(bytes), err == nil
		}
	}
	var f *file
	if ok && !l.broken[name] {
		f, _ = readFile(name, text)
	}
	l.files[name] = f
	return f
}

// add notes a finding; the level is the rule's where the caller does not change it.
func (l *list) add(file string, line int, source, word, rule, message string) *Finding {
	f := &Finding{
		Rule: rule, Level: ruleNamed(rule).Level, File: file, Line: line, Source: source,
		Column: host.ColumnOf(source, word), Message: message, refused: ruleNamed(rule).Refused,
	}
	if f.Column == 0 && word != "" {
		f.Column = strings.Index(source, word) + 1
	}
	if again := l.said[f.place()+message]; again != nil {
		return again
	}
	l.said[f.place()+message] = f
	l.findings = append(l.findings, f)
	return f
}

// at notes a finding in a file, at a word of a line.
func (l *list) at(f *file, line int, word, rule, format string, args ...any) *Finding {
	return l.add(f.name, line, f.line(line), word, rule, fmt.Sprintf(format, args...))
}

// placed notes a finding at a place such as "scripts/config.lua:12".
func (l *list) placed(source, rule, format string, args ...any) *Finding {
	name, line := splitPlace(source)
	text := ""
	if f := l.file(name); f != nil {
		text = f.line(line)
	}
	return l.add(name, line, text, "", rule, fmt.Sprintf(format, args...))
}

func splitPlace(source string) (file string, line int) {
	file, number, _ := strings.Cut(source, ":")
	line, _ = strconv.Atoi(number)
	return file, line
}

// fromSource takes over what the host finds in the source, and reports whether
// the site can be loaded.
func (l *list) fromSource(findings []*host.Finding) (sound bool) {
	sound = true
	for _, e := range findings {
		rule := e.Rule
		if ruleNamed(rule) == nil {
			rule = ruleLoad
		}
		if rule == ruleSyntax {
			l.broken[e.File] = true
		}
		f := l.add(e.File, e.Line, e.Source, "", rule, e.Message)
		f.Column = e.Column
		if e.Warning {
			f.Level = Warning
			continue
		}
		sound, f.refused = false, true
	}
	return sound
}

// fromLoading takes over why the scripts could not be loaded. What the source
// showed already, perhaps with a better line, is not said again.
func (l *list) fromLoading(err error) {
	var missing *api.MissingContext
	var many host.ScriptErrors
	var one *host.ScriptError
	var joined interface{ Unwrap() []error }
	switch {
	case errors.As(err, &many):
		for _, e := range many {
			l.failed(e)
		}
	case errors.As(err, &one):
		l.failed(one)
	case errors.As(err, &joined):
		for _, e := range joined.Unwrap() {
			l.fromLoading(e)
		}
	case errors.As(err, &missing):
		l.placed(missing.Source, ruleContext, "%s", missing.Message()).refused = true
	default:
		place, message, ok := strings.Cut(err.Error(), ": ")
		if name, line := splitPlace(place); !ok || line == 0 || l.look.Files[name] == "" {
			place, message = "", err.Error()
		}
		l.placed(place, ruleLoad, "%s", message)
	}
}

func (l *list) failed(e *host.ScriptError) {
	for _, f := range l.findings {
		if f.File == e.File && f.Line >= e.Line && alike(f.Message, e.Message) {
			f.refused = true
			return
		}
	}
	l.add(e.File, e.Line, e.Source, "", ruleLoad, e.Message)
}

// alike tells whether two sides saw the same mistake: a function names itself
// the same way in both.
func alike(a, b string) bool {
	head := func(s string) string {
		before, _, _ := strings.Cut(s, ",")
		before, _, _ = strings.Cut(before, ";")
		return before
	}
	return head(a) == head(b)
}

// finished is the list in order, without what comments silence.
func (l *list) finished() []*Finding {
	l.findings = slices.DeleteFunc(l.findings, func(f *Finding) bool { return !f.refused && l.silenced(f) })
	l.comments()
	slices.SortStableFunc(l.findings, func(a, b *Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	return l.findings
}

func sortedKeys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for key := range m {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}
