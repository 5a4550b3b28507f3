package sip

import (
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/clock"
)

// clientTx is a request of ours.
type clientTx struct {
	layer   *transactions
	table   *txTable
	key     string
	request *request
	on      func(*sipgo.Response, error)

	mu       sync.Mutex
	state    txState
	bytes    []byte // the request, then the ACK of its refusal
	interval time.Duration
	until    time.Time
	timer    clock.Timer
	settled  bool   // answered, or given up
	heard    uint64 // hash of the last response, where somebody observes
}

// start sends r. on is called for every answer worth knowing, or once with
// errTimeout; never before start returns an error, and without any lock held.
func (t *transactions) start(r *request, on func(*sipgo.Response, error)) (*clientTx, error) {
	tx := &clientTx{layer: t, table: &otherClient, key: r.branch + "|" + r.method, request: r, on: on, bytes: r.render()}
	if r.method == "INVITE" {
		tx.table = &inviteClient
	}
	t.mu.Lock()
	t.client[tx.key] = tx
	t.open++
	t.mu.Unlock()
	tx.mu.Lock()
	tx.interval = t.timing.t1
	tx.until = t.clock.Now().Add(t.timing.giveUp())
	tx.arm()
	bytes := tx.bytes
	tx.mu.Unlock()
	if err := t.write(r.flow, bytes, r.about, false); err != nil {
		tx.forget()
		return nil, err
	}
	return tx, nil
}

// asked is the transaction that a response with a CSeq belongs to, nil where
// there is none.
func (t *transactions) asked(res *sipgo.Response) *clientTx {
	via := res.Via()
	if via == nil {
		return nil
	}
	branch, _ := via.Params.Get("branch")
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.client[branch+"|"+string(res.CSeq().MethodName)]
}

func (tx *clientTx) answered(res *sipgo.Response) {
	in := inRefusal
	switch {
	case res.StatusCode < 200:
		in = inProvisional
	case res.StatusCode < 300:
		in = inSuccess
	}
	tx.mu.Lock()
	s, ok := tx.table[tx.state][in]
	if !ok || tx.state == txDone {
		tx.mu.Unlock()
		return
	}
	tx.state = s.next
	again := s.action == doAckAgain
	switch s.action {
	case doSend:
		if tx.request.method == "INVITE" {
			tx.stop()
		} else {
			tx.interval = tx.layer.timing.t2
		}
	case doSendLinger:
		tx.stop()
		tx.bytes = nil
		tx.layer.long.add(tx)
	case doSendShort:
		tx.stop()
		tx.bytes = nil
		tx.layer.short.add(tx)
	case doAck:
		tx.stop()
		tx.bytes = tx.request.hop("ACK", res.To().Value()).render()
		tx.layer.long.add(tx)
	}
	bytes := tx.bytes
	tx.mu.Unlock()
	if in != inProvisional {
		tx.settle()
	}
	if s.action == doAck || again {
		tx.layer.write(tx.request.flow, bytes, tx.request.about, again)
	}
	if !again {
		tx.on(res, nil)
	}
}

// settle counts the transaction out of those that may be sent again.
func (tx *clientTx) settle() {
	tx.mu.Lock()
	first := !tx.settled
	tx.settled = true
	tx.mu.Unlock()
	if first {
		tx.layer.opened(-1)
	}
}

func (tx *clientTx) stop() {
	if tx.timer != nil {
		tx.timer.Stop()
		tx.timer = nil
	}
}

// arm sets timers A and E, which also serve as B and F.
func (tx *clientTx) arm() {
	d := tx.interval
	if left := tx.until.Sub(tx.layer.clock.Now()); d > left || tx.request.flow.reliable() {
		d = left
	}
	tx.timer = tx.layer.clock.AfterFunc(d, tx.retry)
}

func (tx *clientTx) retry() {
	tx.mu.Lock()
	s, ok := tx.table[tx.state][inRetry]
	if !ok || tx.timer == nil {
		tx.mu.Unlock()
		return
	}
	if !tx.layer.clock.Now().Before(tx.until) {
		tx.mu.Unlock()
		tx.forget()
		tx.on(nil, errTimeout)
		return
	}
	tx.interval *= 2
	if tx.request.method != "INVITE" {
		tx.interval = min(tx.interval, tx.layer.timing.t2)
	}
	tx.state = s.next
	tx.arm()
	bytes := tx.bytes
	tx.mu.Unlock()
	tx.layer.write(tx.request.flow, bytes, tx.request.about, true)
}

func (tx *clientTx) forget() {
	tx.mu.Lock()
	tx.state = txDone
	tx.bytes = nil
	tx.stop()
	tx.mu.Unlock()
	tx.settle()
	tx.layer.mu.Lock()
	delete(tx.layer.client, tx.key)
	tx.layer.mu.Unlock()
}
