package scripts

import (
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
	"github.com/moonwire/moonwire/sounds"
)

// server runs a template with the prompts that ship, on fake phones and in
// virtual time.
type server struct {
	t       *testing.T
	clock   *clock.Virtual
	phones  *fake.Endpoint
	api     *api.API
	folder  string // of recordings
	mu      sync.Mutex
	prompts []string // asked for, in order
}

func serve(t *testing.T, template string) *server {
	t.Helper()
	v := clock.NewVirtual(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	engine, err := media.NewEngine(media.Options{Clock: v, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	s := &server{t: t, clock: v, phones: fake.NewEndpoint("sip", v), folder: t.TempDir()}
	recordings, err := os.OpenRoot(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { recordings.Close() })
	log := slog.New(slog.DiscardHandler)
	shipped := media.NewPrompts(log, sounds.FS)
	s.api = api.New(api.Services{
		Clock: v, Log: log, Media: engine, Recordings: recordings,
		Endpoints: map[string]api.Dialer{"sip": s.phones},
		Prompts: func(language, name string) (api.Sound, error) {
			s.mu.Lock()
			s.prompts = append(s.prompts, name)
			s.mu.Unlock()
			prompt, err := shipped.Find(language, name)
			if err != nil {
				t.Errorf("the demo plays %s: %v", name, err)
				return nil, err
			}
			return prompt, nil
		},
	})
	h, err := host.New(host.Options{Scripts: siteOf(t, template), Lib: lib.FS, Library: s.api, Clock: v, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s.api.Attach(h)
	if err := h.Load(t.Context()); err != nil {
		t.Fatal(host.Report(err))
	}
	return s
}

func siteOf(t *testing.T, template string) fs.FS { return folderOf(t, template, "scripts") }

// folderOf is one folder of a new site.
func folderOf(t *testing.T, template, folder string) fs.FS {
	t.Helper()
	files, err := Files(template)
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[name] = &fstest.MapFile{Data: content}
	}
	site, err := fs.Sub(tree, folder)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// calls lets 1001 dial a number and waits for the end of the call.
func (s *server) calls(number string, behaviours ...fake.Behaviour) *fake.Leg {
	s.t.Helper()
	leg := fake.NewLeg(s.clock, call.Info{
		ID: "c1", Endpoint: "sip", Peer: "1001", Incoming: true, Context: "internal", Extension: number,
		Caller: call.Party{Number: "1001"},
	}, behaviours...)
	s.api.Accept(leg)
	s.clock.Settle()
	s.clock.Advance(time.Hour)
	if state := leg.Info().State; state != call.Ended {
		s.t.Fatalf("the call is %v after an hour", state)
	}
	if failed := s.api.Stats().Errors; failed != 0 {
		s.t.Errorf("%d scripts failed", failed)
	}
	return leg
}

// heard fails the test unless the prompts were asked for in this order, among
// others.
func (s *server) heard(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.prompts
	for _, name := range want {
		i := slices.Index(rest, name)
		if i < 0 {
			s.t.Errorf("heard %s; want %s in it", strings.Join(s.prompts, " "), strings.Join(want, " "))
			return
		}
		rest = rest[i+1:]
	}
}

func (s *server) times(prompt string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, name := range s.prompts {
		if name == prompt {
			count++
		}
	}
	return count
}

// ended fails the test unless the server ended the call for this reason, after
// answering it or without.
func ended(t *testing.T, leg *fake.Leg, cause call.Cause, answered bool) {
	t.Helper()
	var got call.Cause
	var wasAnswered bool
	for _, sent := range leg.Signals() {
		switch signal := sent.Signal.(type) {
		case call.Answer:
			wasAnswered = true
		case call.Hangup:
			got = signal.Cause
		}
	}
	if got != cause || wasAnswered != answered {
		t.Errorf("ended with %v, answered %v; want %v, %v", got, wasAnswered, cause, answered)
	}
}

func TestDemoCallsBetweenPhones(t *testing.T) {
	for name, c := range map[string]struct {
		other    []fake.Behaviour
		prompt   string
		cause    call.Cause
		answered bool
	}{
		"answered":  {[]fake.Behaviour{fake.AnswersAfter(3 * time.Second), fake.HangsUpAfter(20 * time.Second)}, "", call.CauseNormal, true},
		"busy":      {[]fake.Behaviour{fake.Busy()}, "busy", call.CauseBusy, false},
		"no answer": {[]fake.Behaviour{fake.NeverAnswers()}, "noanswer", call.CauseNoAnswer, false},
		"declined":  {[]fake.Behaviour{fake.RejectsAfter(time.Second, call.CauseRejected)}, "busy", call.CauseRejected, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "demo")
			s.phones.On("1002", c.other...)
			leg := s.calls("1002")
			ended(t, leg, c.cause, c.answered)
			if c.prompt != "" {
				s.heard(c.prompt)
			}
		})
	}
}

func TestDemoPhoneThatIsNotThere(t *testing.T) {
	s := serve(t, "demo")
	s.phones.Fail("1002", call.ErrUnreachable)
	ended(t, s.calls("1002"), call.CauseAbsent, false)
	s.heard("not-reachable")
}

func TestDemoEcho(t *testing.T) {
	s := serve(t, "demo")
	ended(t, s.calls("600", at(30, "#")), call.CauseNormal, true)
	s.heard("demo-echotest", "demo-echodone")
}

func TestDemoMenu(t *testing.T) {
	for name, c := range map[string]struct {
		presses []fake.Behaviour
		heard   []string
	}{
		"nothing pressed": {nil, []string{"demo-welcome", "demo-menu", "please-try-again", "demo-menu", "please-try-again", "demo-menu", "vm-goodbye"}},
		"wrong key":       {plan(at(5, "8"), at(10, "9")), []string{"demo-menu", "invalid", "demo-menu", "demo-thanks"}},
		"date and time":   {plan(at(5, "1"), at(20, "9")), []string{"demo-menu", "today-is", "digits/day-1", "digits/mon-2", "demo-menu", "demo-thanks"}},
		"a number": {plan(at(5, "2"), at(9, "342#"), at(25, "9")), []string{"demo-menu", "demo-enter-number", "you-entered",
			"digits/3", "digits/4", "digits/2", "digits/3", "digits/hundred", "digits/40", "digits/2", "demo-menu", "demo-thanks"}},
		"no number": {plan(at(5, "2"), at(70, "9")), []string{"demo-enter-number", "please-try-again", "demo-enter-number", "demo-enter-number", "demo-menu", "demo-thanks"}},
		"echo":      {plan(at(5, "4"), at(20, "#"), at(25, "9")), []string{"demo-menu", "demo-echotest", "demo-echodone", "demo-menu", "demo-thanks"}},
		"ahead":     {plan(at(5, "19")), []string{"demo-menu", "today-is", "demo-thanks"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "demo")
			ended(t, s.calls("700", c.presses...), call.CauseNormal, true)
			s.heard(c.heard...)
		})
	}
}

// at presses keys some seconds after the answer.
func at(seconds float64, keys string) fake.Behaviour {
	return fake.Presses(keys, time.Duration(seconds*float64(time.Second)))
}

func plan(behaviours ...fake.Behaviour) []fake.Behaviour { return behaviours }

func TestDemoKeysStopTheMenu(t *testing.T) {
	s := serve(t, "demo")
	leg := s.calls("700", at(4, "9"))
	hangup := leg.Signals()[len(leg.Signals())-1]
	if after := hangup.At.Sub(leg.Signals()[0].At); after > 10*time.Second {
		t.Errorf("the call lasted %v although 9 was pressed after 4 s", after)
	}
}

func TestDemoMessage(t *testing.T) {
	s := serve(t, "demo")
	s.calls("700", at(5, "3"), at(15, "#"), at(22, "1"), at(29, "2"), at(39, "#"), at(46, "*"), at(50, "9"), speaking(s.clock))
	s.heard("demo-menu", "demo-record", "demo-playback", "demo-record-menu", "demo-playback", "demo-record-menu",
		"demo-record", "demo-playback", "demo-record-menu", "demo-menu", "demo-thanks")
	if _, err := os.Stat(filepath.Join(s.folder, "demo", "1001.wav")); err != nil {
		t.Error(err)
	}
}

// speaking makes the caller hum for the whole call.
func speaking(c *clock.Virtual) fake.Behaviour {
	return func(leg *fake.Leg) {
		frame := make([]int16, call.FormatOf(call.PCMU).Samples())
		for i := range frame {
			frame[i] = int16(3000 * math.Sin(2*math.Pi*float64(i)/20))
		}
		var hum func()
		hum = func() {
			if leg.Info().State == call.Ended {
				return
			}
			leg.Port().Speak(frame)
			c.AfterFunc(call.DefaultPTime, hum)
		}
		c.AfterFunc(call.DefaultPTime, hum)
	}
}

func TestDemoCallerLeaves(t *testing.T) {
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 2 * time.Second, 8 * time.Second} {
		s := serve(t, "demo")
		s.calls("700", fake.HangsUpAfter(after))
		if s.times("vm-goodbye") > 0 {
			t.Errorf("the menu talked on after the caller left")
		}
	}
}
