package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/moonwire/moonwire/cmd/moonwire/console"
	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/local"
	"github.com/moonwire/moonwire/core/mailbox"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/media/file"
	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/rtp"
	"github.com/moonwire/moonwire/core/sip"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// server is everything that runs. What startServer opens is closed by stop, in
// the opposite order.
type server struct {
	settings
	began    time.Time
	store    *store.Store
	media    *media.Engine
	ports    *rtp.Ports
	prompts  *media.Prompts
	sip      *sip.Endpoint
	api      *api.API
	host     *host.Host
	secrets  *secrets
	trace    *trace.Recorder
	journal  *records.Journal
	sinks    *records.Sinks
	wire     console.Wire
	asked    chan bool // to stop, by a console: true is now
	serving  sync.WaitGroup
	cancel   context.CancelFunc
	closers  []func()
	listened []string // addresses, for the greeting
}

// startServer opens everything, reports the first thing that cannot be had, and
// leaves nothing open in that case.
func startServer(ctx context.Context, o settings) (_ *server, err error) {
	s := &server{settings: o, began: time.Now(), trace: newRecorder(o.trace), asked: make(chan bool, 2)}
	ctx, s.cancel = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, open := range []func(context.Context) error{
		s.openData, s.openRecords, s.openMedia, s.openScripts, s.openSIP, s.openHTTP, s.openControl,
	} {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	s.api.Activate(s.host.Current())
	s.onClose(s.api.Deactivate)
	s.serve(ctx, "watching the scripts", func() error { return s.host.Watch(ctx) })
	s.serve(ctx, "watching the sounds", func() error { return s.watchSounds(ctx) })
	s.serve(ctx, "serving SIP", func() error { return s.sip.Serve(ctx, s.api.Accept) })
	return s, nil
}

// onClose has f run when the server ends; last in, first out.
func (s *server) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *server) close() {
	s.cancel()
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
	s.serving.Wait()
}

// serve runs f on a goroutine of its own until the server ends.
func (s *server) serve(ctx context.Context, what string, f func() error) {
	s.serving.Go(func() {
		if err := f(); err != nil && ctx.Err() == nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.log.Error("stopped "+what, "error", err)
		}
	})
}

// stop refuses new calls, waits until ctx ends for those there are and for what
// scripts do about their end, and closes everything.
func (s *server) stop(ctx context.Context) {
	s.log.Info("stopping", "calls", len(s.sip.Calls()))
	if err := s.sip.Shutdown(ctx); err != nil {
		s.log.Warn("calls were cut off", "error", err)
	}
	s.api.Deactivate()
	if err := s.api.Drain(ctx); err != nil {
		s.log.Warn("not all is done", "error", err)
	}
	s.close()
	s.log.Info("stopped")
}

func (s *server) openData(ctx context.Context) error {
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		return usage("data directory: %w", err)
	}
	st, err := store.Open(store.Options{Dir: s.data, Clock: clock.Real, Log: s.log})
	if err != nil {
		return usage("data directory %s: %w", s.data, err)
	}
	s.store = st
	s.onClose(func() {
		if err := st.Close(); err != nil {
			s.log.Error("closing the store", "error", err)
		}
	})
	s.secrets = newSecrets(st)
	return nil
}

func (s *server) openMedia(context.Context) error {
	engine, err := media.NewEngine(media.Options{Clock: clock.Real, Log: s.log})
	if err != nil {
		return err
	}
	s.media = engine
	s.onClose(engine.Close)
	s.prompts = media.NewPrompts(s.log, soundFolders(s.site)...)
	return nil
}

