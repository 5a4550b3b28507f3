package sip

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/rtp"
	"github.com/moonwire/moonwire/core/trace"

	"github.com/moonwire/moonwire/core/sip/digest"
	"github.com/moonwire/moonwire/core/sip/registrar"
)

// Options are what an Endpoint needs of the process.
type Options struct {
	Clock    clock.Clock     // nil = clock.Real
	Log      *slog.Logger    // nil = slog.Default()
	Media    *media.Engine   // runs the calls' media
	Ports    *rtp.Ports      // where media is received
	Rand     io.Reader       // of tags, branches and nonces; nil = crypto/rand
	Store    registrar.Store // keeps registrations; nil = memory only
	Resolver Resolver        // nil = the system's
	Limits   Limits

	// OnEvent hears of what happens beside calls: phones come and go, trunks
	// register or fail. Any goroutine; it must return at once. It may be nil.
	OnEvent func(Event)

	// Waiting tells how many messages a mailbox has, for its phones; false where
	// there is no such mailbox. Any goroutine; it may read the disk. It may be nil.
	Waiting func(mailbox string) (Waiting, bool)

	// OnMessage sees every SIP message: those that were received and could be
	// parsed, before anything is done about them, and those that are sent, just
	// before that, repetitions included. It is called under the locks of calls, on
	// any goroutine, one message of a call after the other; so it must return at
	// once and call nothing of the endpoint or its legs. It may be nil.
	OnMessage func(Packet)

	// Trace keeps headers of the calls' media and how it fared; nil = nobody does.
	Trace *trace.Recorder

	// Timing, where not zero, replaces the base timers of RFC 3261 (500 ms, 4 s, 5 s).
	T1, T2, T4 time.Duration
}

// Limits bound what the endpoint takes on; zero fields take the default.
type Limits struct {
	Calls int // at once, in both directions; 0 = 20000
}

const defaultCalls = 20000

// Event is something that happened to a phone or a trunk.
type Event struct {
	Kind    string // "registered", "unregistered", "expired", "displaced", "reachable", "unreachable", "trunk_registered", "trunk_failed", "auth_failed"
	Peer    string // name of the phone or trunk
	Address string // where it is
	Reason  string // of a failure
}

// Endpoint is SIP: it implements call.Endpoint.
type Endpoint struct {
	clock     clock.Clock
	log       *slog.Logger
	engine    *media.Engine
	ports     *rtp.Ports
	resolver  Resolver
	limits    Limits
	onEvent   func(Event)
	waiting   func(mailbox string) (Waiting, bool)
	onMessage func(Packet)
	trace     *trace.Recorder
	openAudio func(audioOptions) (audio, error)
	patch     func(f call.Format, a, b *leg, digitA, digitB func(call.Digit)) (audio, audio)
	write     func(flow, []byte) error // what sends messages; tests take them instead

	random       source
	settings     atomic.Pointer[settings]
	digest       atomic.Pointer[digest.Server]
	limiter      *digest.Limiter
	registrar    *registrar.Registrar
	transport    *transport
	transactions *transactions
	locals       localAddresses
	stats        counters
	serial       atomic.Uint64
	prefix       string // of leg IDs
	life         context.Context
	stop         context.CancelFunc

	waitingLock sync.Mutex // phones are told of their messages one after the other

	mu       sync.Mutex
	accept   func(call.Leg)
	draining bool
	listens  bool
	legs     map[string]*leg // by our tag
	invites  map[string]*leg // by the caller's Call-ID and tag, while unanswered
	busy     map[string]int  // calls of each peer
	trunks   map[string]*trunkState
	qualify  map[string]*qualifier
	idle     chan struct{} // closed when the last leg ends while draining
}

var _ call.Endpoint = (*Endpoint)(nil)

