package digest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func newServer(t testing.TB, o Options) (*Server, *clock.Virtual) {
	t.Helper()
	v := clock.NewVirtual(start)
	o.Realm, o.Clock, o.Rand = "moonwire", v, rand.NewChaCha8([32]byte{1})
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func phones(user string) (Credential, bool) {
	switch user {
	case "1001":
		return Credential{Password: "secret"}, true
	case "hashed":
		return Credential{HA1: map[Algorithm]string{MD5: strings.ToUpper(MD5.HA1("hashed", "moonwire", "secret"))}}, true
	case "open":
		return Credential{}, true
	}
	return Credential{}, false
}

var register = Request{Method: "REGISTER", URI: "sip:pbx.example.org"}

// answer answers the n-th of a server's challenges.
func answer(t testing.TB, challenges []string, n int, a Answer) []string {
	t.Helper()
	if a.CNonce == "" {
		a.CNonce = "0123456789abcdef"
	}
	h, err := Authorize(challenges[n:n+1], a)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestChallengeKeepsTheOrder(t *testing.T) {
	s, _ := newServer(t, Options{Algorithms: []Algorithm{SHA512256, MD5, SHA256, MD5}})
	got := s.Challenge(true)
	if len(got) != 3 {
		t.Fatalf("got %q", got)
	}
	for i, name := range []string{"SHA-512-256", "MD5", "SHA-256"} {
		if !strings.Contains(got[i], "algorithm="+name+",") || !strings.HasSuffix(got[i], ", stale=true") {
			t.Errorf("challenge %d is %s", i, got[i])
		}
	}
}

func TestVerify(t *testing.T) {
	s, _ := newServer(t, Options{Algorithms: []Algorithm{SHA256, MD5}})
	good := Answer{Request: register, User: "1001", Password: "secret", Count: 1}
	for _, test := range []struct {
		name  string
		n     int
		alter func(a *Answer)
		edit  func(header string) string
		want  Outcome
	}{
		{name: "SHA-256", want: Accepted},
		{name: "MD5", n: 1, want: Accepted},
		{name: "hashed MD5", n: 1, alter: func(a *Answer) { a.User = "hashed" }, want: Accepted},
		{name: "hashed, other algorithm", alter: func(a *Answer) { a.User = "hashed" }, want: Refused},
		{name: "wrong password", alter: func(a *Answer) { a.Password = "Secret" }, want: Refused},
		{name: "unknown user", alter: func(a *Answer) { a.User = "1002" }, want: Refused},
		{name: "no password is no password", alter: func(a *Answer) { a.User, a.Password = "open", "" }, want: Refused},
		{name: "other method", alter: func(a *Answer) { a.Method = "INVITE" }, want: Refused},
		{name: "host rewritten on the way", alter: func(a *Answer) { a.URI = "sip:10.0.0.1;transport=udp" }, want: Accepted},
		{name: "its own address for the registrar's", alter: func(a *Answer) { a.URI = "sip:1001@pbx.example.org" }, want: Accepted},
		{name: "count zero", edit: replace("nc=00000001", "nc=00000000"), want: Malformed},
		{name: "no nc", edit: replace(", nc=00000001", ""), want: Malformed},
		{name: "no nonce", edit: replace("nonce=", "n0nce="), want: Malformed},
		{name: "qop not offered", edit: replace("qop=auth", "qop=auth-int"), want: Malformed},
		{name: "unreadable", edit: func(string) string { return `Digest realm="moonwire` }, want: Malformed},
		{name: "other realm", edit: replace(`realm="moonwire"`, `realm="elsewhere"`), want: Missing},
		{name: "algorithm not offered", edit: replace("algorithm=SHA-256", "algorithm=SHA-512-256"), want: Missing},
		{name: "other scheme", edit: func(string) string { return "Basic MTAwMTpzZWNyZXQ=" }, want: Missing},
		{name: "upper-case response", edit: func(h string) string {
			before, rest, _ := strings.Cut(h, `response="`)
			return before + `response="` + strings.ToUpper(rest[:64]) + rest[64:]
		}, want: Accepted},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := good
			if test.alter != nil {
				test.alter(&a)
			}
			h := answer(t, s.Challenge(false), test.n, a)
			if test.edit != nil {
				h[0] = test.edit(h[0])
			}
			got := s.Verify(h, register, phones)
			if got.Outcome != test.want {
				t.Errorf("got %v (%s), want %v", got.Outcome, got.Reason, test.want)
			}
			if got.Outcome == Accepted && got.User != a.User {
				t.Errorf("accepted %q", got.User)
			}
		})
	}
}

