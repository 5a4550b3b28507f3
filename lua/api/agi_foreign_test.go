package api

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call/fake"
)

// needs fails the test where a program of others is missing that it is about.
func needs(t *testing.T, command ...string) {
	t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: install the programs that the tests talk to with .ci/tools\n%s", command[0], err, out)
	}
}

// inPerl uses Debian's libasterisk-agi-perl.
const inPerl = `#!/usr/bin/perl
use strict;
use Asterisk::AGI;
my $agi = Asterisk::AGI->new;
my %facts = $agi->ReadParse();
$agi->answer();
$agi->set_variable('FACTS', "$facts{callerid}/$facts{extension}/$facts{arg_1}");
$agi->verbose('perl is here', 1);
my $key = chr $agi->stream_file('welcome', '123');
my $digits = $agi->get_data('enter-ext', 2000, 4);
$agi->database_put('perl', 'key', $key);
$agi->set_variable('PERL', join(',', $key, $digits, $agi->database_get('perl', 'key'), $agi->get_variable('FACTS'), $agi->channel_status()));
$agi->say_number(42);
$agi->hangup();
`

const inPython = `#!/usr/bin/env python3
import sys
facts = {}
for line in iter(sys.stdin.readline, "\n"):
    name, _, value = line.rstrip("\n").partition(": ")
    facts[name] = value

def ask(command):
    print(command, flush=True)
    return sys.stdin.readline().strip()

ask("ANSWER")
key = chr(int(ask('STREAM FILE welcome "123"').split("=")[1].split()[0]))
digits = ask("GET DATA enter-ext 2000 4").split("=")[1]
ask('SET VARIABLE PYTHON "%s,%s,%s"' % (key, digits, facts["agi_callerid"]))
`

const inPHP = `#!/usr/bin/php -q
<?php
$facts = [];
while (($line = trim(fgets(STDIN))) !== '') { [$name, $value] = explode(': ', $line . ' ', 2); $facts[$name] = trim($value); }
function ask($command) { fwrite(STDOUT, "$command\n"); fflush(STDOUT); return trim(fgets(STDIN)); }
ask('ANSWER');
$key = chr((int) explode('=', ask('STREAM FILE welcome "123"'))[1]);
$digits = explode('=', ask('GET DATA enter-ext 2000 4'))[1];
ask("SET VARIABLE PHP \"$key,$digits,{$facts['agi_callerid']}\"");
`

func TestProgramsOfOtherLanguages(t *testing.T) {
	for _, c := range []struct {
		name, program, want string
		needs               []string
	}{
		{"PERL", inPerl, "2,4711,2,1001/600/a b,6", []string{"perl", "-MAsterisk::AGI", "-e", "1"}},
		{"PYTHON", inPython, "2,4711,1001", []string{"/usr/bin/env", "python3", "-c", ""}},
		{"PHP", inPHP, "2,4711,1001", []string{"php", "-v"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			needs(t, c.needs...)
			w := withPrograms(t, map[string]string{"p": c.program}, "", `call:on_hangup(function() log.info("it set %s", call.vars.`+c.name+`) end)
call:agi("p", "a b")`)
			w.calls(fake.Presses("2", 500*time.Millisecond), fake.Presses("4711", time.Second))
			w.logged("it set " + c.want)
			w.noErrors()
		})
	}
}

// guide is what one of the guides that users start from says between two lines,
// "" where it is not there.
func guide(t *testing.T, from, to string) string {
	t.Helper()
	content, err := os.ReadFile("../../../shared/seeds/002_992099d82bfd2213.txt")
	if err != nil {
		t.Log("nothing tested: ../shared/seeds is not there")
		return ""
	}
	_, rest, begins := strings.Cut(string(content), from+"\n")
	text, _, ends := strings.Cut(rest, to)
	if !begins || !ends {
		t.Fatalf("the guide has no text from %q to %q", from, to)
	}
	return text
}

// The guide's script that tells a web server of each call: what is missing in it
// is put back, the rest is as it stands.
func TestWebScriptOfTheGuide(t *testing.T) {
	text := guide(t, "#Save this script as /var/lib/asterisk/agi-bin/web.agi", "And here's how to tell Asterisk")
	if text == "" {
		return
	}
	needs(t, "perl", "-MLWP", "-MURI::Escape", "-e", "1")
	came := make(chan string, 1)
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- r.FormValue("name") + "/" + r.FormValue("number")
	}))
	defer web.Close()
	text = "#!/usr/bin/perl\n" + strings.Replace(text, `$url = ""`, `$url = "`+web.URL+`/?"`, 1)
	w := withPrograms(t, map[string]string{"web.agi": text}, "", `log.info("web %s", call:agi("web.agi", call.caller.number, "Ann & Zoé").status)`)
	w.calls()
	w.logged("web done")
	if got := <-came; got != "Ann & Zoé/1001" {
		t.Errorf("the web server was told %q", got)
	}
}

// The guide's script that shows each call on the computers of a network.
func TestNotifyScriptOfTheGuide(t *testing.T) {
	text := guide(t, "# - Add Perl' open STDOUT, '>/dev/null'; fork and exit; to avoid waiting", "#Next, let's unicast")
	if text == "" {
		return
	}
	needs(t, "/usr/bin/env", "python3", "-c", "")
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	text = strings.ReplaceAll(text, "\u00a0", " ")
	for _, repair := range [][2]string{ // lines that lost their indentation, or what they led to
		{"def sendstuff(data):\n", "def sendstuff(data):\n  s.sendto(data.encode(), (ipaddr, portnum))\n"},
		{"if os.fork():\n", "if os.fork():\n  os._exit(0)\n"},
		{"        cidnum = ", "cidnum = "},
		{"        cidname = ", "cidname = "},
		{"        print \"Format: cidnum cidname\"\n", ""},
		{"        print \"Format: cidnum cidname\"\n", ""},
		{"portnum = 42685", "portnum = " + strconv.Itoa(port)},
		{"for i in myarray:\n", "for i in myarray:\n  sendstuff(i)\n"},
	} {
		text = strings.Replace(text, repair[0], repair[1], 1)
	}
	w := withPrograms(t, map[string]string{"notify.agi": "#!/usr/bin/env python3\n" + text}, "", `log.info("notify %s", call:agi("notify.agi", call.caller.number, "Ann").status)`)
	w.calls()
	w.logged("notify done")
	buffer := make([]byte, 200)
	for _, want := range []string{"STAT Rings: 1", "NAME Ann", "TTSN Call from Ann", "NMBR 1001", "TYPE K", "IDLE "} {
		n, _, err := conn.ReadFrom(buffer)
		if err != nil || !strings.HasPrefix(string(buffer[:n]), want) {
			t.Errorf("%q, %v, want %q\n%s%s", buffer[:n], err, want, text, w.log)
		}
	}
}
