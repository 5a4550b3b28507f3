// Package fake is a telephone line without a telephone: legs, an endpoint and a
// port that do what a test or a simulation tells them to.
//
// A fake leg has two sides. What moonwire sends to it (ring, answer, hang up) is
// recorded with its time; what the person at the far end does (answers, presses
// keys, hangs up) is either done by the test, by calling a method, or planned
// beforehand by Behaviours such as AnswersAfter. Plans run on a clock.Clock: on
// clock.Virtual a call of an hour takes no time, and the clock stands still
// until every event has been dealt with, so that runs are alike.
package fake

import (
	"context"
	"fmt"
	"sync"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
)

// AnyAddress is the address whose plan answers for all that have none.
const AnyAddress = "*"

// Endpoint is a call.Endpoint whose legs behave as planned. Its methods may be
// called from any goroutine.
type Endpoint struct {
	name  string
	clock clock.Clock

	mu      sync.Mutex
	plans   map[string]plan
	dialled []call.Target
	legs    []*Leg
	accept  func(call.Leg)
	serving chan struct{} // closed while Serve runs
}

var _ call.Endpoint = (*Endpoint)(nil)

// plan is what dialling an address comes to.
type plan struct {
	behaviours []Behaviour
	err        error
}

// NewEndpoint returns an endpoint where no address exists yet.
func NewEndpoint(name string, c clock.Clock) *Endpoint {
	return &Endpoint{name: name, clock: c, plans: map[string]plan{}, serving: make(chan struct{})}
}

// Name is the technology: the word before the slash of a target.
func (e *Endpoint) Name() string { return e.name }

// On plans what legs do that are dialled at address. A later plan for the same
// address replaces the earlier one. AnyAddress stands for every other address.
func (e *Endpoint) On(address string, behaviours ...Behaviour) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.plans[address] = plan{behaviours: behaviours}
}

// Fail makes Dial of address return err.
func (e *Endpoint) Fail(address string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.plans[address] = plan{err: err}
}

// Dial starts an outgoing leg that follows the plan of its address.
// call.ErrUnknownTarget says that there is none. The end of ctx cancels the leg
// as long as it is not answered.
func (e *Endpoint) Dial(ctx context.Context, to call.Target) (call.Leg, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dial %s/%s: %w", e.name, to.Address, err)
	}
	e.mu.Lock()
	e.dialled = append(e.dialled, to)
	p, ok := e.plans[to.Address]
	if !ok {
		p, ok = e.plans[AnyAddress]
	}
	e.mu.Unlock()
	switch {
	case !ok:
		return nil, fmt.Errorf("dial %s/%s: %w", e.name, to.Address, call.ErrUnknownTarget)
	case p.err != nil:
		return nil, fmt.Errorf("dial %s/%s: %w", e.name, to.Address, p.err)
	}
	leg := e.newLeg(call.Info{
		Peer:      to.Address,
		Context:   to.Context,
		Extension: to.Address,
		Language:  to.Language,
		Caller:    to.Caller,
		Called:    call.Party{Number: to.Address},
	}, p.behaviours)
	leg.cancelWith(ctx)
	return leg, nil
}

// Serve hands the legs of Call to accept until ctx ends. It runs once at a time.
func (e *Endpoint) Serve(ctx context.Context, accept func(call.Leg)) error {
	e.mu.Lock()
	if e.accept != nil {
		e.mu.Unlock()
		return fmt.Errorf("serve %s: already serving", e.name)
	}
	e.accept = accept
	close(e.serving)
	e.mu.Unlock()

	<-ctx.Done()

	e.mu.Lock()
	e.accept, e.serving = nil, make(chan struct{})
	e.mu.Unlock()
	return nil
}

// Call places a call to moonwire: an incoming leg with the facts of info, which
// needs no ID, is handed to the function that Serve was given. Call waits until
// Serve runs; the error is that of ctx ending before.
func (e *Endpoint) Call(ctx context.Context, info call.Info, behaviours ...Behaviour) (*Leg, error) {
	accept, err := e.accepter(ctx)
	if err != nil {
		return nil, fmt.Errorf("call through %s: %w", e.name, err)
	}
	info.Incoming = true
	leg := e.newLeg(info, behaviours)
	accept(leg)
	return leg, nil
}

func (e *Endpoint) accepter(ctx context.Context) (func(call.Leg), error) {
	for {
		e.mu.Lock()
		accept, serving := e.accept, e.serving
		e.mu.Unlock()
		if accept != nil {
			return accept, nil
		}
		select {
		case <-serving:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (e *Endpoint) newLeg(info call.Info, behaviours []Behaviour) *Leg {
	e.mu.Lock()
	info.Endpoint = e.name
	if info.ID == "" {
		info.ID = fmt.Sprintf("%s-%d", e.name, len(e.legs)+1)
	}
	leg := newLeg(e.clock, info)
	e.legs = append(e.legs, leg)
	e.mu.Unlock()
	leg.Follow(behaviours...)
	return leg
}

// Dialled is every target that Dial was given, in order.
func (e *Endpoint) Dialled() []call.Target {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]call.Target(nil), e.dialled...)
}

// Legs is every leg made so far, in both directions, in order.
func (e *Endpoint) Legs() []*Leg {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*Leg(nil), e.legs...)
}
