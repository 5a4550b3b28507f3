package suite

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/media/file"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/simulate"
)

func declareTest(a *api.Args) int {
	ref := a.State.Declare(a.L, "test", a.String(0), a.Function(1))
	if site := a.Site(); site != nil {
		for _, t := range site.Tests {
			if t.Name == a.String(0) {
				a.Fail("there is a test %q already, at %s", t.Name, t.Source)
			}
		}
		site.Tests = append(site.Tests, api.Test{Name: a.String(0), Ref: ref, Source: a.Source()})
	}
	return 0
}

func advance(a *api.Args) int {
	benchOf(a).until(a, a.Seconds(0), never)
	return 0
}

func setTime(a *api.Args) int {
	b := benchOf(a)
	if a.Has(0) {
		zone := b.options.Zone
		at, ok := api.ReadTime(a.String(0), zone)
		switch {
		case !ok:
			return fail(a, "%q is not a time such as 2026-03-04 18:30", a.String(0))
		case b.world == nil:
			b.options.Start = at
		case at.Before(b.world.Now()):
			return fail(a, "it is %s already; set the time before anything else", b.world.Now().In(zone).Format("2006-01-02 15:04:05"))
		default:
			b.until(a, at.Sub(b.world.Now()), never)
		}
	}
	return a.Return(lua.LNumber(float64(b.open(a).Now().UnixMilli()) / 1000))
}

func storeValue(a *api.Args) int {
	b, ctx := benchOf(a), context.Background()
	kept := b.open(a).Store()
	family, key := a.String(0), a.String(1)
	if a.Has(2) {
		if err := kept.Put(ctx, family, key, []byte(a.Value(2).String()), store.PutOptions{}); err != nil {
			return fail(a, "%s", err)
		}
		b.settle(a)
	}
	value, err := kept.Get(ctx, family, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return a.Return(lua.LNil)
	case err != nil:
		return fail(a, "%s", err)
	}
	return a.Return(lua.LString(value))
}

func records(a *api.Args) int {
	b := benchOf(a)
	b.settle(a)
	list := a.L.NewTable()
	for _, r := range b.open(a).Records() {
		list.Append(r.Table(a.L))
	}
	return a.Return(list)
}

func oneRecord(a *api.Args) int {
	b, n := benchOf(a), max(a.Int(0), 1)
	w := b.open(a)
	if !b.until(a, patience(a, 1), func() bool { return len(w.Records()) >= n }) {
		return fail(a, "%d calls have ended, want %d", len(w.Records()), n)
	}
	return a.Return(w.Records()[n-1].Table(a.L))
}

func recording(a *api.Args) int {
	b := benchOf(a)
	b.settle(a)
	folder := b.world.Recordings()
	r, err := file.Open(folder, strings.TrimPrefix(a.String(0), "/"))
	if err != nil {
		return a.Return(lua.LNil)
	}
	defer r.Close()
	pcm, err := r.ReadAll(longestRecording)
	if err != nil {
		return fail(a, "%s: %s", a.String(0), err)
	}
	t := a.L.NewTable()
	t.RawSetString("duration", lua.LNumber(float64(len(pcm))/float64(r.Rate())))
	t.RawSetString("size", lua.LNumber(2*len(pcm)))
	return a.Return(t)
}

const longestRecording = 48000 * 3600 // samples

func logged(a *api.Args) int {
	b := benchOf(a)
	w := b.open(a)
	found := func() bool {
		for _, line := range w.Logged() {
			if strings.Contains(line, a.String(0)) {
				return true
			}
		}
		return false
	}
	if !b.until(a, patience(a, 1), found) {
		return fail(a, "no line of the log has %q in it; there are: %s", a.String(0), strings.Join(w.Logged(), " | "))
	}
	return 0
}

func expectError(a *api.Args) int {
	b := benchOf(a)
	w := b.open(a)
	var found *simulate.Failure
	look := func() bool {
		for _, f := range w.Failures() {
			if strings.Contains(f.Message, a.String(0)) {
				found = &f
				return true
			}
		}
		return false
	}
	if !b.until(a, patience(a, 1), look) {
		return fail(a, "no script failed with %q", a.String(0))
	}
	if b.known = max(b.known, found.Order); found.Order == 0 {
		b.early++
	}
	return 0
}

func equal(a *api.Args) int {
	got, want := a.Value(0), a.Value(1)
	if difference := differ("", got, want); difference != "" {
		return fail(a, "%s%s", what(a, 2), difference)
	}
	return 0
}

func ok(a *api.Args) int {
	if v := a.Value(0); v == lua.LNil || v == lua.LFalse {
		return fail(a, "%sgot %s", what(a, 1), api.Show(v))
	}
	return 0
}

// what is the beginning of a message: argument i, which says what was compared.
func what(a *api.Args, i int) string {
	if !a.Has(i) {
		return ""
	}
	return a.String(i) + ": "
}

// differ says where two values differ, "" where they do not.
func differ(place string, got, want lua.LValue) string {
	g, isTable := got.(*lua.LTable)
	w, both := want.(*lua.LTable)
	if !isTable || !both {
		if got == want {
			return ""
		}
		if place != "" {
			place = "at " + place + ": "
		}
		return fmt.Sprintf("%sgot %s, want %s", place, api.Show(got), api.Show(want))
	}
	keys := map[string]lua.LValue{}
	for _, t := range []*lua.LTable{g, w} {
		t.ForEach(func(k, _ lua.LValue) { keys[api.Show(k)] = k })
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if len(place) > 200 {
			return "the tables are nested too deep to be compared"
		}
		if d := differ(place+"["+name+"]", g.RawGet(keys[name]), w.RawGet(keys[name])); d != "" {
			return d
		}
	}
	return ""
}
