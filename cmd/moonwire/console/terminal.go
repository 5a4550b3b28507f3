package console

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Keys as a terminal in raw mode sends them (ASCII).
const (
	keyInterrupt = 0x03 // Ctrl-C
	keyForget    = 0x07 // what Ctrl-C becomes between lines, with Enter; the line editor has no use for it
	keyEnter     = '\r'
	keyTab       = '\t'
)

// Terminal is a person at a console.
type Terminal struct {
	In      *os.File // must be a terminal
	Out     *os.File
	History string // the file that it is kept in, "" for none
	Prompt  string
	Colour  bool

	client   *Client
	editor   *term.Terminal
	keys     *io.PipeWriter
	mu       sync.Mutex
	breaks   context.CancelFunc // of the line that runs, nil between lines
	offering string             // the line for which words were offered
	leaving  bool               // Ctrl-C was pressed on an empty line
}

// Stream shows what was subscribed to, above the line that is being typed.
func (t *Terminal) Stream(kind, text string) {
	t.mu.Lock()
	editor := t.editor
	t.mu.Unlock()
	if editor == nil {
		return
	}
	switch kind {
	case "lost":
		text = "… " + text + " lines came too fast to be shown\n"
	case "log":
		text = tintedLog(printable(text), t.Colour)
	case "sip":
		text = tintedPacket(text, t.Colour)
	}
	_, _ = editor.Write([]byte(text))
}

// Attend reads and runs lines until the person leaves or the server ends; the
// error is ErrGone then.
func (t *Terminal) Attend(client *Client) error {
	t.client = client
	before, err := term.MakeRaw(int(t.In.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	defer func() { _ = term.Restore(int(t.In.Fd()), before) }()
	typed, keys := io.Pipe()
	defer typed.Close()
	t.keys = keys
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{typed, t.Out}, bold(t.Prompt, t.Colour))
	editor.History = openHistory(t.History)
	editor.AutoCompleteCallback = t.key
	t.mu.Lock()
	t.editor = editor
	t.mu.Unlock()
	defer t.follow()()
	go t.pump()
	go func() {
		<-client.ended
		_ = keys.CloseWithError(ErrGone)
	}()
	for {
		line, err := editor.ReadLine()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case t.leaving:
			return nil
		}
		if word := strings.TrimSpace(line); word == "quit" || word == "exit" {
			return nil
		}
		if err := t.run(line); err != nil {
			return err
		}
	}
}

// follow tells the editor the terminal's size, now and when it changes.
func (t *Terminal) follow() (end func()) {
	resize := func() {
		if width, height, err := term.GetSize(int(t.Out.Fd())); err == nil {
			_ = t.editor.SetSize(width, height)
		}
	}
	resize()
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, resized...)
	go func() {
		for range changes {
			resize()
		}
	}()
	return func() {
		signal.Stop(changes)
		close(changes)
	}
}

// pump carries keys to the editor. Ctrl-C goes past it: it breaks off the line
// that runs.
func (t *Terminal) pump() {
	buffer := make([]byte, 1024)
	for {
		n, err := t.In.Read(buffer)
		if err != nil {
			_ = t.keys.CloseWithError(io.EOF)
			return
		}
		var pass []byte
		for _, c := range buffer[:n] {
			if c == keyInterrupt {
				if t.breakOff() {
					continue
				}
				pass = append(pass, keyForget)
				c = keyEnter
			}
			pass = append(pass, c)
		}
		if len(pass) > 0 {
			if _, err := t.keys.Write(pass); err != nil {
				return
			}
		}
	}
}

// breakOff breaks off the line that runs, and reports whether there is one.
func (t *Terminal) breakOff() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.breaks == nil {
		return false
	}
	t.breaks()
	return true
}

func (t *Terminal) run(line string) error {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.mu.Lock()
	t.breaks = cancel
	t.mu.Unlock()
	a, err := t.client.Run(ctx, line, false, t.Colour)
	t.mu.Lock()
	t.breaks = nil
	t.mu.Unlock()
	cancel()
	if err != nil {
		return err
	}
	text := a.Text
	if a.Error != "" {
		text += coloured(a.Error, colourRed, t.Colour) + "\n"
	}
	_, _ = t.editor.Write([]byte(text))
	return nil
}

// key deals with the keys that the editor does not know: Tab, and Ctrl-C, which
// empties the line, or leaves if it is empty. The editor calls it.
func (t *Terminal) key(line string, at int, key rune) (string, int, bool) {
	switch key {
	case keyForget:
		t.leaving = line == ""
		return "", 0, true
	case keyTab:
		changed, position := t.completed(line, at)
		return changed, position, true
	}
	t.offering = ""
	return "", 0, false
}

// completed is the line after Tab: as much is added as all words that fit have
// in common; where that is nothing, the words are shown.
func (t *Terminal) completed(line string, at int) (string, int) {
	words := t.client.Complete(line[:at])
	if len(words) == 0 {
		return line, at
	}
	_, last := beingTyped(line[:at])
	start := at - len(last)
	if code := strings.TrimLeft(line[:at], " "); strings.HasPrefix(code, ">") {
		start = strings.LastIndexAny(line[:at], " >()[]{},=+-*/%<~#\"'") + 1
	} else if start > 0 && line[start-1] == '"' {
		start--
	}
	if start < 0 {
		return line, at
	}
	common := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	if len(words) == 1 && !strings.HasSuffix(common, ".") {
		common += " "
	}
	changed := line[:start] + common
	if len(words) > 1 && (len(common) <= at-start || t.offering == line) {
		t.offer(words)
		if len(common) < at-start {
			return line, at
		}
	}
	t.offering = changed + line[at:]
	return changed + line[at:], len(changed)
}

// offer shows words above the line, in columns.
func (t *Terminal) offer(words []string) {
	width, _, err := term.GetSize(int(t.Out.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	widest := 0
	for _, w := range words {
		widest = max(widest, len(w)+2)
	}
	columns := max(1, width/widest)
	var b strings.Builder
	for i, w := range words {
		b.WriteString(w)
		if (i+1)%columns == 0 || i == len(words)-1 {
			b.WriteString("\n")
		} else {
			b.WriteString(strings.Repeat(" ", widest-len(w)))
		}
	}
	_, _ = t.editor.Write([]byte(b.String()))
}

func coloured(text, colour string, wanted bool) string {
	if !wanted {
		return text
	}
	return colour + text + colourOff
}

// tintedLog colours a line of the log by its level.
func tintedLog(line string, wanted bool) string {
	for level, colour := range map[string]string{"WARN": colourYellow, "ERROR": colourRed, "DEBUG": colourCyan} {
		if strings.Contains(line, "level="+level) || strings.Contains(line, `"level":`+strconv.Quote(level)) {
			return coloured(strings.TrimSuffix(line, "\n"), colour, wanted) + "\n"
		}
	}
	return line
}

// tintedPacket colours the line above a SIP message.
func tintedPacket(text string, wanted bool) string {
	head, rest, _ := strings.Cut(text, "\n")
	return coloured(head, colourCyan, wanted) + "\n" + rest
}
