package trace

import (
	"log/slog"
	"sync"
	"testing"
)

func TestFollowerHearsPastAndPresentOnce(t *testing.T) {
	r, _ := newTest(Limits{})
	a := r.Leg("a")
	a.Note(Begin, "", 0)
	r.Leg("b").Note(State, "", 0)
	a.Link("b")
	f, past, ok := r.Follow("a")
	if !ok || kindsOf(past) != "a.begin b.state" {
		t.Fatalf("%v %s", ok, kindsOf(past))
	}
	r.Leg("b").Note(Answer, "", 0)
	r.Leg("other").Note(Begin, "", 0)
	a.Link("c")
	r.Leg("c").Note(State, "", 0)
	a.Note(End, "", 0)
	f.Close()
	f.Close()
	a.Note(Log, "", 0)
	var present []Event
	for e := range f.C() {
		present = append(present, e.Event)
	}
	if got := kindsOf(present); got != "b.answer c.state a.end" {
		t.Error(got)
	}
	if r.followers.Load() != nil {
		t.Error("somebody still follows")
	}
}

func TestFollowerOfAll(t *testing.T) {
	r, _ := newTest(Limits{})
	r.Leg("a").Note(Begin, "", 0)
	f, past, ok := r.Follow("")
	if !ok || len(past) != 0 {
		t.Fatal("the past of all calls")
	}
	r.Leg("a").Note(Answer, "", 0)
	r.Leg("b").Note(Begin, "", 0)
	f.Close()
	var got []Event
	for e := range f.C() {
		got = append(got, e.Event)
	}
	if kindsOf(got) != "a.answer b.begin" {
		t.Error(kindsOf(got))
	}
	if _, _, ok := r.Follow("nobody"); ok || r.followers.Load() != nil {
		t.Error("nobody can be followed")
	}
}

// A follower that does not read holds nobody up, and hears how much it missed.
func TestSlowFollowerIsToldWhatItMissed(t *testing.T) {
	r, _ := newTest(Limits{})
	f, _, _ := r.Follow("")
	defer f.Close()
	const missed = 25
	for i := range followRoom + missed {
		r.Leg("a").Note(Step, "", 0, slog.Int("n", i))
	}
	for range followRoom {
		if e := <-f.C(); e.Lost != 0 {
			t.Fatalf("%d lost already", e.Lost)
		}
	}
	r.Leg("a").Note(End, "", 0)
	if e := <-f.C(); e.Lost != missed || e.Kind != End {
		t.Errorf("%d lost before %s", e.Lost, e.Kind)
	}
}

// Everything at once, for the race detector: no event is told twice or left out.
func TestFollowingWhileOthersNote(t *testing.T) {
	r, c := newTest(Limits{First: 1000})
	const each = 100
	var work sync.WaitGroup
	for range 3 {
		work.Go(func() {
			for range each {
				r.Leg("a").Note(Step, "", 0, slog.Int("n", 1))
				r.Leg("a").Packet(c.Now(), received("ACK"))
				_, _, _ = r.Story("a")
				_ = r.Calls()
			}
		})
	}
	seen := map[uint64]int{}
	var f *Follower
	for f == nil {
		var past []Event
		f, past, _ = r.Follow("a")
		for _, e := range past {
			seen[e.Order]++
		}
	}
	work.Wait()
	f.Close()
	for e := range f.C() {
		seen[e.Order]++
		if e.Lost > 0 {
			t.Fatal("the follower was too slow")
		}
	}
	for order, n := range seen {
		if n > 1 {
			t.Errorf("event %d came %d times", order, n)
		}
	}
	if len(seen) != 3*2*each {
		t.Errorf("%d events", len(seen))
	}
}
