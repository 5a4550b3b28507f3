package api

import (
	"io"
	"log/slog"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/bridge"
	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/trace"
)

// joint is a bridge of two calls that can be taken apart more than once.
type joint struct {
	pair *bridge.Pair
	a, b *Call
}

// join connects two calls, of which neither is connected already.
func join(a, b *Call) *joint {
	a.story.Note(trace.Bridge, "", 0, slog.String("with", b.id), slog.Bool("on", true))
	a.joined, b.joined = true, true
	return &joint{bridge.Join(a.Line(), b.Line()), a, b}
}

func (j *joint) part() {
	if j.pair != nil {
		j.pair.Split()
		j.pair = nil
		j.a.joined, j.b.joined = false, false
		j.a.story.Note(trace.Bridge, "", 0, slog.String("with", j.b.id), slog.Bool("on", false))
	}
}

func (a *Args) bridgeWith() int {
	c := a.Call()
	peer := a.Value(0).(*lua.LUserData).Value.(*Call)
	if peer == c {
		a.Fail("a call cannot be connected with itself")
	}
	if err := c.open(); err != nil {
		return a.done(err)
	}
	return a.talk(c, peer, a.Options(1), peer.extension, peer.began)
}

// talk connects two parties until one of them leaves, a key or the limit parts
// them. If the caller leaves the other party is hung up and the script ends.
func (a *Args) talk(c, peer *Call, o Options, target string, began time.Time) int {
	t := c.task
	if c.joined || peer.joined {
		if !peer.joined {
			peer.drop(call.CauseNormal)
		}
		return a.Result("failed", "reason", "one of the two is connected with another party already")
	}
	var next *destined   // where the peer goes on when the caller leaves it to a number
	var goesOn *destined // where the caller goes on when the peer does
	kept := false
	defer func() {
		switch {
		case next != nil:
			t.handOver(peer, next)
		case c.ended != nil && peer.next != nil: // see task.release
		case !kept:
			peer.drop(call.CauseNormal)
		}
	}()
	c.talking, peer.talking = true, true
	defer func() { c.talking, peer.talking = false, false }()
	var pressed []pressedKey
	parting := keySet{keys: o.String("hangup_on")}
	listen := func(from *Call) func() {
		return from.keys(func(k byte) heed {
			if o.Function("on_digit") == nil && (from != c || !parting.has(k)) {
				return dropped
			}
			pressed = append(pressed, pressedKey{k, from == c})
			return taken
		})
	}
	defer listen(c)()
	defer listen(peer)()
	c.playing.stop()
	peer.playing.stop()
	j := join(c, peer)
	defer j.part()
	var over *alarm
	if limit := o.Seconds("limit"); limit > 0 {
		over = t.alarm(limit, nil)
		defer over.stop()
	}
	endedBy := ""
	for endedBy == "" {
		a.wait(t, func() bool {
			return peer.ended != nil || c.ended != nil || len(pressed) > 0 || over != nil && over.fired || peer.transfer != nil || c.transfer != nil
		})
		switch {
		case peer.ended != nil:
			endedBy = "called"
		case peer.transfer != nil:
			var told bool
			if goesOn, told = t.destination(peer, c, o); goesOn != nil || told {
				endedBy = "called"
			}
		case c.transfer != nil:
			if next, _ = t.destination(c, peer, o); next != nil {
				return a.end(c, call.Hangup{Cause: call.CauseNormal})
			}
		case c.ended != nil:
			endedBy = "caller"
		case over != nil && over.fired:
			endedBy = "limit"
		default:
			k := pressed[0]
			pressed = pressed[1:]
			if a.keyWhileTalking(k, o, parting) {
				endedBy = k.from()
			}
		}
	}
	kept = o.Bool("keep") && goesOn == nil && peer.ended == nil
	result := a.talked(c, peer, target, began, endedBy)
	if goesOn != nil {
		j.part()
		peer.drop(call.CauseNormal)
		a.enterExtension(c, goesOn.number, goesOn.context)
	}
	return result
}

func (a *Args) talked(c, peer *Call, target string, began time.Time, endedBy string) int {
	now := c.task.clock.Now()
	cause := call.CauseNormal
	if peer.ended != nil {
		cause = peer.ended.Cause
	}
	talk := time.Duration(0)
	if !peer.answered.IsZero() {
		talk = now.Sub(peer.answered)
	}
	transfer := ""
	if peer.transfer != nil {
		transfer = peer.transfer.To
	}
	return a.Result("answered", "cause", int(cause), "answered_by", target, "duration", now.Sub(began),
		"talk_time", talk, "ended_by", endedBy, "transfer", transfer)
}

type pressedKey struct {
	key      byte
	byCaller bool
}

func (k pressedKey) from() string {
	if k.byCaller {
		return "caller"
	}
	return "called"
}

// keyWhileTalking lets the script see a key and reports whether to part the two.
func (a *Args) keyWhileTalking(k pressedKey, o Options, parting keySet) bool {
	if k.byCaller && parting.has(k.key) {
		return true
	}
	f := o.Function("on_digit")
	if f == nil {
		return false
	}
	results := a.invoke(f, lua.LString(string(k.key)), lua.LString(k.from()))
	return len(results) > 0 && results[0] == lua.LString("hangup")
}

// ringing is what a caller hears while it rings: a tone, or a prompt over and over.
func (c *Call) ringing(what, country string) media.Source {
	if what != "tone" {
		prompts := c.task.api.services.Prompts
		if prompts == nil {
			return nil
		}
		sound, err := prompts(c.language, what)
		if err != nil {
			c.task.log.Warn("prompt not found", "prompt", what, "error", err)
			return nil
		}
		return &repeated{sound: sound, now: sound.Source(0)}
	}
	tone, ok := dsp.FindTone(country, string(dsp.RingingTone))
	if !ok {
		if tone, ok = dsp.FindTone("us", string(dsp.RingingTone)); !ok {
			return nil
		}
	}
	return media.Encoded(tone.Source())
}

// repeated plays a sound again and again.
type repeated struct {
	sound Sound
	now   media.Source
}

func (r *repeated) Next(format call.Format, f *call.Frame) error {
	err := r.now.Next(format, f)
	if err != io.EOF {
		return err
	}
	media.CloseSource(r.now)
	r.now = r.sound.Source(0)
	return r.now.Next(format, f) // an empty sound ends here
}

// Close closes the sound that plays.
func (r *repeated) Close() error {
	media.CloseSource(r.now)
	return nil
}
