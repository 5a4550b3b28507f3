package sip

import (
	"strconv"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/clock"
)

// serverTx is a request that we answer.
type serverTx struct {
	layer  *transactions
	table  *txTable
	key    string
	flow   flow
	invite bool
	call   *leg // the INVITE's, for CANCEL; set once under mu

	mu       sync.Mutex
	about    about // what it belongs to
	state    txState
	last     []byte // what was answered last
	interval time.Duration
	until    time.Time
	timer    clock.Timer
	open     bool // a refusal waits for its ACK
	accepted bool // a 2xx to an INVITE was sent
}

// receive finds the transaction of req, or makes it; fresh tells which. What is
// not fresh is a retransmission, an inRequest for it.
func (t *transactions) receive(req *sipgo.Request, key string, f flow) (tx *serverTx, fresh bool) {
	t.mu.Lock()
	tx = t.server[key]
	if tx == nil {
		tx = &serverTx{layer: t, table: &otherServer, key: key, flow: f, invite: req.Method == sipgo.INVITE}
		tx.about.callID = string(*req.CallID())
		if tx.invite {
			tx.table, tx.state = &inviteServer, txProceeding
		}
		t.server[key] = tx
		fresh = true
	}
	t.mu.Unlock()
	return tx, fresh
}

// of says what the transaction belongs to.
func (tx *serverTx) of(a about) {
	tx.mu.Lock()
	tx.about = a
	tx.mu.Unlock()
}

func (tx *serverTx) belongs() about {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.about
}

// find is the server transaction with this key, nil where there is none.
func (t *transactions) find(key string) *serverTx {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.server[key]
}

// respond sends an answer of this status.
func (tx *serverTx) respond(status int, message []byte) error {
	switch {
	case status < 200:
		return tx.step(inProvisional, message)
	case status < 300:
		return tx.step(inSuccess, message)
	}
	return tx.step(inRefusal, message)
}

// after calls f unless some answer was sent within d.
func (tx *serverTx) after(d time.Duration, f func()) {
	tx.mu.Lock()
	if tx.last == nil && tx.timer == nil {
		tx.timer = tx.layer.clock.AfterFunc(d, f)
	}
	tx.mu.Unlock()
}

func (tx *serverTx) step(in txInput, message []byte) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.state == txDone {
		return nil
	}
	s, ok := tx.table[tx.state][in]
	if !ok {
		return nil
	}
	tx.state = s.next
	again := s.action == doResend || tx.accepted || message != nil && tx.last != nil && &tx.last[0] == &message[0]
	switch s.action {
	case doSend:
		tx.keep(message)
	case doSendLinger:
		tx.keep(message)
		if !tx.invite && tx.flow.reliable() {
			return tx.finish()
		}
		tx.layer.long.add(tx)
	case doSendRetry:
		tx.keep(message)
		tx.open = true
		tx.layer.opened(1)
		tx.interval = tx.layer.timing.t1
		tx.until = tx.layer.clock.Now().Add(tx.layer.timing.giveUp())
		tx.arm()
	case doLingerShort:
		tx.stop()
		tx.settle()
		tx.layer.short.add(tx)
		return nil
	case doNothing:
		return nil
	}
	if tx.last == nil {
		return nil
	}
	last := tx.last
	if tx.accepted = tx.state == txAccepted; tx.accepted { // who accepted repeats it, as long as it is needed
		tx.last = nil
	}
	return tx.layer.write(tx.flow, last, tx.about, again)
}

// finish answers over a reliable transport, where nothing is retransmitted.
func (tx *serverTx) finish() error {
	tx.state = txDone
	tx.layer.mu.Lock()
	delete(tx.layer.server, tx.key)
	tx.layer.mu.Unlock()
	return tx.layer.write(tx.flow, tx.last, tx.about, false)
}

func (tx *serverTx) keep(message []byte) {
	tx.stop()
	tx.last = message
}

func (tx *serverTx) stop() {
	if tx.timer != nil {
		tx.timer.Stop()
		tx.timer = nil
	}
}

// settle counts the transaction out of those that may be sent again; tx.mu is held.
func (tx *serverTx) settle() {
	if tx.open {
		tx.open = false
		tx.layer.opened(-1)
	}
}

// arm sets timer G, which also serves as timer H.
func (tx *serverTx) arm() {
	d := tx.interval
	if left := tx.until.Sub(tx.layer.clock.Now()); d > left || tx.flow.reliable() {
		d = left
	}
	tx.timer = tx.layer.clock.AfterFunc(d, tx.retry)
}

func (tx *serverTx) retry() {
	tx.mu.Lock()
	if tx.state != txCompleted || tx.timer == nil {
		tx.mu.Unlock()
		return
	}
	if !tx.layer.clock.Now().Before(tx.until) {
		tx.mu.Unlock()
		tx.forget()
		return
	}
	tx.interval = min(2*tx.interval, tx.layer.timing.t2)
	tx.arm()
	tx.mu.Unlock()
	tx.step(inRetry, nil)
}

// setCall says whose INVITE this is.
func (tx *serverTx) setCall(l *leg) {
	tx.mu.Lock()
	tx.call = l
	tx.mu.Unlock()
}

func (tx *serverTx) owner() *leg {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.call
}

// refused reports whether an ACK for this transaction acknowledges a refusal,
// and whether one did before.
func (tx *serverTx) refused() (refused, again bool) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.state == txCompleted || tx.state == txConfirmed, tx.state == txConfirmed
}

func (tx *serverTx) forget() {
	tx.mu.Lock()
	tx.state = txDone
	tx.last, tx.call = nil, nil
	tx.stop()
	tx.settle()
	tx.mu.Unlock()
	tx.layer.mu.Lock()
	delete(tx.layer.server, tx.key)
	tx.layer.mu.Unlock()
}

// serverKey identifies the transaction of a request (RFC 3261, 17.2.3); ACK and
// CANCEL are looked up under INVITE.
func serverKey(req *sipgo.Request, method string) string {
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	if strings.HasPrefix(branch, magicCookie) && len(branch) > len(magicCookie) {
		return branch + "|" + via.Host + ":" + strconv.Itoa(via.Port) + "|" + method
	}
	fromTag, _ := req.From().Params.Get("tag")
	return "2543|" + string(*req.CallID()) + "|" + fromTag + "|" + via.SentBy() + "|" +
		strconv.FormatUint(uint64(req.CSeq().SeqNo), 10) + "|" + method
}
