package api

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/mailbox"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/trace"
)

var playFields = []Field{
	{Name: "interrupt", Type: either(text(), truth()), Default: false, Summary: `true lets any key end it, "12#" these; the key is in the result`},
	{Name: "language", Type: naming(NamesLanguage), Summary: "the call's where left out"},
	{Name: "skip", Type: seconds(), Unit: "s", Default: 0, Summary: "leave out so much of the first prompt"},
	{Name: "flush", Type: truth(), Default: false, Summary: "forget keys that were pressed before"},
}

var playStatuses = []Word{
	{"played", "to the end"},
	{"interrupted", "a key ended it; key says which"},
	{"missing", "nothing could be played, because no prompt was found; tried lists the names"},
	{"replaced", "something else was played instead, by another function at once (call:all), or the party was connected with another"},
	{"hungup", "the other party has ended"},
	{"failed", "reason says why"},
}

var playResult = []Field{{Name: "result", Summary: "the outcome", Type: record(
	Field{Name: "status", Type: words("played", "interrupted", "missing", "replaced", "hungup", "failed"), Summary: "the outcome in one word"},
	Field{Name: "key", Type: text(), Summary: "that interrupted"},
	Field{Name: "tried", Type: listOf(text()), Summary: "what was not found; the other prompts were played"},
	Field{Name: "reason", Type: text(), Summary: "in words, where it failed"},
)}}

var playEntries = []*Entry{
	{On: "call", Name: "play", Phase: Running, Summary: "Plays prompts, one after another.",
		Detail: "Prompts are named without extension and found in the call's language. A name with an extension is a recording, as the path of `call:record`. " +
			"The call is answered first, unless `call:progress()` opened it. Keys pressed before and not read yet interrupt at once.",
		Params: []Field{
			{Name: "prompts", Type: either(naming(NamesPrompt), listAnd(naming(NamesPrompt), playFields...)), Required: true, Summary: "a name, a list of names, or a list with options in it"},
			{Name: "options", Type: record(playFields...), Summary: "the same options, apart"},
		},
		Results: playResult, Statuses: playStatuses,
		Example: `context "internal":extension("620", function(call)
  call:play "welcome"
  local result = call:play { "demo-menu", "beep", interrupt = true }
  if result.status == "interrupted" then log.info("key %s", result.key) end
end)`,
		Func: (*Args).play},
	{On: "call", Name: "silence", Phase: Running, Summary: "Sends silence, as a pause between prompts.",
		Params: []Field{
			{Name: "seconds", Type: seconds(), Unit: "s", Required: true, Summary: "how long"},
			{Name: "options", Summary: "how", Type: record(playFields[0])},
		},
		Results: playResult, Statuses: playStatuses,
		Example: `context "internal":extension("621", function(call)
  call:play "welcome"
  call:silence(0.5)
  call:play "vm-goodbye"
end)`,
		Func: func(a *Args) int {
			return a.playSource(a.Call(), media.Silence(), interruptSet(a.Options(1).Value("interrupt")), a.Seconds(0), nil)
		}},
}

// playback is something being played to a leg.
type playback struct {
	ended   bool
	err     error
	stopped bool // by its owner, whether or not it has ended yet
	cancel  func()
}

// start plays s to the leg; the playback tells when it has ended.
func (c *Call) start(s media.Source) *playback {
	p := &playback{}
	p.cancel = c.Line().Play(s, func(err error) {
		c.task.post(func() { p.ended, p.err = true, err })
	})
	c.playing = p
	return p
}

// stop ends the playback, if it has not ended. nil is one that never began.
func (p *playback) stop() {
	if p != nil && !p.ended && !p.stopped {
		p.stopped = true
		p.cancel()
	}
}

// hears reports whether something is being played to the leg.
func (c *Call) hears() bool { return c.playing != nil && !c.playing.ended && !c.playing.stopped }

// options finds the options of play, which are in the list or apart from it.
func (a *Args) optionsOf(list, apart int) Options {
	if a.Has(apart) {
		return a.Options(apart)
	}
	return a.Options(list)
}

func (a *Args) play() int {
	c := a.Call()
	o := a.optionsOf(0, 1)
	if o.Bool("flush") {
		c.digits = nil
	}
	language := o.String("language")
	source, missing := c.sound(a.few(stringList(a.Value(0)), "prompts"), language, o.Seconds("skip"))
	if source == nil {
		return a.Result("missing", "tried", missing)
	}
	return a.playSource(c, source, interruptSet(o.Value("interrupt")), 0, missing)
}

