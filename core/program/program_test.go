package program

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		``:                                nil,
		`  `:                              nil,
		`ANSWER`:                          {"ANSWER"},
		`STREAM FILE welcome "#"`:         {"STREAM", "FILE", "welcome", "#"},
		`SET VARIABLE X ""`:               {"SET", "VARIABLE", "X", ""},
		`SET VARIABLE X "a b"`:            {"SET", "VARIABLE", "X", "a b"},
		`SET VARIABLE X "say \"hi\" \\o"`: {"SET", "VARIABLE", "X", `say "hi" \o`},
		`EXEC Dial SIP/1\ 0`:              {"EXEC", "Dial", "SIP/1 0"},
		"a\tb":                            {"a", "b"},
		`ab"c d"e`:                        {"abc de"},
		`"open end`:                       {"open end"},
		`a\`:                              {"a"},
		`\`:                               nil,
	} {
		if got := Words(line); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if n := len(Words(strings.Repeat("x ", 1000))); n != mostWords {
		t.Errorf("%d words", n)
	}
}

// What has no quotes and no backslashes is divided at its spaces; and quoted
// words come back as they were.
func FuzzWords(f *testing.F) {
	f.Add(`STREAM FILE welcome "#" 0`)
	f.Add(`SET VARIABLE X "a \"b\" c\\"`)
	f.Add("\\\"\t \"\"")
	f.Fuzz(func(t *testing.T, line string) {
		words := Words(line)
		if len(words) > mostWords {
			t.Fatalf("%d words", len(words))
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w)+`"`)
		}
		if again := Words(strings.Join(quoted, " ")); !slices.Equal(again, words) {
			t.Fatalf("%q became %q", words, again)
		}
	})
}

// script writes a program of the shell.
func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWhyAProgramDoesNotStart(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	_ = os.WriteFile(plain, []byte("x"), 0o644)
	nonsense := filepath.Join(t.TempDir(), "nonsense")
	_ = os.WriteFile(nonsense, []byte("no first line"), 0o755)
	lost := filepath.Join(t.TempDir(), "lost")
	_ = os.WriteFile(lost, []byte("#!/no/such/shell\n"), 0o755)
	for name, c := range map[string]struct {
		Command
		want error
	}{
		"missing":     {Command{Path: "/no/such"}, ErrMissing},
		"relative":    {Command{Path: "true"}, ErrMissing},
		"plain":       {Command{Path: plain}, ErrNotExecutable},
		"folder":      {Command{Path: t.TempDir()}, ErrNotExecutable},
		"nonsense":    {Command{Path: nonsense}, ErrNotExecutable},
		"interpreter": {Command{Path: lost}, ErrInterpreter},
		"user":        {Command{Path: "/bin/true", User: "no-such-user"}, ErrUser},
	} {
		if _, err := Start(c.Command); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A program has the descriptors that it was given, whatever the server holds,
// and a clean environment.
func TestNothingIsHandedOn(t *testing.T) {
	t.Setenv("SECRET", "must stay")
	open, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	p, err := Start(Command{Path: script(t, "ls /proc/$$/fd; env"), Output: true, Audio: true, Env: []string{"OWN=1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := io.ReadAll(p.Output)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	text := string(got)
	if strings.Contains(text, "SECRET") || !strings.Contains(text, "OWN=1") || !strings.Contains(text, "PATH=/usr/local/sbin") {
		t.Errorf("environment: %s", text)
	}
	fds := strings.Fields(text[:strings.IndexByte(text, 'O')])
	for _, fd := range fds {
		if len(fd) == 1 && strings.Contains("456789", fd) {
			t.Errorf("descriptors %v", fds)
		}
	}
}

func TestUser(t *testing.T) {
	p, err := Start(Command{Path: "/usr/bin/id", User: "nobody", Output: true})
	if !Root() {
		if !errors.Is(err, ErrUser) {
			t.Errorf("error %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, _ := io.ReadAll(p.Output)
	<-p.Done()
	if !strings.Contains(string(got), "(nobody)") || strings.Contains(string(got), "root") {
		t.Errorf("%s", got)
	}
}

// Kill ends what the program started too, even where both ignore what they can.
func TestKillEndsTheGroup(t *testing.T) {
	p, err := Start(Command{Path: script(t, "trap '' HUP TERM INT\nsleep 1000 & echo $!; wait\nsleep 1000"), Output: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	buffer := make([]byte, 20)
	n, _ := p.Output.Read(buffer)
	child := strings.TrimSpace(string(buffer[:n]))
	p.HangUp()
	p.Kill()
	<-p.Done()
	if _, signal := p.Outcome(); signal != "killed" {
		t.Errorf("ended by %q", signal)
	}
	if rest, _ := io.ReadAll(p.Output); len(rest) != 0 { // ends only when the child has
		t.Errorf("%q", rest)
	}
	if child == "" {
		t.Error("no child")
	}
	p.Kill() // does nothing
}

func TestComplaints(t *testing.T) {
	lines := make(chan string, 1000)
	p, err := Start(Command{Path: script(t, "i=0; while [ $i -lt 300 ]; do echo no $i >&2; i=$((i+1)); done; exit 7"), Complain: func(line string) { lines <- line }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	<-p.Done()
	if code, _ := p.Outcome(); code != 7 {
		t.Errorf("code %d", code)
	}
	for range complaints {
		<-lines
	}
	if last := <-lines; !strings.Contains(last, "left out") {
		t.Errorf("last %q", last)
	}
}
