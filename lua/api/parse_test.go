package api

import (
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestHours(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		spec, at string
		want     bool
	}{
		{"09:00-17:59,mon-fri,*,*", "2026-03-02 09:00", true},
		{"09:00-17:59,mon-fri,*,*", "2026-03-02 17:59", true},
		{"09:00-17:59,mon-fri,*,*", "2026-03-02 18:00", false},
		{"09:00-17:59,mon-fri,*,*", "2026-03-01 10:00", false},
		{"mon-fri 09:00-17:59", "2026-03-02 10:00", true},
		{"22:00-05:59", "2026-03-02 23:00", true},
		{"22:00-05:59", "2026-03-02 05:00", true},
		{"22:00-05:59", "2026-03-02 06:00", false},
		{"fri-mon", "2026-03-01 10:00", true},
		{"fri-mon", "2026-03-04 10:00", false},
		{"*,*,24-26,dec", "2026-12-25 10:00", true},
		{"*,*,24-26,dec", "2026-11-25 10:00", false},
		{"sat&sun", "2026-03-01 10:00", true},
		{"monday", "2026-03-02 10:00", true},
		{"*", "2026-03-02 10:00", true},
	}
	for _, test := range tests {
		h, err := parseHours([]string{test.spec}, time.UTC)
		if err != nil {
			t.Errorf("%s: %v", test.spec, err)
			continue
		}
		if got := h.contains(at(test.at)); got != test.want {
			t.Errorf("%s at %s: %v", test.spec, test.at, got)
		}
	}
}

func FuzzHours(f *testing.F) {
	for _, s := range []string{"09:00-17:59,mon-fri,*,*", "22:00-05:59 sat&sun", "1-31 jan-dec", "::", "-", "&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if h, err := parseHours([]string{spec}, time.UTC); err == nil {
			h.contains(monday)
		}
	})
}

func TestStrftime(t *testing.T) {
	at := time.Date(2026, 3, 4, 18, 5, 9, 0, time.UTC)
	for format, want := range map[string]string{
		"%Y-%m-%d %H:%M:%S": "2026-03-04 18:05:09", "%d/%m/%y": "04/03/26", "%A %e %B": "Wednesday  4 March",
		"%I:%M %p": "06:05 PM", "%l": " 6", "%s": "1772647509", "%u%w%%": "33%", "%j": "063", "%Q %": "%Q %", "2006 %F": "2006 2026-03-04",
	} {
		if got := strftime(format, at); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":null}]}`, `[`, `1e999`, `"\ud800"`, `{}`} {
		f.Add(s)
	}
	L := lua.NewState()
	defer L.Close()
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decodeJSON(L, text)
		if err != nil {
			return
		}
		b, err := encodeJSON(nil, v, 0)
		if err != nil {
			return
		}
		if _, err := decodeJSON(L, string(b)); err != nil {
			t.Errorf("%q was written as %q, which is no JSON: %v", text, b, err)
		}
	})
}

func TestSuggest(t *testing.T) {
	names := []string{"timeout", "interrupt", "on", "max"}
	for wrong, want := range map[string]string{"timout": "timeout", "timeuot": "timeout", "interupt": "interrupt", "mxa": "max", "zzz": "", "xyzzy": ""} {
		if got := Suggest(wrong, names); got != want {
			t.Errorf("%s: %q, want %q", wrong, got, want)
		}
	}
}
