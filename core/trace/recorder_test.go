package trace

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

var (
	beginning = time.Date(2026, 3, 4, 18, 30, 0, 0, time.UTC)
	phone     = netip.MustParseAddrPort("198.51.100.9:5060")
	server    = netip.MustParseAddrPort("192.0.2.1:5060")
)

func newTest(l Limits) (*Recorder, *clock.Virtual) {
	c := clock.NewVirtual(beginning)
	return NewRecorder(c, l), c
}

// received is a message of the far end.
func received(text string) *Packet {
	return &Packet{Transport: "udp", Local: server, Remote: phone, Data: []byte(text)}
}

func sent(text string) *Packet {
	p := received(text)
	p.Out = true
	return p
}

// kindsOf is a story as the words of its kinds.
func kindsOf(events []Event) string {
	var list []string
	for i := range events {
		list = append(list, events[i].Leg+"."+events[i].Kind.String())
	}
	return strings.Join(list, " ")
}

func TestStoryOfSeveralLegs(t *testing.T) {
	r, c := newTest(Limits{})
	r.Leg("b").Packet(c.Now(), sent("INVITE sip:1002@x SIP/2.0\r\n\r\n"))
	c.Advance(time.Millisecond)
	a := r.Leg("a")
	a.Note(Begin, "", 0, slog.String("caller", "1001"))
	a.Link("b")
	a.Link("b")
	r.Leg("b").Note(Answer, "", 0)
	r.Leg("other").Note(Begin, "", 0)
	c.Advance(time.Millisecond)
	a.Note(End, "", 0)
	events, lost, ok := r.Story("a")
	if got, want := kindsOf(events), "b.message a.begin b.answer a.end"; got != want || lost != 0 || !ok {
		t.Errorf("%s, %d lost, %v", got, lost, ok)
	}
	if _, _, ok := r.Story("unheard-of"); ok {
		t.Error("the story of a call that never was")
	}
}

// What happened at the same time stays in the order in which it was noted, and
// what was dated before, such as a packet by its socket, comes before.
func TestOrderIsStable(t *testing.T) {
	r, c := newTest(Limits{})
	l := r.Leg("a")
	early := c.Now()
	c.Advance(time.Second)
	for i := range 100 {
		l.Note(Step, "", 0, slog.Int("n", i))
	}
	l.Packet(early, received("ACK"))
	events, _, _ := r.Story("a")
	if events[0].Kind != Message {
		t.Error("the packet is not where its time is")
	}
	for i, e := range events[1:] {
		if got := e.Attr("n").Int64(); got != int64(i) {
			t.Fatalf("event %d is number %d", i, got)
		}
	}
}

func TestFirstAndLatestEventsAreKept(t *testing.T) {
	r, _ := newTest(Limits{First: 3, Latest: 4})
	for i := range 20 {
		r.Leg("a").Note(Step, "", 0, slog.Int("n", i))
	}
	events, lost, _ := r.Story("a")
	var got []int64
	for i := range events {
		got = append(got, events[i].Attr("n").Int64())
	}
	if want := []int64{0, 1, 2, 16, 17, 18, 19}; !slices.Equal(got, want) || lost != 13 {
		t.Errorf("%v, %d lost", got, lost)
	}
}

func TestPacketsBeyondTheBoundAreCut(t *testing.T) {
	r, c := newTest(Limits{Octets: 100})
	text := "OPTIONS sip:x SIP/2.0\r\nCall-ID: 1\r\n\r\n" + strings.Repeat("v", 30)
	data := []byte(text)
	for range 3 {
		r.Leg("a").Packet(c.Now(), received(text))
	}
	copy(data, "overwritten")
	events, _, _ := r.Story("a")
	if p := events[0].Packet; string(p.Data) != text || p.Cut {
		t.Errorf("%+v", p)
	}
	if p := events[2].Packet; string(p.Data) != "OPTIONS sip:x SIP/2.0" || !p.Cut || p.First() != string(p.Data) {
		t.Errorf("%+v", p)
	}
}

