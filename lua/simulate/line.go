package simulate

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/sip"
	"github.com/moonwire/moonwire/lua/api"
)

// Leg is one simulated line of a call: the caller's, or that of a telephone that
// was dialled.
type Leg struct {
	*fake.Leg
	Target string // what was dialled, "sip/1101"; "" for callers
	clock  clock.Clock
	wire   wire
}

var _ call.Leg = (*Leg)(nil)

func (w *World) newLeg(info call.Info, target string, behaviours ...fake.Behaviour) *Leg {
	w.mu.Lock()
	info.ID = "call-" + strconv.Itoa(len(w.legs)+1)
	l := &Leg{Leg: fake.NewLeg(w.clock, info), Target: target, clock: w.clock}
	l.wire.Port = l.Leg.Port()
	w.legs = append(w.legs, l)
	w.mu.Unlock()
	l.Follow(behaviours...)
	return l
}

// Media is a port that keeps nothing of what it is given to send.
func (l *Leg) Media() call.Port { return &l.wire }

// Send is fake.Leg.Send, but see hangUpLater.
func (l *Leg) Send(ctx context.Context, s call.Signal) error {
	if l.Info().Incoming {
		return l.Leg.Send(ctx, s)
	}
	return hangUpLater(ctx, l.clock, l.Leg, s)
}

// hangUpLater gives a signal to a leg that was dialled. It hangs up by an alarm:
// where several are hung up at once, they end one after another and always in the
// same order.
func hangUpLater(ctx context.Context, c clock.Clock, l call.Leg, s call.Signal) error {
	h, last := s.(call.Hangup)
	if !last || l.Info().State == call.Ended {
		return l.Send(ctx, s)
	}
	c.AfterFunc(0, func() { _ = l.Send(context.WithoutCancel(ctx), h) }) // the only error is that it has ended
	return nil
}

// near is the side of a call of the server to itself that dialled.
type near struct {
	call.Leg
	clock clock.Clock
}

// Send is that of the leg, but see hangUpLater.
func (l near) Send(ctx context.Context, s call.Signal) error {
	return hangUpLater(ctx, l.clock, l.Leg, s)
}

// presses has the far end press a key, which is lost while no media is open.
func (l *Leg) presses(keys string) {
	if s := l.Info().State; s == call.Early || s == call.Answered {
		l.Presses(keys)
	}
}

// wire is a fake port that lets what is sent go.
type wire struct{ *fake.Port }

func (w *wire) WriteFrame(*call.Frame) error {
	if w.Closed() {
		return call.ErrHungUp
	}
	return nil
}

// exchange is where the lines of one technology end. Dial never waits.
type exchange struct {
	world   *World
	name    string
	answers []Answer // of tests, which come before those of the options
}

var _ api.Immediate = (*exchange)(nil)

// Immediate implements api.Immediate.
func (x *exchange) Immediate() {}

// Dial implements api.Dialer.
func (x *exchange) Dial(_ context.Context, to call.Target) (call.Leg, error) {
	target := x.name + "/" + to.Address
	plan, exact := x.plan(target)
	info := call.Info{
		Endpoint: x.name, Context: to.Context, Extension: to.Address, Language: to.Language,
		Caller: to.Caller, Called: call.Party{Number: to.Address},
	}
	known, err := x.locate(&info, to.Address)
	switch {
	case plan.Err != nil:
		err = plan.Err
	case !known && !exact:
		err = call.ErrUnknownTarget
	}
	if err != nil {
		return nil, fmt.Errorf("%s: dial %s: %w", x.name, to.Address, err)
	}
	leg := x.world.newLeg(info, target, plan.behaviours()...)
	x.world.dialled(leg, to)
	return leg, nil
}

// dialled notes whose leg another was dialled for.
func (w *World) dialled(l call.Leg, to call.Target) {
	if to.Beside == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parents[l.Info().ID] = to.Beside.Info().ID
}

// inside is the line from the server to itself, which never waits either.
type inside struct{ world *World }

var _ api.Immediate = inside{}

// Immediate implements api.Immediate.
func (inside) Immediate() {}

// Dial implements api.Dialer. Who dials hangs up what it gives up; the end of ctx
// would only do the same once more, at some moment.
func (x inside) Dial(ctx context.Context, to call.Target) (call.Leg, error) {
	leg, err := x.world.itself.Dial(context.WithoutCancel(ctx), to)
	if err != nil {
		return nil, err
	}
	x.world.dialled(leg, to)
	return near{leg, x.world.clock}, nil
}

// plan is what comes of dialling target, and whether it was named as it is.
func (x *exchange) plan(target string) (p Plan, exact bool) {
	for _, a := range append(x.answers[:len(x.answers):len(x.answers)], x.world.options.Answers...) {
		if Matches(a.Match, target) {
			return a.Plan, a.Match == target
		}
	}
	return Unanswered, false
}

// locate finds the phone or trunk that an address means, as the SIP endpoint
// does, and gives the leg what is configured for it.
func (x *exchange) locate(info *call.Info, address string) (known bool, err error) {
	if x.name != "sip" {
		return false, nil
	}
	if strings.HasPrefix(address, "sip:") || strings.HasPrefix(address, "sips:") {
		return true, nil
	}
	c := x.world.config()
	for i := range c.Trunks {
		t := &c.Trunks[i]
		if strings.HasSuffix(address, "@"+t.Name) || strings.HasPrefix(address, t.Name+"/") {
			info.Peer = t.Name
			return true, x.room(t.Name, t.CallLimit, call.ErrExhausted)
		}
	}
	if p := phone(c, address); p != nil {
		info.Peer = p.Name
		if info.Language == "" {
			info.Language = p.Language
		}
		return true, x.room(p.Name, p.CallLimit, call.ErrBusy)
	}
	return false, nil
}

// room is full where a peer has as many calls as it may.
func (x *exchange) room(peer string, limit int, full error) error {
	if limit <= 0 {
		return nil
	}
	for _, l := range x.world.Legs() {
		if i := l.Info(); i.Peer == peer && i.State != call.Ended {
			limit--
		}
	}
	if limit <= 0 {
		return full
	}
	return nil
}

func phone(c *sip.Config, name string) *sip.Phone {
	for i := range c.Phones {
		if c.Phones[i].Name == name {
			return &c.Phones[i]
		}
	}
	return nil
}

func trunk(c *sip.Config, name string) *sip.Trunk {
	for i := range c.Trunks {
		if c.Trunks[i].Name == name {
			return &c.Trunks[i]
		}
	}
	return nil
}

// technology is the word before the slash of a target.
func technology(target string) string {
	name, _, _ := strings.Cut(target, "/")
	return name
}
