package host

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// source is one file as it was when the site was read.
type source struct {
	name string // relative to the site, with slashes: "scripts/ivr/support.lua"
	text string
	hash [sha256.Size]byte
}

// isShared reports whether the comments that a file begins with hold ---@shared:
// it is run once for a Version, and what it declares belongs to all states. Its
// functions can therefore change none of its variables and tables.
func (s *source) isShared() bool {
	if s == nil {
		return false
	}
	for rest := s.text; ; {
		line, after, more := strings.Cut(rest, "\n")
		line = strings.TrimSpace(line)
		if line == "---@shared" {
			return true
		}
		if !more || line != "" && !strings.HasPrefix(line, "--") {
			return false
		}
		rest = after
	}
}

// lines of the file's text, without their ends.
func (s *source) line(n int) string {
	rest := s.text
	for ; n > 1; n-- {
		_, after, found := strings.Cut(rest, "\n")
		if !found {
			return ""
		}
		rest = after
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSuffix(line, "\r")
}

// site is everything that was read at one moment.
type site struct {
	entries []*source          // to be run at load, in this order
	modules map[string]*source // by the name that require is given
	files   map[string]*source // by file name
}

// readSite reads a site's scripts and plugins into memory.
func readSite(o *Options) (*site, error) {
	s := &site{modules: map[string]*source{}, files: map[string]*source{}}
	r := reader{limits: &o.Limits, site: s}
	if o.Scripts != nil {
		if err := r.readScripts(o.Scripts); err != nil {
			return nil, fmt.Errorf("read scripts: %w", err)
		}
	}
	if o.Plugins != nil {
		if err := r.readPlugins(o.Plugins); err != nil {
			return nil, fmt.Errorf("read plugins: %w", err)
		}
	}
	if o.Tests != "" {
		if err := r.readTests(o); err != nil {
			return nil, fmt.Errorf("read tests: %w", err)
		}
	}
	return s, nil
}

// readTests makes a file of tests the only entry file.
func (r *reader) readTests(o *Options) error {
	root, name, _ := strings.Cut(o.Tests, "/")
	dir := o.Scripts
	if root == "plugins" {
		dir = o.Plugins
	}
	if dir == nil {
		return fmt.Errorf("%s: %w", o.Tests, fs.ErrNotExist)
	}
	src, err := r.readFile(dir, name, o.Tests)
	if err != nil {
		return err
	}
	r.site.entries = []*source{src}
	return nil
}

// same reports whether two readings found the same files with the same text.
func (s *site) same(other *site) bool {
	if other == nil || len(s.files) != len(other.files) {
		return false
	}
	for name, src := range s.files {
		if o := other.files[name]; o == nil || o.hash != src.hash {
			return false
		}
	}
	return true
}

// reader fills a site, within limits.
type reader struct {
	limits *Limits
	site   *site
}

// readScripts takes scripts/*.lua as entry files, config.lua first, and all
// files as modules: "ivr/support.lua" is "ivr.support", "ivr/init.lua" is "ivr".
func (r *reader) readScripts(dir fs.FS) error {
	if _, err := fs.Stat(dir, "."); err != nil {
		return err // a folder that is gone is not a site without scripts
	}
	sources, err := r.readTree(dir, "scripts")
	if err != nil {
		return err
	}
	for _, src := range sources {
		inside := strings.TrimPrefix(src.name, "scripts/")
		if !strings.Contains(inside, "/") {
			r.site.entries = append(r.site.entries, src)
		}
		r.addModule(moduleName(inside), src)
	}
	slices.SortFunc(r.site.entries, func(a, b *source) int {
		first := func(s *source) int {
			if s.name == "scripts/config.lua" {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(a.name, b.name))
	})
	return nil
}

// readPlugins takes each folder's init.lua as an entry file, and all files as
// modules: plugins/ncid/init.lua is "ncid", plugins/ncid/format.lua "ncid.format".
func (r *reader) readPlugins(dir fs.FS) error {
	sources, err := r.readTree(dir, "plugins")
	if err != nil {
		return err
	}
	for _, src := range sources {
		inside := strings.TrimPrefix(src.name, "plugins/")
		if !strings.Contains(inside, "/") {
			continue // a stray file beside the plugins' folders
		}
		if plugin, file, _ := strings.Cut(inside, "/"); file == "init.lua" && plugin != "" {
			r.site.entries = append(r.site.entries, src)
		}
		r.addModule(moduleName(inside), src)
	}
	return nil
}

// addModule keeps the first file of a name: a site's scripts come before plugins.
func (r *reader) addModule(name string, src *source) {
	if _, taken := r.site.modules[name]; !taken {
		r.site.modules[name] = src
	}
}

func moduleName(inside string) string {
	name := strings.TrimSuffix(inside, ".lua")
	if base := strings.TrimSuffix(name, "/init"); base != "" {
		name = base
	}
	return strings.ReplaceAll(name, "/", ".")
}

// readTree reads every script under dir, in the order of their paths.
func (r *reader) readTree(dir fs.FS, prefix string) ([]*source, error) {
	var sources []*source
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone while we looked: the same as never there
		case err != nil:
			return err
		case entry.IsDir():
			if name != "." && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		case !isScript(entry.Name()):
			return nil
		}
		src, err := r.readFile(dir, name, path.Join(prefix, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		sources = append(sources, src)
		return nil
	})
	return sources, err
}

func (r *reader) readFile(dir fs.FS, name, shown string) (*source, error) {
	if len(r.site.files) >= r.limits.Files {
		return nil, fmt.Errorf("more than %d script files", r.limits.Files)
	}
	file, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, int64(r.limits.FileSize)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	if len(text) > r.limits.FileSize {
		return nil, &ScriptError{File: shown, Message: fmt.Sprintf("the file is larger than %d bytes", r.limits.FileSize)}
	}
	src := newSource(shown, string(text))
	r.site.files[shown] = src
	return src, nil
}

func newSource(name, text string) *source {
	return &source{name: name, text: text, hash: sha256.Sum256([]byte(name + "\x00" + text))}
}

// isScript tells scripts from tests, hidden files and what editors leave behind.
func isScript(name string) bool {
	return strings.HasSuffix(name, ".lua") && !strings.HasSuffix(name, "_test.lua") &&
		!strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "#")
}
