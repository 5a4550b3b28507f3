package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settling is how long after a change others are waited for: editors write in
// several steps.
const settling = 100 * time.Millisecond

// watch runs the tests, and again whenever a file is saved: only the test files
// that changed, or all when anything else did. It ends with ctx.
func (c testCommand) watch(ctx context.Context, out io.Writer) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	for _, folder := range []string{"scripts", "plugins", "sounds"} {
		if folder := filepath.Join(c.Site, folder); isDirectory(folder) {
			watchFolders(w, folder)
		}
	}
	files := c.Files
	for {
		if err := c.once(ctx, out, files); err != nil {
			if errors.As(err, new(usageError)) {
				return err
			}
			fmt.Fprintf(out, "%v\n", err)
		}
		fmt.Fprintln(out, "waiting for a change; Ctrl-C ends")
		changed, ok := c.changes(ctx, w)
		if !ok {
			return nil
		}
		if files = c.Files; len(changed) > 0 {
			files = changed
		}
	}
}

// changes waits for files to be saved. It lists the test files where nothing but
// these changed, and reports false when ctx has ended.
func (c testCommand) changes(ctx context.Context, w *fsnotify.Watcher) (tests []string, ok bool) {
	var quiet <-chan time.Time
	all := false
	for {
		select {
		case <-ctx.Done():
			return nil, false
		case <-quiet:
			if all {
				return nil, true
			}
			return tests, true
		case <-w.Errors:
		case e := <-w.Events:
			if e.Op == fsnotify.Chmod || strings.HasPrefix(filepath.Base(e.Name), ".") || strings.HasSuffix(e.Name, "~") {
				continue
			}
			if isDirectory(e.Name) {
				watchFolders(w, e.Name)
			}
			if inside, err := filepath.Rel(c.Site, e.Name); err == nil && strings.HasSuffix(inside, "_test.lua") && !e.Has(fsnotify.Remove) {
				if len(tests) == 0 || tests[len(tests)-1] != inside {
					tests = append(tests, inside)
				}
			} else {
				all = true
			}
			quiet = time.After(settling)
		}
	}
}
