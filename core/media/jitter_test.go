package media

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec/g711"
)

const ms = time.Millisecond

// network is what lies between a phone and the buffer.
type network struct {
	seed   uint64
	length time.Duration // of the call; 0 means 60 s
	packet time.Duration // ptime of the sender; 0 means 20 ms
	read   time.Duration // ptime of the reader; 0 means 20 ms

	jitter  time.Duration // standard deviation of the delay
	reorder bool          // packets may overtake each other
	loss    float64
	burst   float64                                // chance that a loss is followed by another
	drift   float64                                // by how much the sender's clock is fast
	stall   func(sent time.Duration) time.Duration // further delay
	pauses  bool                                   // two seconds of talk, one of nothing sent
	loud    bool                                   // no silence between words
	copies  float64                                // chance that a packet comes twice
}

// outcome is what was heard.
type outcome struct {
	stats    JitterStats
	sent     int
	played   int                     // frames of sound
	lost     int                     // frames to be concealed
	nothing  int                     // times that there was no frame
	delays   []time.Duration         // of each frame played, from being sent to being heard
	heard    map[uint32]int          // frames by timestamp
	byMinute map[int][]time.Duration // delays by minute
}

// percentile of the delays.
func (o *outcome) percentile(p float64) time.Duration {
	d := slices.Clone(o.delays)
	slices.Sort(d)
	return d[int(p*float64(len(d)-1))]
}

// talk is the µ-law sound of a packet: a tone, with silence half of the time
// unless it is loud.
func (n *network) talk(at, length time.Duration) []byte {
	pcm := make([]int16, length*8/ms)
	if n.loud || at%(800*ms) < 400*ms {
		for i := range pcm {
			x := float64(at*8/ms) + float64(i)
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*300*x/8000))
		}
	}
	return g711.MuLaw.Encode(nil, pcm)
}

type arrival struct {
	at    time.Duration
	order int
	frame call.Frame
}

// send makes up every packet of the call and when it arrives.
func (n *network) send() []arrival {
	random := rand.New(rand.NewPCG(n.seed, 3))
	var packets []arrival
	lost, last := false, time.Duration(0)
	start := random.Uint32()
	seq := uint16(random.Uint32())
	spurt := true
	for i := 0; time.Duration(i)*n.packet < n.length; i++ {
		at := time.Duration(i) * n.packet
		if n.pauses && at%(3*time.Second) >= 2*time.Second {
			spurt = true
			continue
		}
		f := call.Frame{Codec: call.PCMU, Seq: seq, Timestamp: start + uint32(at*8/ms), Marker: spurt, Payload: n.talk(at, n.packet)}
		seq++
		spurt = false
		chance := n.loss
		if lost {
			chance = n.burst
		}
		if lost = random.Float64() < chance; lost {
			continue
		}
		sent := time.Duration(float64(at) / (1 + n.drift))
		arrive := sent + 30*ms + time.Duration(math.Abs(random.NormFloat64())*float64(n.jitter))
		if n.stall != nil {
			arrive += n.stall(sent)
		}
		if !n.reorder {
			arrive = max(arrive, last)
			last = arrive
		}
		packets = append(packets, arrival{arrive, i, f})
		if random.Float64() < n.copies {
			packets = append(packets, arrival{arrive + 3*ms, i, f})
		}
	}
	slices.SortStableFunc(packets, func(a, b arrival) int { return int(a.at - b.at) })
	return packets
}

