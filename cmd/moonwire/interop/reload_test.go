package interop

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// generation is a site whose two files carry the same number; a call that saw
// two different numbers ran on a mixed version.
func generation(n int) site {
	return site{
		"config.lua": `sip.guests { from = { "127.0.0.0/8" }, context = "lab" }`,
		"dialplan.lua": fmt.Sprintf(`
local lab = context "lab"
local mine = %d
lab:extension("long", function(call)
  call:answer()
  for _ = 1, 100 do
    call:wait(0.1)
    local other = require("parts.number")
    if other ~= mine then log.error("mixed: %%d and %%d", mine, other) end
  end
end)
lab:extension("version", function(call) log.info("serving generation %%d", mine) call:busy() end)
`, n),
		"parts/number.lua": fmt.Sprintf("return %d\n", n),
	}
}

var resident = regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)`)

func (s *server) memory() float64 {
	s.t.Helper()
	m := resident.FindStringSubmatch(s.get("/metrics"))
	if m == nil {
		s.t.Fatal("the metrics do not tell the memory")
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// edit writes one generation as an editor would: some files by renaming a new
// one over the old, some in place.
func (s *server) edit(files site, byRename bool) {
	s.t.Helper()
	for name, text := range files {
		path := filepath.Join(s.dir, "scripts", name)
		if !byRename {
			writeFile(s.t, path, text)
			continue
		}
		writeFile(s.t, path+"~", text)
		if err := os.Rename(path+"~", path); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestReloadUnderLoad changes the scripts a hundred times under two hundred
// calls, every other time with a mistake in them.
func TestReloadUnderLoad(t *testing.T) {
	s := start(t, generation(0), "--log-level", "info")
	before := s.memory()
	calls := startSipp(t, s, scenario{
		send(inviteMessage()), trying, want(200), ack, wantRequest("BYE", "Q.850;cause=16"), replyAgain("200 OK"),
	}, sippOptions{service: "long", calls: 200, args: []string{"-r", "100"}})
	s.awaitCalls(200)

	for n := 1; n <= 100; n++ {
		if n%2 == 0 {
			s.edit(site{"dialplan.lua": generation(n)["dialplan.lua"] + "\nthis is not Lua"}, n%4 == 0)
			if out, code := command(t, "reload", s.dir); code == 0 || !strings.Contains(out, "dialplan.lua:") {
				t.Fatalf("broken generation %d was not refused (code %d):\n%s", n, code, out)
			}
			continue
		}
		s.edit(generation(n), n%4 == 1)
		if out, code := command(t, "reload", s.dir); code != 0 {
			t.Fatalf("generation %d: %s", n, out)
		}
	}
	run(t, s, scenario{send(inviteMessage()), trying, want(486), refused(1)}, sippOptions{service: "version"})
	s.awaitLog("serving generation 99")
	calls.wait()
	if log := s.log.String(); strings.Contains(log, "mixed:") {
		t.Error("a call saw two versions")
	}
	s.awaitCalls(0)
	if after := s.memory(); after > before+80e6 {
		t.Errorf("memory went from %.0f to %.0f MB", before/1e6, after/1e6)
	}
}

// awaitCalls waits until scripts serve n calls; each beginning and end is in the log.
func (s *server) awaitCalls(n int) {
	s.t.Helper()
	if !s.log.until(patience, func() bool { return s.serving() == n }) {
		s.t.Fatalf("%d calls are served, want %d", s.serving(), n)
	}
}

// serving is how many calls scripts serve.
func (s *server) serving() int {
	log := s.log.String()
	return strings.Count(log, `msg="call began"`) - strings.Count(log, `msg="call ended"`)
}

// TestSavingIsEnough edits a file and does nothing else.
func TestSavingIsEnough(t *testing.T) {
	t.Parallel()
	s := start(t, generation(0), "--log-level", "info")
	for n := 1; n <= 4; n++ {
		saved := time.Now()
		s.edit(generation(n), n%2 == 0)
		for {
			run(t, s, scenario{send(inviteMessage()), trying, want(486), refused(1)}, sippOptions{service: "version"})
			if strings.Contains(s.log.String(), fmt.Sprintf("serving generation %d", n)) {
				break
			}
			if time.Since(saved) > patience {
				t.Fatalf("generation %d is never served", n)
			}
		}
	}
	s.edit(site{"dialplan.lua": "local lab = context \"lab\"\nlab:extension(\"version\", function(call)\n  call:answr()\nend"}, false)
	s.awaitLog("dialplan.lua:4")
	run(t, s, scenario{send(inviteMessage()), trying, want(486), refused(1)}, sippOptions{service: "version"})
}

func TestHangupSignalReloads(t *testing.T) {
	t.Parallel()
	s := start(t, generation(0), "--log-level", "info")
	s.edit(generation(7), true)
	if err := s.process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); !strings.Contains(s.log.String(), "serving generation 7"); {
		run(t, s, scenario{send(inviteMessage()), trying, want(486), refused(1)}, sippOptions{service: "version"})
		if time.Now().After(end) {
			t.Fatal("generation 7 is never served")
		}
	}
	if out, code := command(t, "reload", s.dir, "--to", "1"); code != 0 {
		t.Fatal(out)
	}
	run(t, s, scenario{send(inviteMessage()), trying, want(486), refused(1)}, sippOptions{service: "version"})
	if n := strings.Count(s.log.String(), "serving generation 0"); n != 1 {
		t.Errorf("after going back, generation 0 served %d calls, want 1", n)
	}
}

// Mistakes at the command line are one line and code 2.
func TestMistakesAtTheCommandLine(t *testing.T) {
	t.Parallel()
	s := start(t, generation(0))
	other := t.TempDir()
	writeFile(t, filepath.Join(other, "scripts", "config.lua"), "")
	readOnly := t.TempDir()
	writeFile(t, filepath.Join(readOnly, "scripts", "config.lua"), "")
	writeFile(t, filepath.Join(readOnly, "data"), "a file where a directory should be")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"unknown flag":       {[]string{"serve", "--loud"}, "--loud"},
		"no site":            {[]string{"serve", t.TempDir()}, "moonwire new"},
		"unknown protocol":   {[]string{"serve", other, "--sip", "sctp:127.0.0.1:5060"}, "udp:, tcp: or tls:"},
		"bad port":           {[]string{"serve", other, "--sip", "udp:127.0.0.1:99999"}, "99999"},
		"bad media ports":    {[]string{"serve", other, "--rtp", "20000-10000"}, "--rtp"},
		"address in use":     {[]string{"serve", other, "--http", "off", "--sip", "udp:" + s.sip["udp"]}, "in use"},
		"same data":          {[]string{"serve", other, "--data", filepath.Join(s.dir, "data"), "--http", "off", "--sip", "udp:127.0.0.1:0"}, "data"},
		"unusable data":      {[]string{"serve", readOnly, "--http", "off", "--sip", "udp:127.0.0.1:0"}, "data"},
		"reload of nothing":  {[]string{"reload", other}, "no moonwire runs"},
		"unknown level":      {[]string{"serve", other, "--log-level", "chatty"}, "log-level"},
		"new without a name": {[]string{"new"}, "moonwire:"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := command(t, c.args...)
			if code != 2 || !strings.Contains(out, c.says) || strings.Count(strings.TrimSpace(out), "\n") > 0 {
				t.Errorf("code %d, said:\n%s", code, out)
			}
		})
	}
}

func TestObservability(t *testing.T) {
	t.Parallel()
	s := start(t, lab)
	if got := s.get("/healthz"); got != "ok\n" {
		t.Errorf("healthz says %q", got)
	}
	held := startSipp(t, s, scenario{send(inviteMessage()), trying, want(200), ack, pause(1500), bye, want(200)}, sippOptions{service: "echo"})
	s.awaitCalls(1)
	if c := s.calls()[0]; c["extension"] != "echo" || c["id"] == "" {
		t.Errorf("/calls says %v", c)
	}
	metrics := s.get("/metrics")
	for _, name := range []string{"moonwire_calls_active 1", "moonwire_sip_", "moonwire_rtp_", "moonwire_scripts_version"} {
		if !strings.Contains(metrics, name) {
			t.Errorf("the metrics lack %s", name)
		}
	}
	held.wait()
	if response, err := http.Get("http://" + s.http + "/reload"); err == nil {
		_ = response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("/reload over HTTP: %s", response.Status)
		}
	}
}
