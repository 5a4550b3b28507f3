package bench

import (
	"encoding"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say what to measure. The tags are those of the command line.
type Options struct {
	Test string `arg:"" optional:"" default:"all" enum:"all,idle,cps,cpsmax,mem,play,echo,bridge,bare" help:"all, or one of idle, cps, cpsmax, mem, play, echo, bridge; bare serves as the bare limit itself."`

	Server     netip.AddrPort `default:"127.0.0.1:5060" help:"The SIP server, over UDP; for bare: where to listen." placeholder:"ADDR:PORT"`
	PID        int            `name:"pid" help:"Its process, where it runs on this machine, for CPU and memory." placeholder:"PID"`
	Local      netip.Addr     `help:"Address to call from." placeholder:"ADDR"`
	Extension  string         `help:"Number to call instead of the test's own." placeholder:"NUMBER"`
	Prefix     string         `default:"1" help:"First digit of the test's own number."`
	User       string         `default:"bench" help:"Who calls."`
	Password   string         `help:"Answers the server's challenge." env:"MOONWIRE_BENCH_PASSWORD"`
	ServerEnds bool           `help:"cps, cpsmax: the server hangs up (numbers ending in 001 and 007 to 010)."`

	Calls    int           `help:"Calls at once (play, echo, bridge, mem)." placeholder:"N"`
	Rate     float64       `help:"Calls started a second." placeholder:"N"`
	Rates    []float64     `help:"cpsmax: rates to climb." placeholder:"N,..."`
	Duration time.Duration `default:"10s" help:"Of one measurement."`
	Warm     time.Duration `default:"2s" help:"Between the last answer and the measurement."`

	Codec       Codec          `default:"0:PCMU" help:"Of the calls, as payload type and name." placeholder:"TYPE:NAME"`
	Called      netip.AddrPort `default:"127.0.0.1:5090" help:"bridge: where the server's calls are answered." placeholder:"ADDR:PORT"`
	CalledCodec Codec          `default:"0:PCMU" help:"bridge: codec of the called side." placeholder:"TYPE:NAME"`
	RTPBase     uint16         `name:"rtp-base" help:"First media port; the called side begins 8000 higher." placeholder:"PORT"`

	Bare   bool   `default:"true" negatable:"" help:"Measure the bare limit of this machine beside a server on loopback."`
	Rounds int    `default:"1" help:"Repeat each test, server and limit taking turns."`
	JSON   bool   `help:"One line of JSON a measurement instead of tables."`
	Label  string `help:"Copied into the JSON." placeholder:"TEXT"`

	// BareCommand runs this program's bare test: arguments are added to it. nil
	// means the running binary with "bench".
	BareCommand []string `kong:"-"`
}

// Bounds, so that a slip of the finger does no harm.
const (
	maxCalls    = 5000
	maxRate     = 20000
	maxDuration = 10 * time.Minute
	maxRounds   = 100
	maxTotal    = 500000 // calls of one measurement
)

// Codec is a codec of RTP at a clock of 8000 Hz and 160 octets in 20 ms.
type Codec struct {
	PayloadType uint8
	Name        string
}

// PCMU is G.711 µ-law.
var PCMU = Codec{0, "PCMU"}

var _ encoding.TextUnmarshaler = (*Codec)(nil)

// UnmarshalText reads "0:PCMU".
func (c *Codec) UnmarshalText(text []byte) error {
	number, name, found := strings.Cut(string(text), ":")
	n, err := strconv.ParseUint(number, 10, 7)
	if !found || err != nil || name == "" || strings.ContainsAny(name, " /\r\n") {
		return fmt.Errorf("codec %q: write payload type and name, such as 8:PCMA", text)
	}
	c.PayloadType, c.Name = uint8(n), name
	return nil
}

func (c Codec) String() string { return strconv.Itoa(int(c.PayloadType)) + ":" + c.Name }

// test is one kind of measurement and what is usual for it.
type test struct {
	name      string
	extension string // of the contract, without the prefix
	endless   string // the same where the server hangs up
	rate      float64
	calls     int
	measure   func(*run) error
}

// tests are in the order of all: memory first, while the server is fresh.
var tests = []test{
	{name: "idle", measure: (*run).idle},
	{name: "mem", extension: "000", rate: 50, calls: 300, measure: (*run).memory},
	{name: "cps", extension: "000", endless: "001", rate: 100, measure: (*run).cps},
	{name: "cpsmax", extension: "000", endless: "001", measure: (*run).cpsMax},
	{name: "play", extension: "002", rate: 50, calls: 300, measure: (*run).media},
	{name: "echo", extension: "003", rate: 50, calls: 300, measure: (*run).media},
	{name: "bridge", extension: "004", rate: 40, calls: 100, measure: (*run).media},
}

// climb is what cpsmax tries.
var climb = []float64{100, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 1750, 2000, 2500, 3000, 4000, 5000}

// complete fills in what is left out and refuses what makes no sense.
func (o Options) complete() (Options, error) {
	if o.Test == "" {
		o.Test = "all"
	}
	if o.Test != "all" && o.Test != "bare" && !slices.ContainsFunc(tests, func(t test) bool { return t.name == o.Test }) {
		return o, fmt.Errorf("bench: there is no test %q", o.Test)
	}
	if !o.Server.IsValid() {
		o.Server = netip.MustParseAddrPort("127.0.0.1:5060")
	}
	if !o.Called.IsValid() {
		o.Called = netip.MustParseAddrPort("127.0.0.1:5090")
	}
	if !o.Local.IsValid() {
		conn, err := net.Dial("udp", o.Server.String())
		if err != nil {
			return o, fmt.Errorf("bench: no way to %v: %w", o.Server, err)
		}
		o.Local = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
		conn.Close()
	}
	if o.Prefix == "" {
		o.Prefix = "1"
	}
	if o.User == "" {
		o.User = "bench"
	}
	if o.Codec == (Codec{}) {
		o.Codec = PCMU
	}
	if o.CalledCodec == (Codec{}) {
		o.CalledCodec = PCMU
	}
	if o.Duration == 0 {
		o.Duration = 10 * time.Second
	}
	o.Rounds = max(o.Rounds, 1)
	if len(o.Rates) == 0 {
		o.Rates = climb
	}
	o.Bare = o.Bare && o.Server.Addr().IsLoopback()
	if o.BareCommand == nil && o.Bare {
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("bench: finding this program for the bare limit: %w", err)
		}
		o.BareCommand = []string{self, "bench"}
	}
	return o, o.bounds()
}