func replace(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func TestVerifyFindsItsRealmAmongOthers(t *testing.T) {
	s, _ := newServer(t, Options{})
	h := answer(t, s.Challenge(false), 0, Answer{Request: register, User: "1001", Password: "secret"})
	all := append([]string{"Bearer x", `Digest realm="other", nonce="n"`}, h...)
	if got := s.Verify(all, register, phones); got.Outcome != Accepted {
		t.Errorf("got %+v", got)
	}
	if got := s.Verify(nil, register, phones); got.Outcome != Missing {
		t.Errorf("without headers: %+v", got)
	}
}

func TestEachCountIsGoodOnce(t *testing.T) {
	s, _ := newServer(t, Options{})
	challenge := s.Challenge(false)
	try := func(count uint32) Outcome {
		return s.Verify(answer(t, challenge, 0, Answer{Request: register, User: "1001", Password: "secret", Count: count}), register, phones).Outcome
	}
	for _, step := range []struct {
		count uint32
		want  Outcome
	}{
		{1, Accepted}, {1, Stale}, {3, Accepted}, {2, Accepted}, {2, Stale}, {3, Stale},
		{200, Accepted}, {137, Accepted}, {137, Stale}, {136, Stale}, {0xffffffff, Accepted}, {200, Stale},
	} {
		if got := try(step.count); got != step.want {
			t.Errorf("count %d: %v, want %v", step.count, got, step.want)
		}
	}
}

func TestWithoutCountsANonceIsGoodOnce(t *testing.T) {
	s, _ := newServer(t, Options{})
	legacy := replace(`, qop="auth"`, "")(s.Challenge(false)[1])
	h := answer(t, []string{legacy}, 0, Answer{Request: register, User: "1001", Password: "secret"})
	if strings.Contains(h[0], "nc=") {
		t.Fatalf("not a legacy answer: %s", h[0])
	}
	for _, want := range []Outcome{Accepted, Stale} {
		if got := s.Verify(h, register, phones); got.Outcome != want {
			t.Errorf("got %+v, want %v", got, want)
		}
	}
}

func TestOldAndForeignNoncesAreStaleForTheRightPasswordOnly(t *testing.T) {
	s, v := newServer(t, Options{NonceLife: time.Minute})
	challenge := s.Challenge(false)
	foreign := []string{`Digest realm="moonwire", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", qop="auth"`}
	v.Advance(time.Minute)
	right := Answer{Request: register, User: "1001", Password: "secret", Count: 1}
	wrong := Answer{Request: register, User: "1001", Password: "guess", Count: 2}
	check := func(challenge []string, a Answer, want Outcome) {
		t.Helper()
		n := len(challenge) - 1
		if got := s.Verify(answer(t, challenge, n, a), register, phones); got.Outcome != want {
			t.Errorf("got %+v, want %v", got, want)
		}
	}
	check(challenge, right, Accepted)
	v.Advance(time.Millisecond)
	right.Count = 2
	check(challenge, right, Stale)
	check(challenge, wrong, Refused)
	check(foreign, right, Stale)
	check(foreign, wrong, Refused)
}

func TestAFullTableForgetsNoncesButNoUse(t *testing.T) {
	s, _ := newServer(t, Options{Room: 2})
	var challenges [4][]string
	var used [4][]string
	for i := range challenges {
		challenges[i] = s.Challenge(false)
	}
	try := func(i int, count uint32) Outcome {
		used[i] = answer(t, challenges[i], 0, Answer{Request: register, User: "1001", Password: "secret", Count: count})
		return s.Verify(used[i], register, phones).Outcome
	}
	for i := range challenges[:3] {
		if got := try(i, 1); got != Accepted {
			t.Fatalf("nonce %d: %v", i, got)
		}
	}
	for i, h := range used[:3] {
		if got := s.Verify(h, register, phones); got.Outcome != Stale {
			t.Errorf("nonce %d was good twice: %+v", i, got)
		}
	}
	if got := try(0, 2); got != Stale {
		t.Errorf("a forgotten nonce: %v", got)
	}
	if got := try(2, 2); got != Accepted {
		t.Errorf("a remembered nonce: %v", got)
	}
	if got := try(3, 1); got != Accepted {
		t.Errorf("a new nonce: %v", got)
	}
	if n := len(s.nonces.windows); n != 2 {
		t.Errorf("%d windows are kept", n)
	}
}

func TestExpiredWindowsMakeRoomWithoutHarm(t *testing.T) {
	s, v := newServer(t, Options{Room: 2, NonceLife: time.Minute})
	var unused []string
	for range 5 {
		unused = s.Challenge(false)
		h := answer(t, s.Challenge(false), 0, Answer{Request: register, User: "1001", Password: "secret", Count: 1})
		if got := s.Verify(h, register, phones); got.Outcome != Accepted {
			t.Fatalf("got %+v", got)
		}
		v.Advance(45 * time.Second)
	}
	h := answer(t, unused, 0, Answer{Request: register, User: "1001", Password: "secret", Count: 1})
	if got := s.Verify(h, register, phones); got.Outcome != Accepted {
		t.Errorf("a nonce asked for before the last: %+v", got)
	}
}

// One proof sent from many sides at the same moment is good once.
func TestOneProofIsAcceptedOnceInParallel(t *testing.T) {
	s, _ := newServer(t, Options{})
	h := answer(t, s.Challenge(false), 0, Answer{Request: register, User: "1001", Password: "secret", Count: 1})
	var accepted atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if s.Verify(h, register, phones).Outcome == Accepted {
				accepted.Add(1)
			}
			s.Challenge(false)
		})
	}
	group.Wait()
	if n := accepted.Load(); n != 1 {
		t.Errorf("accepted %d times", n)
	}
}

