package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// disk mounts a small file system of the test's own, which can be full or
// read-only without harm to anyone.
func disk(t testing.TB, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Fatalf("this test mounts a file system and must run as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until so many megabytes are left.
func fill(t testing.TB, dir string, left int) (empty func()) {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ballast")
	size := int64(fs.Bavail)*int64(fs.Bsize) - int64(left)<<20
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for ; size > 0; size -= int64(len(block)) {
		if _, err := f.Write(block[:min(int64(len(block)), size)]); err != nil {
			break // quite full
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// keeping is a site that writes wherever a script can.
var keeping = site{
	"config.lua": `sip.guests { from = { "127.0.0.0/8" }, context = "lab" }`,
	"dialplan.lua": `
local lab = context "lab"
lab:extension("put", function(call)
  call:answer()
  local ok, reason = store.put("test", call.id, ("x"):rep(1000))
  log.info("put: %s %s", ok, reason)
  call:hangup()
end)
lab:extension("record", function(call)
  call:on_hangup(function() log.info "recording over" end)
  local take = call:record { path = "messages/" .. call.id .. ".wav", max = 60 }
  log.info("record: %s %s", take.status, take.reason)
  call:hangup()
end)
lab:extension("many", function(call)
  call:answer()
  for n = 1, 1e9 do
    if not store.put("many", tostring(n), n) then break end
    store.put("many", "last", n)
    if n % 10 == 0 then log.info("kept %d", n) call:wait(0) end
  end
end)
lab:extension("count", function(call)
  log.info("found %d, and %d in all", store.get("many", "last", 0), #store.keys("many"))
  log.info("ended: %s", store.get("test", "ended", "nothing"))
  call:busy()
end)
lab:extension("echo", function(call) call:answer() call:echo() end)
on("call.ended", function(record)
  if record.extension == "echo" then store.put("test", "ended", record.cause) end
end)
`}

// TestServerRefusesABadDataDirectory wants one line and code 2 where nothing can
// be kept.
func TestServerRefusesABadDataDirectory(t *testing.T) {
	t.Parallel()
	readOnly := disk(t, 4)
	if err := syscall.Mount("", readOnly, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	full := disk(t, 4)
	fill(t, full, 0)
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "not a directory")
	site := t.TempDir()
	writeFile(t, filepath.Join(site, "scripts", "config.lua"), "")
	for name, c := range map[string]struct{ dir, says string }{
		"read-only":         {readOnly, "read-only"},
		"below a read-only": {filepath.Join(readOnly, "data"), "read-only"},
		"full":              {full, "full|space"},
		"a file":            {file, "not a directory"},
		"nowhere":           {"/proc/nowhere", "data directory"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := command(t, "serve", site, "--data", c.dir, "--http", "off", "--sip", "udp:127.0.0.1:0")
			if code != 2 || !regexp.MustCompile(c.says).MatchString(out) || strings.Count(strings.TrimSpace(out), "\n") > 0 {
				t.Errorf("code %d, said:\n%s", code, out)
			}
		})
	}
}

// TestDiskFillsUp takes the space away under a running server: every write says
// that it failed, calls go on, and all is well once there is space.
func TestDiskFillsUp(t *testing.T) {
	t.Parallel()
	data := disk(t, 64)
	s := start(t, keeping, "--data", data, "--log-level", "info")
	wrote := func(service, says string) {
		t.Helper()
		before := strings.Count(s.log.String(), service+": ")
		run(t, s, inPeace, sippOptions{service: service})
		s.log.until(patience, func() bool { return strings.Count(s.log.String(), service+": ") > before })
		lines := strings.Split(strings.TrimSpace(s.linesWith(service+": ")), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(last, says) {
			t.Errorf("%q is not in %q", says, last)
		}
	}
	wrote("put", "put: true")
	empty := fill(t, data, 10)
	wrote("put", "put: false")
	s.awaitLog("make room there")
	if got := s.get("/healthz"); got == "ok\n" {
		t.Error("healthz says that all is well")
	}
	empty()
	wrote("put", "put: true")

	empty = fill(t, data, 0)
	wrote("record", "record: failed")
	s.awaitLog("no space left")
	if files := s.recordings(data); len(files) != 0 {
		t.Errorf("the recording left %v", files)
	}
	run(t, s, calls, sippOptions{service: "echo"})
	empty()
	wrote("put", "put: true")
	if got := s.get("/healthz"); got != "ok\n" {
		t.Errorf("healthz says %q", got)
	}
	recording := startSipp(t, s, inPeace, sippOptions{service: "record"})
	s.eventually("a recording is under way", func() bool { return s.recorded(data) > 1 })
	fill(t, data, 0)
	recording.wait()
	s.awaitCalls(0)
	if n := strings.Count(s.log.String(), "record: failed"); n != 2 {
		t.Errorf("%d recordings failed, want 2", n)
	}
	files := s.recordings(data)
	if len(files) != 1 || !strings.HasSuffix(files[0], ".wav") {
		t.Fatalf("left is %v, want what was recorded before the disk was full", files)
	}
	if pcm := loadWAV(t, filepath.Join(data, "recordings", "messages", files[0])); len(pcm) < 4000 {
		t.Errorf("%d samples are left of the recording", len(pcm))
	}
}

// recorded is how many seconds there are at least in each of the recordings
// that are under way, as far as they are on their way to the disk.
func (s *server) recorded(data string) int {
	least := 0
	for i, name := range s.recordings(data) {
		info, err := os.Stat(filepath.Join(data, "recordings", "messages", name))
		if err != nil {
			return 0
		}
		if seconds := int(info.Size() / 16000); i == 0 || seconds < least {
			least = seconds
		}
	}
	return least
}

// recordings are the files below the recordings folder, with those that are not
// whole yet.
func (s *server) recordings(data string) (names []string) {
	_ = filepath.WalkDir(filepath.Join(data, "recordings"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	return names
}

// TestKilled ends the server without a warning in the middle of writing. The
// next one finds all that was acknowledged, and completes the recordings.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := launch(t, dir, keeping, "--log-level", "info")
	data := filepath.Join(dir, "data")
	endless := scenario{send(inviteMessage()), trying, want(200), ack, pause(60000)}
	startSipp(t, s, endless, sippOptions{service: "record", calls: 5})
	startSipp(t, s, endless, sippOptions{service: "many"})
	s.awaitCalls(6)
	s.eventually("the recordings are under way", func() bool { return len(s.recordings(data)) == 5 })
	s.awaitLog("kept 200")
	s.eventually("there is sound in the recordings", func() bool { return s.recorded(data) > 0 })
	if err := s.process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	kept := 0
	for _, m := range regexp.MustCompile(`kept (\d+)`).FindAllStringSubmatch(s.log.String(), -1) {
		_, _ = fmt.Sscan(m[1], &kept)
	}
	for _, name := range s.recordings(data) {
		if !strings.HasPrefix(name, ".") {
			t.Errorf("%s is a half file", name)
		}
	}
	again := launch(t, dir, keeping, "--log-level", "info")
	defer again.stop()
	run(t, again, refusedWith(486), sippOptions{service: "count"})
	again.awaitLog("ended:")
	for _, name := range s.recordings(data) {
		if !strings.HasSuffix(name, ".wav") || strings.HasPrefix(name, ".") {
			t.Errorf("%s was not completed", name)
		} else if pcm := loadWAV(t, filepath.Join(data, "recordings", "messages", name)); len(pcm) < 7000 {
			t.Errorf("%s has %d samples", name, len(pcm))
		}
	}
	if n := strings.Count(again.log.String(), "an interrupted recording was completed"); n != 5 || len(s.recordings(data)) != 5 {
		t.Errorf("%d recordings were completed, want 5", n)
	}
	var last, all int
	if m := regexp.MustCompile(`found (\d+), and (\d+) in all`).FindStringSubmatch(again.log.String()); m != nil {
		_, _ = fmt.Sscan(m[1], &last)
		_, _ = fmt.Sscan(m[2], &all)
	}
	if last < kept || all < kept+1 {
		t.Errorf("%d were acknowledged, the last found is %d, of %d in all", kept, last, all)
	}
	run(t, again, calls, sippOptions{service: "echo"})
}

// TestSecondSignalEndsAtOnce asks twice: calls are hung up, and what scripts do
// about their end is still done.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := launch(t, dir, keeping, "--log-level", "info", "--drain", "10m")
	held := startSipp(t, s, inPeace, sippOptions{service: "echo", calls: 5, args: []string{"-r", "50"}})
	s.awaitCalls(5)
	signal := func() {
		if err := s.process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	signal()
	s.awaitLog("msg=stopping")
	run(t, s, refusedWith(503, "Retry-After"), sippOptions{service: "echo"})
	select {
	case <-s.exited:
		t.Fatal("the server did not wait for its calls")
	default:
	}
	began := time.Now()
	signal()
	<-s.exited
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the end took %v", took)
	}
	held.wait()
	if s.code != 0 {
		t.Errorf("ended with code %d", s.code)
	}
	again := launch(t, dir, keeping, "--log-level", "info")
	defer again.stop()
	run(t, again, refusedWith(486), sippOptions{service: "count"})
	again.awaitLog("ended: normal clearing")
}