// New returns an endpoint with an empty Config that listens nowhere yet.
func New(o Options) (*Endpoint, error) {
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Resolver == nil {
		o.Resolver = &system{Resolver: net.DefaultResolver}
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Limits.Calls <= 0 {
		o.Limits.Calls = defaultCalls
	}
	e := &Endpoint{
		clock: o.Clock, log: o.Log.With("endpoint", "sip"), engine: o.Media, ports: o.Ports,
		resolver: o.Resolver, limits: o.Limits, onEvent: o.OnEvent, waiting: o.Waiting, onMessage: o.OnMessage, trace: o.Trace,
		legs: make(map[string]*leg), invites: make(map[string]*leg), busy: make(map[string]int),
		trunks: make(map[string]*trunkState), qualify: make(map[string]*qualifier),
	}
	e.random.r = o.Rand
	e.openAudio, e.patch = e.openRTP, newPatch
	e.life, e.stop = context.WithCancel(context.Background())
	e.prefix = e.token(2)
	e.limiter = digest.NewLimiter(digest.LimiterOptions{Clock: o.Clock})
	t := standardTiming
	if o.T1 > 0 {
		t = timing{o.T1, max(o.T2, o.T1), max(o.T4, o.T1)}
	}
	e.transport = newTransport(e.log, &e.stats, e.received)
	e.transport.told = func(f flow, octets []byte) { e.show(f, octets, about{}, true, false) }
	e.write = e.transport.write
	e.transactions = newTransactions(o.Clock, t, e.send)
	var err error
	e.registrar, err = registrar.New(e.life, registrar.Options{Clock: o.Clock, Log: e.log, Store: o.Store, Notify: e.bindingChanged})
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	if err := e.Apply(Config{}); err != nil {
		return nil, err
	}
	return e, nil
}

// Name is "sip".
func (e *Endpoint) Name() string { return "sip" }

// Apply puts a configuration into force; calls go on as they are. Where it has
// mistakes the error names them all and the old one stays. Any goroutine, one
// at a time.
func (e *Endpoint) Apply(c Config) error {
	s, err := compile(c)
	if err != nil {
		return err
	}
	old := e.settings.Load()
	if old == nil || old.Realm != s.Realm || !slices.Equal(old.digest, s.digest) {
		d, err := digest.NewServer(digest.Options{Realm: s.Realm, Algorithms: s.digest, Clock: e.clock, Rand: &e.random})
		if err != nil {
			return fmt.Errorf("sip: %w", err)
		}
		e.digest.Store(d)
	}
	e.settings.Store(s)
	e.locals.forget()
	e.mu.Lock()
	listens := e.listens
	e.mu.Unlock()
	if listens {
		e.startPeers(s)
	}
	return nil
}

// source is a random source that any goroutine may read.
type source struct {
	mu sync.Mutex
	r  io.Reader
}

// Read fills p.
func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return io.ReadFull(s.r, p)
}

func (e *Endpoint) read(p []byte) { e.random.Read(p) }

// Listen opens the addresses of the Config. The error names the first that
// cannot be had, and then none is open.
func (e *Endpoint) Listen(ctx context.Context) error {
	s := e.settings.Load()
	certificate, err := s.certificate()
	if err != nil {
		return err
	}
	for _, address := range s.Listen {
		if _, err := e.transport.listen(ctx, address, certificate); err != nil {
			e.transport.close()
			return err
		}
	}
	e.mu.Lock()
	e.listens = true
	e.mu.Unlock()
	e.startPeers(s)
	return nil
}

// Addresses is what is listened on, as in Config.Listen, with real ports.
func (e *Endpoint) Addresses() []string {
	var list []string
	for _, s := range e.transport.addresses() {
		list = append(list, s.network.String()+":"+s.bound.String())
	}
	return list
}

// Serve takes calls until ctx ends. It listens first unless Listen was called.
func (e *Endpoint) Serve(ctx context.Context, accept func(call.Leg)) error {
	e.mu.Lock()
	listens := e.listens
	e.accept = accept
	e.mu.Unlock()
	if !listens {
		if err := e.Listen(ctx); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
	case <-e.life.Done():
	}
	e.mu.Lock()
	e.accept = nil
	e.mu.Unlock()
	return nil
}

// Shutdown refuses new calls, waits for those there are until ctx ends, hangs
// up the rest, unregisters from trunks and closes all sockets. What was sent last
// is sent again, as UDP needs it, until it is answered, but not for longer than
// about four seconds after ctx has ended or the last call is over.
func (e *Endpoint) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	e.draining = true
	idle := make(chan struct{})
	if len(e.legs) == 0 {
		close(idle)
	} else {
		e.idle = idle
	}
	e.mu.Unlock()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		legs := e.snapshot()
		if len(legs) > 0 {
			err = fmt.Errorf("sip: %d calls were still up and were hung up", len(legs))
		}
		for _, l := range legs {
			l.Send(context.Background(), call.Hangup{Cause: call.CauseNormal})
		}
	}
	e.stopPeers()
	e.lastWords()
	e.stop()
	e.registrar.Close()
	e.transport.close()
	return err
}

