package console

import (
	"os"
	"strings"
)

// mostKept is how many lines the history keeps.
const mostKept = 1000

// history is what was typed, in a file that only its user can read. It is a
// term.History. Lines that begin with a space are not kept.
type history struct {
	path  string // "" keeps nothing
	lines []string
}

// openHistory reads the file, and shortens it where it has become long.
func openHistory(path string) *history {
	h := &history{path: path}
	if path == "" {
		return h
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return h
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			h.lines = append(h.lines, line)
		}
	}
	if len(h.lines) > mostKept {
		h.lines = h.lines[len(h.lines)-mostKept:]
		_ = os.WriteFile(path, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600)
	}
	return h
}

// Add keeps a line, unless it is empty, secret, or the same as the last.
func (h *history) Add(line string) {
	if line == "" || line[0] == ' ' || h.Len() > 0 && h.At(0) == line {
		return
	}
	h.lines = append(h.lines, line)
	if h.path == "" {
		return
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // typing goes on without
	}
	defer f.Close()
	_ = f.Chmod(0o600)
	_, _ = f.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n")
}

// Len is how many lines are kept.
func (h *history) Len() int { return len(h.lines) }

// At is a line, the last one at 0.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
