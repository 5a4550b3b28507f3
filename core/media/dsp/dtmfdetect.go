package dsp

// A key of a telephone is two tones, one for its row and one for its column. To
// hear it is easy; the art is not to hear it in speech, which may well hold both
// frequencies for a moment, and yet to accept what cheap oscillators, noisy
// lines and codecs make of it. What ITU-T Q.24 asks of a receiver is checked in
// these ways:
//
// Sound is multiplied by the eight frequencies (Goertzel's idea, but keeping the
// phase) and summed over slots of 1.25 ms. Every 5 ms the sums of the last 25 ms
// are added under a Hann window, which tells how strong each frequency is. The
// strongest row and column are the candidate.
//
// Frequency: a tone that is off by f turns against ours by f times 360° a
// second. The phases of two shorter windows, 7.5 ms apart, tell by how much it
// turned. Up to 1.5 % and 2 Hz must be accepted and 3.5 % refused; the line is
// drawn at 2.5 %.
//
// Purity: the two tones must hold 88 % of all power. Speech has harmonics (a
// check of the second harmonic alone would look only for these) and noise
// between; noise 9 dB below the tones still passes, and more once a key is down.
//
// Twist: the column may be 6 dB stronger than the row, or 10 dB weaker.
//
// Duration: all four quarters of the 25 ms must be alike in power, and three
// looks in a row must agree, which takes 25 to 30 ms of tone: 40 must be
// accepted and 20 refused. The key is released when nine looks in a row fail,
// so that an interruption of 10 ms does not make two digits of one, and a pause
// of 40 ms does.

import (
	"math"
	"time"
)

const (
	dtmfSlotsPerSecond = 800
	dtmfWindow         = 20 // slots: 25 ms
	dtmfShort          = 14 // slots: 17.5 ms, for the phases
	dtmfShift          = dtmfWindow - dtmfShort
	dtmfLook           = 4 // slots from one look to the next: 5 ms
	dtmfQuarter        = dtmfWindow / 4

	dtmfWeakest   = -41.0 // dBm0 of the weaker tone; -36 must be accepted
	dtmfOffset    = 0.025 // of the frequency
	dtmfPurity    = 0.88  // of the power
	dtmfHeld      = 0.75  // of the power, while a key is down
	dtmfTwist     = 6.0   // dB, column over row
	dtmfReverse   = 10.0  // dB, row over column
	dtmfUneven    = 0.22  // power of the weakest quarter to that of the strongest
	dtmfPress     = 3     // looks that must agree
	dtmfRelease   = 9     // looks that must fail
	dtmfEdgeLooks = 4.3   // looks by which a tone is longer than the span of those that agree
)

// DTMFEvent is a key that went down or up.
type DTMFEvent struct {
	Key byte // 0-9 * # A-D
	// Down is true as soon as the key is recognised, and false when it was
	// released.
	Down bool
	// Duration of the tone, within some 5 ms; 0 when Down.
	Duration time.Duration
	// At is when the tone began, counted from the start of the stream.
	At time.Duration
}

// DTMFDetector finds the keys pressed in one stream. One goroutine at a time.
type DTMFDetector struct {
	rate  int
	slot  int             // samples in a slot
	table [8][2][]float32 // cosine and sine of each frequency over a slot
	turn  [8]rotor        // by how much the phase moves on in a slot

	// The last 20 slots, the newest at index slots-1 modulo 20.
	sums   [dtmfWindow][8]rotor
	energy [dtmfWindow]float32
	phase  [8]rotor
	slots  int // in all

	partial []float32 // samples of the slot under way
	window  [dtmfWindow]float32
	short   [dtmfShort]float32

	key, candidate byte
	agreed, failed int
	first, last    int // slots at which key was first and last seen
	events         []DTMFEvent
}

// rotor is a complex number.
type rotor struct{ re, im float32 }

func (a rotor) times(b rotor) rotor { return rotor{a.re*b.re - a.im*b.im, a.re*b.im + a.im*b.re} }
func (a rotor) power() float32      { return a.re*a.re + a.im*a.im }

