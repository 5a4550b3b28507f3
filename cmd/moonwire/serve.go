package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moonwire/moonwire/cmd/moonwire/console"
)

type serveCommand struct {
	Site      string        `arg:"" optional:"" default:"." help:"The site: a directory with scripts/ (see moonwire new)."`
	SIP       []string      `name:"sip" help:"Listen here instead of where the site says: udp:0.0.0.0:5060, tcp:…, tls:…" placeholder:"PROTO:ADDR"`
	RTP       string        `name:"rtp" help:"Ports for media." placeholder:"LOW-HIGH"`
	Advertise string        `help:"Address that peers outside this network are told." placeholder:"ADDR"`
	Data      string        `help:"Where state is kept (default: SITE/data)." placeholder:"DIR"`
	HTTP      string        `name:"http" default:"127.0.0.1:8088" help:"Address of /healthz, /metrics and /calls; off for none." placeholder:"ADDR"`
	LogLevel  string        `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	LogFormat string        `default:"text" enum:"text,json" help:"text or json."`
	Trace     int           `default:"200" help:"How many calls to keep the timeline of after their end; 0 for no timelines at all." placeholder:"N"`
	Drain     time.Duration `default:"30s" help:"How long calls may go on after a request to stop."`
}

// collectAt is how much the heap grows between collections, in per cent. A call
// leaves little behind, so memory is cheaper here than collecting it.
const collectAt = 200

// Run serves until SIGINT or SIGTERM. The first asks for an end in peace: new
// calls are refused and those in progress may go on for Drain. A second one
// ends at once.
func (c serveCommand) Run(out io.Writer) error {
	settings, err := c.settings(out)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	s, err := startServer(ctx, settings)
	settings.early.release(!errors.As(err, new(usageError)))
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	s.greet(out)
	for {
		select {
		case now := <-s.asked:
			c.end(ctx, s, signals, now)
			return nil
		case signal := <-signals:
			if signal != syscall.SIGHUP {
				c.end(ctx, s, signals, false)
				return nil
			}
			if _, err := s.reload(ctx, 0); err != nil {
				s.log.Error("reload refused", "error", err)
			}
		}
	}
}

// end stops the server in peace; now, another signal and a console that asks for
// it cut that short.
func (c serveCommand) end(ctx context.Context, s *server, signals <-chan os.Signal, now bool) {
	stop, hurry := context.WithTimeout(ctx, c.Drain)
	defer hurry()
	if now {
		hurry()
	}
	go func() {
		for {
			select {
			case <-signals:
				hurry()
			case now := <-s.asked:
				if now {
					hurry()
				}
			case <-stop.Done():
				return
			}
		}
	}()
	s.stop(stop)
}

// ask has the server stop. Any goroutine.
func (s *server) ask(now bool) {
	select {
	case s.asked <- now:
	default: // two have asked already
	}
}

// settings are the flags, understood.
type settings struct {
	site, data      string
	sip             []string // empty = what the site says
	rtpLow, rtpHigh int      // 0 = what the site says
	advertise       string
	http            string // "" = none
	trace           int    // calls whose timeline is kept; 0 = none
	log             *slog.Logger
	early           *earlyLog
	console         *console.Log
}

func (c serveCommand) settings(out io.Writer) (settings, error) {
	s := settings{site: c.Site, data: dataDirectory(c.Site, c.Data), advertise: c.Advertise, http: c.HTTP, trace: c.Trace}
	if info, err := os.Stat(filepath.Join(c.Site, "scripts")); err != nil || !info.IsDir() {
		return s, usage("%s is not a site: it has no scripts/ (make one with: moonwire new DIR)", c.Site)
	}
	for _, address := range c.SIP {
		if err := checkListen(address); err != nil {
			return s, err
		}
		s.sip = append(s.sip, address)
	}
	if c.RTP != "" {
		var err error
		if s.rtpLow, s.rtpHigh, err = portRange(c.RTP); err != nil {
			return s, err
		}
	}
	if c.HTTP == "off" {
		s.http = ""
	} else if _, _, err := net.SplitHostPort(c.HTTP); err != nil {
		return s, usage("--http %s: not an address and port", c.HTTP)
	}
	s.early = &earlyLog{out: os.Stderr}
	s.console = &console.Log{}
	_ = s.console.Level.UnmarshalText([]byte(c.LogLevel))
	s.log = newLogger(io.MultiWriter(s.early, s.console), &s.console.Level, c.LogFormat)
	return s, nil
}

// checkListen refuses what cannot be listened on, before anything is started.
func checkListen(address string) error {
	proto, rest, ok := strings.Cut(address, ":")
	if !ok || (proto != "udp" && proto != "tcp" && proto != "tls") {
		return usage("--sip %s: write udp:, tcp: or tls: and then address and port", address)
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return usage("--sip %s: %s is not an address and port", address, rest)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return usage("--sip %s: %q is not a port", address, port)
	}
	if host != "" && net.ParseIP(host) == nil {
		return usage("--sip %s: %q is not an IP address of this machine", address, host)
	}
	return nil
}

func portRange(text string) (low, high int, err error) {
	a, b, ok := strings.Cut(text, "-")
	low, errLow := strconv.Atoi(a)
	high, errHigh := strconv.Atoi(b)
	if !ok || errLow != nil || errHigh != nil || low < 1024 || high > 65535 || high-low < 1 {
		return 0, 0, usage("--rtp %s: write two ports of 1024 to 65535, such as 10000-20000", text)
	}
	return low, high, nil
}

// dataDirectory is where a site's state is kept.
func dataDirectory(site, data string) string {
	if data != "" {
		return data
	}
	return filepath.Join(site, "data")
}

// earlyLog keeps what is logged during the start until it is known whether that
// ends in one line for the person at the keyboard, who then needs no more.
type earlyLog struct {
	out      io.Writer
	mu       sync.Mutex
	kept     bytes.Buffer
	released bool
}

func (l *earlyLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return l.out.Write(p)
	}
	return l.kept.Write(p)
}

// release passes on what comes from now on, and shows what was kept if it is
// worth it.
func (l *earlyLog) release(show bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if show {
		_, _ = l.out.Write(l.kept.Bytes())
	}
	l.released, l.kept = true, bytes.Buffer{}
}

func newLogger(out io.Writer, level slog.Leveler, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
