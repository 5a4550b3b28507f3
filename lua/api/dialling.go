package api

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/trace"
)

// dialling is one round of calling targets at the same time.
type dialling struct {
	a        *Args
	c        *Call // the caller
	o        Options
	ctx      context.Context
	attempts []*attempt
	winner   *attempt
	cancel   byte // key that stopped it
	ringing  bool
	playing  *playback
	early    *joint
	owner    *branch    // that dials
	called   []*attempt // whose parties on_called has not seen
}

// attempt is one target.
type attempt struct {
	target string
	party  *Call // nil until dialled
	over   bool
	err    error
	cause  call.Cause
	status int
	reason string
}

func (a *Args) dial() int {
	c := a.Call()
	o := a.optionsOf(0, 1)
	targets := a.few(stringList(a.Value(0)), "targets")
	if len(targets) == 0 {
		a.Fail("there is no target")
	}
	rounds := [][]string{targets}
	if o.Bool("hunt") {
		rounds = nil
		for _, t := range targets {
			rounds = append(rounds, []string{t})
		}
	}
	began := c.task.clock.Now()
	var d *dialling
	for _, round := range rounds {
		d = &dialling{a: a, c: c, o: o, owner: c.task.branch}
		d.round(round)
		if d.winner != nil || d.cancel != 0 || c.ended != nil {
			break
		}
	}
	return d.result(began)
}

// round calls targets at once, until one answers, all have failed, the time is
// over or the caller cancels. Whatever ends it, all that still rings is given up.
func (d *dialling) round(targets []string) {
	ctx, cancel := context.WithCancel(context.Background())
	d.ctx = ctx
	defer cancel()
	defer d.giveUp()
	t := d.c.task
	for _, target := range targets {
		d.attempts = append(d.attempts, &attempt{target: target})
		d.a.note(d.c, trace.Dial, slog.String("target", target), slog.Duration("timeout", d.o.Seconds("timeout")))
	}
	for _, at := range d.attempts {
		d.begin(at)
	}
	if what := d.o.String("ringback"); what != "" {
		d.ringback(what)
	}
	over := t.alarm(d.o.Seconds("timeout"), nil)
	defer over.stop()
	stops := keySet{keys: d.o.String("cancel_on")}
	defer d.c.keys(func(k byte) heed {
		if d.cancel == 0 && stops.has(k) {
			d.cancel = k
			return taken
		}
		return ignored
	})()
	for {
		d.a.wait(t, func() bool {
			return len(d.called) > 0 || d.winner != nil || d.allOver() || over.fired || d.cancel != 0 || d.c.ended != nil
		})
		if len(d.called) > 0 {
			d.tellCalled()
			continue
		}
		if d.winner == nil || d.accepted() {
			return
		}
		d.winner = nil
	}
}

// tellCalled lets the script see the parties that are being called.
func (d *dialling) tellCalled() {
	for len(d.called) > 0 {
		at := d.called[0]
		d.called = d.called[1:]
		d.a.invoke(d.o.Function("on_called"), d.a.wrapped(at.party), lua.LString(at.target))
	}
}

// accepted asks the script about the party that answered.
func (d *dialling) accepted() bool {
	f := d.o.Function("on_answer")
	if f == nil {
		return true
	}
	d.quiet()
	w, wanted := d.winner, false
	defer func() {
		if !wanted { // or the script failed
			w.over, w.cause = true, call.CauseRejected
			w.party.drop(call.CauseNormal)
		}
	}()
	results := d.a.invoke(f, d.a.wrapped(w.party))
	wanted = w.party.ended == nil && (len(results) == 0 || results[0] != lua.LFalse)
	return wanted
}

func (d *dialling) allOver() bool {
	for _, at := range d.attempts {
		if !at.over {
			return false
		}
	}
	return true
}

