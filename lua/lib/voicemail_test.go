package lib_test

import (
	"log/slog"
	"os"
	"regexp"
	"testing"
	"testing/fstest"

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

// The examples of the guide are a site whose tests pass.
func TestVoicemailGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/guide/voicemail.md")
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{"phones.lua": {Data: []byte(`
for _, name in ipairs { "1101", "1102" } do sip.phone(name) { password = "x", context = "finance" } end`)}}
	for _, example := range guideExample.FindAllSubmatch(page, -1) {
		tree[string(example[1])] = &fstest.MapFile{Data: example[2]}
	}
	report, err := suite.Run(t.Context(), suite.Options{
		Scripts: tree, Sounds: &simulate.Sounds{Recorded: media.NewPrompts(slog.New(slog.DiscardHandler), sounds.FS)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Count() != 1 || report.Failed() != 0 {
		for _, f := range report.Files {
			t.Error(f.Name, f.Err)
			for _, test := range f.Tests {
				t.Error(test.Name, test.Failure)
			}
		}
	}
}

var guideExample = regexp.MustCompile("(?s)```lua\n-- scripts/(\\S+)\n(.*?)```")
