package api

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/media/file"
)

// recordedLength is the sound of a recording that the world made.
func (w *world) recordedLength(name string) time.Duration {
	w.t.Helper()
	r, err := file.Open(os.DirFS(w.folder), name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	pcm, err := r.ReadAll(1 << 24)
	if err != nil {
		w.t.Fatal(err)
	}
	return time.Duration(len(pcm)) * time.Second / time.Duration(r.Rate())
}

func (w *world) near(name string, want time.Duration) {
	w.t.Helper()
	if got := w.recordedLength(name); got < want-100*time.Millisecond || got > want+100*time.Millisecond {
		w.t.Errorf("%s lasts %v, want %v", name, got, want)
	}
}

func TestRecordingGoesOn(t *testing.T) {
	w := serving(t, `for n = 1, 3 do
  local take = call:record {path = "d/1.wav", max = n, append = true}
  log.info("%s %.1f %s", take.status, take.duration, tostring(take.added and math.floor(take.added + 0.5)))
end
local short = call:record {path = "d/1.wav", max = 1, min = 2, append = true}
log.info("then %s %s", short.status, tostring(short.path))
local other = call:record {path = "d/1.wav", max = 1, append = true, rate = 16000}
log.info("then %s %s", other.status, other.reason)`)
	w.calls()
	w.logged("recorded 1.0 1", "recorded 3.0 2", "recorded 6.0 3", "then short nil", "then failed d/1.wav: holds 8000 samples a second, not 16000")
	w.near("d/1.wav", 6*time.Second)
	w.noErrors()
}

// The caller hears the second part, rejects it and says it again: the first is
// untouched and what was rejected is gone.
func TestRecordingGoesOnWithReview(t *testing.T) {
	w := serving(t, `call:record {path = "1.wav", max = 4}
local take = call:record {path = "1.wav", append = true, max = 60, review = true}
log.info("%s %.0f %.0f", take.status, take.duration, take.added)`)
	w.calls(fake.Presses("#", 14*time.Second), fake.Presses("3", 15*time.Second), fake.Presses("#", 17*time.Second), fake.Presses("1", 18*time.Second))
	w.logged("recorded 6 2")
	w.near("1.wav", 6*time.Second)
	w.noErrors()
}

// A first take that is rejected must not stay before the second.
func TestReviewOfARecordingThatBegins(t *testing.T) {
	w := serving(t, `local take = call:record {path = "1.wav", append = true, max = 60, review = true}
log.info("%s %.0f", take.status, take.duration)`)
	w.calls(fake.Presses("#", 4*time.Second), fake.Presses("3", 5*time.Second), fake.Presses("#", 7*time.Second), fake.Presses("1", 8*time.Second))
	w.logged("recorded 2")
	w.near("1.wav", 2*time.Second)
}

func TestRecordingIsHalted(t *testing.T) {
	w := serving(t, `local take = call:record {path = "1.wav", max = 5, pause = "*", silence = 4}
log.info("%s %s %.1f", take.status, take.ended_by, take.duration)`)
	w.calls(fake.Speaks(call.FormatOf(call.PCMU)), fake.Presses("*", 2*time.Second), fake.Presses("*", 20*time.Second))
	w.logged("recorded limit 5.0")
	w.near("1.wav", 5*time.Second)
}

func TestTwoCallsCannotAddToOneFile(t *testing.T) {
	w := newWorld(t, "dialplan.lua", `
local function take(call, options)
  local take = call:record(options)
  log.info("%s: %s %s", call.extension, take.status, tostring(take.reason))
end
local c = context "internal"
c:extension("1", function(call) take(call, {path = "1.wav", max = 5, append = true}) end)
c:extension("2", function(call) take(call, {path = "/1.wav", max = 1, append = true}) end)
c:extension("3", function(call) take(call, {path = "1.wav", max = 1}) end)`)
	w.starts("1")
	for _, extension := range []string{"2", "3"} {
		leg := fake.NewLeg(w.clock, call.Info{ID: "c" + extension, Endpoint: "sip", Incoming: true, Context: "internal", Extension: extension})
		w.api.Accept(leg)
		w.clock.Settle()
	}
	w.clock.Advance(time.Minute)
	w.logged("1: recorded nil", "2: failed 1.wav is being recorded by another call", "3: failed 1.wav is being")
	w.callsTo("3")
	w.logged("3: recorded")
}

// A recording that fails says so, and is no error of the script.
func TestRecordingThatCannotBeWritten(t *testing.T) {
	w := serving(t, `for _, path in ipairs {"taken/x.wav", "x.flac"} do
  local take = call:record {path = path, max = 2}
  log.info("%s %s", take.status, take.reason)
end`)
	if err := os.WriteFile(filepath.Join(w.folder, "taken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.calls()
	w.logged("failed mkdirat taken", `failed x.flac: files with the extension \"flac\" cannot be written`)
	w.noErrors()
}

// The sound of a call that is hung up in mid-recording is kept.
func TestRecordingEndsWithTheCall(t *testing.T) {
	w := serving(t, `call:record {path = "1.wav", max = 60, append = true}`)
	for n := range 2 {
		w.calls(fake.HangsUpAfter(5 * time.Second))
		w.near("1.wav", time.Duration(n+1)*5*time.Second)
	}
	w.noErrors()
}

// A file that cannot be completed is told to the script and to the operator.
func TestRecordingThatLosesItsFolder(t *testing.T) {
	w := serving(t, `local take = call:record {path = "d/1.wav", max = 5}
log.info("%s %s %s", take.status, tostring(take.path), take.reason)`)
	w.starts("600")
	w.clock.Advance(time.Second)
	if err := os.RemoveAll(filepath.Join(w.folder, "d")); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	w.logged("failed nil", "no such file", "recording failed")
}
