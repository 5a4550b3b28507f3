package ladder

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/trace"
)

// message is one between us and the party at port.
func message(c clock.Clock, l *trace.Track, out bool, port uint16, text string) {
	l.Packet(c.Now(), &trace.Packet{
		Out: out, Transport: "udp", Local: netip.MustParseAddrPort("192.0.2.1:5060"),
		Remote: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.9"), port), Data: []byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n"),
	})
}

// story is a call that is passed on to another phone.
func story() []trace.Event {
	c := clock.NewVirtual(time.Date(2026, 3, 4, 18, 30, 0, 0, time.UTC))
	r := trace.NewRecorder(c, trace.Limits{})
	a, b := r.Leg("sip-1"), r.Leg("sip-2")
	step := func(d time.Duration) { c.Advance(d) }
	message(c, a, false, 5062, "INVITE sip:1002@x SIP/2.0\nFrom: <sip:1001@x>\nContent-Type: application/sdp")
	step(400 * time.Microsecond)
	a.Note(trace.Begin, "", 0, slog.String("caller", "1001"), slog.String("name", "Desk"), slog.String("context", "internal"), slog.String("extension", "1002"), slog.String("peer", "1001"))
	a.Note(trace.Enter, "scripts/dialplan.lua", 3, slog.String("context", "internal"), slog.String("extension", "1002"), slog.String("pattern", "_1XXX"), slog.String("in", "internal"))
	a.Note(trace.Step, "scripts/dialplan.lua", 4, slog.String("app", "call:dial"), slog.String("args", `"sip/1002"`))
	a.Note(trace.Dial, "scripts/dialplan.lua", 4, slog.String("target", "sip/1002"), slog.Duration("timeout", 20*time.Second))
	message(c, b, true, 5064, "INVITE sip:1002@y SIP/2.0\nContent-Type: application/sdp")
	a.Link("sip-2")
	b.Note(trace.State, "", 0, slog.String("state", "trying"), slog.String("target", "sip/1002"))
	step(500 * time.Millisecond)
	message(c, b, true, 5064, "INVITE sip:1002@y SIP/2.0\nContent-Type: application/sdp")
	step(20 * time.Millisecond)
	message(c, b, false, 5064, "SIP/2.0 486 Busy Here\nCSeq: 1 INVITE")
	message(c, b, true, 5064, "ACK sip:1002@y SIP/2.0")
	b.Note(trace.HangUp, "", 0, slog.Int("cause", 17), slog.Int("status", 486), slog.String("by", "far end"))
	a.Note(trace.DialEnd, "scripts/dialplan.lua", 4, slog.String("status", "busy"), slog.String("reason", "user busy"), slog.Duration("duration", 521*time.Millisecond))
	a.Note(trace.Log, "scripts/dialplan.lua", 5, slog.String("level", "info"), slog.String("text", "evil \x1b[31m\ntext"))
	message(c, a, true, 5062, "SIP/2.0 486 Busy Here\nCSeq: 1 INVITE")
	a.Note(trace.End, "", 0, slog.String("status", "unanswered"), slog.String("cause", "user busy"), slog.Duration("duration", 522*time.Millisecond))
	events, _, _ := r.Story("sip-1")
	return events
}

const drawn = `       ms  1001                      moonwire                  1002
           udp:198.51.100.9:5062                               udp:198.51.100.9:5064
      0.0  │────── INVITE SDP ──────▶│                         │
      0.4  │                         │ call from "Desk" <1001> to 1002 in internal, through 1001
      0.4  │                         │ enters 1002 in internal (_1XXX)   [scripts/dialplan.lua:3]
      0.4  │                         │ call:dial("sip/1002")   [scripts/dialplan.lua:4]
      0.4  │                         │ dials sip/1002 for 20s   [scripts/dialplan.lua:4]
      0.4  │                         │────── INVITE SDP ──────▶│
      0.4  │                         │ 1002: trying sip/1002
    500.4  │                         │────── INVITE SDP ──────▶│
    520.4  │                         │◀ 486 Busy Here (INVITE) │
    520.4  │                         │───────── ACK ──────────▶│
    520.4  │                         │ 1002: hung up by far end, cause 17, status 486
    520.4  │                         │ dialling ended: busy, user busy, after 521ms   [scripts/dialplan.lua:4]
    520.4  │                         │ log, info: evil  [31m text   [scripts/dialplan.lua:5]
    520.4  │◀ 486 Busy Here (INVITE) │                         │
    520.4  │                         │ end, unanswered, user busy, after 522ms
`

