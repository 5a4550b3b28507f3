package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/moonwire/moonwire/core/clock"
)

const (
	// quietTime is how long nothing may change before the site is read.
	quietTime = 80 * time.Millisecond
	// restlessTime is how long changes that go on can put that off.
	restlessTime = 200 * time.Millisecond
	// doubtTime is how long after a change a file that is missing, empty or does
	// not compile is taken for one that is still being saved.
	doubtTime = 250 * time.Millisecond
)

// Watch reloads the site whenever its files change, until ctx ends. What comes
// of each load is told by Options.Loaded. However an editor saves — in place, in
// pieces, by renaming, many files at once — one load follows when it is done.
// An error says that the folders cannot be watched.
func (h *Host) Watch(ctx context.Context) error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch the scripts: %w", err)
	}
	defer notify.Close()
	w := &watcher{host: h, notify: notify, folders: map[string]bool{}}
	if err := w.addRoots(); err != nil {
		return fmt.Errorf("watch the scripts: %w", err)
	}
	w.changed() // perhaps, before the folders were watched
	return w.run(ctx)
}

// watcher turns events of the file system into loads.
type watcher struct {
	host    *Host
	notify  *fsnotify.Watcher
	folders map[string]bool // that are watched for their files
	timer   clock.Timer     // runs while something may have to be loaded
	first   time.Time       // of the changes not loaded yet
	last    time.Time
}

func (w *watcher) run(ctx context.Context) error {
	for {
		var due <-chan time.Time
		if w.timer != nil {
			due = w.timer.C()
		}
		select {
		case <-ctx.Done():
			w.disarm()
			return nil
		case event, ok := <-w.notify.Events:
			if !ok {
				return errors.New("watch the scripts: the watcher ended")
			}
			w.event(event)
		case err, ok := <-w.notify.Errors:
			if !ok {
				return errors.New("watch the scripts: the watcher ended")
			}
			w.host.options.Log.Warn("watching the scripts: looking at all of them again", "error", err)
			w.rescan() // events may have been lost
		case <-due:
			w.timer = nil
			w.host.options.Clock.Release()
			w.load(ctx)
		}
	}
}

func (w *watcher) arm(d time.Duration) {
	w.disarm()
	w.timer = w.host.options.Clock.NewTimer(d)
}

func (w *watcher) disarm() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// changed puts the load off until changes pause, but not for ever.
func (w *watcher) changed() {
	now := w.host.options.Clock.Now()
	if w.first.IsZero() {
		w.first = now
	}
	w.last = now
	w.arm(max(0, min(quietTime, restlessTime-now.Sub(w.first))))
}

// addRoots watches the site's folders, and the folders that these are in, for a
// folder may be made, replaced or be a link that is changed.
func (w *watcher) addRoots() error {
	found := false
	for _, dir := range []string{w.host.options.ScriptsDir, w.host.options.PluginsDir} {
		if dir == "" {
			continue
		}
		found = true
		parent := filepath.Dir(filepath.Clean(dir))
		if err := w.notify.Add(parent); err != nil {
			return fmt.Errorf("%s: %w", parent, err)
		}
		if err := w.addTree(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	if !found {
		return errors.New("no folder was given")
	}
	return nil
}

// addTree watches dir and all folders in it.
func (w *watcher) addTree(dir string) error {
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	return filepath.WalkDir(resolved, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil // files come and go
		}
		if err := w.notify.Add(path); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		w.folders[path] = true
		return nil
	})
}

func (w *watcher) rescan() {
	if err := w.addRoots(); err != nil {
		w.host.options.Log.Warn("watching the scripts", "error", err)
	}
	w.changed()
}

func (w *watcher) event(e fsnotify.Event) {
	if e.Op == fsnotify.Chmod {
		return
	}
	path := filepath.Clean(e.Name)
	if w.isRoot(path) {
		w.rescan()
		return
	}
	if !w.folders[filepath.Dir(path)] {
		return // beside the site's folders
	}
	if isScript(filepath.Base(path)) {
		w.changed()
		return
	}
	if e.Has(fsnotify.Create) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			w.addTree(path)
			w.changed()
		}
	}
	if e.Has(fsnotify.Remove|fsnotify.Rename) && w.folders[path] {
		delete(w.folders, path)
		w.changed()
	}
}

func (w *watcher) isRoot(path string) bool {
	for _, dir := range []string{w.host.options.ScriptsDir, w.host.options.PluginsDir} {
		if dir != "" && path == filepath.Clean(dir) {
			return true
		}
	}
	return false
}

// load reads and loads the site, or looks again later when it seems unfinished.
func (w *watcher) load(ctx context.Context) {
	h := w.host
	h.loading.Lock()
	defer h.loading.Unlock()
	now := h.options.Clock.Now()
	s, settled, err := h.readOnce()
	if !settled && now.Sub(w.last) < settleLimit {
		w.arm(settleRetry)
		return
	}
	if err == nil && s.same(h.seen) {
		w.first = time.Time{}
		return
	}
	if now.Sub(w.last) < doubtTime && (err != nil || h.unfinished(s)) {
		w.arm(settleRetry)
		return
	}
	w.first = time.Time{}
	if err != nil {
		h.outcome(nil, err)
		return
	}
	h.loadSite(ctx, s)
}

// unfinished reports whether s looks like a site that is being saved: a file is
// gone or empty that was not, or does not compile. h.loading is held.
func (h *Host) unfinished(s *site) bool {
	if h.seen != nil {
		for name, before := range h.seen.files {
			after := s.files[name]
			if after == nil || after.text == "" && before.text != "" {
				return true
			}
		}
	}
	for _, src := range s.files {
		if h.seen != nil {
			if before := h.seen.files[src.name]; before == nil && src.text == "" {
				return true
			}
		}
		if _, err := h.compile(src); err != nil {
			return true
		}
	}
	return false
}
