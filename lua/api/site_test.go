package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/sip"
)

func siteOf(w *world) *Site { return w.host.Current().Declarations().(*Site) }

func TestDeclaredSIP(t *testing.T) {
	w := newWorld(t, "config.lua", `
context "finance"
sip.listen { "udp:0.0.0.0:5060", "tcp:127.0.0.1:5061" }
sip.phone "1101" { password = secret "1101", context = "finance", caller_id = '"Front desk" <1101>', mailbox = "1101@finance", codecs = {"alaw"}, dtmf = "info" }
sip.trunk("ovh", { host = "siptrunk.ovh.net", user = "0033", password = env "P", register = true, context = "finance", match = "192.0.2.1" })
sip.guests { from = "127.0.0.0/8", context = "finance" }
sip.set { advertise = "203.0.113.7", local_nets = {"192.168.0.0/16"}, rtp_ports = "10000-10200" }
limits { calls = 5, duration = 60 }`)
	got := siteOf(w).SIP
	for i := range got.Phones {
		got.Phones[i].Source = ""
	}
	want := sip.Phone{
		Name: "1101", Password: "secret-of-1101", Context: "finance", Caller: call.Party{Number: "1101", Name: "Front desk"},
		Mailbox: "1101@finance", MaxContacts: 5, MinExpires: time.Minute, MaxExpires: time.Hour,
		Media: sip.Media{Codecs: []call.Codec{call.PCMA}, DTMF: sip.DTMFInfo, NAT: true},
	}
	if len(got.Phones) != 1 || !reflect.DeepEqual(got.Phones[0], want) {
		t.Errorf("phones %+v\nwant %+v", got.Phones, want)
	}
	trunk := got.Trunks[0]
	if trunk.Password != "env-P" || !trunk.Register || trunk.Source != "scripts/config.lua:5" || trunk.Match[0] != netip.MustParsePrefix("192.0.2.1/32") {
		t.Errorf("trunk %+v", trunk)
	}
	if got.Guests[0].From[0].String() != "127.0.0.0/8" || got.Advertise != "203.0.113.7" || got.RTPHigh != 10200 || len(got.Listen) != 2 {
		t.Errorf("config %+v", got)
	}
	if s := siteOf(w); s.Limits.Calls != 5 || s.Limits.CallDuration != time.Minute || !reflect.DeepEqual(s.Secrets, []string{"1101"}) {
		t.Errorf("site %+v", s)
	}
}

func TestRefusedSites(t *testing.T) {
	for text, want := range map[string]string{
		`sip.phone "1" { context = "a" }`:                             "dialplan.lua:1: sip.phone: password is required",
		`context "a" sip.phone "1" { password = "x", context = "b" }`: `dialplan.lua:1: there is no context "b"`,
		`sip.trunk "t" { host = "h", register = true }`:               "user is required to register",
		`env "UNSET"`:                      "the environment variable UNSET is not set",
		`call:answer()`:                    `"call" is not declared`,
		`store.get("a", "b")`:              "cannot be used while scripts are loaded",
		`timer.every(0.1, function() end)`: "seconds must be at least 1",
		`context("a"):include("a", {when = "25:00-26:00"})`:     "is not a time of day",
		`context("a"):include("a", {when = "someday"})`:         "neither a time",
		`context("a"):include("a", {zone = "Mars/Olympus"})`:    `there is no time zone "Mars/Olympus"`,
		`context("a"):extension "600"`:                          "a function that serves the call is required",
		`local ivr = require "ivr"; ivr.menu { greting = "x" }`: "ivr.menu: setting 'greting' unknown",
		`local ivr = require "ivr"; ivr.menu { ["1"] = "x" }`:   `ivr.menu: ["1"] must be a function, got a string`,
		`grant { http = "https://example.org/" }`:               "http takes hosts",
		`grant { read = "lists" }`:                              "is not an absolute path",
		`sip.set { rtp_ports = "9-1" }`:                         "rtp_ports must be a range",
	} {
		_, err := tryWorld(t, "dialplan.lua", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got: %v\nwant: %s", text, err, want)
		}
	}
}

func TestNumbersThatLeadNowhere(t *testing.T) {
	w := serving(t, "call:answer()")
	leg := w.callsTo("999")
	if cause(leg) != call.CauseUnallocated {
		t.Errorf("cause %v", cause(leg))
	}
	if s := w.api.Stats(); s.Refused != 1 || s.Calls != 0 {
		t.Errorf("stats %+v", s)
	}
	w = newWorld(t, "d.lua", `context "internal":extension("i", function(call) call:hangup "invalid" end)`)
	if leg := w.callsTo("999"); cause(leg) != call.CauseInvalidNumber {
		t.Errorf("extension i: cause %v", cause(leg))
	}
}

