package g711

import (
	"math"
	"testing"
)

// decisionMu and decisionA are the decision values of G.711, tables 2a and 1a,
// counted out from the width of each segment's steps, as the tables print them.
func decisions(first []int, width func(segment int) int) []int {
	values := append([]int(nil), first...)
	for segment := range 8 {
		steps := 16
		if segment == 0 {
			steps = 16 - (len(first) - 1)
		}
		for range steps {
			values = append(values, values[len(values)-1]+width(segment))
		}
	}
	return values
}

// slowMu finds the interval of a magnitude by walking the decision values
// 0, 1, 3, 5 … 31, 35 … 8159 of table 2a (14 bits).
func slowMu(sample int) byte {
	d := decisions([]int{0, 1}, func(segment int) int { return 2 << segment })
	sign, magnitude := byte(0x80), sample
	if sample < 0 {
		sign, magnitude = 0, -sample-1
	}
	n := 0
	for n < 127 && magnitude >= d[n+1] {
		n++
	}
	return sign | (0x7F - byte(n))
}

// slowA walks the decision values 0, 2, 4 … 64, 68 … 4096 of table 1a (13 bits).
func slowA(sample int) byte {
	d := decisions([]int{0}, func(segment int) int { return 2 << max(segment-1, 0) })
	sign, magnitude := byte(0x80), sample
	if sample < 0 {
		sign, magnitude = 0, -sample-1
	}
	n := 0
	for n < 127 && magnitude >= d[n+1] {
		n++
	}
	return (sign | byte(n)) ^ 0x55
}

func TestEncodeFollowsTheDecisionValues(t *testing.T) {
	for sample := math.MinInt16; sample <= math.MaxInt16; sample++ {
		pcm := []int16{int16(sample)}
		if got, want := MuLaw.Encode(nil, pcm)[0], slowMu(sample>>2); got != want {
			t.Fatalf("µ-law of %d: got %#02x, want %#02x", sample, got, want)
		}
		if got, want := ALaw.Encode(nil, pcm)[0], slowA(sample>>3); got != want {
			t.Fatalf("A-law of %d: got %#02x, want %#02x", sample, got, want)
		}
	}
}

// TestDecodeIsTheMiddle checks against the quantized values of the tables:
// y = (x(n) + x(n+1)) / 2, and for µ-law's first interval 0.
func TestDecodeIsTheMiddle(t *testing.T) {
	mu := decisions([]int{0, 1}, func(segment int) int { return 2 << segment })
	a := decisions([]int{0}, func(segment int) int { return 2 << max(segment-1, 0) })
	for n := range 128 {
		want := (mu[n] + mu[n+1]) / 2 * 4
		if n == 0 {
			want = 0
		}
		octet := byte(0xFF - n)
		if got := int(MuLaw.Decode(nil, []byte{octet})[0]); got != want {
			t.Errorf("µ-law octet %#02x: got %d, want %d", octet, got, want)
		}
		if got := int(MuLaw.Decode(nil, []byte{octet & 0x7F})[0]); got != -want {
			t.Errorf("µ-law octet %#02x: got %d, want %d", octet&0x7F, got, -want)
		}
		want = (a[n] + a[n+1]) / 2 * 8
		octet = byte(n) ^ 0xD5
		if got := int(ALaw.Decode(nil, []byte{octet})[0]); got != want {
			t.Errorf("A-law octet %#02x: got %d, want %d", octet, got, want)
		}
		if got := int(ALaw.Decode(nil, []byte{octet &^ 0x80})[0]); got != -want {
			t.Errorf("A-law octet %#02x: got %d, want %d", octet&^0x80, got, -want)
		}
	}
}

func TestEncodingTwiceChangesNothing(t *testing.T) {
	for i := range 256 {
		octet := []byte{byte(i)}
		if got := ALaw.Encode(nil, ALaw.Decode(nil, octet))[0]; got != octet[0] {
			t.Errorf("A-law %#02x became %#02x", octet[0], got)
		}
		want := octet[0]
		if want == 0x7F {
			want = 0xFF // the two zeros of µ-law are one sample
		}
		if got := MuLaw.Encode(nil, MuLaw.Decode(nil, octet))[0]; got != want {
			t.Errorf("µ-law %#02x became %#02x, want %#02x", octet[0], got, want)
		}
	}
}

func TestSilence(t *testing.T) {
	for _, law := range []Law{MuLaw, ALaw} {
		if got := law.Encode(nil, []int16{0})[0]; got != law.Silence() {
			t.Errorf("%v: zero is coded as %#02x, silence is %#02x", law, got, law.Silence())
		}
		frame := make([]byte, 160)
		law.Fill(frame)
		for _, sample := range law.Decode(nil, frame) {
			if sample > 8 || sample < -8 {
				t.Fatalf("%v: silence decodes to %d", law, sample)
			}
		}
	}
}

// TestSignalToNoise uses the test signal of G.712: a tone of 1020 Hz must come
// back 33 dB above its quantizing noise from -30 dBm0 up to 0 dBm0.
func TestSignalToNoise(t *testing.T) {
	for _, law := range []Law{MuLaw, ALaw} {
		for level := 0; level >= -30; level -= 5 {
			got := toneToNoise(law, float64(level))
			t.Logf("%v %4d dBm0: %.1f dB", law, level, got)
			if got < 33 {
				t.Errorf("%v: %.1f dB at %d dBm0, want 33", law, got, level)
			}
		}
	}
}

