// Package check finds the mistakes in a site that can be seen without a call.
//
// It looks from three sides: at the source (does it compile, are its names
// declared, are the library's functions called as the table of lua/api says),
// at what loading declares (are phones and contexts complete and consistent),
// and at the numbers (is there an extension that can never be reached).
package check

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// Options says what to check.
type Options struct {
	Scripts fs.FS // the site's scripts
	Plugins fs.FS // nil: none
	// Env finds variables of the environment; nil: each has some value, so that a
	// site can be checked where it does not run.
	Env func(name string) (string, bool)
}

// Finding is one thing that is wrong, or doubtful where Warning is set.
type Finding = host.ScriptError

// Site lists what is wrong with a site, by file and line. The error says that
// it could not be read at all.
func Site(ctx context.Context, o Options) ([]*Finding, error) {
	if o.Env == nil {
		o.Env = func(name string) (string, bool) { return "value-of-" + name, true }
	}
	library := api.New(api.Services{Log: quiet, Env: o.Env})
	h, err := host.New(host.Options{Scripts: o.Scripts, Plugins: o.Plugins, Lib: lib.FS, Library: library, Log: quiet})
	if err != nil {
		return nil, err
	}
	findings, err := h.Check()
	if err != nil && !errors.As(err, new(host.ScriptErrors)) {
		return nil, err
	}
	list := &list{}
	list.add(findings...)
	list.addError(err)
	for root, files := range map[string]fs.FS{"scripts": o.Scripts, "plugins": o.Plugins} {
		if err := list.calls(h, root, files); err != nil {
			return nil, err
		}
	}
	if err := h.Load(ctx); err != nil {
		list.addError(err)
	} else {
		list.routes(h.Current())
	}
	return list.sorted(), nil
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// list collects findings, each once.
type list struct{ findings []*Finding }

func (l *list) add(findings ...*Finding) {
	for _, f := range findings {
		same := func(g *Finding) bool { return g.File == f.File && g.Line == f.Line && alike(g.Message, f.Message) }
		if !slices.ContainsFunc(l.findings, same) {
			l.findings = append(l.findings, f)
		}
	}
}

// alike tells whether two sides saw the same mistake: a function names itself
// the same way in both.
func alike(a, b string) bool {
	head := func(s string) string {
		before, _, _ := strings.Cut(s, ",")
		return before
	}
	return head(a) == head(b)
}

func (l *list) addError(err error) {
	var many host.ScriptErrors
	var one *host.ScriptError
	switch {
	case err == nil:
	case errors.As(err, &many):
		l.add(many...)
	case errors.As(err, &one):
		l.add(one)
	default:
		for _, line := range strings.Split(innermost(err).Error(), "\n") {
			l.add(placed(line))
		}
	}
}

// innermost strips what was put before the text of an error.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// placed takes "scripts/config.lua:12: message" apart.
func placed(text string) *Finding {
	file, rest, ok := strings.Cut(text, ":")
	if number, message, more := strings.Cut(rest, ":"); ok && more && strings.HasSuffix(file, ".lua") {
		if line, err := strconv.Atoi(number); err == nil {
			return &Finding{File: file, Line: line, Message: strings.TrimSpace(message)}
		}
	}
	return &Finding{Message: text}
}

// calls compares every call of the library in a tree of files with its table.
func (l *list) calls(h *host.Host, root string, files fs.FS) error {
	if files == nil {
		return nil
	}
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".lua" || strings.HasSuffix(name, "_test.lua") {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		lines := strings.Split(string(text), "\n")
		for _, site := range h.Calls(path.Join(root, name), string(text)) {
			if complaint := api.CheckCall(site); complaint != "" {
				f := &Finding{File: path.Join(root, name), Line: site.Line, Message: complaint}
				if site.Line > 0 && site.Line <= len(lines) {
					f.Source = lines[site.Line-1]
				}
				l.add(f)
			}
		}
		return nil
	})
}

// routes warns of extensions that can never be reached and the like.
func (l *list) routes(v *host.Version) {
	site, ok := v.Declarations().(*api.Site)
	if !ok {
		return
	}
	for _, p := range site.Routes.Problems() {
		f := placed(p.Source + ": " + p.String())
		f.Warning = true
		l.add(f)
	}
}

func (l *list) sorted() []*Finding {
	slices.SortStableFunc(l.findings, func(a, b *Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return l.findings
}
