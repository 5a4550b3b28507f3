package lib_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/translate"
	"github.com/moonwire/moonwire/scripts"
)

var translator = sync.OnceValues(func() (*translate.Translator, error) {
	return translate.New(context.Background(), scripts.Translator(), slog.New(slog.NewTextHandler(io.Discard, nil)))
})

// translated is the site that an installation becomes, in the form that is usual:
// its scripts by name.
func translated(t *testing.T, files map[string]string) (map[string]string, error) {
	t.Helper()
	return translatedAs(t, files, "")
}

// translatedAs is translated with a choice of form.
func translatedAs(t testing.TB, files map[string]string, form string) (map[string]string, error) {
	t.Helper()
	program, err := translator()
	if err != nil {
		t.Fatal(host.Report(err))
	}
	input := fstest.MapFS{}
	for name, text := range files {
		input[name] = &fstest.MapFile{Data: []byte(text)}
	}
	main := "extensions.conf"
	if _, ok := files[main]; !ok {
		main = "extensions.ael"
	}
	result, err := program.Run(context.Background(), translate.Options{Input: input, Main: main, Era: "20", Form: form, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return nil, err
	}
	site := map[string]string{}
	for name, text := range result.Files {
		if script, ok := strings.CutPrefix(name, "scripts/"); ok {
			site[script] = string(text)
		}
	}
	return site, nil
}
