package bridge

import (
	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/dsp"
)

// route carries frames one way. It is used by the goroutine that owns the
// party it ends at.
type route struct {
	to    Party
	stats *counters

	from, into call.Format // what the recoder was built for
	recode     recoder
}

// recoder turns the payload of f from one coding into another; false says that
// it cannot. It may use f's own buffer.
type recoder func(f *call.Frame) bool

// send forwards f, which came in format from.
func (r *route) send(from call.Format, f *call.Frame) {
	into := r.to.Format()
	switch {
	case into.IsZero() || from.IsZero():
		r.stats.dropped.Add(1)
		return
	case f.Kind != call.Audio || from.SameCoding(into):
		r.stats.forwarded.Add(1)
		_ = r.to.WriteFrame(f)
		return
	}
	if r.recode == nil || from != r.from || into != r.into {
		r.from, r.into = from, into
		r.recode = newRecoder(from, into)
	}
	if !r.recode(f) {
		r.stats.dropped.Add(1)
		return
	}
	f.Codec = into.Codec
	r.stats.transcoded.Add(1)
	_ = r.to.WriteFrame(f)
}

// newRecoder finds the shortest way between two formats.
func newRecoder(from, into call.Format) recoder {
	if translate, ok := codec.Transcoder(from, into); ok {
		return func(f *call.Frame) bool {
			f.Payload = translate(f.Payload[:0], f.Payload)
			return true
		}
	}
	decoder, okFrom := decoderOf(from)
	encoder, okInto := encoderOf(into)
	if !okFrom || !okInto || from.Channels != into.Channels {
		return func(*call.Frame) bool { return false }
	}
	w := &workshop{decoder: decoder, encoder: encoder}
	if from.Rate != into.Rate {
		r, err := dsp.NewResampler(from.Rate, into.Rate)
		if err != nil {
			return func(*call.Frame) bool { return false }
		}
		w.resampler = r
	}
	return w.recode
}

func decoderOf(f call.Format) (codec.Decoder, bool) {
	if f.Codec == call.Linear {
		return nil, true
	}
	c, ok := codec.Lookup(f.Codec)
	if !ok {
		return nil, false
	}
	return c.NewDecoder(f), true
}

func encoderOf(f call.Format) (codec.Encoder, bool) {
	if f.Codec == call.Linear {
		return nil, true
	}
	c, ok := codec.Lookup(f.Codec)
	if !ok {
		return nil, false
	}
	return c.NewEncoder(f), true
}

// workshop decodes, resamples and encodes. A nil decoder or encoder stands for
// linear samples.
type workshop struct {
	decoder   codec.Decoder
	encoder   codec.Encoder
	resampler *dsp.Resampler // nil where the rates are the same

	decoded, resampled []int16
	payload            []byte
}

func (w *workshop) recode(f *call.Frame) bool {
	pcm := f.PCM
	if w.decoder != nil {
		var err error
		if w.decoded, err = w.decoder.Decode(w.decoded[:0], f.Payload); err != nil && len(w.decoded) == 0 {
			return false
		}
		pcm = w.decoded
	}
	if w.resampler != nil {
		w.resampled = w.resampler.Process(w.resampled[:0], pcm)
		pcm = w.resampled
	}
	f.Packet, f.Payload, f.PCM = nil, nil, nil
	if w.encoder == nil {
		f.PCM = pcm
		return true
	}
	w.payload = w.encoder.Encode(w.payload[:0], pcm)
	f.Payload = w.payload
	return true
}
