// Package scripts carries the sites that `moonwire new` starts from: the demo,
// which is this folder's own scripts, and the templates below it.
package scripts

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed *.lua ivr
var demo embed.FS

//go:embed templates
var templates embed.FS

//go:embed translate
var translator embed.FS

// Translator is the program that `moonwire translate` runs.
func Translator() fs.FS {
	program, err := fs.Sub(translator, "translate")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return program
}

// Templates are the names that Files knows.
func Templates() []string {
	names := []string{"demo"}
	entries, err := fs.ReadDir(templates, "templates")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	slices.Sort(names)
	return names
}

// Files are the files of a new site, by their path in it: "scripts/config.lua".
func Files(template string) (map[string][]byte, error) {
	if !slices.Contains(Templates(), template) {
		return nil, fmt.Errorf("there is no template %q; there are %s", template, strings.Join(Templates(), ", "))
	}
	var root fs.FS = demo
	if template != "demo" {
		root, _ = fs.Sub(templates, path.Join("templates", template))
	}
	files := map[string][]byte{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		files[path.Join("scripts", name)] = content
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", template, err)
	}
	if template == "bench" {
		files["sounds/en/bench120.ulaw"] = bench120()
	}
	return files, nil
}
