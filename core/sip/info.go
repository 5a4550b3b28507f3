package sip

import (
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
)

const (
	usualDigit = 100 * time.Millisecond
	pause      = 500 * time.Millisecond // that 'w' stands for
)

// sendDigits plays DTMF: in the media, or by INFO where the peer is configured so.
func (l *leg) sendDigits(d call.SendDigits) error {
	if l.peer.media.DTMF != DTMFInfo {
		l.audio.SendDigits(d, nil)
		return nil
	}
	if d.Duration <= 0 {
		d.Duration = usualDigit
	}
	if d.Gap <= 0 {
		d.Gap = usualDigit
	}
	l.sendInfo(d)
	return nil
}

// sendInfo sends one key and, once it was answered and its time is over, the next.
func (l *leg) sendInfo(d call.SendDigits) {
	if strings.HasPrefix(d.Digits, "w") || strings.HasPrefix(d.Digits, "W") {
		d.Digits = d.Digits[1:]
		l.after(pause, func() { l.sendInfo(d) })
		return
	}
	if d.Digits == "" {
		return
	}
	key, rest := d.Digits[:1], call.SendDigits{Digits: d.Digits[1:], Duration: d.Duration, Gap: d.Gap}
	if _, ok := digitKey(key); !ok {
		l.sendInfo(rest)
		return
	}
	r := l.request("INFO")
	r.contentType = "application/dtmf-relay"
	r.body = []byte("Signal=" + strings.ToUpper(key) + "\r\nDuration=" + strconv.Itoa(int(d.Duration/time.Millisecond)) + "\r\n")
	l.start(r, func(res *sipgo.Response) {
		if res == nil || res.StatusCode >= 300 {
			l.log.Warn("INFO with a digit was refused")
		}
		l.after(d.Duration+d.Gap, func() { l.sendInfo(rest) })
	})
}

// informed takes INFO: digits, or nothing that we know (RFC 6086 allows an empty one).
func (l *leg) informed(req *sipgo.Request, tx *serverTx) {
	if len(req.Body()) == 0 {
		l.respond(tx, req, answer{status: 200})
		return
	}
	key, length, ok := infoDigit(value(req, "content-type"), req.Body())
	if !ok {
		l.respond(tx, req, answer{status: 415, fields: []field{{"Accept", allowedBodies}}})
		return
	}
	l.respond(tx, req, answer{status: 200})
	l.events.Post(call.Digit{Key: key, Duration: length, Via: call.ViaInfo})
}