// run plays the call out.
func (n network) run(t *testing.T) *outcome {
	t.Helper()
	if n.length == 0 {
		n.length = time.Minute
	}
	if n.packet == 0 {
		n.packet = 20 * ms
	}
	if n.read == 0 {
		n.read = 20 * ms
	}
	packets := n.send()
	o := &outcome{sent: len(packets), heard: map[uint32]int{}, byMinute: map[int][]time.Duration{}}
	format := call.FormatOf(call.PCMU)
	format.PTime = n.read
	b := NewJitterBuffer(JitterOptions{Format: format})
	epoch := time.Unix(1000, 0)
	start := packets[0].frame.Timestamp - uint32(packets[0].order)*uint32(n.packet*8/ms)
	size := int(n.read * 8 / ms)
	var f call.Frame
	for tick := 7 * ms; tick < n.length; tick += n.read {
		for len(packets) > 0 && packets[0].at <= tick {
			b.Put(&packets[0].frame, epoch.Add(packets[0].at))
			packets = packets[1:]
		}
		err := b.Get(&f, epoch.Add(tick))
		switch {
		case errors.Is(err, call.ErrNoFrame):
			o.nothing++
		case err != nil:
			t.Fatal(err)
		case f.Kind == call.Lost:
			o.lost++
		default:
			if len(f.Payload) != size {
				t.Fatalf("a frame of %d octets", len(f.Payload))
			}
			o.played++
			o.heard[f.Timestamp]++
			sent := time.Duration(float64(time.Duration(f.Timestamp-start)*ms/8) / (1 + n.drift))
			o.delays = append(o.delays, tick-sent)
			minute := int(tick / time.Minute)
			o.byMinute[minute] = append(o.byMinute[minute], tick-sent)
		}
	}
	o.stats = b.Stats()
	return o
}

func TestJitterNetworks(t *testing.T) {
	for name, c := range map[string]struct {
		network
		lost  float64       // most frames concealed, of those played
		delay time.Duration // most at the median, beyond the 30 ms of the network
		worst time.Duration // most at the 99th percentile
	}{
		"still":               {network{}, 0, 30 * ms, 50 * ms},
		"5 ms":                {network{jitter: 5 * ms}, 0.01, 45 * ms, 65 * ms},
		"20 ms":               {network{jitter: 20 * ms}, 0.03, 80 * ms, 110 * ms},
		"20 ms, loud":         {network{jitter: 20 * ms, loud: true}, 0.03, 90 * ms, 120 * ms},
		"20 ms, reordered":    {network{jitter: 20 * ms, reorder: true}, 0.04, 80 * ms, 110 * ms},
		"50 ms, reordered":    {network{jitter: 50 * ms, reorder: true}, 0.05, 160 * ms, 200 * ms},
		"loss 5 %":            {network{loss: 0.05, burst: 0.3}, 0.085, 45 * ms, 70 * ms},
		"loss 10 %, 10 ms":    {network{loss: 0.1, burst: 0.1, jitter: 10 * ms}, 0.15, 70 * ms, 90 * ms},
		"copies":              {network{jitter: 5 * ms, copies: 0.3, reorder: true}, 0.02, 50 * ms, 70 * ms},
		"pauses, 20 ms":       {network{jitter: 20 * ms, pauses: true}, 0.065, 80 * ms, 110 * ms},
		"10 to 20 ms":         {network{jitter: 5 * ms, packet: 10 * ms}, 0.01, 60 * ms, 75 * ms},
		"30 to 20 ms":         {network{jitter: 5 * ms, packet: 30 * ms}, 0.02, 60 * ms, 80 * ms},
		"60 to 20 ms":         {network{jitter: 5 * ms, packet: 60 * ms}, 0.02, 50 * ms, 70 * ms},
		"20 to 10 ms":         {network{jitter: 5 * ms, read: 10 * ms}, 0.01, 40 * ms, 60 * ms},
		"20 to 30 ms":         {network{jitter: 5 * ms, read: 30 * ms}, 0.02, 80 * ms, 100 * ms},
		"hiccups of 150 ms":   {network{stall: hiccup(150*ms, 5*time.Second)}, 0.06, 80 * ms, 220 * ms},
		"an outage of 800 ms": {network{stall: hiccup(800*ms, 31*time.Second)}, 0.06, 60 * ms, 700 * ms},
		"the way gets longer": {network{jitter: 5 * ms, stall: step(80*ms, 20*time.Second)}, 0.02, 140 * ms, 210 * ms},
		"fast clock":          {network{drift: 200e-6, length: 10 * time.Minute, jitter: 5 * ms}, 0.01, 45 * ms, 65 * ms},
		"slow clock":          {network{drift: -200e-6, length: 10 * time.Minute, jitter: 5 * ms}, 0.015, 45 * ms, 65 * ms},
		"fast clock, loud":    {network{drift: 200e-6, length: 10 * time.Minute, jitter: 5 * ms, loud: true}, 0.01, 60 * ms, 75 * ms},
		"slow clock, loud":    {network{drift: -200e-6, length: 10 * time.Minute, jitter: 5 * ms, loud: true}, 0.015, 45 * ms, 65 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				c.seed = seed + 1
				o := c.run(t)
				share := float64(o.lost) / float64(o.played)
				median, worst := o.percentile(0.5)-30*ms, o.percentile(0.99)-30*ms
				t.Logf("%d played, %.2f %% concealed, median %v, p99 %v, %+v", o.played, share*100, median, worst, o.stats)
				if share > c.lost || median > c.delay || worst > c.worst {
					t.Errorf("%.2f %% concealed (%.2f), median %v (%v), p99 %v (%v)", share*100, c.lost*100, median, c.delay, worst, c.worst)
				}
			}
		})
	}
}

