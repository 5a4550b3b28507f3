package media

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
)

// ramp is a source of n frames that can be told apart.
type ramp struct {
	left int
	next byte
}

func (r *ramp) Next(format call.Format, f *call.Frame) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	r.next++
	f.Kind, f.Codec, f.Payload = call.Audio, format.Codec, bytes.Repeat([]byte{r.next}, format.Samples())
	return nil
}

func newTestLine(t *testing.T) (*clock.Virtual, *fake.Port, *Line) {
	v, w := virtualWorker(t)
	p := fake.NewPort(v)
	p.Record()
	p.SetFormat(call.FormatOf(call.PCMU))
	return v, p, NewLine(w, p)
}

func TestLinePlaysAtItsPace(t *testing.T) {
	v, p, l := newTestLine(t)
	start := v.Now()
	var ended time.Duration
	l.Play(&ramp{left: 50}, func(err error) {
		if err != nil {
			t.Error(err)
		}
		ended = v.Now().Sub(start)
	})
	v.Advance(2 * time.Second)
	if n := p.Written().Frames; n != 50 {
		t.Errorf("%d frames were sent, want 50", n)
	}
	if ended < time.Second || ended > 1040*time.Millisecond {
		t.Errorf("a second of sound ended after %v", ended)
	}
	if _, pending := v.Next(); pending {
		t.Error("a line that is done still ticks")
	}
}

func TestPlayingAnotherStopsTheFirst(t *testing.T) {
	v, _, l := newTestLine(t)
	var first, second error = errors.New("not called"), errors.New("not called")
	l.Play(&ramp{left: 1000}, func(err error) { first = err })
	v.Advance(100 * time.Millisecond)
	l.Play(&ramp{left: 5}, func(err error) { second = err })
	v.Advance(time.Second)
	if first != ErrStopped || second != nil {
		t.Errorf("first ended with %v, second with %v", first, second)
	}
}

// What ends one sound must not end another that has taken its place.
func TestStoppingTheFirstLeavesTheSecond(t *testing.T) {
	v, p, l := newTestLine(t)
	stop := l.Play(&ramp{left: 500}, nil)
	v.Advance(100 * time.Millisecond)
	l.Play(&ramp{left: 50}, nil)
	stop()
	v.Advance(2 * time.Second)
	stop()
	if n := p.Written().Frames; n < 50 || n > 60 {
		t.Errorf("%d frames were sent, want the 50 of the second", n)
	}
}

func TestPlayingWaitsForMedia(t *testing.T) {
	v, p, l := newTestLine(t)
	p.SetFormat(call.Format{})
	l.Play(&ramp{left: 5}, nil)
	v.Advance(time.Second)
	if n := p.Written().Frames; n != 0 {
		t.Errorf("%d frames before media was agreed", n)
	}
	p.SetFormat(call.FormatOf(call.PCMA))
	v.Advance(time.Second)
	if n := p.Written().Frames; n != 5 {
		t.Errorf("%d frames after, want all 5", n)
	}
}

func TestClosingTellsThePlayer(t *testing.T) {
	v, _, l := newTestLine(t)
	var got error
	l.Play(&ramp{left: 1000}, func(err error) { got = err })
	v.Advance(100 * time.Millisecond)
	_ = l.Close()
	if !errors.Is(got, call.ErrHungUp) {
		t.Errorf("done got %v", got)
	}
	got = nil
	l.Play(&ramp{left: 1}, func(err error) { got = err })
	if !errors.Is(got, call.ErrHungUp) {
		t.Errorf("playing on a closed line: %v", got)
	}
}

func TestEchoSendsBackWhatArrives(t *testing.T) {
	v, p, l := newTestLine(t)
	l.Echo(true)
	p.Deliver(call.Frame{Codec: call.PCMU, Payload: []byte{1, 2, 3}})
	v.Advance(20 * time.Millisecond)
	if n := p.Written().Frames; n != 1 {
		t.Fatalf("%d frames came back", n)
	}
	l.Echo(false)
	p.Deliver(call.Frame{Codec: call.PCMU, Payload: []byte{1, 2, 3}})
	v.Advance(20 * time.Millisecond)
	if n := p.Written().Frames; n != 1 {
		t.Error("the echo goes on after it was ended")
	}
}

func TestListenersHearEveryFrameTime(t *testing.T) {
	v, p, l := newTestLine(t)
	samples, loud := 0, 0
	stop := l.Listen(SinkFunc(func(rate int, pcm []int16) {
		if rate != 8000 {
			t.Errorf("rate %d", rate)
		}
		samples += len(pcm)
		for _, s := range pcm {
			if s > 1000 || s < -1000 {
				loud++
			}
		}
	}))
	p.Deliver(call.Frame{Codec: call.PCMU, Payload: bytes.Repeat([]byte{0x00}, 160)})
	v.Advance(time.Second)
	stop()
	v.Advance(time.Second)
	if samples != 8000 {
		t.Errorf("heard %d samples in a second, want 8000", samples)
	}
	if loud != 160 {
		t.Errorf("%d loud samples, want the one frame's 160", loud)
	}
}

func TestABridgeTakesTheFrames(t *testing.T) {
	v, p, l := newTestLine(t)
	var got []byte
	l.Worker().Post(func() { l.Push(func(f *call.Frame) { got = append(got, f.Payload...) }) })
	p.Deliver(call.Frame{Codec: call.PCMU, Payload: []byte{7}})
	l.Worker().Post(func() { l.Push(nil) })
	p.Deliver(call.Frame{Codec: call.PCMU, Payload: []byte{8}})
	v.Advance(time.Second)
	if !bytes.Equal(got, []byte{7}) {
		t.Errorf("the bridge got %v", got)
	}
}

func TestPlayingSilencesTheBridge(t *testing.T) {
	v, p, l := newTestLine(t)
	l.Play(&ramp{left: 5}, nil)
	v.Advance(40 * time.Millisecond)
	before := p.Written().Frames
	if err := l.WriteFrame(&call.Frame{Codec: call.PCMU, Payload: []byte{1}}); err != nil || p.Written().Frames != before {
		t.Error("the other side was mixed into what is played")
	}
}

func TestEncodedFillsTheLastFrame(t *testing.T) {
	s := Encoded(&burst{left: 200})
	format := call.FormatOf(call.PCMU)
	var sizes []int
	for {
		var f call.Frame
		if err := s.Next(format, &f); err != nil {
			if err != io.EOF {
				t.Fatal(err)
			}
			break
		}
		sizes = append(sizes, len(f.Payload))
	}
	if len(sizes) != 2 || sizes[0] != 160 || sizes[1] != 160 {
		t.Errorf("frames of %v octets, want two of 160", sizes)
	}
}

type burst struct{ left int }

func (b *burst) NextPCM(_ int, dst []int16) (int, error) {
	n := min(b.left, len(dst))
	b.left -= n
	if n < len(dst) {
		return n, io.EOF
	}
	return n, nil
}

func TestSequencePlaysOneAfterAnother(t *testing.T) {
	v, p, l := newTestLine(t)
	done := false
	l.Play(Sequence(&ramp{left: 3}, &ramp{}, &ramp{left: 4}), func(err error) { done = err == nil })
	v.Advance(time.Second)
	if n := p.Written().Frames; n != 7 || !done {
		t.Errorf("%d frames, done %v", n, done)
	}
}
