package media

import (
	"io/fs"
	"os"
	"path"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/media/file"
)

// TestPromptsHoldNoDigits plays all prompts that ship to the DTMF detector: a
// caller on a speaker phone, or two moonwires calling each other, would hear
// digits that nobody pressed.
func TestPromptsHoldNoDigits(t *testing.T) {
	files := os.DirFS("../../sounds")
	var total time.Duration
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".wav" {
			return err
		}
		r, err := file.Open(files, name)
		if err != nil {
			return err
		}
		defer r.Close()
		pcm, err := r.ReadAll(1 << 24)
		if err != nil {
			return err
		}
		total += time.Duration(len(pcm)) * time.Second / time.Duration(r.Rate())
		if pcm, err = dsp.Resample(pcm, r.Rate(), 8000); err != nil {
			return err
		}
		for _, e := range dsp.NewDTMFDetector(8000).Hear(pcm) {
			t.Errorf("%s: key %c at %v", name, e.Key, e.At)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v of speech", total.Round(time.Second))
}