// hiccup holds packets back for a while, again and again; they then come all at
// once.
func hiccup(length, every time.Duration) func(time.Duration) time.Duration {
	return func(sent time.Duration) time.Duration {
		if into := sent % every; sent > every && into < length {
			return length - into
		}
		return 0
	}
}

// step makes the way longer from some moment on.
func step(by, from time.Duration) func(time.Duration) time.Duration {
	return func(sent time.Duration) time.Duration {
		if sent >= from {
			return by
		}
		return 0
	}
}

// TestJitterStillNetworkIsExact: when nothing goes wrong, each packet is heard
// once, as it was sent.
func TestJitterStillNetworkIsExact(t *testing.T) {
	o := network{length: time.Minute, loud: true}.run(t)
	if o.lost != 0 || o.stats.Lost+o.stats.Late+o.stats.Duplicate+o.stats.Stretched+o.stats.Shortened != 0 {
		t.Errorf("%d lost, %+v", o.lost, o.stats)
	}
	for timestamp, times := range o.heard {
		if times != 1 {
			t.Fatalf("%d was heard %d times", timestamp, times)
		}
	}
}

// TestJitterClocksDriftWithoutEnd compares the delay of the first minutes with
// that of the last of an hour.
func TestJitterClocksDriftWithoutEnd(t *testing.T) {
	for _, drift := range []float64{200e-6, -200e-6} {
		o := network{seed: 1, drift: drift, length: time.Hour, jitter: 5 * ms, loud: true}.run(t)
		mean := func(minute int) (sum time.Duration) {
			for _, d := range o.byMinute[minute] {
				sum += d
			}
			return sum / time.Duration(len(o.byMinute[minute]))
		}
		lowest, highest := time.Hour, time.Duration(0)
		for minute := 1; minute < 60; minute++ {
			lowest, highest = min(lowest, mean(minute)), max(highest, mean(minute))
		}
		t.Logf("%+.0f ppm: a delay of %v to %v in an hour, %+v", drift*1e6, lowest, highest, o.stats)
		if highest > 100*ms || lowest < 30*ms || float64(o.lost)/float64(o.played) > 0.005 {
			t.Errorf("%+.0f ppm: %v to %v, %d frames lost", drift*1e6, lowest, highest, o.lost)
		}
	}
}

// conversation puts packets by hand.
type conversation struct {
	t     *testing.T
	b     *JitterBuffer
	epoch time.Time
	frame call.Frame
}

