package interop

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/media/file"
)

// rate is what both softphones record at.
const rate = 8000

// toneFile writes d seconds of a tone, for use as a microphone.
func toneFile(t testing.TB, hertz float64, seconds int) string {
	t.Helper()
	return toneFileAt(t, rate, hertz, seconds)
}

// toneFileAt is toneFile for phones whose codec has another rate.
func toneFileAt(t testing.TB, rate int, hertz float64, seconds int) string {
	t.Helper()
	pcm := make([]int16, seconds*rate)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))
	}
	path := filepath.Join(t.TempDir(), "tone.wav")
	saveWAVAt(t, path, rate, pcm)
	return path
}

// saveWAV writes 8 kHz samples to a new file.
func saveWAV(t testing.TB, path string, pcm []int16) {
	t.Helper()
	saveWAVAt(t, path, rate, pcm)
}

func saveWAVAt(t testing.TB, path string, rate int, pcm []int16) {
	t.Helper()
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	w, err := file.Create(dir, filepath.Base(path), file.WriterOptions{Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(pcm); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// loadWAV reads a whole file at 8 kHz.
func loadWAV(t testing.TB, path string) []int16 {
	t.Helper()
	r, err := file.Open(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pcm, err := r.ReadAll(100e6)
	if err != nil && len(pcm) == 0 {
		t.Fatal(err)
	}
	out, err := dsp.Resample(pcm, r.Rate(), rate)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// loudness is the root mean square of samples.
func loudness(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / math.Max(1, float64(len(pcm))))
}

// share is how much of the power of pcm is at hertz: 1 for a pure tone.
func share(pcm []int16, hertz float64) float64 {
	var re, im, power float64
	for i, s := range pcm {
		v := float64(s)
		re += v * math.Cos(2*math.Pi*hertz*float64(i)/rate)
		im += v * math.Sin(2*math.Pi*hertz*float64(i)/rate)
		power += v * v
	}
	if power == 0 {
		return 0
	}
	return 2 * (re*re + im*im) / (power * float64(len(pcm)))
}

// toneShare is the greatest share of hertz in any twentieth of a second, and how
// many seconds have at least 0.8 of it. The windows are so short because a jitter
// buffer that stretches the sound on a busy machine breaks the phase of a tone.
func toneShare(pcm []int16, hertz float64) (best float64, seconds float64) {
	const window = rate / 20
	for i := 0; i+window <= len(pcm); i += window {
		s := share(pcm[i:i+window], hertz)
		best = math.Max(best, s)
		if s > 0.8 && loudness(pcm[i:i+window]) > 500 {
			seconds += 0.05
		}
	}
	return best, seconds
}

// likeness says how well the loud part of want, about a second, is found in
// heard: 1 is as it is, 0 not at all. Its eighths are looked for one by one,
// because a phone whose clock is not ours drops or repeats samples between.
func likeness(heard, want []int16) float64 {
	piece := loudest(want, rate)
	sum := 0.0
	const parts = 8
	for i := range parts {
		sum += correlation(heard, piece[i*len(piece)/parts:(i+1)*len(piece)/parts])
	}
	return sum / parts
}

// correlation is the greatest normalised correlation of piece with any place of
// heard.
func correlation(heard, piece []int16) float64 {
	energy := 0.0
	for _, s := range piece {
		energy += float64(s) * float64(s)
	}
	var there float64 // energy of the window of heard
	best := 0.0
	for i, s := range heard {
		there += float64(s) * float64(s)
		if i >= len(piece) {
			o := float64(heard[i-len(piece)])
			there -= o * o
		}
		if i < len(piece)-1 {
			continue
		}
		if there < energy/20 {
			continue
		}
		var product int64
		window := heard[i-len(piece)+1 : i+1]
		for k, p := range piece {
			product += int64(p) * int64(window[k])
		}
		best = math.Max(best, float64(product)/math.Sqrt(energy*there))
	}
	return best
}

// loudest is the loudest stretch of n samples.
func loudest(pcm []int16, n int) []int16 {
	if len(pcm) <= n {
		return pcm
	}
	at, most := 0, -1.0
	for i := 0; i+n <= len(pcm); i += n / 8 {
		if l := loudness(pcm[i : i+n]); l > most {
			at, most = i, l
		}
	}
	return pcm[at : at+n]
}

// prompt is a shipped prompt at 8 kHz.
func prompt(t testing.TB, name string) []int16 {
	t.Helper()
	return loadWAV(t, filepath.Join("..", "..", "..", "sounds", "en", name+".wav"))
}
