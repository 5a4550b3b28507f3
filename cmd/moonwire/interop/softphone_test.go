package interop

import (
	"cmp"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// softphone is a program that a person would talk through, driven by its
// keyboard, with wav files for microphone and loudspeaker.
type softphone struct {
	t      testing.TB
	name   string
	dir    string
	keys   io.WriteCloser
	screen *lockedBuffer
	heard  func() string // the file with what came out of the loudspeaker
	quit   string
	done   chan struct{}
	once   sync.Once
}

// account is how a softphone registers.
type account struct {
	user, password string
	transport      string // "" is udp
	authority      string // file of the certificate to trust, for tls
	codec          string // the only one that baresip offers; "" is PCMU
}

// baresip starts Debian's baresip; microphone is a wav file.
func baresip(t testing.TB, s *server, a account, microphone string) *softphone {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	transport := cmp.Or(a.transport, "udp")
	writeFile(t, filepath.Join(dir, "config"), fmt.Sprintf(`
poll_method epoll
sip_listen 127.0.0.1:%d
call_max_calls 4
audio_player aufile,%s/loudspeaker.wav
audio_source aufile,%s
audio_alert aufile,%s/alert.wav
rtp_ports %d-%d
sip_cafile %s
module_path /usr/lib/baresip/modules
module stdio.so
module g711.so
module g722.so
module gsm.so
module aufile.so
module sndfile.so
snd_path %s
module_tmp account.so
module_app menu.so
`, port, dir, microphone, dir, port+2, port+40, a.authority, dir))
	writeFile(t, filepath.Join(dir, "accounts"), fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_pass=%s;answermode=auto;regint=60;audio_codecs=%s\n",
		a.user, s.sip[transport], transport, a.password, cmp.Or(a.codec, "PCMU")))
	writeFile(t, filepath.Join(dir, "contacts"), "\n")
	p := &softphone{t: t, name: "baresip", dir: dir, quit: "/quit"}
	p.heard = func() string {
		files, _ := filepath.Glob(filepath.Join(dir, "dump-*-dec.wav"))
		if len(files) == 0 {
			t.Fatal("baresip heard nothing")
		}
		return files[len(files)-1]
	}
	p.run(exec.Command("baresip", "-f", dir))
	s.awaitLog("phone=" + a.user + " contact")
	return p
}

// linphone starts Debian's linphonec.
func linphone(t testing.TB, s *server, a account, microphone string) *softphone {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ".local", "share", "linphone", "keep"), "")
	port := freePort(t)
	writeFile(t, filepath.Join(dir, "rc"), fmt.Sprintf(`
[sip]
sip_port=%d
sip_tcp_port=0
sip_tls_port=0
auto_net_state_monitoring=0
guess_hostname=0
register_only_when_network_is_up=0
bind_address=127.0.0.1
contact="tester" <sip:%s@127.0.0.1>
default_proxy=0
[rtp]
audio_rtp_port=%d
[sound]
echocancellation=0
[video]
enabled=0
automatically_initiate=0
automatically_accept=0
[proxy_0]
reg_proxy=<sip:%s>
reg_identity=sip:%s@%s
reg_expires=60
reg_sendregister=1
[auth_info_0]
username=%s
passwd=%s
realm=moonwire
`, port, a.user, port+2, s.sip["udp"], a.user, s.sip["udp"], a.user, a.password))
	p := &softphone{t: t, name: "linphonec", dir: dir, quit: "quit"}
	p.heard = func() string { return filepath.Join(dir, "loudspeaker.wav") }
	cmd := exec.Command("linphonec", "-c", filepath.Join(dir, "rc"), "-l", filepath.Join(dir, "log"))
	cmd.Env = append(cmd.Environ(), "HOME="+dir)
	p.run(cmd)
	s.awaitLog("phone=" + a.user + " contact")
	p.press("soundcard use files")
	p.press("play " + microphone)
	p.press("record " + p.heard())
	return p
}

// run starts the program and sees to its end.
func (p *softphone) run(cmd *exec.Cmd) {
	p.t.Helper()
	p.screen = &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = p.screen, p.screen
	keys, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.keys = keys
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("%s: %v (make test installs it)", p.name, err)
	}
	p.done = make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	p.t.Cleanup(func() {
		p.end()
		select {
		case <-p.done:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Signal(syscall.SIGKILL)
			<-p.done
		}
		if p.t.Failed() {
			p.t.Logf("%s:\n%s", p.name, tail(p.screen.String(), 60))
		}
	})
}

// press types one line.
func (p *softphone) press(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keys, line+"\n"); err != nil {
		p.t.Fatalf("%s is gone: %v", p.name, err)
	}
}

// await waits until the program shows text.
func (p *softphone) await(text string) {
	p.t.Helper()
	if !p.screen.await(text, patience) {
		p.t.Fatalf("%s never showed %q:\n%s", p.name, text, tail(p.screen.String(), 60))
	}
}

// end quits the program and waits until its files are complete.
func (p *softphone) end() {
	p.once.Do(func() {
		_, _ = io.WriteString(p.keys, p.quit+"\n")
		_ = p.keys.Close()
	})
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
}