// place plays a call with a dialled leg and ends it.
func place(r *Recorder, c clock.Clock, id string, o Outcome) {
	l := r.Leg(id)
	l.Packet(c.Now(), received("INVITE sip:600@x SIP/2.0\r\n\r\n"))
	l.Note(Begin, "", 0, slog.String("caller", "1001"), slog.String("extension", "600"))
	l.Link(id + "-called")
	r.Leg(id+"-called").Packet(c.Now(), sent("INVITE sip:1002@x SIP/2.0\r\n\r\n"))
	l.Note(End, "", 0, slog.String("cause", "normal clearing"))
	l.End(o)
}

func TestEndedCallsAreForgotten(t *testing.T) {
	r, c := newTest(Limits{Ended: 3, Failed: 2, Refused: 1, Strays: 5})
	place(r, c, "bad", Failed)
	for i := range 10 {
		place(r, c, fmt.Sprint("good", i), Served)
		place(r, c, fmt.Sprint("refused", i), TurnedAway)
	}
	r.Leg("open").Note(Begin, "", 0)
	var got []string
	for _, s := range r.Calls() {
		got = append(got, s.ID)
	}
	if want := []string{"bad", "good7", "good8", "good9", "open", "refused9"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if n := r.Size(); n != 11 {
		t.Errorf("%d legs are kept", n)
	}
	late := r.Leg("good0") // a message after all was forgotten
	late.Packet(c.Now(), received("BYE sip:x SIP/2.0\r\n\r\n"))
	if n := r.Size(); n != 12 {
		t.Errorf("%d legs are kept", n)
	}
}

// A party that was handed over goes on as a call of its own, and stays when the
// call that dialled it is forgotten.
func TestHandedOverPartyOutlivesItsCall(t *testing.T) {
	r, c := newTest(Limits{Ended: 1})
	place(r, c, "a", Served)
	party := r.Leg("a-called")
	party.Note(Begin, "", 0)
	place(r, c, "b", Served)
	if r.track("a") != nil || r.track("a-called") != party {
		t.Error("the wrong ones were forgotten")
	}
	party.End(Served)
	if r.track("b") != nil || r.track("b-called") != nil || r.track("a-called") == nil {
		t.Error("the end of the party did not count")
	}
	party.End(Failed)
	place(r, c, "d", Served)
	if n := r.Size(); n != 2 {
		t.Errorf("%d legs are kept", n)
	}
}

// Legs that no script ever served, by the thousand, push nothing else out and
// take no more than their share.
func TestStraysAreBounded(t *testing.T) {
	r, c := newTest(Limits{Strays: 50})
	open := r.Leg("open")
	open.Note(Begin, "", 0)
	open.Link("dialled")
	place(r, c, "ended", Served)
	for i := range 10_000 {
		r.Leg(fmt.Sprint("stray", i)).Packet(c.Now(), received("INVITE sip:x SIP/2.0\r\n\r\n"))
	}
	if n := r.Size(); n != 54 {
		t.Errorf("%d legs are kept", n)
	}
	for _, id := range []string{"open", "dialled", "ended", "ended-called", "stray9999"} {
		if r.track(id) == nil {
			t.Errorf("%s is gone", id)
		}
	}
	forgotten := &Track{recorder: r, id: "late"}
	forgotten.Note(Begin, "", 0) // its leg waited so long that it was let go
	if r.track("late") != forgotten {
		t.Error("a call that began late is not kept")
	}
}

// TestMemory places many times the calls that are kept, all of them as large as
// may be, and sees the heap stay below what the limits say.
func TestMemory(t *testing.T) {
	limits := Limits{First: 10, Latest: 10, Octets: 4096, Headers: 10, Ended: 20, Failed: 20, Refused: 20, Strays: 20}
	r, c := newTest(limits)
	text := "INVITE sip:600@x SIP/2.0\r\n\r\n" + strings.Repeat("v", 500)
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	for i := range 2000 {
		id := fmt.Sprint("call", i)
		for range 40 {
			r.Leg(id).Packet(c.Now(), received(text))
			r.Leg(id).Note(Step, "scripts/dialplan.lua", i, slog.String("app", "call:play"), slog.String("args", "welcome"))
		}
		switch i % 4 {
		case 0:
			r.Leg(id).Note(Begin, "", 0)
			r.Leg(id).End(Served)
		case 1:
			r.Leg(id).End(Failed)
		case 2:
			r.Leg(id).End(TurnedAway)
		}
	}
	const legs = 80
	perLeg := 20*(144+6*40) + 3*4096 + 8192
	if took := heap() - before; took > legs*perLeg {
		t.Errorf("%d octets for %d legs", took, legs)
	} else {
		t.Logf("%d octets for %d legs, bound %d", took, legs, legs*perLeg)
	}
	if n := r.Size(); n != legs {
		t.Errorf("%d legs are kept", n)
	}
	runtime.KeepAlive(r)
}

func TestFind(t *testing.T) {
	r, _ := newTest(Limits{})
	for _, id := range []string{"sip-aa-1", "sip-aa-11", "sip-aa-2"} {
		r.Leg(id).Note(Begin, "", 0)
	}
	r.Leg("sip-aa-3")
	for reference, want := range map[string]string{
		"sip-aa-1": "sip-aa-1", "-1": "sip-aa-1", "11": "sip-aa-11", "1": "sip-aa-1 sip-aa-11", "3": "sip-aa-3",
		"sip": "sip-aa-1 sip-aa-11 sip-aa-2", "4": "", "": "",
	} {
		if got := strings.Join(r.Find(reference), " "); got != want {
			t.Errorf("%q: %q, want %q", reference, got, want)
		}
	}
}

func TestSummaries(t *testing.T) {
	r, c := newTest(Limits{})
	a := r.Leg("a")
	a.Note(Begin, "", 0, slog.String("caller", "1001"), slog.String("name", "One"), slog.String("context", "internal"), slog.String("extension", "600"), slog.String("peer", "desk"))
	c.Advance(time.Second)
	a.Note(State, "", 0, slog.String("state", "ringing"))
	if s := r.Calls()[0]; s.State != "ringing" || s.Outcome != Open || !s.Ended.IsZero() {
		t.Errorf("%+v", s)
	}
	a.Note(Answer, "", 0)
	c.Advance(time.Second)
	a.Note(Error, "scripts/dialplan.lua", 7, slog.String("message", "no such thing"))
	a.Note(End, "", 0, slog.String("cause", "temporary failure"))
	a.End(Failed)
	want := Summary{
		ID: "a", Caller: "1001", Name: "One", Context: "internal", Extension: "600", Peer: "desk", Began: beginning,
		Answered: beginning.Add(time.Second), Ended: beginning.Add(2 * time.Second), Outcome: Failed, State: "ended",
		Cause: "temporary failure", Error: "no such thing", ErrorPlace: "scripts/dialplan.lua:7", Legs: 1,
	}
	if got := r.Calls()[0]; got != want {
		t.Errorf("%+v", got)
	}
}

// A leg that was refused over the wire, before anybody heard of it, is listed by
// what was said there.
func TestRefusedLegsAreListed(t *testing.T) {
	r, c := newTest(Limits{})
	invite := "INVITE sip:600@192.0.2.1 SIP/2.0\r\nFrom: \"A\" <sip:alice@198.51.100.9>;tag=1\r\n\r\n"
	for id, answers := range map[string][]string{
		"a": {"SIP/2.0 100 Trying", "SIP/2.0 503 Service Unavailable"},
		"b": {"SIP/2.0 401 Unauthorized"},
		"c": {"SIP/2.0 100 Trying"},
		"d": {"SIP/2.0 200 OK"},
	} {
		r.Leg(id).Packet(c.Now(), received(invite))
		for _, answer := range answers {
			r.Leg(id).Packet(c.Now(), sent(answer+"\r\n\r\n"))
		}
	}
	got := ""
	for _, s := range r.Calls() {
		got += fmt.Sprintf("%s %s→%s %s: %s\n", s.ID, s.Caller, s.Extension, s.Outcome, s.Cause)
	}
	if want := "a alice→600 failed: 503 Service Unavailable\nb alice→600 refused: 401 Unauthorized\n"; got != want {
		t.Errorf("%s", got)
	}
}

// What was said before there was a leg becomes the leg's.
func TestAbsorb(t *testing.T) {
	r, c := newTest(Limits{})
	r.Leg("call-id").Packet(c.Now(), received("INVITE sip:600@x SIP/2.0\r\n\r\n"))
	r.Leg("call-id").Packet(c.Now(), sent("SIP/2.0 401 Unauthorized\r\n\r\n"))
	a := r.Leg("a")
	if !a.Fresh() {
		t.Error("not fresh")
	}
	a.Absorb("call-id")
	a.Absorb("call-id")
	a.Note(Begin, "", 0)
	r.Leg("b").Note(Begin, "", 0)
	r.Leg("a").Absorb("b")
	events, _, _ := r.Story("a")
	if got := kindsOf(events); got != "a.message a.message a.begin" {
		t.Error(got)
	}
	if n := r.Size(); n != 2 {
		t.Errorf("%d legs are kept", n)
	}
}

func TestNobodyNotes(t *testing.T) {
	var r *Recorder
	l := r.Leg("a")
	l.Note(Begin, "", 0)
	l.Packet(beginning, received("ACK"))
	l.Link("b")
	l.Absorb("c")
	l.Hide(true)
	l.End(Failed)
	l.Tape().Note(beginning, true, phone, make([]byte, 20))
	l.Tape().Open(server, nil)
	if r.Calls() != nil || r.Size() != 0 || r.Find("a") != nil || r.Headers("a") != nil || l.Tape().Headers() != nil || l.Fresh() {
		t.Error("nobody kept something")
	}
	if _, _, ok := r.Story("a"); ok {
		t.Error("nobody has a story")
	}
	if _, _, ok := r.Follow("a"); ok {
		t.Error("nobody can be followed")
	}
}

// BenchmarkNote is one event of a script with two attributes.
func BenchmarkNote(b *testing.B) {
	r := NewRecorder(clock.Real, Limits{})
	l := r.Leg("a")
	b.ReportAllocs()
	for b.Loop() {
		l.Note(Step, "scripts/dialplan.lua", 12, slog.String("app", "call:play"), slog.String("args", "welcome"))
	}
}

// BenchmarkCall is what a call with an answer and a prompt comes to.
func BenchmarkCall(b *testing.B) {
	r := NewRecorder(clock.Real, Limits{})
	text := []byte(strings.Repeat("v", 500))
	b.ReportAllocs()
	for b.Loop() {
		l := r.Leg("a")
		for range 6 {
			l.Packet(beginning, &Packet{Data: text})
		}
		l.Note(Begin, "", 0, slog.String("caller", ""), slog.String("name", ""), slog.String("context", ""), slog.String("extension", ""))
		for range 8 {
			l.Note(Step, "scripts/dialplan.lua", 12, slog.String("app", "call:play"), slog.String("args", "welcome"))
		}
		l.End(Served)
		r.drop(l)
	}
}

func BenchmarkTape(b *testing.B) {
	t := NewRecorder(clock.Real, Limits{}).Leg("a").Tape()
	packet := make([]byte, 172)
	b.ReportAllocs()
	for b.Loop() {
		t.Note(beginning, true, phone, packet)
	}
}

// Noting takes room a slab at a time, and the tape none.
func TestNotingAllocatesLittle(t *testing.T) {
	r, c := newTest(Limits{First: 1, Latest: 1, Octets: 1 << 30})
	l := r.Leg("a")
	at, data := c.Now(), make([]byte, 500)
	l.Note(Step, "", 0)
	l.Note(Step, "", 0)
	for what, noted := range map[string]struct {
		most float64
		f    func()
	}{
		"an event":      {0.1, func() { l.Note(Step, "scripts/dialplan.lua", 1, slog.String("app", "a"), slog.Int("n", 1)) }},
		"a packet":      {0.3, func() { l.Packet(at, &Packet{Data: data, Local: server, Remote: phone}) }},
		"an RTP header": {0, func() { l.Tape().Note(at, true, phone, data) }},
	} {
		const times = 1000
		if n := testing.AllocsPerRun(10, func() {
			for range times {
				noted.f()
			}
		}) / times; n > noted.most {
			t.Errorf("%s takes %v allocations", what, n)
		}
	}
}
