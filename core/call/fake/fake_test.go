package fake_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
)

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// heard is one event with the moment it was dealt with.
type heard struct {
	After time.Duration
	Event call.Event
}

// listen deals with the events of a leg until it hangs up.
func listen(v *clock.Virtual, l call.Leg) <-chan []heard {
	done := make(chan []heard, 1)
	go func() {
		var all []heard
		for e := range l.Events() {
			all = append(all, heard{v.Now().Sub(start), e})
			v.Release()
		}
		done <- all
	}()
	return done
}

func dial(t *testing.T, e *fake.Endpoint, address string) call.Leg {
	t.Helper()
	l, err := e.Dial(context.Background(), call.Target{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPlannedCalls(t *testing.T) {
	digit := func(k byte) call.Event {
		return call.Digit{Key: k, Duration: 100 * time.Millisecond, Via: call.ViaRTP}
	}
	normal := call.HungUp{Cause: call.CauseNormal}
	tests := []struct {
		name string
		plan []fake.Behaviour
		want []heard
	}{
		{"busy", []fake.Behaviour{fake.Busy()}, []heard{
			{0, call.HungUp{Cause: call.CauseBusy, Status: 486}}}},
		{"rejects", []fake.Behaviour{fake.RejectsAfter(time.Second, call.CauseUnallocated)}, []heard{
			{time.Second, call.HungUp{Cause: call.CauseUnallocated, Status: 404}}}},
		{"answers, presses, hangs up", []fake.Behaviour{
			fake.AnswersAfter(3 * time.Second), fake.Presses("12", time.Second), fake.HangsUpAfter(5 * time.Second)},
			[]heard{{0, call.Alerting{}}, {3 * time.Second, call.Connected{}}, {4 * time.Second, digit('1')},
				{4250 * time.Millisecond, digit('2')}, {8 * time.Second, normal}}},
		{"early media and hold", []fake.Behaviour{
			fake.EarlyMediaAfter(time.Second), fake.AnswersAfter(2 * time.Second),
			fake.HoldsBetween(time.Second, 2*time.Second), fake.HangsUpAfter(3 * time.Second)},
			[]heard{{0, call.Alerting{}}, {time.Second, call.EarlyMedia{}}, {2 * time.Second, call.Connected{}},
				{3 * time.Second, call.HeldChanged{On: true}}, {4 * time.Second, call.HeldChanged{}}, {5 * time.Second, normal}}},
		{"gives up", []fake.Behaviour{fake.GivesUpAfter(4 * time.Second)}, []heard{{4 * time.Second, normal}}},
		{"gives up only when unanswered", []fake.Behaviour{
			fake.AnswersAfter(time.Second), fake.GivesUpAfter(4 * time.Second), fake.HangsUpAfter(9 * time.Second)},
			[]heard{{0, call.Alerting{}}, {time.Second, call.Connected{}}, {10 * time.Second, normal}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := clock.NewVirtual(start)
			e := fake.NewEndpoint("sip", v)
			e.On("1001", test.plan...)
			events := listen(v, dial(t, e, "1001"))
			v.Advance(time.Hour)
			if got := <-events; !reflect.DeepEqual(got, test.want) {
				t.Errorf("events\n got %v\nwant %v", got, test.want)
			}
			if _, pending := v.Next(); pending {
				t.Error("a finished call left an alarm behind")
			}
		})
	}
}

func TestNeverAnsweredIsCancelled(t *testing.T) {
	v := clock.NewVirtual(start)
	e := fake.NewEndpoint("sip", v)
	e.On(fake.AnyAddress, fake.NeverAnswers())
	ctx, cancel := context.WithCancel(context.Background())
	l, err := e.Dial(ctx, call.Target{Address: "whoever"})
	if err != nil {
		t.Fatal(err)
	}
	events := listen(v, l)
	v.Advance(20 * time.Second)
	if s := l.Info().State; s != call.Ringing {
		t.Fatalf("state %v, want ringing", s)
	}
	cancel()
	got := <-events
	if last := got[len(got)-1].Event; last != (call.HungUp{Cause: call.CauseNormal, ByUs: true}) {
		t.Errorf("last event %#v", last)
	}
}

func TestCancellingAfterTheAnswerChangesNothing(t *testing.T) {
	v := clock.NewVirtual(start)
	e := fake.NewEndpoint("sip", v)
	e.On("1", fake.AnswersAfter(0))
	ctx, cancel := context.WithCancel(context.Background())
	l, err := e.Dial(ctx, call.Target{Address: "1"})
	if err != nil {
		t.Fatal(err)
	}
	listen(v, l)
	v.Advance(0)
	v.Settle()
	cancel()
	if s := l.Info().State; s != call.Answered {
		t.Errorf("state %v, want answered", s)
	}
	if err := l.Send(context.Background(), call.Hangup{}); err != nil {
		t.Error(err)
	}
}

func TestDialErrors(t *testing.T) {
	e := fake.NewEndpoint("sip", clock.NewVirtual(start))
	e.Fail("away", call.ErrUnreachable)
	for address, want := range map[string]error{"nobody": call.ErrUnknownTarget, "away": call.ErrUnreachable} {
		if _, err := e.Dial(context.Background(), call.Target{Address: address}); !errors.Is(err, want) {
			t.Errorf("dial %s: %v, want %v", address, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Dial(ctx, call.Target{Address: "away"}); !errors.Is(err, context.Canceled) {
		t.Errorf("dial with an ended context: %v", err)
	}
	if n := len(e.Dialled()); n != 2 {
		t.Errorf("%d targets recorded, want 2", n)
	}
}

func TestIncomingCall(t *testing.T) {
	v := clock.NewVirtual(start)
	e := fake.NewEndpoint("sip", v)
	ctx, cancel := context.WithCancel(context.Background())
	accepted := make(chan call.Leg, 1)
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, func(l call.Leg) { accepted <- l }) }()

	info := call.Info{Context: "internal", Extension: "600", Caller: call.Party{Number: "1001"}}
	leg, err := e.Call(ctx, info, fake.Presses("5", time.Second), fake.HangsUpAfter(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if got := <-accepted; got != call.Leg(leg) {
		t.Fatal("another leg was accepted")
	}
	events := listen(v, leg)
	v.Advance(time.Second)
	for _, s := range []call.Signal{call.Ring{}, call.Answer{}} {
		if err := leg.Send(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	v.Advance(time.Minute)
	if got := <-events; len(got) != 2 || got[0].After != 2*time.Second || got[1].After != 3*time.Second {
		t.Errorf("events %v", got)
	}
	want := []fake.Sent{{At: start.Add(time.Second), Signal: call.Ring{}}, {At: start.Add(time.Second), Signal: call.Answer{}}}
	if got := leg.Signals(); !reflect.DeepEqual(got, want) {
		t.Errorf("signals %v, want %v", got, want)
	}
	if i := leg.Info(); !i.Incoming || i.Endpoint != "sip" || i.ID != "sip-1" || i.State != call.Ended {
		t.Errorf("info %+v", i)
	}
	if err := leg.Send(ctx, call.Ring{}); !errors.Is(err, call.ErrHungUp) {
		t.Errorf("ring after the end: %v", err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := e.Call(ctx, info); !errors.Is(err, context.Canceled) {
		t.Errorf("call when nobody serves: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	v := clock.NewVirtual(start)
	ctx := context.Background()
	l := fake.NewLeg(v, call.Info{Features: call.CanEarlyMedia})
	if err := l.Send(ctx, call.Hold{On: true}); !errors.Is(err, call.ErrNotSupported) {
		t.Errorf("hold: %v", err)
	}
	broken := errors.New("broken")
	l.Refuse(func(call.Signal) error { return broken })
	if err := l.Send(ctx, call.Answer{}); !errors.Is(err, broken) {
		t.Errorf("answer: %v", err)
	}
	if s := l.Info().State; s != call.Trying {
		t.Errorf("a refused answer led to %v", s)
	}
}

func TestPortKeepsAccount(t *testing.T) {
	v := clock.NewVirtual(start)
	l := fake.NewLeg(v, call.Info{})
	p := l.Port()
	if !p.Format().IsZero() {
		t.Fatal("a format before media was agreed")
	}
	if err := l.Send(context.Background(), call.Answer{}); err != nil {
		t.Fatal(err)
	}
	p.Record()
	frame := call.Frame{Codec: call.Linear, PCM: []int16{1, -2, 3}}
	for range 3 {
		if err := p.WriteFrame(&frame); err != nil {
			t.Fatal(err)
		}
		v.Advance(20 * time.Millisecond)
	}
	v.Advance(time.Second)
	if err := p.WriteFrame(&call.Frame{Kind: call.Telephone}); err != nil {
		t.Fatal(err)
	}
	w := p.Written()
	if w.Frames != 3 || w.Telephone != 1 || w.Bytes != 18 || len(w.Digest) != 64 || w.LongestGap != 1020*time.Millisecond {
		t.Errorf("written %+v", w)
	}
	if got := p.PCM(); !reflect.DeepEqual(got, []int16{1, -2, 3, 1, -2, 3, 1, -2, 3}) {
		t.Errorf("recorded %v", got)
	}
	l.HangsUp(call.CauseNormal)
	if err := p.WriteFrame(&frame); !errors.Is(err, call.ErrHungUp) {
		t.Errorf("write after the end: %v", err)
	}
}

func TestPortDelivers(t *testing.T) {
	p := fake.NewPort(clock.NewVirtual(start))
	p.SetFormat(call.LinearAt(8000))
	p.Speak(make([]int16, 170))
	var f call.Frame
	for i := range 2 {
		if err := p.ReadFrame(&f); err != nil || len(f.PCM) != 160 || f.Seq != uint16(i) {
			t.Fatalf("frame %d: %v, %d samples, number %d", i, err, len(f.PCM), f.Seq)
		}
	}
	if err := p.ReadFrame(&f); err != call.ErrNoFrame {
		t.Errorf("third frame: %v", err)
	}
	var pushed []byte
	p.Push(func(f *call.Frame) { pushed = append(pushed, f.Payload...) })
	p.Deliver(call.Frame{Codec: call.PCMU, Payload: []byte("a")})
	p.Deliver(call.Frame{Codec: call.PCMU, Payload: []byte("b")})
	if string(pushed) != "ab" {
		t.Errorf("pushed %q", pushed)
	}
	_ = p.Close()
	if err := p.ReadFrame(&f); !errors.Is(err, call.ErrHungUp) {
		t.Errorf("read after the end: %v", err)
	}
}
