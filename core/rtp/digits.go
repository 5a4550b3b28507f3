package rtp

import (
	"io"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/media/dsp"
)

// Sending of digits: as telephone-events (RFC 4733) where the far end knows
// them, as tones in the audio where it does not. While a key or a tone sounds,
// the leg's other audio is silent, because equipment on the way may hear tones
// in it.

const (
	eventPeriod  = 20 * time.Millisecond // between packets of one key
	eventEnds    = 3                     // times that the end is said
	eventVolume  = 10                    // -dBm0
	digitTone    = 100 * time.Millisecond
	digitGap     = 100 * time.Millisecond
	shortestTone = 40 * time.Millisecond // that receivers must know, ITU-T Q.24
	longestTone  = time.Minute
	shortestGap  = 50 * time.Millisecond
	digitPause   = 500 * time.Millisecond // for each w
	segmentLimit = 0xffff                 // units that one segment can last

	relayShortest = 80 * time.Millisecond  // tone for a key of another leg
	relayLongest  = 10 * time.Second       //
	relayPatience = 150 * time.Millisecond // without news of the key
)

// SendDigits sends d to the far end after all digits before it, and calls done,
// which may be nil, on the worker when they are sent or the session is closed.
// Digits given before media is agreed wait for that. Any goroutine.
func (s *Session) SendDigits(d call.SendDigits, done func()) {
	job := digitJob{
		keys: strings.ToUpper(d.Digits),
		tone: min(max(orElse(d.Duration, digitTone), shortestTone), longestTone),
		gap:  min(max(orElse(d.Gap, digitGap), shortestGap), longestTone),
		done: done,
	}
	if !s.worker.Post(func() { s.digits.add(job) }) {
		job.finish()
	}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

type digitJob struct {
	keys string
	tone time.Duration
	gap  time.Duration
	done func()
}

func (j *digitJob) finish() {
	if j.done != nil {
		j.done()
	}
}

// phase is what happens to the key in hand.
type phase uint8

const (
	idle     phase = iota
	sounding       // the key is held, or a tone plays
	ending         // its end is said again
	silent         // gap or pause before the next
)

// digits sends digits one after another. It belongs to the worker.
type digits struct {
	session  *Session
	jobs     []digitJob
	schedule *media.Schedule

	phase phase
	spent time.Duration // in the phase; for silent: since the key was released
	until time.Duration // that the phase lasts

	code      uint8
	timestamp uint32 // of the present segment
	segment   uint32 // units of earlier segments
	ends      int    // packets with the end that were sent

	tones    media.Source // digits in band
	frame    call.Frame
	relaying bool // tones are a key of another leg
	relayed  struct {
		code     uint8
		source   uint32
		released bool
		heard    time.Time
	}
}

// busy reports whether digits are being sent or wait.
func (d *digits) busy() bool { return d.schedule != nil }

// muting reports whether other audio has to be silent now.
func (d *digits) muting() bool {
	return d.schedule != nil && (d.tones != nil || d.phase == sounding || d.phase == ending)
}

func (d *digits) add(j digitJob) {
	if d.session.closed {
		j.finish()
		return
	}
	d.jobs = append(d.jobs, j)
	d.start()
}

// start begins the first job that waits, if there is one and it can be sent.
func (d *digits) start() {
	s := d.session
	if d.schedule != nil || len(d.jobs) == 0 || s.format.IsZero() {
		return
	}
	period := eventPeriod
	if s.agreed.TelephoneSend == 0 || s.options.Inband {
		period = s.format.PTime
		j := &d.jobs[0]
		d.tones = media.Encoded(dsp.NewDTMF(j.keys, dsp.DTMFOptions{Tone: j.tone, Gap: j.gap, Pause: digitPause}))
	}
	d.phase = idle
	d.schedule = s.worker.Every(period, d)
}

// finish ends the job in hand and begins the next.
func (d *digits) finish() {
	d.halt()
	if !d.relaying {
		j := d.jobs[0]
		d.jobs = d.jobs[1:]
		j.finish()
	}
	d.relaying = false
	d.start()
}

func (d *digits) halt() {
	d.schedule.Stop()
	d.schedule, d.tones, d.phase = nil, nil, idle
}

// abandon ends all jobs, as the session is closed.
func (d *digits) abandon() {
	d.halt()
	d.relaying = false
	jobs := d.jobs
	d.jobs = nil
	for i := range jobs {
		jobs[i].finish()
	}
}

// Tick goes on with the job in hand.
func (d *digits) Tick(now time.Time) {
	if d.tones != nil {
		d.playTone(now)
		return
	}
	d.spent += eventPeriod
	switch d.phase {
	case idle:
		d.next(now)
	case sounding:
		d.hold()
	case ending:
		d.ends++
		d.sendEnd()
	case silent:
		if d.spent >= d.until {
			d.next(now)
		}
	}
}

// next takes the next key of the job.
func (d *digits) next(now time.Time) {
	j := &d.jobs[0]
	for j.keys != "" {
		key := j.keys[0]
		j.keys = j.keys[1:]
		if key == 'W' {
			d.phase, d.spent, d.until = silent, 0, digitPause
			return
		}
		if code := strings.IndexByte(eventKeys, key); code >= 0 {
			d.press(uint8(code), now)
			return
		}
	}
	d.finish()
}

// press begins a key: its timestamp is that of the moment.
func (d *digits) press(code uint8, now time.Time) {
	p := d.session.out.continued(now)
	p.marker = true
	d.phase, d.spent, d.code = sounding, 0, code
	d.timestamp, d.segment = p.timestamp, 0
	d.send(d.eventUnits(eventPeriod), false, p)
}

// hold says that the key is still held, or ends it.
func (d *digits) hold() {
	if d.session.agreed.TelephoneSend == 0 {
		d.finish() // media was agreed anew without telephone-event
		return
	}
	if tone := d.jobs[0].tone; d.spent >= tone {
		d.phase, d.ends = ending, 1
		d.sendEnd()
		return
	}
	held := d.eventUnits(min(d.spent+eventPeriod, d.jobs[0].tone))
	d.send(d.segmented(held), false, d.place())
}

// segmented is the duration within the present segment; where it has grown too
// long the segment is completed and another begun (RFC 4733, 2.5.1.3).
func (d *digits) segmented(held uint32) uint32 {
	if held-d.segment > segmentLimit {
		d.send(segmentLimit, false, d.place())
		d.segment += segmentLimit
		d.timestamp += segmentLimit
	}
	return held - d.segment
}

func (d *digits) place() place {
	return place{sequence: d.session.out.highest + 1, timestamp: d.timestamp}
}

func (d *digits) sendEnd() {
	held := d.eventUnits(d.jobs[0].tone)
	d.send(d.segmented(held), true, d.place())
	if d.ends < eventEnds {
		return
	}
	// The tone ended when its end was said first.
	d.phase = silent
	d.spent, d.until = (eventEnds-1)*eventPeriod, d.jobs[0].gap
}

func (d *digits) send(units uint32, end bool, p place) {
	s := d.session
	if !s.sending || s.agreed.TelephoneSend == 0 {
		return
	}
	s.sendEvent(telephoneEvent{code: d.code, end: end, volume: eventVolume, duration: uint16(units)}, p)
}

func (d *digits) eventUnits(t time.Duration) uint32 {
	rate := d.session.agreed.TelephoneClock
	if rate <= 0 {
		rate = 8000
	}
	return uint32(int64(t) * int64(rate) / int64(time.Second))
}

// playTone sends the next frame of digits in band.
func (d *digits) playTone(now time.Time) {
	s := d.session
	d.spent += s.format.PTime
	if d.relaying && d.relayOver(now) {
		d.finish()
		return
	}
	d.frame = call.Frame{}
	switch err := d.tones.Next(s.format, &d.frame); {
	case err == nil:
		if s.sending {
			_ = s.write(&d.frame, s.sendType, unitsOf(s.format, len(d.frame.Payload)), now)
		}
	case err == io.EOF:
		d.finish()
	default:
		s.options.Log.Warn("digits cannot be sent as tones", "error", err)
		d.finish()
	}
}

// relayTone plays a tone while a key of another leg is held.
func (d *digits) relayTone(e telephoneEvent, source uint32, now time.Time) {
	if int(e.code) >= len(eventKeys) {
		return
	}
	r := &d.relayed
	if d.relaying && r.code == e.code && r.source == source {
		r.heard, r.released = now, r.released || e.end
		return
	}
	if !r.heard.IsZero() && (int32(source-r.source) < 0 && now.Sub(r.heard) < time.Second || r.code == e.code && r.source == source) {
		return // late news of a key that has been played
	}
	keys, spent := eventKeys[e.code:e.code+1], time.Duration(0)
	if d.relaying { // the key before it has not been released
		keys, spent = "W"+keys, -shortestGap
	}
	r.code, r.source, r.released, r.heard = e.code, source, e.end, now
	d.tones = media.Encoded(dsp.NewDTMF(keys, dsp.DTMFOptions{Tone: relayLongest, Pause: shortestGap}))
	d.spent, d.phase = spent, sounding
	if !d.relaying {
		d.relaying = true
		d.schedule = d.session.worker.Every(d.session.format.PTime, d)
	}
}

func (d *digits) relayOver(now time.Time) bool {
	r := &d.relayed
	return d.spent > relayShortest && (r.released || now.Sub(r.heard) > relayPatience)
}
