package local_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/local"
)

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// dial makes a pair and returns both of its sides.
func dial(t *testing.T, ctx context.Context, to call.Target) (near, far call.Leg) {
	t.Helper()
	e := local.New(clock.NewVirtual(start))
	e.Attach(func(l call.Leg) { far = l })
	near, err := e.Dial(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

func send(t *testing.T, l call.Leg, s call.Signal) {
	t.Helper()
	if err := l.Send(context.Background(), s); err != nil {
		t.Error(err)
	}
}

// heard is what is waiting among a leg's events.
func heard(l call.Leg) []call.Event {
	var list []call.Event
	for {
		select {
		case e, ok := <-l.Events():
			if !ok {
				return list
			}
			list = append(list, e)
		default:
			return list
		}
	}
}

func TestCall(t *testing.T) {
	near, far := dial(t, context.Background(), call.Target{
		Address: "200@internal/n", Caller: call.Party{Number: "1001"}, Headers: [][2]string{{"X-A", "b"}},
	})
	info := far.Info()
	if info.Extension != "200" || info.Context != "internal" || info.Caller.Number != "1001" || !info.Incoming || info.Protocol.Header("x-a") != "b" {
		t.Errorf("far leg %+v", info)
	}
	send(t, far, call.Ring{})
	send(t, far, call.Answer{})
	send(t, near, call.SendDigits{Digits: "1w2"})
	send(t, near, call.Hold{On: true})
	frame := call.Frame{Codec: call.Linear, PCM: []int16{1, 2, 3}}
	if err := near.Media().WriteFrame(&frame); err != nil {
		t.Error(err)
	}
	var got call.Frame
	if err := far.Media().ReadFrame(&got); err != nil || !reflect.DeepEqual(got.PCM, frame.PCM) {
		t.Error(got, err)
	}
	send(t, far, call.Hangup{Cause: call.CauseBusy})
	key := func(k byte) call.Event { return call.Digit{Key: k, Duration: 100 * time.Millisecond} }
	for _, test := range []struct {
		leg  call.Leg
		want []call.Event
	}{
		{near, []call.Event{call.Alerting{}, call.Connected{}, call.HungUp{Cause: call.CauseBusy}}},
		{far, []call.Event{key('1'), key('2'), call.HeldChanged{On: true}, call.HungUp{Cause: call.CauseBusy, ByUs: true}}},
	} {
		if got := heard(test.leg); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s heard %v, want %v", test.leg.Info().ID, got, test.want)
		}
	}
	if err := near.Send(context.Background(), call.Hangup{}); !errors.Is(err, call.ErrHungUp) {
		t.Error(err)
	}
}

func TestRefusalTellsTheStatus(t *testing.T) {
	near, far := dial(t, context.Background(), call.Target{Address: "200", Context: "internal"})
	send(t, far, call.Hangup{Cause: call.CauseBusy})
	if got := heard(near); !reflect.DeepEqual(got, []call.Event{call.HungUp{Cause: call.CauseBusy, Status: 486}}) {
		t.Errorf("heard %v", got)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, far := dial(t, ctx, call.Target{Address: "200@internal"})
	cancel()
	if e := <-far.Events(); e != (call.HungUp{Cause: call.CauseNormal}) {
		t.Errorf("heard %v", e)
	}
}

func TestKeysInTheMedia(t *testing.T) {
	near, far := dial(t, context.Background(), call.Target{Address: "200@internal"})
	for _, flags := range []byte{0, endOfEvent, endOfEvent, endOfEvent} {
		f := call.Frame{Kind: call.Telephone, Timestamp: 7, Payload: []byte{11, flags, 0, 0}}
		if err := near.Media().WriteFrame(&f); err != nil {
			t.Error(err)
		}
	}
	if got := heard(far); len(got) != 1 || got[0].(call.Digit).Key != '#' {
		t.Errorf("heard %v", got)
	}
}

const endOfEvent = 0x80

func TestEndlessDialling(t *testing.T) {
	e := local.New(nil)
	var beside call.Leg
	e.Attach(func(l call.Leg) { beside = l })
	for range 100 {
		if _, err := e.Dial(context.Background(), call.Target{Address: "200@internal", Beside: beside}); err != nil {
			if !errors.Is(err, call.ErrExhausted) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("a hundred local calls led from one to the next")
}

func TestRefused(t *testing.T) {
	e := local.New(nil)
	for address, want := range map[string]error{"@internal": call.ErrUnknownTarget, "200@internal": call.ErrUnreachable} {
		if _, err := e.Dial(context.Background(), call.Target{Address: address}); !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