func converse(t *testing.T) *conversation {
	return &conversation{t: t, b: NewJitterBuffer(JitterOptions{Format: call.FormatOf(call.PCMU)}), epoch: time.Unix(0, 0)}
}

func (c *conversation) put(at time.Duration, seq uint16, timestamp uint32) {
	f := call.Frame{Codec: call.PCMU, Seq: seq, Timestamp: timestamp, Payload: make([]byte, 160)}
	binary.BigEndian.PutUint32(f.Payload, timestamp)
	c.b.Put(&f, c.epoch.Add(at))
}

// get returns what is heard in one word: the number of the frame, "-" for one
// that is lost, "" for nothing.
func (c *conversation) get(at time.Duration) string {
	err := c.b.Get(&c.frame, c.epoch.Add(at))
	switch {
	case errors.Is(err, call.ErrNoFrame):
		return ""
	case err != nil:
		c.t.Fatal(err)
	case c.frame.Kind == call.Lost:
		return "-"
	case c.frame.Kind == call.ComfortNoise:
		return "noise"
	}
	if got := binary.BigEndian.Uint32(c.frame.Payload); got != c.frame.Timestamp {
		c.t.Errorf("the frame of %d holds that of %d", c.frame.Timestamp, got)
	}
	return string(rune('a' + c.frame.Timestamp/160%26))
}

func (c *conversation) want(what string, got string) {
	c.t.Helper()
	if got != what {
		c.t.Errorf("heard %q, want %q", got, what)
	}
}

func TestJitterSingleLossCostsNoDelay(t *testing.T) {
	c := converse(t)
	var heard string
	for i := range 40 {
		at := time.Duration(i) * 20 * ms
		if i != 20 {
			c.put(at, uint16(i), uint32(i)*160)
		}
		heard += c.get(at + 10*ms)
	}
	c.want("abcdefghijklmnopqrst-vwxyzabcdefghijklm", heard)
	if s := c.b.Stats(); s.Lost != 1 || s.Concealed != 1 || s.Stretched != 0 || s.Received != 39 {
		t.Errorf("%+v", s)
	}
}

func TestJitterSequenceAndTimestampWrap(t *testing.T) {
	c := converse(t)
	played := 0
	for i := range 60 {
		at := time.Duration(i) * 20 * ms
		c.put(at, uint16(65500+i), uint32(1<<32-30*160)+uint32(i)*160)
		if c.get(at+10*ms) != "" {
			played++
		}
	}
	if s := c.b.Stats(); played != 59 || s.Lost+s.Late+s.Resets+s.Concealed != 0 {
		t.Errorf("%d played, %+v", played, s)
	}
}

func TestJitterTelephoneEventsAreNotLosses(t *testing.T) {
	c := converse(t)
	seq := uint16(0)
	var heard string
	for i := range 40 {
		at := time.Duration(i) * 20 * ms
		if i >= 20 && i < 28 { // a digit is pressed, nothing else is sent
			c.b.Put(&call.Frame{Kind: call.Telephone, Seq: seq, Timestamp: 20 * 160, Payload: make([]byte, 4)}, c.epoch.Add(at))
		} else {
			c.put(at, seq, uint32(i)*160)
		}
		seq++
		heard += c.get(at + 10*ms)
	}
	// While it is pressed there is concealment at first, since silence cannot be
	// told from loss; afterwards nothing is missing and the delay is as before.
	if s := c.b.Stats(); s.Lost != 0 || s.Late != 0 || s.Stretched != 0 || !hasSuffix(heard, "cdefghijklm") {
		t.Errorf("heard %q, %+v", heard, s)
	}
}

func hasSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}

