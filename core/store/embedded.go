package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// embedded is the NATS server inside this process, with the one stream that is
// the durable journal.
//
// The stream is called by its generation. Compacting writes a new one, marks it
// complete, and then removes the old one; whatever a crash leaves, the newest
// stream that is marked complete holds everything.
type embedded struct {
	options    Options
	lock       *dirLock
	server     *server.Server
	log        *serverLog
	conn       *nats.Conn
	js         jetstream.JetStream
	journal    *stream
	bucket     *Bucket
	generation int

	deletions atomic.Int64   // so far
	working   sync.WaitGroup // compacting
}

const (
	startTimeout = 10 * time.Second
	// compactAfter is how many deletions there are between two thoughts of
	// compacting; it happens if most records are deletions by then.
	compactAfter = 10_000
	// reserve is how much disk puts leave free, in bytes; deletions may use half.
	reserve = 16 << 20
)

func openEmbedded(o Options) (*Store, error) {
	wrap := func(err error) error { return fmt.Errorf("open data directory %s: %w", o.Dir, err) }
	if err := checkDir(o.Dir); err != nil {
		return nil, wrap(err)
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, wrap(err)
	}
	e := &embedded{options: o, lock: lock, log: &serverLog{log: o.Log.With("part", "nats")}}
	if err := e.start(); err != nil {
		_ = e.Close()
		return nil, wrap(err)
	}
	return &Store{
		Bucket:   e.bucket,
		volatile: newBucket(o, new(memoryJournal), o.MaxVolatileBytes),
		backing:  e,
		health:   e.health,
	}, nil
}

// start brings the server up and the bucket's memory to what the stream holds.
func (e *embedded) start() (err error) {
	if e.server, err = server.NewServer(e.serverOptions()); err != nil {
		return err
	}
	e.server.SetLoggerV2(e.log, false, false, false)
	e.server.Start()
	if !e.server.ReadyForConnections(startTimeout) || !e.server.JetStreamEnabled() {
		return fmt.Errorf("JetStream does not start: %s", e.log.lastError())
	}
	e.conn, err = nats.Connect("", nats.InProcessServer(e.server), nats.Name("moonwire"))
	if err != nil {
		return err
	}
	if e.js, err = jetstream.New(e.conn, jetstream.WithPublishAsyncTimeout(patience)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := e.choose(ctx); err != nil {
		return err
	}
	e.bucket = newBucket(e.options, e.journal, 0)
	e.bucket.deletion = e.deleted
	records := 0
	err = e.journal.replay(context.Background(), func(c change) {
		records++
		e.bucket.memory.apply(&c, false)
		e.journal.last.Store(max(e.journal.last.Load(), c.revision))
	}, func() {}, false)
	if err != nil {
		return fmt.Errorf("read what is stored: %w", err)
	}
	if alive := len(e.bucket.memory.all()); records > compactAfter && records > 2*alive {
		return e.compact(context.Background())
	}
	return nil
}

// serverOptions leave out of the server all that one process does not need: it
// listens nowhere, reports to nobody, and touches no signals.
func (e *embedded) serverOptions() *server.Options {
	return &server.Options{
		ServerName:             "moonwire",
		DontListen:             true,
		NoSigs:                 true,
		NoSystemAccount:        true,
		DisableJetStreamBanner: true,
		JetStream:              true,
		StoreDir:               e.options.Dir,
		SyncAlways:             true,
		JetStreamMaxMemory:     16 << 20,
		JetStreamMaxStore:      3 * e.options.MaxBytes, // two generations while compacting
		MaxPayload:             MaxValue + 64<<10,
		MaxControlLine:         8 << 10,
	}
}

const streamBase = "moonwire-"

func streamName(generation int) string   { return streamBase + strconv.Itoa(generation) }
func streamPrefix(generation int) string { return "kv" + strconv.Itoa(generation) + "." }
func completeMark(generation int) string { return streamPrefix(generation) + "complete" }

// choose opens the newest complete generation, or begins the first, and removes
// all others.
func (e *embedded) choose(ctx context.Context) error {
	var generations []int
	names := e.js.StreamNames(ctx)
	for name := range names.Name() {
		if text, ok := strings.CutPrefix(name, streamBase); ok {
			if n, err := strconv.Atoi(text); err == nil {
				generations = append(generations, n)
			}
		}
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("list streams: %w", err)
	}
	slices.Sort(generations)
	chosen := 1
	if len(generations) > 0 {
		chosen = generations[0]
	}
	var revision uint64
	marked := false
	for _, n := range slices.Backward(generations) {
		handle, err := e.js.Stream(ctx, streamName(n))
		if err != nil {
			return fmt.Errorf("open %s: %w", streamName(n), err)
		}
		mark, err := handle.GetLastMsgForSubject(ctx, completeMark(n))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open %s: %w", streamName(n), err)
		}
		if revision, err = strconv.ParseUint(string(mark.Data), 10, 64); err != nil {
			return fmt.Errorf("open %s: its mark says %q", streamName(n), mark.Data)
		}
		chosen, marked = n, true
		break
	}
	if err := e.use(ctx, chosen, revision); err != nil {
		return err
	}
	if !marked {
		if err := e.complete(ctx, e.journal, chosen); err != nil {
			return err
		}
	}
	for _, n := range generations {
		if n != chosen {
			if err := e.js.DeleteStream(ctx, streamName(n)); err != nil {
				return fmt.Errorf("remove %s: %w", streamName(n), err)
			}
		}
	}
	return nil
}