// lastWordsTime has room for four attempts of a BYE: after 0, 0.5, 1.5 and 3.5 s.
const lastWordsTime = 4 * time.Second

// lastWords lets the requests and refusals that are on their way arrive.
func (e *Endpoint) lastWords() {
	enough := make(chan struct{})
	defer e.clock.AfterFunc(lastWordsTime, func() { close(enough) }).Stop()
	select {
	case <-e.transactions.settle():
	case <-enough:
	}
}

// waits reports whether there is time for formalities: not once Shutdown hangs up.
func (e *Endpoint) waits() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.draining
}

func (e *Endpoint) snapshot() []*leg {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*leg, 0, len(e.legs))
	for _, l := range e.legs {
		list = append(list, l)
	}
	return list
}

// Calls is the present state of every leg.
func (e *Endpoint) Calls() []call.Info {
	var list []call.Info
	for _, l := range e.snapshot() {
		list = append(list, l.Info())
	}
	return list
}

// Registration is one place where a phone can be reached.
type Registration struct {
	Phone     string
	Contact   string
	Address   string // where it registered from
	Transport string
	UserAgent string
	Since     time.Time
	Expires   time.Time
	Reachable string        // "unknown", "reachable", "unreachable"
	RoundTrip time.Duration // of the last qualify
}

// Registrations lists all contacts of all phones.
func (e *Endpoint) Registrations() []Registration {
	var list []Registration
	for _, b := range e.registrar.All() {
		list = append(list, Registration{
			Phone: b.AOR, Contact: b.Contact, Address: b.Received.String(), Transport: b.Transport,
			UserAgent: b.UserAgent, Since: b.Since, Expires: b.Expires,
			Reachable: b.Reachable.String(), RoundTrip: b.RoundTrip,
		})
	}
	return list
}

// token is n random octets in hex.
func (e *Endpoint) token(n int) string {
	var b [16]byte
	e.read(b[:n])
	return hex.EncodeToString(b[:n])
}

// within is a random duration below d.
func (e *Endpoint) within(d time.Duration) time.Duration {
	var b [2]byte
	e.read(b[:])
	return time.Duration(int64(d) * (int64(b[0])<<8 | int64(b[1])) >> 16)
}

// branch is a new Via branch.
func (e *Endpoint) branch() string { return magicCookie + e.token(10) }

func (e *Endpoint) newID() string {
	return "sip-" + e.prefix + "-" + strconv.FormatUint(e.serial.Add(1), 10)
}

// admit counts a new leg in, unless a limit is reached.
func (e *Endpoint) admit(l *leg, peer string, limit int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.draining:
		return fmt.Errorf("shutting down: %w", call.ErrExhausted)
	case len(e.legs) >= e.limits.Calls:
		return fmt.Errorf("limit of %d calls: %w", e.limits.Calls, call.ErrExhausted)
	case limit > 0 && e.busy[peer] >= limit:
		return fmt.Errorf("%w: limit of %d calls: %w", errPeerLimit, limit, call.ErrExhausted)
	}
	e.legs[l.key] = l
	if peer != "" {
		e.busy[peer]++
	}
	return nil
}

var errPeerLimit = errors.New("the peer has all its calls")

// dismiss takes a leg out that has ended.
func (e *Endpoint) dismiss(l *leg) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.legs[l.key] != l {
		return
	}
	delete(e.legs, l.key)
	if l.invite != "" && e.invites[l.invite] == l {
		delete(e.invites, l.invite)
	}
	e.release(l.peer.key())
	if e.idle != nil && len(e.legs) == 0 {
		close(e.idle)
		e.idle = nil
	}
}

// release counts one call of a peer out; e.mu is held.
func (e *Endpoint) release(peer string) {
	if peer == "" {
		return
	}
	if e.busy[peer]--; e.busy[peer] <= 0 {
		delete(e.busy, peer)
	}
}

func (e *Endpoint) legByTag(tag string) *leg {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.legs[tag]
}
