package api

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/program"
)

var me = strconv.Itoa(os.Geteuid())

// withPrograms is a site with programs of the shell in agi-bin, one extension,
// 600, whose function has this body, and a grant with these options.
func withPrograms(t testing.TB, programs map[string]string, options, body string) *world {
	t.Helper()
	w := newWorld(t,
		"config.lua", fmt.Sprintf("grant { programs = { 'agi-bin/*', '/bin/sh', user = %q%s }, tcp = '127.0.0.1' }", me, options),
		"dialplan.lua", "context 'internal':extension('600', function(call)\n"+body+"\nend)")
	w.api.services.Site = t.TempDir()
	folder := filepath.Join(w.api.services.Site, "agi-bin")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range programs {
		if !strings.HasPrefix(text, "#!") {
			text = "#!/bin/sh\n" + text
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { w.nothingLeft() })
	return w
}

// nothingLeft fails the test where a program still runs, and ends it.
func (w *world) nothingLeft() {
	w.t.Helper()
	p := &w.api.programs
	p.mu.Lock()
	var left []*program.Process
	for process := range p.live {
		left = append(left, process)
	}
	p.mu.Unlock()
	w.api.EndPrograms()
	for _, process := range left {
		<-process.Done() // hangs where it was not killed
	}
}

func TestProgramRun(t *testing.T) {
	for _, c := range []struct{ program, command, want string }{
		{`echo "$1/$2"; cat`, `{ "p", "a b", "", stdin = "in" }`, "done 0 nil [a b/\nin]"},
		{`exit 3`, `"p"`, "failed 3 nil []"},
		{`kill -9 $$`, `"p"`, "failed -1 killed []"},
		{`sleep 1000`, `{ "p", timeout = 0.1 }`, "timeout nil nil [nil]"},
		{`trap '' HUP TERM; sleep 1000 & wait; wait`, `{ "p", timeout = 0.1 }`, "timeout nil nil [nil]"},
		{`yes`, `{ "p", limit = 10 }`, "failed -1 killed [y\ny\ny\ny\ny\n]"},
		{`exec <&-; echo ok`, `{ "p", stdin = ("x"):rep(100000) }`, "done 0 nil [ok\n]"},
		{`sleep 5 & echo early`, `"p"`, "done 0 nil [early\n]"},
		{`echo lost`, `{ "p", output = false }`, "done 0 nil []"},
		{`pwd | sed 's,.*/,,'`, `"p"`, "done 0 nil [agi-bin\n]"},
		{``, `"none"`, "missing nil nil [nil]"},
		{``, `"/bin/true"`, "refused nil nil [nil]"},
		{``, `"../config.lua"`, "missing nil nil [nil]"},
		{``, `"data"`, "failed nil nil [nil]"},
		{``, `{ "echo $0 $1; exit 2", "one", shell = true }`, "failed 2 nil [/bin/sh one\n]"},
	} {
		t.Run(c.program+c.command, func(t *testing.T) {
			w := withPrograms(t, map[string]string{"p": c.program}, "", `local r = program.run `+c.command+`
log.info("got %s %s %s [%s]", r.status, tostring(r.code), tostring(r.signal), tostring(r.output))`)
			if err := os.WriteFile(filepath.Join(w.api.services.Site, "agi-bin", "data"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			w.calls()
			w.logged("got " + strings.Trim(strconv.Quote(c.want), `"`))
		})
	}
}

// Time stands still for calls while a program runs, and a hang-up ends it.
func TestProgramsAndTime(t *testing.T) {
	w := withPrograms(t, map[string]string{"p": "sleep 0.2; echo x"}, "", `local before = time.now()
program.run "p"
log.info("took %g", time.now() - before)`)
	w.calls()
	w.logged("took 0")
}

func TestProgramsAtOnce(t *testing.T) {
	w := withPrograms(t, map[string]string{"p": "cat"}, ", at_once = 3", `local open, status = 0, nil
for i = 1, 5 do
  local s, why, reason = program.open "p"
  if s then open = open + 1 else status = why .. ": " .. reason end
end
log.info("%d are open, %s", open, status)`)
	w.calls()
	w.logged("3 are open, refused: as many programs run as are granted at once: 3")
}

func TestNothingWithoutGrant(t *testing.T) {
	w := serving(t, `log.info("run %s", program.run("/bin/true").reason)
local _, status, reason = net.connect "127.0.0.1:1"
log.info("net %s %s", status, reason)
log.info("agi %s", call:agi("/bin/true").status)`)
	w.calls()
	w.logged(`the program /bin/true is not granted; add grant { programs = \"/bin/true\" }`,
		`net refused tcp to 127.0.0.1:1 is not granted; add grant { tcp = \"127.0.0.1:1\" }`, "agi refused")
}

func TestStreams(t *testing.T) {
	w := withPrograms(t, map[string]string{
		"echo":  `while read -r l; do echo "<$l>"; done; exit 4`,
		"flood": `yes | tr -d '\n'`,
		"deaf":  `sleep 1000`,
	}, ", timeout = 0.5", `local s = program.open "echo"
s:write "one\ntwo\n"
log.info("read %s %s", s:read(), s:read())
log.info("nothing %s", select(2, s:read(0.05)))
s:write "three\n"
log.info("then %s", s:read())
local r = s:finish()
log.info("finish %s %d %s", r.status, r.code, tostring(s.open))
log.info("closed %s %s", select(2, s:read()), tostring(s:write "x"))
log.info("flood %s", select(2, program.open "flood":read()))
local deaf = program.open "deaf"
log.info("deaf %s", select(2, deaf:write(("x"):rep(1000000))))
deaf:hangup()
program.open "deaf"`)
	w.calls()
	w.logged("read <one> <two>", "nothing timeout", "then <three>", "finish failed 4 false", "closed closed false", "flood failed", "deaf the other end does not read")
}

// A program that hears the call gets its sound as it comes, at 8000 samples a
// second.
func TestFeederNeverWaits(t *testing.T) {
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer out.Close()
	w, err := program.NewPipeWriter(out)
	if err != nil {
		t.Fatal(err)
	}
	f := &feeder{pipe: w}
	frame := make([]int16, 320)
	for i := range frame {
		frame[i] = 0x1234
	}
	for range 1000 { // far more than the pipe holds
		f.Hear(8000, frame[:160])
	}
	got := make([]byte, 320)
	if n, _ := r.Read(got); n != 320 || got[0] != 0x34 || got[1] != 0x12 {
		t.Errorf("%d bytes, %x", n, got[:2])
	}
	if n := testing.AllocsPerRun(100, func() { f.Hear(16000, frame) }); n > 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}

func TestHangupEndsAProgram(t *testing.T) {
	w := withPrograms(t, map[string]string{"p": "sleep 1000"}, "", `call:answer()
call:race {
  function() call:wait(1) call:hangup() end,
  function() call:wait(0.5) program.open "p" call:wait(100) end,
}`)
	w.calls()
	if leg := w.starts("600", fake.HangsUpAfter(700*time.Millisecond)); leg.Info().State == call.Ended {
		t.Error("ended at once")
	}
	w.clock.Advance(time.Minute)
}
