package check

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// testFiles looks at the source of files of tests, which know functions that
// scripts do not.
func (l *list) testFiles() error {
	for root, tree := range map[string]fs.FS{"scripts": l.options.Scripts, "plugins": l.options.Plugins} {
		if tree == nil {
			continue
		}
		err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.lua") {
				return err
			}
			return l.testFile(root + "/" + name)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *list) testFile(name string) error {
	library := api.New(api.Services{Log: quiet, Env: l.options.Env, Extension: l.options.Tests})
	h, err := host.New(host.Options{
		Scripts: l.options.Scripts, Plugins: l.options.Plugins, Lib: lib.FS, Tests: name, Library: library, Log: quiet,
		Limits: host.Limits{Prepared: 1},
	})
	if err != nil {
		return err
	}
	look, err := h.Look()
	if err != nil {
		return err
	}
	l.fromSource(slices.DeleteFunc(look.Findings, func(f *host.Finding) bool { return f.File != name }))
	if l.broken[name] {
		return nil
	}
	f, err := readFile(name, look.Files[name])
	if err != nil {
		return nil // the host has said so
	}
	f.tests = l.options.Tests
	l.files[name] = f
	l.written(f)
	return nil
}
