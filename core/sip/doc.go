// Package sip makes and takes calls over SIP (RFC 3261).
//
// The idea is that a call is a small object behind one lock and nothing else:
// no goroutine waits for it. Messages come in on the goroutine that reads the
// socket, run through the stages below, change the call and leave its answer;
// everything that has to happen later is an alarm of the clock.
//
//	transport.go     sockets; bytes become messages (sipgo reads and parses)
//	screen.go        what is not worth parsing is dropped or refused at once
//	transaction.go   retransmission, as the four state tables of RFC 3261, 17
//	dispatch.go      is the request sane, and whose is it
//	peers.go         who is calling, and may they
//	uas.go, uac.go   a call that comes in, a call that goes out
//	reoffer.go, timer.go, prack.go, refer.go, info.go   what happens within one
//	replaces.go, swap.go, outlet.go                     its far end is another from now on
//	register.go, qualify.go, trunk.go                   what happens without one
//	waiting.go       phones learn of their voice messages
//	observe.go       every message on its way, for traces
//
// An attended transfer changes who is at the far end of a leg, and nothing else.
// The leg keeps its identity, its events and its port of media; its dialog and
// media session are exchanged behind them. A phone that connects its two parties
// leaves two legs without a far end, which are then tied to each other. So no
// bridge, script, result of a dial, timer or limit above has to know that there
// are transfers: the alternative, an event that hands out a new leg, would have
// made each of them take its place in everything that holds the old one.
//
// sipgo parses messages and keeps connections. Its transactions are not used:
// they hold every finished message, parsed, for 32 seconds, answer CANCEL with a
// tag of their own, need a goroutine for each outgoing call, and know real time
// only. None of its types leaves the package.
package sip
