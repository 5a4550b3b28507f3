package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// providerAddress is where the provider of ported sites is, apart from the
// phones, since a trunk is known by its address.
const providerAddress = "127.0.0.9"

// ported translates an installation of testdata/ported and serves the site. The
// provider of its configuration is at port of providerAddress.
func ported(t testing.TB, name string, port int) *server {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata/ported", name, "*.conf"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no installation %s: %v", name, err)
	}
	files := map[string]string{}
	for _, path := range names {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(text)
	}
	return serveTranslated(t, files, "provider.example", port)
}

// serveTranslated translates the files of an installation and serves the site.
func serveTranslated(t testing.TB, files map[string]string, provider string, port int) *server {
	t.Helper()
	from, to := t.TempDir(), t.TempDir()
	for name, text := range files {
		writeFile(t, filepath.Join(from, name), strings.ReplaceAll(text, provider, fmt.Sprintf("%s:%d", providerAddress, port)))
	}
	if out, code := command(t, "translate", from, "-o", to); code != 0 {
		t.Fatalf("translate ended with code %d:\n%s", code, out)
	}
	if out, code := command(t, "check", to); code != 0 {
		t.Fatalf("check ended with code %d:\n%s", code, out)
	}
	s := launch(t, to, nil)
	t.Cleanup(s.stop)
	return s
}

// registers is a phone of a ported site, with the password "pass-" and its
// number, that plays steps when it is called.
func (s *server) registers(number string, steps scenario) *sipp {
	return s.phone(number, steps, sippOptions{})
}

// picksUp is a called phone that rings, accepts and is hung up on.
func picksUp(checks ...string) scenario {
	return scenario{invited(checks...), rings, accepts, wantRequest("ACK"), wantRequest("BYE"), agreed}
}

// dialsFrom is an answered call of a phone with a password.
func dialsFrom(user string) scenario {
	return proving(user, "pass-"+user, ringing, optional(183), want(200, "m=audio"), acknowledge(2), pause(200), goodbye(3), want(200))
}

// refusing is a call of a phone with a password that comes to nothing.
func refusing(user string, status int) scenario {
	return proving(user, "pass-"+user, ringing, optional(183), want(status), refused(2))
}

// besides is steps of a called party who also agrees to requests of another kind,
// each of which counts as a call of sipp's.
func besides(method string, steps scenario) scenario {
	request := strings.Replace(saving(method), `<recv request="`, `<recv optional="true" next="1" request="`, 1)
	all := append(scenario{request}, steps...)
	return append(all, `<nop next="2"></nop>`, `<label id="1"/>`, answered("200 OK", "r", []string{"Expires: 1800"}, ""), `<label id="2"/>`, `<nop></nop>`)
}

// atProvider plays steps for calls that come to the provider, who also accepts
// each registration. So many requests begin something there: registrations and
// calls.
func atProvider(t testing.TB, port, requests int, steps scenario) *sipp {
	t.Helper()
	nobody := &server{sip: map[string]string{"udp": "127.0.0.1:9"}}
	return startSipp(t, nobody, besides("REGISTER", steps), sippOptions{port: port, source: providerAddress, calls: requests})
}

// TestPortedTrunk is a trunk with two numbers, each of which rings a phone, and
// phones that may dial landlines and mobiles only.
func TestPortedTrunk(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	provider := atProvider(t, port, 2, picksUp("INVITE sip:0145678901@", "From: .*0033366000330"))
	s := ported(t, "trunk", port)
	s.awaitLog("trunk registered")
	testTrunk(t, s, port, map[string]string{"0366000330": "330", "0185000520": "520", "s": "330"})
	run(t, s, dialsFrom("330"), sippOptions{service: "0145678901"})
	provider.wait()
}

// testTrunk calls numbers of a trunk and expects the phones that they stand for;
// then a phone dials another, and what it may not.
func testTrunk(t *testing.T, s *server, port int, numbers map[string]string) {
	t.Helper()
	for number, phone := range numbers {
		called := s.registers(phone, picksUp())
		run(t, s, calls, sippOptions{service: number, source: providerAddress, port: port + 20})
		called.wait()
	}
	called := s.registers("520", picksUp())
	run(t, s, dialsFrom("330"), sippOptions{service: "520"})
	called.wait()
	for _, number := range []string{"0899123456", "0033145678901", "118218", "9999"} {
		run(t, s, refusing("330", 404), sippOptions{service: number})
	}
	// Strangers reach nothing, whatever they dial.
	run(t, s, scenario{send(inviteMessage()), trying, want(401), refused(1)}, sippOptions{service: "0145678901", source: "127.0.0.11"})
}

var iniBlock = regexp.MustCompile("(?s)\\*\\*([a-z]+\\.conf)\\*\\*\n+```ini ?\n(.*?)```")

// passwordOf finds the password of a phone.
var passwordOf = regexp.MustCompile(`(\[)(\d+)(\][^\[]*?secret=)password`)

// TestSeedTrunk takes the configuration out of the guide that users of a trunk
// start from. It stands beside the repository, in ../shared.
func TestSeedTrunk(t *testing.T) {
	t.Parallel()
	guides, _ := filepath.Glob("../../../../shared/seeds/000_*.txt")
	if len(guides) == 0 {
		t.Log("nothing tested: ../shared/seeds is not there")
		return
	}
	text, err := os.ReadFile(guides[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, repair := range map[string]*strings.Replacer{
		"as it is": strings.NewReplacer(),
		"repaired": strings.NewReplacer("extensions.\nconf language=fr", "extensions.conf\nlanguage=fr"),
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for _, block := range iniBlock.FindAllStringSubmatch(repair.Replace(string(text)), -1) {
				files[block[1]] += passwordOf.ReplaceAllString(block[2], "$1$2${3}pass-$2")
			}
			port := freePort(t)
			provider := atProvider(t, port, 2, picksUp("INVITE sip:0145678901@", "From: .*0033366725520"))
			s := serveTranslated(t, files, "siptrunk.ovh.net", port)
			s.awaitLog("trunk registered")
			testTrunk(t, s, port, map[string]string{"0366725520": "520", "0185450330": "330", "s": "330"})
			run(t, s, dialsFrom("330"), sippOptions{service: "0145678901"})
			provider.wait()
		})
	}
}

