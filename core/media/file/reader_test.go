package file

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

//go:embed testdata
var samples embed.FS

// chunk is a piece of a wav file, padded to an even length.
func chunk(id string, body []byte) []byte {
	b := append([]byte(id), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

func format(tag, channels, rate, bits int) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(tag))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*channels*bits/8))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels*bits/8))
	return binary.LittleEndian.AppendUint16(b, uint16(bits))
}

// extensible wraps a format as WAVEFORMATEXTENSIBLE does.
func extensible(tag, channels, rate, bits int) []byte {
	b := format(tagExtensible, channels, rate, bits)
	b = append(b, 22, 0, byte(bits), 0, 4, 0, 0, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(tag))
	return append(b, extensibleGUID[:]...)
}

func wav(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), bytes.Join(chunks, nil)...)
	return append(append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...), body...)
}

func read(t *testing.T, data []byte, name string) ([]int16, *Reader, error) {
	t.Helper()
	r, err := Open(fstest.MapFS{name: {Data: data}}, name)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	pcm, err := r.ReadAll(1 << 24)
	return pcm, r, err
}

func TestReadCodings(t *testing.T) {
	le16, le32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	for _, c := range []struct {
		name      string
		format    []byte
		data      []byte
		want      []int16
		rate      int
		tolerance int
	}{
		{"8 bits", format(tagPCM, 1, 8000, 8), []byte{128, 255, 0}, []int16{0, 127 << 8, -128 << 8}, 8000, 0},
		{"16 bits", format(tagPCM, 1, 11025, 16), []byte{1, 0, 0xFF, 0x7F, 0, 0x80}, []int16{1, 32767, -32768}, 11025, 0},
		{"24 bits", format(tagPCM, 1, 44100, 24), []byte{9, 1, 0, 0xFF, 0xFF, 0x7F}, []int16{1, 32767}, 44100, 0},
		{"32 bits", format(tagPCM, 1, 48000, 32), []byte{9, 9, 1, 0, 0, 0, 0, 0x80}, []int16{1, -32768}, 48000, 0},
		{"float", format(tagFloat, 1, 16000, 32), le32(le32(le32(nil, math.Float32bits(0.5)), math.Float32bits(-2)), math.Float32bits(float32(math.NaN()))), []int16{16384, -32767, 0}, 16000, 0},
		{"double", format(tagFloat, 1, 16000, 64), binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.5)), []int16{-16384}, 16000, 0},
		{"µ-law", format(tagMuLaw, 1, 8000, 8), []byte{0xFF, 0x80, 0x00}, []int16{0, 32124, -32124}, 8000, 0},
		{"A-law", format(tagALaw, 1, 8000, 8), []byte{0xD5, 0xAA, 0x2A}, []int16{8, 32256, -32256}, 8000, 0},
		{"stereo", format(tagPCM, 2, 8000, 16), le16(le16(le16(le16(nil, 100), 300), 0xFFFF), 1), []int16{200, 0}, 8000, 0},
		{"extensible", extensible(tagPCM, 1, 32000, 16), []byte{5, 0}, []int16{5}, 32000, 0},
		{"extensible float", extensible(tagFloat, 1, 32000, 32), le32(nil, math.Float32bits(1)), []int16{32767}, 32000, 0},
		{"long description", append(format(tagPCM, 1, 8000, 16), 0, 0), []byte{5, 0}, []int16{5}, 8000, 0},
	} {
		file := wav(chunk("LIST", []byte("odd")), chunk("fmt ", c.format), chunk("cue ", make([]byte, 7)), chunk("data", c.data), chunk("id3 ", []byte("after")))
		got, r, err := read(t, file, "a.wav")
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", c.name, got, err, c.want)
			continue
		}
		if r.Rate() != c.rate || r.Truncated() {
			t.Errorf("%s: %d samples a second, truncated %v", c.name, r.Rate(), r.Truncated())
		}
		if want := time.Duration(len(c.want)) * time.Second / time.Duration(c.rate); r.Info().Length != want {
			t.Errorf("%s: %v long, want %v", c.name, r.Info().Length, want)
		}
	}
}