func TestLadder(t *testing.T) {
	events := story()
	var out strings.Builder
	l := New(&out, events)
	for i := range events {
		if err := l.Print(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != drawn {
		t.Errorf("drawn:\n%s", out.String())
	}
}

// What went through JSON, as between the server and the command, is drawn the same.
func TestLadderOfJSON(t *testing.T) {
	events := story()
	var out strings.Builder
	for i := range events {
		if err := json.Unmarshal(events[i].AppendJSON(nil, events[0].At), &events[i]); err != nil {
			t.Fatal(err)
		}
	}
	l := New(&out, events)
	for i := range events {
		_ = l.Print(&events[i])
	}
	if out.String() != drawn {
		t.Errorf("drawn:\n%s", out.String())
	}
}

// A party that turns up while a call is followed gets a column, and a new
// heading says so.
func TestPartiesTurnUp(t *testing.T) {
	events := story()
	var out strings.Builder
	l := New(&out, nil)
	for i := range events {
		_ = l.Print(&events[i])
	}
	_ = l.Gap(3)
	text := out.String()
	if strings.Count(text, " ms  1001") != 2 || !strings.HasSuffix(text, "           … 3 events were not kept\n") {
		t.Errorf("drawn:\n%s", text)
	}
}

func TestManyParties(t *testing.T) {
	c := clock.NewVirtual(time.Unix(0, 0))
	r := trace.NewRecorder(c, trace.Limits{})
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		message(c, r.Leg(id), id != "a", 5060, "INVITE sip:"+id+"@x SIP/2.0\nFrom: sip:a@x")
		r.Leg("a").Link(id)
	}
	events, _, _ := r.Story("a")
	var out strings.Builder
	l := New(&out, events)
	for i := range events {
		_ = l.Print(&events[i])
	}
	want := "│" + strings.Repeat(" ", narrow-1) + "│" + line("INVITE", 3*narrow-1, true) + "│" + strings.Repeat(" ", narrow-1) + "│\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("drawn:\n%s", out.String())
	}
}

// Every kind is described in words, with and without its attributes.
func TestEveryKindIsDescribed(t *testing.T) {
	for k := trace.Begin; k <= trace.End; k++ {
		e := trace.Event{Kind: k, Attrs: []slog.Attr{slog.String("state", "ringing")}}
		if Describe(&e) == "" {
			t.Errorf("%s is not described", k)
		}
	}
	for want, e := range map[string]trace.Event{
		"incoming,3 Dial(SIP/1)":                  {Kind: trace.Step, Attrs: []slog.Attr{slog.String("app", "Dial"), slog.String("args", "SIP/1"), slog.String("extension", "incoming"), slog.Int("priority", 3)}},
		"http GET http://x: ok 200, took 12.35ms": {Kind: trace.HTTP, Attrs: []slog.Attr{slog.String("method", "GET"), slog.String("url", "http://x"), slog.String("status", "ok"), slog.Int("code", 200), slog.Duration("duration", 12345678)}},
		"has no prompt hello in fr":               {Kind: trace.Play, Attrs: []slog.Attr{slog.String("prompt", "hello"), slog.String("language", "fr"), slog.Bool("missing", true)}},
		"store put a/b = c, took 1ms":             {Kind: trace.Store, Attrs: []slog.Attr{slog.String("op", "put"), slog.String("family", "a"), slog.String("key", "b"), slog.String("value", "c"), slog.Duration("duration", time.Millisecond)}},
		"parted from sip-2":                       {Kind: trace.Bridge, Attrs: []slog.Attr{slog.String("with", "sip-2"), slog.Bool("on", false)}},
		"no media came for 30s":                   {Kind: trace.Media, Attrs: []slog.Attr{slog.Duration("silence", 30*time.Second)}},
		"ERROR in script: no such thing":          {Kind: trace.Error, Attrs: []slog.Attr{slog.String("where", "script"), slog.String("message", "no such thing")}},
		"mail to=a@b subject=hello":               {Kind: trace.Mail, Attrs: []slog.Attr{slog.String("to", "a@b"), slog.String("subject", "hello")}},
	} {
		if got := Describe(&e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