func TestHooks(t *testing.T) {
	w := newWorld(t, "d.lua", `
on("start", function() log.info "started" end)
on("call.incoming", function(call) error "broken hook" end)
on("call.incoming", function(call) call.caller.name = "Bob"; call.vars.seen = true end)
on("call.ended", function(record) log.info("%s %s %d %s", record.id, record.caller.name, record.talk_time, record.hung_up_by) end)
on("registration", function(event) log.info("phone %s is %s", event.phone, event.state) end)
context "internal":extension("600", function(call)
  call:answer()
  call:wait(3)
  log.info("%s %s", call.caller.name, call.vars.seen)
end)`)
	w.calls()
	w.api.Registered(Registration{Phone: "1001", State: "registered"})
	w.clock.Settle()
	w.logged("started", "broken hook", "Bob true", "c1 Bob 3 us", "phone 1001 is registered")
	if w.callsTo("999"); w.records[len(w.records)-1].CauseCode != int(call.CauseUnallocated) {
		t.Errorf("records %+v", w.records)
	}
}

func TestTimersAndWatches(t *testing.T) {
	w := newWorld(t, "d.lua", `
timer.every(10, function() log.info("tick %d", store.add("t", "n")) end)
store.watch("t", function(change) log.info("seen %s=%s", change.key, change.value) end)`)
	w.clock.Advance(35 * time.Second)
	w.clock.Settle()
	w.logged("tick 3")
	if strings.Contains(w.log.String(), "tick 4") {
		t.Error("ticked too often")
	}
	w.api.Deactivate()
	w.clock.Advance(time.Minute)
	if strings.Contains(w.log.String(), "tick 4") {
		t.Error("ticked after the end")
	}
	w.noErrors()
}

func TestLimits(t *testing.T) {
	w := newWorld(t, "d.lua", `
limits { calls = 1, duration = 30 }
context "internal":extension("600", function(call) call:echo() end)`)
	first := w.starts("600")
	second := fake.NewLeg(w.clock, call.Info{ID: "c2", Incoming: true, Context: "internal", Extension: "600"})
	w.api.Accept(second)
	w.clock.Settle()
	if s, ok := second.Signals()[0].Signal.(call.Hangup); !ok || s.Status != 503 || s.RetryAfter == 0 {
		t.Errorf("the second call got %+v", second.Signals())
	}
	w.clock.Advance(31 * time.Second)
	w.clock.Settle()
	if first.Info().State != call.Ended {
		t.Error("the call was not ended at its limit")
	}
	w.noErrors()
}

func TestDrain(t *testing.T) {
	w := serving(t, "call:echo()")
	leg := w.starts("600")
	if list := w.api.Calls(); len(list) != 1 || list[0].Extension != "600" || list[0].State != "answered" {
		t.Errorf("calls %+v", list)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.api.Drain(ctx); err != nil {
		t.Error(err)
	}
	if leg.Info().State != call.Ended || w.api.Stats().Active != 0 {
		t.Error("a call is left")
	}
	refused := w.starts("600")
	if cause(refused) != call.CauseSwitchCongestion {
		t.Errorf("a new call got %v", cause(refused))
	}
}

func TestCallsKeepTheirVersion(t *testing.T) {
	w := serving(t, `call:wait(10) log.info("old script")`)
	w.starts("600")
	if err := w.host.Rollback(1); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	w.clock.Settle()
	w.logged("old script")
}

func TestHTTP(t *testing.T) {
	posted := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://elsewhere.example.org/", http.StatusFound)
		case "/post":
			body, _ := io.ReadAll(r.Body)
			posted <- r.Header.Get("Content-Type") + " " + string(body)
		case "/missing":
			http.NotFound(w, r)
		default:
			w.Header().Set("X-Kind", "test")
			_, _ = io.WriteString(w, "hello "+r.Header.Get("X-Name"))
		}
	}))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	w := newWorld(t, "d.lua", `
grant { http = "`+u.Host+`" }
local base = "`+server.URL+`"
context "internal":extension("600", function(call)
  local a = http.get(base .. "/", { headers = { ["X-Name"] = "Bob" } })
  log.info("%s %d %s %s", a.status, a.code, a.body, a.headers["x-kind"])
  log.info("away: %s", http.get(base .. "/away").status)
  log.info("missing: %s", http.get(base .. "/missing").status)
  log.info("limit: %s", http.get(base .. "/", { limit = 3 }).status)
  log.info("async: %s", http.post_async(base .. "/post", { from = call.caller.number }))
end)`)
	w.calls()
	w.logged("ok 200 hello Bob test", "away: denied", "missing: refused", "limit: too_large", "async: true")
	if got := <-posted; got != `application/json {"from":"1001"}` {
		t.Errorf("posted %s", got)
	}
	w.noErrors()
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(folder, "way-out")); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "d.lua", `
grant { write = "`+folder+`" }
local folder = "`+folder+`"
context "internal":extension("600", function(call)
  log.info("write %s", fs.write(folder .. "/a.txt", "one\n"))
  log.info("append %s", fs.append(folder .. "/a.txt", "two\n"))
  log.info("read %q", fs.read(folder .. "/a.txt"))
  log.info("stat %d", fs.stat(folder .. "/a.txt").size)
  log.info("list %s", table.concat(fs.list(folder), " "))
  log.info("out %s", fs.read(folder .. "/way-out/passwd"))
  log.info("up %s", fs.read(folder .. "/../x"))
  log.info("remove %s %s", fs.remove(folder .. "/a.txt"), fs.exists(folder .. "/a.txt"))
end)`)
	w.calls()
	w.logged("write true", "append true", "stat 8", "list a.txt way-out", "out nil", "up nil", "remove true false")
	w.noErrors()
}

