package check

import (
	"path"
	"slices"
	"strings"

	"github.com/moonwire/moonwire/core/route"
	"github.com/moonwire/moonwire/lua/api"
)

// name is something that a script names, to be looked up when the whole site is
// known.
type name struct {
	file     *file
	kind     api.Named
	text     string
	line     int
	language string // of a prompt, "" for the call's
	context  string // of an extension
	by       *api.Entry
}

// named notes what a call names.
func (l *list) named(f *file, e *api.Entry, arguments []api.Written, first int) {
	language, context, contextKnown := "", "", false
	e.Visit(arguments, first, func(t *api.Type, w api.Written) {
		switch {
		case t.Names == api.NamesLanguage && w.Type == "string" && w.Known:
			language = w.Text
			l.languages[w.Text] = true
		case t.Names == api.NamesAnyContext && w.Known:
			l.entered[w.Text] = true
		case t.Names == api.NamesContext && w.Type == "string" && w.Known:
			context, contextKnown = w.Text, true
		case (t.Names == api.NamesContext || t.Names == api.NamesAnyContext) && (w.Type == "" || w.Type == "string"):
			l.anyContext = true
		}
	})
	e.Visit(arguments, first, func(t *api.Type, w api.Written) {
		if t.Names == api.NamesNothing || w.Type != "string" || !w.Known || slices.Contains(t.Apart, w.Text) {
			return
		}
		if t.Names == api.NamesExtension && !contextKnown {
			return
		}
		l.names = append(l.names, name{file: f, kind: t.Names, text: w.Text, line: w.Line, language: language, context: context, by: e})
	})
}

// lookUp holds what scripts name against what there is.
func (l *list) lookUp() {
	for _, n := range l.names {
		if !l.used[n.file.name] {
			continue // what it needs comes with whatever will require it
		}
		switch n.kind {
		case api.NamesPrompt:
			l.prompt(n)
		case api.NamesTarget:
			l.target(n)
		case api.NamesContext:
			l.namedContext(n)
		case api.NamesExtension:
			l.namedExtension(n)
		}
	}
}

// inUse are the files that take part: those that run at load, and what they
// require; all, where a script computes the name of a module.
func (l *list) inUse() map[string]bool {
	used := map[string]bool{}
	order := slices.Clone(l.look.Entries)
	if l.anyModule {
		order = sortedKeys(l.look.Files)
	}
	for i := 0; i < len(order); i++ {
		if f := l.files[order[i]]; f != nil && !used[f.name] {
			used[f.name] = true
			order = append(order, f.modules...)
		}
	}
	return used
}

// prompt looks for a prompt in each language that it can be asked for in.
func (l *list) prompt(n name) {
	if l.options.Prompts == nil || path.Ext(n.text) != "" || n.text == "" {
		return
	}
	languages := []string{n.language}
	if n.language == "" {
		languages = l.spoken()
	}
	for _, language := range languages {
		at := l.options.Prompts.Locate(language, n.text)
		wanted, _, _ := strings.Cut(language, "-")
		in, _, _ := strings.Cut(at, "/")
		in, _, _ = strings.Cut(in, "-")
		switch {
		case at == "":
			l.at(n.file, n.line, n.text, rulePrompt, "there is no prompt %q, in %q or in any language that stands in for it: callers hear nothing", n.text, language)
			return
		case in != wanted && in == defaultLanguage && at != n.text:
			l.at(n.file, n.line, n.text, rulePrompt, "there is no prompt %q in %q: callers hear it in %q", n.text, language, in).Level = Warning
		}
	}
}

const defaultLanguage = "en"

// spoken are the languages that calls can be in, sorted.
func (l *list) spoken() []string {
	if l.speak == nil {
		if l.site != nil {
			for _, p := range l.site.SIP.Phones {
				l.languages[p.Media.Language] = true
			}
			for _, t := range l.site.SIP.Trunks {
				l.languages[t.Media.Language] = true
			}
			for _, g := range l.site.SIP.Guests {
				l.languages[g.Media.Language] = true
			}
		}
		if l.languages[""] || len(l.languages) == 0 {
			delete(l.languages, "")
			l.languages[defaultLanguage] = true
		}
		for language := range l.languages {
			l.speak = append(l.speak, language)
		}
		slices.Sort(l.speak)
	}
	return l.speak
}

