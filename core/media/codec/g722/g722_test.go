package g722

import (
	"math"
	"slices"
	"testing"

	"github.com/moonwire/moonwire/core/media/codec/testsignal"
)

// TestVectors compares each bit with what the reference software of the ITU
// (Recommendation G.191) makes of the same signals.
func TestVectors(t *testing.T) {
	vectors, err := testsignal.Vectors("testdata/vectors.txt")
	if err != nil || len(vectors) < 9 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		coded := testsignal.Octets(330 * 33)
		if v.Signal != "octets" {
			coded = NewEncoder().Encode(nil, signal(t, v.Signal))
		}
		if testsignal.Digest(coded) != v.Coded {
			t.Errorf("%s is coded otherwise: % x…", v.Signal, coded[:16])
		}
		if decoded := NewDecoder().Decode(nil, coded); testsignal.DigestOf(decoded) != v.Decoded {
			t.Errorf("%s is decoded otherwise: %v…", v.Signal, decoded[:16])
		}
	}
}

func signal(t *testing.T, name string) []int16 {
	t.Helper()
	if name != "speech" {
		return testsignal.Make(name)
	}
	pcm, err := testsignal.Speech("../../../../sounds/en/demo-congrats.wav")
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

// TestPieces codes and decodes in pieces of any length, odd ones too.
func TestPieces(t *testing.T) {
	pcm := testsignal.Make("bursts")
	whole := NewEncoder().Encode(nil, pcm)
	e, d := NewEncoder(), NewDecoder()
	var coded []byte
	for n := 1; len(pcm) > 0; n = n*5%331 + 1 {
		n := min(n, len(pcm))
		coded = e.Encode(coded, pcm[:n])
		pcm = pcm[n:]
	}
	if !slices.Equal(coded, whole) {
		t.Error("the bits depend on how the sound is cut")
	}
	var decoded []int16
	for n := 0; n < len(coded); n += 7 {
		decoded = d.Decode(decoded, coded[n:min(n+7, len(coded))])
	}
	if !slices.Equal(decoded, NewDecoder().Decode(nil, whole)) {
		t.Error("the sound depends on how the bits are cut")
	}
}

// TestSignalToNoise sends tones of both bands: 40 dB in the lower, and in the
// upper what two bits give.
func TestSignalToNoise(t *testing.T) {
	for _, c := range []struct{ hertz, want float64 }{{300, 40}, {1020, 40}, {3000, 35}, {5500, 12}} {
		pcm := make([]int16, 16000)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*c.hertz*float64(i)/Rate))
		}
		back := NewDecoder().Decode(nil, NewEncoder().Encode(nil, pcm))
		const delay = history // of the two filters
		var wanted, noise float64
		for i := 4000; i < len(pcm)-delay; i++ {
			s, d := float64(pcm[i]), float64(back[i+delay])-float64(pcm[i])
			wanted += s * s
			noise += d * d
		}
		ratio := 10 * math.Log10(wanted/noise)
		t.Logf("%.0f Hz: %.1f dB", c.hertz, ratio)
		if ratio < c.want {
			t.Errorf("%.0f Hz: %.1f dB above the noise, want %.0f", c.hertz, ratio, c.want)
		}
	}
}

// TestRecovers loses a packet; the ends are alike again soon after it.
func TestRecovers(t *testing.T) {
	coded := NewEncoder().Encode(nil, signal(t, "speech"))
	whole, holed := NewDecoder(), NewDecoder()
	whole.Decode(nil, coded[:8160])
	holed.Decode(nil, coded[:8000])
	a, b := whole.Decode(nil, coded[8160:12160]), holed.Decode(nil, coded[8160:12160])
	if !slices.Equal(a[7000:], b[7000:]) {
		t.Error("the ends still differ half a second after a loss")
	}
}

func TestNoAllocation(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	pcm, octets := make([]int16, 0, 321), make([]byte, 0, 161)
	frame := testsignal.Make("loud")[:320]
	if n := testing.AllocsPerRun(100, func() {
		octets = e.Encode(octets[:0], frame)
		pcm = d.Decode(pcm[:0], octets)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, 1)
	f.Add(testsignal.Octets(200), 20)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		whole := NewDecoder().Decode(nil, data)
		if len(whole) != 2*len(data) {
			t.Fatalf("%d samples of %d octets", len(whole), len(data))
		}
		cut = max(0, min(cut, len(data)))
		d := NewDecoder()
		if parts := d.Decode(d.Decode(nil, data[:cut]), data[cut:]); !slices.Equal(parts, whole) {
			t.Fatal("cut differently, decoded differently")
		}
		NewEncoder().Encode(nil, whole)
	})
}

func BenchmarkEncode20ms(b *testing.B) {
	e, frame, dst := NewEncoder(), testsignal.Make("bursts")[:320], make([]byte, 0, 161)
	for b.Loop() {
		dst = e.Encode(dst[:0], frame)
	}
}

func BenchmarkDecode20ms(b *testing.B) {
	d, dst := NewDecoder(), make([]int16, 0, 321)
	octets := NewEncoder().Encode(nil, testsignal.Make("bursts")[:320])
	for b.Loop() {
		dst = d.Decode(dst[:0], octets)
	}
}
