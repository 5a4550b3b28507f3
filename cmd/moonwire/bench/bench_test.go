package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's own binary be the bare limit program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		o := Options{Test: "bare"}
		for i := 2; i+1 < len(os.Args); i += 2 {
			at := netip.MustParseAddrPort(os.Args[i+1])
			switch os.Args[i] {
			case "--server":
				o.Server = at
			case "--called":
				o.Called = at
			}
		}
		if err := Run(context.Background(), o, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var loopback = netip.MustParseAddr("127.0.0.1")

// startBare serves the contract within the test.
func startBare(t testing.TB, called netip.AddrPort) netip.AddrPort {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, over := make(chan netip.AddrPort, 1), make(chan error, 1)
	go func() {
		over <- serveBare(ctx, netip.AddrPortFrom(loopback, 0), called, func(at netip.AddrPort) { ready <- at })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	select {
	case at := <-ready:
		return at
	case err := <-over:
		over <- nil
		t.Fatal(err)
		return netip.AddrPort{}
	}
}

// freePort is a UDP port that was free a moment ago.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	s, err := openSocket(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	return netip.AddrPortFrom(loopback, s.port())
}

func results(t testing.TB, out []byte) []Result {
	t.Helper()
	var all []Result
	for line := range bytes.Lines(out) {
		var r Result
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}

func TestEveryTestMeasuresServerAndLimit(t *testing.T) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			called := freePort(t)
			server := startBare(t, called)
			var out bytes.Buffer
			err := Run(t.Context(), Options{
				Test: test.name, Server: server, PID: os.Getpid(), Called: called,
				Calls: 10, Rate: 200, Rates: []float64{100}, Duration: 500 * time.Millisecond, Warm: 20 * time.Millisecond,
				Bare: true, BareCommand: []string{os.Args[0]}, JSON: true, Label: "test",
			}, &out)
			if err != nil {
				t.Fatal(err)
			}
			all := results(t, out.Bytes())
			if test.name == "cpsmax" {
				if best := all[len(all)-1].Best; len(all) < 2 || best == nil || all[0].OK != all[0].Calls {
					t.Errorf("got %s", out.Bytes())
				}
				return
			}
			if len(all) != 2 || all[0].Subject != "server" || all[1].Subject != "bare limit" {
				t.Fatalf("got %s", out.Bytes())
			}
			for _, r := range all {
				check(t, test.name, r)
			}
		})
	}
}

func check(t *testing.T, test string, r Result) {
	t.Helper()
	if r.CPU == nil || r.Memory == nil || r.Memory.Resident == 0 {
		t.Errorf("%s: no figures of the process: %+v", r.Subject, r)
		return
	}
	if test == "idle" {
		return
	}
	if r.Answered == 0 || r.Failed > 0 || r.OK != r.Calls || r.Answer.Count != uint64(r.Calls) {
		t.Errorf("%s: %+v", r.Subject, r.callStats)
	}
	sides := map[string]int{"play": 1, "echo": 1, "bridge": 2}[test]
	if len(r.Media) != sides {
		t.Errorf("%s: %d sides", r.Subject, len(r.Media))
	}
	for side, m := range r.Media {
		if m.Legs == 0 || m.Lost > 0 || m.PerLeg <= 0 || m.PacketSize != rtpHeader+rtpPayload || m.Deviation.Count == 0 {
			t.Errorf("%s, side %s: %+v", r.Subject, side, m)
		}
		if m.Latency.Count == 0 {
			t.Errorf("%s, side %s: no latency", r.Subject, side)
		}
	}
}

func TestTablesNameBothSubjects(t *testing.T) {
	t.Parallel()
	called := freePort(t)
	var out bytes.Buffer
	err := Run(t.Context(), Options{
		Test: "all", Server: startBare(t, called), PID: os.Getpid(), Called: called,
		Calls: 4, Rate: 100, Duration: 100 * time.Millisecond,
		Bare: true, BareCommand: []string{os.Args[0]},
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cps 1000", "mem 1000", "play 1002", "echo 1003", "bridge 1004", "ms CPU/call-s", "KB/call"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "bare limit"); n < 6 {
		t.Errorf("the limit stands in %d tables:\n%s", n, out.String())
	}
}

func TestOptionsAreBounded(t *testing.T) {
	for _, o := range []Options{
		{Test: "fax"}, {Calls: maxCalls + 1}, {Rate: maxRate + 1}, {Rate: -1}, {Duration: time.Hour}, {Warm: -1},
		{Rates: []float64{0}}, {Rounds: maxRounds + 1}, {User: "a\r\nb"}, {Extension: "a@b"}, {PID: -1},
	} {
		o.Server = netip.MustParseAddrPort("127.0.0.1:9")
		if err := Run(t.Context(), o, new(bytes.Buffer)); err == nil || !strings.HasPrefix(err.Error(), "bench: ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, test := range []string{"cps", "play"} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := Run(ctx, Options{Test: test, Server: startBare(t, freePort(t)), Duration: time.Minute, Calls: 2}, new(bytes.Buffer))
		cancel()
		if err == nil {
			t.Errorf("%s: no error", test)
		}
	}
}

func TestCodecIsReadFromText(t *testing.T) {
	var c Codec
	if err := c.UnmarshalText([]byte("9:G722")); err != nil || c != (Codec{9, "G722"}) || c.String() != "9:G722" {
		t.Errorf("got %v, %v", c, err)
	}
	for _, text := range []string{"", "9", "200:X", "9:", "9:a b"} {
		if err := c.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