func TestNewServerRefusesBadOptions(t *testing.T) {
	for _, o := range []Options{
		{}, {Realm: "a\r\nb"}, {Realm: "a", Algorithms: []Algorithm{9}}, {Realm: "a", Rand: strings.NewReader("short")},
	} {
		if _, err := NewServer(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func FuzzVerify(f *testing.F) {
	s, _ := newServer(f, Options{})
	h := answer(f, s.Challenge(false), 0, Answer{Request: register, User: "1001", Password: "guess", Count: 1})
	f.Add(h[0])
	f.Add(`Digest realm="moonwire", username="1001", nonce="x", uri="tel:+1", response="0", nc=0, qop=auth`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := s.Verify([]string{header}, register, phones); got.Outcome == Accepted || got.Outcome == Stale {
			t.Errorf("%q passed: %+v", header, got)
		}
	})
}

func BenchmarkChallenge(b *testing.B) {
	s, _ := newServer(b, Options{})
	b.ReportAllocs()
	for b.Loop() {
		s.Challenge(false)
	}
}

func BenchmarkVerify(b *testing.B) {
	for n, name := range []string{"SHA-256", "MD5"} {
		b.Run(name, func(b *testing.B) {
			s, _ := newServer(b, Options{})
			h := answer(b, s.Challenge(false), n, Answer{Request: register, User: "1001", Password: "secret", Count: 1})
			b.ReportAllocs()
			for b.Loop() {
				s.Verify(h, register, phones)
			}
		})
	}
}

func ExampleServer() {
	s, _ := NewServer(Options{Realm: "moonwire"})
	challenges := s.Challenge(false)
	headers, _ := Authorize(challenges, Answer{
		Request: register, User: "1001", Password: "secret", Count: 1, CNonce: "0a4f113b0a4f113b",
	})
	fmt.Println(s.Verify(headers, register, phones).Outcome)
	fmt.Println(s.Verify(headers, register, phones).Outcome)
	// Output:
	// accepted
	// stale
}

// Nobody can tell from the work done whether a user exists.
func TestUnknownUsersCostAsMuchAsWrongPasswords(t *testing.T) {
	s, _ := newServer(t, Options{})
	work := func(user string, n int) float64 {
		h := answer(t, s.Challenge(false), n, Answer{Request: register, User: user, Password: "guess", Count: 1})
		return testing.AllocsPerRun(100, func() {
			if got := s.Verify(h, register, phones); got.Outcome != Refused || got.Reason != "wrong user or password" {
				t.Errorf("got %+v", got)
			}
		})
	}
	for n := range 2 {
		if known, unknown := work("1001", n), work("1009", n); known != unknown {
			t.Errorf("algorithm %d: %v allocations for a known user, %v for an unknown one", n, known, unknown)
		}
	}
}

// What is digested must lead where the request goes, however it is written.
func TestDigestedAddress(t *testing.T) {
	for _, test := range []struct {
		digested, requested string
		want                bool
	}{
		{"sip:pbx", "sip:pbx.example.org:5060;transport=udp", true},
		{"sip:1001@pbx", "sip:pbx", true},
		{"sip:600@pbx", "sip:600@10.0.0.1:5070;transport=tcp", true},
		{"sips:600@pbx", "sip:600@pbx", true},
		{"sip:%36%30%30@pbx", "sip:600@pbx", true},
		{"sip:600;phone-context=x@pbx", "sip:600@pbx;user=phone", true},
		{"sip:600@pbx;x=a@b", "sip:600@pbx", true},
		{"tel:+33-972-32-06-90;isub=1", "sip:+33972320690@pbx", true},
		{"sip:0900@pbx", "sip:600@pbx", false},
		{"sip:pbx", "sip:600@pbx", false},
		{"sip:Alice@pbx", "sip:alice@pbx", false},
		{"sip:a.b@pbx", "sip:ab@pbx", false},
		{"600", "sip:600@pbx", false},
	} {
		if got := sameUser(test.digested, test.requested); got != test.want {
			t.Errorf("%s for %s: %v", test.digested, test.requested, got)
		}
	}
}
