package api

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/media/file"
	"github.com/moonwire/moonwire/core/trace"
)

var recordEntries = []*Entry{
	{On: "call", Name: "record", Phase: Running, Summary: "Records what the caller says.",
		Detail: "The file is written below the server's recordings folder and appears there when it is whole. It ends with a terminator, silence, the limit or the hang-up of the caller; " +
			"with `review` the caller may then keep it (1), hear it (2) or record it again (3). The call is answered first.",
		Params: []Field{{Name: "options", Required: true, Summary: "where and how long", Type: record(
			Field{Name: "path", Type: text(), Required: true, Summary: `where: "messages/17.wav"; the extension says in which format: wav, ulaw, alaw, sln`},
			Field{Name: "max", Type: seconds(), Unit: "s", Default: 3600, Summary: "longest recording"},
			Field{Name: "min", Type: seconds(), Unit: "s", Default: 0, Summary: "what is shorter is dropped"},
			Field{Name: "silence", Type: seconds(), Unit: "s", Default: 0, Summary: "ends after so much silence; 0 is never"},
			Field{Name: "level", Type: number(), Unit: "dBm0", Default: -42, Summary: "what is quieter is silence"},
			Field{Name: "beep", Type: truth(), Default: false, Summary: "play a beep first"},
			Field{Name: "terminators", Type: text(), Default: "#", Summary: "keys that end it"},
			Field{Name: "review", Type: truth(), Default: false, Summary: "let the caller keep, hear or repeat it"},
			Field{Name: "review_prompt", Type: oneOrMore(text()), Summary: `played for the review; "vm-review" where left out`},
			Field{Name: "rate", Type: whole(), Unit: "Hz", Default: 8000, Summary: "samples a second, for formats that leave the choice"},
		)}},
		Results: []Field{{Name: "take", Summary: "the recording", Type: record(
			Field{Name: "status", Type: words("recorded", "short", "failed", "hungup"), Summary: "the outcome in one word"},
			Field{Name: "path", Type: text(), Summary: "where it is; `call:play` plays it"},
			Field{Name: "duration", Type: number(), Unit: "s", Summary: "of the sound"},
			Field{Name: "ended_by", Type: words("key", "silence", "limit", "hangup"), Summary: "what ended it"},
			Field{Name: "key", Type: text(), Summary: "the key that ended it"},
			Field{Name: "reason", Type: text(), Summary: "in words, where it failed"},
		)}},
		Statuses: []Word{
			{"recorded", "the file is there"},
			{"short", "it was shorter than min and is not kept"},
			{"failed", "it could not be written; reason says why"},
			{"hungup", "the party that was recorded has ended; the file is there"},
		},
		Example: `context "internal":extension("640", function(call)
  local take = call:record { path = "messages/" .. call.id .. ".wav", max = 120, silence = 3, beep = true, review = true }
  if take.status == "recorded" then call:play(take.path) end
end)`,
		Func: (*Args).record},
}

// take is one recording under way.
type take struct {
	c        *Call
	o        Options
	path     string
	recorder *file.Recorder
	key      byte
	quiet    bool // silent for as long as is allowed
	why      string
}

func (a *Args) record() int {
	c := a.Call()
	o := a.Options(0)
	t := &take{c: c, o: o, path: path.Clean(strings.TrimPrefix(o.String("path"), "/"))}
	if !fs.ValidPath(t.path) {
		a.Fail("path %q leaves the recordings folder", o.String("path"))
	}
	if err := c.open(); err != nil {
		return a.done(err)
	}
	for {
		made, err := t.run(a)
		if err != nil {
			return a.Result("failed", "reason", err.Error())
		}
		if t.short(made) {
			return a.Result("short", "duration", made.Duration)
		}
		if c.ended == nil && o.Bool("review") && t.again(a) {
			continue
		}
		status, key := "recorded", ""
		if t.key != 0 {
			key = string(t.key)
		}
		if c.ended != nil {
			status = "hungup"
		}
		return a.Result(status, "path", t.path, "duration", made.Duration, "ended_by", t.why, "key", key)
	}
}

