package gsm

import (
	"errors"
	"slices"
	"testing"

	"github.com/moonwire/moonwire/core/media/codec/testsignal"
)

// TestVectors compares each bit with what libgsm makes of the same signals.
func TestVectors(t *testing.T) {
	vectors, err := testsignal.Vectors("testdata/vectors.txt")
	if err != nil || len(vectors) < 9 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		coded := octets(330)
		if v.Signal != "octets" {
			coded = new(Encoder).Encode(nil, signal(t, v.Signal))
		}
		if testsignal.Digest(coded) != v.Coded {
			t.Errorf("%s is coded otherwise: % x…", v.Signal, coded[:FrameSize])
		}
		decoded, err := new(Decoder).Decode(nil, coded)
		if err != nil || testsignal.DigestOf(decoded) != v.Decoded {
			t.Errorf("%s is decoded otherwise: %v…, %v", v.Signal, decoded[:16], err)
		}
	}
}

// octets are frames of nonsense, with signatures.
func octets(frames int) []byte {
	payload := testsignal.Octets(frames * FrameSize)
	for i := 0; i < len(payload); i += FrameSize {
		payload[i] = payload[i]&0x0F | Signature<<4
	}
	return payload
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

func TestPieces(t *testing.T) {
	pcm := testsignal.Make("bursts")
	whole := new(Encoder).Encode(nil, pcm)
	e := new(Encoder)
	var coded []byte
	for n := 1; len(pcm) > 0; n = n*5%331 + 1 {
		n := min(n, len(pcm))
		coded = e.Encode(coded, pcm[:n])
		pcm = pcm[n:]
	}
	if !slices.Equal(coded, whole) {
		t.Error("the bits depend on how the sound is cut")
	}
}

func TestDecodeRefuses(t *testing.T) {
	frames := octets(2)
	if pcm, err := new(Decoder).Decode(nil, frames[:40]); !errors.Is(err, ErrFrame) || len(pcm) != FrameSamples {
		t.Errorf("a cut frame: %d samples, %v", len(pcm), err)
	}
	frames[FrameSize] = 0
	if pcm, err := new(Decoder).Decode(nil, frames); !errors.Is(err, ErrFrame) || len(pcm) != FrameSamples {
		t.Errorf("no signature: %d samples, %v", len(pcm), err)
	}
}

func TestMicrosoft(t *testing.T) {
	frames := octets(20)
	blocks, err := ToMicrosoft(nil, frames)
	if err != nil || len(blocks) != 10*MicrosoftSize {
		t.Fatal(len(blocks), err)
	}
	back, err := FromMicrosoft(nil, blocks)
	if err != nil || !slices.Equal(back, frames) {
		t.Error("frames changed on their way through wav49", err)
	}
	if _, err := FromMicrosoft(nil, blocks[:70]); !errors.Is(err, ErrFrame) {
		t.Error("a cut block", err)
	}
	if _, err := ToMicrosoft(nil, frames[:FrameSize]); !errors.Is(err, ErrFrame) {
		t.Error("one frame is no pair", err)
	}
}

func TestNoAllocation(t *testing.T) {
	e, d := new(Encoder), new(Decoder)
	pcm, octets := make([]int16, 0, FrameSamples), make([]byte, 0, FrameSize)
	frame := testsignal.Make("loud")[:FrameSamples]
	if n := testing.AllocsPerRun(100, func() {
		octets = e.Encode(octets[:0], frame)
		pcm, _ = d.Decode(pcm[:0], octets)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(octets(3))
	f.Add(new(Encoder).Encode(nil, testsignal.Make("loud")[:640]))
	f.Fuzz(func(t *testing.T, data []byte) {
		pcm, err := new(Decoder).Decode(nil, data)
		if whole := len(pcm) == len(data)/FrameSize*FrameSamples && len(data)%FrameSize == 0; err == nil && !whole {
			t.Fatalf("%d samples of %d octets", len(pcm), len(data))
		}
		new(Encoder).Encode(nil, pcm)
	})
}

func FuzzMicrosoft(f *testing.F) {
	f.Add(testsignal.Octets(130))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, _ := FromMicrosoft(nil, data)
		back, err := ToMicrosoft(nil, frames)
		if err != nil || !slices.Equal(back, data[:len(data)/MicrosoftSize*MicrosoftSize]) {
			t.Fatal("blocks changed", err)
		}
		if _, err := new(Decoder).Decode(nil, frames); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkEncode20ms(b *testing.B) {
	e, frame, dst := new(Encoder), testsignal.Make("bursts")[:FrameSamples], make([]byte, 0, FrameSize)
	for b.Loop() {
		dst = e.Encode(dst[:0], frame)
	}
}

func BenchmarkDecode20ms(b *testing.B) {
	d, dst := new(Decoder), make([]int16, 0, FrameSamples)
	octets := new(Encoder).Encode(nil, testsignal.Make("bursts")[:FrameSamples])
	for b.Loop() {
		dst, _ = d.Decode(dst[:0], octets)
	}
}
