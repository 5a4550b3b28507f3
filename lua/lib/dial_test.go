package lib_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/api"
)

// What Dial and its relatives do, from a dialplan as its owner writes it to
// phones that ring: each is translated and run in virtual time.

// heard notes which prompts were looked for to be played.
type heard struct {
	mu    sync.Mutex
	names []string
}

func (h *heard) prompts(_, name string) (api.Sound, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = append(h.names, name)
	return tone(time.Second), nil
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.names, " ")
}

type plan []fake.Behaviour

const (
	s1 = time.Second
	s3 = 3 * time.Second
)

// answers is a phone that answers after a second and hangs up so long after it.
func answers(talk time.Duration, more ...fake.Behaviour) plan {
	return append(plan{fake.AnswersAfter(s1), fake.HangsUpAfter(talk)}, more...)
}

var dialTests = []struct {
	name, dialplan string
	phones         map[string]plan
	caller         plan
	steps          []string // of the caller, behind the first
	others         []string // that any called party has among its steps
	played         string
	check          func(t *testing.T, w *world, caller *fake.Leg)
}{
	{name: "g goes on", dialplan: "exten => 100,1,Dial(SIP/a,20,g)\n same => n,NoOp(${DIALSTATUS} ${ANSWEREDTIME})",
		phones: map[string]plan{"a": answers(5 * s1)}, steps: []string{"t,100,2 NoOp(ANSWER 5)"}},
	{name: "without g it ends", dialplan: "exten => 100,1,Dial(SIP/a,20)\n same => n,NoOp(never)\nexten => h,1,NoOp(${DIALSTATUS})",
		phones: map[string]plan{"a": answers(5 * s1)}, steps: []string{"t,h,1 NoOp(ANSWER)"}},
	{name: "t: the called party transfers with #", dialplan: "exten => 100,1,Dial(SIP/a,20,t)\nexten => 103,1,NoOp(from ${BLINDTRANSFER:0:5})\n same => n,Dial(SIP/c)",
		phones: map[string]plan{"a": answers(time.Hour, fake.Presses("#", s3), fake.Presses("103", 5*s1)), "c": answers(2 * s1)},
		steps:  []string{"t,103,1 NoOp(from SIP/a)", "t,103,2 Dial(SIP/c)"}, played: "pbx-transfer"},
	{name: "without t it does not", dialplan: "exten => 100,1,Dial(SIP/a,20,T)\nexten => 103,1,NoOp(never)",
		phones: map[string]plan{"a": answers(8*s1, fake.Presses("#", s3), fake.Presses("103", 4*s1))}},
	{name: "T: the caller transfers with #", dialplan: "exten => 100,1,Dial(SIP/a,20,T)\nexten => 103,1,NoOp(${BLINDTRANSFER:0:4})\n same => n,Wait(3)",
		phones: map[string]plan{"a": answers(time.Hour)}, caller: plan{fake.Presses("#103", 4*s1)},
		others: []string{"t,103,1 NoOp(SIP/)", "t,103,2 Wait(3)"}, played: "pbx-transfer"},
	{name: "a transfer to no number", dialplan: "exten => 100,1,Dial(SIP/a,20,T)\n",
		phones: map[string]plan{"a": answers(30 * s1)}, caller: plan{fake.Presses("#999#", 4*s1)}, played: "pbx-transfer pbx-invalid"},
	{name: "H: the caller parts", dialplan: "exten => 100,1,Dial(SIP/a,20,Hg)\n same => n,NoOp(${ANSWEREDTIME})",
		phones: map[string]plan{"a": answers(time.Hour)}, caller: plan{fake.Presses("*", 5*s1)}, steps: []string{"t,100,2 NoOp(5)"}},
	{name: "h: the called party parts", dialplan: "exten => 100,1,Dial(SIP/a,20,hg)\n same => n,NoOp(${ANSWEREDTIME})",
		phones: map[string]plan{"a": answers(time.Hour, fake.Presses("*", 5*s1))}, steps: []string{"t,100,2 NoOp(5)"}},
	{name: "S: a limit", dialplan: "exten => 100,1,Dial(SIP/a,20,S(7)g)\n same => n,NoOp(${ANSWEREDTIME})",
		phones: map[string]plan{"a": answers(time.Hour)}, steps: []string{"t,100,2 NoOp(7)"}},
	{name: "L: warnings and a limit", dialplan: "exten => 100,1,Set(LIMIT_WARNING_FILE=warn)\n same => n,Set(LIMIT_TIMEOUT_FILE=over)\n same => n,Dial(SIP/a,20,L(30000:20000:10000)g)\n same => n,NoOp(${DIALEDTIME})",
		phones: map[string]plan{"a": answers(time.Hour)}, played: "warn warn over",
		steps: []string{"t,100,2 Set(LIMIT_TIMEOUT_FILE=over)", "t,100,3 Dial(SIP/a,20,L(30000:20000:10000)g)", "t,100,4 NoOp(32)"}},
	{name: "A announces to both", dialplan: "exten => 100,1,Dial(SIP/a,20,A(hello:there))", phones: map[string]plan{"a": answers(5 * s1)}, played: "hello there"},
	{name: "U lets it go on", dialplan: "exten => 100,1,Dial(SIP/a,20,U(sub^x))\n[sub]\nexten => s,1,NoOp(${ARG1})\n same => n,Set(GOSUB_RESULT=)\n same => n,Return",
		phones: map[string]plan{"a": answers(5 * s1)}, others: []string{"sub,s,1 NoOp(x)"}},
	{name: "U says busy", dialplan: "exten => 100,1,Dial(SIP/a,20,U(sub))\n same => n,NoOp(${DIALSTATUS})\n[sub]\nexten => s,1,Set(GOSUB_RESULT=BUSY)\n same => n,Return",
		phones: map[string]plan{"a": answers(time.Hour)}, steps: []string{"t,100,2 NoOp(BUSY)"}},
	{name: "b runs for the party, with headers", dialplan: "exten => 100,1,Set(_FROM=me)\n same => n,Dial(SIP/a&SIP/b,5,b(pre^s^1(x)))\n[pre]\nexten => s,1,Set(PJSIP_HEADER(add,X-Who)=${FROM} ${ARG1})\n same => n,Return",
		phones: map[string]plan{"a": {fake.RingsAfter(s1)}, "b": answers(2 * s1)}, steps: []string{"t,100,2 Dial(SIP/a&SIP/b,5,b(pre^s^1(x)))"},
		others: []string{"pre,s,1 Set(PJSIP_HEADER(add,X-Who)=me x)"},
		check: func(t *testing.T, w *world, _ *fake.Leg) {
			for _, to := range w.sip.Dialled() {
				if !slices.Contains(to.Headers, [2]string{"X-Who", "me x"}) {
					t.Errorf("%s was dialled with %v", to.Address, to.Headers)
				}
			}
		}},
	{name: "B runs for the caller", dialplan: "exten => 100,1,Dial(SIP/a,5,B(pre^s^1))\n[pre]\nexten => s,1,NoOp(caller)\n same => n,Return",
		phones: map[string]plan{"a": answers(s1)}, steps: []string{"pre,s,1 NoOp(caller)", "pre,s,2 Return()"}},
	{name: "D presses keys for both", dialplan: "exten => 100,1,Dial(SIP/a,20,D(12:3))", phones: map[string]plan{"a": answers(5 * s1)},
		check: func(t *testing.T, w *world, caller *fake.Leg) {
			if called, calling := pressed(w.sip.Legs()[0]), pressed(caller); called != "12" || calling != "3" {
				t.Errorf("%q and %q were pressed", called, calling)
			}
		}},
	{name: "e: h for the called party", dialplan: "exten => 100,1,Dial(SIP/a,20,e)\nexten => h,1,NoOp(bye)",
		phones: map[string]plan{"a": answers(5 * s1)}, steps: []string{"t,h,1 NoOp(bye)"}, others: []string{"t,h,1 NoOp(bye)"}},
	{name: "e: the caller hangs up", dialplan: "exten => 100,1,Dial(SIP/a,20,e)\nexten => h,1,NoOp(bye)",
		phones: map[string]plan{"a": answers(time.Hour)}, caller: plan{fake.HangsUpAfter(s3)}, steps: []string{"t,h,1 NoOp(bye)"}, others: []string{"t,h,1 NoOp(bye)"}},
	{name: "F without a place", dialplan: "exten => 100,1,Dial(SIP/a,20,F)\n same => n,NoOp(next)\n same => n,Wait(2)",
		phones: map[string]plan{"a": answers(time.Hour)}, caller: plan{fake.HangsUpAfter(s3)}, others: []string{"t,100,2 NoOp(next)", "t,100,3 Wait(2)"}},
	{name: "G: both go on", dialplan: "exten => 100,1,Dial(SIP/a,20,G(u^7^1))\n[u]\nexten => 7,1,NoOp(caller)\n same => n,NoOp(both)",
		phones: map[string]plan{"a": answers(time.Hour)}, steps: []string{"u,7,1 NoOp(caller)", "u,7,2 NoOp(both)"}, others: []string{"u,7,2 NoOp(both)"}},
	{name: "d: a digit leads out", dialplan: "exten => 100,1,Answer\n same => n,Dial(SIP/a,20,d)\nexten => 1,1,NoOp(out)",
		phones: map[string]plan{"a": {fake.RingsAfter(s1)}}, caller: plan{fake.Presses("41", s3)}, steps: []string{"t,100,2 Dial(SIP/a,20,d)", "t,1,1 NoOp(out)"}},
	{name: "c: answered elsewhere", dialplan: "exten => 100,1,Dial(SIP/a,3,c)", phones: map[string]plan{"a": {fake.RingsAfter(s1)}}, check: cancelledWith(26)},
	{name: "Q: a cause", dialplan: "exten => 100,1,Dial(SIP/a,3,Q(17))", phones: map[string]plan{"a": {fake.RingsAfter(s1)}}, check: cancelledWith(17)},
	{name: "p: accepted", dialplan: "exten => 100,1,Dial(SIP/a,20,p)", phones: map[string]plan{"a": answers(60*s1, fake.Presses("1", s3))},
		played: "priv-recordintro vm-dialout priv-callpending screen-callee-options"},
	{name: "p: to the torture menu", dialplan: "exten => 100,1,Dial(SIP/a,20,p)\n same => n,NoOp(${DIALSTATUS})", phones: map[string]plan{"a": answers(60*s1, fake.Presses("3", s3))},
		steps: []string{"t,100,2 NoOp(TORTURE)"}, played: "priv-recordintro vm-dialout priv-callpending screen-callee-options"},
	{name: "P: nevermore", dialplan: "exten => 100,1,Dial(SIP/a,20,P(fam))\n same => n,NoOp(${DIALSTATUS})\n same => n,Dial(SIP/a,20,P(fam))\n same => n,NoOp(${DIALSTATUS} ${DB(privacy/fam/5551)})",
		phones: map[string]plan{"a": answers(60*s1, fake.Presses("4", s3))},
		steps:  []string{"t,100,2 NoOp(DONTCALL)", "t,100,3 Dial(SIP/a,20,P(fam))", "t,100,4 NoOp(DONTCALL kill)"}},
	{name: "several at once, and none", dialplan: "exten => 100,1,Dial(SIP/a&SIP/b,3)\n same => n,NoOp(${DIALSTATUS})",
		phones: map[string]plan{"a": {fake.RingsAfter(s1)}, "b": {fake.Busy()}}, steps: []string{"t,100,2 NoOp(BUSY)"}},
	{name: "Originate at a priority, with variables", dialplan: "exten => 100,1,Originate(SIP/a,exten,t,7,3,5,v(X=1^_Y=2))\n same => n,NoOp(${ORIGINATE_STATUS})\nexten => 7,1,NoOp(never)\nexten => 7,3,NoOp(${X}${Y})",
		phones: map[string]plan{"a": answers(5 * s1)}, steps: []string{"t,100,2 NoOp(SUCCESS)"}, others: []string{"t,7,3 NoOp(12)"}},
	{name: "Originate of an application", dialplan: "exten => 100,1,Originate(SIP/a,app,Playback,hello&there,,5)\n same => n,NoOp(${ORIGINATE_STATUS})",
		phones: map[string]plan{"a": answers(time.Hour)}, steps: []string{"t,100,2 NoOp(SUCCESS)"}, played: "hello there"},
	{name: "Originate beside", dialplan: "exten => 100,1,Originate(SIP/a,exten,t,7,1,5,a)\n same => n,NoOp(${ORIGINATE_STATUS})\nexten => 7,1,NoOp(seven)",
		phones: map[string]plan{"a": answers(5 * s1)}, steps: []string{"t,100,2 NoOp(SUCCESS)"}, others: []string{"t,7,1 NoOp(seven)"}},
	{name: "CONNECTEDLINE shows who is there", dialplan: "exten => 100,1,Set(CONNECTEDLINE(name,i)=Desk)\n same => n,Set(CONNECTEDLINE(num)=1234)\n same => n,NoOp(${CONNECTEDLINE(all)})",
		steps: []string{"t,100,2 Set(CONNECTEDLINE(num)=1234)", `t,100,3 NoOp("Desk" <1234>)`},
		check: func(t *testing.T, _ *world, caller *fake.Leg) {
			if !slices.ContainsFunc(caller.Signals(), func(s fake.Sent) bool {
				id, ok := s.Signal.(call.Identify)
				return ok && id.Party.Number == "1234" && id.Party.Name == "Desk"
			}) {
				t.Error("nobody was shown")
			}
		}},
}

