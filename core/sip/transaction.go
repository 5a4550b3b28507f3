package sip

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/clock"
)

// UDP loses messages, so every request and every final answer is sent again
// until the other side shows that it came. RFC 3261, 17 puts this into four
// small machines (INVITE or not, server or client), corrected by RFC 6026 for
// answers that accept a call. They are the tables below: a state and what came
// in give the next state and one action.
//
// A transaction is not over when its answer is sent: it stays for up to 64*T1
// to recognise retransmissions. As all of one kind stay equally long they wait
// in a queue with one alarm for all, and all they keep is the answer's bytes.

// timing holds the base timers of RFC 3261, table 4.
type timing struct {
	t1 time.Duration // estimate of the round trip
	t2 time.Duration // longest interval between retransmissions
	t4 time.Duration // how long a message may stay in the network
}

// giveUp is timers B, F, H, J, L and M.
func (t timing) giveUp() time.Duration { return 64 * t.t1 }

var standardTiming = timing{500 * time.Millisecond, 4 * time.Second, 5 * time.Second}

// errTimeout is what a client transaction ends with when nobody answers.
var errTimeout = errors.New("no answer to the request")

// tryingDelay is how long an INVITE may go without a provisional answer (RFC 3261, 17.2.1).
const tryingDelay = 200 * time.Millisecond

type txState uint8

const (
	txCalling    txState = iota // client: sent; server: "Trying"
	txProceeding                // a provisional answer went by
	txCompleted                 // a final answer went by
	txConfirmed                 // INVITE server: its refusal was acknowledged
	txAccepted                  // INVITE: answered with 2xx (RFC 6026)
	txDone
)

type txInput uint8

const (
	inRequest txInput = iota // server: a retransmission of the request
	inProvisional
	inSuccess
	inRefusal
	inAck
	inRetry // the interval of retransmission ended
)

type txAction uint8

const (
	doNothing     txAction = iota
	doSend                 // server: send the new answer; client: hand it over
	doSendLinger           // the same, then stay for 64*T1
	doSendRetry            // server: send the answer until it is acknowledged
	doResend               // send again what was sent last
	doLingerShort          // stay for T4
	doAck                  // client: acknowledge the refusal, hand it over, stay
	doAckAgain
	doSendShort // client: hand over, stay for T4
)

type txStep struct {
	next   txState
	action txAction
}

type txTable [txDone]map[txInput]txStep

// RFC 3261, figure 7, and RFC 6026, 7.1.
var inviteServer = txTable{
	txProceeding: {
		inRequest:     {txProceeding, doResend},
		inProvisional: {txProceeding, doSend},
		inSuccess:     {txAccepted, doSendLinger},
		inRefusal:     {txCompleted, doSendRetry},
	},
	txCompleted: {
		inRequest: {txCompleted, doResend},
		inRetry:   {txCompleted, doResend},
		inAck:     {txConfirmed, doLingerShort},
	},
	txAccepted: {inSuccess: {txAccepted, doSend}},
}

// RFC 3261, figure 8.
var otherServer = txTable{
	txCalling: {
		inProvisional: {txProceeding, doSend},
		inSuccess:     {txCompleted, doSendLinger},
		inRefusal:     {txCompleted, doSendLinger},
	},
	txProceeding: {
		inRequest:     {txProceeding, doResend},
		inProvisional: {txProceeding, doSend},
		inSuccess:     {txCompleted, doSendLinger},
		inRefusal:     {txCompleted, doSendLinger},
	},
	txCompleted: {inRequest: {txCompleted, doResend}},
}

// RFC 3261, figure 5, and RFC 6026, 7.2.
var inviteClient = txTable{
	txCalling: {
		inRetry:       {txCalling, doResend},
		inProvisional: {txProceeding, doSend},
		inSuccess:     {txAccepted, doSendLinger},
		inRefusal:     {txCompleted, doAck},
	},
	txProceeding: {
		inProvisional: {txProceeding, doSend},
		inSuccess:     {txAccepted, doSendLinger},
		inRefusal:     {txCompleted, doAck},
	},
	txCompleted: {inRefusal: {txCompleted, doAckAgain}},
	txAccepted:  {inSuccess: {txAccepted, doSend}},
}

// RFC 3261, figure 6.
var otherClient = txTable{
	txCalling: {
		inRetry:       {txCalling, doResend},
		inProvisional: {txProceeding, doSend},
		inSuccess:     {txCompleted, doSendShort},
		inRefusal:     {txCompleted, doSendShort},
	},
	txProceeding: {
		inRetry:       {txProceeding, doResend},
		inProvisional: {txProceeding, doSend},
		inSuccess:     {txCompleted, doSendShort},
		inRefusal:     {txCompleted, doSendShort},
	},
}

// transactions holds all that are under way. Any goroutine.
type transactions struct {
	clock  clock.Clock
	timing timing
	write  func(flow, []byte) error

	mu     sync.Mutex
	server map[string]*serverTx
	client map[string]*clientTx

	long, short lingering
}

func newTransactions(c clock.Clock, t timing, write func(flow, []byte) error) *transactions {
	return &transactions{
		clock: c, timing: t, write: write,
		server: make(map[string]*serverTx),
		client: make(map[string]*clientTx),
		long:   lingering{clock: c, life: t.giveUp()},
		short:  lingering{clock: c, life: t.t4},
	}
}

// lingering forgets things a fixed time after they were added.
type lingering struct {
	clock clock.Clock
	life  time.Duration

	mu      sync.Mutex
	queue   []lingerer
	running bool
}

