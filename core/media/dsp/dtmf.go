package dsp

import (
	"io"
	"math"
	"strings"
	"time"
)

// dtmfKeys is the keypad of ITU-T Q.23, row by row.
const dtmfKeys = "123A456B789C*0#D"

// dtmfLow and dtmfHigh are the frequencies of its rows and columns, in Hz.
var (
	dtmfLow  = [4]float64{697, 770, 852, 941}
	dtmfHigh = [4]float64{1209, 1336, 1477, 1633}
)

// DTMFOptions say how digits are played; zero fields take the values named.
type DTMFOptions struct {
	Tone  time.Duration // of each digit: 100 ms
	Gap   time.Duration // between digits: 100 ms
	Pause time.Duration // for each w: 500 ms
	Low   float64       // level of the row's frequency: -11 dBm0
	High  float64       // level of the column's frequency: -9 dBm0, as lines lose more of it
}

// NewDTMF plays a string of digits 0-9, *, #, A-D (in either case) and w for a
// pause; what else the string holds is left out. Each digit is followed by the
// gap. The source ends with io.EOF.
func NewDTMF(digits string, o DTMFOptions) *DTMF {
	or := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	or(&o.Tone, 100*time.Millisecond)
	or(&o.Gap, 100*time.Millisecond)
	or(&o.Pause, 500*time.Millisecond)
	if o.Low == 0 {
		o.Low = -11
	}
	if o.High == 0 {
		o.High = -9
	}
	return &DTMF{digits: strings.ToUpper(digits), options: o}
}

// DTMF is a source of linear samples; see NewDTMF.
type DTMF struct {
	digits  string
	options DTMFOptions
	rate    int

	low, high         oscillator
	lowPeak, highPeak float32
	sounding          int // samples left of the tone
	length            int // of the tone
	silent            int // samples left of the gap after it
}

// NextPCM fills dst with the next samples, fewer at the end together with
// io.EOF.
func (d *DTMF) NextPCM(rate int, dst []int16) (int, error) {
	if d.rate != rate {
		d.rate, d.sounding, d.silent = rate, 0, 0
		d.lowPeak, d.highPeak = float32(Amplitude(d.options.Low)), float32(Amplitude(d.options.High))
	}
	for n := 0; n < len(dst); {
		switch {
		case d.sounding > 0:
			run := min(d.sounding, len(dst)-n)
			d.sound(dst[n : n+run])
			n += run
		case d.silent > 0:
			run := min(d.silent, len(dst)-n)
			clear(dst[n : n+run])
			d.silent -= run
			n += run
		case d.digits == "":
			return n, io.EOF
		default:
			key := d.digits[0]
			d.digits = d.digits[1:]
			d.begin(key)
		}
	}
	return len(dst), nil
}

func (d *DTMF) begin(key byte) {
	if key == 'W' {
		d.silent = seconds(d.options.Pause.Seconds(), d.rate)
		return
	}
	i := strings.IndexByte(dtmfKeys, key)
	if i < 0 {
		return
	}
	d.low, d.high = newOscillator(dtmfLow[i/4], d.rate), newOscillator(dtmfHigh[i%4], d.rate)
	d.length = seconds(d.options.Tone.Seconds(), d.rate)
	d.sounding, d.silent = d.length, seconds(d.options.Gap.Seconds(), d.rate)
}

func (d *DTMF) sound(dst []int16) {
	fade := d.rate / 1000 // long enough not to click, short enough for 40 ms digits
	for i := range dst {
		x := d.low.next()*d.lowPeak + d.high.next()*d.highPeak
		if edge := min(d.length-d.sounding, d.sounding-1); edge < fade {
			x *= halfCosine(edge, fade)
		}
		dst[i] = clip(x)
		d.sounding--
	}
}

// DTMFKey reports whether a byte is a key of the keypad, and its place in it.
func DTMFKey(key byte) (row, column int, ok bool) {
	i := strings.IndexByte(dtmfKeys, key)
	return i / 4, i % 4, i >= 0
}

// hann is the response of a Hann window of length T to a frequency that is off
// by f, relative to its middle.
func hann(f, length float64) float64 {
	x := f * length
	if x = math.Abs(x); math.Abs(x-1) < 1e-6 {
		return 0.5
	}
	return sinc(x) / (1 - x*x)
}
