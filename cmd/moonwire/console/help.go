package console

import (
	"fmt"
	"slices"
	"strings"
)

// commandTable is the table of all commands. It is put together when the
// program starts rather than by the variables themselves, because functions in
// it refer to it.
var commandTable *commandTree

func init() {
	commandTable = newTree(helpCommands, callCommands, phoneCommands, dialplanCommands, storeCommands, runningCommands,
		asteriskCore, asteriskSIP, asteriskDatabase, asteriskForeign())
}

var helpCommands = []*Command{
	{Words: "help", Args: []Arg{{Name: "COMMAND", Optional: true, Rest: true, Complete: firstWords}}, Summary: "what there is, or what begins with COMMAND; help asterisk shows the names known from there", Run: help},
}

func firstWords(*Session) []string {
	var list []string
	for _, c := range commandTable.list {
		word, _, _ := strings.Cut(c.Words, " ")
		list = append(list, word)
	}
	return append(list, "asterisk")
}

func help(r *Run) (Result, error) {
	prefix := strings.ToLower(strings.Join(r.Args, " "))
	t := &Table{Columns: columns("command", "summary"), Bare: true}
	list := slices.Clone(commandTable.list)
	slices.SortStableFunc(list, func(a, b *Command) int { return strings.Compare(a.Words, b.Words) })
	for _, c := range list {
		switch {
		case prefix == "" && c.Alias, prefix == "asterisk" && !c.Alias:
			continue
		case prefix != "" && prefix != "asterisk" && c.Words != prefix && !strings.HasPrefix(c.Words, prefix+" "):
			continue
		}
		t.add(c.usage(), c.Summary)
	}
	if len(t.Rows) == 0 {
		return Result{}, usage("no command begins with %q", prefix)
	}
	if prefix == "" {
		t.add("> LUA", "run a line of Lua in the server: > calls()[1].caller.number; globals are kept, locals end with their line")
		t.Foot = fmt.Sprintf("%s more have the names of Asterisk's console: help asterisk", fmt.Sprint(len(list)-len(t.Rows)+1))
	}
	return Result{Table: t}, nil
}
