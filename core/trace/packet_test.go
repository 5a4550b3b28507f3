package trace

import (
	"bytes"
	"strings"
	"testing"
)

func TestSecretsAreMasked(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"digest", "INVITE sip:x SIP/2.0\r\nAuthorization: Digest username=\"a\", response=\"1f\"\r\nTo: b\r\n\r\n",
			"INVITE sip:x SIP/2.0\r\nAuthorization: Digest xxxxxxxxxxxxx xxxxxxxxxxxxx\r\nTo: b\r\n\r\n"},
		{"of a proxy", "PROXY-authorization:Basic QWxh\r\n\r\n", "PROXY-authorization:Basic xxxx\r\n\r\n"},
		{"without scheme", "Authorization: abc\r\n\r\n", "Authorization: xxx\r\n\r\n"},
		{"long scheme", "Authorization: supersecret word\r\n\r\n", "Authorization: xxxxxxxxxxx xxxx\r\n\r\n"},
		{"folded", "Authorization: Digest a,\r\n response=b\r\n\tc\r\nVia: d\r\n\r\n", "Authorization: Digest xx\r\n xxxxxxxxxx\r\n\tx\r\nVia: d\r\n\r\n"},
		{"bare line feeds", "Authorization: Digest a\nVia: b\n\n", "Authorization: Digest x\nVia: b\n\n"},
		{"challenge", "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest nonce=\"1\"\r\n\r\n", "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest nonce=\"1\"\r\n\r\n"},
		{"keys", "A b\r\n\r\nm=audio 1 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AbC/|2^20\r\nk=clear:abc\r\na=key-mgmt:mikey AQ\r\n",
			"A b\r\n\r\nm=audio 1 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxxxxxxx\r\nk=xxxxxxxxx\r\na=key-mgmt:xxxxx xx\r\n"},
		{"body that talks of headers", "A b\r\n\r\nAuthorization: is a word\r\n", "A b\r\n\r\nAuthorization: is a word\r\n"},
	} {
		p := Packet{Data: []byte(c.in)}
		if got := string(p.Redacted()); got != c.want {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, got, c.want)
		}
		if string(p.Data) != c.in {
			t.Errorf("%s: the packet itself was changed", c.name)
		}
	}
}

func TestSecretBodies(t *testing.T) {
	r, c := newTest(Limits{})
	l := r.Leg("a")
	text := "INFO sip:x SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=7\r\nDuration=160\r\n"
	l.Hide(true)
	l.Packet(c.Now(), received(text))
	l.Hide(false)
	l.Packet(c.Now(), received(text))
	events, _, _ := r.Story("a")
	if got := string(events[0].Packet.Redacted()); strings.Contains(got, "7") || !strings.Contains(got, "dtmf-relay") {
		t.Errorf("%q", got)
	}
	if got := string(events[1].Packet.Redacted()); got != text {
		t.Errorf("%q", got)
	}
}

func TestHeadersOfPackets(t *testing.T) {
	p := Packet{Data: []byte("INVITE sip:600@x SIP/2.0\r\nf: <sip:a@b>\r\nCSEQ : 1 INVITE\r\n\r\nTo: body")}
	for _, c := range [][3]string{{"From", "f", "<sip:a@b>"}, {"CSeq", "", "1 INVITE"}, {"To", "t", ""}} {
		if got := p.Header(c[0], c[1]); got != c[2] {
			t.Errorf("%s: %q", c[0], got)
		}
	}
	if p.First() != "INVITE sip:600@x SIP/2.0" {
		t.Error(p.First())
	}
}

func TestUserIn(t *testing.T) {
	for text, want := range map[string]string{
		"INVITE sip:600@192.0.2.1 SIP/2.0": "600", `"A" <sips:alice@x>;tag=1`: "alice", "<tel:+331234;x=y>": "+331234",
		"INVITE sip:192.0.2.1 SIP/2.0": "", "nothing": "", "sip:": "", "": "",
	} {
		if got := UserIn(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// FuzzRedacted: nothing of an Authorization header is ever shown, and no length
// changes.
func FuzzRedacted(f *testing.F) {
	f.Add("INVITE sip:x SIP/2.0\r\n", "\r\nVia: x\r\n\r\nbody")
	f.Add("", "\r\n folded\r\n\r\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before, "\n\r\n") || strings.Contains(before, "\n\n") || strings.HasPrefix(before, "\n") || strings.HasPrefix(before, "\r\n") {
			return // it would be in the body
		}
		if before != "" && !strings.HasSuffix(before, "\n") {
			before += "\r\n"
		}
		secret := "Digest response=\"5ecret\""
		data := []byte(before + "Authorization: " + secret + after)
		p := Packet{Data: data}
		got := p.Redacted()
		if len(got) != len(data) {
			t.Fatalf("%d octets became %d", len(data), len(got))
		}
		if bytes.Contains(got[:len(got)-len(after)], []byte("5ecret")) && !strings.Contains(before, "5ecret") {
			t.Fatalf("%q", got)
		}
		_, _ = p.First(), p.Header("From", "f")
		UserIn(string(got))
	})
}