// use makes a generation the journal; revision is the last one given out.
func (e *embedded) use(ctx context.Context, generation int, revision uint64) error {
	journal, err := e.open(ctx, generation)
	if err != nil {
		return err
	}
	journal.last.Store(revision)
	e.journal, e.generation = journal, generation
	return nil
}

func (e *embedded) open(ctx context.Context, generation int) (*stream, error) {
	handle, err := e.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName(generation),
		Subjects:          []string{streamPrefix(generation) + ">"},
		Storage:           jetstream.FileStorage,
		MaxMsgsPerSubject: 1,
		MaxBytes:          e.options.MaxBytes,
		Discard:           jetstream.DiscardNew,
		AllowDirect:       true,
		DenyDelete:        true,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", streamName(generation), err)
	}
	return &stream{js: e.js, handle: handle, prefix: streamPrefix(generation), ready: e.writable, down: e.stopped}, nil
}

// complete marks a generation, with the last revision given out so far.
func (e *embedded) complete(ctx context.Context, s *stream, generation int) error {
	m := nats.NewMsg(completeMark(generation))
	m.Data = strconv.AppendUint(nil, s.last.Load(), 10)
	if _, err := s.publish(ctx, m); err != nil {
		return fmt.Errorf("mark %s complete: %w", streamName(generation), err)
	}
	return nil
}

// deleted counts deletions, and compacts now and then.
func (e *embedded) deleted() {
	if e.deletions.Add(1)%compactAfter != 0 {
		return
	}
	e.working.Go(func() {
		unlock := e.bucket.lockAll()
		defer unlock()
		ctx := context.Background()
		info, err := e.journal.handle.Info(ctx)
		if err == nil && int(info.State.Msgs) > 2*len(e.bucket.memory.all()) {
			err = e.compact(ctx)
		}
		if err != nil && !errors.Is(err, ErrClosed) {
			e.options.Log.Warn("the stored data cannot be compacted now", "error", err)
		}
	})
}

// compact writes what is alive into a new generation. The caller holds all
// stripes: writers wait meanwhile, readers do not.
func (e *embedded) compact(ctx context.Context) error {
	if err := e.bucket.usable(ctx); err != nil {
		return err
	}
	old, previous := e.generation, e.journal
	next, err := e.open(ctx, old+1)
	if err != nil {
		return err
	}
	next.last.Store(previous.last.Load())
	abandon := func(err error) error {
		return errors.Join(fmt.Errorf("compact: %w", err), e.js.DeleteStream(ctx, streamName(old+1)))
	}
	if err := e.copy(ctx, next); err != nil {
		return abandon(err)
	}
	if err := e.complete(ctx, next, old+1); err != nil {
		return abandon(err)
	}
	e.journal, e.generation, e.bucket.journal = next, old+1, next
	if err := e.js.DeleteStream(ctx, streamName(old)); err != nil {
		return fmt.Errorf("compact: remove %s: %w", streamName(old), err)
	}
	return nil
}

// copyWindow is how many records are under way at once while compacting.
const copyWindow = 64

// copy writes every entry of the memory, with its revision.
func (e *embedded) copy(ctx context.Context, to *stream) error {
	var underway []jetstream.PubAckFuture
	settle := func(until int) error {
		for len(underway) > until {
			select {
			case <-underway[0].Ok():
			case err := <-underway[0].Err():
				return to.explain(err)
			case <-ctx.Done():
				return ctx.Err()
			}
			underway = underway[1:]
		}
		return nil
	}
	for _, r := range e.bucket.memory.all() {
		c := &change{family: r.family, key: r.key, value: r.value, expires: r.expires}
		future, err := e.js.PublishMsgAsync(to.message(c, r.revision))
		if err != nil {
			return to.explain(err)
		}
		underway = append(underway, future)
		if err := settle(copyWindow); err != nil {
			return err
		}
	}
	return settle(0)
}

// writable says why a write must not be tried: JetStream gives up for good when
// the disk is full, so it is not let come to that.
func (e *embedded) writable(kind Kind) error {
	if err := e.stopped(); err != nil {
		return err
	}
	keep := uint64(reserve)
	if kind != Put {
		keep /= 2
	}
	if free, err := freeBytes(e.options.Dir); err == nil && free < keep {
		return fmt.Errorf("%w: the disk of %s has %d MB left, and %d are kept free; make room there",
			ErrFull, e.options.Dir, free>>20, reserve>>20)
	}
	return nil
}

func (e *embedded) health() error { return e.writable(Put) }

func (e *embedded) stopped() error {
	if e.server == nil || !e.server.JetStreamEnabled() {
		return fmt.Errorf("%w: the data directory %s failed and JetStream has stopped (%s); see to the disk, then start anew",
			ErrUnavailable, e.options.Dir, e.log.lastError())
	}
	return nil
}

// Close ends the server in order, so that the next start need not recover.
func (e *embedded) Close() error {
	e.working.Wait()
	if e.conn != nil {
		e.conn.Close()
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	return e.lock.Close()
}
