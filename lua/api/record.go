package api

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/media/file"
	"github.com/moonwire/moonwire/core/trace"
)

var recordEntries = []*Entry{
	{On: "call", Name: "record", Phase: Running, Summary: "Records what the caller says.",
		Detail: "The file is written below the server's recordings folder and appears there when it is whole and on the disk. It ends with a terminator, silence, the limit or the hang-up of the caller; " +
			"with `review` the caller may then keep it (1), hear it (2) or record it again (3). The call is answered first. " +
			"With `append` a recording that is there already goes on at its end; it must have been recorded here, at the same rate, and no other call may be adding to it. " +
			"`duration` is then that of the whole file, `added` that of the new part, and `min`, `max` and the review mean the new part. " +
			"When the disk is full the recording ends with `failed`; what was written before is kept, as `path` then says, unless it would replace a file.",
		Params: []Field{{Name: "options", Required: true, Summary: "where and how long", Type: record(
			Field{Name: "path", Type: text(), Required: true, Summary: `where: "messages/17.wav"; the extension says in which format: wav, gsm, g722, ulaw, alaw, sln, sln16; .WAV is GSM in a wav file`},
			Field{Name: "max", Type: seconds(), Unit: "s", Default: 3600, Summary: "longest recording"},
			Field{Name: "min", Type: seconds(), Unit: "s", Default: 0, Summary: "what is shorter is dropped"},
			Field{Name: "silence", Type: seconds(), Unit: "s", Default: 0, Summary: "ends after so much silence; 0 is never"},
			Field{Name: "level", Type: number(), Unit: "dBm0", Default: -42, Summary: "what is quieter is silence"},
			Field{Name: "beep", Type: truth(), Default: false, Summary: "play a beep first"},
			Field{Name: "terminators", Type: text(), Default: "#", Summary: "keys that end it"},
			Field{Name: "review", Type: truth(), Default: false, Summary: "let the caller keep, hear or repeat it"},
			Field{Name: "review_prompt", Type: oneOrMore(naming(NamesPrompt)), Summary: `played for the review; "vm-review" where left out`},
			Field{Name: "rate", Type: whole(), Unit: "Hz", Default: 8000, Summary: "samples a second, for formats that leave the choice; with append, that of the file"},
			Field{Name: "append", Type: truth(), Default: false, Summary: "go on at the end of the file, if there is one"},
			Field{Name: "pause", Type: text(), Summary: "keys that halt the recording and let it go on; what is said between is left out"},
		)}},
		Results: []Field{{Name: "take", Summary: "the recording", Type: record(
			Field{Name: "status", Type: words("recorded", "short", "failed", "hungup"), Summary: "the outcome in one word"},
			Field{Name: "path", Type: text(), Summary: "where it is; `call:play` plays it"},
			Field{Name: "duration", Type: number(), Unit: "s", Summary: "of the sound"},
			Field{Name: "added", Type: number(), Unit: "s", Summary: "of the sound that was appended"},
			Field{Name: "lost", Type: number(), Unit: "s", Summary: "of the sound that is missing because the disk was too slow; nil where none is"},
			Field{Name: "ended_by", Type: words("key", "silence", "limit", "hangup"), Summary: "what ended it"},
			Field{Name: "key", Type: text(), Summary: "the key that ended it"},
			Field{Name: "reason", Type: text(), Summary: "in words, where it failed"},
		)}},
		Statuses: []Word{
			{"recorded", "the file is there"},
			{"short", "it was shorter than min and is not kept"},
			{"failed", "it could not be written to its end; reason says why, and path where the part before is, if it was kept"},
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
	root     *os.Root
	adding   bool  // to a file that is there
	before   int64 // samples that were in it, with adding
	recorder *file.Recorder
	key      byte
	quiet    bool // silent for as long as is allowed
	why      string
	paused   atomic.Bool
}

func (a *Args) record() int {
	c := a.Call()
	o := a.Options(0)
	name := path.Clean(strings.TrimPrefix(o.String("path"), "/"))
	t := &take{c: c, o: o, root: a.api.folder(name), path: name, adding: o.Bool("append"), before: -1}
	if !fs.ValidPath(t.path) {
		a.Fail("path %q leaves the recordings folder", o.String("path"))
	}
	if t.root == nil {
		return a.Result("failed", "reason", "this server keeps no recordings")
	}
	if err := c.open(); err != nil {
		return a.done(err)
	}
	if !a.api.recording.begin(t.path, t.adding) {
		return a.Result("failed", "reason", t.path+" is being recorded by another call, and one of the two adds to it")
	}
	defer a.api.recording.end(t.path)
	for {
		made, err := t.run(a)
		if err != nil {
			return a.Result("failed", append(t.facts(made), "reason", inWords(err))...)
		}
		if t.short(made) {
			return a.Result("short", "duration", made.Added)
		}
		if c.ended == nil && o.Bool("review") && t.again(a) {
			if err := t.undo(); err != nil {
				return a.Result("failed", "reason", inWords(err))
			}
			continue
		}
		status, key := "recorded", ""
		if t.key != 0 {
			key = string(t.key)
		}
		if c.ended != nil {
			status = "hungup"
		}
		return a.Result(status, append(t.facts(made), "ended_by", t.why, "key", key)...)
	}
}

// facts are the fields of a result about the file.
func (t *take) facts(made file.Recording) []any {
	var facts []any
	if made.Kept {
		facts = append(facts, "path", t.path, "duration", made.Duration)
		if t.adding {
			facts = append(facts, "added", made.Added)
		}
	}
	if made.Lost > 0 {
		facts = append(facts, "lost", made.Lost)
	}
	return facts
}

// inWords is what scripts are told of a failure.
func inWords(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full"
	case errors.Is(err, syscall.EROFS):
		return "the disk is read-only"
	}
	return err.Error()
}

// create opens the file that the take is written to.
func (t *take) create() (*file.Writer, error) {
	o := file.WriterOptions{Atomic: true} // the rate of the file, of its kind, or 8000
	if t.o.Has("rate") {
		o.Rate = t.o.Int("rate")
	}
	if !t.adding {
		return file.Create(t.root, t.path, o)
	}
	w, err := file.Append(t.root, t.path, o)
	if err == nil {
		t.before = w.Before()
	}
	return w, err
}

// undo takes back what was recorded, for the caller to say it again.
func (t *take) undo() error {
	if !t.adding || t.before < 0 {
		return nil // the next take replaces the file
	}
	return file.Shorten(t.root, t.path, t.before)
}

// run records once. The file is completed even if the call ends meanwhile.
func (t *take) run(a *Args) (made file.Recording, err error) {
	c, o := t.c, t.o
	w, err := t.create()
	if err != nil {
		c.task.log.Warn("recording cannot begin", "path", t.path, "error", err)
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
		made, err = t.finish()
		a.note(c, trace.Record, slog.String("path", t.path), slog.Duration("duration", made.Duration), slog.String("ended_by", t.why))
	}()
	t.hear(a)
	return made, nil
}

func (t *take) short(made file.Recording) bool { return made.Added < t.o.Seconds("min") }

// finish ends the file, which the script may not live to see: the caller may
// have ended the recording by hanging up.
func (t *take) finish() (made file.Recording, err error) {
	log := t.c.task.log.With("path", t.path)
	if t.recorder.Err() == nil && t.recorder.Duration() < t.o.Seconds("min") {
		added := t.recorder.Duration()
		t.recorder.Discard()
		return file.Recording{Added: added}, nil
	}
	if made, err = t.recorder.Stop(); err != nil {
		log.Error("recording failed", "error", err, "kept", made.Kept, "duration", made.Duration)
	}
	if made.Lost > 0 {
		log.Warn("the disk did not keep up with a recording", "lost", made.Lost)
	}
	return made, err
}

// hear waits for what ends the recording.
func (t *take) hear(a *Args) {
	stops, halts := keySet{keys: t.o.String("terminators")}, keySet{keys: t.o.String("pause")}
	t.paused.Store(false)
	task := t.c.task
	left, began := t.o.Seconds("max"), task.clock.Now()
	limit := task.alarm(left, nil)
	defer func() { limit.stop() }()
	defer t.c.keys(func(k byte) heed {
		switch {
		case t.key != 0:
			return dropped
		case stops.has(k):
			t.key = k
		case halts.has(k) && t.paused.Load():
			limit, began = task.alarm(left, nil), task.clock.Now()
			t.paused.Store(false)
		case halts.has(k):
			limit.stop()
			left -= task.clock.Now().Sub(began)
			t.paused.Store(true)
		default:
			return dropped
		}
		return taken
	})()
	a.wait(task, func() bool {
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
	var silent time.Duration
	return media.SinkFunc(func(rate int, pcm []int16) {
		if t.paused.Load() {
			silent = 0
			return
		}
		t.recorder.Hear(rate, pcm)
		if most == 0 || dsp.Level(pcm) >= level {
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
	defer c.keys(set.first(&key))()
	a.wait(c.task, func() bool { return key != 0 || over.fired || c.ended != nil })
	return key
}

// recording knows the files that calls record, so that none is added to while
// another call replaces it or adds to it. The zero value knows none.
type recording struct {
	mu      sync.Mutex
	writers map[string]int // of each path; -1 is one that adds
}

// begin reports whether a call may record to a path now; then end must follow.
// Calls that only replace a file may do so at once: the last to end wins.
func (r *recording) begin(path string, adding bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.writers[path]
	switch {
	case n < 0 || adding && n > 0:
		return false
	case r.writers == nil:
		r.writers = map[string]int{}
	}
	if r.writers[path] = n + 1; adding {
		r.writers[path] = -1
	}
	return true
}

func (r *recording) end(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writers[path]--; r.writers[path] <= 0 {
		delete(r.writers, path)
	}
}
