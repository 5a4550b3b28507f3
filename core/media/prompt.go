package media

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/dsp"
)

// Prompt is a piece of sound in memory, in as many formats as calls have asked
// for; or, if it is long, in a file that is read while it plays. All methods may be called from any goroutine.
type Prompt struct {
	owner *Prompts
	entry *promptEntry
	files fs.FS
	file  string
	line  call.Codec // that the file can be sent in as it is; NoCodec for most
	stem  string     // of the files that hold the same in other codings; "" where there are none
	pcm   []int16
	rate  int
	long  *Stream // nil for what is in memory

	preparing sync.Mutex
	ready     atomic.Pointer[[]*rendition] // replaced as a whole, never changed
}

// rendition is a prompt in one format. What is cut anywhere fits every length of
// frame; other codecs have a rendition for each.
type rendition struct {
	format  call.Format // PTime 0: any
	samples int         // of the sound, one channel
	pcm     []int16     // Linear; with renditionPadding behind the sound
	octets  []byte      // other codecs that are cut anywhere; padded too
	frames  [][]byte    // codecs that are not, one for each frame
}

// renditionPadding is silence that fills up the last frame.
const renditionPadding = 120 * time.Millisecond

// File is the path of the file that the prompt was read from.
func (p *Prompt) File() string { return p.file }

// Duration is how long the prompt lasts, 0 for a long one that does not say.
func (p *Prompt) Duration() time.Duration {
	if p.long != nil {
		return p.long.Duration()
	}
	return time.Duration(len(p.pcm)) * time.Second / time.Duration(p.rate)
}

// Prepare makes the prompt ready for a format, so that playing is only handing
// out slices. It takes a few milliseconds of computing and must not be called on
// a worker. Playing without it works as well: see Source.
func (p *Prompt) Prepare(format call.Format) error {
	if p.long != nil || p.rendition(format) != nil {
		return nil
	}
	p.preparing.Lock()
	defer p.preparing.Unlock()
	if p.rendition(format) != nil {
		return nil
	}
	r, err := p.render(format)
	if err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	var all []*rendition
	if known := p.ready.Load(); known != nil {
		all = append(all, *known...)
	}
	all = append(all, r)
	p.ready.Store(&all)
	p.owner.grow(p.entry, r.size())
	return nil
}

// rendition is the one that fits a format, nil when there is none.
func (p *Prompt) rendition(format call.Format) *rendition {
	known := p.ready.Load()
	if known == nil {
		return nil
	}
	for _, r := range *known {
		if r.format.SameCoding(format) && (r.format.PTime == 0 || r.format.PTime == format.PTime) {
			return r
		}
	}
	return nil
}

func (r *rendition) size() int64 {
	n := int64(2*len(r.pcm) + len(r.octets))
	for _, f := range r.frames {
		n += int64(len(f))
	}
	return n
}

// render resamples and encodes all of the sound.
func (p *Prompt) render(format call.Format) (*rendition, error) {
	if r := p.stored(format); r != nil {
		return r, nil
	}
	pcm, err := dsp.Resample(p.pcm, p.rate, format.Rate)
	if err != nil {
		return nil, err
	}
	r := &rendition{format: format, samples: len(pcm)}
	padding := int(int64(format.Rate) * int64(renditionPadding) / int64(time.Second))
	pcm = append(pcm[:len(pcm):len(pcm)], make([]int16, padding)...)
	pcm = spread(pcm, format.Channels)
	if format.Codec == call.Linear {
		r.format.PTime, r.pcm = 0, pcm
		return r, nil
	}
	c, ok := codec.Lookup(format.Codec)
	if !ok {
		return nil, fmt.Errorf("no encoder for %s", format.Codec)
	}
	encoder := c.NewEncoder(format)
	if cutAnywhere(format.Codec) {
		r.format.PTime, r.octets = 0, encoder.Encode(make([]byte, 0, 2*len(pcm)), pcm)
		return r, nil
	}
	frame := format.Samples() * max(format.Channels, 1)
	if frame <= 0 {
		return nil, fmt.Errorf("frames of %v", format.PTime)
	}
	for at := 0; at < r.samples*max(format.Channels, 1) && at+frame <= len(pcm); at += frame {
		r.frames = append(r.frames, encoder.Encode(nil, pcm[at:at+frame]))
	}
	return r, nil
}

// cutAnywhere reports whether each sample has octets of its own.
func cutAnywhere(c call.Codec) bool { return c == call.PCMU || c == call.PCMA || c == call.L16 }

