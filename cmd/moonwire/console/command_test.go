package console

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFind looks commands up as they are typed.
func TestFind(t *testing.T) {
	for line, want := range map[string]string{
		"calls":                                 "calls 0",
		"CALLS":                                 "calls 0",
		"core show channels concise":            "core show channels 1",
		"core show channel sip-1":               "core show channel 1",
		"core sh up":                            "core show uptime 0",
		"sip show peers":                        "sip show peers 0",
		"sip sho peer 1001":                     "sip show peer 1",
		"sip debug ip 10.0.0.1":                 "sip debug ip 1",
		"sip debug":                             "sip debug 0",
		"dialplan show internal 600":            "dialplan show 2",
		"dial show":                             "dialplan show 0",
		"database put a b c":                    "database put 3",
		"iax2 show peers":                       "iax2 2",
		"zap show channels":                     "zap 2",
		"core set verbose 3":                    "core set verbose 1",
		"stop":                                  "stop 0",
		"stop now":                              "stop 1",
		"stop gracefully":                       "stop gracefully 0",
		"hangup all":                            "hangup 1",
		"originate sip/1 app play a b":          "originate 5",
		"channel originate SIP/1 extension x@y": "channel originate 3",
	} {
		words, _ := splitWords(line)
		c, named, err := commandTable.find(words)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := c.Words + " " + string(rune('0'+len(words)-named)); got != want {
			t.Errorf("%s finds %s, want %s", line, got, want)
		}
	}
	for line, want := range map[string]string{
		"cals":                "did you mean \"calls\"?",
		"sip shwo peers":      "did you mean \"sip show peers\"?",
		"core show channnels": "did you mean \"core show channels\"?",
		"core sh chan":        `"chan" could be channel or channels`,
		"sip show":            "goes on: channel, channels, peer",
		"store get f":         "usage: store get FAMILY KEY",
		"calls please":        "there is no command",
		"rollback":            "usage: rollback VERSION",
		"xyzzy":               "see help",
	} {
		words, _ := splitWords(line)
		_, _, err := commandTable.find(words)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, new(*UsageError)) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// TestCommandsAreDocumented wants a summary of every command, and no argument
// after one that may be left out that may not.
func TestCommandsAreDocumented(t *testing.T) {
	for _, c := range commandTable.list {
		if c.Summary == "" || c.Run == nil {
			t.Errorf("%s lacks a summary or a function", c.Words)
		}
		optional := false
		for i, a := range c.Args {
			if optional && !a.Optional || a.Rest && i < len(c.Args)-1 {
				t.Errorf("%s: argument %s", c.Words, a.Name)
			}
			optional = a.Optional
		}
	}
}

func TestTableShapes(t *testing.T) {
	table := &Table{Columns: columns("name", "since=-", "how_long=Duration", "on"), Foot: "2 things"}
	table.Columns[2].Right = true
	table.add("a\x1b[31m", time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), 3725*time.Second, true)
	table.add("bb", time.Time{}, 5*time.Second, nil)
	r := Result{Table: table}
	const text = `NAME    Duration  ON
a�[31m  01:02:05  yes
bb      00:00:05
2 things
`
	if got := r.Show(false); got != text {
		t.Errorf("shown:\n%s", got)
	}
	const program = `[{"name":"a\u001b[31m","since":"2026-03-02T10:00:00Z","how_long":3725,"on":true},{"name":"bb","since":null,"how_long":5,"on":null}]` + "\n"
	if got := string(r.JSON()); got != program {
		t.Errorf("as JSON:\n%s", got)
	}
	if got := r.Show(true); !strings.Contains(got, colourBold+"NAME  "+colourOff) {
		t.Errorf("in colour:\n%q", got)
	}
	one := Result{Table: &Table{Columns: columns("state", "n=-"), Rows: [][]any{{"registered", 1}}, One: true}}
	if got := one.Show(true); got != "  STATE: "+colourGreen+"registered"+colourOff+"\n" {
		t.Errorf("one row:\n%q", got)
	}
	if got := string(one.JSON()); got != `{"state":"registered","n":1}`+"\n" {
		t.Errorf("one row as JSON: %s", got)
	}
	between := Result{Table: &Table{Columns: columns("a", "b"), Rows: [][]any{{"x", 1}}, Between: "!"}}
	if got := between.Show(false); got != "x!1\n" {
		t.Errorf("between: %q", got)
	}
	for want, r := range map[string]Result{
		`{"text":"done"}`:     {Text: "done\n"},
		`{"error":"refused"}`: {Failed: "refused"},
		`[]`:                  {Table: &Table{Columns: columns("a")}},
	} {
		if got := strings.TrimSpace(string(r.JSON())); got != want {
			t.Errorf("%+v is %s", r, got)
		}
	}
}

func TestHistoryIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	h := openHistory(path)
	for _, line := range []string{"calls", "calls", "", " secret", "phones"} {
		h.Add(line)
	}
	again := openHistory(path)
	if again.Len() != 2 || again.At(0) != "phones" || again.At(1) != "calls" {
		t.Errorf("kept %q", again.lines)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	for i := range 2 * mostKept {
		again.Add(strings.Repeat("x", i%7+1))
	}
	if n := openHistory(path).Len(); n != mostKept {
		t.Errorf("%d lines are kept", n)
	}
}

func TestDialled(t *testing.T) {
	for typed, want := range map[string]string{
		"1001": "sip/1001", "SIP/1001": "sip/1001", "PJSIP/1001": "sip/1001", "SIP/ovh/0123": "sip/0123@ovh", "sip/0123@ovh": "sip/0123@ovh", "IAX2/x": "iax2/x",
	} {
		if got := dialled(typed); got != want {
			t.Errorf("%s: %s, want %s", typed, got, want)
		}
	}
}

func TestCompletionOfWords(t *testing.T) {
	s := &Session{Server: &Server{}}
	for text, want := range map[string]string{
		"cal":                 "calls",
		"sto":                 "stop,store",
		"store d":             "delete,deltree",
		"set log ":            "debug,error,info,warn",
		"core show ch":        "channel,channels",
		"core show channels ": "concise,count,verbose",
		"> stor":              "store.",
		"> store.g":           "store.get",
		"> #cal":              "calls",
		"nonsense ":           "",
	} {
		if got := strings.Join(s.complete(text), ","); got != want {
			t.Errorf("%q completes to %s, want %s", text, got, want)
		}
	}
	if all := s.complete(""); !slices.Contains(all, "dialplan") || !slices.IsSorted(all) {
		t.Errorf("nothing completes to %q", all)
	}
}