// playSource plays s until its end, an interrupting key, or for at most so long.
func (a *Args) playSource(c *Call, s media.Source, stops keySet, most time.Duration, missing []string) int {
	key, err := a.listenTo(c, s, stops, most)
	switch {
	case key != 0:
		return a.Result("interrupted", "key", string(key), "tried", optional(missing))
	case c.ended != nil:
		return a.Result("hungup")
	case errors.Is(err, media.ErrStopped):
		return a.Result("replaced")
	case err != nil:
		return a.Result("failed", "reason", err.Error(), "tried", optional(missing))
	}
	return a.Result("played", "tried", optional(missing))
}

const mostNames = 1000 // in one call of a function

// few raises an error where a list is so long that it must be a mistake.
func (a *Args) few(list []string, what string) []string {
	if len(list) > mostNames {
		a.Fail("more than %d %s at once", mostNames, what)
	}
	return list
}

func optional(list []string) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

// listenTo lets the leg hear s and returns the key that interrupted it, or 0.
func (a *Args) listenTo(c *Call, s media.Source, stops keySet, most time.Duration) (key byte, err error) {
	if key = c.ahead(stops); key != 0 {
		return key, nil
	}
	if err := c.open(); err != nil {
		return 0, err
	}
	if !stops.empty() {
		defer c.keys(func(k byte) heed {
			if key != 0 {
				return ignored
			}
			return stops.first(&key)(k) // other keys are no answer to this prompt
		})()
	}
	p := c.start(s)
	defer p.stop()
	var over *alarm
	if most > 0 {
		over = c.task.alarm(most, nil)
		defer over.stop()
	}
	a.wait(c.task, func() bool { return p.ended || key != 0 || c.ended != nil || over != nil && over.fired })
	switch {
	case key != 0:
		a.note(c, trace.PlayEnd, slog.String("status", "interrupted"), slog.String("key", c.shown(key)))
	case c.ended != nil:
		a.note(c, trace.PlayEnd, slog.String("status", "hungup"))
	default:
		a.note(c, trace.PlayEnd, slog.String("status", "played"))
	}
	if p.err != nil && key == 0 && !errors.Is(p.err, call.ErrHungUp) {
		err = p.err
	}
	return key, err
}

// ahead takes the first key that was pressed before and is in the set; those
// before it are dropped.
func (c *Call) ahead(stops keySet) byte {
	for i, k := range c.digits {
		if stops.has(k) {
			c.digits = c.digits[i+1:]
			return k
		}
	}
	return 0
}

// sound finds prompts and recordings and makes one source of those that exist.
func (c *Call) sound(list []string, language string, skip time.Duration) (s media.Source, missing []string) {
	if language == "" {
		language = c.language
	}
	var sources []media.Source
	for _, name := range list {
		one, err := c.find(language, name, skip)
		if err != nil {
			missing = append(missing, name)
			c.story.Note(trace.Play, "", 0, slog.String("prompt", name), slog.String("language", language), slog.Bool("missing", true))
			c.task.log.Warn("prompt not found", "prompt", name, "language", language, "error", err)
			continue
		}
		skip = 0
		what := "prompt"
		if path.Ext(name) != "" {
			what = "recording"
		}
		sources = append(sources, c.announce(what, name, one))
	}
	switch len(sources) {
	case 0:
		return nil, missing
	case 1:
		return sources[0], missing
	}
	return media.Sequence(sources...), missing
}

func (c *Call) find(language, name string, skip time.Duration) (media.Source, error) {
	s := &c.task.api.services
	if ext := path.Ext(name); ext != "" {
		return c.task.api.recorded(name, skip)
	}
	if s.Prompts == nil {
		return nil, errors.New("this server has no prompts")
	}
	sound, err := s.Prompts(language, name)
	if err != nil {
		return nil, err
	}
	return sound.Source(skip), nil
}

// recorded finds a recording, which is read while it plays.
func (api *API) recorded(name string, skip time.Duration) (media.Source, error) {
	name = path.Clean(strings.TrimPrefix(name, "/"))
	root := api.folder(name)
	if root == nil {
		return nil, errors.New("this server keeps no recordings")
	}
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	sound, err := api.streams.Open(root.FS(), name)
	if err != nil {
		return nil, err
	}
	return sound.Source(skip), nil
}

// folder is the one that a recording lies in: the spool where it is voicemail's.
func (api *API) folder(name string) *os.Root {
	if m := api.services.Mailboxes; m != nil && strings.HasPrefix(name, mailbox.Folder+"/") {
		return m.Root()
	}
	return api.services.Recordings
}
