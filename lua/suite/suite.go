package suite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
	"github.com/moonwire/moonwire/lua/simulate"
)

// Options says which tests to run. Only Scripts is needed.
type Options struct {
	Scripts fs.FS
	Plugins fs.FS          // nil: none
	Files   []string       // "scripts/dialplan_test.lua"; empty: all
	Only    *regexp.Regexp // names of tests; nil: all
	Sounds  *simulate.Sounds
	Zone    *time.Location // nil: UTC

	Workers  int           // tests at once; 0: one for each core
	Shuffle  uint64        // seed of the order that tests run in; 0: as they stand
	Coverage *Coverage     // counts the lines that run; nil: nothing is counted
	Patience time.Duration // real time that a test may take; 0: 20 s
	Wall     clock.Clock   // tells it; nil: clock.Real
}

// Report is the outcome of a run.
type Report struct {
	Files    []*File
	Duration time.Duration // real
}

// File is the outcome of one test file.
type File struct {
	Name  string
	Err   error // it cannot be loaded; host.Report shows it
	Tests []*Test
}

// Test is the outcome of one test.
type Test struct {
	Name     string
	File     string
	Line     int
	Failure  *Failure      // nil: it passed
	Duration time.Duration // real
	Virtual  time.Duration // that passed in its world
	ref      host.Ref
}

// Failure is why a test failed.
type Failure struct {
	Message  string
	File     string
	Line     int
	Source   string // text of that line
	Timeline string // what happened, for people
}

// Failed counts the tests, and files, that failed.
func (r *Report) Failed() int {
	n := 0
	for _, f := range r.Files {
		if f.Err != nil {
			n++
		}
		for _, t := range f.Tests {
			if t.Failure != nil {
				n++
			}
		}
	}
	return n
}

// Count is how many tests ran.
func (r *Report) Count() int {
	n := 0
	for _, f := range r.Files {
		n += len(f.Tests)
	}
	return n
}

// Find lists the test files of a site: "scripts/dialplan_test.lua".
func Find(scripts, plugins fs.FS) ([]string, error) {
	var list []string
	for root, tree := range map[string]fs.FS{"scripts": scripts, "plugins": plugins} {
		if tree == nil {
			continue
		}
		err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(name, "_test.lua") {
				list = append(list, root+"/"+name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look for tests: %w", err)
		}
	}
	slices.Sort(list)
	return list, nil
}

// runner runs the tests of one run.
type runner struct {
	Options
	compiled *host.Compiled
	hosts    map[*Test]*loaded
}

// loaded is a test file that was loaded.
type loaded struct {
	host *host.Host
	api  *api.API
}

// Run runs tests. Tests that fail are no error; the error says that there is
// nothing to run or that ctx ended.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	if o.Wall == nil {
		o.Wall = clock.Real
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if len(o.Files) == 0 {
		var err error
		if o.Files, err = Find(o.Scripts, o.Plugins); err != nil {
			return nil, err
		}
	}
	began := o.Wall.Now()
	r := &runner{Options: o, compiled: new(host.Compiled), hosts: map[*Test]*loaded{}}
	report := &Report{}
	var tests []*Test
	for _, name := range o.Files {
		file := r.load(ctx, name)
		report.Files = append(report.Files, file)
		tests = append(tests, file.Tests...)
	}
	if o.Shuffle != 0 {
		rand.New(rand.NewPCG(o.Shuffle, 0)).Shuffle(len(tests), func(i, j int) { tests[i], tests[j] = tests[j], tests[i] })
	}
	r.runAll(ctx, tests)
	report.Duration = o.Wall.Now().Sub(began)
	return report, ctx.Err()
}

// load reads one file and lists its tests.
func (r *runner) load(ctx context.Context, name string) *File {
	file := &File{Name: name}
	library := api.New(api.Services{Log: quiet, Zone: r.Zone, Random: rand.NewPCG(1, 2), Extension: Table, Env: anything})
	options := host.Options{
		Scripts: r.Scripts, Plugins: r.Plugins, Lib: lib.FS, Tests: name, Library: library, Clock: r.Wall, Log: quiet,
		Seed: func() uint64 { return 1 }, Limits: host.Limits{Prepared: 1}, Compiled: r.compiled,
	}
	h, err := host.New(options)
	if err == nil {
		library.Attach(h)
		err = h.Load(ctx)
	}
	if err != nil {
		file.Err = err
		return file
	}
	for _, t := range h.Current().Declarations().(*api.Site).Tests {
		if r.Only != nil && !r.Only.MatchString(t.Name) {
			continue
		}
		test := &Test{Name: t.Name, ref: t.Ref}
		place := strings.LastIndexByte(t.Source, ':')
		test.File = t.Source[:max(place, 0)]
		test.Line, _ = strconv.Atoi(t.Source[place+1:])
		r.hosts[test] = &loaded{h, library}
		file.Tests = append(file.Tests, test)
	}
	return file
}

var quiet = slog.New(slog.DiscardHandler)

// anything is an environment where every variable has some value.
func anything(name string) (string, bool) { return "value-of-" + name, true }

func (r *runner) runAll(ctx context.Context, tests []*Test) {
	next := make(chan *Test)
	var workers sync.WaitGroup
	for range min(r.Workers, len(tests)) {
		workers.Go(func() {
			for t := range next {
				r.run(ctx, t)
			}
		})
	}
	for _, t := range tests {
		if ctx.Err() != nil {
			t.Failure = &Failure{Message: "the run was broken off before this test"}
			continue
		}
		next <- t
	}
	close(next)
	workers.Wait()
}

// run runs one test in a world of its own.
func (r *runner) run(ctx context.Context, t *Test) {
	began := r.Wall.Now()
	web := &network{}
	b := &bench{
		ctx: ctx, network: web, parties: map[string]*party{}, claimed: map[*simulate.Leg]bool{},
		options: simulate.Options{
			Scripts: r.Scripts, Plugins: r.Plugins, Sounds: r.Sounds, Zone: r.Zone, HTTP: web, Env: anything,
			Compiled: r.compiled, Host: r.Coverage.follow, Patience: r.Patience, Wall: r.Wall,
		},
	}
	file := r.hosts[t]
	state, err := file.host.Begin(nil, b)
	if err != nil {
		t.Failure = &Failure{Message: err.Error(), File: t.File, Line: t.Line}
		return
	}
	_, err = state.Call(t.ref, file.api.Wrap(state.Lua(), &tester{b}))
	state.Close()
	if b.world != nil {
		t.Virtual = b.world.Now().Sub(b.options.Start)
		if b.options.Start.IsZero() {
			t.Virtual = b.world.Now().Sub(simulate.Monday)
		}
	}
	// What happened is told as it was at the failure, not after the end.
	timeline := ""
	if err != nil {
		timeline = b.timeline(margin)
	}
	if late := b.close(); err == nil && late != nil {
		err, timeline = late, b.timeline(margin)
	}
	if err != nil {
		t.fail(err, timeline)
	}
	t.Duration = r.Wall.Now().Sub(began)
}

// margin is before the lines of a timeline.
const margin = "      "

func (t *Test) fail(err error, timeline string) {
	f := &Failure{Message: err.Error(), File: t.File, Line: t.Line, Timeline: timeline}
	var at *host.ScriptError
	if errors.As(err, &at) && at.File != "" {
		f.Message, f.File, f.Line, f.Source = at.Message, at.File, at.Line, strings.TrimSpace(at.Source)
	}
	t.Failure = f
}
