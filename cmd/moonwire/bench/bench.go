// Package bench loads a SIP server with calls and tells what they cost it.
//
// It asks of the server only that it answers a few numbers (see
// testdata/bench/README.md): one that waits, one that plays, one that echoes,
// one that bridges to the called side that this package answers itself. All of
// its SIP and RTP is its own and as plain as can be, so that what it measures
// cannot share a mistake with what it measures, and one core is enough to
// place thousands of calls a second.
//
// CPU figures are of the server's process, so they hold while other programs
// run, and each is taken beside the bare limit: the same calls answered by a
// program that does nothing but receive and send their packets, in the same
// run on the same machine. Absolute figures drift from hour to hour; the ratio
// to the limit stays.
package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"strings"
	"time"
)

// Run carries out the tests of o and writes what they found to out. It returns
// when they are through or ctx ends, within the bounds of Options.
func Run(ctx context.Context, o Options, out io.Writer) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	spare()
	if o.Test == "bare" {
		return serveBare(ctx, o.Server, o.Called, func(at netip.AddrPort) { fmt.Fprintln(out, at) })
	}
	w := &reporter{out: out, json: o.JSON}
	for _, t := range tests {
		if o.Test != t.name && (o.Test != "all" || t.name == "cpsmax") {
			continue
		}
		if o.Test == "all" && t.name == "idle" && o.PID == 0 {
			continue // it would measure nothing
		}
		if err := o.rounds(ctx, t, w); err != nil {
			return fmt.Errorf("bench %s: %w", t.name, err)
		}
	}
	return nil
}

// rounds measures one test, server and bare limit taking turns.
func (o Options) rounds(ctx context.Context, t test, w *reporter) error {
	w.begin(t)
	for range o.Rounds {
		r := &run{Options: o, ctx: ctx, test: t, report: w, subject: "server", server: o.Server, pid: o.PID}
		if err := r.measure(); err != nil {
			return err
		}
		if o.Bare && t.name != "cpsmax" {
			if err := o.limit(ctx, t, w); err != nil {
				return fmt.Errorf("bare limit: %w", err)
			}
		}
	}
	w.end(t)
	return nil
}

// limit measures a test against the bare limit program, started for it.
func (o Options) limit(ctx context.Context, t test, w *reporter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arguments := append(o.BareCommand[1:len(o.BareCommand):len(o.BareCommand)],
		"bare", "--server", netip.AddrPortFrom(o.Server.Addr(), 0).String(), "--called", o.Called.String())
	command := exec.CommandContext(ctx, o.BareCommand[0], arguments...)
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	defer func() {
		cancel()
		_ = command.Wait() // it was killed, so it always fails
	}()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s did not start: %w", strings.Join(command.Args, " "), err)
	}
	at, err := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		return fmt.Errorf("%s says %q: %w", strings.Join(command.Args, " "), line, err)
	}
	r := &run{Options: o, ctx: ctx, test: t, report: w, subject: "bare limit", server: at, pid: command.Process.Pid}
	if o.PID == 0 {
		r.pid = 0 // nothing to compare CPU time with
	}
	r.Extension = "" // the limit knows the contract only
	if o.Extension != "" {
		r.Extension = limitExtension(o.Extension, t)
	}
	return r.measure()
}

// limitExtension keeps a number of the contract and replaces any other by the
// test's own.
func limitExtension(extension string, t test) string {
	if kindOf("sip:"+extension+"@") == kindOf("sip:"+t.extension+"@") {
		return extension
	}
	return "1" + t.extension
}

// run is one measurement of one server.
type run struct {
	Options
	ctx     context.Context
	test    test
	report  *reporter
	subject string
	server  netip.AddrPort
	pid     int // 0 where there are no figures of the process
}

func (r *run) measure() error { return r.test.measure(r) }

func (r *run) extension() string {
	switch {
	case r.test.extension == "":
		return ""
	case r.Extension != "":
		return r.Extension
	case r.ServerEnds && r.test.endless != "":
		return r.Prefix + r.test.endless
	}
	return r.Prefix + r.test.extension
}

func (r *run) rate() float64 {
	if r.Rate > 0 {
		return r.Rate
	}
	return r.test.rate
}

func (r *run) calls() int {
	if r.Calls > 0 {
		return r.Calls
	}
	return r.test.calls
}

// sleep waits, or fails when the run is called off.
func (r *run) sleep(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}
