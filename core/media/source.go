package media

import (
	"errors"
	"fmt"
	"io"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
)

// Source is sound to be sent to a leg. It is read on the leg's worker only, one
// frame each ptime, and must neither block nor touch files. One that holds
// something, such as a file that is read beside it, is an io.Closer as well, and
// whoever plays it closes it when it has ended or was stopped: see CloseSource.
type Source interface {
	// Next fills f with the next frame in format: f.Payload, or f.PCM when the
	// format is linear. It returns io.EOF after the last frame.
	Next(format call.Format, f *call.Frame) error
}

// PCMSource produces linear samples.
type PCMSource interface {
	// NextPCM fills dst at rate samples a second. It returns fewer than len(dst)
	// samples only together with an error, io.EOF at the end. Worker only.
	NextPCM(rate int, dst []int16) (n int, err error)
}

// Sink hears what a leg says: linear samples, one frame each ptime, with gaps
// concealed. It runs on the worker, must not block and must not keep pcm.
type Sink interface {
	Hear(rate int, pcm []int16)
}

// SinkFunc lets a function be a Sink.
type SinkFunc func(rate int, pcm []int16)

// Hear calls f.
func (f SinkFunc) Hear(rate int, pcm []int16) { f(rate, pcm) }

// ErrStopped is what a player's done function gets when it was stopped before
// the end, or replaced by another.
var ErrStopped = errors.New("playing was stopped")

// CloseSource closes s if it can be closed. It never blocks.
func CloseSource(s any) {
	if c, ok := s.(io.Closer); ok {
		_ = c.Close()
	}
}

// Encoded turns linear samples into the frames of whatever format is asked for.
// The last frame is filled up with silence.
func Encoded(s PCMSource) Source { return &encoded{source: s} }

type encoded struct {
	source  PCMSource
	format  call.Format
	encoder codec.Encoder
	pcm     []int16
	payload []byte
	ended   error
}

func (e *encoded) Next(format call.Format, f *call.Frame) error {
	if e.ended != nil {
		return e.ended
	}
	if format != e.format {
		if err := e.adopt(format); err != nil {
			return err
		}
	}
	n, err := e.source.NextPCM(format.Rate, e.pcm)
	if err != nil {
		e.ended = err
		if n == 0 {
			return err
		}
		clear(e.pcm[n:])
	}
	f.Kind, f.Codec = call.Audio, format.Codec
	if format.Codec == call.Linear {
		f.PCM = e.pcm
		return nil
	}
	e.payload = e.encoder.Encode(e.payload[:0], e.pcm)
	f.Payload, f.Packet = e.payload, nil
	return nil
}

// Close closes what is encoded.
func (e *encoded) Close() error {
	CloseSource(e.source)
	return nil
}

func (e *encoded) adopt(format call.Format) error {
	e.format = format
	e.pcm = make([]int16, format.Samples()*format.Channels)
	if format.Codec == call.Linear {
		return nil
	}
	c, ok := codec.Lookup(format.Codec)
	if !ok {
		return fmt.Errorf("no encoder for %s", format.Codec)
	}
	e.encoder = c.NewEncoder(format)
	return nil
}

// Sequence plays sources one after another.
func Sequence(sources ...Source) Source { return &sequence{rest: sources} }

type sequence struct{ rest []Source }

func (s *sequence) Next(format call.Format, f *call.Frame) error {
	for len(s.rest) > 0 {
		err := s.rest[0].Next(format, f)
		if err != io.EOF {
			return err
		}
		CloseSource(s.rest[0])
		s.rest = s.rest[1:]
	}
	return io.EOF
}

// Close closes what was not played to its end.
func (s *sequence) Close() error {
	for _, one := range s.rest {
		CloseSource(one)
	}
	s.rest = nil
	return nil
}

// Silence is a source of nothing: frames of silence, without end.
func Silence() Source { return Encoded(silence{}) }

type silence struct{}

func (silence) NextPCM(_ int, dst []int16) (int, error) {
	clear(dst)
	return len(dst), nil
}
