package host

import (
	"context"
	"io/fs"
	"path/filepath"
	"time"
)

// A file may be read while somebody writes it. What was read counts only when
// no file changed meanwhile and, where the system can tell, none is open for
// writing.
const (
	// settleRetry is how long to wait before looking again.
	settleRetry = 40 * time.Millisecond
	// settleLimit is how long a file may stay open for writing before it is
	// taken as it is.
	settleLimit = 5 * time.Second
)

// stamp is how a file looks from outside.
type stamp struct {
	size     int64
	modified time.Time
}

// stamps looks at all script files under the site's folders. It tells also
// whether one that differs from before is open for writing.
func (h *Host) stamps(before map[string]stamp) (now map[string]stamp, busy bool) {
	now = map[string]stamp{}
	for _, dir := range []string{h.options.ScriptsDir, h.options.PluginsDir} {
		if dir == "" {
			continue
		}
		if resolved, err := filepath.EvalSymlinks(dir); err == nil {
			dir = resolved
		}
		filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !isScript(entry.Name()) {
				return nil
			}
			info, err := entry.Info()
			if err != nil {
				return nil
			}
			s := stamp{info.Size(), info.ModTime()}
			now[path] = s
			if before[path] != s && openForWriting(path) {
				busy = true
			}
			return nil
		})
	}
	return now, busy
}

func sameStamps(a, b map[string]stamp) bool {
	if len(a) != len(b) {
		return false
	}
	for path, s := range a {
		if b[path] != s {
			return false
		}
	}
	return true
}

// readOnce reads the site; settled is false when it was being written.
// h.loading is held.
func (h *Host) readOnce() (s *site, settled bool, err error) {
	before, busy := h.stamps(h.stamped)
	s, err = readSite(&h.options)
	after, _ := h.stamps(before)
	settled = !busy && sameStamps(before, after)
	if settled {
		h.stamped = after
	}
	return s, settled, err
}

// readSettled reads the site as soon as nobody writes it. h.loading is held.
func (h *Host) readSettled(ctx context.Context) (*site, error) {
	start := h.options.Clock.Now()
	for {
		s, settled, err := h.readOnce()
		if settled || h.options.Clock.Now().Sub(start) > settleLimit {
			return s, err
		}
		if err := h.wait(ctx, settleRetry); err != nil {
			return nil, err
		}
	}
}

func (h *Host) wait(ctx context.Context, d time.Duration) error {
	timer := h.options.Clock.NewTimer(d)
	select {
	case <-timer.C():
		h.options.Clock.Release()
		return nil
	case <-ctx.Done():
		timer.Stop()
		return ctx.Err()
	}
}