// begin calls one target. Dialling may take a while (names are looked up), so
// it has a goroutine, which then carries the leg's events.
func (d *dialling) begin(at *attempt) {
	t := d.c.task
	technology, address, ok := strings.Cut(at.target, "/")
	dialer := t.api.services.Endpoints[technology]
	if !ok || dialer == nil {
		at.over, at.cause = true, call.CauseNoRoute
		at.reason = "no kind of line is called " + technology
		if !ok {
			at.reason = `a target looks like "sip/1001", not "` + at.target + `"`
		}
		return
	}
	d.c.memo.dialled++
	if d.c.memo.far == nil {
		d.c.memo.target = at.target
	}
	to := d.target(at.target, address)
	t.log.Debug("dialling", "target", at.target, "shown", to.Caller.Number)
	t.clock.Hold()
	place := func() (follow func()) {
		defer t.clock.Release()
		leg, err := t.dial(d.ctx, dialer, to)
		if err != nil {
			t.post(func() { d.failed(at, err) })
			return func() {}
		}
		party := &Call{task: t, leg: leg, id: leg.Info().ID, began: t.clock.Now(), language: to.Language, context: to.Context, caller: to.Caller, extension: address}
		d.c.linked(party)
		events := leg.Events()
		if !t.post(func() { d.dialled(at, party) }) {
			_ = leg.Send(context.Background(), call.Hangup{Cause: call.CauseNormal})
		}
		return func() { party.follow(leg, events) }
	}
	if _, ok := dialer.(Immediate); ok {
		go place()()
		return
	}
	go func() { place()() }()
}

// dial is Dial of an endpoint; a panic in it is an attempt that failed.
func (t *task) dial(ctx context.Context, dialer Dialer, to call.Target) (leg call.Leg, err error) {
	defer t.survive("dialling", func() { err = errors.New("internal error") })
	return dialer.Dial(ctx, to)
}

func (d *dialling) target(target, address string) call.Target {
	o := d.o
	to := call.Target{
		Address: address, Caller: d.c.caller, Beside: d.c.leg, Codecs: codecList(o),
		Language: o.String("language"), Context: d.c.context,
	}
	if to.Language == "" {
		to.Language = d.c.language
	}
	to.Caller = partyOf(o.Value("caller"), to.Caller)
	to.Headers = headerList(o)
	if f := o.Function("each"); f != nil {
		d.differs(&to, d.a.invoke(f, lua.LString(target)))
	}
	return to
}

// differs changes what is dialled by what the script wants for one target.
func (d *dialling) differs(to *call.Target, results []lua.LValue) {
	if len(results) == 0 {
		return
	}
	t, ok := results[0].(*lua.LTable)
	if !ok {
		return
	}
	o := Options{args: d.a, t: t}
	to.Caller = partyOf(o.Value("caller"), to.Caller)
	to.Headers = append(to.Headers, headerList(o)...)
	if o.Has("codecs") {
		to.Codecs = codecList(o)
	}
}

// failed notes that no attempt could be made.
func (d *dialling) failed(at *attempt, err error) {
	at.over, at.err, at.reason, at.cause = true, err, err.Error(), causeOf(err)
}

// dialled takes over a leg that is being called.
func (d *dialling) dialled(at *attempt, party *Call) {
	at.party = party
	party.owner = d.owner
	t := d.c.task
	t.peers = append(t.peers, party)
	party.story.Note(trace.State, "", 0, slog.String("state", call.Trying.String()), slog.String("target", at.target))
	if d.ctx.Err() != nil {
		party.drop(call.CauseNormal)
		return
	}
	party.watch = func(e call.Event) { d.event(at, e) }
	if d.o.Function("on_called") != nil {
		d.called = append(d.called, at)
	}
}

// event is what a target that is being called tells.
func (d *dialling) event(at *attempt, e call.Event) {
	switch e := e.(type) {
	case call.Alerting:
		d.alert()
	case call.EarlyMedia:
		d.earlyMedia(at)
	case call.Connected:
		if d.winner == nil && d.ctx.Err() == nil {
			d.winner = at
			d.c.task.log.Debug("answered", "target", at.target, "leg", at.party.id)
		} else if d.winner != at {
			at.party.drop(call.CauseRejectedElsewhere)
		}
	case call.HungUp:
		at.over, at.cause, at.status, at.reason = true, e.Cause, e.Status, e.Reason
		if d.winner == at && at.party.answered.IsZero() {
			d.winner = nil
		}
	}
}

// alert lets the caller's phone ring, or plays him the tone where that is too late.
func (d *dialling) alert() {
	if d.ringing || d.early != nil || d.o.Value("ringback") == lua.LFalse {
		return
	}
	d.ringing = true
	switch {
	case d.playing != nil || d.c.hears():
	case d.c.answered.IsZero() && !d.c.early:
		_ = d.c.send(call.Ring{})
	default:
		d.ringback("tone")
	}
}

