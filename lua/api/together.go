package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/lua/host"
)

// togetherDetail is the contract that all and race share.
const togetherDetail = "Each function gets the call and runs until it waits for something; then the next one goes on, so that only one runs at any moment and none needs a lock. " +
	"What one of them changes, the others see. An error in one cancels the others and is raised here. A hang-up ends all of them, and the script. They may use call:all and call:race in turn. " +
	"What is cancelled ends in whatever it waits for, which it cannot catch: what it plays or records stops, whom it dials or has dialled is hung up, its timers are forgotten. A recording that is cancelled is kept as far as it has come. " +
	"Where they want the same thing of one party: a sound takes the place of another, whose player gets the status \"replaced\"; connecting the party with another does so too, and a second connection fails; " +
	"a key goes to the function that began last to wait for it, a key that nobody waits for to the next read; any number may record."

var togetherEntries = []*Entry{
	{On: "call", Name: "all", Phase: Running, Summary: "Does several things at once, and waits until all are done.",
		Detail: togetherDetail,
		Params: []Field{{Name: "functions", Type: listOf(function("fun(call: call): ...")), Required: true, Summary: "what to do, at most 16"}},
		Results: []Field{
			{Name: "first", Type: anything(), Summary: "what the first function returned"},
			{Name: "second", Type: anything(), Summary: "what the second returned, and so on: one value each"},
		},
		Example: `context "internal":extension("662", function(call)
  local take, digits = call:all {
    function() return call:record { path = "orders/" .. call.id .. ".wav", max = 60 } end,
    function() return call:read { max = 4, timeout = 20, terminators = "" } end,
  }
  log.info("%s, order %s", take.status, tostring(digits))
end)`,
		Func: (*Args).all},
	{On: "call", Name: "race", Phase: Running, Summary: "Does several things at once until the first is done, and cancels the others.",
		Detail: togetherDetail,
		Params: []Field{{Name: "functions", Type: listOf(function("fun(call: call): ...")), Required: true, Summary: "what to do, from 1 to 16"}},
		Results: []Field{
			{Name: "index", Type: whole(), Summary: "which of the functions was done first"},
			{Name: "result", Type: anything(), Summary: "what it returned; all its values follow"},
		},
		Example: `context "internal":extension("663", function(call)
  local first, result = call:race {
    function() while true do call:play "pls-wait-connect-call" end end,
    function() return call:dial { "sip/1001", "sip/1002", timeout = 30, bridge = false } end,
    function() return call:read { max = 1, timeout = 60 } end,
  }
  if first == 2 and result.status == "answered" then call:bridge(result.peer) end
end)`,
		Func: (*Args).race},
}

const mostBranches = 16 // functions of one call:all

// branch is one of the functions that go on at once. It belongs to the task's
// goroutine and to those of its branches, of which one runs at a time: the
// goroutine that called all or race waits while a branch runs. A branch that
// waits for something (task.wait) gives its turn back and leaves a test of
// whether it can go on; the task's goroutine, which takes in all that happens,
// lets it go on as soon as that test is true.
type branch struct {
	task  *task
	outer *branch // that it is a part of
	run   *host.Branch
	begun bool
	ended bool
	ready func() bool // whether what it waits for has happened
	place place
}

// place is what a task knows of where its script is. Each branch has its own.
type place struct {
	extension, context string
	entered            int
}

func (t *task) place() place {
	p := place{entered: t.entered}
	if t.call != nil {
		p.extension, p.context = t.call.extension, t.call.context
	}
	return p
}

func (t *task) moveTo(p place) {
	t.entered = p.entered
	if t.call != nil {
		t.call.extension, t.call.context = p.extension, p.context
	}
}

func (a *Args) all() int {
	together := a.branches()
	defer cancelAll(together)
	a.runTogether(together, func() bool {
		for _, b := range together {
			if !b.ended {
				return false
			}
		}
		return true
	})
	results := make([]lua.LValue, len(together))
	for i, b := range together {
		results[i] = lua.LNil
		if values := b.run.Results(); len(values) > 0 {
			results[i] = values[0]
		}
	}
	return a.Return(results...)
}

