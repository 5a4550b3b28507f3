package api

import (
	"os"

	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/program"
)

// audioRate is what programs get that listen to a call (EAGI).
const audioRate = 8000

// feed lets a program hear the call through a pipe, until stop. Where time is
// not the machine's, the program gets nothing: it could not be waited for while
// it waits for sound.
func (c *Call) feed(pipe *os.File) (stop func()) {
	if c.task.clock != c.task.api.services.Wall {
		_ = pipe.Close()
		return func() {}
	}
	w, err := program.NewPipeWriter(pipe)
	if err != nil {
		return func() {}
	}
	return c.Line().Listen(&feeder{pipe: w})
}

// feeder is the media.Sink of a program. It runs on the media worker and never
// waits: what the program does not read in time is lost.
type feeder struct {
	pipe      *program.PipeWriter
	resampler *dsp.Resampler
	rate      int
	pcm       []int16
	bytes     []byte
}

// Hear takes one frame.
func (f *feeder) Hear(rate int, pcm []int16) {
	if rate != audioRate {
		if f.resampler == nil || f.rate != rate {
			var err error
			if f.resampler, err = dsp.NewResampler(rate, audioRate); err != nil {
				return
			}
			f.rate = rate
		}
		f.pcm = f.resampler.Process(f.pcm[:0], pcm)
		pcm = f.pcm
	}
	f.bytes = f.bytes[:0]
	for _, s := range pcm {
		f.bytes = append(f.bytes, byte(s), byte(uint16(s)>>8))
	}
	f.pipe.TryWrite(f.bytes)
}
