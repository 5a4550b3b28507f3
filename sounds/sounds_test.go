package sounds

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	sampleRate = 16000
	wantLevel  = -20.0 // dBFS, where somebody speaks; LEVEL of make.sh
	tolerance  = 2.0   // dB
	maxPeak    = -2.9  // dBFS; CEILING of make.sh, and rounding
	quietEnd   = 0.06  // seconds at each end
	silence    = -60.0 // dBFS, what counts as quiet
	maxTotal   = 18 << 20
)

// TestPrompts checks what a listener would notice in each prompt.
func TestPrompts(t *testing.T) {
	var total int
	for _, name := range prompts(t) {
		data, err := FS.ReadFile("en/" + name + ".wav")
		if err != nil {
			t.Fatal(err)
		}
		total += len(data)
		t.Run(name, func(t *testing.T) {
			pcm, err := samples(data)
			if err != nil {
				t.Fatal(err)
			}
			if seconds := float64(len(pcm)) / sampleRate; seconds < 0.25 || seconds > 20 {
				t.Errorf("lasts %.2f s", seconds)
			}
			if p := peak(pcm); p > maxPeak {
				t.Errorf("peak is %.1f dBFS, want at most %.1f", p, maxPeak)
			}
			if l := speechLevel(pcm); math.Abs(l-wantLevel) > tolerance {
				t.Errorf("speech level is %.1f dBFS, want %.1f", l, wantLevel)
			}
			end := int(quietEnd * sampleRate)
			if p := peak(pcm[:end]); p > silence {
				t.Errorf("begins with %.1f dBFS, which cuts off the first sound", p)
			}
			if p := peak(pcm[len(pcm)-end:]); p > silence {
				t.Errorf("ends with %.1f dBFS, which cuts off the last sound", p)
			}
		})
	}
	if total > maxTotal {
		t.Errorf("prompts take %d bytes, want at most %d", total, maxTotal)
	}
}

// TestListed checks that the lists and the files name the same prompts, so that
// make.sh can make every one of them again.
func TestListed(t *testing.T) {
	listed := append(names(t, "en.txt"), names(t, "tones.txt")...)
	slices.Sort(listed)
	for i := 1; i < len(listed); i++ {
		if listed[i] == listed[i-1] {
			t.Errorf("%s is listed twice", listed[i])
		}
	}
	files := prompts(t)
	for _, name := range listed {
		if !slices.Contains(files, name) {
			t.Errorf("%s is listed and has no file", name)
		}
	}
	for _, name := range files {
		if !slices.Contains(listed, name) {
			t.Errorf("%s has a file and is not listed", name)
		}
	}
}

func prompts(t *testing.T) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(FS, "en", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, isWAV := strings.CutSuffix(strings.TrimPrefix(path, "en/"), ".wav")
		if !isWAV {
			t.Errorf("%s is not a WAV file", path)
		}
		found = append(found, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// names reads the first column of a list.
func names(t *testing.T, list string) []string {
	t.Helper()
	f, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var found []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, what, ok := strings.Cut(line, "\t")
		if !ok || what == "" {
			t.Errorf("%s: %q has no tab and text", list, line)
		}
		found = append(found, name)
	}
	return found
}

// samples reads a WAV file of the one kind that make.sh writes.
func samples(data []byte) ([]int16, error) {
	if len(data) < 44 || string(data[:4]) != "RIFF" || string(data[8:16]) != "WAVEfmt " || string(data[36:40]) != "data" {
		return nil, fmt.Errorf("not a plain WAV file")
	}
	le := binary.LittleEndian
	coding, channels, rate, bits := le.Uint16(data[20:]), le.Uint16(data[22:]), le.Uint32(data[24:]), le.Uint16(data[34:])
	if coding != 1 || channels != 1 || rate != sampleRate || bits != 16 {
		return nil, fmt.Errorf("coding %d, %d channels, %d Hz, %d bits; want linear, mono, %d Hz, 16 bits", coding, channels, rate, bits, sampleRate)
	}
	if size := int(le.Uint32(data[40:])); size != len(data)-44 {
		return nil, fmt.Errorf("header says %d bytes of sound, the file has %d", size, len(data)-44)
	}
	pcm := make([]int16, (len(data)-44)/2)
	for i := range pcm {
		pcm[i] = int16(le.Uint16(data[44+2*i:]))
	}
	return pcm, nil
}

// peak is the level of the highest sample in dBFS.
func peak(pcm []int16) float64 {
	var highest float64
	for _, s := range pcm {
		highest = max(highest, math.Abs(float64(s)))
	}
	return decibels(highest * highest)
}

// speechLevel is the RMS level in dBFS over the 20 ms pieces in which somebody
// speaks, in the manner of ITU-T P.56: pauses do not make a prompt quieter.
func speechLevel(pcm []int16) float64 {
	const piece, threshold = sampleRate / 50, -42.0
	var power float64
	var pieces int
	for ; len(pcm) >= piece; pcm = pcm[piece:] {
		var sum float64
		for _, s := range pcm[:piece] {
			sum += float64(s) * float64(s)
		}
		if mean := sum / piece; decibels(mean) > threshold {
			power += mean
			pieces++
		}
	}
	return decibels(power / float64(max(pieces, 1)))
}

// decibels turns a power of samples into dB below full scale.
func decibels(power float64) float64 {
	return 10 * math.Log10(max(power, 1e-9)/(32768*32768))
}
