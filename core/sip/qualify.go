package sip

import (
	"context"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/sip/registrar"
)

// Qualifying asks a peer with OPTIONS now and then whether it is there. Any
// answer at all, even a refusal, says yes. It also keeps the NAT's way open.

// goodbye is how long taking a registration back may take.
const goodbye = 2 * time.Second

// qualifier asks all contacts of one phone.
type qualifier struct {
	endpoint *Endpoint
	phone    string
	timer    clock.Timer
}

// watch begins to qualify a phone that wants it and is not qualified yet.
func (e *Endpoint) watch(phone string) {
	p := e.settings.Load().phones[phone]
	if p == nil || p.Qualify <= 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.qualify[phone] == nil && !e.draining {
		q := &qualifier{endpoint: e, phone: phone}
		e.qualify[phone] = q
		q.timer = e.clock.AfterFunc(0, q.ask)
	}
}

// ask sends one round and sets the next, until the phone is gone.
func (q *qualifier) ask() {
	e := q.endpoint
	defer e.survive("qualify")
	p := e.settings.Load().phones[q.phone]
	bindings := e.registrar.Lookup(q.phone)
	e.mu.Lock()
	if p == nil || p.Qualify <= 0 || len(bindings) == 0 || e.draining {
		delete(e.qualify, q.phone)
		e.mu.Unlock()
		return
	}
	q.timer = e.clock.AfterFunc(p.Qualify, q.ask)
	e.mu.Unlock()
	for _, b := range bindings {
		e.ping(q.phone, e.bindingHop(p, b), b.Contact, func(up bool, took time.Duration) {
			e.registrar.SetReachable(q.phone, b.ID, up, took)
		})
	}
}

// ping sends an OPTIONS and tells what became of it, once. On UDP the time-out
// is that of the transaction, 32 s.
func (e *Endpoint) ping(peer string, to flow, uri string, told func(up bool, took time.Duration)) {
	r := e.newRequest("OPTIONS", to, uri)
	r.fields = []field{{"Accept", "application/sdp"}}
	r.about = about{peer: peer, callID: r.callID}
	sent := e.clock.Now()
	_, err := e.transactions.start(r, func(res *sipgo.Response, err error) {
		switch {
		case err != nil:
			told(false, 0)
		case res.StatusCode >= 200:
			told(true, e.clock.Now().Sub(sent))
		}
	})
	if err != nil {
		told(false, 0)
	}
}

// newRequest is a request outside of dialogs, from ourselves.
func (e *Endpoint) newRequest(method string, to flow, uri string) *request {
	sentBy := e.sentBy(to)
	return &request{
		method: method, uri: uri, flow: to, via: sentBy, branch: e.branch(),
		from: "<sip:moonwire@" + sentBy + ">;tag=" + e.token(8), to: "<" + uri + ">",
		callID: e.token(12), seq: 1, contact: e.contact(to, "moonwire"), agent: e.settings.Load().agent,
	}
}

// bindingHop is where a registered phone is reached: where it registered from,
// or where its Contact says, if it is not behind NAT.
func (e *Endpoint) bindingHop(p *Phone, b registrar.Binding) flow {
	n, _ := networkNamed(b.Transport)
	f := flow{network: n, remote: b.Received, socket: e.transport.socketFor(n, b.Received.Addr())}
	if !p.NAT && n == udp && len(b.Path) == 0 {
		if a, err := parseAddress(b.Contact); err == nil {
			if to, ok := literal(&a.uri, n); ok {
				f.remote = to
			}
		}
	}
	return f
}

// startPeers begins what phones and trunks need once we listen, and ends what a
// new configuration no longer has.
func (e *Endpoint) startPeers(s *settings) {
	for name := range s.phones {
		e.watch(name)
	}
	e.mu.Lock()
	old := e.trunks
	e.trunks = make(map[string]*trunkState, len(s.trunks))
	var started, stopped []*trunkState
	for name, t := range s.trunks {
		if state := old[name]; state != nil && state.same(t) {
			e.trunks[name] = state
			state.adopt(t)
			delete(old, name)
			continue
		}
		state := newTrunkState(e, t)
		if before := old[name]; before != nil {
			state.addresses.Store(before.addresses.Load())
		}
		e.trunks[name] = state
		started = append(started, state)
	}
	for _, state := range old {
		stopped = append(stopped, state)
	}
	e.mu.Unlock()
	for _, state := range started {
		state.start()
	}
	for _, state := range stopped {
		state.retire()
	}
}

// stopPeers unregisters from trunks and ends qualifying.
func (e *Endpoint) stopPeers() {
	e.mu.Lock()
	trunks := e.trunks
	e.trunks = make(map[string]*trunkState)
	for name, q := range e.qualify {
		q.timer.Stop()
		delete(e.qualify, name)
	}
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(e.life, goodbye)
	defer cancel()
	for _, t := range trunks {
		t.retire()
	}
	for _, t := range trunks {
		t.wait(ctx)
	}
}
