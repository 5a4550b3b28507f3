package check

import (
	"github.com/moonwire/moonwire/core/route"
)

// routes looks at the numbers: is there one that nobody can reach, or a context
// where nothing happens.
func (l *list) routes() {
	for _, p := range l.site.Routes.Problems() {
		rule := ruleUnreachable
		switch p.Kind {
		case route.IgnoredTail, route.UndialableDash:
			rule = rulePattern
		case route.MissingContext:
			rule = ruleContext // Complete has refused it already
		}
		l.placed(p.Source, rule, "%s", p.String())
	}
	if !l.whole() {
		return
	}
	l.deserted()
	l.unused()
}

// deserted finds callers who land where there is no extension at all.
func (l *list) deserted() {
	said := map[string]bool{}
	for _, peer := range l.peers() {
		if peer.context == "" || said[peer.context] {
			continue
		}
		said[peer.context] = true
		empty := true
		for _, context := range l.reachable(peer.context) {
			empty = empty && len(l.site.Routes.Extensions(context)) == 0
		}
		if empty {
			l.placed(peer.source, ruleNoEnd, "%s lands in context %q, which has no extension, nor has what it includes: every call is refused", peer.name, peer.context)
		}
	}
}

// unused finds contexts that no phone, trunk, include or script names. Where a
// script takes the name of a context from somewhere else, nothing is said.
func (l *list) unused() {
	if l.anyContext {
		return
	}
	used := map[string]bool{}
	for _, peer := range l.peers() {
		used[peer.context] = true
	}
	for _, context := range l.site.Contexts() {
		for _, inclusion := range l.site.Routes.Includes(context) {
			used[inclusion.Context] = true
		}
	}
	for _, context := range l.site.Contexts() {
		if !used[context] && !l.entered[context] {
			l.placed(l.site.Opened(context), ruleUnused, "nothing leads to context %q: no phone, trunk or guest, no include and no script", context)
		}
	}
}

// peer is somebody who may call, or several.
type peer struct {
	name, context, source string
	outside               bool // not one of our phones
	private               bool // comes from private networks, or proves who it is
}

// peers are all who may call, in the order of the scripts.
func (l *list) peers() []peer {
	var all []peer
	c := &l.site.SIP
	for _, p := range c.Phones {
		all = append(all, peer{name: "phone " + p.Name, context: p.Context, source: p.Source})
	}
	for _, t := range c.Trunks {
		all = append(all, peer{name: "trunk " + t.Name, context: t.Context, source: t.Source, outside: true, private: t.Auth || privateHost(t.Host)})
	}
	for _, g := range c.Guests {
		all = append(all, peer{name: "a guest", context: g.Context, source: g.Source, outside: true, private: privateNetworks(g.From)})
	}
	return all
}