// TestPortedLab is two departments, whose phones call each other; one hears the
// other's tone.
func TestPortedLab(t *testing.T) {
	t.Parallel()
	s := ported(t, "lab", 9)
	called := s.phone("1201", besides("NOTIFY", picksUp()), sippOptions{calls: 2}) // it is told of its mailbox
	run(t, s, dialsFrom("1101"), sippOptions{service: "1201"})
	called.wait()
	run(t, s, refusing("1201", 404), sippOptions{service: "1101"}) // no way from there
	run(t, s, dialsFrom("1101"), sippOptions{service: "1102"})     // whose voicemail answers
	run(t, s, dialsFrom("1101"), sippOptions{service: "1199"})     // asks for the PIN
	a := baresip(t, s, account{user: "1101", password: "pass-1101"}, toneFile(t, 400, 60))
	b := baresip(t, s, account{user: "1102", password: "pass-1102"}, toneFile(t, 700, 60))
	talk(t, s, a, b, "1102")
}

// talk lets a call b, and either hear the other.
func talk(t *testing.T, s *server, a, b *softphone, number string) {
	t.Helper()
	a.press("/dial " + number)
	a.await("Call established")
	b.await("Call established")
	s.eventually("three seconds of talk", func() bool { return heardPackets(s) > 150 })
	a.press("/hangup")
	s.awaitCalls(0)
	a.end()
	b.end()
	for phone, hertz := range map[*softphone]float64{a: 700, b: 400} {
		if best, seconds := toneShare(loadWAV(t, phone.heard()), hertz); best < 0.9 || seconds < 1 {
			t.Errorf("the tone of %.0f Hz was heard with %.2f purity, for %.1f s", hertz, best, seconds)
		}
	}
}

// heardPackets is how many packets of media came from the caller.
func heardPackets(s *server) int {
	for _, c := range s.calls() {
		if media, ok := c["media"].(map[string]any); ok {
			if n, ok := media["received"].(float64); ok {
				return int(n)
			}
		}
	}
	return 0
}

// TestPortedServer is the server of ten minutes: two phones that call each other.
func TestPortedServer(t *testing.T) {
	t.Parallel()
	s := ported(t, "server", 9)
	a := baresip(t, s, account{user: "2000", password: "pass-2000"}, toneFile(t, 400, 60))
	b := baresip(t, s, account{user: "2001", password: "pass-2001"}, toneFile(t, 700, 60))
	talk(t, s, a, b, "2001")
}

// TestPortedGateway rings two phones for a call of the provider; the one that is
// slower is told that the other took it.
func TestPortedGateway(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	provider := atProvider(t, port, 2, picksUp("INVITE sip:0145678901@", "From: .*sip:0900000000@"))
	s := ported(t, "gateway", port)
	s.awaitLog("trunk registered")
	fromProvider := sippOptions{service: "s", source: providerAddress, port: port + 20}
	loser := s.registers("200", append(scenario{invited(), rings}, cancelled("Reason: (SIP;cause=200|Q.850;cause=26)")...))
	winner := s.registers("201", scenario{invited(), rings, pause(300), accepts, wantRequest("ACK"), wantRequest("BYE"), agreed})
	run(t, s, calls, fromProvider)
	winner.wait()
	loser.wait()
	run(t, s, dialsFrom("200"), sippOptions{service: "0145678901"})
	provider.wait()
}

// TestPortedGatewayRefuses has both phones decline: congestion.
func TestPortedGatewayRefuses(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	s := ported(t, "gateway", port)
	busy := scenario{invited(), answered("486 Busy Here", "a", nil, ""), wantRequest("ACK")}
	one, other := s.registers("200", busy), s.registers("201", busy)
	run(t, s, scenario{send(inviteMessage()), trying, ringing, optional(183), want(503), refused(1)},
		sippOptions{service: "s", source: providerAddress, port: port + 20})
	one.wait()
	other.wait()
}

// TestPortedMenu presses keys in a menu, and finds the phone behind it busy. A 1
// alone counts when no second digit has come for five seconds, since 101 begins
// with it too.
func TestPortedMenu(t *testing.T) {
	t.Parallel()
	s := ported(t, "menu", 9)
	press := func(keys string) string { return `<nop><action><exec play_dtmf="` + keys + `"/></action></nop>` }
	dialIn := func(then ...string) scenario {
		return append(scenario{send(message{method: "INVITE", body: strings.ReplaceAll(offer, "101", "96")}), trying, want(200), ack}, then...)
	}
	busy := s.registers("101", scenario{invited(), answered("486 Busy Here", "a", nil, ""), wantRequest("ACK")})
	run(t, s, dialIn(press("101"), wantRequest("BYE"), agreed), sippOptions{service: "s", seconds: 40})
	busy.wait()
	s.awaitLog("101 is busy")
	s.awaitLog("nothing dialled")
	run(t, s, dialIn(press("1"), pause(8000), press("7"), wantRequest("BYE"), agreed), sippOptions{service: "s", seconds: 40})
	s.awaitLog("pressed one")
	s.awaitLog("no such extension")
	answers := s.registers("101", picksUp())
	run(t, s, dialIn(press("101"), pause(4000), goodbye(2), want(200)), sippOptions{service: "s"})
	answers.wait()
}
