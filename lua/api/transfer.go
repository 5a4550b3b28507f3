package api

import (
	"context"
	"strings"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/route"
)

// A party of two that talk may ask that the other be connected with a number
// instead (a blind transfer). When the called party asks, the script goes on
// with the caller, in the number's extension. When the caller asks, he leaves
// and his script ends; the called party then goes on in a script of its own, as
// if it had dialled the number. That is a task like any other: it gets a Call
// of its own for the leg, and the Call that the old script knows is ended.

// destined is where the called party goes when its caller has left.
type destined struct {
	found           route.Match
	number, context string
}

// destination looks up the number that the caller wants the other party to be
// connected with; nil where there is none.
func (t *task) destination(peer *Call, address, context string) *destined {
	number := userPart(address)
	found, ok := t.site.Routes.Match(context, number, peer.ownNumber(), t.clock.Now())
	if !ok {
		t.log.Warn("transfer to a number that does not exist", "to", address, "context", context)
		return nil
	}
	return &destined{found, number, context}
}

// ownNumber is what a party that was dialled is called by.
func (c *Call) ownNumber() string {
	number, _, _ := strings.Cut(c.extension, "@")
	return userPart(number)
}

// handOver lets peer go on in a script of its own. Nothing of t's may use it
// afterwards; to t's script it is a party that has ended.
func (t *task) handOver(peer *Call, to *destined) {
	if peer.ended != nil {
		return
	}
	c := &Call{
		leg: peer.leg, id: peer.id, began: peer.began, answered: peer.answered, early: peer.early, held: peer.held, line: peer.line,
		caller: call.Party{Number: peer.ownNumber()}, language: peer.language, context: to.context, extension: to.number,
	}
	c.task = newTask(t.api, t.site, t.version, t.api.services.Log.With("call", c.id))
	c.task.call, c.task.followed = c, true
	c.story = peer.story
	peer.ended = &call.HungUp{Cause: call.CauseNormal, Reason: "transferred", ByUs: true}
	peer.leg, peer.line = departed{peer.leg.Info()}, nil
	t.forget(peer)
	t.clock.Hold()
	t.api.calls.take(c)
	t.api.activity.begin()
	peer.heir.Store(c)
	t.log.Info("transfer", "leg", c.id, "extension", c.extension, "context", c.context)
	go c.task.serve(to.found)
}

// forget takes a party off those that end with the task.
func (t *task) forget(peer *Call) {
	for i, p := range t.peers {
		if p == peer {
			t.peers = append(t.peers[:i], t.peers[i+1:]...)
			return
		}
	}
}

// userPart is the number in an address such as "sip:1003@example.org".
func userPart(address string) string {
	if _, rest, ok := strings.Cut(address, ":"); ok {
		address = rest
	}
	user, _, _ := strings.Cut(address, "@")
	return user
}

// departed is the leg of a party that was handed over, as its old script sees
// it: it has ended.
type departed struct{ info call.Info }

func (d departed) Info() call.Info {
	d.info.State, d.info.Cause = call.Ended, call.CauseNormal
	return d.info
}
func (departed) Send(context.Context, call.Signal) error { return call.ErrHungUp }
func (departed) Events() <-chan call.Event               { return nil }
func (departed) Media() call.Port                        { return deadPort{} }

// deadPort is a port that was closed.
type deadPort struct{}

func (deadPort) Format() call.Format          { return call.Format{} }
func (deadPort) ReadFrame(*call.Frame) error  { return call.ErrNoFrame }
func (deadPort) WriteFrame(*call.Frame) error { return call.ErrHungUp }
func (deadPort) Close() error                 { return nil }
