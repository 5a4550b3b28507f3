package sdp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Limits on what a peer may send. A browser's description with video is about
// 10 KB; a telephone's is under one.
const (
	MaxSize    = 64 << 10 // bytes of a description
	maxLines   = 1000
	maxMedia   = 32
	maxFormats = 128 // of one media line: there are no more payload types
)

// SyntaxError says which line of a description could not be read.
type SyntaxError struct {
	Line   int    // counted from 1
	Text   string // its beginning
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("sdp line %d %q: %s", e.Line, e.Text, e.Reason)
}

// Parse reads a description. It takes lines that end with LF alone and passes
// over what it has no use for, but refuses what it cannot read where it matters:
// the error is a *SyntaxError. The result does not refer to b.
func Parse(b []byte) (*Description, error) {
	if len(b) > MaxSize {
		return nil, &SyntaxError{Reason: fmt.Sprintf("%d bytes are more than the limit of %d", len(b), MaxSize)}
	}
	p := parser{text: string(b)}
	for p.next() {
		if reason := p.take(); reason != "" {
			return nil, p.fail(reason)
		}
	}
	if !p.begun {
		return nil, &SyntaxError{Line: 1, Reason: "empty"}
	}
	return &p.d, nil
}

// parser goes through the text line by line. media points to the media line
// that following lines belong to, nil before the first.
type parser struct {
	d       Description
	media   *Media
	text    string // what is left
	begun   bool   // v=0 was seen
	line    int    // of current, from 1
	current string
}

func (p *parser) fail(reason string) error {
	return &SyntaxError{Line: p.line, Text: p.current[:min(len(p.current), 60)], Reason: reason}
}

// next moves to the next line that is not empty.
func (p *parser) next() bool {
	for p.text != "" {
		p.current, p.text, _ = strings.Cut(p.text, "\n")
		p.current = strings.TrimRight(p.current, "\r")
		p.line++
		if p.current != "" {
			return true
		}
	}
	return false
}

// take reads the current line and says what is wrong with it, "" for nothing.
func (p *parser) take() string {
	if p.line > maxLines {
		return "too many lines"
	}
	if len(p.current) < 2 || p.current[1] != '=' {
		return "not of the form x=value"
	}
	if strings.ContainsAny(p.current, "\x00\r") {
		return "control characters"
	}
	key, value := p.current[0], strings.TrimSpace(p.current[2:])
	if !p.begun && (key != 'v' || value != "0") {
		return "a description begins with v=0"
	}
	p.begun = true
	switch key {
	case 'o':
		return p.origin(value)
	case 's':
		if p.media == nil {
			p.d.Name = value
		}
	case 'c':
		return p.connection(value)
	case 'm':
		return p.mediaLine(value)
	case 'a':
		return p.attribute(value)
	}
	return ""
}

// origin counts its fields from the end: some devices put spaces into the name.
func (p *parser) origin(value string) string {
	f := strings.Fields(value)
	n := len(f)
	if n < 6 {
		return "o= needs six fields"
	}
	p.d.Origin = Origin{
		User:      strings.Join(f[:n-5], " "),
		SessionID: f[n-5],
		Version:   f[n-4],
		Address:   f[n-1],
	}
	return ""
}

// connection keeps the first c= of each part; further ones are the layers of a
// multicast session (RFC 8866, 5.7).
func (p *parser) connection(value string) string {
	f := strings.Fields(value)
	if len(f) < 3 || !strings.EqualFold(f[0], "IN") {
		return "c= needs IN, IP4 or IP6, and an address"
	}
	host, _, _ := strings.Cut(f[2], "/")
	if host == "" {
		return "c= without an address"
	}
	to := &p.d.Connection
	if p.media != nil {
		to = &p.media.Connection
	}
	if *to == "" {
		*to = host
	}
	return ""
}

func (p *parser) mediaLine(value string) string {
	f := strings.Fields(value)
	if len(f) < 4 {
		return "m= needs a kind, a port, a profile and a format"
	}
	if len(p.d.Media) == maxMedia {
		return "too many media lines"
	}
	if len(f)-3 > maxFormats {
		return "too many formats"
	}
	digits, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "port is not a number from 0 to 65535"
	}
	p.d.Media = append(p.d.Media, Media{
		Kind:    strings.ToLower(f[0]),
		Port:    int(port),
		Profile: f[2],
		Formats: f[3:],
	})
	p.media = &p.d.Media[len(p.d.Media)-1]
	return ""
}

func (p *parser) attribute(value string) string {
	name, rest, _ := strings.Cut(value, ":")
	name = strings.TrimSpace(name)
	if name == "" {
		return "a= without a name"
	}
	to := &p.d.Attributes
	if p.media != nil {
		to = &p.media.Attributes
	}
	*to = append(*to, Attribute{Name: name, Value: strings.TrimSpace(rest)})
	return ""
}

// Append writes the description to the end of dst, with CRLF after each line.
func (d *Description) Append(dst []byte) []byte {
	dst = append(dst, "v=0\r\n"...)
	dst = line(dst, 'o', orDash(d.Origin.User), orZero(d.Origin.SessionID), orZero(d.Origin.Version),
		"IN", family(d.Origin.Address), orAny(d.Origin.Address))
	dst = line(dst, 's', orDash(d.Name))
	dst = connectionLine(dst, d.Connection)
	dst = append(dst, "t=0 0\r\n"...)
	dst = attributeLines(dst, d.Attributes)
	for i := range d.Media {
		m := &d.Media[i]
		dst = line(dst, 'm', append([]string{m.Kind, strconv.Itoa(m.Port), m.Profile}, m.Formats...)...)
		dst = connectionLine(dst, m.Connection)
		dst = attributeLines(dst, m.Attributes)
	}
	return dst
}

// String is the description as it goes over the wire.
func (d *Description) String() string { return string(d.Append(nil)) }

// Equal reports whether both would be written alike.
func (d *Description) Equal(e *Description) bool {
	return bytes.Equal(d.Append(nil), e.Append(nil))
}

func line(dst []byte, key byte, fields ...string) []byte {
	dst = append(dst, key, '=')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, f...)
	}
	return append(dst, '\r', '\n')
}

func connectionLine(dst []byte, host string) []byte {
	if host == "" {
		return dst
	}
	return line(dst, 'c', "IN", family(host), host)
}

func attributeLines(dst []byte, list []Attribute) []byte {
	for _, a := range list {
		if a.Value == "" {
			dst = line(dst, 'a', a.Name)
		} else {
			dst = line(dst, 'a', a.Name+":"+a.Value)
		}
	}
	return dst
}

func family(host string) string {
	if strings.Contains(host, ":") {
		return "IP6"
	}
	return "IP4"
}

func orDash(s string) string { return or(s, "-") }
func orZero(s string) string { return or(s, "0") }
func orAny(s string) string  { return or(s, "0.0.0.0") }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
