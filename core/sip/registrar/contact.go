package registrar

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Contact is one entry of a REGISTER's Contact headers.
type Contact struct {
	URI      string
	Expires  time.Duration // of its expires parameter; negative where it has none
	Q        int           // preference in thousandths, 0 to 1000
	Instance string        // +sip.instance without quotes: "<urn:uuid:...>"
	RegID    int           // reg-id, 0 where there is none
}

// maxContacts bounds what one request may bring.
const maxContacts = 32

// ParseContacts reads the values of a REGISTER's Contact headers, each of which
// may hold several contacts. star is true for the lone "*" that means all.
func ParseContacts(values []string) (contacts []Contact, star bool, err error) {
	for _, rest := range values {
		for {
			if rest = strings.TrimLeft(rest, " \t\r\n,"); rest == "" {
				break
			}
			if rest[0] == '*' {
				star, rest = true, rest[1:]
			} else {
				var c Contact
				if c, rest, err = parseContact(rest); err != nil {
					return nil, false, err
				}
				contacts = append(contacts, c)
			}
			if rest = strings.TrimLeft(rest, " \t\r\n"); rest != "" && rest[0] != ',' {
				return nil, false, fmt.Errorf("%w: no comma after a contact", errContact)
			}
			if len(contacts) > maxContacts {
				return nil, false, fmt.Errorf("%w: more than %d in one request", errContact, maxContacts)
			}
		}
	}
	if star && len(contacts) > 0 {
		return nil, false, fmt.Errorf("%w: * beside other contacts", errContact)
	}
	return contacts, star, nil
}

// parseContact reads one contact: a name-addr or addr-spec and its parameters.
func parseContact(s string) (c Contact, rest string, err error) {
	c = Contact{Expires: -1, Q: 1000}
	if c.URI, rest, err = parseAddress(s); err != nil {
		return c, "", err
	}
	if _, err = parseURI(c.URI); err != nil {
		return c, "", err
	}
	// What follows > or an addr-spec are parameters of the header.
	for {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if rest == "" || rest[0] != ';' {
			return c, rest, nil
		}
		var name, value string
		if name, value, rest, err = parseParameter(rest[1:]); err != nil {
			return c, "", err
		}
		c.set(name, value)
	}
}

// set takes one parameter. A value that cannot be read counts as the default,
// as RFC 3261, section 20.19, wants it for expires.
func (c *Contact) set(name, value string) {
	switch strings.ToLower(name) {
	case "expires":
		c.Expires = defaultExpires
		if n, err := strconv.ParseUint(value, 10, 32); err == nil {
			c.Expires = time.Duration(n) * time.Second
		}
	case "q":
		if f, err := strconv.ParseFloat(value, 64); err == nil && f >= 0 && f <= 1 {
			c.Q = int(f*1000 + 0.5)
		}
	case "+sip.instance":
		if printable(value) {
			c.Instance = value
		}
	case "reg-id":
		if n, err := strconv.ParseUint(value, 10, 31); err == nil {
			c.RegID = int(n)
		}
	}
}

// parseAddress reads `"name" <uri>`, `<uri>` or `uri`.
func parseAddress(s string) (address, rest string, err error) {
	if s != "" && s[0] == '"' {
		if _, s, err = parseQuoted(s); err != nil {
			return "", "", err
		}
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" || s[0] != '<' {
			return "", "", fmt.Errorf("%w: a name without an address", errContact)
		}
	}
	end := strings.IndexAny(s, "<,;")
	if end >= 0 && s[end] == '<' {
		address, rest, ok := strings.Cut(s[end+1:], ">")
		if !ok {
			return "", "", fmt.Errorf("%w: < without >", errContact)
		}
		return strings.TrimSpace(address), rest, nil
	}
	if end < 0 {
		end = len(s)
	}
	return strings.TrimSpace(s[:end]), s[end:], nil
}

// parseParameter reads `name`, `name=value` or `name="value"`.
func parseParameter(s string) (name, value, rest string, err error) {
	end := strings.IndexAny(s, "=;,")
	if end < 0 {
		return strings.TrimSpace(s), "", "", nil
	}
	name = strings.TrimSpace(s[:end])
	if s[end] != '=' {
		return name, "", s[end:], nil
	}
	rest = strings.TrimLeft(s[end+1:], " \t\r\n")
	if rest != "" && rest[0] == '"' {
		value, rest, err = parseQuoted(rest)
		return name, value, rest, err
	}
	if end = strings.IndexAny(rest, ";,"); end < 0 {
		end = len(rest)
	}
	return name, strings.TrimSpace(rest[:end]), rest[end:], nil
}

// parseQuoted reads the quoted-string that s begins with.
func parseQuoted(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", fmt.Errorf("%w: quoted string has no end", errContact)
}
