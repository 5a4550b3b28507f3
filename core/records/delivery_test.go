package records_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/recordstest"
)

// fakeSink is a sink in memory.
type fakeSink struct {
	mu      sync.Mutex
	got     map[string]int // how often each came
	away    bool
	opened  int
	refuses string // an id
}

func (s *fakeSink) Open(context.Context, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	if s.away {
		return errors.New("nobody answers")
	}
	return nil
}

func (s *fakeSink) Write(_ context.Context, list []records.Record) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return "", errors.New("the line is dead")
	}
	for _, r := range list {
		if r.ID == s.refuses {
			return "", fmt.Errorf("%w: too long", records.ErrRefused)
		}
	}
	if s.got == nil {
		s.got = map[string]int{}
	}
	for _, r := range list {
		s.got[r.Unique]++
	}
	return "", nil
}

func (s *fakeSink) Close() error { return nil }

func (s *fakeSink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func (s *fakeSink) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

func (s *fakeSink) goAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func TestDeliveryGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	first, second := &fakeSink{}, &fakeSink{}
	for round, sink := range []*fakeSink{first, second} {
		j := open(t, records.Options{Dir: dir})
		d, err := j.Deliver("fake", sink)
		if err != nil {
			t.Fatal(err)
		}
		appendSamples(t, j, round*700, round*700+700)
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		d.Finish(t.Context())
		if s := d.Status(); s.Delivered != 700 || s.Pending != 0 || s.Failing {
			t.Errorf("%+v", s)
		}
		_ = j.Close()
	}
	if first.count() != 700 || second.count() != 700 {
		t.Errorf("%d and %d", first.count(), second.count())
	}
}

// TestOutage takes a sink away and looks at how often it is tried.
func TestOutage(t *testing.T) {
	v := clock.NewVirtual(recordstest.Sample(0).Began)
	dir := t.TempDir()
	j := open(t, records.Options{Dir: dir}) // on real time: the disk is real
	appendSamples(t, j, 0, 10)
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	_ = j.Close()
	j = open(t, records.Options{Dir: dir, Clock: v})
	sink := &fakeSink{away: true}
	d, err := j.Deliver("fake", sink)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the first attempt", func() bool { _, waiting := v.Next(); return d.Status().Failing && waiting })
	began := v.Now()
	var waits []time.Duration
	for n := 1; n <= 9; n++ {
		at, ok := v.Next()
		if !ok {
			t.Fatal("nothing is tried again")
		}
		waits = append(waits, at.Sub(began))
		began = at
		v.AdvanceTo(at)
		within(t, "an attempt", func() bool { _, waiting := v.Next(); return sink.attempts() == n+1 && waiting })
	}
	if got := fmt.Sprint(waits); got != "[1s 2s 4s 8s 16s 32s 1m0s 1m0s 1m0s]" {
		t.Errorf("waits %s", got)
	}
	if s := d.Status(); !s.Failing || s.Error != "nobody answers" || s.Pending == 0 {
		t.Errorf("%+v", s)
	}
	sink.goAway(false)
	v.Advance(time.Minute)
	within(t, "the records", func() bool { return d.Status().Delivered == 10 })
	if s := d.Status(); s.Failing || s.Pending != 0 || sink.count() != 10 {
		t.Errorf("%+v, %d", s, sink.count())
	}
	d.Stop()
}

func TestRefusedRecordIsSetAside(t *testing.T) {
	dir := t.TempDir()
	j := open(t, records.Options{Dir: dir})
	sink := &fakeSink{refuses: "sip-1-4"}
	d, err := j.Deliver("fake", sink)
	if err != nil {
		t.Fatal(err)
	}
	appendSamples(t, j, 0, 10)
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	within(t, "the records", func() bool { return d.Status().Pending == 0 })
	if s := d.Status(); s.Refused != 1 || sink.count() != 9 {
		t.Errorf("%+v, %d", s, sink.count())
	}
	text, err := os.ReadFile(filepath.Join(dir, "fake.refused"))
	if err != nil || !strings.HasPrefix(string(text), `{"unique":`) || !strings.Contains(string(text), "sip-1-4") {
		t.Errorf("%s %v", text, err)
	}
	d.Stop()
}

func TestCursorBehindTheEnd(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "fake.cursor"), []byte(`{"position":99999}`), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, records.Options{Dir: dir})
	sink := &fakeSink{}
	d, err := j.Deliver("fake", sink)
	if err != nil {
		t.Fatal(err)
	}
	appendSamples(t, j, 0, 3)
	within(t, "the records", func() bool { return sink.count() == 3 })
	d.Stop()
	if err := os.WriteFile(filepath.Join(dir, "fake.cursor"), []byte(`nonsense`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Deliver("fake", sink); err == nil {
		t.Error("a cursor that cannot be read is taken")
	}
}

func TestSinksFollowTheConfiguration(t *testing.T) {
	j := open(t, records.Options{Dir: t.TempDir()})
	sinks := records.NewSinks(j)
	made := map[string]int{}
	want := func(name, settings string, err error) records.Wanted {
		return records.Wanted{Name: name, Settings: settings, Make: func() (records.Sink, error) {
			made[name]++
			return &fakeSink{}, err
		}}
	}
	if err := sinks.Apply([]records.Wanted{want("a", "1", nil), want("b", "1", nil)}); err != nil {
		t.Fatal(err)
	}
	err := sinks.Apply([]records.Wanted{want("a", "1", nil), want("b", "2", nil), want("c", "", errors.New("no such thing"))})
	if err == nil || !strings.Contains(err.Error(), "call records cannot go to c: no such thing") {
		t.Errorf("%v", err)
	}
	if made["a"] != 1 || made["b"] != 2 || len(sinks.Status()) != 2 {
		t.Errorf("%v, %+v", made, sinks.Status())
	}
	sinks.Close(t.Context())
}