func TestJitterComfortNoise(t *testing.T) {
	c := converse(t)
	var heard string
	for i := range 40 {
		at := time.Duration(i) * 20 * ms
		switch {
		case i == 20:
			c.b.Put(&call.Frame{Kind: call.ComfortNoise, Seq: 20, Timestamp: 20 * 160, Payload: []byte{55}}, c.epoch.Add(at))
		case i > 30:
			c.put(at, uint16(i-10), uint32(i)*160)
		case i < 20:
			c.put(at, uint16(i), uint32(i)*160)
		}
		word := c.get(at + 10*ms)
		heard += word
		if word == "noise" && c.frame.Payload[0] != 55 {
			t.Errorf("the noise is described as % d", c.frame.Payload)
		}
	}
	c.want("abcdefghijklmnopqrstnoisefghijklm", heard)
	if s := c.b.Stats(); s.Lost != 0 || s.Concealed != 0 {
		t.Errorf("%+v", s)
	}
}

// TestJitterSenderBeginsAnew changes the timestamps, then the sequence numbers
// too, without the buffer being told.
func TestJitterSenderBeginsAnew(t *testing.T) {
	c := converse(t)
	played := 0
	for i := range 150 {
		at := time.Duration(i) * 20 * ms
		switch {
		case i < 50:
			c.put(at, uint16(i), uint32(i)*160)
		case i < 100:
			c.put(at, uint16(i), 3000000000+uint32(i)*160)
		default:
			c.put(at, uint16(30000+i), 77+uint32(i)*160)
		}
		if word := c.get(at + 10*ms); word != "" && word != "-" {
			played++
		}
	}
	if s := c.b.Stats(); played < 145 || s.Resets != 2 || s.Delay > 60*ms {
		t.Errorf("%d played, %+v", played, s)
	}
}

func TestJitterStrayPacketIsIgnored(t *testing.T) {
	c := converse(t)
	played := 0
	for i := range 100 {
		at := time.Duration(i) * 20 * ms
		c.put(at, uint16(i), uint32(i)*160)
		if i == 50 {
			c.put(at, 40000, 12345)
		}
		if word := c.get(at + 10*ms); word != "" && word != "-" {
			played++
		}
	}
	if s := c.b.Stats(); played != 99 || s.Resets != 0 || s.Late != 1 {
		t.Errorf("%d played, %+v", played, s)
	}
}

// TestJitterHold pauses for ten seconds; some phones then go on with their
// timestamps as if no time had passed, others as if it had.
func TestJitterHold(t *testing.T) {
	for _, passed := range []uint32{0, 80000} {
		c := converse(t)
		played := 0
		for i := range 200 {
			at, timestamp := time.Duration(i)*20*ms, uint32(i)*160
			if i >= 100 {
				at += 10 * time.Second
				timestamp += passed
			}
			c.put(at, uint16(i), timestamp)
			if word := c.get(at + 10*ms); word != "" && word != "-" {
				played++
			}
			for j := 1; i == 99 && j < 500; j++ {
				c.get(at + time.Duration(j)*20*ms)
			}
		}
		if s := c.b.Stats(); played < 196 || s.Lost != 0 || s.Concealed > 6 || s.Delay > 60*ms {
			t.Errorf("timestamps moved by %d: %d played, %+v", passed, played, s)
		}
	}
}

func TestJitterOverflowIsBounded(t *testing.T) {
	c := converse(t)
	for i := range 1000 {
		c.put(0, uint16(i), uint32(i)*160)
	}
	if s := c.b.Stats(); s.Overflow != 1000-jitterSlots {
		t.Errorf("%+v", s)
	}
	played := 0
	for i := range 100 {
		if word := c.get(time.Duration(i) * 20 * ms); word != "" && word != "-" {
			played++
		}
	}
	if played == 0 {
		t.Error("nothing is heard afterwards")
	}
}

