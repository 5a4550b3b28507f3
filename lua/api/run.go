package api

import (
	"context"
	"errors"
	"log/slog"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/route"
	"github.com/moonwire/moonwire/lua/host"
)

// Stats counts what the API did.
type Stats struct {
	Active   int    // calls now
	Busy     int    // calls, hooks and requests in the background that are under way
	Calls    uint64 // accepted since the start
	Refused  uint64 // because of a limit, a shutdown, or no such number
	Errors   uint64 // scripts that failed
	Answered uint64

	Underruns uint64 // frames of recordings for which the disk was too slow
}

type counters struct{ calls, refused, errors, answered atomic.Uint64 }

// register knows the calls that are served.
type register struct {
	mu       sync.Mutex
	calls    map[string]*Call
	draining bool
	tokens   float64 // new calls that may come at once
	filled   time.Time
}

// activity counts what is under way: calls, hooks, requests in the background.
type activity struct {
	mu    sync.Mutex
	count int
	idle  chan struct{} // closed when count falls to zero; nil while nobody waits
}

func (a *activity) begin() {
	a.mu.Lock()
	a.count++
	a.mu.Unlock()
}

func (a *activity) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count--
	if a.count == 0 && a.idle != nil {
		close(a.idle)
		a.idle = nil
	}
}

// over is closed when nothing is under way.
func (a *activity) over() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.idle == nil {
		a.idle = make(chan struct{})
	}
	idle := a.idle
	if a.count == 0 {
		close(a.idle)
		a.idle = nil
	}
	return idle
}

// Stats tells what was done so far. Any goroutine.
func (api *API) Stats() Stats {
	api.calls.mu.Lock()
	active := len(api.calls.calls)
	api.calls.mu.Unlock()
	api.activity.mu.Lock()
	busy := api.activity.count
	api.activity.mu.Unlock()
	c := &api.counters
	return Stats{Active: active, Busy: busy, Calls: c.calls.Load(), Refused: c.refused.Load(), Errors: c.errors.Load(), Answered: c.answered.Load(), Underruns: api.streams.Underruns()}
}

// CallInfo describes a call that is served.
type CallInfo struct {
	ID        string    `json:"id"`
	Caller    string    `json:"caller"`
	Name      string    `json:"name,omitempty"`
	Extension string    `json:"extension"`
	Context   string    `json:"context"`
	Peer      string    `json:"peer"`
	State     string    `json:"state"`
	Began     time.Time `json:"began"`
	Version   int       `json:"version"`
}

// Calls lists the calls that are served, oldest first. Any goroutine.
func (api *API) Calls() []CallInfo {
	api.calls.mu.Lock()
	list := make([]CallInfo, 0, len(api.calls.calls))
	for _, c := range api.calls.calls {
		info := c.listed
		info.State = c.leg.Info().State.String()
		list = append(list, info)
	}
	api.calls.mu.Unlock()
	sort.Slice(list, func(i, j int) bool { return list[i].Began.Before(list[j].Began) })
	return list
}

// Hangup ends a call by its id, and reports whether there was one. Any goroutine.
func (api *API) Hangup(id string, cause call.Cause) bool {
	api.calls.mu.Lock()
	c, ok := api.calls.calls[id]
	api.calls.mu.Unlock()
	return ok && c.leg.Send(context.Background(), call.Hangup{Cause: cause}) == nil
}

// lastWords is how long scripts may go on after the end of Drain's patience:
// time to clean up and to note what was, but not to wait for a slow server.
const lastWords = 2 * time.Second

// Drain refuses new calls and waits until none is served and no hook runs and
// no request is under way in the background, or ctx ends; then it hangs up what
// is left and waits for a last moment. Programs that still run are killed. The
// error says what was cut off.
func (api *API) Drain(ctx context.Context) error {
	defer api.EndPrograms()
	r := &api.calls
	r.mu.Lock()
	r.draining = true
	r.mu.Unlock()
	select {
	case <-api.activity.over():
		return nil
	case <-ctx.Done():
	}
	for _, c := range api.Calls() {
		api.Hangup(c.ID, call.CauseNormal)
	}
	patience := make(chan struct{})
	defer api.services.Clock.AfterFunc(lastWords, func() { close(patience) }).Stop()
	select {
	case <-api.activity.over():
		return nil
	case <-patience:
		return errors.New("scripts were still at work and were cut off")
	}
}

