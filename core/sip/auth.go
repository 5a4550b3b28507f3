package sip

import (
	"errors"
	"slices"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/sip/digest"
)

// credentials answers the challenges to one request and its repetitions: each
// nonce once, and a second nonce of the same realm only if it is called stale.
// Its owner guards it.
type credentials struct {
	realms []string // whose challenge was answered
	nonces []string
	tries  int
}

var (
	errWrongPassword = errors.New("the password was refused")
	errNoPassword    = errors.New("a password is wanted and none is configured")
)

// maxTries bounds how often one request is sent again for its password.
const maxTries = 4

// answer makes the headers that answer a 401 or 407 to r.
func (c *credentials) answer(res *sipgo.Response, r *request, user, password string, e *Endpoint) ([]field, error) {
	header, reply := "www-authenticate", "Authorization"
	if res.StatusCode == 407 {
		header, reply = "proxy-authenticate", "Proxy-Authorization"
	}
	if user == "" {
		return nil, errNoPassword
	}
	if c.tries++; c.tries > maxTries {
		return nil, errWrongPassword
	}
	challenges, err := digest.Strongest(values(res, header))
	if err != nil {
		return nil, err
	}
	var fields []field
	for _, f := range r.fields {
		// What another proxy on the way accepted is repeated.
		if (f.name == "Authorization" || f.name == "Proxy-Authorization") && f.name != reply {
			fields = append(fields, f)
		}
	}
	for _, challenge := range challenges {
		seen := slices.Contains(c.realms, reply+challenge.Realm)
		if slices.Contains(c.nonces, challenge.Nonce) || seen && !challenge.Stale {
			return nil, errWrongPassword
		}
		value, err := challenge.Authorize(digest.Answer{
			Request: digest.Request{Method: r.method, URI: r.uri, Body: r.body},
			User:    user, Password: password, Count: 1, CNonce: e.token(8),
		})
		if err != nil {
			return nil, err
		}
		c.realms = append(c.realms, reply+challenge.Realm)
		c.nonces = append(c.nonces, challenge.Nonce)
		fields = append(fields, field{reply, value})
	}
	return fields, nil
}

func (c *credentials) reset() { *c = credentials{} }

// withAuth is r's fields with other credentials.
func withAuth(fields []field, auth []field) []field {
	kept := slices.DeleteFunc(slices.Clone(fields), func(f field) bool {
		return f.name == "Authorization" || f.name == "Proxy-Authorization"
	})
	return append(kept, auth...)
}
