package trace

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestJSON(t *testing.T) {
	at := beginning.Add(20 * time.Millisecond)
	for _, c := range []struct {
		e    Event
		want string
	}{
		{Event{At: at, Order: 7, Leg: "a", Kind: Step, File: "scripts/dialplan.lua", Line: 3, Attrs: []slog.Attr{slog.String("app", "call:play"), slog.String("args", "\"<é>\"")}},
			`{"t":0.020000,"at":"2026-03-04T18:30:00.02Z","order":7,"leg":"a","event":"step","file":"scripts/dialplan.lua","line":3,"app":"call:play","args":"\"<é>\""}`},
		{Event{At: at, Leg: "a", Kind: HTTP, Attrs: []slog.Attr{slog.Int("code", 200), slog.Bool("on", true), slog.Duration("duration", 1500*time.Millisecond), slog.Float64("f", 0.5), slog.Uint64("u", 1)}},
			`{"t":0.020000,"at":"2026-03-04T18:30:00.02Z","order":0,"leg":"a","event":"http","code":200,"on":true,"duration":1.5,"f":0.5,"u":1}`},
		{Event{At: at, Leg: "a", Kind: Message, Packet: &Packet{Out: true, Again: true, Transport: "tcp", Local: server, Remote: phone, Data: []byte("ACK sip:x SIP/2.0\r\nAuthorization: secret\r\n\r\n")}},
			`{"t":0.020000,"at":"2026-03-04T18:30:00.02Z","order":0,"leg":"a","event":"message","out":true,"again":true,"transport":"tcp","local":"192.0.2.1:5060","remote":"198.51.100.9:5060","first":"ACK sip:x SIP/2.0","text":"ACK sip:x SIP/2.0\r\nAuthorization: xxxxxx\r\n\r\n"}`},
	} {
		got := string(c.e.AppendJSON(nil, beginning))
		if got != c.want {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
		var back Event
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Fatal(err)
		}
		if again := string(back.AppendJSON(nil, beginning)); again != got {
			t.Errorf("read back: %s", again)
		}
	}
}

func TestJSONOfNobody(t *testing.T) {
	for _, text := range []string{"", "[]", "{", `{"event":"nonsense"}`, `{"at":"yesterday"}`, `{"line":"x"}`, `{"order":-1}`} {
		if err := json.Unmarshal([]byte(text), new(Event)); err == nil {
			t.Errorf("%s is an event", text)
		}
	}
	for _, k := range kindWords {
		if kind, ok := kindNamed(k); !ok || kind.String() != k {
			t.Errorf("%s is %s", k, kind)
		}
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"t":0.02,"at":"2026-03-04T18:30:00.02Z","order":7,"leg":"a","event":"step","file":"f","line":3,"app":"call:play"}`))
	f.Add([]byte(`{"event":"message","out":true,"local":"192.0.2.1:5060","text":"ACK"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var e, again Event
		if json.Unmarshal(text, &e) != nil {
			return
		}
		if err := json.Unmarshal(e.AppendJSON(nil, beginning), &again); err != nil && e.At.Year() > 0 && e.At.Year() < 9999 {
			t.Fatalf("%s: %v", text, err)
		}
	})
}

func TestTape(t *testing.T) {
	r, _ := newTest(Limits{Headers: 60})
	tape := r.Leg("a").Tape()
	if r.Leg("a").Tape() != tape || tape.Leg() != r.Leg("a") {
		t.Error("two tapes of one leg")
	}
	onWorker := 0
	tape.Open(server, func(f func()) bool { onWorker++; f(); return true })
	packet := make([]byte, 172)
	tape.Note(beginning, true, phone, packet[:11])
	other := netip.MustParseAddrPort("203.0.113.5:4000")
	for i := range 100 {
		packet[3] = byte(i)
		remote := phone
		if i >= 90 {
			remote = other
		}
		tape.Note(beginning.Add(time.Duration(i)*20*time.Millisecond), i%2 == 0, remote, packet)
	}
	list := tape.Headers()
	if len(list) != 60 || onWorker != 1 {
		t.Fatalf("%d headers, %d reads on the worker", len(list), onWorker)
	}
	for i, h := range list {
		n := i + 40
		want := Header{At: beginning.Add(time.Duration(n) * 20 * time.Millisecond), Out: n%2 == 0, Local: server, Remote: phone, Length: 172}
		if n >= 90 {
			want.Remote = other
		}
		want.Octets[3] = byte(n)
		if want.At = want.At.Local(); h != want {
			t.Fatalf("%d: %+v\nwant %+v", i, h, want)
		}
	}
	tape.Open(server, func(func()) bool { return false }) // the worker has ended
	if got := r.Headers("a"); len(got) != 60 || !slices.IsSortedFunc(got, func(a, b Header) int { return a.At.Compare(b.At) }) {
		t.Errorf("%d headers", len(got))
	}
}
