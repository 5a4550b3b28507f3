package registrar

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

var errContact = errors.New("malformed contact")

// uri is a contact's address, taken apart as far as comparing two of them asks.
type uri struct {
	scheme     string // lower case
	user       string // escapes undone
	host       string // lower case
	port       string // "" where none is written
	parameters map[string]string
}

// parseURI reads any URI; only sip and sips ones are taken apart.
func parseURI(s string) (uri, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" || strings.ContainsAny(s, `<>" `) || !printable(s) {
		return uri{}, fmt.Errorf("%w: %q is not an address", errContact, s)
	}
	u := uri{scheme: strings.ToLower(scheme)}
	if u.scheme != "sip" && u.scheme != "sips" {
		u.user = rest
		return u, nil
	}
	rest, _, _ = strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		u.user, rest = unescape(rest[:at]), rest[at+1:]
	}
	address, parameters, _ := strings.Cut(rest, ";")
	u.host, u.port = splitHost(address)
	if u.host == "" {
		return uri{}, fmt.Errorf("%w: %q has no host", errContact, s)
	}
	if u.port != "" {
		if n, err := strconv.ParseUint(u.port, 10, 16); err != nil || n == 0 {
			return uri{}, fmt.Errorf("%w: %q has no valid port", errContact, s)
		}
	}
	u.host = strings.ToLower(u.host)
	for p := range strings.SplitSeq(parameters, ";") {
		if p == "" {
			continue
		}
		if u.parameters == nil {
			u.parameters = make(map[string]string)
		}
		name, value, _ := strings.Cut(p, "=")
		u.parameters[strings.ToLower(name)] = strings.ToLower(unescape(value))
	}
	return u, nil
}

// printable reports whether s can stand in a header without ending it.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func splitHost(s string) (host, port string) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 || strings.HasSuffix(s, "]") {
		return s, ""
	}
	return s[:colon], s[colon+1:]
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// decisive are the parameters that make a difference even where only one of
// two addresses has them (RFC 3261, section 19.1.4).
var decisive = [...]string{"transport", "user", "ttl", "method", "maddr"}

// same reports whether two contacts are the same place.
func (u uri) same(v uri) bool {
	if u.scheme != v.scheme || u.user != v.user || u.host != v.host || u.port != v.port {
		return false
	}
	for _, name := range decisive {
		if u.parameters[name] != v.parameters[name] {
			return false
		}
	}
	for name, value := range u.parameters {
		if other, both := v.parameters[name]; both && other != value {
			return false
		}
	}
	return true
}
