package trace

import (
	"bytes"
	"net/netip"
	"strings"
)

// Packet is a message as it went over the network.
type Packet struct {
	Out           bool // we sent it
	Again         bool // sent or received before
	Secret        bool // its body is not to be shown
	Cut           bool // Data is its first line only, because too much was kept already
	Transport     string
	Local, Remote netip.AddrPort
	Data          []byte // as it went; see Redacted
}

// First is the first line of the message.
func (p *Packet) First() string { return string(firstLine(p.Data)) }

func firstLine(data []byte) []byte {
	line, _, _ := bytes.Cut(data, []byte("\r\n"))
	return line
}

// Header is the first value of a header, by its long or its compact name; ""
// where there is none.
func (p *Packet) Header(name, compact string) string {
	head, _, _ := bytes.Cut(p.Data, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		key = bytes.TrimSpace(key)
		if ok && (bytes.EqualFold(key, []byte(name)) || compact != "" && bytes.EqualFold(key, []byte(compact))) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// secretHeaders carry what proves a password. With the rest of the message it
// would be enough to guess weak ones without asking us.
var secretHeaders = []string{"authorization", "proxy-authorization"}

// Redacted is the message without what must stay secret: what proves a password
// (RFC 3261, 20.7 and 20.28), keys of SRTP (RFC 4568) and, where Secret, the
// body. Each octet taken out becomes an x, so that all lengths stay true.
func (p *Packet) Redacted() []byte {
	data := bytes.Clone(p.Data)
	rest, hidden, body := data, false, false
	for len(rest) > 0 {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case body:
			redactBody(line, p.Secret)
		case len(line) == 0:
			body = true
		case line[0] == ' ' || line[0] == '\t': // continues the header before (RFC 3261, 7.3.1)
			if hidden {
				mask(line)
			}
		default:
			hidden = redactHeader(line)
		}
	}
	return data
}

// redactHeader masks a header that is secret, all but its scheme, and reports
// whether it was one.
func redactHeader(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return false
	}
	name = bytes.TrimSpace(name)
	for _, secret := range secretHeaders {
		if strings.EqualFold(string(name), secret) {
			value = bytes.TrimLeft(value, " \t")
			if scheme := bytes.IndexByte(value, ' '); scheme >= 0 && scheme <= len("Digest") {
				value = value[scheme:]
			}
			mask(value)
			return true
		}
	}
	return false
}

func redactBody(line []byte, secret bool) {
	if secret {
		mask(line)
		return
	}
	for _, mark := range []string{"inline:", "a=key-mgmt:", "k="} {
		at := bytes.Index(line, []byte(mark))
		if at < 0 || mark != "inline:" && at > 0 {
			continue
		}
		mask(line[at+len(mark):])
	}
}

// mask overwrites everything but blanks.
func mask(b []byte) {
	for i, c := range b {
		if c != ' ' && c != '\t' {
			b[i] = 'x'
		}
	}
}
