package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// cursor is how far a sink has come, as it is kept on disk.
type cursor struct {
	Position int64  `json:"position"` // in the journal; what lies before it the sink has
	Mark     string `json:"mark,omitempty"`
}

func cursorPath(dir, sink string) string { return filepath.Join(dir, sink+".cursor") }

// loadCursor reads a sink's cursor; one that was never saved is at the beginning.
func loadCursor(dir, sink string) (cursor, error) {
	var c cursor
	text, err := os.ReadFile(cursorPath(dir, sink))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return c, fmt.Errorf("how far %s has come cannot be read: %w", sink, err)
	}
	return c, nil
}

// save puts the cursor on disk, whole or not at all.
func (c cursor) save(dir, sink string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	path := cursorPath(dir, sink)
	if err := replace(path, append(text, '\n')); err != nil {
		return fmt.Errorf("how far %s has come cannot be saved: %w", sink, err)
	}
	return nil
}

// replace writes a file beside the old one and puts it in its place.
func replace(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
