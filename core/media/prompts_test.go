package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/codec/g711"
)

// countingFS counts how often files are opened.
type countingFS struct {
	fstest.MapFS
	opened atomic.Int32
}

func (c *countingFS) Open(name string) (fs.File, error) {
	f, err := c.MapFS.Open(name)
	if err == nil {
		c.opened.Add(1)
	}
	return f, err
}

// sln is raw sound: a tone of the given peak.
func sln(rate int, length time.Duration, peak float64) *fstest.MapFile {
	var b []byte
	for i := range int(length.Seconds() * float64(rate)) {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(peak*math.Sin(2*math.Pi*500*float64(i)/float64(rate)))))
	}
	return &fstest.MapFile{Data: b, ModTime: time.Unix(1, 0)}
}

// constant is raw sound that is the same sample for ever.
func constant(value int16, samples int) *fstest.MapFile {
	return &fstest.MapFile{Data: bytes.Repeat(binary.LittleEndian.AppendUint16(nil, uint16(value)), samples), ModTime: time.Unix(1, 0)}
}

// hear plays all of a source.
func hear(t *testing.T, s Source, format call.Format) (payload []byte, frames int) {
	t.Helper()
	var f call.Frame
	for {
		err := s.Next(format, &f)
		if err == io.EOF {
			return payload, frames
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.Kind != call.Audio || f.Codec != format.Codec {
			t.Fatalf("a frame of %v, kind %v", f.Codec, f.Kind)
		}
		payload = append(payload, f.Payload...)
		frames++
	}
}

func TestPromptsAreFound(t *testing.T) {
	site := fstest.MapFS{
		"en-GB/hello.sln":   constant(1000, 8000),
		"fr/hello.ulaw":     {Data: []byte{0x80}},
		"fr/both.sln":       constant(1, 8000),
		"fr/both.sln16":     constant(2, 16000),
		"custom.sln":        constant(3, 800),
		"de/adpcm.wav":      {Data: []byte("RIFFxxxxWAVEfmt \x14\x00\x00\x00\x11\x00\x01\x00\x40\x1f\x00\x00\x00\x00\x00\x00\x41\x00\x00\x00\x00\x00\x40\x01data\x00\x00\x00\x00")},
		"en/broken.wav":     {Data: []byte("nonsense")},
		"en/folder.wav/x":   {},
		"en/broken.mp3":     {Data: []byte("nonsense")},
		"en/saved.wav":      {Data: []byte("nonsense")},
		"en/saved.sln":      constant(9, 800),
		"en/hello.backup":   {},
		"secret/hidden.sln": constant(9, 800),
	}
	shipped := fstest.MapFS{
		"en/hello.sln":    constant(2000, 8000),
		"en/digits/1.sln": constant(1, 400),
		"fr/hello.sln":    constant(4, 400),
		"en/silence.wav":  {Data: nil},
	}
	p := NewPrompts(nil, site, shipped)
	for _, c := range []struct{ language, name, file string }{
		{"en-GB", "hello", "en-GB/hello.sln"},
		{"en_GB", "hello", "en-GB/hello.sln"},
		{"en-US", "hello", "en/hello.sln"},
		{"en", "hello", "en/hello.sln"},
		{"", "hello", "en/hello.sln"},
		{"xx", "hello", "en/hello.sln"},
		{"fr", "hello", "fr/hello.ulaw"}, // the first root comes first
		{"fr-CA-x", "both", "fr/both.sln16"},
		{"fr", "digits/1", "en/digits/1.sln"},
		{"en", "custom", "custom.sln"},
		{"en", "hello.sln", "en/hello.sln"},
		{"en", "saved", "en/saved.sln"},
		{"../secret", "custom", "custom.sln"},
	} {
		prompt, err := p.Find(c.language, c.name)
		if err != nil || prompt.File() != c.file {
			t.Errorf("%s in %q: %v, want %s", c.name, c.language, err, c.file)
		}
	}
	for _, name := range []string{"../secret/hidden", "/etc/passwd", "", ".", "a/../b", "hello/"} {
		if prompt, err := p.Find("en", name); err == nil {
			t.Errorf("%q found %s", name, prompt.File())
		}
	}
	_, err := p.Find("de-AT", "adpcm")
	if err == nil || !strings.Contains(err.Error(), "de/adpcm.wav: wav with IMA ADPCM") {
		t.Errorf("ADPCM: %v", err)
	}
	if _, err = p.Find("en", "broken"); err == nil || !strings.Contains(err.Error(), "en/broken.wav") {
		t.Errorf("broken: %v", err)
	}
	_, err = p.Find("pt-BR", "nothing/here")
	var missing *MissingPrompt
	if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("missing: %v", err)
	}
	if got := strings.Join(missing.Tried, " "); got != "pt-BR/nothing/here pt/nothing/here en/nothing/here nothing/here" {
		t.Errorf("tried %s", got)
	}
}