func (a *Args) race() int {
	together := a.branches()
	if len(together) == 0 {
		a.Fail("needs at least one function")
	}
	defer cancelAll(together)
	first := -1
	a.runTogether(together, func() bool {
		for i, b := range together {
			if b.ended {
				first = i
				return true
			}
		}
		return false
	})
	return a.Return(append([]lua.LValue{lua.LNumber(first + 1)}, together[first].run.Results()...)...)
}

// branches makes a branch of each function that was given.
func (a *Args) branches() (together []*branch) {
	c := a.Call()
	list := a.L.Get(a.base).(*lua.LTable)
	if list.Len() > mostBranches {
		a.Fail("more than %d functions at once", mostBranches)
	}
	made := false
	defer func() {
		if !made {
			cancelAll(together)
		}
	}()
	for i := 1; i <= list.Len(); i++ {
		f, ok := list.RawGetInt(i).(*lua.LFunction)
		if !ok {
			a.Fail("functions[%d] is not a function", i)
		}
		together = append(together, &branch{
			task: c.task, outer: c.task.branch, run: a.State.NewBranch(a.L, f, a.wrapped(c)), place: c.task.place(),
		})
	}
	made = true
	return together
}

// runTogether lets branches go on by turns until over. It raises what one of
// them raises.
func (a *Args) runTogether(together []*branch, over func() bool) {
	for !over() {
		for _, b := range together {
			if !b.waits() {
				b.resume()
			}
			if b.ended && b.run.Failed() {
				cancelAll(together)
				b.run.Raise()
			}
			if over() {
				return
			}
		}
		a.wait(together[0].task, func() bool {
			for _, b := range together {
				if !b.ended && !b.waits() {
					return true
				}
			}
			return false
		})
	}
}

// cancelAll ends the branches that have not ended, and forgets all.
func cancelAll(together []*branch) {
	for _, b := range together {
		b.cancel()
		b.run.Forget()
	}
}

// waits reports whether there is nothing to do in the branch at present.
func (b *branch) waits() bool { return b.ended || b.begun && !b.ready() }

// resume lets the branch go on until it waits again or ends.
func (b *branch) resume() {
	b.turn(func() { b.ended = b.run.Resume() })
	switch {
	case !b.ended:
	case b.run.Failed():
		b.release()
	default:
		b.bequeath()
	}
}

// turn runs f as the branch.
func (b *branch) turn(f func()) {
	t, outer, place := b.task, b.task.branch, b.task.place()
	t.moveTo(b.place)
	t.branch, b.begun = b, true
	defer func() {
		b.place = t.place()
		t.moveTo(place)
		t.branch = outer
	}()
	f()
}

// await gives the turn back until ready. It runs in the branch.
func (b *branch) await(ready func() bool) {
	b.ready = ready
	b.run.Wait()
}

// cancel ends the branch and all that it started, if it has not ended.
func (b *branch) cancel() {
	if b.ended {
		return
	}
	b.turn(b.run.Cancel)
	b.ended = true
	b.release()
}

// release ends what the branch started and that outlives the functions it
// called: parties that it dialled, and timers.
func (b *branch) release() {
	t := b.task
	for al := range t.alarms {
		if al.owner == b {
			al.stop()
		}
	}
	for _, p := range t.peers {
		if p.owner == b {
			p.drop(call.CauseNormal)
		}
	}
	for s := range t.streams {
		switch {
		case s.owner != b:
		case t.call != nil && t.call.ended != nil:
			s.owner = nil // for what the script does at the end of the call
		default:
			s.stop()
		}
	}
}

// bequeath leaves that to whom the branch is a part of.
func (b *branch) bequeath() {
	t := b.task
	for al := range t.alarms {
		if al.owner == b {
			al.owner = b.outer
		}
	}
	for _, p := range t.peers {
		if p.owner == b {
			p.owner = b.outer
		}
	}
	for s := range t.streams {
		if s.owner == b {
			s.owner = b.outer
		}
	}
}