func TestMenu(t *testing.T) {
	scripts := []string{
		"ivr/support.lua", `local ivr = require "ivr"
return ivr.menu { name = "support", greeting = "support", ["1"] = function(call) log.info "ticket" end, ["*"] = ivr.back }`,
		"d.lua", `local ivr = require "ivr"
context "internal":extension("600", ivr.menu {
  name = "main", greeting = "welcome", timeout = 5, attempts = 3,
  ["1"] = function(call) log.info "sales" end,
  ["2"] = require "ivr.support",
  ["0"] = ivr.dial "sip/reception",
  invalid = ivr.say "pbx-invalid",
  silent = ivr.hangup "vm-goodbye",
})`}
	tests := []struct {
		name  string
		far   []fake.Behaviour
		want  string
		heard string
	}{
		{"choice", []fake.Behaviour{fake.Presses("1", 500*time.Millisecond)}, "sales", "welcome"},
		{"invalid, then a choice", []fake.Behaviour{fake.Presses("9", 500*time.Millisecond), fake.Presses("1", 4*time.Second)}, "sales", "welcome pbx-invalid welcome"},
		{"silence", nil, "menu main: timeout", "welcome vm-goodbye"},
		{"down, back and again", []fake.Behaviour{fake.Presses("2*1", 500*time.Millisecond)}, "sales", "welcome support welcome"},
		{"down", []fake.Behaviour{fake.Presses("2", 500*time.Millisecond), fake.Presses("1", 3*time.Second)}, "ticket", "welcome support"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, scripts...)
			w.calls(test.far...)
			w.logged(test.want)
			if got := w.played(); got != test.heard {
				t.Errorf("heard %q, want %q", got, test.heard)
			}
			w.noErrors()
		})
	}
}

func TestErrorsKeepTheirPlace(t *testing.T) {
	w := newWorld(t, "d.lua", `local c = context "internal"
c:extension("600", function(call)
  call:enter "601"
end)
c:extension("601", function(call)
  error "deep inside"
end)`)
	w.calls()
	w.logged("error=\"scripts/d.lua:6: deep inside\"")
}

// A mistake in the library itself ends one call, and is reported.
func TestPanicOfABinding(t *testing.T) {
	w := serving(t, `call:play "welcome"`)
	w.api.services.Media = nil
	if leg := w.calls(); cause(leg) != call.CauseTemporaryFailure {
		t.Errorf("cause %v", cause(leg))
	}
	w.logged("internal error")
}

func TestMemoryBombs(t *testing.T) {
	for _, bomb := range []string{
		`local t = {} for i = 1, 1e9 do t[i] = json.decode("[1,2,3,4,5,6,7,8,9,10]") end`,
		`local s = ("x"):rep(1e6) local t = {} for i = 1, 1e9 do t[i] = base64.encode(s .. i) end`,
		`local s = ("x "):rep(3e4) local t = {} for i = 1, 1e9 do t[i] = re.split(s, " ") end`,
		`re.replace(("x"):rep(1e5), "", ("y"):rep(1e6))`,
		`local s = ("x"):rep(1e5) local t = {} for i = 1, 1e9 do t[i] = re.find_all(s, "()()()x", 60000) end`,
		`for i = 1, 1e9 do timer.after(60, function() end) end`,
		`for i = 1, 1e9 do call:on_hangup(function() end) end`,
		`call:say { digits = ("1"):rep(1e6) }`,
		`call:send_dtmf(("1"):rep(1e6))`,
		`local t = {} for i = 1, 1e5 do t[i] = "beep" end call:play(t)`,
		`local t = {} for i = 1, 1e5 do t[i] = "sip/1001" end call:dial(t)`,
		`while true do log.info(("%s"):rep(1000), unpack({}, 1, 1000)) end`,
	} {
		w := serving(t, bomb)
		if leg := w.calls(); cause(leg) != call.CauseTemporaryFailure {
			t.Errorf("%s: cause %v", bomb, cause(leg))
		}
	}
}
