package console

import (
	"slices"
	"strings"

	"github.com/moonwire/moonwire/lua/api"
)

// complete lists what could stand where text, the line up to the cursor, ends:
// whole words that begin with the one being typed, sorted.
func (s *Session) complete(text string) []string {
	if code, ok := strings.CutPrefix(strings.TrimLeft(text, " "), ">"); ok {
		return s.completeLua(code)
	}
	finished, last := beingTyped(text)
	at, args := &commandTable.root, -1
	var command *Command
	for _, word := range finished {
		if next := at.step(word); args < 0 && next != nil {
			at, command = next, next.command
			continue
		}
		args = max(args, 0) + 1
	}
	var list []string
	if args < 0 {
		list, args = at.words(), 0
		if command = at.command; command == nil {
			return beginning(list, last)
		}
	} else if command == nil {
		return nil
	}
	if n := len(command.Args); n > 0 {
		if args >= n && command.Args[n-1].Rest {
			args = n - 1
		}
		if args < n && command.Args[args].Complete != nil {
			for _, word := range command.Args[args].Complete(&Session{Server: s.Server, completing: finished}) {
				list = append(list, quoteWord(word))
			}
		}
	}
	return beginning(list, last)
}

// mostOffered is how many words completion offers.
const mostOffered = 200

func beginning(words []string, with string) []string {
	var list []string
	for _, w := range words {
		if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(w, `"`)), strings.ToLower(with)) {
			list = append(list, w)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), mostOffered)]
}

// completeLua completes the names of the API at the end of code.
func (s *Session) completeLua(code string) []string {
	start := strings.LastIndexFunc(code, func(r rune) bool {
		return r != '_' && r != '.' && r != ':' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	last := code[start+1:]
	var list []string
	for _, e := range api.Table() {
		switch {
		case e.IsMethod():
		case strings.Contains(last, ".") || e.On == "":
			list = append(list, e.Label())
		default:
			list = append(list, e.On+".")
		}
	}
	return beginning(list, last)
}
