package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers of a record. Its value is the body.
const (
	headerKind     = "Moonwire-Kind"     // of a deletion: "deleted" or "expired"
	headerExpires  = "Moonwire-Expires"  // milliseconds since 1970
	headerRevision = "Moonwire-Revision" // where we count ourselves
)

const (
	// patience is how long JetStream may take to acknowledge a write.
	patience = 10 * time.Second
	// markerLife is how long a deletion stays in a stream that lives in memory.
	markerLife = 10 * time.Minute
)

// stream is a journal in JetStream: one subject for each key, of which only the
// last record stays.
type stream struct {
	js     jetstream.JetStream
	handle jetstream.Stream
	prefix string // of the subjects
	shared bool   // others write too; revisions are the stream's sequence numbers

	last    atomic.Uint64    // revision, where not shared
	ready   func(Kind) error // says why a write must not be tried
	down    func() error     // says why the journal does not answer
	markers time.Duration    // how long deletions stay; 0 = for good
}

func (s *stream) write(ctx context.Context, c *change, check bool, expected uint64) (uint64, error) {
	if err := s.ready(c.kind); err != nil {
		return 0, err
	}
	if !s.shared {
		revision := s.last.Add(1)
		if _, err := s.publish(ctx, s.message(c, revision)); err != nil {
			return 0, withRevision(err, revision)
		}
		return revision, nil
	}
	if !check {
		return s.publish(ctx, s.message(c, 0))
	}
	revision, err := s.publish(ctx, s.message(c, 0), jetstream.WithExpectLastSequencePerSubject(expected))
	if expected != 0 || !errors.Is(err, ErrConflict) {
		return revision, err
	}
	// A key that was deleted has a record that says so, and its sequence number.
	switch newest, newestErr := s.newest(ctx, c.family, c.key); {
	case newestErr != nil:
		return 0, newestErr
	case newest.kind == Put:
		return 0, err
	default:
		return s.publish(ctx, s.message(c, 0), jetstream.WithExpectLastSequencePerSubject(newest.revision))
	}
}

// withRevision has a write that goes on come to our revision, not to the
// stream's.
func withRevision(err error, revision uint64) error {
	var pending *pendingError
	if !errors.As(err, &pending) {
		return err
	}
	return &pendingError{cause: pending.cause, wait: func() (uint64, error) {
		_, err := pending.wait()
		return revision, err
	}}
}

// publish sends a record and waits for its sequence number.
func (s *stream) publish(ctx context.Context, m *nats.Msg, options ...jetstream.PublishOpt) (uint64, error) {
	future, err := s.js.PublishMsgAsync(m, options...)
	if err != nil {
		return 0, s.explain(err)
	}
	outcome := func(done <-chan struct{}) (uint64, error) {
		select {
		case ack := <-future.Ok():
			return ack.Sequence, nil
		case err := <-future.Err():
			return 0, s.explain(err)
		case <-done:
			return 0, ctx.Err()
		}
	}
	sequence, err := outcome(ctx.Done())
	if err != nil && err == ctx.Err() {
		err = &pendingError{cause: err, wait: func() (uint64, error) { return outcome(nil) }}
	}
	return sequence, err
}

// message is the record of c as it goes into the stream.
func (s *stream) message(c *change, revision uint64) *nats.Msg {
	m := nats.NewMsg(subject(s.prefix, c.family, c.key))
	m.Data = c.value
	if c.kind != Put {
		m.Header.Set(headerKind, c.kind.String())
		if s.markers > 0 {
			m.Header.Set(jetstream.MsgTTLHeader, s.markers.String())
		}
	}
	if c.expires != 0 {
		m.Header.Set(headerExpires, strconv.FormatInt(c.expires, 10))
	}
	if revision != 0 {
		m.Header.Set(headerRevision, strconv.FormatUint(revision, 10))
	}
	return m
}

// parse is the reverse of message.
func (s *stream) parse(subject string, header nats.Header, data []byte, sequence uint64) (change, error) {
	family, key, err := parseSubject(s.prefix, subject)
	if err != nil {
		return change{}, fmt.Errorf("record %d, subject %q: %w", sequence, subject, err)
	}
	c := change{family: family, key: key, revision: sequence}
	switch kind := header.Get(headerKind); kind {
	case "":
		c.value = data
	case Deleted.String():
		c.kind = Deleted
	case Expired.String():
		c.kind = Expired
	default:
		return change{}, fmt.Errorf("record %d: a change %q", sequence, kind)
	}
	if text := header.Get(headerExpires); text != "" {
		if c.expires, err = strconv.ParseInt(text, 10, 64); err != nil {
			return change{}, fmt.Errorf("record %d: expiry %q", sequence, text)
		}
	}
	if text := header.Get(headerRevision); text != "" {
		if c.revision, err = strconv.ParseUint(text, 10, 64); err != nil {
			return change{}, fmt.Errorf("record %d: revision %q", sequence, text)
		}
	}
	return c, nil
}

func (s *stream) newest(ctx context.Context, family, key string) (change, error) {
	m, err := s.handle.GetLastMsgForSubject(ctx, subject(s.prefix, family, key))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return change{}, nil
	}
	if err != nil {
		return change{}, s.explain(err)
	}
	return s.parse(m.Subject, m.Header, m.Data, m.Sequence)
}

// replay calls each for every record of the stream, in order, and then, if follow
// is set, for every new one until ctx ends. loaded is called when the records
// that were there at the start have been delivered.
func (s *stream) replay(ctx context.Context, each func(change), loaded func(), follow bool) error {
	info, err := s.handle.Info(ctx)
	if err != nil {
		return s.explain(err)
	}
	if info.State.Msgs == 0 {
		loaded()
		loaded = nil
		if !follow {
			return nil
		}
	}
	consumer, err := s.handle.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy:    jetstream.DeliverAllPolicy,
		MaxResetAttempts: 1, // who follows a stream begins anew itself
	})
	if err != nil {
		return s.explain(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return s.explain(err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return s.explain(err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if strings.Count(m.Subject(), ".") == 2 {
			c, err := s.parse(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream)
			if err != nil {
				return err
			}
			each(c)
		}
		if loaded != nil && meta.NumPending == 0 {
			loaded()
			loaded = nil
			if !follow {
				return nil
			}
		}
	}
}

// Error codes of the JetStream API.
const (
	codeNoResources    = 10023
	codeNoStorage      = 10047
	codeWrongSequence  = 10071
	codeStoreFailed    = 10077
	codeWrongSequence2 = 10164
)

// explain turns an error of NATS into one of this package where one fits.
func (s *stream) explain(err error) error {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api):
		switch api.ErrorCode {
		case codeWrongSequence, codeWrongSequence2:
			return ErrConflict
		case codeNoResources, codeNoStorage, codeStoreFailed:
			return fmt.Errorf("%w: %s; delete what is not needed, or raise the limit or the disk space", ErrFull, api.Description)
		}
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, jetstream.ErrMsgIteratorClosed):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, jetstream.ErrAsyncPublishTimeout):
		return fmt.Errorf("%w, %w: %w", ErrUnavailable, errUnknown, err)
	}
	if down := s.down(); down != nil {
		return fmt.Errorf("%w: %w", down, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
