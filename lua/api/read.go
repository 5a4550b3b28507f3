package api

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/route"
)

var readEntries = []*Entry{
	{On: "call", Name: "read", Phase: Running, Summary: "Asks for digits.",
		Detail: "The prompt is played, and ends with the first key. Reading ends with `max` digits, a terminator, a pause of `digit_timeout` between two keys, or, with a pattern, as soon as no longer number could match it. " +
			"Nothing entered, or something that is too short or does not match, costs one of the attempts. The call is answered first.",
		Params: []Field{{Name: "options", Type: record(
			Field{Name: "prompt", Type: oneOrMore(naming(NamesPrompt)), Summary: "played at each attempt"},
			Field{Name: "max", Type: count(), Default: 0, Summary: "digits; 0 is as many as come"},
			Field{Name: "min", Type: count(), Default: 1, Summary: "digits that are needed"},
			Field{Name: "timeout", Type: seconds(), Unit: "s", Default: 5, Summary: "from the end of the prompt to the first key"},
			Field{Name: "digit_timeout", Type: seconds(), Unit: "s", Default: 3, Summary: "from one key to the next"},
			Field{Name: "attempts", Type: count(), Default: 1, Summary: "how often to ask"},
			Field{Name: "terminators", Type: text(), Default: "#", Summary: "keys that end the number and are no part of it"},
			Field{Name: "pattern", Type: text(), Summary: `what is accepted, as in extensions: "_0[1-9]XXXXXXXX"`},
			Field{Name: "invalid", Type: oneOrMore(naming(NamesPrompt)), Summary: "played after what is not accepted"},
			Field{Name: "silent", Type: oneOrMore(naming(NamesPrompt)), Summary: "played when nothing was entered"},
			Field{Name: "flush", Type: truth(), Default: false, Summary: "forget keys that were pressed before"},
			Field{Name: "interrupt", Type: truth(), Default: true, Summary: "let keys end the prompt"},
			Field{Name: "answer", Type: truth(), Default: true, Summary: "answer the call first; where there is a prompt, it is answered anyway"},
			Field{Name: "language", Type: naming(NamesLanguage), Summary: "of the prompts; the call's where left out"},
			Field{Name: "secret", Type: truth(), Default: false, Summary: "leave the keys out of the call's timeline, as for a PIN"},
		), Summary: "what to ask and what to accept"}},
		Results: []Field{
			{Name: "digits", Type: either(text(), Type{Kinds: kindNil}), Summary: "nil where none were accepted"},
			{Name: "status", Type: words("complete", "timeout", "invalid", "hungup"), Summary: "how the last attempt ended"},
			{Name: "terminator", Type: text(), Summary: "the key that ended the number"},
		},
		Statuses: []Word{
			{"complete", "digits were accepted"},
			{"timeout", "nothing was entered"},
			{"invalid", "what was entered was not accepted"},
			{"hungup", "the other party has ended"},
		},
		Example: `context "internal":extension("630", function(call)
  local digits, status = call:read { prompt = "enter-ext-of-person", max = 4, timeout = 5, attempts = 3 }
  if digits then
    call:say { digits = digits }
  elseif status == "timeout" then
    call:play "vm-goodbye"
  end
end)`,
		Func: (*Args).read},
}

// reading is one call of read.
type reading struct {
	c           *Call
	o           Options
	max, min    int
	first, next time.Duration
	stops       keySet
	pattern     *route.Pattern
	digits      []byte
	terminator  byte
	complete    bool
}

func (a *Args) read() int {
	c := a.Call()
	o := a.Options(0)
	r := &reading{
		c: c, o: o,
		max: o.Int("max"), min: o.Int("min"),
		first: o.Seconds("timeout"), next: o.Seconds("digit_timeout"),
		stops: keySet{keys: o.String("terminators")},
	}
	if r.max > 0 && r.min > r.max {
		a.Fail("min is more than max")
	}
	if text := o.String("pattern"); text != "" {
		p, err := route.ParsePattern(text)
		if err != nil {
			a.Fail("pattern: %s", err)
		}
		r.pattern = &p
	}
	if o.Bool("flush") {
		c.digits = nil
	}
	if o.Bool("secret") {
		defer c.conceal()()
	}
	if o.Bool("answer") {
		if err := c.open(); err != nil {
			return a.done(err)
		}
	}
	status := "timeout"
	for attempt := 0; attempt < max(o.Int("attempts"), 1); attempt++ {
		if status = r.attempt(a); status == "complete" || status == "hungup" {
			break
		}
		a.apologise(c, o, map[string]string{"invalid": "invalid", "timeout": "silent"}[status])
	}
	if status != "complete" {
		return a.Return(lua.LNil, lua.LString(status))
	}
	return a.Return(lua.LString(r.digits), lua.LString(status), toLua(a.L, r.ending()))
}

func (r *reading) ending() string {
	if r.terminator == 0 {
		return ""
	}
	return string(r.terminator)
}

// apologise plays what an option names, if anything.
func (a *Args) apologise(c *Call, o Options, option string) {
	if source, _ := c.sound(o.Strings(option), o.String("language"), 0); source != nil {
		_, _ = a.listenTo(c, source, keySet{}, 0)
	}
}

// attempt asks once and returns the status it came to.
func (r *reading) attempt(a *Args) string {
	c := r.c
	r.digits, r.terminator, r.complete = nil, 0, false
	r.prompt(a)
	defer c.keys(r.key)()
	waiting := c.digits
	c.digits = nil
	for i, k := range waiting {
		if r.complete {
			c.digits = waiting[i:]
			break
		}
		r.key(k)
	}
	r.collect(a)
	switch {
	case c.ended != nil:
		return "hungup"
	case len(r.digits) == 0 && r.terminator == 0:
		return "timeout"
	case !r.accepted():
		return "invalid"
	}
	return "complete"
}

// prompt plays the prompt; the key that ends it is put back for collect.
func (r *reading) prompt(a *Args) {
	source, _ := r.c.sound(r.o.Strings("prompt"), r.o.String("language"), 0)
	if source == nil {
		return
	}
	if !r.o.Bool("interrupt") {
		_, _ = a.listenTo(r.c, source, keySet{}, 0)
		return
	}
	if key, _ := a.listenTo(r.c, source, keySet{all: true}, 0); key != 0 {
		r.c.digits = append([]byte{key}, r.c.digits...)
	}
}

// key takes one key; after the number is complete, keys are left for later.
func (r *reading) key(k byte) heed {
	if r.complete {
		return ignored
	}
	if r.stops.has(k) {
		r.terminator, r.complete = k, true
		return taken
	}
	r.digits = append(r.digits, k)
	switch {
	case r.max > 0 && len(r.digits) >= r.max, len(r.digits) >= route.MaxLength:
		r.complete = true
	case r.pattern != nil:
		r.complete = !r.pattern.More(string(r.digits))
	}
	return taken
}

// collect waits until the number is complete or no more keys come.
func (r *reading) collect(a *Args) {
	for !r.complete && r.c.ended == nil {
		have, limit := len(r.digits), r.next
		if have == 0 {
			limit = r.first
		}
		over := r.c.task.alarm(limit, nil)
		func() {
			defer over.stop()
			a.wait(r.c.task, func() bool {
				return r.complete || len(r.digits) > have || over.fired || r.c.ended != nil
			})
		}()
		if over.fired {
			return
		}
	}
}

func (r *reading) accepted() bool {
	if len(r.digits) < r.min {
		return false
	}
	return r.pattern == nil || r.pattern.Match(string(r.digits))
}
