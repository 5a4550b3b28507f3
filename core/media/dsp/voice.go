package dsp

// Whether someone speaks is decided by loudness, compared with how loud the
// line is when nobody does. That noise floor is not known beforehand and
// changes, but speech has gaps: within any two seconds there are moments when
// only the noise is heard, so the quietest 10 ms of the last two seconds are a
// good measure of it, however loud the rest is. (A sound without gaps, such as
// the dial tone of a line that was left, is noise by this measure, which is
// just what a recording wants.) Speech is what exceeds the floor by a margin
// for a few blocks together; a pause counts only after a hangover, so that
// words are not cut at their soft ends.

import (
	"math"
	"time"
)

const (
	voiceBlock   = 10 * time.Millisecond
	voiceBins    = 8  // pieces of the window in which the minimum is kept
	voicePerBin  = 25 // blocks in each: 250 ms
	voiceMargin  = 9.0
	voiceFloor   = -60.0 // dBm0; the floor is never thought to be lower
	voiceCeiling = -25.0 // dBm0; nor, before two seconds have passed, higher
)

// VoiceOptions are the settings of a VoiceDetector; the zero value is good for
// telephone lines.
type VoiceOptions struct {
	// Threshold in dBm0: what is quieter is never speech. 0 means -46.
	Threshold float64
	// Onset is how long sound must last to count as speech. 0 means 30 ms.
	Onset time.Duration
	// Hangover is how long silence must last to count. 0 means 200 ms.
	Hangover time.Duration
}

// VoiceDetector tells speech from silence in one stream. One goroutine at a
// time.
type VoiceDetector struct {
	options VoiceOptions
	rate    int

	energy float64 // of the block under way
	filled int
	block  int // samples in a block

	minima [voiceBins]float64
	bin    int
	inBin  int
	seen   int // bins that were completed, up to voiceBins

	speaking  bool
	loud      int           // blocks in a row that exceed the floor
	quiet     int           // blocks in a row that do not
	heard     time.Duration // in all
	turned    time.Duration // when speech last began or ended
	spoken    time.Duration // speech in all, without pauses
	everSpoke bool
}

// NewVoiceDetector begins a stream in silence.
func NewVoiceDetector(rate int, o VoiceOptions) *VoiceDetector {
	if o.Threshold == 0 {
		o.Threshold = -46
	}
	if o.Onset <= 0 {
		o.Onset = 30 * time.Millisecond
	}
	if o.Hangover <= 0 {
		o.Hangover = 200 * time.Millisecond
	}
	v := &VoiceDetector{options: o, rate: rate, block: max(1, seconds(voiceBlock.Seconds(), rate))}
	for i := range v.minima {
		v.minima[i] = math.Inf(1)
	}
	return v
}

// Hear takes in a frame of any length and reports whether someone speaks at its
// end.
func (v *VoiceDetector) Hear(pcm []int16) bool {
	for len(pcm) > 0 {
		n := min(len(pcm), v.block-v.filled)
		for _, sample := range pcm[:n] {
			v.energy += float64(sample) * float64(sample)
		}
		v.filled += n
		pcm = pcm[n:]
		if v.filled == v.block {
			v.decide(levelOf(v.energy / float64(v.block)))
			v.energy, v.filled = 0, 0
		}
	}
	return v.speaking
}

// decide takes in the level of one block.
func (v *VoiceDetector) decide(level float64) {
	v.heard += voiceBlock
	v.follow(level)
	if level > max(v.Floor()+voiceMargin, v.options.Threshold) {
		v.loud++
		v.spoken += voiceBlock
		if !v.speaking && time.Duration(v.loud)*voiceBlock < v.options.Onset {
			return
		}
		if !v.speaking {
			v.turned = v.heard - time.Duration(v.loud)*voiceBlock
		}
		v.speaking, v.everSpoke, v.quiet = true, true, 0
		return
	}
	if !v.speaking {
		v.spoken -= time.Duration(v.loud) * voiceBlock // a click, not speech
	}
	v.loud = 0
	v.quiet++
	if v.speaking && time.Duration(v.quiet)*voiceBlock >= v.options.Hangover {
		v.speaking = false
		v.turned = v.heard - time.Duration(v.quiet)*voiceBlock
	}
}

// follow keeps the quietest blocks of the last two seconds.
func (v *VoiceDetector) follow(level float64) {
	v.minima[v.bin] = min(v.minima[v.bin], level)
	v.inBin++
	if v.inBin == voicePerBin {
		v.bin, v.inBin = (v.bin+1)%voiceBins, 0
		v.minima[v.bin] = math.Inf(1)
		v.seen = min(v.seen+1, voiceBins)
	}
}

// Floor is the present measure of the noise, in dBm0. The quietest block of
// many is quieter than the noise on average, by some 2 dB.
func (v *VoiceDetector) Floor() float64 {
	floor := math.Inf(1)
	for _, m := range v.minima {
		floor = min(floor, m)
	}
	floor = max(floor+2, voiceFloor)
	if v.seen < voiceBins-1 {
		floor = min(floor, voiceCeiling-voiceMargin)
	}
	return floor
}

// Speaking reports whether someone speaks.
func (v *VoiceDetector) Speaking() bool { return v.speaking }

// EverSpoke reports whether anyone has spoken at all.
func (v *VoiceDetector) EverSpoke() bool { return v.everSpoke }

// For is how long it has been as Speaking says. The time counts from where
// speech began or ended, not from where that became certain.
func (v *VoiceDetector) For() time.Duration { return v.heard - v.turned }

// Silence is how long nobody has spoken, 0 while someone does.
func (v *VoiceDetector) Silence() time.Duration {
	if v.speaking {
		return 0
	}
	return v.For()
}

// Heard is how much sound was taken in.
func (v *VoiceDetector) Heard() time.Duration { return v.heard }

// Spoken is how much of what was heard was speech, pauses left out.
func (v *VoiceDetector) Spoken() time.Duration { return v.spoken }
