package local

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/call"
)

// Endpoint makes pairs of legs. Its methods may be called from any goroutine.
type Endpoint struct {
	clock   call.Holder
	mu      sync.Mutex
	accept  func(call.Leg)
	made    atomic.Uint32
	deepest int
}

// most is how many local calls may lead from one to the next: an extension that
// dials itself ends there.
const most = 20

// New returns an Endpoint; clock is held for each event of its legs, and may be
// nil where time is real.
func New(clock call.Holder) *Endpoint { return &Endpoint{clock: clock, deepest: most} }

// Attach says who serves the calls. Until then every call is refused.
func (e *Endpoint) Attach(accept func(call.Leg)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.accept = accept
}

// Name is the word before the slash in a target.
func (e *Endpoint) Name() string { return "local" }

// Immediate says that Dial never waits.
func (e *Endpoint) Immediate() {}

// Serve is Attach for as long as ctx lasts.
func (e *Endpoint) Serve(ctx context.Context, accept func(call.Leg)) error {
	e.Attach(accept)
	<-ctx.Done()
	e.Attach(nil)
	return nil
}

// Dial calls "extension@context", or "extension" in the target's own context.
// The end of ctx gives the call up as long as it is not answered.
func (e *Endpoint) Dial(ctx context.Context, to call.Target) (call.Leg, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dial local/%s: %w", to.Address, err)
	}
	address, _, _ := strings.Cut(to.Address, "/")
	extension, where, ok := strings.Cut(address, "@")
	if !ok || where == "" {
		where = to.Context
	}
	e.mu.Lock()
	accept := e.accept
	e.mu.Unlock()
	depth := depthOf(to.Beside) + 1
	switch {
	case extension == "":
		return nil, fmt.Errorf("dial local/%s: %w", to.Address, call.ErrUnknownTarget)
	case accept == nil:
		return nil, fmt.Errorf("dial local/%s: nothing serves calls: %w", to.Address, call.ErrUnreachable)
	case depth > e.deepest:
		return nil, fmt.Errorf("dial local/%s: %d local calls lead from one to the next: %w", to.Address, depth, call.ErrExhausted)
	}
	name := fmt.Sprintf("Local/%s@%s-%08x", extension, where, e.made.Add(1))
	p := newPair(e.clock, name, depth, to, extension, where)
	p.near.cancelWith(ctx)
	accept(p.far)
	return p.near, nil
}

// depthOf is how many local calls led to a leg.
func depthOf(l call.Leg) int {
	if own, ok := l.(*leg); ok {
		return own.pair.depth
	}
	return 0
}

func newPair(clock call.Holder, name string, depth int, to call.Target, extension, where string) *pair {
	p := &pair{depth: depth, format: call.LinearAt(8000)}
	if to.Beside != nil && to.Beside.Info().Format.Rate > 8000 {
		p.format = call.LinearAt(16000)
	}
	features := call.CanHold | call.CanEarlyMedia
	p.near = newLeg(p, clock, call.Info{
		ID: name + ";1", Endpoint: "local", Peer: extension + "@" + where, Context: to.Context, Extension: to.Address,
		Caller: to.Caller, Called: call.Party{Number: extension}, Language: to.Language, Features: features,
	})
	p.far = newLeg(p, clock, call.Info{
		ID: name + ";2", Endpoint: "local", Peer: extension + "@" + where, Incoming: true, Context: where, Extension: extension,
		Caller: to.Caller, Called: call.Party{Number: extension}, Language: to.Language, Features: features,
		Protocol: call.Protocol{Header: headerOf(to.Headers)},
	})
	p.near.other, p.far.other = p.far, p.near
	p.near.port, p.far.port = newPort(p.near), newPort(p.far)
	p.near.port.other, p.far.port.other = p.far.port, p.near.port
	return p
}

// headerOf finds the headers that who dialled sent along.
func headerOf(headers [][2]string) func(string) string {
	return func(name string) string {
		for _, h := range headers {
			if strings.EqualFold(h[0], name) {
				return h[1]
			}
		}
		return ""
	}
}

// keyLength is how long a key is held that is told rather than heard.
const keyLength = 100 * time.Millisecond
