package host

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Version is everything that was loaded from a site at one moment. It does not
// change; any goroutine may use it.
type Version struct {
	host         *Host
	number       int
	loaded       time.Time
	entries      []*script
	modules      map[string]*script // by the name that require is given
	files        map[string]*script // by file name
	findings     []*Finding
	declarations any
	required     map[*script]*script // while loading: the entry that first required a module
	live         atomic.Int64
	frozen       *freezer // of files that are shared, nil where there are none
}

func newVersion(h *Host, number int) *Version {
	return &Version{host: h, number: number, modules: map[string]*script{}, files: map[string]*script{}, required: map[*script]*script{}}
}

// Number counts the Versions of a Host from 1.
func (v *Version) Number() int { return v.number }

// Loaded is when the Version was loaded.
func (v *Version) Loaded() time.Time { return v.loaded }

// Declarations is what the scripts declared, as the Library made and completed it.
func (v *Version) Declarations() any { return v.declarations }

// Findings are the doubtful things in the scripts, which did not keep the
// Version from being served.
func (v *Version) Findings() []*Finding { return v.findings }

// Live is how many states use the Version.
func (v *Version) Live() int { return int(v.live.Load()) }

// Files lists the names of all files of the site.
func (v *Version) Files() []string { return keys(v.files) }

// Source is the text of a file as it was loaded.
func (v *Version) Source(file string) (text string, ok bool) {
	f, ok := v.files[file]
	if !ok {
		return "", false
	}
	return f.text, true
}

// VersionInfo describes a Version.
type VersionInfo struct {
	Number  int       `json:"number"`
	Loaded  time.Time `json:"loaded"`
	Current bool      `json:"current"`
	Live    int       `json:"live"` // states that use it
	Files   int       `json:"files"`
}

func (v *Version) info(current bool) VersionInfo {
	return VersionInfo{Number: v.number, Loaded: v.loaded, Current: current, Live: v.Live(), Files: len(v.files)}
}

// file finds a file of the site or of the library.
func (v *Version) file(name string) *script {
	if f := v.files[name]; f != nil {
		return f
	}
	if t := v.host.template; t != nil {
		return t.state.version.files[name]
	}
	return nil
}

func (v *Version) line(file string, line int) string {
	if f := v.file(file); f != nil && line > 0 {
		return f.line(line)
	}
	return ""
}

// splitPlace takes "scripts/dialplan.lua:12: message" apart. Where the text does
// not begin with a place in the scripts, file is "".
func (v *Version) splitPlace(text string) (file string, line int, message string) {
	file, rest, ok := strings.Cut(text, ":")
	if !ok || v.file(file) == nil {
		return "", 0, text
	}
	number, rest, ok := strings.Cut(rest, ":")
	line, err := strconv.Atoi(number)
	if !ok || err != nil {
		return "", 0, text
	}
	return file, line, strings.TrimPrefix(rest, " ")
}
