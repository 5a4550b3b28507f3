package simulate

import (
	"fmt"
	"io"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/api"
)

// Sounds are the prompts of Worlds, of which only the lengths matter: nobody
// listens, so nothing is decoded or encoded again. Any goroutine.
type Sounds struct {
	// Recorded are the site's prompts; nil: none.
	Recorded *media.Prompts
	// Further are prompts that exist in the simulation only, and how long they last.
	Further map[string]time.Duration
}

func (s *Sounds) find(language, name string) (api.Sound, error) {
	if s == nil {
		return nil, fmt.Errorf("there is no prompt %s", name)
	}
	if length, ok := s.Further[name]; ok {
		return silence(length), nil
	}
	if s.Recorded == nil {
		return nil, fmt.Errorf("there is no prompt %s", name)
	}
	prompt, err := s.Recorded.Find(language, name)
	if err != nil {
		return nil, err
	}
	return silence(prompt.Duration()), nil
}

// silence is a prompt of which only the length is left.
type silence time.Duration

// Duration implements api.Sound.
func (s silence) Duration() time.Duration { return time.Duration(s) }

// Source implements api.Sound.
func (s silence) Source(skip time.Duration) media.Source {
	return &still{left: max(time.Duration(s)-skip, 0)}
}

// still plays nothing for some time.
type still struct{ left time.Duration }

var noSound [4096]int16

// Next implements media.Source. It runs on the worker.
func (s *still) Next(format call.Format, f *call.Frame) error {
	if s.left <= 0 {
		return io.EOF
	}
	s.left -= format.PTime
	f.Kind, f.Codec = call.Audio, call.Linear
	f.PCM = noSound[:min(format.Samples()*max(format.Channels, 1), len(noSound))]
	return nil
}
