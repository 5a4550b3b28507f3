package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/suite"
	"github.com/moonwire/moonwire/scripts"
)

type newCommand struct {
	Dir      string `arg:"" help:"The directory to make; it may exist but must be empty."`
	Template string `default:"demo" help:"demo, empty or bench." placeholder:"NAME"`
}

// editorSettings lets the Lua language server, and so any editor that has it,
// complete and check the API.
const editorSettings = `{
  "runtime.version": "Lua 5.1",
  "workspace.library": ["types"],
  "workspace.checkThirdParty": false
}
`

// Run writes the files of a template.
func (c newCommand) Run(out io.Writer) error {
	files, err := scripts.Files(c.Template)
	if err != nil {
		return usageError{err}
	}
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return usage("%s is not empty", c.Dir)
	}
	var types bytes.Buffer
	if err := api.WriteTypes(&types); err != nil {
		return err
	}
	files["types/moonwire.lua"] = types.Bytes()
	var tests bytes.Buffer
	if err := suite.WriteTypes(&tests); err != nil {
		return err
	}
	files["types/moonwire-test.lua"] = tests.Bytes()
	files[".luarc.json"] = []byte(editorSettings)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		path := filepath.Join(c.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return usageError{err}
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return usageError{err}
		}
	}
	_, err = fmt.Fprintf(out, "made %s; start it with: moonwire serve %s\n", c.Dir, c.Dir)
	return err
}
