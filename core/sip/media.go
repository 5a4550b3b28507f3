package sip

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/sdp"
	"github.com/moonwire/moonwire/core/trace"
)

// audio is the media of one leg: an *rtp.Session, or a stand-in of the tests.
type audio interface {
	call.Port
	call.Pusher
	Worker() *media.Worker // nil where there is none
	LocalPort() int
	Configure(sdp.Agreement)
	SendDigits(d call.SendDigits, done func())
}

// audioOptions is what a leg wants of its media.
type audioOptions struct {
	log     *slog.Logger
	beside  call.Leg
	digit   func(call.Digit)
	silence func(time.Duration)
	format  func(call.Format) // the far end took another codec that was agreed
	inband  bool              // digits are tones in the audio
	noTones bool              // digits never come as tones
	tape    *trace.Tape
	nat     bool // media may come from elsewhere than SDP says
}

// negotiation is how far offer and answer of a leg have come (RFC 3264). The
// leg's lock guards it.
type negotiation struct {
	session   uint64
	local     *sdp.Description // what we last said
	offer     *sdp.Description // ours, without an answer yet
	agreed    sdp.Agreement
	direction sdp.Direction // what we want; SendOnly holds the far end
	complete  bool          // one exchange is done
}

// capabilities is what we can do on this leg.
func (l *leg) capabilities() sdp.Capabilities {
	return sdp.Capabilities{
		Address: l.endpoint.mediaIP(l.dialog.flow), Port: l.audio.LocalPort(),
		SessionID: l.media.session, Version: 1, Previous: l.media.local,
		Codecs: l.codecs, PTime: l.peer.media.PTime,
		Telephone:    l.peer.media.DTMF == DTMFAuto || l.peer.media.DTMF == DTMFRTP,
		ComfortNoise: true, RTCPMux: true, Direction: l.media.direction,
	}
}

// makeOffer describes what we want; its answer is awaited from now on.
func (l *leg) makeOffer() []byte {
	d := sdp.Offer(l.capabilities())
	l.media.offer = d
	return d.Append(nil)
}

// takeOffer answers the far end's offer and puts it into force.
func (l *leg) takeOffer(body []byte) ([]byte, error) {
	offer, err := sdp.Parse(body)
	if err != nil {
		return nil, err
	}
	answer, agreement, err := sdp.Answer(offer, l.capabilities())
	if err != nil {
		return nil, err
	}
	l.media.local = answer
	l.agree(agreement)
	return answer.Append(nil), nil
}

// takeAnswer takes the answer to the offer that is out.
func (l *leg) takeAnswer(body []byte) error {
	answer, err := sdp.Parse(body)
	if err != nil {
		return err
	}
	agreement, err := sdp.Accept(l.media.offer, answer, l.capabilities())
	if err != nil {
		return err
	}
	l.media.local, l.media.offer = l.media.offer, nil
	l.agree(agreement)
	return nil
}

// agree puts an agreement into force and tells what changed by it.
func (l *leg) agree(a sdp.Agreement) {
	before, first := l.media.agreed, !l.media.complete
	l.media.agreed, l.media.complete = a, true
	if !first && before == a {
		return
	}
	l.audio.Configure(a)
	l.format = a.Format
	held := a.OnHold
	if held != l.held {
		l.held = held
		l.log.Info("hold changed by the far end", "held", held)
		l.events.Post(call.HeldChanged{On: held})
	}
	moved := before.Format != a.Format || before.Remote != a.Remote && a.Remote.IsValid() && before.Remote.IsValid()
	if !first && moved {
		l.events.Post(call.MediaChanged{Format: a.Format})
	}
}

// sdpBody is the description in a message, nil where it has no body; ok is false
// where the body is something else. Of several parts the first description
// counts (RFC 5621).
func sdpBody(m sipgo.Message) (description []byte, ok bool) {
	body := m.Body()
	if len(body) == 0 {
		return nil, true
	}
	kind, parameters, err := mime.ParseMediaType(value(m, "content-type"))
	if err != nil {
		return nil, false
	}
	if kind == sdp.ContentType {
		return body, true
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return nil, false
	}
	parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for range 8 {
		p, err := parts.NextPart()
		if err != nil {
			break
		}
		if inner, _, err := mime.ParseMediaType(p.Header.Get("Content-Type")); err == nil && inner == sdp.ContentType {
			description, err := io.ReadAll(io.LimitReader(p, maxMessage))
			return description, err == nil
		}
	}
	return nil, false
}

// mediaRefusal is the answer to an offer that cannot be taken (RFC 3261, 20.43).
func (l *leg) mediaRefusal(err error) answer {
	return refuseMedia(err, l.endpoint.settings.Load().Realm, l.log)
}

func refuseMedia(err error, agent string, log *slog.Logger) answer {
	a := answer{status: 488}
	warn := func(code int, text string) {
		a.fields = append(a.fields, field{"Warning", strconv.Itoa(code) + " " + agent + ` "` + strings.ReplaceAll(text, `"`, "'") + `"`})
	}
	var none *sdp.NoCommonCodec
	switch {
	case errors.As(err, &none):
		log.Warn("no codec in common", "theirs", strings.Join(none.Theirs, " "), "ours", strings.Join(none.Ours, " "))
		warn(305, "Incompatible media format: we have "+strings.Join(none.Ours, ", "))
	case errors.Is(err, sdp.ErrNoAudio), errors.Is(err, sdp.ErrRejected):
		log.Warn("no usable audio line", "error", err)
		warn(304, "Media type not available")
	default:
		log.Warn("session description not readable", "error", err)
		a = answer{status: 400, reason: "Bad Session Description"}
	}
	return a
}