// run records once. The file is completed even if the call ends meanwhile.
func (t *take) run(a *Args) (made file.Recording, err error) {
	c, o := t.c, t.o
	root := a.api.services.Recordings
	if root == nil {
		return made, errors.New("this server keeps no recordings")
	}
	w, err := file.Create(root, t.path, file.WriterOptions{Rate: o.Int("rate"), Atomic: true})
	if err != nil {
		return made, err
	}
	t.key, t.quiet, t.why = 0, false, "hangup"
	c.digits = nil
	if o.Bool("beep") {
		beeped := false
		func() {
			defer func() {
				if !beeped {
					w.Discard()
				}
			}()
			_, _ = a.listenTo(c, c.announce("tone", "beep", media.Encoded(dsp.Beep().Source())), keySet{}, 0)
			beeped = true
		}()
	}
	t.recorder = file.NewRecorder(w, file.RecorderOptions{
		Clock:   c.task.clock,
		OnError: func(error) { c.task.post(func() {}) }, // so that hear looks again
	})
	stop := c.Line().Listen(t.ear())
	defer func() {
		stop()
		c.Line().Worker().Do(func() {})
		made, err = t.recorder.Stop()
		t.complete(root, made, err)
		a.note(c, trace.Record, slog.String("path", t.path), slog.Duration("duration", made.Duration), slog.String("ended_by", t.why))
	}()
	t.hear(a)
	return made, nil
}

func (t *take) short(made file.Recording) bool { return made.Duration < t.o.Seconds("min") }

// complete sees to what the script may not live to see: the caller may have
// ended the recording by hanging up.
func (t *take) complete(root *os.Root, made file.Recording, err error) {
	switch {
	case err != nil:
		t.c.task.log.Error("recording failed", "path", t.path, "error", err)
		return
	case t.short(made):
		err = root.Remove(t.path)
	}
	if err != nil {
		t.c.task.log.Warn("a recording that is too short cannot be removed", "path", t.path, "error", err)
	}
	if made.Lost > 0 {
		t.c.task.log.Warn("the disk did not keep up with a recording", "path", t.path, "lost", made.Lost)
	}
}

// hear waits for what ends the recording.
func (t *take) hear(a *Args) {
	stops := keySet{keys: t.o.String("terminators")}
	defer t.c.keys(func(k byte) bool {
		if t.key == 0 && stops.has(k) {
			t.key = k
		}
		return true
	})()
	limit := t.c.task.alarm(t.o.Seconds("max"), nil)
	defer limit.stop()
	a.wait(t.c.task, func() bool {
		return t.key != 0 || t.quiet || limit.fired || t.c.ended != nil || t.recorder.Err() != nil
	})
	switch {
	case t.key != 0:
		t.why = "key"
	case t.quiet:
		t.why = "silence"
	case limit.fired:
		t.why = "limit"
	}
}

// ear records, and notices silence. It runs on the media worker.
func (t *take) ear() media.Sink {
	most, level := t.o.Seconds("silence"), t.o.Number("level")
	if most == 0 {
		return t.recorder
	}
	var silent time.Duration
	return media.SinkFunc(func(rate int, pcm []int16) {
		t.recorder.Hear(rate, pcm)
		if dsp.Level(pcm) >= level {
			silent = 0
			return
		}
		before := silent
		silent += time.Duration(len(pcm)) * time.Second / time.Duration(rate)
		if before < most && silent >= most {
			t.c.task.post(func() { t.quiet = true })
		}
	})
}

// again lets the caller review and reports whether to record once more.
func (t *take) again(a *Args) bool {
	prompts := t.o.Strings("review_prompt")
	if len(prompts) == 0 {
		prompts = []string{"vm-review"}
	}
	for range 10 {
		key := byte(0)
		if source, _ := t.c.sound(prompts, "", 0); source != nil {
			key, _ = a.listenTo(t.c, source, keySet{keys: "123"}, 0)
		}
		if key == 0 {
			key = a.oneKey(t.c, keySet{keys: "123"}, 5*time.Second)
		}
		switch key {
		case '2':
			if source, _ := t.c.sound([]string{t.path}, "", 0); source != nil {
				_, _ = a.listenTo(t.c, source, keySet{all: true}, 0)
			}
		case '3':
			return true
		default:
			return false
		}
	}
	return false
}

// oneKey waits for one of some keys; 0 when none came in time.
func (a *Args) oneKey(c *Call, set keySet, most time.Duration) (key byte) {
	if key = c.ahead(set); key != 0 {
		return key
	}
	over := c.task.alarm(most, nil)
	defer over.stop()
	defer c.keys(func(k byte) bool {
		if key == 0 && set.has(k) {
			key = k
		}
		return true
	})()
	a.wait(c.task, func() bool { return key != 0 || over.fired || c.ended != nil })
	return key
}
