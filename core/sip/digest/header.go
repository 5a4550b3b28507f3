package digest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a header that is worth reading: real ones stay below a tenth.
const (
	maxHeader     = 4096
	maxParameters = 32
)

var errSyntax = errors.New("malformed authentication header")

// parameters are the name=value pairs of a header, names in lower case.
type parameters map[string]string

// parse reads "Digest name=value, name="quoted value"". A scheme other than
// Digest gives its name and no parameters.
func parse(header string) (scheme string, p parameters, err error) {
	if len(header) > maxHeader {
		return "", nil, fmt.Errorf("%w: %d bytes", errSyntax, len(header))
	}
	scheme, rest, _ := strings.Cut(strings.TrimLeft(header, " \t"), " ")
	if scheme == "" || token(scheme) != len(scheme) {
		return "", nil, fmt.Errorf("%w: no scheme", errSyntax)
	}
	if !strings.EqualFold(scheme, "Digest") {
		return scheme, nil, nil
	}
	p = make(parameters, 12)
	for {
		rest = strings.TrimLeft(rest, " \t\r\n,")
		if rest == "" {
			return scheme, p, nil
		}
		var name, value string
		if name, value, rest, err = parameter(rest); err != nil {
			return "", nil, err
		}
		if _, twice := p[name]; twice {
			return "", nil, fmt.Errorf("%w: %s given twice", errSyntax, name)
		}
		if len(p) == maxParameters {
			return "", nil, fmt.Errorf("%w: too many parameters", errSyntax)
		}
		p[name] = value
	}
}

// parameter reads one pair and the comma or end that must follow it.
func parameter(s string) (name, value, rest string, err error) {
	n := token(s)
	name = strings.ToLower(s[:n])
	rest = strings.TrimLeft(s[n:], " \t\r\n")
	if n == 0 || rest == "" || rest[0] != '=' {
		return "", "", "", fmt.Errorf("%w: expected name=value", errSyntax)
	}
	rest = strings.TrimLeft(rest[1:], " \t\r\n")
	if strings.HasPrefix(rest, `"`) {
		value, rest, err = quoted(rest)
		if err != nil {
			return "", "", "", err
		}
	} else {
		n = token(rest)
		value, rest = rest[:n], rest[n:]
	}
	rest = strings.TrimLeft(rest, " \t\r\n")
	if rest != "" && rest[0] != ',' {
		return "", "", "", fmt.Errorf("%w: %s is not followed by a comma", errSyntax, name)
	}
	return name, value, rest, nil
}

// quoted reads a quoted-string and undoes its escapes (RFC 3261, section 25.1).
func quoted(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], nil
		case c == '\\' && i+1 < len(s) && s[i+1] >= ' ' && s[i+1] != 0x7f:
			i++
			b.WriteByte(s[i])
		case c == '\\', c < ' ' && c != '\t', c == 0x7f:
			return "", "", fmt.Errorf("%w: control character in a quoted string", errSyntax)
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fmt.Errorf("%w: quoted string has no end", errSyntax)
}

// token is the length of the token (RFC 3261, section 25.1) that s begins with.
func token(s string) int {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-.!%*_+`'~", c) >= 0:
		default:
			return i
		}
	}
	return len(s)
}

// quote writes s as a quoted-string; its caller has refused control characters.
func quote(s string) string {
	if strings.ContainsAny(s, `"\`) {
		s = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s)
	}
	return `"` + s + `"`
}

// printable reports whether s can stand in a header without ending it.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// count reads a nonce count: up to 8 hex digits, never zero.
func count(s string) (uint32, bool) {
	if len(s) > 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 32)
	return uint32(n), err == nil && n != 0
}