func pressed(leg *fake.Leg) (keys string) {
	for _, s := range leg.Signals() {
		if d, ok := s.Signal.(call.SendDigits); ok {
			keys += d.Digits
		}
	}
	return keys
}

func cancelledWith(cause call.Cause) func(*testing.T, *world, *fake.Leg) {
	return func(t *testing.T, w *world, _ *fake.Leg) {
		for _, s := range w.sip.Legs()[0].Signals() {
			if h, ok := s.Signal.(call.Hangup); ok && h.Cause != cause {
				t.Errorf("cancelled with %v", h.Cause)
			}
		}
	}
}

func TestDialplansThatDial(t *testing.T) {
	for _, test := range dialTests {
		t.Run(test.name, func(t *testing.T) {
			site, err := translated(t, map[string]string{"extensions.conf": "[t]\n" + test.dialplan + "\n"})
			if err != nil {
				t.Fatal(err)
			}
			var played heard
			w := newWorld(t, monday, site, func(s *api.Services) { s.Prompts = played.prompts })
			for phone, behaviours := range test.phones {
				w.sip.On(phone, behaviours...)
			}
			leg := w.starts(call.Info{Context: "t", Extension: "100", Caller: call.Party{Number: "5551"}}, test.caller...)
			w.clock.Advance(2 * time.Minute)
			w.clock.Settle()
			steps, _, _ := w.story("c1")
			if len(steps) == 0 || !slices.Equal(steps[1:], test.steps) {
				t.Errorf("steps\n  %s\nwant, behind the first\n  %s", strings.Join(steps, "\n  "), strings.Join(test.steps, "\n  "))
			}
			others := strings.Join(w.othersSteps("c1"), "\n")
			for _, step := range test.others {
				if !strings.Contains(others, step) {
					t.Errorf("no other party has the step %s, but\n%s", step, others)
				}
			}
			if test.played != "" && played.String() != test.played {
				t.Errorf("played %s, want %s", played.String(), test.played)
			}
			if test.check != nil {
				test.check(t, w, leg)
			}
			w.clock.Advance(2 * time.Hour)
			if t.Failed() || leg.Info().State != call.Ended {
				t.Errorf("the call is %v\n%s", leg.Info().State, w.log.String())
			}
		})
	}
}

