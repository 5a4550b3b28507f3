package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moonwire/moonwire/lua/api"
)

// Command is one row of the table of commands.
type Command struct {
	Words   string // that call it: "store put"
	Args    []Arg
	Summary string // one line of help; aliases say what they stand for
	Alias   bool   // words of Asterisk, left out of the first page of help
	Foreign bool   // only says why there is no such thing here; never completed
	Run     func(*Run) (Result, error)
}

// Arg is one argument of a command.
type Arg struct {
	Name     string
	Optional bool
	Rest     bool // takes all that follows
	// Complete lists what could stand here; nil: nobody knows.
	Complete func(*Session) []string
}

// Run is one run of a command.
type Run struct {
	context.Context
	*Session
	Args []string
}

// arg is argument i, "" where there is none.
func (r *Run) arg(i int) string {
	if i < len(r.Args) {
		return r.Args[i]
	}
	return ""
}

// usage is the command as help shows it: "store put FAMILY KEY VALUE".
func (c *Command) usage() string {
	var b strings.Builder
	b.WriteString(c.Words)
	for _, a := range c.Args {
		name := a.Name
		if a.Rest {
			name += "…"
		}
		if a.Optional {
			name = "[" + name + "]"
		}
		b.WriteString(" " + name)
	}
	return b.String()
}

// takes reports whether the command can be called with n arguments.
func (c *Command) takes(n int) bool {
	least, most := 0, len(c.Args)
	for _, a := range c.Args {
		if !a.Optional {
			least++
		}
		if a.Rest {
			most = n
		}
	}
	return n >= least && n <= most
}

// UsageError is a line that is no command, or one with the wrong arguments.
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }

func usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// node is a place in the tree of commands' words.
type node struct {
	next    map[string]*node
	command *Command
	useful  bool // a command that is not Foreign is here or below
}

// words are those that go on from here to something that is not Foreign.
func (n *node) words() (list []string) {
	for word, next := range n.next {
		if next.useful {
			list = append(list, word)
		}
	}
	slices.Sort(list)
	return list
}

// commandTree is the table by words.
type commandTree struct {
	root node
	list []*Command
}

func newTree(groups ...[]*Command) *commandTree {
	t := &commandTree{root: node{next: map[string]*node{}}}
	for _, c := range slices.Concat(groups...) {
		at := &t.root
		for word := range strings.FieldsSeq(c.Words) {
			if at.next[word] == nil {
				at.next[word] = &node{next: map[string]*node{}}
			}
			at = at.next[word]
			at.useful = at.useful || !c.Foreign
		}
		if at.command != nil {
			panic("two commands are called " + c.Words)
		}
		at.command = c
		t.list = append(t.list, c)
	}
	return t
}

// step follows one word: itself, or the only one that begins so.
func (n *node) step(word string) *node {
	word = strings.ToLower(word)
	if next := n.next[word]; next != nil {
		return next
	}
	var found *node
	for name, next := range n.next {
		if word != "" && strings.HasPrefix(name, word) {
			if found != nil {
				return nil
			}
			found = next
		}
	}
	return found
}

// find is the command that words call, and how many of them are its name. The
// longest name wins; words may be cut short where that leaves no doubt, but not
// where a shorter name takes them for arguments.
func (t *commandTree) find(words []string) (found *Command, named int, err error) {
	at := &t.root
	for i := 0; ; i++ {
		if at.command != nil {
			found, named = at.command, i
		}
		if i == len(words) {
			break
		}
		next := at.step(words[i])
		if next == nil {
			break
		}
		if _, exact := at.next[strings.ToLower(words[i])]; !exact && at.command != nil && len(at.command.Args) > 0 {
			break
		}
		at = next
	}
	if found == nil {
		return nil, 0, t.unknown(words)
	}
	if args := words[named:]; !found.takes(len(args)) {
		if named < len(words) && len(found.Args) == 0 {
			return nil, 0, t.unknown(words)
		}
		return nil, 0, usage("usage: %s", found.usage())
	}
	return found, named, nil
}

// unknown says what words might have meant.
func (t *commandTree) unknown(words []string) error {
	line := strings.Join(words, " ")
	at, known := &t.root, 0
	for known < len(words) && at.step(words[known]) != nil {
		at = at.step(words[known])
		known++
	}
	if known == len(words) && len(at.next) > 0 {
		return usage("%q goes on: %s", line, strings.Join(at.words(), ", "))
	}
	if known < len(words) {
		if fits := beginning(sortedKeys(at.next), words[known]); words[known] != "" && len(fits) > 1 {
			return usage("%q could be %s", words[known], strings.Join(fits, " or "))
		}
	}
	var names []string
	for _, c := range t.list {
		names = append(names, c.Words)
	}
	if near := api.Suggest(line, names); near != "" {
		return usage("there is no command %q, did you mean %q?", line, near)
	}
	if near := api.Suggest(strings.ToLower(words[known]), sortedKeys(at.next)); near != "" {
		corrected := slices.Concat(words[:known], []string{near}, words[known+1:])
		return usage("there is no command %q, did you mean %q?", line, strings.Join(corrected, " "))
	}
	return usage("there is no command %q; see help", line)
}

func sortedKeys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// run runs one line.
func (s *Session) run(ctx context.Context, line string) (Result, error) {
	line = strings.TrimSpace(line)
	if code, ok := strings.CutPrefix(line, ">"); ok {
		return s.lua(ctx, strings.TrimSpace(code))
	}
	words, err := splitWords(line)
	if err != nil {
		return Result{}, usage("%s", err)
	}
	if len(words) == 0 {
		return Result{}, nil
	}
	c, named, err := commandTable.find(words)
	if err != nil {
		return Result{}, err
	}
	return c.Run(&Run{Context: ctx, Session: s, Args: words[named:]})
}

// exitCode is what a program that ran the line ends with: 0 done, 1 failed, 2
// not understood.
func exitCode(r Result, err error) int {
	switch {
	case errors.As(err, new(*UsageError)):
		return 2
	case err != nil || r.Failed != "":
		return 1
	}
	return 0
}
