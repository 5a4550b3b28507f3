package api

import (
	"bytes"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"
)

var update = flag.Bool("update", false, "write the generated files anew")

// The shipped annotations and the reference are what the table says.
func TestGeneratedFiles(t *testing.T) {
	for path, write := range map[string]func(io.Writer) error{
		"../types/moonwire.lua":       WriteTypes,
		"../../docs/lua-reference.md": WriteReference,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		shipped, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(shipped, b.Bytes()) {
			t.Errorf("%s is not what the table says: run go generate ./lua/api", path)
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Table() {
		label := e.Label()
		if seen[label] {
			t.Errorf("%s is there twice", label)
		}
		seen[label] = true
		switch {
		case e.Func == nil:
			t.Errorf("%s has no function", label)
		case !strings.HasSuffix(e.Summary, "."):
			t.Errorf("%s: the summary is no sentence", label)
		case e.Example == "":
			t.Errorf("%s has no example", label)
		}
		for _, list := range [][]Field{e.Params, e.Results} {
			for _, f := range list {
				checkField(t, label, f)
			}
		}
	}
}

func checkField(t *testing.T, label string, f Field) {
	t.Helper()
	if f.Summary == "" || f.Type.Kinds == 0 {
		t.Errorf("%s: %s lacks a summary or a type", label, f.Name)
	}
	if f.Required && f.Default != nil {
		t.Errorf("%s: %s is required and has a default", label, f.Name)
	}
	for _, inner := range f.Type.Fields {
		checkField(t, label, inner)
	}
}

// Every example loads as a site of its own.
func TestExamplesLoad(t *testing.T) {
	for _, e := range Table() {
		t.Run(e.Label(), func(t *testing.T) {
			if e.Phase == Running && !strings.Contains(e.Example, "function") {
				t.Fatal("an example of something that runs must be a whole script")
			}
			text := e.Example
			if !strings.Contains(text, `"internal"`) {
				text = `context "internal"` + "\n" + text
			}
			w, err := tryWorld(t, "example.lua", text)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range w.host.Analyse("example.lua", text) {
				t.Error(f)
			}
		})
	}
}

// The annotations are Lua, as far as Lua is concerned.
func TestAnnotationsCompile(t *testing.T) {
	f, err := os.Open("../types/moonwire.lua")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := parse.Parse(f, "moonwire.lua"); err != nil {
		t.Error(err)
	}
}

// Every class that an annotation mentions is declared in it.
func TestAnnotationsAreClosed(t *testing.T) {
	text, err := os.ReadFile("../types/moonwire.lua")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"string": true, "number": true, "integer": true, "boolean": true, "nil": true, "any": true, "table": true}
	for _, m := range regexp.MustCompile(`(?m)^---@class (\S+)`).FindAllSubmatch(text, -1) {
		known[string(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^---@(?:param|field) \S+ ([a-zA-Z_.]+)`).FindAllSubmatch(text, -1) {
		if name := string(m[1]); !known[name] && name != "fun" {
			t.Errorf("class %s is not declared", name)
		}
	}
}