// room reports whether a call may begin here.
func (r *register) room(l Limits) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.roomy(l)
}

func (r *register) roomy(l Limits) bool {
	return !r.draining && (l.Calls == 0 || len(r.calls) < l.Calls)
}

// admit decides whether limits leave room for one more call.
func (r *register) admit(l Limits, now time.Time) bool {
	if !r.roomy(l) {
		return false
	}
	if l.CallsPerSecond <= 0 {
		return true
	}
	most := max(l.CallsPerSecond, 1)
	if r.filled.IsZero() {
		r.tokens = most
	} else {
		r.tokens = min(most, r.tokens+now.Sub(r.filled).Seconds()*l.CallsPerSecond)
	}
	r.filled = now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}

func (r *register) add(c *Call, l Limits, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.admit(l, now) {
		return false
	}
	r.put(c)
	return true
}

// take adds a call that is up already, whatever the limits.
func (r *register) take(c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(c)
}

// put notes a call with what others may know of it while its task changes it.
func (r *register) put(c *Call) {
	c.listed = CallInfo{
		ID: c.id, Caller: c.caller.Number, Name: c.caller.Name, Extension: c.extension, Context: c.context,
		Peer: c.leg.Info().Peer, Began: c.began, Version: c.task.version.Number(),
	}
	c.served = c.leg
	r.calls[c.id] = c
}

func (r *register) remove(c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, c.id)
}

// Accept serves an incoming leg: what an endpoint's Serve is given. It returns
// at once. Any goroutine.
func (api *API) Accept(leg call.Leg) {
	clk := api.services.Clock
	version := api.host.Current()
	clk.Hold()
	if version == nil {
		api.turnAway(leg, nil, call.Hangup{Cause: call.CauseTemporaryFailure, Status: 503, RetryAfter: 5 * time.Second})
		return
	}
	site := version.Declarations().(*Site)
	info := leg.Info()
	now := clk.Now()
	var found route.Match
	if len(site.hooks["call.incoming"]) == 0 {
		var ok bool
		if found, ok = site.lookup(info, now); !ok {
			refusal := call.Hangup{Cause: call.CauseUnallocated}
			api.turnedAway(&info, refusal, version.Number())
			api.turnAway(leg, &info, refusal)
			return
		}
	}
	c := &Call{
		leg: leg, id: info.ID, began: now, caller: info.Caller,
		language: info.Language, context: info.Context, extension: info.Extension,
	}
	if c.language == "" {
		c.language = "en"
	}
	c.task = newTask(api, site, version, api.services.Log.With("call", info.ID))
	c.task.call, c.task.events = c, leg.Events()
	c.story = api.services.Trace.Leg(c.id)
	if !api.calls.add(c, site.Limits, now) {
		refusal := call.Hangup{Cause: call.CauseSwitchCongestion, Status: 503, RetryAfter: 5 * time.Second}
		api.turnedAway(&info, refusal, version.Number())
		api.turnAway(leg, &info, refusal)
		return
	}
	api.counters.calls.Add(1)
	api.activity.begin()
	go c.task.serve(found)
}

// lookup finds what a dialled number leads to; where nothing matches, the
// special extension i of the context.
func (s *Site) lookup(info call.Info, now time.Time) (route.Match, bool) {
	m, ok := s.Routes.Match(info.Context, info.Extension, info.Caller.Number, now)
	if !ok {
		m, ok = s.Routes.Special(info.Context, "i", info.Caller.Number, now)
	}
	return m, ok
}

// turnAway refuses a leg without any Lua and reads its events to their end.
func (api *API) turnAway(leg call.Leg, info *call.Info, s call.Hangup) {
	api.counters.refused.Add(1)
	if info != nil {
		api.services.Log.Info("call refused", "call", info.ID, "caller", info.Caller.Number, "peer", info.Peer,
			"context", info.Context, "extension", info.Extension, "cause", s.Cause.String())
	}
	go func() {
		_ = leg.Send(context.Background(), s)
		api.services.Clock.Release()
		for range leg.Events() {
			api.services.Clock.Release()
		}
	}()
}