// NewDTMFDetector begins a stream of that many samples a second, at least 8000.
func NewDTMFDetector(rate int) *DTMFDetector {
	slot := rate / dtmfSlotsPerSecond
	d := &DTMFDetector{rate: rate, slot: slot, partial: make([]float32, 0, slot), events: make([]DTMFEvent, 0, 4)}
	for k := range 8 {
		f := dtmfLow[k%4]
		if k >= 4 {
			f = dtmfHigh[k-4]
		}
		step := 2 * math.Pi * f / float64(rate)
		d.table[k] = [2][]float32{make([]float32, slot), make([]float32, slot)}
		for i := range slot {
			d.table[k][0][i] = float32(math.Cos(step * float64(i)))
			d.table[k][1][i] = float32(-math.Sin(step * float64(i)))
		}
		d.turn[k] = rotor{float32(math.Cos(step * float64(slot))), float32(-math.Sin(step * float64(slot)))}
		d.phase[k] = rotor{1, 0}
	}
	fillHann(d.window[:])
	fillHann(d.short[:])
	return d
}

// fillHann draws a raised cosine whose sum is 1.
func fillHann(w []float32) {
	for i := range w {
		w[i] = float32((1 - math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(w)))) / float64(len(w)))
	}
}

// Hear takes in a frame of any length and returns what happened to the keys in
// it, mostly nothing. The result is valid until the next call.
func (d *DTMFDetector) Hear(pcm []int16) []DTMFEvent {
	d.events = d.events[:0]
	for _, sample := range pcm {
		d.partial = append(d.partial, float32(sample))
		if len(d.partial) == d.slot {
			d.take(d.partial)
			d.partial = d.partial[:0]
			if d.slots%dtmfLook == 0 {
				d.look()
			}
		}
	}
	return d.events
}

// Down is the key that is held at present, 0 for none.
func (d *DTMFDetector) Down() byte { return d.key }

// take adds one slot. Slots too quiet to matter are not multiplied.
func (d *DTMFDetector) take(samples []float32) {
	at := d.slots % dtmfWindow
	d.slots++
	var energy float32
	for _, x := range samples {
		energy += x * x
	}
	d.energy[at] = energy
	sums := &d.sums[at]
	quiet := energy < float32(len(samples))*dtmfQuiet
	for k := range 8 {
		if quiet {
			sums[k] = rotor{}
		} else {
			sums[k] = rotor{dot(d.table[k][0], samples), dot(d.table[k][1], samples)}.times(d.phase[k])
		}
		d.phase[k] = d.phase[k].times(d.turn[k])
	}
	if d.slots%1024 == 0 {
		d.straighten()
	}
}

// dtmfQuiet is a mean square of one sample well below the weakest tone.
var dtmfQuiet = float32(math.Pow(Amplitude(dtmfWeakest-6), 2) / 2)

// straighten takes out what rounding adds to the length of the phases.
func (d *DTMFDetector) straighten() {
	for k := range d.phase {
		length := float32(math.Sqrt(float64(d.phase[k].power())))
		d.phase[k].re /= length
		d.phase[k].im /= length
	}
}

// look decides what the last 25 ms hold.
func (d *DTMFDetector) look() {
	key := d.recognise()
	if key != 0 && key == d.candidate {
		d.agreed++
	} else {
		d.candidate, d.agreed = key, 1
	}
	if key != 0 && key == d.key {
		d.failed, d.last = 0, d.slots
		return
	}
	pressed := key != 0 && d.agreed >= dtmfPress
	if d.key != 0 {
		d.failed++
		if pressed || d.failed >= dtmfRelease {
			d.release()
		}
	}
	if pressed {
		d.key, d.failed, d.last = key, 0, d.slots
		d.first = d.slots - (dtmfPress-1)*dtmfLook
		d.events = append(d.events, DTMFEvent{Key: key, Down: true, At: d.begun()})
	}
}

