package api

import (
	"context"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/route"
	"github.com/moonwire/moonwire/lua/host"
)

var transferEntries = []*Entry{
	{On: "call", Name: "hand_over", Phase: Running, Summary: "Lets a party that was dialled go on by itself, as if it had dialled a number.",
		Detail: "It becomes a call of its own, with a script of its own; here it has ended. With when = \"left\" it only goes on where the script's own call ends before it: while the two talk, or after the script has let it wait.",
		Params: []Field{{Name: "options", Required: true, Summary: "where it goes on", Type: record(
			Field{Name: "extension", Type: naming(NamesExtension), Required: true, Summary: "the number to run"},
			Field{Name: "context", Type: naming(NamesContext), Summary: "where it is looked up; the call's own where left out"},
			Field{Name: "variables", Type: mapOf(either(text(), number(), truth())), Summary: "what call.vars of the new call begins with"},
			Field{Name: "when", Type: words("now", "left"), Default: "now", Summary: "at once, or when the script's own call ends"},
		)}},
		Results:  []Field{{Name: "result", Summary: "the outcome", Type: record(Field{Name: "status", Type: words("done", "unallocated", "hungup"), Summary: "the outcome in one word"})}},
		Statuses: []Word{{"done", "it goes on, or will"}, {"unallocated", "there is no such extension"}, {"hungup", "it has ended"}},
		Example: `context "internal":extension("661", function(call)
  local result = call:dial("sip/1001", { bridge = false })
  if result.status == "answered" then
    result.peer:hand_over { extension = "600", when = "left" }
    call:bridge(result.peer)
  end
end)

context "internal":extension("600", function(call) call:play "vm-goodbye" end)`,
		Func: (*Args).handOver},
}

// handOver is for parties of a call only: who a script serves can enter an
// extension.
func (a *Args) handOver() int {
	peer, t, o := a.Call(), a.working(), a.Options(0)
	if peer == t.call {
		a.Fail("only a party that was dialled can be handed over; for the call itself there is call:enter")
	}
	if peer.ended != nil {
		return a.Result("hungup")
	}
	where := o.String("context")
	if where == "" && t.call != nil {
		where = t.call.context
	}
	number := o.String("extension")
	found, ok := t.site.Routes.Match(where, number, peer.ownNumber(), t.clock.Now())
	if !ok {
		return a.Result("unallocated")
	}
	to := &destined{found: found, number: number, context: where, vars: plainValues(o.Value("variables"))}
	if o.String("when") == "left" {
		peer.next = to
		return a.Result("done")
	}
	t.handOver(peer, to)
	return a.Result("done")
}

// plainValues reads a table of variables.
func plainValues(v lua.LValue) map[string]lua.LValue {
	values := map[string]lua.LValue{}
	if t, ok := v.(*lua.LTable); ok {
		t.ForEach(func(name, value lua.LValue) { values[name.String()] = value })
	}
	return values
}

// A party of two that talk may ask that the other be connected with a number
// instead (a blind transfer). When the called party asks, the script goes on
// with the caller, in the number's extension. When the caller asks, he leaves
// and his script ends; the called party then goes on in a script of its own, as
// if it had dialled the number. That is a task like any other: it gets a Call
// of its own for the leg, and the Call that the old script knows is ended.

// Where the number is looked up says transfer_context; where that is left out it
// is the context that the party who asks dials in himself, so that nobody reaches
// by a transfer what he could not dial. A wish that is not granted changes
// nothing: who asked is told, and the two talk on.

// destined is where a party goes when the other has left it to a number.
type destined struct {
	found           route.Match
	number, context string
	vars            map[string]lua.LValue // what call.vars begins with: plain values
}

// Statuses that tell a party why its transfer is not done.
const (
	noSuchNumber = 404
	notAllowed   = 603
)

// wishes notes that the far end wants the party that it talks to elsewhere.
// Where it talks to none, the script, there is nobody to be transferred.
func (c *Call) wishes(e call.TransferAsked) {
	if !c.talking {
		c.refuseTransfer(e, notAllowed, "nobody to transfer")
		return
	}
	c.transfer = &e
}

func (c *Call) refuseTransfer(e call.TransferAsked, status int, why string) {
	c.task.log.Warn("transfer refused", "leg", c.id, "to", e.To, "reason", why)
	_ = c.send(call.RefuseTransfer{Status: status}) // the only errors are that it has ended, or knows no transfers
}

// destination decides on the wish of asking, who talks to other, and takes it
// back where it is not granted. told says that the script decides.
func (t *task) destination(asking, other *Call, o Options) (to *destined, told bool) {
	wish := *asking.transfer
	context, allowed := t.transferContext(asking, o)
	if allowed && context == "" {
		return nil, true
	}
	asking.transfer = nil
	if !allowed || asking != t.call && other != t.call {
		asking.refuseTransfer(wish, notAllowed, "not allowed")
		return nil, false
	}
	number, from := userPart(wish.To), other.caller.Number
	if asking == t.call {
		from = other.ownNumber()
	}
	found, ok := t.site.Routes.Match(context, number, from, t.clock.Now())
	if !ok {
		asking.refuseTransfer(wish, noSuchNumber, "no such number in context "+context)
		return nil, false
	}
	asking.transfer = &wish
	return &destined{found: found, number: number, context: context}, false
}

// transferContext is where the numbers of asking's transfers are looked up. ""
// says that nothing is known of a party that was dialled.
func (t *task) transferContext(asking *Call, o Options) (context string, allowed bool) {
	switch v := o.Value("transfer_context").(type) {
	case lua.LString:
		return string(v), true
	case lua.LBool:
		if !bool(v) {
			return "", false
		}
	}
	if asking.transfer.Context != "" || asking != t.call {
		return asking.transfer.Context, true
	}
	return asking.context, true
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
	c := t.detach(peer, t.site, t.version)
	c.context, c.extension = to.context, to.number
	c.given = to.vars
	t.log.Info("transfer", "leg", c.id, "extension", c.extension, "context", c.context)
	t.launch(peer, c, to.found)
}

// detach makes of a party a call of its own, which launch then sets going. To
// t's script it is a party that has ended.
func (t *task) detach(peer *Call, site *Site, v *host.Version) *Call {
	c := &Call{
		leg: peer.leg, id: peer.id, began: peer.began, answered: peer.answered, early: peer.early, held: peer.held, line: peer.line,
		caller: call.Party{Number: peer.ownNumber()}, language: peer.language,
	}
	c.task = newTask(t.api, site, v, t.api.services.Log.With("call", c.id))
	c.task.call, c.task.followed = c, true
	c.story = peer.story
	peer.ended = &call.HungUp{Cause: call.CauseNormal, Reason: "transferred", ByUs: true}
	peer.leg, peer.line = departed{peer.leg.Info()}, nil
	t.forget(peer)
	return c
}

// launch lets c, detached from peer, be served on a goroutine of its own.
func (t *task) launch(peer, c *Call, found route.Match) {
	t.clock.Hold()
	t.api.calls.take(c)
	t.api.activity.begin()
	peer.heir.Store(c)
	go c.task.serve(found)
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
