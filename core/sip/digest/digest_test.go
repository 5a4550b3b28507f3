package digest

import (
	"strings"
	"testing"
)

// The worked examples of RFC 2617, section 3.5, and RFC 7616, section 3.9.1.
func TestAuthorizeGivesTheResponsesOfTheRFCs(t *testing.T) {
	const nonce7616 = `nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"`
	const cnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	for _, test := range []struct {
		name, challenge, password, cnonce, want string
	}{
		{
			"RFC 2617", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1",
		},
		{
			"RFC 7616 MD5", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ` + nonce7616,
			"Circle of Life", cnonce7616, "8ca523f5e9506fed4657c9700eebdbec",
		},
		{
			"RFC 7616 SHA-256", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ` + nonce7616,
			"Circle of Life", cnonce7616, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Authorize([]string{test.challenge}, Answer{
				Request: Request{Method: "GET", URI: "/dir/index.html"},
				User:    "Mufasa", Password: test.password, Count: 1, CNonce: test.cnonce,
			})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(got[0], `response="`+test.want+`"`) {
				t.Errorf("response %s is not in\n%s", test.want, got[0])
			}
		})
	}
}

func TestClientChoosesTheStrongestChallengeOfEachRealm(t *testing.T) {
	challenges, err := Strongest([]string{
		`Basic realm="a"`,
		`Digest realm="a", nonce="1", algorithm=MD5, qop="auth"`,
		`Digest realm="b", nonce="2"`,
		`Digest realm="a", nonce="3", algorithm=SHA-256, qop="auth"`,
		`Digest realm="a", nonce="4", algorithm=SHA-1024, qop="auth"`,
		`Digest realm="c", nonce="5", algorithm="sha-512-256-SESS", qop="auth-int", stale=TRUE`,
		`Digest realm="d", nonce="6", qop="perfect"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Challenge{
		{Realm: "a", Nonce: "3", Algorithm: SHA256, QOP: "auth", named: true},
		{Realm: "b", Nonce: "2", Algorithm: MD5},
		{Realm: "c", Nonce: "5", Algorithm: SHA512256, Session: true, QOP: "auth-int", Stale: true, named: true},
	}
	if len(challenges) != len(want) {
		t.Fatalf("got %+v", challenges)
	}
	for i := range want {
		if challenges[i] != want[i] {
			t.Errorf("got %+v\nwant %+v", challenges[i], want[i])
		}
	}
}

func TestClientSaysWhyNothingCanBeAnswered(t *testing.T) {
	for _, header := range []string{`Basic realm="a"`, `Digest realm="a"`, `Digest realm="a`, ""} {
		if _, err := Authorize([]string{header}, Answer{User: "u", CNonce: "c", Request: Request{URI: "sip:x"}}); err == nil {
			t.Errorf("%q was answered", header)
		}
	}
	c := Challenge{Realm: "a", Nonce: "n", Algorithm: MD5}
	if _, err := c.Authorize(Answer{User: "u\r\nVia: x", CNonce: "c", Request: Request{URI: "sip:x"}}); err == nil {
		t.Error("a line break in the user name was let through")
	}
}

func TestIntegrityCoversTheBody(t *testing.T) {
	c := Challenge{Realm: "r", Nonce: "n", Algorithm: SHA256, QOP: "auth-int"}
	answer := func(body string) string {
		h, err := c.Authorize(Answer{Request: Request{"INVITE", "sip:b@c", []byte(body)}, User: "u", Password: "p", CNonce: "c", Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if answer("one") == answer("two") {
		t.Error("two bodies have the same response")
	}
}

func TestQuotingSurvivesTheRoundTrip(t *testing.T) {
	for _, text := range []string{"plain", `say "hi"`, `back\slash`, `\"`, "é", "a,b=c"} {
		_, p, err := parse("Digest username=" + quote(text) + ", x=1")
		if err != nil || p["username"] != text {
			t.Errorf("%q came back as %q, %v", text, p["username"], err)
		}
	}
}

func TestParseRefusesWhatIsMalformed(t *testing.T) {
	for _, header := range []string{
		"", " ", "Digest a", "Digest =b", `Digest a="b`, `Digest a="b"c`, "Digest a=b c=d", "Digest a=1, A=2",
		"Digest a=\"\x00\"", "Digest a=\"\\\r\n\"", "Dig@st a=b", "Digest " + strings.Repeat("a", maxHeader),
	} {
		if _, p, err := parse(header); err == nil {
			t.Errorf("%q was read as %v", header, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`Digest username="1001", realm="moonwire", nonce="abc", uri="sip:1001@x", response="00", qop=auth, nc=00000001, cnonce="z"`,
		`Digest realm="a\"b", nonce="n", algorithm=MD5, stale=true`, `Basic QWxhZGRpbg==`, "Digest ,,a=,b=\"\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if c, err := ParseChallenge(header); err == nil {
			if _, err := c.Authorize(Answer{Request: Request{Method: "A", URI: "b"}, User: "u", CNonce: "c"}); err != nil {
				t.Errorf("challenge %q cannot be answered: %v", header, err)
			}
		}
		_, p, err := parse(header)
		if err != nil {
			return
		}
		for name, value := range p {
			_, again, err := parse("Digest " + name + "=" + quote(value))
			if err != nil || again[name] != value {
				t.Errorf("%s=%q came back as %q, %v", name, value, again[name], err)
			}
		}
	})
}