func (d *DTMFDetector) release() {
	length := float64(d.last-d.first)/dtmfLook + dtmfEdgeLooks
	d.events = append(d.events, DTMFEvent{
		Key: d.key, At: d.begun(),
		Duration: time.Duration(length * dtmfLook * float64(d.slot) / float64(d.rate) * float64(time.Second)),
	})
	d.key = 0
}

// begun is when the tone of d.key began.
func (d *DTMFDetector) begun() time.Duration {
	samples := max(0, d.first-dtmfWindow+dtmfQuarter/2) * d.slot
	return time.Duration(samples) * time.Second / time.Duration(d.rate)
}

// recognise is the key in the window, 0 for none.
func (d *DTMFDetector) recognise() byte {
	if d.slots < dtmfWindow || !d.even() {
		return 0
	}
	row, column := d.strongest(0), d.strongest(4)
	low, ok := d.amplitude(row, dtmfLow[row])
	if !ok {
		return 0
	}
	high, ok := d.amplitude(column, dtmfHigh[column-4])
	if !ok {
		return 0
	}
	twist := 20 * math.Log10(high/low)
	weakest := Amplitude(dtmfWeakest)
	if twist > dtmfTwist || twist < -dtmfReverse || low < weakest || high < weakest {
		return 0
	}
	purity := dtmfPurity
	if d.key != 0 {
		purity = dtmfHeld
	}
	if (low*low+high*high)/2 < purity*d.meanSquare() {
		return 0
	}
	return dtmfKeys[row*4+column-4]
}

// even reports whether the four quarters of the window are alike in power.
func (d *DTMFDetector) even() bool {
	var least, most float32 = math.MaxFloat32, 0
	for quarter := range 4 {
		var sum float32
		for i := range dtmfQuarter {
			sum += d.energy[(d.slots+quarter*dtmfQuarter+i)%dtmfWindow]
		}
		least, most = min(least, sum), max(most, sum)
	}
	return least > dtmfUneven*most && most > dtmfQuiet
}

// strongest is the strongest of the four frequencies from first on.
func (d *DTMFDetector) strongest(first int) int {
	best, most := first, float32(-1)
	for k := first; k < first+4; k++ {
		if power := d.windowed(k, 0, d.window[:]).power(); power > most {
			best, most = k, power
		}
	}
	return best
}

// windowed adds the slots of frequency k from the from-th oldest on.
func (d *DTMFDetector) windowed(k, from int, window []float32) (sum rotor) {
	at := (d.slots + from) % dtmfWindow
	for _, w := range window {
		s := d.sums[at][k]
		sum.re += w * s.re
		sum.im += w * s.im
		if at++; at == dtmfWindow {
			at = 0
		}
	}
	return sum
}

// amplitude measures the tone near frequency k, in sample units, whatever its
// exact frequency; ok is false when that is too far off.
func (d *DTMFDetector) amplitude(k int, frequency float64) (peak float64, ok bool) {
	before, after := d.windowed(k, 0, d.short[:]), d.windowed(k, dtmfShift, d.short[:])
	turned := after.times(rotor{before.re, -before.im})
	slot := float64(d.slot) / float64(d.rate)
	off := math.Atan2(float64(turned.im), float64(turned.re)) / (2 * math.Pi * dtmfShift * slot)
	if math.Abs(off) > dtmfOffset*frequency {
		return 0, false
	}
	power := float64(d.windowed(k, 0, d.window[:]).power())
	return 2 * math.Sqrt(power) / float64(d.slot) / hann(off, dtmfWindow*slot), true
}

// meanSquare is the power of everything in the window, weighed as the power of
// the tones is.
func (d *DTMFDetector) meanSquare() float64 {
	var sum, weight float32
	for i, w := range d.window {
		sum += w * w * d.energy[(d.slots+i)%dtmfWindow]
		weight += w * w
	}
	return float64(sum / weight / float32(d.slot))
}