func TestReadCutOff(t *testing.T) {
	pcm := make([]byte, 1000)
	whole := wav(chunk("fmt ", format(tagPCM, 2, 8000, 16)), chunk("data", pcm))
	got, r, err := read(t, whole[:len(whole)-501], "a.wav")
	if err != nil || len(got) != 124 || !r.Truncated() {
		t.Errorf("%d samples, %v, truncated %v", len(got), err, r != nil && r.Truncated())
	}
	for _, length := range []uint32{0, 0xFFFFFFFF} { // as streams and crashes leave it
		binary.LittleEndian.PutUint32(whole[40:], length)
		got, r, err = read(t, whole, "a.wav")
		if err != nil || len(got) != 250 || r.Truncated() {
			t.Errorf("length %#x: %d samples, %v", length, len(got), err)
		}
	}
	if got, r, err := read(t, []byte{1, 2, 3}, "a.sln"); err != nil || len(got) != 1 || !r.Truncated() {
		t.Errorf("half a sample: %v, %v", got, err)
	}
}

func TestReadRefuses(t *testing.T) {
	data := chunk("data", make([]byte, 100))
	for _, c := range []struct {
		name  string
		file  []byte
		words string
	}{
		{"a.wav", nil, "shorter than a wav header"},
		{"a.wav", []byte("ID3 and then some text"), "no wav header"},
		{"a.wav", wav(data), "sound before its description"},
		{"a.wav", wav(chunk("fmt ", format(tagPCM, 1, 8000, 16))), "no sound in it"},
		{"a.wav", wav(chunk("fmt ", []byte{1, 0})), "format description of 2 octets"},
		{"a.wav", wav(chunk("junk", nil), []byte("data")), "no sound in it"},
		{"a.wav", wav(append(chunk("fmt ", format(tagPCM, 1, 8000, 16))[:10], 0)), "cut off"},
		{"a.wav", wav(chunk("fmt ", format(tagPCM, 0, 8000, 16)), data), "0 channels"},
		{"a.wav", wav(chunk("fmt ", format(tagPCM, 1, 1<<30, 16)), data), "samples a second"},
		{"a.wav", wav(chunk("fmt ", append(format(tagPCM, 1, 8000, 16)[:12], 3, 0, 16, 0)), data), "3 octets for 1 channels"},
		{"a.wav", wav(chunk("fmt ", format(0x31, 1, 8000, 0)), data), "blocks of 0 octets"},
		{"a.wav", wav(chunk("fmt ", format(2, 1, 8000, 4)), data), "Microsoft ADPCM"},
		{"a.wav", wav(chunk("fmt ", format(0x1234, 1, 8000, 4)), data), "coding 0x1234 of 4 bits"},
		{"a.wav", wav(chunk("fmt ", format(tagPCM, 1, 8000, 12)), data), "coding 0x0001 of 12 bits"},
		{"a.wav", wav(chunk("fmt ", extensible(tagPCM, 1, 8000, 16)[:30]), data), "a coding of its own"},
		{"a.gsm", []byte("not a frame, but more than thirty-three octets"), "not a full rate frame"},
		{"a.g729", nil, "G.729"},
		{"a.wav49", nil, "shorter than a wav header"},
		{"a.txt", nil, `"txt"`},
		{"a", nil, `""`},
		{"a.mp3", nil, "no mp3 frame"},
		{"a.mp3", []byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f and nothing"), "cut off"},
		{"a.mp3", make([]byte, 100<<10), "no mp3 frame"},
		{"a.mp3", []byte{0xFF, 0xFB, 0x90, 0xC4, 0, 0, 0}, "not a valid"},
	} {
		_, _, err := read(t, c.file, c.name)
		if err == nil || !strings.Contains(err.Error(), c.words) || !strings.HasPrefix(err.Error(), c.name+": ") {
			t.Errorf("%s of %d octets: %v; want %q", c.name, len(c.file), err, c.words)
			continue
		}
		var unsupported *UnsupportedError
		if !errors.Is(err, ErrFormat) && !errors.As(err, &unsupported) {
			t.Errorf("%v is of no known kind", err)
		}
	}
	if _, err := Open(fstest.MapFS{}, "none.wav"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

func TestReadMP3(t *testing.T) {
	for name, rate := range map[string]int{"tone44.mp3": 44100, "tone16.mp3": 16000} {
		r, err := Open(samples, "testdata/"+name)
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := r.ReadAll(1 << 20)
		if err != nil || r.Rate() != rate || r.Info().Format != "mp3" {
			t.Fatalf("%s: %v, %+v", name, err, r.Info())
		}
		length := time.Duration(len(pcm)) * time.Second / time.Duration(rate)
		if said := r.Info().Length; said < length*8/10 || said > length*12/10 {
			t.Errorf("%s lasts %v, and is said to last %v", name, length, said)
		}
		crossings := 0
		middle := pcm[rate/10 : rate*3/10]
		for i := 1; i < len(middle); i++ {
			if middle[i-1] < 0 && middle[i] >= 0 {
				crossings++
			}
		}
		if crossings < 198 || crossings > 202 {
			t.Errorf("%s: a tone of %d Hz, want 1000", name, crossings*5)
		}
	}
	_, err := Open(samples, "testdata/tone8.mp3")
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), "MPEG-2.5") {
		t.Errorf("MPEG-2.5: %v", err)
	}
}

// TestDamagedMP3 changes octets: whatever happens, it is an error or sound.
func TestDamagedMP3(t *testing.T) {
	whole, _ := samples.ReadFile("testdata/tone16.mp3")
	for i := 0; i < len(whole); i += 1 + i/64 {
		damaged := slices.Clone(whole)
		damaged[i] ^= 0x55
		read(t, damaged, "a.mp3")
		read(t, damaged[:i], "a.mp3")
	}
}

func TestReadAllHasALimit(t *testing.T) {
	r, _ := NewReader(bytes.NewReader(make([]byte, 100000)), "a.ulaw")
	if _, err := r.ReadAll(8000); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadErrorsAreKept(t *testing.T) {
	broken := errors.New("broken disk")
	head := wav(chunk("fmt ", format(tagPCM, 1, 8000, 16)), chunk("data", make([]byte, 1000)))
	for _, n := range []int{0, 20, 38, 60} {
		r, err := NewReader(io.MultiReader(bytes.NewReader(head[:n]), failing{broken}), "a.wav")
		if err == nil {
			_, err = r.ReadAll(1000)
		}
		if !errors.Is(err, broken) {
			t.Errorf("after %d octets: %v", n, err)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	for _, form := range [][]byte{format(tagPCM, 1, 8000, 16), format(tagMuLaw, 2, 8000, 8), extensible(tagFloat, 1, 48000, 32), format(0x31, 1, 8000, 0), format(tagPCM, 2, 44100, 24)} {
		f.Add(wav(chunk("LIST", []byte("odd")), chunk("fmt ", form), chunk("data", make([]byte, 48))))
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzzRead(t, data, "a.wav") })
}

func FuzzReadMP3(f *testing.F) {
	for _, name := range []string{"tone44.mp3", "tone16.mp3", "tone8.mp3"} {
		data, _ := samples.ReadFile("testdata/" + name)
		f.Add(data[:min(len(data), 1000)])
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzzRead(t, data, "a.mp3") })
}

func fuzzRead(t *testing.T, data []byte, name string) {
	r, err := NewReader(bytes.NewReader(data), name)
	if err != nil {
		return
	}
	if r.Rate() < minRate || r.Rate() > maxRate {
		t.Fatalf("%d samples a second", r.Rate())
	}
	pcm, err := r.ReadAll(1 << 22)
	if len(pcm) > 400*len(data)+4608 {
		t.Fatalf("%d samples from %d octets", len(pcm), len(data))
	}
	if err == nil && r.Info().Format == "" {
		t.Fatal("sound without a format")
	}
}

func BenchmarkReadWAVSecond(b *testing.B) {
	for _, bits := range []int{16, 24} {
		data := wav(chunk("fmt ", format(tagPCM, 1, 16000, bits)), chunk("data", make([]byte, 16000*bits/8)))
		b.Run(fmt.Sprint(bits, " bits"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _ := NewReader(bytes.NewReader(data), "a.wav")
				r.ReadAll(1 << 20)
			}
		})
	}
}