// serve is the life of a call, on its goroutine, which holds the clock.
func (t *task) serve(found route.Match) {
	c := t.call
	info := c.leg.Info()
	c.begun(info, t.version.Number())
	t.log.Info("call began", "caller", c.caller.Number, "peer", info.Peer, "remote", info.Remote,
		"context", c.context, "extension", c.extension, "version", t.version.Number())
	defer func() {
		t.close()
		t.api.calls.remove(c)
		t.api.activity.end()
		t.clock.Release()
	}()
	defer t.survive("serving a call", func() {
		c.broke()
		c.drop(call.CauseTemporaryFailure)
		c.how = "error"
		if t.api.services.Ended != nil {
			t.api.services.Ended(c.record())
		}
		t.release()
		t.endStreams()
		t.abandon()
	})
	state, err := t.api.host.Begin(t.version, t)
	if err != nil {
		t.log.Error("call cannot be served", "error", err)
		t.finish(err)
		return
	}
	t.state = state
	defer state.Close()
	if d := t.site.Limits.CallDuration; d > 0 {
		t.alarm(d, func() { c.hangUp(call.Hangup{Cause: call.CauseNormal, Reason: "longest call"}) })
	}
	if t.program != nil {
		t.finish(t.program())
		return
	}
	t.finish(t.script(found))
}

// script runs the hooks of call.incoming and the extension.
func (t *task) script(found route.Match) error {
	c := t.call
	hooks := t.site.hooks["call.incoming"]
	if found.Extension == nil {
		object := t.object()
		for _, h := range hooks {
			if _, err := t.state.Call(h.ref, object); err != nil {
				if c.ended != nil {
					return err
				}
				t.report(`on "call.incoming"`, err)
			}
		}
		info := c.leg.Info()
		info.Caller = c.caller
		var ok bool
		if found, ok = t.site.lookup(info, t.clock.Now()); !ok {
			c.hangUp(call.Hangup{Cause: call.CauseUnallocated})
			return nil
		}
	}
	c.entered(found, c.extension, c.context)
	_, err := t.state.Call(found.Extension.Target.(*destination).ref, t.object())
	return err
}

// object is the task's call as scripts see it.
func (t *task) object() *lua.LUserData {
	c := t.call
	if c.object == nil {
		c.object = t.api.wrap(t.state.Lua(), c)
	}
	return c.object
}

// finish ends the call for what the script came to, and cleans up.
func (t *task) finish(err error) {
	c := t.call
	s := call.Hangup{Cause: call.CauseNormal}
	c.how = c.ending(err)
	switch {
	case err != nil && !errors.Is(err, call.ErrHungUp):
		t.api.counters.errors.Add(1)
		t.report("script", err)
		s.Cause = call.CauseTemporaryFailure
	case !c.answered.IsZero():
	case c.cause != call.CauseNone:
		s.Cause = c.cause
	default:
		s.Cause = call.CauseUnspecified
	}
	c.hangUp(s)
	t.release()
	for c.ended == nil && (t.events != nil || t.followed) {
		t.next()
	}
	t.cleanUp()
	if c.line != nil {
		_ = c.line.Close()
	}
	t.ended()
}

// ending is what ended the script: see Record.How.
func (c *Call) ending(err error) string {
	switch {
	case err == nil:
		return "returned"
	case !errors.Is(err, call.ErrHungUp):
		return "error"
	case c.ended == nil, c.ended.ByUs:
		return "hangup"
	}
	return "caller"
}

// ended logs the end and hands the record on.
func (t *task) ended() {
	r := t.call.record()
	if !r.Answered.IsZero() {
		t.api.counters.answered.Add(1)
	}
	t.call.over(r)
	t.log.LogAttrs(context.Background(), slog.LevelInfo, "call ended",
		slog.String("cause", r.Cause), slog.Duration("duration", r.Duration()), slog.Duration("talk", r.Talk()), slog.Bool("answered", !r.Answered.IsZero()))
	if t.api.services.Ended != nil {
		t.api.services.Ended(r)
	}
	if hooks := t.site.hooks["call.ended"]; len(hooks) > 0 {
		t.api.background.run(t.version, t.site, "call.ended", hooks, r.table)
	}
}

// report logs what went wrong in a script, with its traceback.
func (t *task) report(where string, err error) {
	if t.call != nil {
		t.call.failed(where, err)
	}
	t.log.Error("script failed in "+where+"\n"+host.Report(err), "error", err)
}
