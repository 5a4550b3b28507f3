package digest

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoChallenge says that there is no challenge among those received that can
// be answered: other schemes, unknown algorithms, or none at all.
var ErrNoChallenge = errors.New("no digest challenge that can be answered")

// Challenge is one WWW-Authenticate or Proxy-Authenticate header, read.
type Challenge struct {
	Realm     string
	Nonce     string
	Opaque    string
	Algorithm Algorithm
	Session   bool   // the -sess variant of Algorithm
	QOP       string // the one to be used: "auth", "auth-int", or "" for RFC 2069
	Stale     bool   // the password was right: try again without asking the user
	named     bool   // the header named its algorithm, so the answer does too
}

// ParseChallenge reads one header value.
func ParseChallenge(header string) (Challenge, error) {
	scheme, p, err := parse(header)
	if err != nil {
		return Challenge{}, err
	}
	if p == nil {
		return Challenge{}, fmt.Errorf("%w: scheme %s", ErrNoChallenge, scheme)
	}
	a, session, ok := algorithmOf(p["algorithm"])
	if !ok {
		return Challenge{}, fmt.Errorf("%w: algorithm %q", ErrNoChallenge, p["algorithm"])
	}
	qop, ok := chooseQOP(p["qop"])
	if !ok {
		return Challenge{}, fmt.Errorf("%w: qop %q", ErrNoChallenge, p["qop"])
	}
	if p["nonce"] == "" {
		return Challenge{}, fmt.Errorf("%w: no nonce", errSyntax)
	}
	_, named := p["algorithm"]
	return Challenge{
		Realm: p["realm"], Nonce: p["nonce"], Opaque: p["opaque"],
		Algorithm: a, Session: session, QOP: qop,
		Stale: strings.EqualFold(p["stale"], "true"), named: named,
	}, nil
}

// chooseQOP takes auth where it is offered: proxies may change bodies.
func chooseQOP(offered string) (qop string, ok bool) {
	if offered == "" {
		return "", true
	}
	for option := range strings.SplitSeq(offered, ",") {
		switch option = strings.ToLower(strings.TrimSpace(option)); option {
		case "auth":
			return option, true
		case "auth-int":
			qop = option
		}
	}
	return qop, qop != ""
}

// Strongest reads the header values of a 401 or 407 and keeps, for each realm,
// the challenge with the strongest algorithm known here, in the order in which
// the realms came. The error is ErrNoChallenge, or says what was unreadable.
func Strongest(headers []string) ([]Challenge, error) {
	var best []Challenge
	reason := ErrNoChallenge
next:
	for _, header := range headers {
		c, err := ParseChallenge(header)
		if err != nil {
			reason = err
			continue
		}
		for i := range best {
			if best[i].Realm == c.Realm {
				if c.Algorithm > best[i].Algorithm {
					best[i] = c
				}
				continue next
			}
		}
		best = append(best, c)
	}
	if len(best) == 0 {
		return nil, reason
	}
	return best, nil
}

// Answer is what a client answers challenges with.
type Answer struct {
	Request
	User     string
	Password string // or HA1, made with the challenge's algorithm and realm
	HA1      string
	Count    uint32 // of requests sent with the challenge's nonce, this one included: 1 at first
	CNonce   string // fresh random text, at least 64 bits of it
}

// Authorize returns the value of the Authorization (after 401) or
// Proxy-Authorization (after 407) header that answers the challenge.
func (c Challenge) Authorize(a Answer) (string, error) {
	for _, text := range [...]string{a.User, a.URI, a.CNonce} {
		if text == "" || !printable(text) {
			return "", fmt.Errorf("answering the digest challenge of %q: user, address and cnonce must be printable and not empty", c.Realm)
		}
	}
	p := proof{algorithm: c.Algorithm, session: c.Session, ha1: a.HA1, uri: a.URI, nonce: c.Nonce, cnonce: a.CNonce, qop: c.QOP}
	if p.ha1 == "" {
		p.ha1 = c.Algorithm.HA1(a.User, c.Realm, a.Password)
	}
	if c.QOP != "" {
		p.nc = fmt.Sprintf("%08x", max(a.Count, 1))
	}
	var b strings.Builder
	b.WriteString("Digest username=" + quote(a.User) + ", realm=" + quote(c.Realm) + ", nonce=" + quote(c.Nonce) +
		", uri=" + quote(a.URI) + `, response="` + p.response(a.Request) + `"`)
	if c.named {
		b.WriteString(", algorithm=" + c.Algorithm.String())
		if c.Session {
			b.WriteString(sessionSuffix)
		}
	}
	if c.QOP != "" || c.Session {
		b.WriteString(", cnonce=" + quote(a.CNonce))
	}
	if c.QOP != "" {
		b.WriteString(", qop=" + c.QOP + ", nc=" + p.nc)
	}
	if c.Opaque != "" {
		b.WriteString(", opaque=" + quote(c.Opaque))
	}
	return b.String(), nil
}

// Authorize answers the header values of a 401 or 407 in one step: one header
// value for each realm.
func Authorize(headers []string, a Answer) ([]string, error) {
	challenges, err := Strongest(headers)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(challenges))
	for i, c := range challenges {
		if values[i], err = c.Authorize(a); err != nil {
			return nil, err
		}
	}
	return values, nil
}