type lingerer struct {
	until time.Time
	tx    interface{ forget() }
}

func (l *lingering) add(tx interface{ forget() }) {
	l.mu.Lock()
	l.queue = append(l.queue, lingerer{l.clock.Now().Add(l.life), tx})
	if !l.running {
		l.running = true
		l.clock.AfterFunc(l.life, l.sweep)
	}
	l.mu.Unlock()
}

func (l *lingering) sweep() {
	l.mu.Lock()
	now := l.clock.Now()
	n := 0
	for n < len(l.queue) && !l.queue[n].until.After(now) {
		n++
	}
	due := append([]lingerer(nil), l.queue[:n]...)
	l.queue = append(l.queue[:0:0], l.queue[n:]...)
	if l.running = len(l.queue) > 0; l.running {
		// A little late, so that one alarm serves many.
		l.clock.AfterFunc(l.queue[0].until.Sub(now)+l.life/32, l.sweep)
	}
	l.mu.Unlock()
	for _, d := range due {
		d.tx.forget()
	}
}

// serverTx is a request that we answer.
type serverTx struct {
	layer  *transactions
	table  *txTable
	key    string
	flow   flow
	invite bool
	call   *leg // the INVITE's, for CANCEL; set once under mu

	mu       sync.Mutex
	state    txState
	last     []byte // what was answered last
	interval time.Duration
	until    time.Time
	timer    clock.Timer
}

// receive finds the transaction of req, or makes it; fresh tells which. A
// retransmission has been dealt with when receive returns.
func (t *transactions) receive(req *sipgo.Request, key string, f flow) (tx *serverTx, fresh bool) {
	t.mu.Lock()
	tx = t.server[key]
	if tx == nil {
		tx = &serverTx{layer: t, table: &otherServer, key: key, flow: f, invite: req.Method == sipgo.INVITE}
		if tx.invite {
			tx.table, tx.state = &inviteServer, txProceeding
		}
		t.server[key] = tx
		fresh = true
	}
	t.mu.Unlock()
	if !fresh {
		tx.step(inRequest, nil)
	}
	return tx, fresh
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
	switch s.action {
	case doSend:
		tx.keep(message)
	case doSendLinger:
		tx.keep(message)
		if !tx.invite && tx.flow.reliable() {
			return tx.finish(tx.last)
		}
		tx.layer.long.add(tx)
	case doSendRetry:
		tx.keep(message)
		tx.interval = tx.layer.timing.t1
		tx.until = tx.layer.clock.Now().Add(tx.layer.timing.giveUp())
		tx.arm()
	case doLingerShort:
		tx.stop()
		tx.layer.short.add(tx)
		return nil
	case doNothing:
		return nil
	}
	if tx.last == nil {
		return nil
	}
	last := tx.last
	if tx.state == txAccepted { // who accepted repeats it, as long as it is needed
		tx.last = nil
	}
	return tx.layer.write(tx.flow, last)
}

// finish answers over a reliable transport, where nothing is retransmitted.
func (tx *serverTx) finish(message []byte) error {
	tx.state = txDone
	tx.layer.mu.Lock()
	delete(tx.layer.server, tx.key)
	tx.layer.mu.Unlock()
	return tx.layer.write(tx.flow, message)
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

// ack takes the ACK of a refusal; false says that there is none to acknowledge.
func (tx *serverTx) ack() bool {
	tx.mu.Lock()
	refused := tx.state == txCompleted || tx.state == txConfirmed
	tx.mu.Unlock()
	if refused {
		tx.step(inAck, nil)
	}
	return refused
}

func (tx *serverTx) forget() {
	tx.mu.Lock()
	tx.state = txDone
	tx.last, tx.call = nil, nil
	tx.stop()
	tx.mu.Unlock()
	tx.layer.mu.Lock()
	delete(tx.layer.server, tx.key)
	tx.layer.mu.Unlock()
}

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
	t.mu.Unlock()
	tx.mu.Lock()
	tx.interval = t.timing.t1
	tx.until = t.clock.Now().Add(t.timing.giveUp())
	tx.arm()
	bytes := tx.bytes
	tx.mu.Unlock()
	if err := t.write(r.flow, bytes); err != nil {
		tx.forget()
		return nil, err
	}
	return tx, nil
}

// deliver hands a response to its transaction; false where there is none.
func (t *transactions) deliver(res *sipgo.Response) bool {
	via, cseq := res.Via(), res.CSeq()
	if via == nil || cseq == nil {
		return false
	}
	branch, _ := via.Params.Get("branch")
	t.mu.Lock()
	tx := t.client[branch+"|"+string(cseq.MethodName)]
	t.mu.Unlock()
	if tx == nil {
		return false
	}
	tx.answered(res)
	return true
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
		tx.bytes = tx.request.hop("ACK", headerText(res.To())).render()
		tx.layer.long.add(tx)
	}
	bytes := tx.bytes
	tx.mu.Unlock()
	if s.action == doAck || again {
		tx.layer.write(tx.request.flow, bytes)
	}
	if !again {
		tx.on(res, nil)
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
	tx.layer.write(tx.request.flow, bytes)
}

func (tx *clientTx) forget() {
	tx.mu.Lock()
	tx.state = txDone
	tx.bytes = nil
	tx.stop()
	tx.mu.Unlock()
	tx.layer.mu.Lock()
	delete(tx.layer.client, tx.key)
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

// headerText is the value of a To or From header as it is written.
func headerText(h sipgo.Header) string { return h.Value() }

// hostPort writes an address as in a URI.
func hostPort(a netip.AddrPort) string { return a.String() }