func (s *server) openScripts(ctx context.Context) error {
	recordings := filepath.Join(s.data, "recordings")
	if err := os.MkdirAll(recordings, 0o700); err != nil {
		return usage("recordings: %w", err)
	}
	folder, err := os.OpenRoot(recordings)
	if err != nil {
		return usage("recordings: %w", err)
	}
	s.onClose(func() { _ = folder.Close() })
	if err := file.Recover(folder, s.recovered); err != nil {
		return usage("%s: %w", recordings, err)
	}
	itself := local.New(clock.Real)
	s.api = api.New(api.Services{
		Clock: clock.Real, Log: s.log, Zone: time.Local, Media: s.media,
		Endpoints:  map[string]api.Dialer{"sip": lateDialer{s}, "local": itself},
		Prompts:    func(language, name string) (api.Sound, error) { return s.prompts.Find(language, name) },
		Store:      scriptStore{s.store},
		Recordings: folder,
		Trace:      s.trace,
		Secret:     s.secrets.get,
		Site:       absolute(s.site),
		Ended:      s.ended,
		TurnedAway: s.ended,
		Registered: s.registered,
	})
	scripts := filepath.Join(s.site, "scripts")
	options := host.Options{
		Scripts: siteScripts(scripts), ScriptsDir: scripts, Lib: lib.FS,
		Library: s.api, Clock: clock.Real, Log: s.log, Loaded: s.loaded, Accept: s.accept,
	}
	if plugins := filepath.Join(s.site, "plugins"); isDirectory(plugins) {
		options.PluginsDir = plugins
	}
	if s.host, err = host.New(options); err != nil {
		return err
	}
	s.api.Attach(s.host)
	itself.Attach(s.api.Accept)
	if err := s.host.Load(ctx); err != nil {
		return usage("%w", err)
	}
	if err := s.applyRecords(s.host.Current()); err != nil {
		return usage("%w", err)
	}
	return nil
}

// absolute is a path that stays true wherever programs run; "" where there is no
// working directory to begin from.
func absolute(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	return path
}

// recovered tells of a recording that was under way when the server was killed.
func (s *server) recovered(r file.Recovered) {
	if r.Err != nil {
		s.log.Error("an interrupted recording cannot be completed; look at it by hand", "path", r.Name, "error", r.Err)
		return
	}
	s.log.Warn("an interrupted recording was completed", "path", r.Name, "duration", r.Duration)
}

// loaded puts the configuration of a new version into force.
func (s *server) loaded(v *host.Version, err error) {
	if err != nil {
		return // the host has reported it, and the old version serves on
	}
	if s.sip == nil {
		return // startServer takes the first one
	}
	s.api.Activate(v)
	if err := s.applyRecords(v); err != nil {
		s.log.Error("the new configuration of call records is not all in force", "error", err)
	}
	if err := s.sip.Apply(s.config(v)); err != nil {
		s.log.Error("the new configuration of SIP is not in force", "error", err)
	}
}

// config is what a version declared for SIP, with the command line's changes.
func (s *server) config(v *host.Version) sip.Config {
	c := v.Declarations().(*api.Site).SIP
	if len(s.settings.sip) > 0 {
		c.Listen = s.settings.sip
	}
	if s.advertise != "" {
		c.Advertise = s.advertise
	}
	if s.rtpLow != 0 {
		c.RTPLow, c.RTPHigh = s.rtpLow, s.rtpHigh
	}
	if c.RTPLow == 0 {
		c.RTPLow, c.RTPHigh = 10000, 20000
	}
	c.UserAgent = "moonwire/" + release
	return c
}

func (s *server) openSIP(ctx context.Context) error {
	c := s.config(s.host.Current())
	ports, err := rtp.NewPorts(netip.IPv4Unspecified(), c.RTPLow, c.RTPHigh)
	if err != nil {
		return usage("media ports: %w", err)
	}
	s.ports = ports
	if s.sip, err = sip.New(sip.Options{Clock: clock.Real, Log: s.log, Media: s.media, Ports: ports,
		Store: s.store.Family(bindingFamily), OnEvent: s.sipEvent, Waiting: s.waiting, OnMessage: s.sipMessage, Trace: s.trace}); err != nil {
		return err
	}
	if err := s.sip.Apply(c); err != nil {
		return usage("%w", err)
	}
	if err := s.sip.Listen(ctx); err != nil {
		return usage("%w", err)
	}
	s.onClose(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.sip.Shutdown(now)
	})
	s.listened = append(s.listened, s.sip.Addresses()...)
	s.api.Mailboxes().Watch(func(c mailbox.Change) { s.sip.MailboxChanged(c.Address) })
	return nil
}

