package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// external is the connection to a NATS that others use too. Each bucket has a
// follower, which reads the bucket's stream into its memory.
type external struct {
	options Options
	conn    *nats.Conn
	js      jetstream.JetStream
	stop    context.CancelFunc
	running sync.WaitGroup
	again   [2]chan struct{} // one for each follower: the connection is back
}

const (
	followPause   = time.Second            // before a follower tries again
	reconnectWait = 500 * time.Millisecond // between two attempts to connect
)

func openExternal(o Options) (*Store, error) {
	x := &external{options: o, stop: func() {}}
	for i := range x.again {
		x.again[i] = make(chan struct{}, 1)
	}
	store, err := x.open()
	if err != nil {
		_ = x.Close()
		return nil, fmt.Errorf("open store at %s: %w", o.URL, err)
	}
	return store, nil
}

func (x *external) open() (*Store, error) {
	options := []nats.Option{
		nats.Name("moonwire"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectHandler(func(*nats.Conn) { x.reconnected() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			x.options.Log.Warn("the connection to NATS is lost; what was read stays readable", "error", err)
		}),
	}
	if x.options.Credentials != "" {
		options = append(options, nats.UserCredentials(x.options.Credentials))
	}
	var err error
	if x.conn, err = nats.Connect(x.options.URL, options...); err != nil {
		return nil, fmt.Errorf("%w: %w; is it running, and is the address right?", ErrUnavailable, err)
	}
	if x.js, err = jetstream.New(x.conn, jetstream.WithPublishAsyncTimeout(patience)); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	durable, err := x.bucket(ctx, jetstream.StreamConfig{
		Name: "moonwire-kv", Storage: jetstream.FileStorage, MaxBytes: x.options.MaxBytes, DenyDelete: true,
	}, x.again[0], 0)
	if err != nil {
		return nil, err
	}
	volatile, err := x.bucket(ctx, jetstream.StreamConfig{
		Name: "moonwire-volatile", Storage: jetstream.MemoryStorage, MaxBytes: x.options.MaxVolatileBytes, AllowMsgTTL: true,
	}, x.again[1], markerLife)
	if err != nil {
		durable.close()
		return nil, err
	}
	return &Store{Bucket: durable, volatile: volatile, backing: x, health: x.connected}, nil
}

// bucket opens one stream and returns when its content has been read.
func (x *external) bucket(ctx context.Context, config jetstream.StreamConfig, again <-chan struct{}, markers time.Duration) (*Bucket, error) {
	prefix := config.Name + "."
	config.Subjects = []string{prefix + ">"}
	config.MaxMsgsPerSubject = 1
	config.Discard = jetstream.DiscardNew
	config.AllowDirect = true
	config.Replicas = x.options.Replicas
	opening, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	handle, err := x.js.CreateOrUpdateStream(opening, config)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", config.Name, err)
	}
	restore := func(ctx context.Context) error {
		_, err := x.js.CreateStream(ctx, config)
		return err
	}
	journal := &stream{js: x.js, handle: handle, prefix: prefix, shared: true, ready: func(Kind) error { return x.connected() }, down: x.connected, markers: markers}
	b := newBucket(x.options, journal, 0)
	b.memory.follows = true

	loaded := make(chan struct{})
	x.running.Go(func() { x.follow(ctx, b, journal, restore, again, sync.OnceFunc(func() { close(loaded) })) })
	select {
	case <-loaded:
		return b, nil
	case <-opening.Done():
		return nil, fmt.Errorf("read stream %s: %w", config.Name, opening.Err())
	}
}

// follow keeps the bucket's memory at what the stream holds until ctx ends. After
// a lost connection it reads the stream from the beginning, because deletions
// may have been missed. A stream that was lost, as those in memory are when their
// server ends, is made anew by restore.
func (x *external) follow(ctx context.Context, b *Bucket, s *stream, restore func(context.Context) error, again <-chan struct{}, loaded func()) {
	for ctx.Err() == nil {
		round, cancel := context.WithCancel(ctx)
		x.running.Go(func() {
			select {
			case <-again:
				cancel()
			case <-round.Done():
			}
		})
		err := x.round(round, b, s, loaded)
		cut := round.Err() != nil
		cancel()
		if ctx.Err() != nil || cut {
			continue
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			if err = restore(ctx); err == nil {
				continue
			}
		}
		x.options.Log.Warn("the stream of stored data cannot be followed; trying again", "stream", s.prefix, "error", err)
		timer := x.options.Clock.NewTimer(followPause)
		select {
		case <-timer.C():
			x.options.Clock.Release()
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// round reads the stream from its beginning and then follows it. What the memory
// held before and the stream does not hold is removed.
func (x *external) round(ctx context.Context, b *Bucket, s *stream, loaded func()) error {
	info, err := s.handle.Info(ctx)
	if err != nil {
		return err
	}
	before := map[*record]bool{}
	for _, r := range b.memory.all() {
		if r.revision > info.State.LastSeq {
			b.memory.forget(r.family, r.key) // the stream has begun anew
			continue
		}
		before[r] = true
	}
	return s.replay(ctx, func(c change) {
		if before != nil {
			if r := b.memory.record(c.family, c.key); r != nil {
				delete(before, r)
			}
		}
		b.memory.apply(&c, false)
	}, func() {
		for r := range before {
			if b.memory.record(r.family, r.key) == r {
				b.memory.forget(r.family, r.key)
			}
		}
		before = nil
		loaded()
	}, true)
}

func (x *external) reconnected() {
	x.options.Log.Info("the connection to NATS is back")
	for _, again := range x.again {
		select {
		case again <- struct{}{}:
		default:
		}
	}
}

func (x *external) connected() error {
	if x.conn == nil || !x.conn.IsConnected() {
		return fmt.Errorf("%w: no connection to NATS at %s", ErrUnavailable, x.options.URL)
	}
	return nil
}

// Close ends the followers and the connection.
func (x *external) Close() error {
	x.stop()
	if x.conn != nil {
		x.conn.Close()
	}
	x.running.Wait()
	return nil
}
