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
//	register.go, qualify.go, trunk.go                   what happens without one
//	observe.go       every message on its way, for traces
//
// sipgo parses messages and keeps connections. Its transactions are not used:
// they hold every finished message, parsed, for 32 seconds, answer CANCEL with a
// tag of their own, need a goroutine for each outgoing call, and know real time
// only. None of its types leaves the package.
package sip
