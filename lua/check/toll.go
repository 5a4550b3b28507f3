package check

import (
	"fmt"
	"net/netip"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/route"
)

// place is how messages name a line.
func place(f *file, line int) string { return fmt.Sprintf("%s:%d", f.name, line) }

// handling looks at the functions behind the numbers by themselves.
func (l *list) handling() {
	for _, context := range l.site.Contexts() {
		for _, e := range l.site.Routes.Extensions(context) {
			c, ok := l.closure(l.handlers[l.site.Handler(&e)])
			if ok && len(c.exprs) == 1 && len(c.exprs[0].Stmts) == 0 {
				l.placed(e.Source, ruleNoEnd, "extension %q of context %q does nothing: its function is empty, and every call is refused", e.Pattern, context)
			}
		}
	}
}

// tollFraud follows the callers from outside to whatever they can dial, and
// tells where that goes out by a trunk: by includes, by extensions that enter
// others, and through functions of any module.
func (l *list) tollFraud() {
	said := map[string]bool{}
	for _, careful := range []bool{false, true} {
		for _, p := range l.peers() {
			if p.outside && p.private == careful && p.context != "" && !said[p.context] {
				said[p.context] = true
				w := &walk{list: l, peer: p, contexts: map[string]bool{}, handled: map[visit]bool{}, said: map[string]bool{}}
				w.context(p.context, trail{})
			}
		}
	}
}

// walk is the search from one caller.
type walk struct {
	*list
	peer     peer
	contexts map[string]bool
	handled  map[visit]bool
	said     map[string]bool // places that were reported
}

// visit is an extension in a context.
type visit struct{ context, pattern, caller string }

// trail is how the search came somewhere.
type trail struct {
	first string // place of the first step, where it can be mended
	steps []string
}

func (p trail) then(place, format string, args ...any) trail {
	next := trail{first: p.first, steps: append(p.steps[:len(p.steps):len(p.steps)], fmt.Sprintf(format, args...))}
	if next.first == "" {
		next.first = place
	}
	return next
}

// context visits the extensions that can be dialled in a context.
func (w *walk) context(name string, p trail) {
	if w.contexts[name] {
		return
	}
	w.contexts[name] = true
	for _, e := range w.site.Routes.Extensions(name) {
		w.extension(name, &e, p)
	}
	for _, inclusion := range w.site.Routes.Includes(name) {
		w.context(inclusion.Context, p.then(inclusion.Source, "context %q includes %q (%s)", name, inclusion.Context, inclusion.Source))
	}
}

func (w *walk) extension(context string, e *route.Extension, p trail) {
	at := visit{context, e.Pattern, e.CallerID}
	if w.handled[at] {
		return
	}
	w.handled[at] = true
	p = p.then(e.Source, "extension %q of context %q (%s)", e.Pattern, context, e.Source)
	handler := w.handlers[w.site.Handler(e)]
	for _, fn := range w.called(handler) {
		d := w.deeds(fn)
		for _, one := range d.dials {
			w.dial(one, e, fn == handler, p)
		}
		for _, one := range d.enters {
			w.enter(one, p)
		}
	}
}

// called lists fn and all functions that it may call, nearest first.
func (w *walk) called(fn *lua.LFunction) []*lua.LFunction {
	order := []*lua.LFunction{fn}
	seen := map[*lua.LFunction]bool{fn: true}
	for i := 0; i < len(order); i++ {
		for _, next := range w.deeds(order[i]).next {
			if !seen[next] {
				seen[next] = true
				order = append(order, next)
			}
		}
	}
	return order
}

// dial tells of a target that goes out by a trunk.
func (w *walk) dial(d dial, e *route.Extension, direct bool, p trail) {
	if number, context := localCall(d.target); context != "" {
		w.enter(entering{number, context}, p)
		return
	}
	address, ok := strings.CutPrefix(d.target, "sip/")
	if !ok || strings.HasPrefix(address, "sip:") || strings.HasPrefix(address, "sips:") {
		return
	}
	trunk := w.trunkOf(address)
	if trunk == "" || w.said[p.first] {
		return
	}
	number := address
	if direct && !strings.HasPrefix(e.Pattern, "_") {
		number = strings.ReplaceAll(number, extension, e.Pattern)
	}
	way := strings.Join(append([]string{w.peer.name + " lands in context " + fmt.Sprintf("%q", w.peer.context)}, p.steps...), ", ")
	if known(number) {
		w.placed(p.first, ruleTollFraud, "callers from outside reach trunk %q, always with the same number: %s, which dials %q at %s",
			trunk, way, "sip/"+number, d.place).Level = Note
		return
	}
	w.said[p.first] = true
	f := w.placed(p.first, ruleTollFraud, "callers from outside can dial numbers of their choice by trunk %q, at your cost: %s, which dials at %s", trunk, way, d.place)
	if w.peer.private || w.privateTrunk(trunk) {
		f.Level = Warning
	}
}

// enter goes on where a function enters other extensions.
func (w *walk) enter(one entering, p trail) {
	if !known(one.context) || !w.site.Routes.Has(one.context) {
		return
	}
	for _, context := range w.reachable(one.context) {
		for _, e := range w.site.Routes.Extensions(context) {
			if !known(one.extension) || w.fits(e.Pattern, one.extension) {
				w.extension(context, &e, p)
			}
		}
	}
}

func (l *list) privateTrunk(name string) bool {
	for _, t := range l.site.SIP.Trunks {
		if t.Name == name {
			return privateHost(t.Host)
		}
	}
	return false
}

// privateHost reports whether a host[:port] is an address of a private network.
func privateHost(host string) bool {
	if at, err := netip.ParseAddrPort(host); err == nil {
		return private(at.Addr())
	}
	at, err := netip.ParseAddr(host)
	return err == nil && private(at)
}

func private(a netip.Addr) bool { return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() }

// privateNetworks reports whether all of some networks are private ones.
func privateNetworks(list []netip.Prefix) bool {
	for _, p := range list {
		if !private(p.Addr()) {
			return false
		}
	}
	return len(list) > 0
}
