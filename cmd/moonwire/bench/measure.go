package bench

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// meter reads what the server's process and the machine have spent.
type meter struct {
	process, machine, own time.Duration
	memory                Memory
	at                    time.Time
}

func (r *run) read() (m meter, err error) {
	m.at = time.Now()
	if r.pid == 0 {
		return m, nil
	}
	if m.process, err = processTime(r.pid); err != nil {
		return m, err
	}
	if m.machine, err = machineTime(); err != nil {
		return m, err
	}
	m.own = ownTime()
	m.memory, err = memoryOf(r.pid)
	return m, err
}

// result is what was spent between two readings.
func (r *run) result(before, after meter) *Result {
	elapsed := after.at.Sub(before.at)
	res := &Result{
		Label: r.Label, Subject: r.subject, Test: r.test.name, Extension: r.extension(),
		Time: time.Now().Format(time.RFC3339), Seconds: rounded(elapsed.Seconds(), 3),
	}
	if r.pid == 0 {
		return res
	}
	spent := after.process - before.process
	other := max(after.machine-before.machine-spent-(after.own-before.own), 0)
	res.CPU = &CPU{
		Seconds: rounded(spent.Seconds(), 4),
		Cores:   rounded(100*spent.Seconds()/elapsed.Seconds(), 1),
		Own:     rounded((after.own - before.own).Seconds(), 2),
		Others:  rounded(100*other.Seconds()/elapsed.Seconds()/float64(cores), 1),
	}
	res.Memory = &after.memory
	return res
}

// idle measures a server that has nothing to do.
func (r *run) idle() error {
	if r.pid == 0 {
		return fmt.Errorf("--pid is needed: there is nothing else to see")
	}
	before, err := r.read()
	if err != nil {
		return err
	}
	if err := r.sleep(r.Duration); err != nil {
		return err
	}
	after, err := r.read()
	if err != nil {
		return err
	}
	res := r.result(before, after)
	res.CPU.PerSecond = rounded(1000*(after.process-before.process).Seconds()/after.at.Sub(before.at).Seconds(), 3)
	return r.report.add(res)
}

// tail is how long a server may go on with calls that are over for the caller;
// a shorter burst leaves it less to do.
const tail = time.Second

// cps measures calls that are answered and ended at once.
func (r *run) cps() error {
	res, err := r.burst(r.rate())
	if err != nil {
		return err
	}
	return r.report.add(res)
}

func (r *run) burst(rate float64) (*Result, error) {
	silent, err := openSocket(netip.AddrPortFrom(r.Local, 0))
	if err != nil {
		return nil, err
	}
	defer silent.close()
	c, err := newCaller(callPlan{
		server: r.server, local: r.Local, extension: r.extension(), user: r.User, password: r.Password,
		codec: r.Codec, count: min(max(int(rate*r.Duration.Seconds()), 1), maxTotal), rate: rate, limit: maxCalls,
		serverEnds: r.ServerEnds, port: func(int) uint16 { return silent.port() },
	})
	if err != nil {
		return nil, err
	}
	before, err := r.read()
	if err != nil {
		return nil, err
	}
	if err := c.serve(r.ctx); err != nil {
		return nil, err
	}
	if c.stats.Answered == 0 {
		return nil, c.stats.nothing()
	}
	if err := r.sleep(min(tail, r.Duration)); err != nil {
		return nil, err
	}
	after, err := r.read()
	if err != nil {
		return nil, err
	}
	res := r.result(before, after)
	res.calls(&c.stats)
	res.Rate = rate
	if s := c.stats.startedInterval.Seconds(); s > 0 {
		res.Achieved = rounded(float64(c.stats.Calls-1)/s, 1)
	}
	if res.CPU != nil {
		res.CPU.PerCall = rounded(1000*(after.process-before.process).Seconds()/float64(c.stats.Calls), 4)
	}
	return res, nil
}

// cpsMax climbs through rates until calls fail or the server cannot follow.
func (r *run) cpsMax() error {
	var best float64
	for _, rate := range r.Rates {
		res, err := r.burst(rate)
		if err != nil {
			return err
		}
		if err := r.report.add(res); err != nil {
			return err
		}
		if res.Failed > 0 || res.OK < res.Calls || res.Retransmits > res.Calls/100 || res.Achieved < 0.93*rate {
			break
		}
		best = rate
	}
	res := r.result(meter{}, meter{at: time.Now()})
	res.CPU, res.Memory, res.Seconds = nil, nil, 0
	res.Best, res.Rate = &best, slices.Max(r.Rates)
	return r.report.add(res)
}