func toneToNoise(law Law, dBm0 float64) float64 {
	amplitude := 32124 * math.Pow(10, (dBm0-3.14)/20)
	pcm := make([]int16, 8000)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*1020*float64(i)/8000)))
	}
	var signal, noise float64
	for i, sample := range law.Decode(nil, law.Encode(nil, pcm)) {
		signal += float64(pcm[i]) * float64(pcm[i])
		difference := float64(sample) - float64(pcm[i])
		noise += difference * difference
	}
	return 10 * math.Log10(signal/noise)
}

// TestConversionTables checks what G.711 section 5 promises of its tables: they
// never reverse an order, stay within one step of decoding and coding again,
// and a sample that came from the other law and goes back there is restored
// wherever the other law had a step for it.
func TestConversionTables(t *testing.T) {
	for _, c := range []struct {
		name      string
		convert   func(dst, src []byte) []byte
		from, to  Law
		differing int
	}{
		{"µ to A", MuToA, MuLaw, ALaw, 0},
		{"A to µ", AToMu, ALaw, MuLaw, 0},
	} {
		for i := range 256 {
			octet := []byte{byte(i)}
			got := c.convert(nil, octet)[0]
			plain := c.to.Encode(nil, c.from.Decode(nil, octet))[0]
			if got&0x80 != octet[0]&0x80 {
				t.Errorf("%s: %#02x changed its sign", c.name, octet[0])
			}
			if number(c.to, plain) != number(c.to, got) {
				c.differing++
			}
			if d := number(c.to, plain) - number(c.to, got); octet[0] != 0x7F && (d > 1 || d < -1) {
				t.Errorf("%s: %#02x is %d steps from its neighbour", c.name, octet[0], d)
			}
		}
		t.Logf("%s: %d octets differ from decoding and coding again", c.name, c.differing)
		if c.differing > 64 {
			t.Errorf("%s: %d octets differ from decoding and coding again", c.name, c.differing)
		}
	}
	for n := 1; n < 128; n++ {
		if muToAValue[n] < muToAValue[n-1] || aToMuValue[n] < aToMuValue[n-1] {
			t.Errorf("value %d reverses the order", n+1)
		}
		if back := int(aToMuValue[muToAValue[n]-1]) - (n + 1); back > 1 || back < -1 {
			t.Errorf("µ-law value %d comes back %d off", n+1, back)
		}
		if back := int(muToAValue[aToMuValue[n]-1]) - (n + 1); back > 1 || back < -1 {
			t.Errorf("A-law value %d comes back %d off", n+1, back)
		}
	}
}

// number is an octet's value number, 1 to 128, with its sign.
func number(law Law, octet byte) int {
	value := int((octet^law.Silence())&0x7F) + 1
	if octet&0x80 == 0 {
		return -value
	}
	return value
}

func TestAppends(t *testing.T) {
	got := MuLaw.Encode([]byte{1, 2}, []int16{0})
	if len(got) != 3 || got[0] != 1 || got[2] != MuLawSilence {
		t.Errorf("got % x", got)
	}
	pcm := ALaw.Decode([]int16{7}, []byte{ALawSilence})
	if len(pcm) != 2 || pcm[0] != 7 || pcm[1] != 8 {
		t.Errorf("got %v", pcm)
	}
	octets := []byte{0xFF, 0x00}
	if got := MuToA(octets[:0], octets); got[0] != ALawSilence || &got[0] != &octets[0] {
		t.Errorf("converting in place gave % x", got)
	}
}

func TestNoAllocation(t *testing.T) {
	pcm, octets := make([]int16, 160), make([]byte, 0, 160)
	samples := make([]int16, 0, 160)
	if n := testing.AllocsPerRun(100, func() {
		octets = MuLaw.Encode(octets[:0], pcm)
		samples = MuLaw.Decode(samples[:0], octets)
		octets = MuToA(octets[:0], octets)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// compute is the encoder without a table, for comparison.
func compute(dst []byte, pcm []int16) []byte {
	for _, sample := range pcm {
		dst = append(dst, muCompress(int(sample)>>2))
	}
	return dst
}

func BenchmarkEncode20ms(b *testing.B) {
	pcm, dst := make([]int16, 160), make([]byte, 0, 160)
	for i := range pcm {
		pcm[i] = int16(i * 7919)
	}
	var whole [1 << 16]byte
	for i := range whole {
		whole[i] = muEncode[i>>2]
	}
	for _, c := range []struct {
		name   string
		encode func([]byte, []int16) []byte
	}{
		{"ulaw", MuLaw.Encode}, {"alaw", ALaw.Encode}, {"computed", compute},
		{"table64K", func(dst []byte, pcm []int16) []byte {
			dst = dst[:len(pcm)]
			for i, sample := range pcm {
				dst[i] = whole[uint16(sample)]
			}
			return dst
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				dst = c.encode(dst[:0], pcm)
			}
		})
	}
}

func BenchmarkDecode20ms(b *testing.B) {
	octets, dst := make([]byte, 160), make([]int16, 0, 160)
	for b.Loop() {
		dst = MuLaw.Decode(dst[:0], octets)
	}
}

func BenchmarkMuToA20ms(b *testing.B) {
	octets := make([]byte, 160)
	for b.Loop() {
		octets = MuToA(octets[:0], octets)
	}
}
