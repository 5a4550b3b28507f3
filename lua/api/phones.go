package api

import (
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/call"
)

// What a phone is doing follows from the legs that go to it and come from it:
// all that scripts serve or dial.

var phoneEntries = []*Entry{
	{Name: "phones", Phase: Running, Summary: "Lists the phones of the site and what each is doing now.",
		Results: []Field{{Name: "phones", Summary: "in the order of their declaration", Type: listOf(record(
			Field{Name: "name", Type: text(), Summary: "as it was declared"},
			Field{Name: "registered", Type: truth(), Summary: "whether it can be called"},
			Field{Name: "state", Type: words("idle", "ringing", "inuse", "hold", "unavailable"), Summary: "unavailable where it is not registered and has no call"},
			Field{Name: "calls", Type: count(), Summary: "those that it talks on or makes"},
			Field{Name: "ringing", Type: count(), Summary: "those that it has not answered"},
		))}},
		Example: `context "internal":extension("686", function(call)
  for _, phone in ipairs(phones()) do
    if phone.state == "idle" then return call:dial("sip/" .. phone.name) end
  end
  call:play "all-circuits-busy-now"
end)`,
		Func: (*Args).listPhones},
}

// lines are the legs of parties that were dialled. Any goroutine.
type lines struct {
	mu   sync.Mutex
	legs map[call.Leg]struct{}
}

func (l *lines) add(leg call.Leg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.legs == nil {
		l.legs = map[call.Leg]struct{}{}
	}
	l.legs[leg] = struct{}{}
}

func (l *lines) remove(leg call.Leg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.legs, leg)
}

// doing is what the legs of one peer come to.
type doing struct{ talking, ringing, held int }

func (d *doing) count(info call.Info) {
	switch {
	case info.State == call.Ended:
	case !info.Incoming && info.State < call.Answered:
		d.ringing++
	default:
		d.talking++
		if info.Held {
			d.held++
		}
	}
}

func (d doing) state(registered bool) string {
	switch {
	case d.talking > 0 && d.held == d.talking && d.ringing == 0:
		return "hold"
	case d.talking > 0:
		return "inuse"
	case d.ringing > 0:
		return "ringing"
	case !registered:
		return "unavailable"
	}
	return "idle"
}

// busy is what all peers are doing.
func (api *API) busy() map[string]doing {
	legs := map[call.Leg]struct{}{}
	api.lines.mu.Lock()
	for leg := range api.lines.legs {
		legs[leg] = struct{}{}
	}
	api.lines.mu.Unlock()
	api.calls.mu.Lock()
	for _, c := range api.calls.calls {
		legs[c.served] = struct{}{}
	}
	api.calls.mu.Unlock()
	peers := map[string]doing{}
	for leg := range legs {
		info := leg.Info()
		if info.Endpoint == "local" {
			continue
		}
		d := peers[info.Peer]
		d.count(info)
		peers[info.Peer] = d
	}
	return peers
}

func (a *Args) listPhones() int {
	site, peers := a.working().site, a.api.busy()
	a.State.Reserve(a.L, 512*len(site.SIP.Phones))
	list := a.L.CreateTable(len(site.SIP.Phones), 0)
	var known map[string]bool
	if f := a.api.services.Registered; f != nil {
		known = f()
	}
	for i, p := range site.SIP.Phones {
		registered := a.api.services.Registered == nil || known[p.Name]
		d := peers[p.Name]
		list.RawSetInt(i+1, tableOf(a.L, []any{
			"name", lua.LString(p.Name), "registered", registered, "state", d.state(registered), "calls", d.talking, "ringing", d.ringing,
		}))
	}
	return a.Return(list)
}
