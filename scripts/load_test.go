package scripts

import (
	"context"
	"net/netip"
	"path"
	"slices"
	"testing"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/check"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
	"github.com/moonwire/moonwire/sounds"
)

// TestTemplatesLoad loads every site as the server would, and looks for the
// numbers that its users are told to dial.
func TestTemplatesLoad(t *testing.T) {
	numbers := map[string][]string{
		"demo":  {"internal", "1001", "1002", "600", "700"},
		"empty": {"internal", "600"},
		"bench": {"bench", "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010", "1014",
			"2000", "2001", "2002", "2003", "2004", "2005", "2006", "2007", "2008", "2009", "2010", "2014"},
	}
	for _, template := range Templates() {
		t.Run(template, func(t *testing.T) {
			findings, err := check.Site(t.Context(), check.Options{
				Scripts: siteOf(t, template), Prompts: media.NewPrompts(nil, folderOf(t, template, "sounds"), sounds.FS),
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range findings {
				t.Error(finding.Report())
			}
			site := load(t, template)
			dialled := numbers[template]
			for _, number := range dialled[1:] {
				if _, ok := site.Routes.Match(dialled[0], number, "1001", clock.Real.Now()); !ok {
					t.Errorf("%s leads nowhere in %s", number, dialled[0])
				}
			}
			for _, guests := range site.SIP.Guests {
				if !slices.Equal(guests.From, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}) {
					t.Errorf("lets strangers in from %v", guests.From)
				}
			}
		})
	}
}

func load(t *testing.T, template string) *api.Site {
	t.Helper()
	library := api.New(api.Services{})
	h, err := host.New(host.Options{Scripts: siteOf(t, template), Lib: lib.FS, Library: library})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Load(context.Background()); err != nil {
		t.Fatal(host.Report(err))
	}
	return h.Current().Declarations().(*api.Site)
}

// TestDemoIsOnlyWhatUsersEdit keeps Go and templates out of new sites.
func TestDemoIsOnlyWhatUsersEdit(t *testing.T) {
	files, err := Files("demo")
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if path.Ext(name) != ".lua" {
			t.Errorf("a new site gets %s", name)
		}
	}
}
