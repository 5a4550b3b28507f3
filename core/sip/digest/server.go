package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

// Defaults of Options.
const (
	DefaultNonceLife = 5 * time.Minute
	DefaultRoom      = 16384
)

// Options of a Server.
type Options struct {
	Realm string // shown to users by some phones; part of every HA1
	// Algorithms are offered in this order; empty means MD5 and then SHA-256.
	// RFC 8760, section 2.4, wants the strongest first, but phones that know MD5
	// only are many, and a good part of them looks at the first offer alone.
	Algorithms []Algorithm
	Clock      clock.Clock   // nil means clock.Real
	Rand       io.Reader     // of the key, read once; nil means crypto/rand
	NonceLife  time.Duration // 0 means DefaultNonceLife
	Room       int           // nonces in use at once whose counts are remembered; 0 means DefaultRoom
}

// Server asks for passwords and verifies them. It may be used from any goroutine.
type Server struct {
	realm      string
	algorithms []Algorithm
	clock      clock.Clock
	key        []byte
	nonces     *nonces
}

// NewServer returns a Server with a key of its own: nonces of another Server,
// or of the time before a restart, are stale here.
func NewServer(o Options) (*Server, error) {
	if o.Realm == "" || !printable(o.Realm) {
		return nil, fmt.Errorf("digest realm %q is empty or not printable", o.Realm)
	}
	offered := unique(o.Algorithms)
	if len(offered) == 0 {
		offered = []Algorithm{MD5, SHA256}
	}
	for _, a := range offered {
		if !a.known() {
			return nil, fmt.Errorf("digest realm %q: unknown algorithm %d", o.Realm, a)
		}
	}
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.NonceLife <= 0 {
		o.NonceLife = DefaultNonceLife
	}
	if o.Room <= 0 {
		o.Room = DefaultRoom
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(o.Rand, key); err != nil {
		return nil, fmt.Errorf("digest realm %q: reading a random key: %w", o.Realm, err)
	}
	return &Server{
		realm:      o.Realm,
		algorithms: offered,
		clock:      o.Clock,
		key:        key,
		nonces:     newNonces(key, o.NonceLife, o.Room),
	}, nil
}

func unique(list []Algorithm) []Algorithm {
	var kept []Algorithm
	for _, a := range list {
		if !slices.Contains(kept, a) {
			kept = append(kept, a)
		}
	}
	return kept
}

// Challenge returns the values of the WWW-Authenticate (401) or
// Proxy-Authenticate (407) headers, one for each algorithm in the order of
// Options.Algorithms. stale says that the password was right and only the
// nonce is too old, so that phones try again without asking their user.
func (s *Server) Challenge(stale bool) []string {
	nonce := s.nonces.issue(s.clock.Now())
	values := make([]string, len(s.algorithms))
	for i, a := range s.algorithms {
		values[i] = "Digest realm=" + quote(s.realm) + `, nonce="` + nonce + `", algorithm=` + a.String() + `, qop="auth"`
		if stale {
			values[i] += ", stale=true"
		}
	}
	return values
}

// Credential is what a user is verified against: a password, or in its place
// the HA1 of each algorithm that the server offers. A user who has the HA1 of
// one algorithm only cannot be verified by the others, so the server that
// holds such users must offer that one alone.
type Credential struct {
	Password string
	HA1      map[Algorithm]string // hex; where it has the algorithm, Password is not used
}

// Lookup finds the credential of a user; ok is false where there is none. It
// should take the same time for both.
type Lookup func(user string) (c Credential, ok bool)

// Outcome is what became of a request's credentials.
type Outcome uint8

const (
	Missing   Outcome = iota // none for this realm: challenge
	Accepted                 // the request is User's
	Stale                    // right password, but the nonce is old or its count was used: challenge with stale
	Refused                  // wrong user, password or address
	Malformed                // unreadable: answer 400
)

func (o Outcome) String() string {
	return [...]string{"missing", "accepted", "stale", "refused", "malformed"}[o]
}

// Result is the outcome and, for the log alone, why. What is answered to the
// client must depend on Outcome only.
type Result struct {
	Outcome Outcome
	User    string // as claimed; proven only when Accepted
	Reason  string
}

// Verify checks the Authorization (or Proxy-Authorization) header values of a
// request. Each proof is good once, so it must not be called twice for one
// request, nor for ACK and CANCEL, which repeat the INVITE's credentials.
func (s *Server) Verify(headers []string, r Request, lookup Lookup) Result {
	claims, err := s.find(headers)
	switch {
	case err != nil:
		return Result{Outcome: Malformed, Reason: err.Error()}
	case claims == nil:
		return Result{Outcome: Missing}
	}
	c, err := s.read(claims)
	switch {
	case err != nil:
		return Result{Malformed, claims["username"], err.Error()}
	case !s.proven(c, r, lookup):
		return Result{Refused, c.user, "wrong user or password"}
	case !sameUser(c.proof.uri, r.URI):
		return Result{Refused, c.user, "the proof is for another address, " + c.proof.uri}
	}
	if why := s.nonces.use(c.proof.nonce, c.count, s.clock.Now()); why != "" {
		return Result{Stale, c.user, why}
	}
	return Result{Outcome: Accepted, User: c.user}
}

// find picks the credentials that answer one of our challenges. A request may
// carry those of other realms and schemes too.
func (s *Server) find(headers []string) (parameters, error) {
	var malformed error
	for _, header := range headers {
		_, p, err := parse(header)
		if err != nil {
			malformed = err
			continue
		}
		if p == nil || p["realm"] != s.realm {
			continue
		}
		if a, session, ok := algorithmOf(p["algorithm"]); ok && !session && slices.Contains(s.algorithms, a) {
			return p, nil
		}
	}
	return nil, malformed
}

// claim is what credentials say.
type claim struct {
	user     string
	response string
	count    uint32
	proof    proof // all but ha1
}

func (s *Server) read(p parameters) (claim, error) {
	for _, name := range [...]string{"username", "nonce", "uri", "response"} {
		if p[name] == "" {
			return claim{}, fmt.Errorf("%w: no %s", errSyntax, name)
		}
	}
	algorithm, _, _ := algorithmOf(p["algorithm"])
	c := claim{
		user:     p["username"],
		response: strings.ToLower(p["response"]),
		count:    1, // without qop there are no counts, so the nonce is good once
		proof:    proof{algorithm: algorithm, uri: p["uri"], nonce: p["nonce"]},
	}
	switch strings.ToLower(p["qop"]) {
	case "":
	case "auth":
		n, ok := count(p["nc"])
		if !ok || p["cnonce"] == "" {
			return claim{}, fmt.Errorf("%w: qop without nc and cnonce", errSyntax)
		}
		c.count = n
		c.proof.qop, c.proof.nc, c.proof.cnonce = p["qop"], p["nc"], p["cnonce"]
	default:
		return claim{}, fmt.Errorf("%w: qop %q was not offered", errSyntax, p["qop"])
	}
	return c, nil
}

// proven reports whether the response was made with the user's password. A
// user that does not exist has a password that nobody knows, and costs as much.
func (s *Server) proven(c claim, r Request, lookup Lookup) bool {
	h := hmac.New(sha256.New, s.key)
	io.WriteString(h, c.user)
	unknown := hex.EncodeToString(h.Sum(nil))

	credential, usable := lookup(c.user)
	password := credential.Password
	if !usable || password == "" {
		password = unknown
	}
	usable = usable && password != unknown
	c.proof.ha1 = c.proof.algorithm.HA1(c.user, s.realm, password)
	if ha1 := credential.HA1[c.proof.algorithm]; ha1 != "" {
		c.proof.ha1, usable = strings.ToLower(ha1), true
	}
	expected := c.proof.response(r)
	return subtle.ConstantTimeCompare([]byte(c.response), []byte(expected)) == 1 && usable
}

// sameUser holds the digested address against the Request-URI (RFC 7616, section
// 3.4.6, which leaves to the server how). Only the user counts: proxies on the way
// may rewrite the host, phones differ over schemes, parameters and escapes, and
// some digest their own address where REGISTER and OPTIONS name a mere host. But
// a proof that was stolen for one number must not buy a call to another: whoever
// calls a number has digested it.
func sameUser(digested, requested string) bool {
	wanted := userPart(requested)
	return wanted == "" || userPart(digested) == wanted
}

// userPart is the user of a SIP address without its parameters, or the number of
// a tel one without its separators; "" where there is none.
func userPart(uri string) string {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(uri), ":")
	if !ok {
		return ""
	}
	user, _, found := strings.Cut(rest, "@")
	switch {
	case found:
		user, _, _ = strings.Cut(user, ":") // a password
		user, _, _ = strings.Cut(user, ";") // parameters of a telephone-subscriber
	case strings.EqualFold(scheme, "tel"):
		user, _, _ = strings.Cut(rest, ";")
	default:
		return ""
	}
	if plain, err := url.PathUnescape(user); err == nil {
		user = plain
	}
	if number := separators.Replace(user); isNumber(number) {
		return number
	}
	return user
}

// separators make numbers readable and mean nothing (RFC 3966, section 5.1.1).
var separators = strings.NewReplacer("-", "", ".", "", "(", "", ")", "")

func isNumber(s string) bool {
	return s != "" && strings.Trim(strings.TrimPrefix(s, "+"), "0123456789*#") == ""
}