// othersSteps are the steps of all legs but one.
func (w *world) othersSteps(but string) (steps []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if p := e.Attr("priority"); e.Leg != but && e.Kind == trace.Step && p.Any() != nil {
			steps = append(steps, fmt.Sprintf("%s,%s,%v %s(%s)", e.Attr("context"), e.Attr("extension"), p, e.Attr("app"), e.Attr("args")))
		}
	}
	return steps
}

func TestCallFiles(t *testing.T) {
	folder := t.TempDir()
	outgoing := filepath.Join(folder, "outgoing")
	for _, one := range []string{outgoing, outgoing + "_done"} {
		if err := os.Mkdir(one, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	drop := func(name, text string, at time.Time) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, filepath.Join(outgoing, name)); err != nil {
			t.Fatal(err)
		}
	}
	site, err := translated(t, map[string]string{"extensions.conf": "[t]\nexten => 7,1,NoOp(${WHO} ${CALLERID(num)})\n same => n,Wait(1)\nexten => failed,1,NoOp(failed ${REASON})\n"})
	if err != nil {
		t.Fatal(err)
	}
	site["config.lua"] += fmt.Sprintf("\ngrant { write = %q }\nasterisk.spool(%q)\n", folder, outgoing)
	var played heard
	w := newWorld(t, monday, site, func(s *api.Services) { s.Prompts = played.prompts })
	w.sip.On("a", answers(5*s1)...)
	w.sip.On("b", fake.Busy())
	drop("one.call", "# a call\nChannel: SIP/a\nContext: t\nExtension: 7\nPriority: 1\nSetvar: WHO=me\nCallerID: \"Desk\" <123>\nArchive: yes\n", monday)
	drop("later.call", "Channel: SIP/a\nApplication: Playback\nData: hello\n", monday.Add(time.Minute))
	drop("twice.call", "Channel: SIP/b\nContext: t\nExtension: 7\nMaxRetries: 1\nRetryTime: 10\nArchive: yes\n", monday)
	drop("wrong.call", "Context: t\n", monday)
	w.clock.Advance(30 * time.Second)
	w.clock.Settle()
	names := func(where string) string {
		list, err := os.ReadDir(where)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range list {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	if left, done := names(outgoing), names(outgoing+"_done"); left != "later.call" || done != "one.call twice.call" {
		t.Errorf("left %s, done %s\n%s", left, done, w.log.String())
	}
	if steps := strings.Join(w.othersSteps(""), "|"); !strings.Contains(steps, "t,7,1 NoOp(me 123)") || strings.Count(steps, "t,failed,1 NoOp(failed 5)") != 1 {
		t.Errorf("steps %s", steps)
	}
	twice, _ := os.ReadFile(filepath.Join(outgoing+"_done", "twice.call"))
	if strings.Count(string(twice), "StartRetry:") != 2 || strings.Count(string(twice), "EndRetry:") != 2 || !strings.HasSuffix(string(twice), "Status: Expired\n") {
		t.Errorf("twice.call is\n%s", twice)
	}
	w.clock.Advance(40 * time.Second)
	w.clock.Settle()
	if played.String() != "hello" || names(outgoing) != "" {
		t.Errorf("played %s, left %s\n%s", played.String(), names(outgoing), w.log.String())
	}
}

func TestDeviceStates(t *testing.T) {
	site, err := translated(t, map[string]string{"extensions.conf": `[t]
exten => 100,1,NoOp(${DEVICE_STATE(SIP/a)} ${DEVICE_STATE(SIP/b)} ${DEVICE_STATE(SIP/x)} ${EXTENSION_STATE(10)} ${EXTENSION_STATE(201)})
 same => n,Set(DEVICE_STATE(Custom:night)=INUSE)
 same => n,NoOp(${DEVICE_STATE(Custom:night)} ${LOCK(a)}${TRYLOCK(a)}${UNLOCK(a)}${UNLOCK(a)}${UNLOCK(a)})
exten => 101,1,Dial(SIP/a)
exten => 10,hint,SIP/a&SIP/b
exten => _2XX,hint,SIP/b
`})
	if err != nil {
		t.Fatal(err)
	}
	site["config.lua"] += `
for _, name in ipairs { "a", "b" } do sip.phone(name) { password = "x", context = "t" } end`
	w := newWorld(t, monday, site)
	w.sip.On("a", answers(time.Minute)...)
	w.starts(call.Info{ID: "c0", Context: "t", Extension: "101"})
	w.clock.Advance(s3)
	w.starts(call.Info{Context: "t", Extension: "100"})
	w.clock.Advance(s3)
	steps, _, _ := w.story("c1")
	want := []string{"t,100,1 NoOp(INUSE NOT_INUSE INVALID INUSE NOT_INUSE)", "t,100,2 Set(DEVICE_STATE(Custom:night)=INUSE)", "t,100,3 NoOp(INUSE 11110)"}
	if !slices.Equal(steps, want) {
		t.Errorf("steps %q\n%s", steps, w.log.String())
	}
	w.clock.Advance(time.Hour)
}
