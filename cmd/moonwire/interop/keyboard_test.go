package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keyboard is a person at a terminal with a console: tmux is the terminal, so
// that tests read what is on the screen and not what was sent to it.
type keyboard struct {
	t      testing.TB
	socket string
}

// sits opens a terminal of that size with a console on s, and waits for it.
func sits(t testing.TB, s *server, width, height int, environment ...string) *keyboard {
	t.Helper()
	k := &keyboard{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	command := fmt.Sprintf("exec env %s %s console %s", strings.Join(environment, " "), binary, s.dir)
	k.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "sh", "-c", command)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", k.socket, "kill-server").Run() })
	k.tmux("set-option", "-g", "remain-on-exit", "on")
	k.sees("> ")
	return k
}

func (k *keyboard) tmux(args ...string) string {
	k.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", k.socket}, args...)...).CombinedOutput()
	if err != nil {
		k.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// types sends keys by tmux's names for them: "Tab", "Enter", "C-c", or text.
func (k *keyboard) types(keys ...string) {
	k.t.Helper()
	k.tmux(append([]string{"send-keys", "-t", "0"}, keys...)...)
}

// screen is what can be read, without the empty lines at the end.
func (k *keyboard) screen() string {
	k.t.Helper()
	lines := strings.Split(k.tmux("capture-pane", "-p", "-t", "0"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// sees waits until the screen ends with text, whose last line is the one with
// the cursor, and returns the screen.
func (k *keyboard) sees(text string) string {
	k.t.Helper()
	return k.until(func(screen string) bool {
		return strings.HasSuffix(screen, strings.TrimRight(text, " "))
	}, text)
}

// finds waits until text is on the screen.
func (k *keyboard) finds(text string) string {
	k.t.Helper()
	return k.until(func(screen string) bool { return strings.Contains(screen, text) }, text)
}

func (k *keyboard) until(yes func(screen string) bool, text string) string {
	k.t.Helper()
	end := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		screen := k.screen()
		if yes(screen) {
			return screen
		}
		select {
		case <-again.C:
		case <-end:
			k.t.Fatalf("the screen never showed %q:\n%s", text, screen)
		}
	}
}

// left waits until the console has ended.
func (k *keyboard) left() {
	k.t.Helper()
	k.until(func(string) bool { return k.dead() }, "the end of the console")
}

// dead reports whether the console has ended; tmux does not always write it on
// the screen.
func (k *keyboard) dead() bool {
	k.t.Helper()
	return strings.TrimSpace(k.tmux("display-message", "-p", "-t", "0", "#{pane_dead}")) == "1"
}

// leaves presses a key on an empty line until the console has ended: pressed right
// after a command it may still mean that command.
func (k *keyboard) leaves(key string) {
	k.t.Helper()
	looks := 0
	k.until(func(string) bool {
		if k.dead() {
			return true
		}
		if looks%50 == 0 { // about once a second
			k.types(key)
		}
		looks++
		return false
	}, "the end of the console")
}

// site is a server in a folder whose name is the prompt.
func homeServer(t *testing.T) (s *server, history string) {
	t.Helper()
	s = launch(t, filepath.Join(t.TempDir(), "home"), home, "--log-level", "info")
	t.Cleanup(s.stop)
	return s, filepath.Join(t.TempDir(), "history")
}

// TestConsoleScreen types, completes, recalls, breaks off and leaves.
func TestConsoleScreen(t *testing.T) {
	t.Parallel()
	s, history := homeServer(t)
	k := sits(t, s, 100, 30, "MOONWIRE_HISTORY="+history)
	k.types("dialp", "Tab")
	k.sees("home> dialplan")
	k.types("s", "Tab", "ho", "Tab", "60", "Tab")
	k.sees("home> dialplan show home 60")
	k.types("Tab")
	k.sees("600  601  602  603  604\nhome> dialplan show home 60")
	k.types("1", "Enter")
	k.sees(`home> dialplan show home 601
SERVES  PATTERN  FOUND IN  AT
yes     601      home      scripts/dialplan.lua:4
601 dialled in context home is served by 601 of context home, at scripts/dialplan.lua:4
home> `)
	k.types("store put f k v", "Enter")
	k.sees("kept f/k\nhome> ")
	k.types("Up", "Up")
	k.sees("home> dialplan show home 601")
	k.types("C-c")
	k.sees("kept f/k\nhome>\nhome> ")
	k.types("> n = 41", "Enter", "> n + 1", "Enter")
	k.sees("home> > n + 1\n42\nhome> ")
	k.types("> local m = 1", "Enter")
	k.sees("-- a local ends with its line; without local it is kept\nhome> ")
	s.shows("reload", "version 2 serves")
	k.types("> n", "Enter")
	k.sees("-- the scripts have changed; the prompt begins anew\nconsole:1: \"n\" is not declared; did you mean \"on\"?\n    1 | n\n        ^\nhome> ")
	k.types("> timer.sl", "Tab")
	k.types("C-c", "> store.g", "Tab", "(\"f\", \"k\")", "Enter")
	k.sees("home> > store.get (\"f\", \"k\")\n\"v\"\nhome> ")
	k.types(`> originate { target = "sip/1002", context = "home", extension = "600" }`, "Enter")
	k.finds(`status = "unavailable"`)
	k.types("> while true do end", "Enter")
	k.finds("console:1: the script ran too long")
	k.types("cals", "Enter")
	k.sees("there is no command \"cals\", did you mean \"calls\"?\nhome> ")
	k.leaves("C-c")
	text, err := os.ReadFile(history)
	if err != nil || !strings.HasPrefix(string(text), "dialplan show home 601\nstore put f k v\n> n = 41\n") {
		t.Errorf("the history is %v:\n%s", err, text)
	}
	again := sits(t, s, 100, 30, "MOONWIRE_HISTORY="+history)
	again.types("Up", "Up", "Up", "Up", "Up", "Up", "Up", "Up")
	again.types("C-c")
	again.sees("home>\nhome> ")
	again.types("Up")
	again.sees("home> cals")
	again.types("C-c")
	again.sees("home>\nhome>\nhome> ")
	again.leaves("C-c")
}

// TestConsoleBreaksOff stops a line that waits for a phone to answer.
func TestConsoleBreaksOff(t *testing.T) {
	t.Parallel()
	s, _ := homeServer(t)
	silent := freePort(t)
	writeFile(t, filepath.Join(s.dir, "scripts", "more.lua"), fmt.Sprintf(`sip.trunk "silent" { host = "127.0.0.20:%d" }`, silent))
	s.shows("reload", "serves")
	phone := startSipp(t, s, append(scenario{invited(), rings}, cancelled()...), sippOptions{source: "127.0.0.20", port: silent})
	k := sits(t, s, 100, 30, "MOONWIRE_HISTORY=")
	k.types("originate sip/5@silent home 600", "Enter")
	s.awaitLog("originating")
	k.types("C-c")
	k.sees("interrupted\nhome> ")
	phone.wait()
	k.types("uptime", "Enter")
	k.finds("System uptime")
}

// TestConsoleStreams shows the log and SIP messages above what is being typed,
// at a width that changes.
func TestConsoleStreams(t *testing.T) {
	t.Parallel()
	s, _ := homeServer(t)
	k := sits(t, s, 100, 30, "MOONWIRE_HISTORY=")
	k.types("log on", "Enter")
	k.finds("the log is shown here, info and above")
	k.types("sip trace on", "Enter")
	k.finds("SIP messages are shown here")
	k.types("dialplan sh")
	k.sees("home> dialplan sh")
	run(t, s, registration("1001", "pass-1001", "60"), sippOptions{})
	screen := k.until(func(screen string) bool {
		return strings.Contains(screen, "SIP/2.0 200 OK") && strings.HasSuffix(screen, "home> dialplan sh")
	}, "the answer above the line")
	if !strings.Contains(screen, "--- ") || !strings.Contains(screen, " sent to udp:127.0.0.1:") {
		t.Errorf("the screen:\n%s", screen)
	}
	k.tmux("resize-window", "-t", "0", "-x", "60", "-y", "20")
	k.types("ow home 601 and more than fits on a line of sixty columns")
	k.sees("home> dialplan show home 601 and more than fits on a line of\n sixty columns")
	k.types("C-c", "sip trace off", "Enter")
	k.finds("SIP messages are not shown any more")
}

// TestConsoleColours wants colours on a terminal and nowhere else.
func TestConsoleColours(t *testing.T) {
	t.Parallel()
	s, _ := homeServer(t)
	for environment, coloured := range map[string]bool{"MOONWIRE_HISTORY=": true, "NO_COLOR=1": false, "TERM=dumb": false} {
		k := sits(t, s, 100, 30, environment, "MOONWIRE_HISTORY=")
		k.types("phones", "Enter")
		k.finds("2 phones")
		if raw := k.tmux("capture-pane", "-p", "-e", "-t", "0"); strings.Contains(raw, "\x1b[31mnot registered") != coloured {
			t.Errorf("%s: colours are not %v:\n%q", environment, coloured, raw)
		}
	}
	if out := s.shows("phones"); strings.Contains(out, "\x1b") {
		t.Errorf("in a pipe:\n%q", out)
	}
}

// TestConsoleOutlivesNothing ends when the server does.
func TestConsoleOutlivesNothing(t *testing.T) {
	t.Parallel()
	s := launch(t, filepath.Join(t.TempDir(), "home"), home, "--log-level", "info")
	k := sits(t, s, 100, 30, "MOONWIRE_HISTORY=")
	k.types("stop now", "Enter")
	<-s.exited
	k.finds("the server has ended")
	k.left()
}
