package bridge

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
)

// newEnds is a patch between the first and the last of so many workers.
func newEnds(t testing.TB, workers int, digit func(call.Digit)) (*clock.Virtual, *End, *End) {
	v := clock.NewVirtual(time.Unix(0, 0))
	e, err := media.NewEngine(media.Options{Clock: v, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	a := e.Worker()
	b := a
	for range workers - 1 {
		b = e.Worker()
	}
	x, y := NewPatch(call.FormatOf(call.PCMU), a, b, nil, digit)
	return v, x, y
}

func TestPatchCarriesFramesBothWays(t *testing.T) {
	for _, workers := range []int{1, 2} {
		_, x, y := newEnds(t, workers, nil)
		var heard [][]byte
		y.Push(func(f *call.Frame) { heard = append(heard, bytes.Clone(f.Payload)) })
		x.WriteFrame(&call.Frame{Codec: call.PCMU, Payload: []byte{1, 2}})
		y.WriteFrame(&call.Frame{Codec: call.PCMU, Payload: []byte{3}})
		y.WriteFrame(&call.Frame{Codec: call.PCMU, Payload: []byte{4}})
		if len(heard) != 1 || !bytes.Equal(heard[0], []byte{1, 2}) {
			t.Errorf("%d workers: y heard %v", workers, heard)
		}
		var f call.Frame
		if err := x.ReadFrame(&f); err != nil || !bytes.Equal(f.Payload, []byte{3}) {
			t.Errorf("%d workers: x read %v, %v", workers, f.Payload, err)
		}
		if err := x.ReadFrame(&f); err != nil || !bytes.Equal(f.Payload, []byte{4}) {
			t.Errorf("%d workers: x read %v, %v", workers, f.Payload, err)
		}
		if err := x.ReadFrame(&f); !errors.Is(err, call.ErrNoFrame) {
			t.Error(err)
		}
		if q := x.Quality(); q.Sent != 1 || q.Received != 2 || x.Format() != y.Format() {
			t.Errorf("%+v", q)
		}
		y.Close()
		x.WriteFrame(&call.Frame{Codec: call.PCMU, Payload: []byte{5}})
		if err := y.WriteFrame(&f); !errors.Is(err, call.ErrHungUp) || len(heard) != 1 {
			t.Errorf("an end that was closed: %v, heard %v", err, heard)
		}
	}
}

func TestPatchTellsEachKeyOnce(t *testing.T) {
	var keys []byte
	_, x, y := newEnds(t, 1, func(d call.Digit) { keys = append(keys, d.Key) })
	passed := 0
	y.Push(func(*call.Frame) { passed++ })
	for _, e := range []struct {
		event byte
		at    uint32
	}{{5, 0}, {5, 0}, {5, 0}, {11, 1600}, {11, 1600}, {5, 3200}, {99, 4800}} {
		x.WriteFrame(&call.Frame{Kind: call.Telephone, Timestamp: e.at, Payload: []byte{e.event, 10, 0, 160}})
	}
	x.WriteFrame(&call.Frame{Kind: call.Telephone, Timestamp: 7000})
	if string(keys) != "5#5" || passed != 8 {
		t.Errorf("keys %q, %d frames", keys, passed)
	}
}

// Two holders that both echo must not keep one frame going for ever.
func TestPatchEndsEchoes(t *testing.T) {
	for _, workers := range []int{1, 2} {
		_, x, y := newEnds(t, workers, nil)
		x.Push(func(f *call.Frame) { x.WriteFrame(f) })
		y.Push(func(f *call.Frame) { y.WriteFrame(f) })
		x.WriteFrame(&call.Frame{Codec: call.PCMU, Payload: []byte{1}})
		if n := x.Quality().Sent; n > 2*maxFrames {
			t.Errorf("%d workers: %d frames", workers, n)
		}
	}
}

// A reader that comes late hears what is new.
func TestPatchDropsTheOldest(t *testing.T) {
	_, x, y := newEnds(t, 1, nil)
	for i := range byte(20) {
		x.WriteFrame(&call.Frame{Codec: call.PCMU, Payload: []byte{i}})
	}
	var f call.Frame
	if err := y.ReadFrame(&f); err != nil || f.Payload[0] < 20-maxWaiting {
		t.Errorf("read %v, %v", f.Payload, err)
	}
}