// memory measures what a held call occupies. The server should be fresh: what
// it keeps for later calls after earlier ones would hide what these need.
func (r *run) memory() error {
	silent, err := openSocket(netip.AddrPortFrom(r.Local, 0))
	if err != nil {
		return err
	}
	defer silent.close()
	res, err := r.held(func(int) uint16 { return silent.port() }, nil, func() {})
	if err != nil {
		return err
	}
	return r.report.add(res)
}

// media measures calls that carry sound.
func (r *run) media() error {
	sends := r.test.name != "play"
	a, err := newFarm(r.Local, r.RTPBase, r.calls(), r.Codec.PayloadType, sends)
	if err != nil {
		return err
	}
	defer a.close()
	farms := map[string]*farm{"A": a}
	if r.test.name == "bridge" {
		base := r.RTPBase
		if base != 0 {
			base += 8000
		}
		b, err := newFarm(r.Called.Addr(), base, r.calls(), r.CalledCodec.PayloadType, sends)
		if err != nil {
			return err
		}
		defer b.close()
		far, err := answerCalls(r.Called, r.CalledCodec, r.calls(), b.port, b.aim)
		if err != nil {
			return fmt.Errorf("called side: %w", err)
		}
		defer far.close()
		farms["B"] = b
	}
	media := make(map[string]*Media)
	stop := func() {
		for side, f := range farms {
			media[side] = f.report()
		}
	}
	start := func() {
		for _, f := range farms {
			f.reset()
		}
	}
	res, err := r.heldBetween(a.port, a.aim, start, stop)
	if err != nil {
		return err
	}
	res.Media = media
	return r.report.add(res)
}

func (r *run) held(port func(int) uint16, aim func(int, netip.AddrPort), start func()) (*Result, error) {
	return r.heldBetween(port, aim, start, func() {})
}

// heldBetween sets up calls, holds them, and measures while all of them stand.
// start and stop are called where the measurement begins and ends.
func (r *run) heldBetween(port func(int) uint16, aim func(int, netip.AddrPort), start, stop func()) (*Result, error) {
	n := r.calls()
	c, err := newCaller(callPlan{
		server: r.server, local: r.Local, extension: r.extension(), user: r.User, password: r.Password,
		codec: r.Codec, count: n, rate: r.rate(), limit: n, hold: true, port: port, answered: aim,
	})
	if err != nil {
		return nil, err
	}
	empty, err := r.read()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	var broken error
	over := make(chan struct{})
	go func() {
		broken = c.serve(ctx)
		close(over)
	}()
	before, after, err := r.hold(c, over, start, stop)
	if err == nil {
		c.hangUp()
	} else {
		cancel()
	}
	<-over
	if broken != nil && r.ctx.Err() == nil && ctx.Err() == nil {
		return nil, broken
	}
	if err != nil {
		return nil, err
	}
	if c.stats.Answered == 0 {
		return nil, c.stats.nothing()
	}
	res := r.result(before, after)
	res.calls(&c.stats)
	if answered := float64(c.stats.Answered); res.CPU != nil && answered > 0 {
		res.CPU.PerCallSecond = rounded(1000*(after.process-before.process).Seconds()/after.at.Sub(before.at).Seconds()/answered, 4)
		res.Memory.PerCall = rounded(float64(after.memory.Resident-empty.memory.Resident)/answered, 1)
		res.Memory.PerCallPrivate = rounded(float64(after.memory.Private-empty.memory.Private)/answered, 1)
	}
	return res, nil
}

// hold waits until every call has been answered or has failed, and measures.
// It ends early when over tells that no call is left.
func (r *run) hold(c *caller, over <-chan struct{}, start, stop func()) (before, after meter, err error) {
	n := r.calls()
	patience := time.Now().Add(time.Duration(float64(n)/r.rate()*float64(time.Second)) + timerB)
	for c.settled() < n && time.Now().Before(patience) {
		select {
		case <-over:
			return before, after, nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := r.sleep(r.Warm); err != nil {
		return before, after, err
	}
	if before, err = r.read(); err != nil {
		return before, after, err
	}
	start()
	if err := r.sleep(r.Duration); err != nil {
		return before, after, err
	}
	stop()
	after, err = r.read()
	return before, after, err
}
