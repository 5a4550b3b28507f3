package sip

import "github.com/moonwire/moonwire/core/call"

// What may be asked of a leg depends on who called and on how far the call has
// come. This table is the whole of it; signals that come too late to matter
// (ringing a call that is answered) do nothing, those that make no sense are
// refused.

type stage uint8 // set of call.State

const (
	trying stage = 1 << iota
	ringing
	early
	answered

	unanswered = trying | ringing | early
	living     = unanswered | answered
)

func stageOf(s call.State) stage { return 1 << s }

type signalKind uint8

const (
	sigRing signalKind = iota
	sigProgress
	sigAnswer
	sigHangup
	sigDigits
	sigHold
	sigTransfer
	sigRedirect
	sigIdentify
	sigRefuseTransfer
	numSignals
)

type rule struct {
	incoming, outgoing stage // where it is carried out
	idle               stage // where it does nothing
}

var rules = [numSignals]rule{
	sigRing:     {incoming: trying | early, idle: ringing | answered},
	sigProgress: {incoming: trying | ringing, idle: early | answered},
	sigAnswer:   {incoming: unanswered, idle: answered},
	sigHangup:   {incoming: living, outgoing: living},
	sigDigits:   {incoming: early | answered, outgoing: early | answered},
	sigHold:     {incoming: answered, outgoing: answered},
	sigTransfer: {incoming: answered, outgoing: answered},
	sigRedirect: {incoming: unanswered},
	sigIdentify: {incoming: living, outgoing: answered},

	sigRefuseTransfer: {incoming: answered, outgoing: answered},
}

func kindOf(s call.Signal) (signalKind, bool) {
	switch s.(type) {
	case call.Ring:
		return sigRing, true
	case call.Progress:
		return sigProgress, true
	case call.Answer:
		return sigAnswer, true
	case call.Hangup:
		return sigHangup, true
	case call.SendDigits:
		return sigDigits, true
	case call.Hold:
		return sigHold, true
	case call.Transfer:
		return sigTransfer, true
	case call.Redirect:
		return sigRedirect, true
	case call.Identify:
		return sigIdentify, true
	case call.RefuseTransfer:
		return sigRefuseTransfer, true
	}
	return 0, false
}

// judge says whether a signal is to be carried out (act), or why not.
func judge(s call.Signal, state call.State, incoming bool) (act bool, err error) {
	kind, ok := kindOf(s)
	if !ok {
		return false, call.ErrNotSupported
	}
	if state == call.Ended {
		return false, call.ErrHungUp
	}
	r, at := rules[kind], stageOf(state)
	allowed := r.outgoing
	if incoming {
		allowed = r.incoming
	}
	switch {
	case allowed&at != 0:
		return true, nil
	case r.idle&at != 0:
		return false, nil
	}
	return false, call.ErrNotSupported
}