// earlyMedia connects the caller with what a single target sends before it answers.
func (d *dialling) earlyMedia(at *attempt) {
	if len(d.attempts) > 1 || d.early != nil || !d.o.Bool("early_media") || d.playing != nil || d.c.joined {
		return
	}
	if d.c.answered.IsZero() && !d.c.early {
		if d.c.send(call.Progress{}) != nil {
			return
		}
		d.c.early = true
	}
	d.early = join(d.c, at.party)
}

// giveUp ends all attempts but the one that answered, and what the caller heard.
func (d *dialling) giveUp() {
	d.quiet()
	cause := call.CauseNormal
	if d.winner != nil {
		cause = call.CauseRejectedElsewhere
	}
	if d.o.Has("cancel_cause") {
		cause = d.a.cause(d.o.String("cancel_cause"))
	}
	for _, at := range d.attempts {
		if at == d.winner || at.party == nil {
			continue
		}
		at.party.watch = nil
		at.party.drop(cause)
	}
	if d.winner != nil {
		d.winner.party.watch = nil
	}
}

// quiet ends what the caller hears while it rings.
func (d *dialling) quiet() {
	if d.early != nil {
		d.early.part()
		d.early = nil
	}
	if d.playing != nil {
		d.playing.stop()
		d.playing = nil
	}
}

// result connects the two parties, if someone answered, and tells how it went.
func (d *dialling) result(began time.Time) int {
	c, a := d.c, d.a
	if d.winner == nil {
		return d.failure(began)
	}
	w := d.winner.party
	c.memo.target, c.memo.far = d.winner.target, w
	if d.o.Bool("bridge") || d.o.Bool("answer") {
		if err := c.answer(); err != nil {
			w.drop(call.CauseNormal)
			return a.done(err)
		}
	}
	a.note(c, trace.DialEnd, slog.String("status", "answered"), slog.String("target", d.winner.target), slog.Duration("duration", c.task.clock.Now().Sub(began)))
	if digits := d.o.String("digits"); digits != "" {
		_ = w.send(call.SendDigits{Digits: digits})
	}
	c.cause = call.CauseNone
	if !d.o.Bool("bridge") {
		return a.Result("answered", "answered_by", d.winner.target, "duration", c.task.clock.Now().Sub(began), "peer", a.wrapped(w))
	}
	return a.talk(c, w, d.o, d.winner.target, began)
}

// failure tells why nobody answered: of several reasons the one that says most.
func (d *dialling) failure(began time.Time) int {
	duration := d.c.task.clock.Now().Sub(began)
	if d.cancel != 0 {
		d.a.note(d.c, trace.DialEnd, slog.String("status", "cancelled"), slog.Duration("duration", duration))
		return d.a.Result("cancelled", "key", string(d.cancel), "duration", duration)
	}
	status, from := call.DialUnavailable, &attempt{cause: call.CauseUnallocated}
	rank := map[call.DialStatus]int{call.DialUnavailable: 1, call.DialCongestion: 2, call.DialNoAnswer: 3, call.DialBusy: 4}
	best := 0
	for _, at := range d.attempts {
		if !at.over {
			at.cause = call.CauseNoAnswer
		}
		if s := at.cause.DialStatus(); rank[s] > best {
			best, status, from = rank[s], s, at
		}
	}
	d.c.cause = from.cause
	reason := from.reason
	if reason == "" {
		reason = from.cause.String()
	}
	d.a.note(d.c, trace.DialEnd, slog.String("status", dialWords[status]), slog.Int("cause", int(from.cause)), slog.String("reason", reason), slog.Duration("duration", duration))
	var sip any
	if from.status != 0 {
		sip = from.status
	}
	return d.a.Result(dialWords[status], "cause", int(from.cause), "sip", sip, "reason", reason, "duration", duration)
}

// ringback plays the caller what he is to hear while it rings.
func (d *dialling) ringback(what string) {
	source := d.c.ringing(what, d.o.String("country"))
	if source == nil {
		return
	}
	if d.c.answered.IsZero() && !d.c.early {
		if d.c.send(call.Progress{}) != nil {
			return
		}
		d.c.early = true
	}
	d.playing = d.c.start(d.c.announce("tone", "ringback", source))
}