func TestPromptIsReadAndEncodedOnce(t *testing.T) {
	files := &countingFS{MapFS: fstest.MapFS{"en/x.sln16": sln(16000, time.Second, 10000)}}
	p := NewPrompts(nil, files)
	format := call.FormatOf(call.PCMA)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			prompt, err := p.Find("en", "x")
			if err != nil || prompt.Duration() != time.Second {
				t.Error(err)
				return
			}
			if err := prompt.Prepare(format); err != nil {
				t.Error(err)
			}
			if payload, frames := hear(t, prompt.Source(0), format); len(payload) != 8000 || frames != 50 {
				t.Errorf("%d octets in %d frames", len(payload), frames)
			}
		})
	}
	group.Wait()
	if n := files.opened.Load(); n != 1 {
		t.Errorf("the file was opened %d times", n)
	}
	prompt, _ := p.Find("en", "x")
	var a, b call.Frame
	prompt.Source(0).Next(format, &a)
	prompt.Source(0).Next(format, &b)
	if &a.Payload[0] != &b.Payload[0] {
		t.Error("two calls do not share the octets")
	}
	if n := len(*prompt.ready.Load()); n != 1 {
		t.Errorf("%d renditions", n)
	}
}

// TestPromptSounds compares what is heard with the tone in the file, in every
// format, prepared and not.
func TestPromptSounds(t *testing.T) {
	p := NewPrompts(nil, fstest.MapFS{"en/x.sln16": sln(16000, time.Second, 8000)})
	for _, prepared := range []bool{true, false} {
		for _, ptime := range []time.Duration{10, 20, 30, 60} {
			format := call.Format{Codec: call.PCMU, Rate: 8000, Channels: 1, PTime: ptime * ms}
			p.Invalidate("")
			prompt, err := p.Find("en", "x")
			if err != nil {
				t.Fatal(err)
			}
			if prepared {
				if err := prompt.Prepare(format); err != nil {
					t.Fatal(err)
				}
			}
			payload, frames := hear(t, prompt.Source(0), format)
			if want := int((time.Second + ptime*ms - 1) / (ptime * ms)); frames != want || len(payload) != want*int(ptime)*8 {
				t.Errorf("prepared %v, %v: %d frames of %d octets, want %d", prepared, ptime*ms, frames, len(payload), want)
			}
			var signal, noise float64
			for i, got := range g711.MuLaw.Decode(nil, payload)[100:7900] {
				want := 8000 * math.Sin(2*math.Pi*500*float64(i+100)/8000)
				signal += want * want
				noise += (want - float64(got)) * (want - float64(got))
			}
			if snr := 10 * math.Log10(signal/noise); snr < 30 {
				t.Errorf("prepared %v, %v: %.1f dB", prepared, ptime*ms, snr)
			}
		}
	}
}

func TestPromptInOtherFormats(t *testing.T) {
	p := NewPrompts(nil, fstest.MapFS{"en/x.sln": constant(1000, 8080)})
	prompt, err := p.Find("en", "x")
	if err != nil {
		t.Fatal(err)
	}
	var f call.Frame
	for _, rate := range []int{8000, 16000, 48000} {
		format := call.LinearAt(rate)
		if err := prompt.Prepare(format); err != nil {
			t.Fatal(err)
		}
		s, samples := prompt.Source(0), 0
		for s.Next(format, &f) == nil {
			if len(f.PCM) != rate/50 {
				t.Fatalf("a frame of %d samples", len(f.PCM))
			}
			samples += len(f.PCM)
		}
		if want := 51 * rate / 50; samples != want {
			t.Errorf("%d Hz: %d samples, want %d", rate, samples, want)
		}
	}
	stereo := call.Format{Codec: call.L16, Rate: 16000, Channels: 2, PTime: 20 * ms}
	if err := prompt.Prepare(stereo); err != nil {
		t.Fatal(err)
	}
	if payload, frames := hear(t, prompt.Source(0), stereo); frames != 51 || len(payload) != 51*1280 {
		t.Errorf("%d octets in %d frames", len(payload), frames)
	}
	if err := prompt.Prepare(call.FormatOf(call.G729)); err == nil {
		t.Error("prepared for a codec that is not there")
	}
	if err := prompt.Source(0).Next(call.FormatOf(call.G729), &f); err == nil {
		t.Error("played for a codec that is not there")
	}
}

