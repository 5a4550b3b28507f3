package scripts

import (
	"slices"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	if want := []string{"bench", "demo", "empty"}; !slices.Equal(Templates(), want) {
		t.Errorf("templates are %v, want %v", Templates(), want)
	}
	for _, template := range Templates() {
		files, err := Files(template)
		if err != nil {
			t.Errorf("%s: %v", template, err)
		}
		for _, needed := range []string{"scripts/config.lua", "scripts/dialplan.lua"} {
			if len(files[needed]) == 0 {
				t.Errorf("%s has no %s", template, needed)
			}
		}
		for name := range files {
			if strings.Contains(name, "templates") {
				t.Errorf("%s contains %s of another one", template, name)
			}
		}
	}
}

func TestBenchSoundLastsTwoMinutes(t *testing.T) {
	files, err := Files("bench")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(files["sounds/en/bench120.ulaw"]); got != 120*8000 {
		t.Errorf("bench120 has %d samples, want %d", got, 120*8000)
	}
}

func TestUnknownTemplate(t *testing.T) {
	for _, name := range []string{"", "nothing", "../ivr", "/etc"} {
		if _, err := Files(name); err == nil || !strings.Contains(err.Error(), "bench") {
			t.Errorf("%q: %v; want an error that lists the templates", name, err)
		}
	}
}