// target looks for the phone or trunk behind "sip/1001" or "sip/0123@provider".
func (l *list) target(n name) {
	technology, address, ok := strings.Cut(n.text, "/")
	if extension, context := localCall(n.text); context != "" {
		n.context, n.text = context, extension
		l.localTarget(n)
		return
	}
	if !l.whole() || ok && technology != "sip" {
		return
	}
	if !ok {
		l.at(n.file, n.line, n.text, ruleTarget, "%s: a target looks like \"sip/1001\", not %q", n.by.Label(), n.text)
		return
	}
	if scheme, _, ok := strings.Cut(address, ":"); ok && (scheme == "sip" || scheme == "sips") {
		return
	}
	if l.trunkOf(address) != "" || l.phones[address] {
		return
	}
	var names []string
	if _, trunk, ok := strings.Cut(address, "@"); ok {
		for name := range l.trunks {
			names = append(names, name)
		}
		slices.Sort(names)
		l.at(n.file, n.line, n.text, ruleTarget, "%s: there is no trunk %q%s", n.by.Label(), trunk, api.DidYouMean(trunk, names))
		return
	}
	for name := range l.phones {
		names = append(names, name)
	}
	slices.Sort(names)
	l.at(n.file, n.line, n.text, ruleTarget, "%s: there is no phone %q%s", n.by.Label(), address, api.DidYouMean(address, names))
}

// localCall takes "local/600@internal/n" apart, which leads back into the
// dialplan; context is "" for other targets, and where the call's own is meant.
func localCall(target string) (extension, context string) {
	address, ok := strings.CutPrefix(target, "local/")
	if !ok {
		return "", ""
	}
	address, _, _ = strings.Cut(address, "/")
	extension, context, _ = strings.Cut(address, "@")
	return extension, context
}

func (l *list) localTarget(n name) {
	extension := n.text
	n.text = n.context
	l.namedContext(n)
	n.text = extension
	l.namedExtension(n)
}

// trunkOf is the trunk that an address leads to, "" for none: "number@trunk" or
// "trunk/number".
func (l *list) trunkOf(address string) string {
	if _, trunk, ok := strings.Cut(address, "@"); ok && l.trunks[trunk] {
		return trunk
	}
	if trunk, _, ok := strings.Cut(address, "/"); ok && l.trunks[trunk] {
		return trunk
	}
	return ""
}

func (l *list) namedContext(n name) {
	l.entered[n.text] = true
	if l.site == nil || l.options.Part || slices.Contains(l.site.Contexts(), n.text) {
		return
	}
	l.at(n.file, n.line, n.text, ruleContext, "%s: there is no context %q%s", n.by.Label(), n.text, api.DidYouMean(n.text, l.site.Contexts()))
}

// namedExtension looks for a number in the context where it is entered. What an
// include reaches only at times counts.
func (l *list) namedExtension(n name) {
	if l.site == nil || l.options.Part || !slices.Contains(l.site.Contexts(), n.context) {
		return
	}
	for _, context := range l.reachable(n.context) {
		for _, e := range l.site.Routes.Extensions(context) {
			if l.fits(e.Pattern, n.text) {
				return
			}
		}
	}
	l.at(n.file, n.line, n.text, ruleExtension, "%s: context %q has no extension for %q", n.by.Label(), n.context, n.text)
}

// fits reports whether a number may be one of a pattern.
func (l *list) fits(pattern, number string) bool {
	p, err := route.ParsePattern(pattern)
	return err != nil || p.Match(number)
}

// reachable lists a context and all that it includes, at whatever time.
func (l *list) reachable(context string) []string {
	order := []string{context}
	seen := map[string]bool{context: true}
	for i := 0; i < len(order); i++ {
		for _, inclusion := range l.site.Routes.Includes(order[i]) {
			if !seen[inclusion.Context] {
				seen[inclusion.Context] = true
				order = append(order, inclusion.Context)
			}
		}
	}
	return order
}