// spread repeats each sample for every channel.
func spread(pcm []int16, channels int) []int16 {
	if channels <= 1 {
		return pcm
	}
	wide := make([]int16, 0, len(pcm)*channels)
	for _, sample := range pcm {
		for range channels {
			wide = append(wide, sample)
		}
	}
	return wide
}

// Source plays the prompt from skip on. Every call needs a Source of its own.
// Next never waits and never reads files: where the prompt was not prepared for
// the leg's format, or that changes on the way, it encodes frame by frame, and
// lets a goroutine prepare the format for the next time.
func (p *Prompt) Source(skip time.Duration) Source {
	if p.long != nil {
		return p.long.Source(skip)
	}
	return &promptSource{prompt: p, at: max(skip, 0)}
}

// promptSource is one call's place in a prompt.
type promptSource struct {
	prompt *Prompt
	at     time.Duration // where the present format began to be used
	format call.Format
	ready  *rendition
	sent   int    // samples of one channel since at, counted in the format
	first  int    // sample at which at lies
	live   Source // encodes where nothing is ready
}

// Next implements Source.
func (s *promptSource) Next(format call.Format, f *call.Frame) error {
	if format != s.format {
		s.adopt(format)
	}
	samples := format.Samples()
	if s.live != nil {
		s.sent += samples
		return s.live.Next(format, f)
	}
	from := s.first + s.sent
	s.sent += samples
	return s.ready.frame(from, samples, f)
}

// adopt goes on in another format from the same moment of the prompt.
func (s *promptSource) adopt(format call.Format) {
	if s.format.Rate > 0 {
		s.at += time.Duration(s.sent) * time.Second / time.Duration(s.format.Rate)
	}
	s.format, s.sent, s.live = format, 0, nil
	s.first = int(int64(s.at) * int64(format.Rate) / int64(time.Second))
	if s.ready = s.prompt.rendition(format); s.ready != nil {
		return
	}
	s.live = Encoded(&promptReader{prompt: s.prompt, at: s.at})
	go s.prompt.Prepare(format)
}

// frame hands out one frame; io.EOF behind the last sample.
func (r *rendition) frame(from, samples int, f *call.Frame) error {
	if from >= r.samples || samples <= 0 {
		return io.EOF
	}
	f.Kind, f.Codec, f.Packet = call.Audio, r.format.Codec, nil
	channels := max(r.format.Channels, 1)
	if r.frames != nil {
		i := from / samples
		if i >= len(r.frames) {
			return io.EOF
		}
		f.Payload = r.frames[i]
		return nil
	}
	if r.pcm != nil {
		begin := from * channels
		f.PCM = r.pcm[begin:min(begin+samples*channels, len(r.pcm))]
		return nil
	}
	each := channels
	if r.format.Codec == call.L16 {
		each *= 2
	}
	begin := from * each
	end := min(begin+samples*each, len(r.octets))
	f.Payload = r.octets[begin:end:end]
	return nil
}

// promptReader is a PCMSource that resamples on the way.
type promptReader struct {
	prompt    *Prompt
	at        time.Duration
	rate      int
	position  int // in prompt.pcm
	resampler *dsp.Resampler
	made      []int16
	left      int // samples to come, at rate
}

// NextPCM implements PCMSource.
func (r *promptReader) NextPCM(rate int, dst []int16) (int, error) {
	if rate != r.rate {
		if err := r.begin(rate); err != nil {
			return 0, err
		}
	}
	for len(r.made) < len(dst) && r.left > 0 {
		r.advance()
	}
	n := copy(dst, r.made[:min(len(r.made), r.left)])
	r.made = r.made[:copy(r.made, r.made[n:])]
	r.left -= n
	if n < len(dst) {
		return n, io.EOF
	}
	return n, nil
}

func (r *promptReader) begin(rate int) error {
	resampler, err := dsp.NewResampler(r.prompt.rate, rate)
	if err != nil {
		return err
	}
	r.rate, r.resampler = rate, resampler
	r.position = min(len(r.prompt.pcm), int(int64(r.at)*int64(r.prompt.rate)/int64(time.Second)))
	r.left = int(int64(len(r.prompt.pcm)-r.position) * int64(rate) / int64(r.prompt.rate))
	delay := resampler.Delay()
	for len(r.made) < delay {
		r.advance()
	}
	r.made = r.made[:copy(r.made, r.made[delay:])]
	return nil
}

var promptSilence [160]int16

// advance resamples 20 ms, and silence after the end.
func (r *promptReader) advance() {
	rest := r.prompt.pcm[r.position:]
	piece := rest[:min(len(rest), r.prompt.rate/50)]
	r.position += len(piece)
	if len(piece) == 0 {
		piece = promptSilence[:]
	}
	r.made = r.resampler.Process(r.made, piece)
}
