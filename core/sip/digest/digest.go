// Package digest is SIP's HTTP Digest authentication (RFC 7616, RFC 8760 and
// RFC 3261, section 22), both of asking for it and of answering.
//
// The idea of Digest is that the password never travels: the server sends a
// nonce, and the client returns a hash over nonce, password, method and
// address. Three things make it safe to run open to the world:
//
//   - Nonces cost the server nothing until someone has proven a password: a
//     nonce carries its own time and serial number under an HMAC, so asking for
//     a million of them fills no table.
//   - Each hash is good for one request. The nonce count of every accepted
//     request is remembered in a window per nonce, and a table that is full
//     forgets a nonce by refusing it, never by forgetting what was used.
//   - A wrong password and a user that does not exist take the same path, the
//     same work and the same answer.
//
// Limiter keeps those who guess from guessing fast. Nothing here knows sockets
// or SIP messages: header values go in and come out as text.
package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"
)

// Algorithm is a hash of RFC 7616, section 6.1; a greater one is stronger.
type Algorithm uint8

const (
	MD5 Algorithm = iota + 1
	SHA256
	SHA512256
)

var algorithms = [...]struct {
	name string
	new  func() hash.Hash
}{
	MD5:       {"MD5", md5.New},
	SHA256:    {"SHA-256", sha256.New},
	SHA512256: {"SHA-512-256", sha512.New512_256},
}

// sessionSuffix marks the variant whose first hash also holds both nonces.
const sessionSuffix = "-sess"

// String is the name on the wire.
func (a Algorithm) String() string {
	if !a.known() {
		return "unknown"
	}
	return algorithms[a].name
}

func (a Algorithm) known() bool { return a >= MD5 && int(a) < len(algorithms) }

// algorithmOf reads an algorithm parameter; "" is MD5 (RFC 7616, section 3.3).
func algorithmOf(name string) (a Algorithm, session, ok bool) {
	if name == "" {
		return MD5, false, true
	}
	if base, found := cutSuffixFold(name, sessionSuffix); found {
		name, session = base, true
	}
	for a := MD5; a.known(); a++ {
		if strings.EqualFold(name, algorithms[a].name) {
			return a, session, true
		}
	}
	return 0, false, false
}

func cutSuffixFold(s, suffix string) (string, bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}

// sum is the hash of the parts joined by colons, in lower-case hex.
func (a Algorithm) sum(parts ...string) string {
	h := algorithms[a].new()
	h.Write([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(h.Sum(nil))
}

// HA1 is the hash that may be kept in place of a password. It opens the realm
// to whoever holds it, so it deserves the same care as the password.
func (a Algorithm) HA1(user, realm, password string) string {
	return a.sum(user, realm, password)
}

// Request is what a client proves its password for.
type Request struct {
	Method string
	URI    string // Request-URI, as on the request line
	Body   []byte // only qop=auth-int covers it
}

// proof is everything that a response hashes beside the request.
type proof struct {
	algorithm Algorithm
	session   bool
	ha1       string
	uri       string
	nonce     string
	nc        string // 8 hex digits, "" where qop is ""
	cnonce    string
	qop       string // "", "auth", "auth-int"
}

// response is RFC 7616, section 3.4.1, or RFC 2069 where qop is "".
func (p proof) response(r Request) string {
	ha1 := p.ha1
	if p.session {
		ha1 = p.algorithm.sum(ha1, p.nonce, p.cnonce)
	}
	var ha2 string
	if p.qop == "auth-int" {
		ha2 = p.algorithm.sum(r.Method, p.uri, p.algorithm.sum(string(r.Body)))
	} else {
		ha2 = p.algorithm.sum(r.Method, p.uri)
	}
	if p.qop == "" {
		return p.algorithm.sum(ha1, p.nonce, ha2)
	}
	return p.algorithm.sum(ha1, p.nonce, p.nc, p.cnonce, p.qop, ha2)
}