func (o Options) bounds() error {
	switch {
	case o.Calls < 0 || o.Calls > maxCalls:
		return fmt.Errorf("bench: %d calls at once; 1 to %d are possible", o.Calls, maxCalls)
	case o.Rate < 0 || o.Rate > maxRate:
		return fmt.Errorf("bench: %g calls a second; up to %d are possible", o.Rate, maxRate)
	case slices.ContainsFunc(o.Rates, func(r float64) bool { return r <= 0 || r > maxRate }):
		return fmt.Errorf("bench: rates %v; up to %d a second are possible", o.Rates, maxRate)
	case o.Duration < 0 || o.Duration > maxDuration || o.Warm < 0 || o.Warm > maxDuration:
		return fmt.Errorf("bench: a measurement of %v after %v; up to %v are possible", o.Duration, o.Warm, maxDuration)
	case o.Rounds > maxRounds:
		return fmt.Errorf("bench: %d rounds; up to %d are possible", o.Rounds, maxRounds)
	case strings.ContainsAny(o.User+o.Extension+o.Prefix, "<>@\" \r\n"):
		return fmt.Errorf("bench: user %q or number %q%q cannot stand in an address", o.User, o.Prefix, o.Extension)
	case o.PID < 0:
		return fmt.Errorf("bench: %d is no process", o.PID)
	}
	return nil
}
