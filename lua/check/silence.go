package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/moonwire/moonwire/lua/api"
)

// comment finds "-- check: ignore RULE, RULE why not".
var comment = regexp.MustCompile(`--\s*check:\s*ignore\b(.*)`)

// ignored are the rules that a comment on a line silences. What follows the last
// rule is for people.
func ignored(line string) (rules []string, found bool) {
	if !strings.Contains(line, "check:") {
		return nil, false
	}
	match := comment.FindStringSubmatch(line)
	if match == nil {
		return nil, false
	}
	for _, part := range strings.Split(match[1], ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			break
		}
		rules = append(rules, words[0])
		if len(words) > 1 {
			break
		}
	}
	return rules, true
}

func (l *list) silenced(f *Finding) bool {
	rules, _ := ignored(f.Source)
	return slices.Contains(rules, f.Rule)
}

// comments finds those that silence nothing because they name no rule, or one
// that the server goes by.
func (l *list) comments() {
	for _, name := range sortedKeys(l.look.Files) {
		f := l.files[name]
		if f == nil || !strings.Contains(l.look.Files[name], "check:") {
			continue
		}
		for i, line := range f.lines {
			rules, found := ignored(line)
			if found && len(rules) == 0 {
				l.at(f, i+1, "check", ruleIgnore, "the comment names no rule: write -- check: ignore RULE")
			}
			for _, id := range rules {
				switch rule := ruleNamed(id); {
				case rule == nil:
					l.at(f, i+1, id, ruleIgnore, "there is no rule %q%s", id, api.DidYouMean(id, ruleIDs()))
				case rule.Refused:
					l.at(f, i+1, id, ruleIgnore, "%q cannot be ignored: the server refuses such scripts", id)
				}
			}
		}
	}
}

func ruleIDs() []string {
	var list []string
	for _, r := range Rules {
		list = append(list, r.ID)
	}
	return list
}
