package sip

import (
	"errors"
	"sync"
	"time"

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
	write  func(f flow, octets []byte, of about, again bool) error

	mu     sync.Mutex
	server map[string]*serverTx
	client map[string]*clientTx

	open    int           // that may still have to be sent again
	settled chan struct{} // closed when open falls to zero; nil while nobody waits

	long, short lingering
}

func newTransactions(c clock.Clock, t timing, write func(flow, []byte, about, bool) error) *transactions {
	return &transactions{
		clock: c, timing: t, write: write,
		server: make(map[string]*serverTx),
		client: make(map[string]*clientTx),
		long:   lingering{clock: c, life: t.giveUp()},
		short:  lingering{clock: c, life: t.t4},
	}
}

// opened counts what may have to be sent again: +1, and -1 when it was answered.
func (t *transactions) opened(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open += n; t.open == 0 && t.settled != nil {
		close(t.settled)
		t.settled = nil
	}
}

// settle returns a channel that is closed when nothing has to be sent again.
func (t *transactions) settle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.settled == nil {
		t.settled = make(chan struct{})
	}
	c := t.settled
	if t.open == 0 {
		close(c)
		t.settled = nil
	}
	return c
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
