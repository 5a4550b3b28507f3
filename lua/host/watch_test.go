package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// outcome is what one load came to.
type outcome struct {
	version *Version
	err     error
	at      time.Time
}

// watched is a host that watches a folder of real files.
type watched struct {
	*Host
	t     *testing.T
	dir   string // of the scripts
	loads chan outcome
}

func watch(t *testing.T, dir string) *watched {
	t.Helper()
	w := &watched{t: t, dir: dir, loads: make(chan outcome, 100)}
	h, err := New(Options{
		ScriptsDir: dir, PluginsDir: filepath.Join(filepath.Dir(dir), "plugins"),
		Library: &testLibrary{}, Log: quiet,
		Loaded: func(v *Version, err error) { w.loads <- outcome{v, err, time.Now()} },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Host = h
	if err := h.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-w.loads
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

// site makes a folder of scripts and returns it.
func siteFolder(t *testing.T, pairs ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "scripts")
	must(t, os.Mkdir(dir, 0o755))
	for i := 0; i < len(pairs); i += 2 {
		write(t, filepath.Join(dir, pairs[i]), pairs[i+1])
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// next waits for the next load.
func (w *watched) next() outcome {
	w.t.Helper()
	select {
	case o := <-w.loads:
		return o
	case <-time.After(20 * time.Second):
		w.t.Fatal("no load")
		panic("unreachable")
	}
}

// until waits for a Version whose extension 1 answers want, and fails for loads
// that are refused.
func (w *watched) until(want string) {
	w.t.Helper()
	for {
		o := w.next()
		if o.err != nil {
			w.t.Fatalf("refused: %s", Report(o.err))
		}
		if got := w.answer(); got == want {
			return
		}
	}
}

// answer is what extension 1 returns now.
func (w *watched) answer() string {
	w.t.Helper()
	results, err := dial(w.t, w.Host, "1")
	if err != nil {
		w.t.Fatal(Report(err))
	}
	return results[0].String()
}

func says(word string) string {
	return fmt.Sprintf("extension('1', function() return %q end)\n", word)
}

func TestWatchSavesOfEditors(t *testing.T) {
	for _, editor := range []struct {
		name string
		save func(t *testing.T, path, text string)
	}{
		{"in place", write},
		{"rename over", func(t *testing.T, path, text string) {
			temporary := filepath.Join(filepath.Dir(path), ".tmp123")
			write(t, temporary, text)
			must(t, os.Rename(temporary, path))
		}},
		{"vim with backup", func(t *testing.T, path, text string) {
			write(t, filepath.Join(filepath.Dir(path), "4913"), "")
			must(t, os.Remove(filepath.Join(filepath.Dir(path), "4913")))
			write(t, filepath.Join(filepath.Dir(path), ".dialplan.lua.swp"), "b0VIM")
			must(t, os.Rename(path, path+"~"))
			write(t, path, text)
			must(t, os.Remove(path+"~"))
		}},
		{"emacs lock", func(t *testing.T, path, text string) {
			lock := filepath.Join(filepath.Dir(path), ".#dialplan.lua")
			must(t, os.Symlink("user@host.1", lock))
			write(t, path, text)
			must(t, os.Remove(lock))
		}},
		{"remove and create", func(t *testing.T, path, text string) {
			must(t, os.Remove(path))
			write(t, path, text)
		}},
	} {
		t.Run(editor.name, func(t *testing.T) {
			dir := siteFolder(t, "dialplan.lua", says("old"))
			w := watch(t, dir)
			editor.save(t, filepath.Join(dir, "dialplan.lua"), says("new"))
			saved := time.Now()
			w.until("new")
			t.Logf("in place after %v, %d loads", time.Since(saved), w.Current().Number()-1)
		})
	}
}

// TestWatchFileInPieces keeps a file open with a part of it written, which is a
// program of its own, for longer than any pause.
func TestWatchFileInPieces(t *testing.T) {
	dir := siteFolder(t, "dialplan.lua", says("old"), "other.lua", "")
	w := watch(t, dir)
	f, err := os.Create(filepath.Join(dir, "dialplan.lua"))
	must(t, err)
	_, err = f.WriteString("extension('1', function() return 'half' end)\n")
	must(t, err)
	must(t, f.Sync())
	waited := make(chan struct{})
	time.AfterFunc(3*doubtTime, func() { close(waited) })
	select {
	case o := <-w.loads:
		t.Fatalf("a file still being written was loaded: version %v, error %v", o.version, o.err)
	case <-waited:
	}
	_, err = f.WriteString(says("whole"))
	must(t, err)
	must(t, f.Close())
	o := w.next()
	must(t, o.err)
	if o.version.Number() != 2 || !strings.Contains(sourceOf(o.version, "scripts/dialplan.lua"), "whole") {
		t.Errorf("loaded %q", sourceOf(o.version, "scripts/dialplan.lua"))
	}
}

func sourceOf(v *Version, file string) string {
	text, _ := v.Source(file)
	return text
}

func TestWatchManyFilesAtOnce(t *testing.T) {
	dir := siteFolder(t, "dialplan.lua", "local m = require 'm.a'\nextension('1', function() return m.word() end)\n",
		"m/a.lua", "local b = require 'm.b' return {word = function() return 'a1' .. b end}", "m/b.lua", "return 'b1'")
	w := watch(t, dir)
	write(t, filepath.Join(dir, "m/a.lua"), "local b = require 'm.b' return {word = function() return 'a2' .. b end}")
	write(t, filepath.Join(dir, "m/b.lua"), "return 'b2'")
	w.until("a2b2")
}

func TestWatchFoldersComeAndGo(t *testing.T) {
	dir := siteFolder(t, "dialplan.lua", says("old"))
	w := watch(t, dir)
	write(t, filepath.Join(dir, "deep/er/m.lua"), "return 'deep'")
	o := w.next()
	must(t, o.err)
	write(t, filepath.Join(dir, "dialplan.lua"), "local m = require 'deep.er.m' extension('1', function() return m end)")
	w.until("deep")
	write(t, filepath.Join(dir, "deep/er/m.lua"), "return 'deeper'")
	w.until("deeper")
	must(t, os.RemoveAll(filepath.Join(dir, "deep")))
	if o := w.next(); o.err == nil {
		t.Error("a version without its module was accepted")
	}
	if got := w.answer(); got != "deeper" {
		t.Errorf("the old version answers %q", got)
	}
	write(t, filepath.Join(dir, "dialplan.lua"), says("without"))
	w.until("without")

	write(t, filepath.Join(filepath.Dir(dir), "plugins/hello/init.lua"), "extension('9', function() return 'plugin' end)")
	for {
		must(t, w.next().err)
		if _, ok := w.Current().Source("plugins/hello/init.lua"); ok {
			break
		}
	}
}

func TestWatchBrokenEdit(t *testing.T) {
	dir := siteFolder(t, "dialplan.lua", says("old"))
	w := watch(t, dir)
	write(t, filepath.Join(dir, "dialplan.lua"), "extension('1', function() return 'new' en)")
	o := w.next()
	if o.err == nil || w.LastError() == nil {
		t.Fatal("a broken file was accepted")
	}
	if report := Report(o.err); !strings.Contains(report, "scripts/dialplan.lua:1") || !strings.Contains(report, "en)") {
		t.Errorf("report: %s", report)
	}
	if got := w.answer(); got != "old" {
		t.Errorf("the old version answers %q", got)
	}
	write(t, filepath.Join(dir, "dialplan.lua"), says("mended"))
	w.until("mended")
	if w.LastError() != nil {
		t.Error("the error stays after a good load")
	}
}

func TestWatchLinkedFolder(t *testing.T) {
	parent := t.TempDir()
	for _, name := range []string{"one", "two"} {
		write(t, filepath.Join(parent, name, "dialplan.lua"), says(name))
	}
	link := filepath.Join(parent, "scripts")
	must(t, os.Symlink("one", link))
	w := watch(t, link)
	if got := w.answer(); got != "one" {
		t.Fatalf("answers %q", got)
	}
	write(t, filepath.Join(parent, "one", "dialplan.lua"), says("one edited"))
	w.until("one edited")
	must(t, os.Symlink("two", link+".new"))
	must(t, os.Rename(link+".new", link))
	w.until("two")
	write(t, filepath.Join(parent, "two", "dialplan.lua"), says("two edited"))
	w.until("two edited")
}
