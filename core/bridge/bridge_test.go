package bridge

import (
	"bytes"
	"sync"
	"testing"

	"github.com/moonwire/moonwire/core/call"
)

// party is a port on a queue of its own, run by hand.
type party struct {
	home   any
	format call.Format
	sink   func(*call.Frame)
	mu     sync.Mutex
	queue  []func()
	later  bool // keep commands until run
	out    []call.Frame
}

func (p *party) Format() call.Format         { return p.format }
func (p *party) ReadFrame(*call.Frame) error { return call.ErrNoFrame }
func (p *party) Push(sink func(*call.Frame)) { p.sink = sink }
func (p *party) Close() error                { return nil }
func (p *party) Home() any                   { return p.home }
func (p *party) WriteFrame(f *call.Frame) error {
	kept := *f
	kept.Payload = bytes.Clone(f.Payload)
	p.out = append(p.out, kept)
	return nil
}

func (p *party) Post(f func()) bool {
	if !p.later {
		f()
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, f)
	return true
}

func (p *party) run() {
	for len(p.queue) > 0 {
		f := p.queue[0]
		p.queue = p.queue[1:]
		f()
	}
}

func (p *party) say(payload []byte) {
	if p.sink != nil {
		p.sink(&call.Frame{Codec: p.format.Codec, Payload: payload})
	}
}

func pair(a, b call.Codec) (*party, *party) {
	worker := new(int)
	return &party{home: worker, format: call.FormatOf(a)}, &party{home: worker, format: call.FormatOf(b)}
}

func TestSameCodingGoesThrough(t *testing.T) {
	a, b := pair(call.PCMU, call.PCMU)
	p := Join(a, b)
	a.say([]byte{1, 2, 3})
	b.say([]byte{4, 5})
	if len(b.out) != 1 || !bytes.Equal(b.out[0].Payload, []byte{1, 2, 3}) {
		t.Errorf("b heard %v", b.out)
	}
	if len(a.out) != 1 || !bytes.Equal(a.out[0].Payload, []byte{4, 5}) {
		t.Errorf("a heard %v", a.out)
	}
	if s := p.Stats(); s.Forwarded != 2 || s.Transcoded != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestSplitEndsIt(t *testing.T) {
	a, b := pair(call.PCMU, call.PCMU)
	p := Join(a, b)
	p.Split()
	p.Split()
	a.say([]byte{1})
	if len(b.out) != 0 {
		t.Error("a frame went through a bridge that was split")
	}
}

func TestLawsAreTranslated(t *testing.T) {
	a, b := pair(call.PCMU, call.PCMA)
	p := Join(a, b)
	a.say([]byte{0xff, 0x7f, 0x00})
	if got, want := b.out[0].Payload, []byte{0xd5, 0x55, 0x2a}; !bytes.Equal(got, want) {
		t.Errorf("µ-law ff 7f 00 became A-law %x, want %x", got, want)
	}
	if b.out[0].Codec != call.PCMA || p.Stats().Transcoded != 1 {
		t.Errorf("codec %v, stats %+v", b.out[0].Codec, p.Stats())
	}
}

func TestRatesAreConverted(t *testing.T) {
	a, b := pair(call.PCMU, call.L16)
	Join(a, b)
	samples := 0
	for range 50 {
		a.say(bytes.Repeat([]byte{0xff}, 160))
	}
	for _, f := range b.out {
		samples += len(f.Payload) / 2
	}
	if samples < 16000-400 || samples > 16000+400 {
		t.Errorf("a second of 8 kHz became %d samples of 16 kHz", samples)
	}
}

func TestFormatMayChange(t *testing.T) {
	a, b := pair(call.PCMU, call.PCMA)
	Join(a, b)
	a.say([]byte{0xff})
	b.format = call.FormatOf(call.PCMU)
	a.say([]byte{0xff})
	if b.out[1].Codec != call.PCMU || b.out[1].Payload[0] != 0xff {
		t.Errorf("after the change %v", b.out[1])
	}
}

func TestEventsAreNotTranscoded(t *testing.T) {
	a, b := pair(call.PCMU, call.PCMA)
	Join(a, b)
	a.sink(&call.Frame{Kind: call.Telephone, Payload: []byte{5, 10, 0, 160}})
	if len(b.out) != 1 || b.out[0].Kind != call.Telephone || b.out[0].Payload[0] != 5 {
		t.Errorf("the event became %v", b.out)
	}
}

func TestNothingBeforeMediaIsAgreed(t *testing.T) {
	a, b := pair(call.PCMU, call.PCMU)
	b.format = call.Format{}
	p := Join(a, b)
	a.say([]byte{1})
	if len(b.out) != 0 || p.Stats().Dropped != 1 {
		t.Errorf("out %v, stats %+v", b.out, p.Stats())
	}
}

func TestCodecWithoutCoderIsDropped(t *testing.T) {
	a, b := pair(call.PCMU, call.G729)
	p := Join(a, b)
	a.say([]byte{1})
	if len(b.out) != 0 || p.Stats().Dropped != 1 {
		t.Errorf("out %v, stats %+v", b.out, p.Stats())
	}
}

func TestDifferentWorkersHandOver(t *testing.T) {
	a, b := pair(call.PCMU, call.PCMA)
	b.home, b.later = new(int), true
	Join(a, b)
	b.run()
	payload := []byte{0xff, 0x7f}
	a.say(payload)
	copy(payload, []byte{0, 0}) // the receive buffer is used again
	if len(b.out) != 0 {
		t.Fatal("b's port was used by a's worker")
	}
	b.run()
	if len(b.out) != 1 || !bytes.Equal(b.out[0].Payload, []byte{0xd5, 0x55}) {
		t.Errorf("b heard %v", b.out)
	}
}

func BenchmarkForward(b *testing.B) {
	x, y := pair(call.PCMU, call.PCMU)
	Join(x, &silent{y})
	f := &call.Frame{Codec: call.PCMU, Payload: make([]byte, 160)}
	b.ReportAllocs()
	for b.Loop() {
		x.sink(f)
	}
}

func BenchmarkMuToA(b *testing.B) {
	x, y := pair(call.PCMU, call.PCMA)
	Join(x, &silent{y})
	f := &call.Frame{Codec: call.PCMU, Payload: make([]byte, 160)}
	b.ReportAllocs()
	for b.Loop() {
		f.Codec = call.PCMU
		x.sink(f)
	}
}

// silent drops what is written.
type silent struct{ *party }

func (s *silent) WriteFrame(*call.Frame) error { return nil }