// TestPromptSkips begins in the middle, changes the codec and the length of
// frames on the way, and must go on where it was. Each tenth of a second of the
// file has a level of its own.
func TestPromptSkips(t *testing.T) {
	var data []byte
	for i := range 10 {
		data = append(data, constant(int16(1000*(i+1)), 800).Data...)
	}
	p := NewPrompts(nil, fstest.MapFS{"en/x.sln": {Data: data}})
	mu, a := call.FormatOf(call.PCMU), call.FormatOf(call.PCMA)
	a.PTime = 10 * ms
	for _, prepared := range []bool{false, true} {
		p.Invalidate("x")
		prompt, _ := p.Find("en", "x")
		if prepared {
			prompt.Prepare(mu)
			prompt.Prepare(a)
		}
		s := prompt.Source(300 * ms)
		var f call.Frame
		for i := range 5 {
			if err := s.Next(mu, &f); err != nil {
				t.Fatal(err)
			}
			expectLevel(t, fmt.Sprint("first part, frame ", i), g711.MuLaw, f.Payload, 4000)
		}
		for i := range 60 {
			if err := s.Next(a, &f); err != nil {
				t.Fatal(i, err)
			}
			expectLevel(t, fmt.Sprint("second part, frame ", i), g711.ALaw, f.Payload, float64(5000+i/10*1000))
		}
		if err := s.Next(a, &f); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		if err := prompt.Source(time.Hour).Next(mu, &f); err != io.EOF {
			t.Errorf("skipping everything: %v", err)
		}
		if err := prompt.Source(-time.Hour).Next(mu, &f); err != nil {
			t.Errorf("skipping less than nothing: %v", err)
		}
	}
}