// waiting counts the messages of a phone's mailbox.
func (s *server) waiting(address string) (sip.Waiting, bool) {
	box, err := s.api.Mailboxes().Box(address)
	if err != nil {
		s.log.Warn("a phone has no proper mailbox", "error", err)
		return sip.Waiting{}, false
	}
	c, err := box.Counts()
	if err != nil {
		s.log.Error("messages cannot be counted", "mailbox", address, "error", err)
		return sip.Waiting{}, false
	}
	return sip.Waiting{New: c.New + c.Urgent, Urgent: c.Urgent, Old: c.Old}, true
}

// registered tells which phones are registered, and answer where they are asked.
func (s *server) registered() map[string]bool {
	there := map[string]bool{}
	if s.sip == nil { // it opens after the scripts were loaded
		return there
	}
	for _, r := range s.sip.Registrations() {
		there[r.Phone] = there[r.Phone] || r.Reachable != "unreachable"
	}
	return there
}

// sipEvent hands what happens to phones and trunks to the scripts' hooks.
func (s *server) sipEvent(e sip.Event) {
	s.api.Registered(api.Registration{Phone: e.Peer, State: e.Kind, Contact: e.Address})
}

func (s *server) openHTTP(ctx context.Context) error {
	if s.settings.http == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.settings.http)
	if err != nil {
		return usage("http: %w (another address: --http ADDR, none: --http off)", err)
	}
	s.listened = append(s.listened, "http://"+l.Addr().String())
	s.serveHTTP(ctx, "serving HTTP", l, observeHandler(s.figures, s.healthy, s.callList))
	return nil
}

func (s *server) openControl(ctx context.Context) error {
	l, err := listenControl(s.data)
	if err != nil {
		return err
	}
	s.serveHTTP(ctx, "serving the control socket", l, controlHandler(s.reload, s.traceRoutes, s.consoleRoutes(ctx)))
	return nil
}

func (s *server) serveHTTP(ctx context.Context, what string, l net.Listener, h http.Handler) {
	web := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	s.onClose(func() { _ = web.Close() })
	s.serve(ctx, what, func() error { return web.Serve(l) })
}

// reload reads the scripts again, or goes back to version to.
func (s *server) reload(ctx context.Context, to int) (reloadReply, error) {
	var err error
	if to > 0 {
		if err = s.host.Rollback(to); err == nil {
			s.loaded(s.host.Current(), nil)
		}
	} else {
		_, err = s.host.Reload(ctx)
	}
	return reloadReply{Version: s.host.Current().Number()}, err
}

// healthy says why the server cannot serve, if so.
func (s *server) healthy() error { return s.store.Health() }

// greet tells the person at the terminal what to do next. The first words of
// its lines are for programs that start the server and wait for it.
func (s *server) greet(out io.Writer) {
	for _, a := range s.listened {
		fmt.Fprintln(out, "listening", a)
	}
	s.greetPhones(out)
	fmt.Fprintf(out, "ready after %v; scripts are read again when they are saved; stop with Ctrl-C\n",
		time.Since(s.began).Round(time.Millisecond))
}

// lateDialer dials through the endpoint, which is opened after the scripts.
type lateDialer struct{ s *server }

func (d lateDialer) Dial(ctx context.Context, to call.Target) (call.Leg, error) {
	if d.s.sip == nil {
		return nil, call.ErrUnreachable
	}
	return d.s.sip.Dial(ctx, to)
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