// TestJitterWholePackets plays a codec that cannot be cut, 40 ms a packet, to a
// reader of 20 ms.
func TestJitterWholePackets(t *testing.T) {
	format := call.FormatOf(call.Opus)
	format.PTime = 40 * ms
	b := NewJitterBuffer(JitterOptions{Format: format})
	epoch, played := time.Unix(0, 0), 0
	var f call.Frame
	for i := range 100 {
		at := epoch.Add(time.Duration(i) * 40 * ms)
		b.Put(&call.Frame{Codec: call.Opus, Seq: uint16(i), Timestamp: uint32(i) * 1920, Payload: []byte{byte(i), 2, 3}}, at)
		if err := b.Get(&f, at.Add(25*ms)); err == nil && f.Kind == call.Audio {
			if int(f.Payload[0]) != i || len(f.Payload) != 3 {
				t.Fatalf("packet %d is % d", i, f.Payload)
			}
			played++
		}
	}
	if played != 100 {
		t.Errorf("%d played, %+v", played, b.Stats())
	}
}

func TestJitterDoesNotAllocate(t *testing.T) {
	for _, packet := range []time.Duration{10 * ms, 20 * ms, 30 * ms} {
		b := NewJitterBuffer(JitterOptions{Format: call.FormatOf(call.PCMU)})
		epoch := time.Unix(0, 0)
		f := call.Frame{Codec: call.PCMU, Payload: make([]byte, packet*8/ms)}
		var out call.Frame
		at, next := time.Duration(0), time.Duration(0)
		step := func() {
			for ; next <= at; next += packet {
				b.Put(&f, epoch.Add(next))
				f.Seq++
				f.Timestamp += uint32(packet * 8 / ms)
			}
			at += 20 * ms
			b.Get(&out, epoch.Add(at))
		}
		for range 200 {
			step()
		}
		if n := testing.AllocsPerRun(1000, step); n != 0 {
			t.Errorf("%v: %v allocations a packet", packet, n)
		}
	}
}

// FuzzJitter feeds nonsense: five octets an operation.
func FuzzJitter(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 10, 1, 2, 0, 160, 20, 2, 0, 0, 0, 20, 3, 9, 1, 0, 5})
	f.Fuzz(func(t *testing.T, script []byte) {
		b := NewJitterBuffer(JitterOptions{Format: call.FormatOf(call.PCMU)})
		now := time.Unix(0, 0)
		var out call.Frame
		codecs := []call.Codec{call.PCMU, call.PCMA, call.L16, call.Opus, call.GSM}
		for ; len(script) >= 5; script = script[5:] {
			now = now.Add(time.Duration(script[4]) * ms)
			frame := call.Frame{
				Codec:     codecs[script[0]>>4%5],
				Seq:       uint16(script[1]) << (script[0] & 8),
				Timestamp: uint32(script[2]) << 8 << (script[0] & 15),
				Payload:   make([]byte, script[3]),
			}
			switch script[0] & 7 {
			case 0, 1:
				b.Put(&frame, now)
			case 2:
				frame.Kind = call.ComfortNoise
				b.Put(&frame, now)
			case 3:
				frame.Kind = call.Telephone
				b.Put(&frame, now)
			default:
				if err := b.Get(&out, now); err != nil && !errors.Is(err, call.ErrNoFrame) {
					t.Fatal(err)
				}
				if len(out.Payload) > 1000 {
					t.Fatalf("a frame of %d octets", len(out.Payload))
				}
			}
			if b.size < 0 || b.size > jitterSlots || b.Stats().Target > time.Second {
				t.Fatalf("%d packets, %+v", b.size, b.Stats())
			}
		}
	})
}

func BenchmarkJitterPutGet(b *testing.B) {
	buffer := NewJitterBuffer(JitterOptions{Format: call.FormatOf(call.PCMU)})
	f := call.Frame{Codec: call.PCMU, Payload: make([]byte, 160)}
	var out call.Frame
	now := time.Unix(0, 0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(20 * ms)
		buffer.Put(&f, now)
		f.Seq++
		f.Timestamp += 160
		buffer.Get(&out, now.Add(10*ms))
	}
}
