package media

import (
	"slices"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec"
	"github.com/moonwire/moonwire/core/media/file"
)

// storedExtensions are the files whose octets can go over a line as they are.
var storedExtensions = map[call.Codec][]string{
	call.PCMU: {".ulaw", ".ul", ".ulw", ".mu", ".pcm"},
	call.PCMA: {".alaw", ".al", ".alw"},
	call.G722: {".g722"},
	call.GSM:  {".gsm", ".WAV", ".wav49"},
}

// stored is the prompt as it lies in a file of just that coding, which nothing
// is lost by sending: the file that was found, or another of its name. It is nil
// where there is none.
func (p *Prompt) stored(format call.Format) *rendition {
	if format.Channels > 1 || format.Rate != format.Codec.SampleRate() {
		return nil
	}
	var names []string
	if p.stem != "" {
		for _, extension := range storedExtensions[format.Codec] {
			names = append(names, p.stem+extension)
		}
	}
	if p.line == format.Codec {
		names = append(names, p.file)
	}
	for _, name := range names {
		coded, err := file.ReadCoded(p.files, name, promptMostOctets)
		if err == nil && coded.Codec == format.Codec && coded.Units > 0 {
			return cut(coded, format)
		}
	}
	return nil
}

// cut divides octets into frames; the last one is filled up with silence.
func cut(coded file.Coded, format call.Format) *rendition {
	r := &rendition{format: format, samples: coded.Units * format.Rate / format.Codec.ClockRate()}
	if cutAnywhere(format.Codec) {
		padding := format
		padding.PTime = renditionPadding
		r.format.PTime = 0
		r.octets, _ = codec.AppendSilence(coded.Octets, padding)
		return r
	}
	silence, _ := codec.AppendSilence(nil, format)
	for octets := range slices.Chunk(coded.Octets, max(len(silence), 1)) {
		if missing := len(silence) - len(octets); missing > 0 {
			octets = append(slices.Clip(octets), silence[len(octets):]...)
		}
		r.frames = append(r.frames, octets)
	}
	return r
}