func expectLevel(t *testing.T, what string, law g711.Law, payload []byte, want float64) {
	t.Helper()
	pcm := law.Decode(nil, payload)
	if got := float64(pcm[len(pcm)/2]); math.Abs(got-want) > want*0.04 {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestPromptsForgetTheLeastUsed(t *testing.T) {
	files := &countingFS{MapFS: fstest.MapFS{}}
	for i := range 10 {
		files.MapFS[fmt.Sprintf("en/p%d.sln", i)] = constant(1, 8000) // 16000 octets
	}
	p := NewPrompts(nil, files)
	p.SetLimit(50000)
	first, _ := p.Find("en", "p0")
	for i := range 10 {
		if _, err := p.Find("en", fmt.Sprint("p", i)); err != nil {
			t.Fatal(err)
		}
		p.Find("en", "p0")
		if p.size > 50000 {
			t.Fatalf("%d octets are kept", p.size)
		}
	}
	if n := files.opened.Load(); n != 10 {
		t.Errorf("files were opened %d times", n)
	}
	if again, _ := p.Find("en", "p0"); again != first {
		t.Error("what is used most was forgotten")
	}
	p.Find("en", "p1")
	if n := files.opened.Load(); n != 11 {
		t.Errorf("files were opened %d times", n)
	}
	first.Prepare(call.FormatOf(call.PCMU))
	if p.size > 50000 {
		t.Errorf("%d octets are kept", p.size)
	}
	if len(p.byKey) != p.latest.Len() {
		t.Errorf("%d of %d", len(p.byKey), p.latest.Len())
	}
	p.SetLimit(10000)
	if _, err := p.Find("en", "p5"); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a file beyond the limit: %v", err)
	}
	if p.size != 0 || len(p.byKey) != 0 {
		t.Errorf("%d octets in %d prompts are kept", p.size, len(p.byKey))
	}
	if _, frames := hear(t, first.Source(0), call.FormatOf(call.PCMU)); frames != 50 {
		t.Errorf("a forgotten prompt plays %d frames", frames)
	}
}

func TestPromptsAreReadAnew(t *testing.T) {
	for _, changed := range []string{"digits/1", "en/digits/1.sln", "fr/digits/1.wav", ""} {
		files := fstest.MapFS{"en/digits/1.sln": constant(1, 800), "en/other.sln": constant(1, 800)}
		p := NewPrompts(nil, files)
		before, _ := p.Find("en", "digits/1")
		other, _ := p.Find("en", "other")
		files["en/digits/1.sln"] = constant(1, 1600)
		if same, _ := p.Find("en", "digits/1"); same != before {
			t.Error("it was read anew without being told")
		}
		p.Invalidate(changed)
		if after, _ := p.Find("en", "digits/1"); after.Duration() != 2*before.Duration() {
			t.Errorf("%q: still %v long", changed, after.Duration())
		}
		if same, _ := p.Find("en", "other"); same != other && changed != "" {
			t.Errorf("%q made another be forgotten", changed)
		}
	}
	files := fstest.MapFS{}
	p := NewPrompts(nil, files)
	if _, err := p.Find("en", "late"); err == nil {
		t.Error("found what is not there")
	}
	files["en/late.sln"] = constant(1, 800)
	if _, err := p.Find("en", "late"); err != nil {
		t.Errorf("what was added is not found: %v", err)
	}
}

func TestFindFile(t *testing.T) {
	files := &countingFS{MapFS: fstest.MapFS{"messages/a.sln": constant(1, 800), "dir.wav/x": {}}}
	p := NewPrompts(nil)
	for _, name := range []string{"messages/a.sln", "./messages/a.sln", "messages/a"} {
		prompt, err := p.FindFile(files, name)
		if err != nil || prompt.Duration() != 100*ms {
			t.Fatalf("%s: %v", name, err)
		}
	}
	opened := files.opened.Load()
	p.FindFile(files, "messages/a.sln")
	if n := files.opened.Load() - opened; n != 0 {
		t.Errorf("an unchanged file was opened %d times", n)
	}
	files.MapFS["messages/a.sln"] = constant(1, 1600)
	if prompt, err := p.FindFile(files, "messages/a.sln"); err != nil || prompt.Duration() != 200*ms {
		t.Errorf("a longer file: %v", err)
	}
	changed := constant(5, 1600)
	changed.ModTime = time.Unix(2, 0)
	files.MapFS["messages/a.sln"] = changed
	if prompt, _ := p.FindFile(files, "messages/a.sln"); prompt.pcm[0] != 5 {
		t.Error("a newer file was not read")
	}
	var missing *MissingPrompt
	if _, err := p.FindFile(files, "messages/b"); !errors.As(err, &missing) {
		t.Errorf("missing: %v", err)
	}
	if _, err := p.FindFile(files, "dir.wav"); err == nil {
		t.Error("a directory was played")
	}
	if _, err := p.FindFile(files, "../etc/passwd"); err == nil {
		t.Error("escaped from the file system")
	}
	if prompt, err := p.FindFile(fstest.MapFS{"x.sln": constant(1, 800)}, "x.sln"); err != nil || prompt.Duration() != 100*ms {
		t.Errorf("a file system that cannot be a key: %v", err)
	}
}

func TestPlayingNeverReadsFiles(t *testing.T) {
	files := &countingFS{MapFS: fstest.MapFS{"en/x.sln": sln(8000, time.Second, 5000)}}
	prompt, err := NewPrompts(nil, files).Find("en", "x")
	if err != nil {
		t.Fatal(err)
	}
	opened := files.opened.Load()
	clear(files.MapFS)
	for _, format := range []call.Format{call.FormatOf(call.PCMU), call.FormatOf(call.L16), call.LinearAt(48000)} {
		var f call.Frame
		s := prompt.Source(0)
		for range 50 {
			if err := s.Next(format, &f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if files.opened.Load() != opened {
		t.Error("playing opened files")
	}
}

func TestPlayingDoesNotAllocate(t *testing.T) {
	p := NewPrompts(nil, fstest.MapFS{"en/x.sln": sln(8000, time.Minute, 5000)})
	prompt, _ := p.Find("en", "x")
	format := call.FormatOf(call.PCMU)
	prompt.Prepare(format)
	s := prompt.Source(0)
	var f call.Frame
	s.Next(format, &f)
	if n := testing.AllocsPerRun(1000, func() { s.Next(format, &f) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkPrompt(b *testing.B) {
	p := NewPrompts(nil, fstest.MapFS{"en/x.sln16": sln(16000, time.Minute, 5000)})
	prompt, _ := p.Find("en", "x")
	format := call.FormatOf(call.PCMU)
	var f call.Frame
	b.Run("unprepared", func(b *testing.B) {
		s := Encoded(&promptReader{prompt: prompt})
		b.ReportAllocs()
		for b.Loop() {
			if s.Next(format, &f) == io.EOF {
				s = Encoded(&promptReader{prompt: prompt})
			}
		}
	})
	b.Run("prepare a minute", func(b *testing.B) {
		for b.Loop() {
			prompt.render(format)
		}
	})
	prompt.Prepare(format)
	b.Run("prepared", func(b *testing.B) {
		s := prompt.Source(0)
		b.ReportAllocs()
		for b.Loop() {
			if s.Next(format, &f) == io.EOF {
				s = prompt.Source(0)
			}
		}
	})
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Find("en", "x")
		}
	})
}
