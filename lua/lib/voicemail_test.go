package lib_test

import (
	"log/slog"
	"os"
	"testing"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/simulate"
	"github.com/moonwire/moonwire/lua/suite"
	"github.com/moonwire/moonwire/sounds"
)

// The flows of voicemail do what testdata/voicemail/*_test.lua says.
func TestVoicemail(t *testing.T) {
	report, err := suite.Run(t.Context(), suite.Options{
		Scripts: os.DirFS("testdata/voicemail"),
		Sounds:  &simulate.Sounds{Recorded: media.NewPrompts(slog.New(slog.DiscardHandler), sounds.FS)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Files {
		if f.Err != nil {
			t.Errorf("%s: %s", f.Name, host.Report(f.Err))
		}
		for _, test := range f.Tests {
			if test.Failure != nil {
				t.Errorf("%s: %s\n%s", f.Name, test.Name, test.Failure.Text())
			}
		}
	}
	if n := report.Count(); n < 50 {
		t.Errorf("%d tests ran", n)
	}
}
