package simulate

import (
	"context"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/lua/api"
)

// Caller says who calls, what is dialled, and what the caller does.
type Caller struct {
	From      string // phone or trunk that calls; "": the phone whose number the caller has
	Context   string // "": that of the phone or trunk
	Extension string
	Party     call.Party // as shown; an empty one is what is configured for the phone
	Language  string
	Keys      []Key         // while media is open; others are lost
	HangUp    time.Duration // after so long; 0 = never
}

// Call is one simulated call.
type Call struct {
	*Leg
	Caller Caller
	Began  time.Time
	world  *World
}

// Call places a call. It is served as time passes.
func (w *World) Call(c Caller) *Call {
	info := call.Info{
		Endpoint: "sip", Incoming: true, Context: c.Context, Extension: c.Extension,
		Caller: c.Party, Called: call.Party{Number: c.Extension}, Language: c.Language,
	}
	w.identify(&info, c.From)
	leg := &Call{Leg: w.newLeg(info, ""), Caller: c, Began: w.clock.Now(), world: w}
	for _, k := range c.Keys {
		key := string(k.Key)
		leg.After(k.At, func() { leg.presses(key) })
	}
	if c.HangUp > 0 {
		leg.After(c.HangUp, func() { leg.HangsUp(call.CauseNormal) })
	}
	w.api.Accept(leg.Leg)
	return leg
}

// identify gives the leg what is configured for the phone or trunk that calls.
func (w *World) identify(info *call.Info, from string) {
	c := w.config()
	if t := trunk(c, from); t != nil && from != "" {
		info.Peer = t.Name
		fill(&info.Context, t.Context)
		fill(&info.Language, t.Language)
		return
	}
	name := from
	if name == "" {
		name = info.Caller.Number
	}
	p := phone(c, name)
	if p == nil {
		return
	}
	info.Peer = p.Name
	fill(&info.Context, p.Context)
	fill(&info.Language, p.Language)
	if info.Caller == (call.Party{}) {
		info.Caller = p.Caller
	}
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Ended reports whether the line is gone and all that was done for it.
func (c *Call) Ended() bool { return c.Info().State == call.Ended && c.world.Idle() }

// Record is what is kept of the call, and whether its script has ended. A call
// that no script served has none.
func (c *Call) Record() (api.Record, bool) {
	for _, r := range c.world.Records() {
		if r.ID == c.Info().ID {
			return r, true
		}
	}
	return api.Record{}, false
}

// Result is how a call ended.
type Result struct {
	Status    string // "answered", "unanswered", "failed"
	How       string // "returned", "hangup", "caller", "error"; "refused" where no script served it; "limit" where it did not end
	Cause     call.Cause
	Answered  bool
	Duration  time.Duration
	Talk      time.Duration
	Variables map[string]string
}

// Failed reports whether a script failed.
func (r Result) Failed() bool { return r.How == "error" }

// Result tells how the call ended. Variables are those noted in its story, and
// call.vars.
func (c *Call) Result() Result {
	info := c.Info()
	r := Result{How: "refused", Cause: info.Cause, Duration: c.world.Now().Sub(c.Began), Variables: c.world.variables(info.ID)}
	if record, ok := c.Record(); ok {
		r.How, r.Answered, r.Duration, r.Talk = record.How, !record.Answered.IsZero(), record.Duration(), record.Talk()
		for name, value := range record.Vars {
			r.Variables[name] = value
		}
	}
	r.Status = "unanswered"
	switch {
	case r.Failed():
		r.Status = "failed"
	case r.Answered:
		r.Status = "answered"
	}
	return r
}

// Serve places a call and lets time pass until it has ended and nothing is left
// to do for it. The caller hangs up after most, which says so in the result.
func (w *World) Serve(_ context.Context, c Caller, most time.Duration) (*Call, Result, error) {
	leg := w.Call(c)
	err := w.Run(leg.Began.Add(most), leg.Ended)
	cut := leg.Info().State != call.Ended
	if cut && err == nil {
		leg.HangsUp(call.CauseNormal)
		err = w.Run(w.Now().Add(farewell), leg.Ended)
	}
	r := leg.Result()
	if cut {
		r.How = "limit"
	}
	return leg, r, err
}
