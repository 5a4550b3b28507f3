package translate

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// beside are the files that the configuration is read from.
func beside(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, dir := range []string{"beside", "lab", "modern", "ovh"} {
		root := os.DirFS("testdata/installations/" + dir)
		names, err := fs.Glob(root, "*.conf")
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s: %v", dir, err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(root, name)
			if err != nil {
				t.Fatal(err)
			}
			if name != "extensions.conf" {
				files[name] = &fstest.MapFile{Data: append(text, '\n')}
			}
		}
	}
	return files
}

// TestEveryKeyIsAnswered adds to every section of every file a key that nobody
// knows: none of them may be dropped in silence.
func TestEveryKeyIsAnswered(t *testing.T) {
	sections := map[string]bool{"voicemail.conf": true, "logger.conf": true, "modules.conf": true, "indications.conf": true} // where any key will do
	files := beside(t)
	translator := newTranslator(t)
	for name, file := range files {
		if sections[name] {
			continue
		}
		text := string(file.Data) + "xyzzy_key = 1\n"
		switch name {
		case "manager.conf", "cdr_manager.conf":
			text = "[general]\nenabled=yes\n" + text
		case "http.conf":
			text = strings.Replace(text, "enabled=no", "enabled=yes", 1)
		}
		line := strings.Count(text, "\n")
		input := folder(map[string]string{"extensions.conf": "[t]\nexten => 1,1,Hangup\n", name: text})
		result := run(t, translator, Options{Input: input})
		if result.Inexact == run(t, translator, Options{Input: folder(map[string]string{"extensions.conf": "[t]\nexten => 1,1,Hangup\n", name: strings.TrimSuffix(text, "xyzzy_key = 1\n")})}).Inexact {
			t.Errorf("%s:%d: the key counts as exact\n%s", name, line, result.Messages)
		}
	}
}

// FuzzConfiguration holds that any text in any of the files is read, and that
// config.lua compiles.
func FuzzConfiguration(f *testing.F) {
	files := beside(f)
	for _, file := range files {
		f.Add(file.Data)
	}
	translator := newTranslator(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		input := fstest.MapFS{"extensions.conf": {Data: []byte("[t]\nexten => 1,1,Hangup\n")}}
		for name := range files {
			input[name] = &fstest.MapFile{Data: text}
		}
		result, err := translator.Run(context.Background(), Options{Input: input})
		if err != nil {
			t.Fatalf("%v", err)
		}
		for name, content := range result.Files {
			if err := compiles(name, content); err != nil {
				t.Errorf("%s: %v\n%s", name, err, content)
			}
		}
	})
}

// TestAsteriskLua keeps extensions.lua as it is, and says what of it is missing.
func TestAsteriskLua(t *testing.T) {
	source := "extensions = { t = { s = function()\n  app.goto('t', 'x', 1)\n  app.queue('sales')\n  app.plyback('x')\nend } }\nhints = {}\n"
	result := run(t, newTranslator(t), Options{Input: folder(map[string]string{"extensions.lua": source})})
	loads(t, "extensions.lua", result.Files)
	written := string(result.Files["scripts/extensions-lua.lua"])
	if !strings.Contains(written, `app["goto"]('t', 'x', 1)`) || !strings.HasSuffix(written, "declare(extensions)\n") {
		t.Errorf("written is\n%s", written)
	}
	for _, want := range []string{"extensions.lua:3: unknown: Queue", "extensions.lua:4: unknown: application plyback is not known; Playback was", "extensions.lua:6: unknown: hints"} {
		if !strings.Contains(result.Messages, want) {
			t.Errorf("no %q in\n%s", want, result.Messages)
		}
	}
	if _, ok := result.Files["scripts/shims/plyback.lua"]; !ok {
		t.Error("no shim")
	}
}
