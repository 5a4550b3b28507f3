package suite

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/simulate"
)

var (
	phoneClass = &api.Class{Name: "phone", Summary: "The person at a phone of the site. What is said about calls to it holds from then on.",
		Fields: []api.Field{{Name: "name", Type: api.TextType(), Summary: "as in sip.phone"}}}
	trunkClass = &api.Class{Name: "trunk", Summary: "What is at the other end of a trunk. What is said about calls through it holds from then on.",
		Fields: []api.Field{{Name: "name", Type: api.TextType(), Summary: "as in sip.trunk"}}}
)

// party is a phone or a trunk.
type party struct {
	b     *bench
	class string
	name  string
	plan  simulate.Plan
}

// Class implements api.Object.
func (p *party) Class() string { return p.class }

// Title implements api.Object.
func (p *party) Title() string { return p.name }

// Get implements api.Object.
func (p *party) Get(_ *lua.LState, name string) (lua.LValue, bool) {
	if name == "name" {
		return lua.LString(p.name), true
	}
	return nil, false
}

// openParty finds the phone or trunk; it must be one of the site.
func openParty(a *api.Args, class string) int {
	b, name := benchOf(a), a.String(0)
	w := b.open(a)
	phones, trunks := w.Peers()
	known, list := w.Phone(name), phones
	if class == "trunk" {
		known, list = w.Trunk(name), trunks
	}
	if !known {
		return fail(a, "the site has no %s %q; it has %s", class, name, strings.Join(list, ", "))
	}
	p := b.parties[class+" "+name]
	if p == nil {
		p = &party{b: b, class: class, name: name, plan: simulate.Unanswered}
		b.parties[class+" "+name] = p
	}
	return a.Return(a.Wrap(p))
}

// targets are what dialling the party looks like.
func (p *party) targets() []string {
	if p.class == "trunk" {
		return []string{"sip/*@" + p.name, "sip/" + p.name + "/*"}
	}
	return []string{"sip/" + p.name}
}

// is reports whether a leg goes to the party.
func (p *party) is(l *simulate.Leg) bool { return l.Target != "" && l.Info().Peer == p.name }

// planned changes what comes of calling the party.
func planned(a *api.Args, change func(*simulate.Plan)) int {
	p := a.Self().(*party)
	change(&p.plan)
	for _, target := range p.targets() {
		p.b.open(a).Plan(simulate.Answer{Match: target, Plan: p.plan})
	}
	return a.Return(a.L.Get(1))
}

func answers(a *api.Args) int {
	return planned(a, func(p *simulate.Plan) {
		p.Rings, p.Answer, p.Refuse, p.Err = true, a.Seconds(0), call.CauseNone, nil
	})
}

func neverAnswers(a *api.Args) int {
	return planned(a, func(p *simulate.Plan) { *p = simulate.Unanswered })
}

func busy(a *api.Args) int {
	return planned(a, func(p *simulate.Plan) { *p = simulate.Plan{Rings: true, Refuse: call.CauseBusy} })
}

func unregistered(a *api.Args) int {
	return planned(a, func(p *simulate.Plan) { *p = simulate.Plan{Err: call.ErrUnreachable} })
}

func rejects(a *api.Args) int {
	plan := simulate.Plan{Rings: true, Answer: a.Seconds(1)}
	if n, ok := a.Value(0).(lua.LNumber); ok && n >= 300 {
		plan.Status, plan.Refuse = int(n), call.CauseOf(int(n))
	} else {
		cause, known := call.CauseByName(a.String(0))
		if !known {
			return fail(a, "there is no cause %q", a.String(0))
		}
		plan.Refuse = cause
	}
	return planned(a, func(p *simulate.Plan) { *p = plan })
}

func trunkFails(a *api.Args) int {
	status := a.Int(0)
	if status < 300 || status > 699 {
		return fail(a, "status must be from 300 to 699, got %d", status)
	}
	return planned(a, func(p *simulate.Plan) {
		*p = simulate.Plan{Status: status, Refuse: call.CauseOf(status)}
	})
}

func partyPresses(a *api.Args) int {
	at := a.Seconds(1)
	keys := a.String(0)
	checkKeys(a, keys)
	return planned(a, func(p *simulate.Plan) {
		for i := range len(keys) {
			p.Keys = append(p.Keys, simulate.Key{At: at + time.Duration(i)*keyPeriod, Key: keys[i]})
		}
	})
}

func partySpeaks(a *api.Args) int {
	return planned(a, func(p *simulate.Plan) {
		p.Speaks = append(p.Speaks, simulate.Speech{At: a.Seconds(1), For: a.Seconds(0)})
	})
}

func partyHangsUp(a *api.Args) int {
	return planned(a, func(p *simulate.Plan) { p.Talks = a.Seconds(0) })
}

// rings waits for a call to the party that no assertion has looked at.
func rings(a *api.Args) int {
	p := a.Self().(*party)
	var found *simulate.Leg
	b := p.b
	if !b.until(a, patience(a, 0), func() bool { found = b.unclaimed(p); return found != nil }) {
		return fail(a, "%s was not called within %s s", p.name, number(patience(a, 0).Seconds()))
	}
	b.claimed[found] = true
	return a.Return(a.Wrap(&testCall{b: b, leg: found}))
}

func isQuiet(a *api.Args) int {
	p := a.Self().(*party)
	p.b.settle(a)
	if l := p.b.unclaimed(p); l != nil {
		return fail(a, "%s was called: %s", p.name, l.Target)
	}
	return a.Return(a.L.Get(1))
}

func (b *bench) unclaimed(p *party) *simulate.Leg {
	for _, l := range b.world.Legs() {
		if p.is(l) && !b.claimed[l] {
			return l
		}
	}
	return nil
}

func phoneDials(a *api.Args) int {
	p := a.Self().(*party)
	o := a.Options(1)
	return p.b.place(a, simulate.Caller{
		From: p.name, Extension: a.String(0), Context: o.String("context"),
		Party: call.Party{Number: o.String("number"), Name: o.String("name")},
	})
}

func trunkCalls(a *api.Args) int {
	p := a.Self().(*party)
	o := a.Options(0)
	return p.b.place(a, simulate.Caller{
		From: p.name, Extension: o.String("to"),
		Party: call.Party{Number: o.String("from"), Name: o.String("name")},
	})
}

func guestCalls(a *api.Args) int {
	o := a.Options(0)
	return benchOf(a).place(a, simulate.Caller{
		Extension: o.String("to"), Context: o.String("context"),
		Party: call.Party{Number: o.String("from"), Name: o.String("name")},
	})
}

// place places a call and lets happen what happens at once.
func (b *bench) place(a *api.Args, c simulate.Caller) int {
	leg := b.open(a).Call(c)
	if b.first == nil {
		b.first = leg
	}
	b.settle(a)
	return a.Return(a.Wrap(&testCall{b: b, leg: leg.Leg}))
}
