package sip

import (
	"errors"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/rtp"
)

// lostAfter is how long no media may come before the script is told.
const lostAfter = 30 * time.Second

var _ audio = (*rtp.Session)(nil)

// openRTP gives a leg its media, on the worker of the leg that it will probably
// be bridged to.
func (e *Endpoint) openRTP(o audioOptions) (audio, error) {
	if e.ports == nil || e.engine == nil {
		return nil, errors.New("sip: the endpoint was made without media")
	}
	session, err := e.ports.Open(e.workerBeside(o.beside), rtp.Options{
		Clock: e.clock, Log: o.log, Rand: &e.random, OnDigit: o.digit, OnSilence: o.silence, Silence: lostAfter,
		Tape: o.tape, OnFormat: o.format, Inband: o.inband, NoTones: o.noTones, Asymmetric: !o.nat,
	})
	if err != nil {
		return nil, err
	}
	return session, nil
}

func (e *Endpoint) workerBeside(beside call.Leg) *media.Worker {
	if beside != nil {
		if port, ok := beside.Media().(interface{ Worker() *media.Worker }); ok {
			return port.Worker()
		}
	}
	return e.engine.Worker()
}
