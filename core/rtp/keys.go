package rtp

import (
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
)

// keys is how the keys of the far end are heard: as telephone-events, or, where
// none were agreed or the options say so, as tones in the audio. Only one of the
// two is reported, because gateways that send events leak the beginning of the
// tone, and phones send both.
type keys struct {
	events eventReceiver
	tones  *toneReceiver   // nil unless tones are listened for
	timer  *media.Schedule // while a key is down whose end may be lost
}

// attend decides which way keys are heard. A key that is held when the audio
// changes ends with that.
func (s *Session) attend() {
	k := &s.keys
	wanted := s.options.OnDigit != nil && !s.options.NoTones && s.agreed.Direction.Receives() &&
		(s.agreed.TelephoneReceive == 0 || s.options.Inband)
	if k.tones != nil && (!wanted || k.tones.format != s.format) {
		k.tones.renew()
		k.tones = nil
	}
	if wanted && k.tones == nil {
		k.tones = newToneReceiver(s.format, s.heardTone)
	}
}

// renewKeys begins with another sender.
func (s *Session) renewKeys() {
	s.report(s.keys.events.renew())
	if s.keys.tones != nil {
		s.keys.tones.renew()
	}
}

// hearTones looks for keys in a frame.
func (s *Session) hearTones(f *call.Frame, now time.Time) {
	k := &s.keys
	if f.Kind != call.Audio {
		k.tones.skip(f.Seq)
		return
	}
	k.tones.take(f.Seq, f.Timestamp, f.Payload, now)
	if k.timer == nil && k.tones.open() {
		k.watch(s)
	}
}

// heardTone tells of a key that was a tone. It is known to be one only when it
// has ended: until then it may be a word that begins like a key.
func (s *Session) heardTone(key byte, length time.Duration) {
	s.options.OnDigit(call.Digit{Key: key, Duration: length, Via: call.ViaInband})
}

// event takes in a telephone-event. By default a key is reported with the first
// packet of it that arrives, because a menu that waits for the release feels
// slow: people hold keys for 100 to 300 ms, and lost end packets would add more.
// The price is that its duration is not known then.
func (s *Session) event(payload []byte, timestamp uint32, marker bool, now time.Time) {
	e, ok := parseEvent(payload)
	if !ok {
		return
	}
	k := &s.keys
	s.report(k.events.take(e, timestamp, marker, now))
	if k.timer == nil && k.events.open && s.options.DigitAtEnd {
		k.watch(s)
	}
}

// report tells of keys that were telephone-events, each once.
func (s *Session) report(c change) {
	if s.options.OnDigit == nil || s.keys.tones != nil {
		return
	}
	length := time.Duration(0)
	if c.released && c.previous == 0 {
		length = s.eventLength(c.units)
	}
	if !s.options.DigitAtEnd {
		if c.pressed {
			s.options.OnDigit(call.Digit{Key: c.key, Duration: length, Via: call.ViaRTP})
		}
		return
	}
	if c.previous != 0 {
		s.options.OnDigit(call.Digit{Key: c.previous, Duration: s.eventLength(c.units), Via: call.ViaRTP})
	}
	if c.released {
		s.options.OnDigit(call.Digit{Key: c.key, Duration: length, Via: call.ViaRTP})
	}
}

func (s *Session) eventLength(units uint32) time.Duration {
	rate := s.agreed.TelephoneClock
	if rate <= 0 {
		rate = 8000
	}
	return time.Duration(units) * time.Second / time.Duration(rate)
}

// watch ends the key that is down when no more is heard of it.
func (k *keys) watch(s *Session) { k.timer = s.worker.Every(eventSilence/4, expiry{s}) }

func (k *keys) stop() {
	k.timer.Stop()
	k.timer = nil
}

// expiry ends keys whose end was lost.
type expiry struct{ s *Session }

func (x expiry) Tick(now time.Time) {
	k := &x.s.keys
	x.s.report(k.events.expire(now))
	if k.tones != nil {
		k.tones.expire(now)
	}
	if !k.events.open && (k.tones == nil || !k.tones.open()) {
		k.stop()
	}
}
