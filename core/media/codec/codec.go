// Package codec turns linear samples into what goes over a line, and back.
//
// There is one folder for each codec, which knows nothing of the others or of
// this package; the table here gives them all the same verbs. A codec may keep
// state between frames, so every stream has an Encoder and a Decoder of its
// own; those of stateless codecs are shared and cost nothing.
package codec

import (
	"slices"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec/g711"
	"github.com/moonwire/moonwire/core/media/codec/g722"
	"github.com/moonwire/moonwire/core/media/codec/gsm"
	"github.com/moonwire/moonwire/core/media/codec/l16"
)

// Codec makes the coders of one way of coding. Its methods may be called from
// any goroutine.
type Codec interface {
	// Codec is which one it is.
	Codec() call.Codec
	// NewEncoder begins a stream of the format's rate and channels.
	NewEncoder(call.Format) Encoder
	// NewDecoder begins a stream of the format's rate and channels.
	NewDecoder(call.Format) Decoder
}

// Encoder codes one stream; one goroutine at a time.
type Encoder interface {
	// Encode appends the coded samples to dst; channels are interleaved. It does
	// not allocate when dst has room.
	Encode(dst []byte, pcm []int16) []byte
}

// Decoder decodes one stream; one goroutine at a time.
type Decoder interface {
	// Decode appends the decoded samples to dst. With an error, what could be
	// decoded has been appended. It does not allocate when dst has room.
	Decode(dst []int16, payload []byte) ([]int16, error)
}

// Lookup finds a codec that is compiled in. call.Linear has none: its samples
// travel in Frame.PCM.
func Lookup(c call.Codec) (Codec, bool) {
	for i := range table {
		if table[i].codec == c {
			return &table[i], true
		}
	}
	return nil, false
}

// Supported lists the codecs that are compiled in, the preferred ones first.
func Supported() []call.Codec {
	list := make([]call.Codec, len(table))
	for i := range table {
		list[i] = table[i].codec
	}
	return list
}

// Units is how many units of the RTP timestamp so many octets of a format last,
// where its codec has a fixed number of them for a time; ok is false for others.
// What is cut off is not counted.
func Units(f call.Format, octets int) (units int, ok bool) {
	octets /= max(f.Channels, 1)
	switch f.Codec {
	case call.PCMU, call.PCMA, call.G722:
		return octets, true
	case call.L16:
		return octets / 2, true
	case call.GSM:
		return octets / gsm.FrameSize * gsm.FrameSamples, true
	}
	return 0, false
}

// AppendSilence appends one frame of silence to dst. It reports false when
// the codec is not compiled in. For a codec with state it begins a new stream;
// senders in the middle of one encode zeros instead.
func AppendSilence(dst []byte, f call.Format) ([]byte, bool) {
	start, samples := len(dst), f.Samples()*max(f.Channels, 1)
	switch f.Codec {
	case call.PCMU, call.PCMA:
		dst = slices.Grow(dst, samples)[:start+samples]
		lawOf(f.Codec).Fill(dst[start:])
		return dst, true
	}
	c, ok := Lookup(f.Codec)
	if !ok {
		return dst, false
	}
	return c.NewEncoder(f).Encode(dst, make([]int16, samples)), true
}

// Transcoder finds a way from one coding to another that is shorter than
// decoding and coding again. The function appends to dst, keeps no state, and
// may be given src[:0] as dst.
func Transcoder(from, to call.Format) (func(dst, src []byte) []byte, bool) {
	if from.Rate != to.Rate || from.Channels != to.Channels {
		return nil, false
	}
	switch {
	case from.Codec == call.PCMU && to.Codec == call.PCMA:
		return g711.MuToA, true
	case from.Codec == call.PCMA && to.Codec == call.PCMU:
		return g711.AToMu, true
	}
	return nil, false
}

// table is every codec that is compiled in.
var table = [...]entry{
	{call.PCMA, encodeWith(lawCoder(g711.ALaw)), decodeWith(lawCoder(g711.ALaw))},
	{call.PCMU, encodeWith(lawCoder(g711.MuLaw)), decodeWith(lawCoder(g711.MuLaw))},
	{call.G722, newG722Encoder, newG722Decoder},
	{call.GSM, newGSMEncoder, newGSMDecoder},
	{call.L16, encodeWith(linearCoder{}), decodeWith(linearCoder{})},
}

type entry struct {
	codec   call.Codec
	encoder func(call.Format) Encoder
	decoder func(call.Format) Decoder
}

func (e *entry) Codec() call.Codec                { return e.codec }
func (e *entry) NewEncoder(f call.Format) Encoder { return e.encoder(f) }
func (e *entry) NewDecoder(f call.Format) Decoder { return e.decoder(f) }

// encodeWith and decodeWith share one coder among all streams of a codec that
// keeps no state.
func encodeWith(e Encoder) func(call.Format) Encoder {
	return func(call.Format) Encoder { return e }
}

func decodeWith(d Decoder) func(call.Format) Decoder {
	return func(call.Format) Decoder { return d }
}

func lawOf(c call.Codec) g711.Law {
	if c == call.PCMA {
		return g711.ALaw
	}
	return g711.MuLaw
}

type lawCoder g711.Law

func (l lawCoder) Encode(dst []byte, pcm []int16) []byte { return g711.Law(l).Encode(dst, pcm) }

func (l lawCoder) Decode(dst []int16, payload []byte) ([]int16, error) {
	return g711.Law(l).Decode(dst, payload), nil
}

type linearCoder struct{}

func (linearCoder) Encode(dst []byte, pcm []int16) []byte { return l16.Encode(dst, pcm) }

func (linearCoder) Decode(dst []int16, payload []byte) ([]int16, error) {
	return l16.Decode(dst, payload)
}

func newG722Encoder(call.Format) Encoder { return g722.NewEncoder() }
func newG722Decoder(call.Format) Decoder { return g722Decoder{g722.NewDecoder()} }
func newGSMEncoder(call.Format) Encoder  { return &gsm.Encoder{} }
func newGSMDecoder(call.Format) Decoder  { return &gsm.Decoder{} }

type g722Decoder struct{ *g722.Decoder }

func (d g722Decoder) Decode(dst []int16, payload []byte) ([]int16, error) {
	return d.Decoder.Decode(dst, payload), nil
}
